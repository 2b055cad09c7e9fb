//! What a program has registered, and the lists that clients read of it.

pub mod catalog;
pub mod entry;
pub(crate) mod mount_names;
pub mod page;
pub mod registered;
