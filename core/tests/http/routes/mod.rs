//! The paths and their handlers, and servers inside other HTTP servers.

mod embedded;
mod pages;
#[cfg(feature = "tower")]
mod tower;
