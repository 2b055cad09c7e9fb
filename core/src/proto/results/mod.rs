//! Results of calls, and the shape that each revision gives them.

pub mod assemble;
pub(super) mod body;
pub(crate) mod content;
pub(crate) mod frame;
pub mod result;
#[cfg(test)]
pub(super) mod result_tests;
pub mod shape;
pub(crate) mod structured;
