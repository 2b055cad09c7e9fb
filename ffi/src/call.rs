//! One call, as its callback sees it.

use crate::fields::Fields;
use crate::guard::*;
use crate::handlers::Handler;
use crate::status::*;
use parking_lot::Mutex;
use std::ffi::c_char;
use std::sync::Arc;
use tenon_mcp::{CallContext, CallId, Event, HostCall, HostPort, Outcome};

/// One call of a tool. The callback gets it, borrowed: it lives until the callback returns, or longer with
/// tenon_call_retain(). Any thread may use it, several at once too.
///
/// The first completion ends the call; the handle stays valid until its release. What is done with a call that has
/// ended fails with TENON_ERR_STALE and has no effect.
pub struct tenon_call {
    pub(crate) port: HostPort,
    pub(crate) id: CallId,
    pub(crate) context: Arc<CallContext>,
    pub(crate) arguments: Fields,
    pub(crate) progress: Mutex<Progress>,
    process: u32,
    // Last, and only held: keeps the program's data alive as long as the call.
    _handler: Arc<Handler>,
}

/// How far the program has come with its call.
#[derive(Default)]
pub(crate) struct Progress {
    pub(crate) completed: bool,
    /// A question was asked; unless completed, the attempt ends with it.
    pub(crate) suspended: bool,
    pub(crate) retained: bool,
    /// Why the program may have given up: what the call ends with if it says nothing else.
    pub(crate) failed: Option<Outcome>,
}

impl tenon_call {
    pub(crate) fn new(port: HostPort, call: HostCall, handler: Arc<Handler>, process: u32) -> tenon_call {
        tenon_call {
            port,
            id: call.id,
            context: call.context,
            arguments: Fields::new("argument", call.arguments),
            progress: Mutex::default(),
            process,
            _handler: handler,
        }
    }

    pub(crate) fn check_fork(&self) -> Result<()> {
        if self.process == std::process::id() {
            return Ok(());
        }
        Err(Failure::new(TENON_ERR_FORKED, "the call belongs to the process that this one was forked off"))
    }

    pub(crate) fn complete(&self, outcome: Outcome) -> Result<tenon_status> {
        self.check_fork()?;
        let first = !std::mem::replace(&mut self.progress.lock().completed, true);
        if first && self.port.complete(self.id, outcome).is_ok() {
            return Ok(TENON_OK);
        }
        Err(Failure::stale())
    }

    /// Passes a result on and keeps the reason of a failure, for a callback that just returns because of it.
    pub(crate) fn note<T>(&self, result: Result<T>) -> Result<T> {
        if let Err(failure) = &result
            && !matches!(failure.status, TENON_ERR_STALE | TENON_ERR_FORKED)
        {
            self.progress.lock().failed = Some(Outcome::Failed(failure.message.clone()));
        }
        result
    }
}

impl Drop for tenon_call {
    fn drop(&mut self) {
        let progress = self.progress.get_mut();
        if progress.completed || self.process != std::process::id() {
            return;
        }
        let name = &self.context.tool.name;
        let outcome = if progress.suspended {
            Outcome::Suspend
        } else if let Some(failed) = progress.failed.take() {
            failed
        } else if progress.retained {
            Outcome::Failed(format!("the call of tool {name:?} was released without being completed"))
        } else {
            Outcome::Failed(format!("the handler of tool {name:?} returned without completing the call"))
        };
        let _ = self.port.complete(self.id, outcome);
    }
}

/// Keeps a call beyond the return of its callback, so that it can be completed later, from any thread. Each retain needs
/// one tenon_call_release().
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tenon_call_retain(call: *mut tenon_call) -> tenon_status {
    // SAFETY: NULL or a live call, which the library holds in an `Arc`.
    entry(|| unsafe {
        let state = object(call, "call")?;
        state.check_fork()?;
        state.progress.lock().retained = true;
        Arc::increment_strong_count(call);
        Ok(TENON_OK)
    })
}

