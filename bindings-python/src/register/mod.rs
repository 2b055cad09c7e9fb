//! Registration: entries with their handlers, settings of servers, and limits.

pub(super) mod handler;
pub(super) mod handlers;
pub(super) mod limits;
pub(super) mod option_json;
pub(super) mod registration;
pub(super) mod settings;
