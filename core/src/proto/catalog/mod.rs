//! Definitions of tools, resources and prompts as clients read them.

pub mod cache;
pub mod definition;
#[cfg(test)]
pub(super) mod definition_tests;
pub mod header_params;
pub mod kind;
pub(crate) mod members;
