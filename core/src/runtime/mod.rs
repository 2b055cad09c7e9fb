//! The only place with threads, sockets, descriptors and the clock.

mod accept;
mod address;
mod allowed;
mod client_address;
mod clock;
mod connections;
mod environment;
mod executor;
mod files;
mod given;
pub mod http;
mod in_process;
mod io;
mod lifecycle;
mod lines;
mod mailbox;
mod memory;
#[cfg(test)]
mod memory_tests;
mod opened;
mod options;
mod platform;
mod pool;
mod reactor;
mod running;
mod seat;
mod serve;
mod shared;
mod signals;
mod skills;
mod stall;
mod stdio;
mod thread;
mod timer;
mod transport;
mod unix;
mod web_options;
mod workers;

pub use environment::SystemEnvironment;
pub(crate) use files::view;
pub use memory::{MemoryClient, MemoryStream, memory};
pub use options::{HttpOptions, ServeOptions, UnixOptions};
pub use running::Running;
pub(crate) use skills::{Folder, Worker};
pub use stdio::open_missing as open_standard;
pub use web_options::{SseOptions, WebSocketOptions};
