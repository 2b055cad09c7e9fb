//! The framing of messages in a stream of bytes: lines, and server-sent events.

pub mod line;
pub mod sse;
