//! Entries: tools, resources, prompts and other kinds, with their callbacks.

// In the order of the header; rustfmt sorts within a group only.
pub(super) mod kind;

pub(super) mod param;

pub(super) mod entry;

pub(super) mod register;

pub(super) mod policies;

pub(super) mod resilience;

pub(super) mod ui_skills;

pub(super) mod page;

pub(super) mod handlers;
