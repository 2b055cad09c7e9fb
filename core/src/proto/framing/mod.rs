//! How messages follow each other in a stream of bytes: lines, and server-sent events.

pub mod line;
pub mod sse;
