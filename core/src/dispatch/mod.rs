//! The tables of registered entries and of calls in flight, and the limits. This layer knows no transport and reads
//! no clock.

pub(crate) mod access;
pub mod aead;
pub(crate) mod audit;
pub mod calls;
pub mod environment;
#[cfg(test)]
mod environment_tests;
pub mod limits;
pub mod log;
pub(crate) mod media;
pub(crate) mod nearest_name;
pub mod observer;
pub mod options;
#[cfg(any(feature = "runtime", test, fuzzing))]
pub(crate) mod path_pattern;
pub(crate) mod policy;
pub(crate) mod principal;
#[cfg(test)]
pub(crate) mod random_tests;
#[cfg_attr(not(feature = "runtime"), allow(dead_code))]
pub(crate) mod rate_table;
pub mod registry;
pub(crate) mod route;
#[cfg_attr(not(feature = "runtime"), allow(dead_code))]
pub(crate) mod shares;
pub(crate) mod shrinking_map;
pub(crate) mod skills;
pub mod store;
pub(crate) mod tasks;
pub(crate) mod timed_cache;
pub mod uri_template;
pub mod validation;
#[cfg(any(feature = "runtime", test, fuzzing))]
pub(crate) mod web_pages;
