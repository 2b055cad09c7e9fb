//! Python values to JSON and back: arguments, results, and answers of clients.

pub(super) mod answers;
pub(super) mod arguments;
pub(super) mod outcome;
pub(super) mod principal;
pub(super) mod read;
pub(super) mod write;
