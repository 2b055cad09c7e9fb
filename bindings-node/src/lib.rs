//! The native part of the npm package `tenon-mcp`: it moves batches between the engine and one JavaScript environment.
//!
//! Everything here belongs to one environment, which is the main thread or a worker. Only signals, and the servers that
//! own the process, are global. Engine threads hold only a [`crate::calls::wake::Waker`]. Code that uses a `napi_env`
//! runs on the environment's own thread.

mod calls;
#[cfg_attr(test, allow(dead_code))]
mod enum_names;
mod error;
mod log;
mod platform;
mod register;
mod serve;
mod test_client;
