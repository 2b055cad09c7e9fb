//! The transports and their options: one table each, and the types of Rust that have these options.
//!
//! To add an option, write a row in `table.rs`; to add a transport, one in `transports.rs`.

pub(super) mod addresses;
pub(super) mod allowed;
pub(super) mod configured;
pub(super) mod http;
mod reader;
pub(super) mod table;
#[cfg(test)]
mod tests;
pub(super) mod transports;
pub(crate) mod types;
pub(super) mod unix;
pub(super) mod web;
