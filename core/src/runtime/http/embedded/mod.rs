//! The endpoint inside of a program's own HTTP server: no listener, but a start and an end like those of one.
//!
//! [`Embedded`] is a function from requests to responses for programs with futures; [`Exchange`] is the same request taken
//! apart, for those that have callbacks or a loop of their own, which is what the other languages are built on.

mod exchange;
mod head;
mod options;
mod ready;
mod served;
mod service;
mod ticker;

pub use exchange::{Exchange, Step};
pub use head::RequestHead;
pub use options::EmbedOptions;
pub use ready::Ready;
pub use service::{Embedded, EmbeddedBody};
