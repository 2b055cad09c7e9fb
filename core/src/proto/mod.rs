//! The protocol without I/O.

pub mod line;
pub mod sse;
