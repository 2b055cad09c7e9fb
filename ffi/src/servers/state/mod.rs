//! The state behind the handle of a server.

mod registry;
mod run_call;
pub(crate) mod server_state;
mod start;
