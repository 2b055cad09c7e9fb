//! Where handlers run: inline, on executors and in queues. And which handlers run at the same time.

mod admission;
mod concurrency;
mod inline;
mod inline_local;
pub(crate) mod local_handlers;
mod races;
mod random_model;
mod reentrant_hosts;
