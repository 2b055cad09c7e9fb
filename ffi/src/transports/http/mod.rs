//! Requests that the program's own HTTP server received.

// In the order of the header; rustfmt sorts within a group only.
pub(crate) mod request;

pub(crate) mod response;

pub(crate) mod wake;
