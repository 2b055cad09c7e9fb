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

/// What something came to: one of the TENON_OUTCOME_ values.
pub type tenon_outcome = i32;

/// Text or a JSON value: that value.
pub const TENON_OUTCOME_VALUE: tenon_outcome = 0;
/// Bytes: a string, their base64.
pub const TENON_OUTCOME_BYTES: tenon_outcome = 1;
/// Content blocks, messages or contents of a resource, one or an array.
pub const TENON_OUTCOME_CONTENT: tenon_outcome = 2;
/// A whole result, an object.
pub const TENON_OUTCOME_RESULT: tenon_outcome = 3;
/// A failure: a string, what the client is told.
pub const TENON_OUTCOME_FAILED: tenon_outcome = 4;
/// A failure of the callback itself, such as to return without completing its call: a string.
pub const TENON_OUTCOME_EXCEPTION: tenon_outcome = 5;
/// A protocol error: an object with "code", "message" and perhaps "data".
pub const TENON_OUTCOME_ERROR: tenon_outcome = 6;

/// Puts a callback around calls. `operations` are words with spaces between them: "tool", "resource", "prompt", "completion",
/// "tool_list", "resource_list", "resource_template_list", "prompt_list", the protocol's own names, or that of a registered
/// method. NULL stands for the first four. The first callback that is put around something is the outermost; it stays for the
/// life of the server.
///
/// The callback gets calls that are in order, those of what is registered and with arguments that fit, before their handler.
/// It completes its call itself, or has what follows run with tenon_call_next(). A callback that returns without either fails
/// the call. It runs where the handler does; where the library answers what it is around (views, skills, lists), in `mode`.
/// After a question, the call begins with its outermost middleware again.
///
/// A list with middleware around it is no longer answered by the library alone; its result is a JSON object.
///
/// Fails with TENON_ERR_INVALID for a word that stands for nothing, and for what the library alone answers.
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

/// Has what follows middleware run: that which is further inside, at last the handler. With `arguments` it is handed those,
/// a JSON object of `len` bytes, or up to the first NUL with TENON_NUL, which are made ready and checked as a client's are;
/// NULL leaves them as they are. What follows may complete before this returns; a callback begins on this thread.
///
/// When it has come to something, `after` is called with `data` and this call: it may look with tenon_call_outcome(), and
/// complete the call with something else, keep it with tenon_call_retain(), or use tenon_call_next() again. If it does
/// nothing of this, and where it is NULL, what followed passes on as it is. It runs on the thread that completed what
/// followed; where the library did, in the mode of the middleware. A call that ends meanwhile is not told of. `destroy` runs
/// exactly once in every case, and `data` and `destroy` may be NULL.
///
/// Fails with TENON_ERR_STATE if the call is not that of middleware, or if what follows is under way. Fails with
/// TENON_ERR_INVALID if the arguments do not fit, and with TENON_ERR_JSON if they are not JSON. Fails with TENON_ERR_STALE if
/// the call has ended.
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
        call.went_on();
        let Some(stage) = &call.stage else {
            return Err(Failure::state("nothing follows a handler; tenon_call_next() is for middleware"));
        };
        let input = if given { Some(json_within(text?, "arguments", call.max_depth)?) } else { None };
        stage.next(call.clone(), input, (after, data))
    })
}

/// What followed middleware came to, once it has: `*json` is not NUL-terminated; it is borrowed and lives as long as the call.
/// `kind` may be NULL.
///
/// Fails with TENON_ERR_STATE if nothing has followed yet.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tenon_call_outcome(
    call: *mut tenon_call,
    kind: *mut tenon_outcome,
    json: *mut *const c_char,
    len: *mut usize,
) -> tenon_status {
    entry!(kind = optional_out(kind), json = out(json), len = out(len), call = object(call) => {
        let came = call.stage.as_ref().and_then(|stage| stage.came_at());
        let (came, times) = came.ok_or_else(|| Failure::state("nothing has followed yet"))?;
        let (what, value) = came.told();
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

/// Keeps a pointer with a call, for its middleware and its handler to share; one that was kept before is given up.
/// `destroy`, which may be NULL, runs exactly once: when it is given up, or when the call is over and nobody holds it. A call
/// that is run again because a client of 2026-07-28 brought answers begins without.
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

/// The pointer of tenon_call_set_state(); NULL where there is none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tenon_call_state(call: *const tenon_call) -> *mut c_void {
    value!(ptr::null_mut(); call = maybe(call) => {
        let kept = |data: Option<&mut UserData>| data.map_or(ptr::null_mut(), |data| data.pointer);
        call.map_or(ptr::null_mut(), |call| call.context.state().with(kept))
    })
}
