//! Middleware: callbacks around calls.

use crate::abi::args::{Out, write_text};
use crate::abi::error::tenon_error;
use crate::abi::guard::*;
use crate::abi::json::json_within;
use crate::abi::status::*;
use crate::calls::call::tenon_call;
use crate::entries::entry::tenon_mode;
use crate::entries::handlers::{Handler, UserData, tenon_destroy_fn, tenon_handler_fn};
use crate::servers::server::tenon_server;
use std::ffi::{c_char, c_void};
use std::ptr;
use tenon_mcp::OutcomeKind;

/// The kind of an outcome: one of the TENON_OUTCOME_ values.
pub type tenon_outcome = i32;

/// Text or a JSON value; the outcome is that value.
pub const TENON_OUTCOME_VALUE: tenon_outcome = 0;
/// Bytes; the outcome is a string, their base64.
pub const TENON_OUTCOME_BYTES: tenon_outcome = 1;
/// Content blocks, messages or contents of a resource; the outcome is one or an array of them.
pub const TENON_OUTCOME_CONTENT: tenon_outcome = 2;
/// A whole result; the outcome is an object.
pub const TENON_OUTCOME_RESULT: tenon_outcome = 3;
/// A failure; the outcome is a string, the text for the client.
pub const TENON_OUTCOME_FAILED: tenon_outcome = 4;
/// A failure of the callback itself, such as a return without completing its call; the outcome is a string.
pub const TENON_OUTCOME_EXCEPTION: tenon_outcome = 5;
/// A protocol error; the outcome is an object with "code", "message" and perhaps "data".
pub const TENON_OUTCOME_ERROR: tenon_outcome = 6;

/// Adds middleware: a callback around calls. `operations` are words with spaces between them: "tool", "resource",
/// "prompt", "completion", "tool_list", "resource_list", "resource_template_list", "prompt_list", the protocol's own
/// names, or the name of a registered method. NULL means the first four. The callback that is added first is the
/// outermost. Middleware cannot be removed: it stays as long as the server.
///
/// The callback runs before the handler, and gets only valid calls: those of registered entries with arguments that
/// fit. It completes its call itself, or it runs the rest with tenon_call_next(). If it returns without either, the
/// call fails. It runs where the handler does. If the library itself answers the operation (views, skills, lists), it
/// runs in `mode`. After a question, the call begins with its outermost middleware again.
///
/// A list with middleware is no longer answered by the library alone; its result is a JSON object.
///
/// Fails with TENON_ERR_INVALID for an unknown word, and for an operation that only the library answers.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tenon_server_add_middleware(
    server: *mut tenon_server,
    operations: *const c_char,
    mode: tenon_mode,
    middleware: tenon_handler_fn,
    user_data: *mut c_void,
    destroy: tenon_destroy_fn,
    err: *mut *mut tenon_error,
) -> tenon_status {
    entry!(err; data = user_data(user_data, destroy), server = object(server), words = optional_text(operations) => {
        let function = middleware.ok_or_else(|| Failure::null("middleware"))?;
        let words: Option<Vec<_>> = words.map(|words| words.split_whitespace().collect());
        server.inner.add_middleware(words, mode, Handler::new(function, data))?;
        Ok(TENON_OK)
    })
}