/// Gives up a call that was kept with tenon_call_retain(). When nobody holds a call that was not completed, it fails. NULL
/// is ignored.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tenon_call_release(call: *mut tenon_call) {
    entry_or((), || {
        if !call.is_null() {
            // SAFETY: a live call, of which the caller gives up the count it took.
            unsafe { Arc::decrement_strong_count(call) };
        }
    });
}

/// The arguments: a JSON object that satisfies the tool's input schema. `*json` is not NUL-terminated; it is borrowed
/// and lives as long as the call.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tenon_call_arguments(
    call: *const tenon_call,
    json: *mut *const c_char,
    len: *mut usize,
) -> tenon_status {
    // SAFETY: handle and outputs by the contract of the header.
    entry(|| unsafe {
        place(json, "json")?;
        place(len, "len")?;
        write_text(json, len, object(call, "call")?.arguments.object().as_bytes());
        Ok(TENON_OK)
    })
}

/// The integer argument `name`.
///
/// Fails with TENON_ERR_NOT_FOUND if it is absent and with TENON_ERR_TYPE if it is no integer of 64 bits. A callback that
/// returns because of such a failure, without completing the call, fails the call with that reason; so do the other
/// tenon_call_arg_ functions.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tenon_call_arg_int64(
    call: *const tenon_call,
    name: *const c_char,
    out: *mut i64,
) -> tenon_status {
    // SAFETY: handle, string and output by the contract of the header.
    entry(|| unsafe {
        place(out, "out")?;
        let call = object(call, "call")?;
        write(out, call.note(call.arguments.int64(text(name, "name")?))?);
        Ok(TENON_OK)
    })
}

/// The numeric argument `name`. See tenon_call_arg_int64().
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tenon_call_arg_double(
    call: *const tenon_call,
    name: *const c_char,
    out: *mut f64,
) -> tenon_status {
    // SAFETY: handle, string and output by the contract of the header.
    entry(|| unsafe {
        place(out, "out")?;
        let call = object(call, "call")?;
        write(out, call.note(call.arguments.double(text(name, "name")?))?);
        Ok(TENON_OK)
    })
}

/// The boolean argument `name`. See tenon_call_arg_int64().
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tenon_call_arg_bool(
    call: *const tenon_call,
    name: *const c_char,
    out: *mut bool,
) -> tenon_status {
    // SAFETY: handle, string and output by the contract of the header.
    entry(|| unsafe {
        place(out, "out")?;
        let call = object(call, "call")?;
        write(out, call.note(call.arguments.bool(text(name, "name")?))?);
        Ok(TENON_OK)
    })
}

/// The string argument `name`, with its escapes decoded: UTF-8, NUL-terminated, though it may hold NULs of its own. It
/// is borrowed and lives as long as the call. `len` may be NULL. See tenon_call_arg_int64().
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tenon_call_arg_string(
    call: *const tenon_call,
    name: *const c_char,
    string: *mut *const c_char,
    len: *mut usize,
) -> tenon_status {
    // SAFETY: handle, string and outputs by the contract of the header; the copy lives as long as the call.
    entry(|| unsafe {
        place(string, "string")?;
        let call = object(call, "call")?;
        let found = call.note(call.arguments.string(text(name, "name")?))?;
        write_text(string, len, (*found).as_bytes());
        Ok(TENON_OK)
    })
}

/// The argument `name` as JSON text, of any type. It is not NUL-terminated; it is borrowed and lives as long as the call.
/// See tenon_call_arg_int64().
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tenon_call_arg_json(
    call: *const tenon_call,
    name: *const c_char,
    json: *mut *const c_char,
    len: *mut usize,
) -> tenon_status {
    // SAFETY: handle, string and outputs by the contract of the header.
    entry(|| unsafe {
        place(json, "json")?;
        place(len, "len")?;
        let call = object(call, "call")?;
        write_text(json, len, call.note(call.arguments.json(text(name, "name")?))?);
        Ok(TENON_OK)
    })
}

