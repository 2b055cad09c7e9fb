//! Registration and options: entries, settings of servers, options of `listen()`.

pub(super) mod entry;
pub(super) mod limits;
pub(super) mod settings;
pub(super) mod settings_tree;
pub(super) mod values;
