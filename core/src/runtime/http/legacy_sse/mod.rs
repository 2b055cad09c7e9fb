//! HTTP+SSE of revision 2024-11-05. This folder is for the server side. A client side would be a file `client.rs` here.

pub(super) mod endpoint;
mod stream;
