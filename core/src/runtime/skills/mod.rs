//! Skills in a folder of the file system.

mod folder;
mod tree;
mod worker;

pub(crate) use folder::Folder;
pub(crate) use worker::Worker;
