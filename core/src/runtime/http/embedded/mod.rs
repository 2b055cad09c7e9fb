//! The endpoint for a program's own HTTP server. It has no listener, but it starts and ends like a transport with a
//! listener.
//!
//! [`Embedded`] is a function from requests to responses, for programs that use futures. [`Exchange`] handles one
//! request in separate steps, for programs that use callbacks or their own event loop. The bindings for other languages
//! use [`Exchange`].

mod exchange;
mod head;
mod options;
mod ready;
mod server;
mod service;
mod ticker;
#[cfg(feature = "tower")]
mod tower;

pub use exchange::{Exchange, Step};
pub use head::RequestHead;
pub use options::EmbedOptions;
pub use ready::Ready;
pub(in crate::runtime) use server::EmbeddedTransport;
pub use service::{Embedded, EmbeddedBody};
