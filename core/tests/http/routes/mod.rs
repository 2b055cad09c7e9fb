//! The paths and their handlers, and servers inside other HTTP servers.

mod embedded;
mod pages;
mod table;
#[cfg(feature = "tower")]
mod tower;
