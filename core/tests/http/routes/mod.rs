//! Which path is answered by what, and servers inside of other servers.

mod embedded;
mod pages;
#[cfg(feature = "tower")]
mod tower;
