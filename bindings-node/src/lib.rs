//! The native part of the npm package `tenon-mcp`: it moves batches between the engine and one JavaScript environment.
//!
//! Everything here belongs to one environment (the main thread, or one worker): nothing is global but the
//! servers that the process belongs to, and its signals. Engine threads hold only a [`crate::calls::wake::Waker`]; whatever touches a `napi_env` runs on the environment's own thread.

mod calls;
#[cfg_attr(test, allow(dead_code))]
mod enum_names;
mod error;
mod log;
mod platform;
mod register;
mod serve;
mod test_client;