/// The name of the tool that is called, for callbacks that serve several. Borrowed, not NUL-terminated.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tenon_call_tool_name(
    call: *const tenon_call,
    name: *mut *const c_char,
    len: *mut usize,
) -> tenon_status {
    // SAFETY: handle and outputs by the contract of the header.
    unsafe { borrowed(call, name, len, |call| Some(call.context.tool.name.as_bytes())) }
}

/// The id of the request as JSON text: a string with its quotes, or an integer. Borrowed, not NUL-terminated.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tenon_call_request_id(
    call: *const tenon_call,
    json: *mut *const c_char,
    len: *mut usize,
) -> tenon_status {
    // SAFETY: handle and outputs by the contract of the header.
    unsafe { borrowed(call, json, len, |call| Some(call.context.request_id.raw().as_bytes())) }
}

/// The protocol version in force, such as "2025-11-25". Borrowed, not NUL-terminated.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tenon_call_protocol_version(
    call: *const tenon_call,
    version: *mut *const c_char,
    len: *mut usize,
) -> tenon_status {
    // SAFETY: handle and outputs by the contract of the header.
    unsafe { borrowed(call, version, len, |call| Some(call.context.client.revision.as_str().as_bytes())) }
}

/// What the client says about itself: a JSON object with its name and version. Borrowed, not NUL-terminated. Fails with
/// TENON_ERR_NOT_FOUND if it says nothing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tenon_call_client_info(
    call: *const tenon_call,
    json: *mut *const c_char,
    len: *mut usize,
) -> tenon_status {
    // SAFETY: handle and outputs by the contract of the header.
    unsafe { borrowed(call, json, len, |call| call.context.client.info.as_ref().map(|info| info.as_bytes())) }
}

/// The metadata of the request as it was sent: a JSON object. Borrowed, not NUL-terminated. Fails with
/// TENON_ERR_NOT_FOUND if there is none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tenon_call_meta(
    call: *const tenon_call,
    json: *mut *const c_char,
    len: *mut usize,
) -> tenon_status {
    // SAFETY: handle and outputs by the contract of the header.
    unsafe { borrowed(call, json, len, |call| call.context.meta.as_ref().map(|meta| meta.as_bytes())) }
}

/// Hands out a piece of a call. The arguments are those of the entry points.
unsafe fn borrowed(
    call: *const tenon_call,
    ptr: *mut *const c_char,
    len: *mut usize,
    find: impl FnOnce(&tenon_call) -> Option<&[u8]>,
) -> tenon_status {
    // SAFETY: handle and outputs by the contract of the header.
    entry(|| unsafe {
        place(ptr, "output")?;
        place(len, "len")?;
        let found = find(object(call, "call")?);
        let found = found.ok_or_else(|| Failure::new(TENON_ERR_NOT_FOUND, "the request has none"))?;
        write_text(ptr, len, found);
        Ok(TENON_OK)
    })
}

/// Whether the call has ended: completed, cancelled, timed out, or its client is gone. Long callbacks look now and then,
/// and return when it is true. True for NULL and in a forked child.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tenon_call_is_cancelled(call: *const tenon_call) -> bool {
    // SAFETY: handle by the contract of the header.
    entry_or(true, || unsafe {
        call.as_ref().is_none_or(|call| call.check_fork().is_err() || call.port.is_cancelled(call.id))
    })
}

/// Reports progress. `total` below 0, or not a number, means unknown; `message` may be NULL. It is dropped if the client
/// did not ask for progress, or if `progress` is not more than last time.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tenon_call_progress(
    call: *mut tenon_call,
    progress: f64,
    total: f64,
    message: *const c_char,
) -> tenon_status {
    // SAFETY: handle and string by the contract of the header.
    entry(|| unsafe {
        let call = object(call, "call")?;
        call.check_fork()?;
        let message = optional_text(message, "message")?.map(str::to_owned);
        let total = (total.is_finite() && total >= 0.0).then_some(total);
        call.port
            .emit(call.id, Event::Progress { progress, total, message })
            .map_err(|_| Failure::stale())?;
        Ok(TENON_OK)
    })
}
