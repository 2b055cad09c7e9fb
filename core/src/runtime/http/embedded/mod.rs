//! The endpoint inside a program's own HTTP server. It has no listener, but it starts and ends as a listener does.
//!
//! [`Embedded`] is a function from requests to responses, for programs with futures. [`Exchange`] is the same request
//! in separate steps, for programs with callbacks or with their own event loop. The bindings to other languages are
//! built on it.

mod exchange;
mod head;
mod options;
mod ready;
mod service;
mod ticker;
#[cfg(feature = "tower")]
mod tower;
mod transport;

pub use exchange::{Exchange, Step};
pub use head::RequestHead;
pub use options::EmbedOptions;
pub use ready::Ready;
pub use service::{Embedded, EmbeddedBody};
pub(in crate::runtime) use transport::EmbeddedTransport;
