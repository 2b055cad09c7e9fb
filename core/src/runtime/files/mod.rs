//! Reads files of a folder that the program named. No path leads out of the folder.

mod inline;
mod root;
mod tags;

pub(crate) use inline::view;
pub(crate) use root::{Item, Root, Stamp};
