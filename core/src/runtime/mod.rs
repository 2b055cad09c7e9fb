//! The only place with threads, sockets, descriptors and the clock.

mod environment;

pub use environment::SystemEnvironment;
