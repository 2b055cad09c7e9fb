//! Files of a folder that the program named, read so that nothing leads out of it.

mod inline;
mod root;
mod tags;

pub(crate) use inline::view;
pub(crate) use root::{Item, Root, Stamp};