/// Runs the rest of the chain after middleware: the next inner middleware, and at the end the handler. `arguments`
/// replace the call's arguments: a JSON object of `len` bytes, or up to the first NUL with TENON_NUL. They are prepared
/// and checked like those of a client. NULL leaves the arguments as they are. The rest may complete before this
/// function returns; a callback begins on this thread.
///
/// When the rest has an outcome, `after` is called with `data` and this call. It may read the outcome with
/// tenon_call_outcome(). It may complete the call with something else, keep it with tenon_call_retain(), or use
/// tenon_call_next() again. If it does none of these, or is NULL, the outcome is passed on unchanged. `after` runs on
/// the thread that completed the rest. If the library completed it, `after` runs in the mode of the middleware. If the
/// call ends meanwhile, `after` does not run. `destroy` runs exactly once in every case, and `data` and `destroy` may
/// be NULL.
///
/// Fails with TENON_ERR_STATE if the call is not that of middleware, or if the rest is running. Fails with
/// TENON_ERR_INVALID if the arguments do not fit, and with TENON_ERR_JSON if they are not JSON. Fails with
/// TENON_ERR_STALE if the call has ended.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tenon_call_next(
    call: *mut tenon_call,
    arguments: *const c_char,
    len: usize,
    after: tenon_handler_fn,
    data: *mut c_void,
    destroy: tenon_destroy_fn,
    err: *mut *mut tenon_error,
) -> tenon_status {
    let given = !arguments.is_null();
    let arguments = if given { arguments } else { c"{}".as_ptr() };
    let len = if given { len } else { 2 };
    entry!(err; data = user_data(data, destroy), call = shared(call), text = tried_slice(arguments, len) => {
        call.check_fork()?;
        call.clear_reason();
        let Some(position) = &call.position else {
            return Err(Failure::state("tenon_call_next() can only be called in middleware; this call is of a handler"));
        };
        let input = if given { Some(json_within(text?, "arguments", call.max_depth)?) } else { None };
        position.next(call.clone(), input, (after, data))
    })
}

/// The outcome of tenon_call_next(), once there is one. `*json` is not NUL-terminated; it is borrowed and lives as long
/// as the call. `kind` may be NULL.
///
/// Fails with TENON_ERR_STATE if there is no outcome yet.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tenon_call_outcome(
    call: *mut tenon_call,
    kind: *mut tenon_outcome,
    json: *mut *const c_char,
    len: *mut usize,
) -> tenon_status {
    entry!(kind = optional_out(kind), json = out(json), len = out(len), call = object(call) => {
        let rest_outcome = call.position.as_ref().and_then(|position| position.rest_outcome_at());
        let (rest_outcome, times) = rest_outcome.ok_or_else(|| Failure::state("there is no outcome yet; call tenon_call_next() first"))?;
        let (what, value) = rest_outcome.told();
        let text = call.lend(&format!("outcome {times}"), || Ok(value))?;
        write_text(text, json, Some(len));
        if let Some(kind) = kind {
            Out::write(kind, number(what));
        }
        Ok(TENON_OK)
    })
}

fn number(kind: OutcomeKind) -> tenon_outcome {
    match kind {
        OutcomeKind::Bytes => TENON_OUTCOME_BYTES,
        OutcomeKind::Content => TENON_OUTCOME_CONTENT,
        OutcomeKind::Result => TENON_OUTCOME_RESULT,
        OutcomeKind::Failed => TENON_OUTCOME_FAILED,
        OutcomeKind::Exception => TENON_OUTCOME_EXCEPTION,
        OutcomeKind::Error => TENON_OUTCOME_ERROR,
        _ => TENON_OUTCOME_VALUE,
    }
}

/// Stores a pointer with a call, which its middleware and its handler share. It replaces a pointer that was
/// stored before. `destroy`, which may be NULL, runs exactly once: when the pointer is replaced, or when the
/// call has ended and was released. If a call runs again because a client of 2026-07-28 has sent answers, it
/// begins without a pointer.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tenon_call_set_state(
    call: *mut tenon_call,
    state: *mut c_void,
    destroy: tenon_destroy_fn,
) -> tenon_status {
    entry!(data = user_data(state, destroy), call = object(call) => {
        call.check_fork()?;
        let before = call.context.state().insert::<UserData>(data);
        drop(before);
        Ok(TENON_OK)
    })
}

/// The pointer of tenon_call_set_state(); NULL if there is none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tenon_call_state(call: *const tenon_call) -> *mut c_void {
    value!(ptr::null_mut(); call = maybe(call) => {
        let kept = |data: Option<&mut UserData>| data.map_or(ptr::null_mut(), |data| data.pointer);
        call.map_or(ptr::null_mut(), |call| call.context.state().with(kept))
    })
}
