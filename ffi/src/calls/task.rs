//! Calls that become tasks.

use crate::abi::error::tenon_error;
use crate::abi::guard::*;
use crate::abi::status::*;
use crate::calls::ask::refused;
use crate::calls::call::tenon_call;
use crate::entries::entry::tenon_entry;
use std::ffi::c_char;
use tenon_mcp::{Event, TaskSupport};

/// Sets whether calls of a tool may become tasks. A task outlives its connection, and clients poll it until it has its
/// result. `support` is "forbidden" (the default), "optional" (if the client supports tasks) or "required" (other
/// clients are refused).
///
/// The call of a task is like any other: its callback runs, its client may cancel it, and it may ask questions. Only
/// its timeout differs, TENON_LIMIT_TASK_TIMEOUT_MS, and its questions are part of the task until its client answers.
///
/// Fails with TENON_ERR_INVALID for any other word.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tenon_tool_set_task_support(
    entry: *mut tenon_entry,
    support: *const c_char,
) -> tenon_status {
    entry!(entry = live_entry(entry), support = tried_text(support) => entry.set(|entry| {
        let word = support?;
        let support = TaskSupport::named(word).ok_or_else(|| {
            let text = format!("support must be forbidden, optional or required, not {word:?}");
            Failure::new(TENON_ERR_INVALID, text)
        })?;
        entry.change(|entry| entry.task_support(support));
        Ok(())
    }))
}

/// Makes the call of a tool with the policy "defer_task" a task; see tenon_entry_set(). The client is notified of the
/// task at once. Later questions go to the client that polls the task. If the client does not support tasks, the call
/// continues as before.
///
/// On success `*is_task` says whether the call is a task now; it may be NULL. Fails with TENON_ERR_INVALID while a
/// question of the call waits for its answer. Fails with TENON_ERR_STALE if the call has ended. The call also ends if
/// there are as many tasks as the limits allow; its client has then received that error.
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

/// Sets the status text of the call's task. If the call is not a task, nothing is sent. tenon_call_get() gives the
/// task's id as "task_id".
///
/// Fails with TENON_ERR_STALE if the call has ended.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tenon_call_set_status(call: *mut tenon_call, text: *const c_char) -> tenon_status {
    entry!(call = object(call), text = text(text) => {
        call.report(Event::status(text))?;
        Ok(TENON_OK)
    })
}
