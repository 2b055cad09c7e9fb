//! The protocol without I/O: revisions and eras, messages, lifecycle, shapes, framing.
//!
//! Nothing here knows handlers, the registry, sockets or the time.

pub mod envelope;
pub mod error;
pub mod http;
pub mod id;
pub mod lifecycle;
pub mod line;
pub mod message;
pub mod method;
pub mod shape;
pub mod sse;
pub mod version;
