//! Tasks: calls that outlive the request that began them. A task's call is an ordinary call whose sink writes into
//! the task's record. This module has only what is specific to tasks.
//!
//! Lock order: first a shard of the call table, then a task's own state; never the other way round.

mod begin;
mod end;
mod input;
mod live;
mod requests;
mod results;
mod save;
mod stored;
mod tend;
mod watch;

pub(super) use begin::{TaskMode, task_mode};
pub(super) use live::{Live, Tasks};
