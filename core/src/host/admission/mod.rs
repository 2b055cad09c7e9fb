//! The steps of a call before its handler runs: costly argument checks and concurrency limits.

pub(super) mod argument_checks;
pub(super) mod chain;
pub(super) mod concurrency_limit;
