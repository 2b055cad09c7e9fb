//! What a program registers: tools, resources, prompts and the like, with their callbacks.

pub(super) mod entry;
pub(super) mod handlers;
pub(super) mod kind;
pub(super) mod page;
pub(super) mod param;
pub(super) mod policy;
pub(super) mod register;
pub(super) mod ui_skills;
