//! Serving without I/O: clients in the process pass their messages to the engine directly.

mod server;

pub(super) use server::InProcess;
