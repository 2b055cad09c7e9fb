//! What is registered, what is in flight, what is bounded. Knows no transport and reads no clock.

pub mod arguments;
pub mod ask;
pub mod asks;
pub mod calls;
pub mod catalog;
pub mod entry;
pub mod environment;
#[cfg(test)]
mod format_tests;
pub mod headers;
pub mod limits;
pub mod log;
#[cfg(all(test, loom))]
mod loom_calls;
pub(crate) mod media;
pub(crate) mod mounted;
pub mod page;
pub(crate) mod places;
mod plan;
pub mod prompt_arguments;
pub(crate) mod room;
pub(crate) mod route;
pub mod schema;
pub mod seal;
#[cfg_attr(not(feature = "runtime"), allow(dead_code))]
pub(crate) mod shares;
pub(crate) mod skills;
mod sound;
pub mod store;
pub(crate) mod tasks;
// Expansion, and matching one template, are for tests.
#[allow(dead_code)]
pub mod uri_template;
#[cfg(any(feature = "runtime", test, fuzzing))]
pub(crate) mod web_pages;
