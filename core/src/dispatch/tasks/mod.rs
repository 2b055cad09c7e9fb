//! Tasks: the state machine of a task, its record in the store, and the list of a principal's tasks.

mod index;
mod record;
mod task;

pub(crate) use index::{Index, TaskEntry};
pub(crate) use task::{Input, Task, seconds};

/// The key of a task's record.
pub(crate) fn key(id: &str) -> String {
    format!("task/{id}")
}
