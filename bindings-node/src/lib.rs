//! The native part of the npm package `tenon-mcp`: it moves batches between the engine and one JavaScript environment.
//!
//! Everything here belongs to one environment (the main thread, or one worker): nothing is global but the
//! servers that the process belongs to, and its signals. Engine threads hold only a [`wake::Waker`]; whatever touches a `napi_env` runs on the environment's own thread.

mod answers;
mod batch;
mod calls;
mod embed;
mod entry;
mod error;
mod link;
mod log;
mod options;
mod owner;
mod platform;
mod server;
mod session;
mod settings;
// Functions that are exported as such are left out of test builds.
#[cfg_attr(test, allow(dead_code))]
mod signals;
mod speech;
mod transports;
mod unmounted;
mod wake;
mod web;
#[cfg_attr(test, allow(dead_code))]
mod words;
