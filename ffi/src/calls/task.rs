//! Calls that become tasks.

use crate::abi::error::tenon_error;
use crate::abi::guard::*;
use crate::abi::status::*;
use crate::calls::ask::refused;
use crate::calls::call::tenon_call;
use crate::entries::entry::tenon_entry;
use std::ffi::c_char;
use tenon_mcp::{Event, TaskSupport};

/// Whether calls of a tool may become tasks, which outlive their connection and are looked at until they have their result:
/// "forbidden" (the default), "optional" (where the client can have tasks), "required" (other clients are refused).
///
/// A task's call is one like any other: its callback runs, is cancelled by its client, asks. Only its time limit is
/// another, TENON_LIMIT_TASK_TIMEOUT_MS, and what it asks stands in the task until its client answers.
///
/// Fails with TENON_ERR_INVALID if the word is none of these.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tenon_tool_set_task_support(
    entry: *mut tenon_entry,
    support: *const c_char,
) -> tenon_status {
    entry!(entry = live_entry(entry), support = tried_text(support) => entry.set(|entry| {
        let word = support?;
        let support = TaskSupport::named(word).ok_or_else(|| {
            let text = format!("task support must be forbidden, optional or required, not {word:?}");
            Failure::new(TENON_ERR_INVALID, text)
        })?;
        entry.change(|entry| entry.task_support(support));
        Ok(())
    }))
}

/// Has the call of a tool with the policy "defer_task" become a task; see tenon_entry_set(). Its client is told of the task
/// at once, and what is asked from now on is asked of whoever looks at the task. The call of a client that can have no tasks
/// is answered as always.
///
/// On success `*is_task` says whether the call is a task now; it may be NULL. Fails with TENON_ERR_INVALID while a question
/// of the call waits for its answer. Fails with TENON_ERR_STALE if the call has ended. It also ends if there are as many tasks
/// as the limits allow; its client has received that error then.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tenon_call_start_task(
    call: *mut tenon_call,
    is_task: *mut bool,
    err: *mut *mut tenon_error,
) -> tenon_status {
    entry!(err; call = object(call), is_task = optional_out(is_task) => {
        call.check_fork()?;
        let started = call.port.start_task(call.id).map_err(|error| refused(call, error))?;
        if let Some(is_task) = is_task {
            is_task.write(started);
        }
        Ok(TENON_OK)
    })
}

/// Says in words what the task that the call is does at present; a call that is no task says nothing. Its id is what
/// tenon_call_get() has as "task_id".
///
/// Fails with TENON_ERR_STALE if the call has ended.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tenon_call_set_status(call: *mut tenon_call, text: *const c_char) -> tenon_status {
    entry!(call = object(call), text = text(text) => {
        call.report(Event::status(text))?;
        Ok(TENON_OK)
    })
}
