//! The only place with threads, sockets, descriptors and the clock.

mod environment;
pub mod http;
mod options;
mod running;
mod serve;
mod stdio;
mod thread;
mod timer;

pub use environment::SystemEnvironment;
pub use options::{HttpOptions, ServeOptions, StdioOptions};
pub use running::Running;
