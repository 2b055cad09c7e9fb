//! Results of calls, and the shape that each revision gives them.

pub mod assemble;
pub(crate) mod content;
pub mod result;
#[cfg(test)]
pub(super) mod result_tests;
pub mod shape;
pub(crate) mod structured;
