//! The entries that a program has registered, and the lists of them that clients read.

mod argument_names;
pub mod catalog;
pub mod entry;
pub(crate) mod entry_policies;
pub(crate) mod mount_names;
pub mod page;
pub mod registered;
pub(crate) mod visible;
