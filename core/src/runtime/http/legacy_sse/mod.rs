//! HTTP+SSE of 2024-11-05. All of this folder is the server half; a client half would be `client.rs` beside it.

pub(super) mod endpoint;
mod stream;
