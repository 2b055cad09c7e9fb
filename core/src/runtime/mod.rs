//! The only place with threads, sockets, descriptors and the clock.

mod environment;
mod executor;
pub mod http;
mod lifecycle;
mod mailbox;
#[cfg(test)]
mod memory_tests;
mod options;
mod reactor;
mod running;
mod serve;
mod signals;
mod stall;
mod stdio;
mod thread;
mod timer;
mod transport;

pub use environment::SystemEnvironment;
pub use options::{HttpOptions, ServeOptions};
pub use running::Running;
