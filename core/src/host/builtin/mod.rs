//! What the engine answers itself, without a handler of the program: lists, completions, views and skills.

pub(super) mod completions;
pub(super) mod listing;
pub(super) mod skills;
pub(super) mod target;
pub(super) mod ui_views;
