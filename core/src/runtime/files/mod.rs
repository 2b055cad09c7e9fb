//! Reads files in a folder of the program. No path leads out of the folder.

mod inline;
mod root;
mod tags;

pub(crate) use inline::view;
pub(crate) use root::{Item, Root, Stamp};
