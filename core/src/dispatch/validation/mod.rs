//! Validates arguments and results against their schemas.

pub mod arguments;
pub(super) mod fast_validator;
#[cfg(test)]
pub(super) mod format_tests;
pub mod headers;
pub mod prompt_arguments;
pub mod schema;
pub(super) mod schema_precheck;
