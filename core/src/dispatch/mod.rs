//! What is registered, what is in flight, what is bounded. Knows no transport and reads no clock.

pub mod asks;
pub mod calls;
pub mod environment;
pub mod limits;
#[cfg(all(test, loom))]
mod loom_calls;
mod plan;
pub mod registry;
pub mod schema;
pub mod seal;
pub mod store;
pub mod tool;
