//! Where handlers run: inline, on executors and in queues. Which handlers run at the same time, and in which order.

mod admission;
mod callers;
mod concurrency;
mod inline;
mod inline_local;
pub(crate) mod local_handlers;
mod races;
mod random_model;
mod reentrant_hosts;
