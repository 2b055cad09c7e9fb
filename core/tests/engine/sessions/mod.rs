//! Sessions, subscriptions, and limits on what one client may make the engine hold.

mod limits;
mod listen_streams;
pub(crate) mod logs;
mod second_initialize;
mod subscriptions;
mod unanswered_calls;
mod undelivered;
