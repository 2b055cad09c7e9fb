//! The stages, each with what it decides and what it releases.

pub(in crate::host) mod argument_checks;
pub(super) mod authorization;
pub(super) mod cache_lookup;
pub(super) mod circuit_breaker;
pub(super) mod concurrency_limit;
pub(in crate::host) mod confirmation;
pub(in crate::host) mod once_only;
pub(super) mod rate_limit;
pub(super) mod server_start;
pub(super) mod task_record;
