//! The protocol without I/O: revisions and eras, messages, lifecycle, shapes, framing.
//!
//! Nothing here knows handlers, the registry, sockets or the time.

pub mod catalog;
pub(crate) mod client;
pub mod framing;
pub(crate) mod header_value;
pub mod http;
pub mod messages;
pub mod operation;
pub mod question;
pub mod results;
pub mod session;
pub mod version;
