//! HTTP+SSE of revision 2024-11-05. `server` starts the transport. A client half would be a file `client.rs` beside it.

mod endpoint;
mod server;
mod stream;
