//! The protocol without I/O: revisions and eras, messages, lifecycle, results, framing.
//!
//! This layer knows no handlers, no registry, no sockets and no clock.

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
