//! What observers are told, over every transport.

mod calls;
mod clients;
mod grammar;
mod recording;
mod scopes;
mod server;
