//! Tasks: calls that outlive the request that began them. A task's call is one like any other whose sink writes into the
//! task's record; what is specific is here.
//!
//! Lock order: a shard of the call table before a task's own state; never the other way round.

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

pub(super) use begin::{Wanted, wanted};
pub(super) use live::{Live, Tasks};
