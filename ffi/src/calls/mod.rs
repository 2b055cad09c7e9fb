//! A call as its callback sees it: its arguments and context, its questions to the client, and its result.

pub(super) mod answer;
pub(super) mod ask;
pub(super) mod call;
pub(super) mod cancel;
pub(super) mod complete;
pub(super) mod context;
pub(super) mod json_accessors;
pub(super) mod middleware;
pub(super) mod middleware_call;
pub(super) mod reentrancy;
pub(super) mod result;
pub(super) mod task;
pub(super) mod writer;
