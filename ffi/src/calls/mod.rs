//! A call as its callback sees it: its arguments and context, its questions to the client, and its result.

// In the order of the header; rustfmt sorts within a group only.
pub(super) mod call;

pub(super) mod context;

pub(super) mod cancel;

pub(super) mod complete;

pub(super) mod result;

pub(super) mod writer;

pub(super) mod ask;

pub(super) mod answer;

pub(super) mod task;

pub(super) mod middleware;

pub(super) mod json_accessors;
pub(super) mod middleware_call;
pub(super) mod reentrancy;
