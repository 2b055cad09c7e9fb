//! The native part of the npm package `tenon-mcp`: it moves batches between the engine and one JavaScript environment.
//!
//! Everything here belongs to one environment (the main thread, or one worker): nothing is global. Engine threads hold
//! only a [`wake::Waker`]; whatever touches a `napi_env` runs on the environment's own thread.

mod answers;
mod batch;
mod calls;
mod error;
mod options;
mod server;
mod session;
mod wake;
