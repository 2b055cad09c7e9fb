//! What a callback asks its call: arguments, context, and to say how far it has come.

use crate::abi::args::{Out, write_text};
use crate::abi::error::tenon_error;
use crate::abi::guard::*;
use crate::abi::json::{json_text, json_within};
use crate::abi::status::*;
use crate::calls::ask::refused;
use crate::calls::call::tenon_call;
use crate::entries::handlers::UserData;
use crate::entries::kind::tenon_kind;
use std::ffi::{c_char, c_void};
use std::ptr;
use std::sync::Arc;
use tenon_mcp::{CONTEXT_FIELDS, CallContext, Event, JsonSlice, Level};

/// Keeps a call beyond the return of its callback, so that it can be completed later, from any thread. Each retain needs
/// one tenon_call_release().
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tenon_call_retain(call: *mut tenon_call) -> tenon_status {
    entry!(call = shared(call) => {
        call.check_fork()?;
        call.retain();
        // The program's from here on.
        let _ = Arc::into_raw(call);
        Ok(TENON_OK)
    })
}

/// Gives up a call that was kept with tenon_call_retain(). When nobody holds a call that was not completed, it fails. NULL
/// is ignored.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tenon_call_release(call: *mut tenon_call) {
    value!((); call = given_up(call) => drop(call));
}

/// The arguments, a JSON object. A tool's satisfy its schema. A template has its variables, a prompt its arguments, and a
/// completion "value" and "arguments". A method or a notification has its parameters, and a hook what happened. `*json` is
/// not NUL-terminated; it is borrowed and lives as long as the call.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tenon_call_arguments(
    call: *const tenon_call,
    json: *mut *const c_char,
    len: *mut usize,
) -> tenon_status {
    entry!(json = out(json), len = out(len), call = object(call) => {
        call.went_on();
        write_text(call.arguments.object().as_bytes(), json, Some(len));
        Ok(TENON_OK)
    })
}

/// The integer argument `name`: the name of an argument, or a JSON pointer (RFC 6901) into the arguments, such as
/// "/size/width" or "/points/0/x". What begins with a slash is a pointer; in one ~1 stands for a slash in a name, ~0 for a ~.
///
/// Fails with TENON_ERR_NOT_FOUND if it is absent, with TENON_ERR_TYPE if it is no integer of 64 bits, and with
/// TENON_ERR_INVALID if it is no pointer although it begins like one. A callback that returns because of such a failure,
/// without completing the call, fails the call with that reason; so it is with the other tenon_call_arg_ functions. It goes
/// on, and has not let the failure through, once it has read another argument, kept the call, reported progress, logged or
/// asked something.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tenon_call_arg_int64(
    call: *const tenon_call,
    name: *const c_char,
    out: *mut i64,
) -> tenon_status {
    entry!(out = out(out), call = object(call), name = text(name) => {
        out.write(call.note(call.arguments.int64(name))?);
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
    entry!(out = out(out), call = object(call), name = text(name) => {
        out.write(call.note(call.arguments.double(name))?);
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
    entry!(out = out(out), call = object(call), name = text(name) => {
        out.write(call.note(call.arguments.bool(name))?);
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
    entry!(string = out(string), len = optional_out(len), call = object(call), name = text(name) => {
        write_text(call.note(call.arguments.string(name))?, string, len);
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
    entry!(json = out(json), len = out(len), call = object(call), name = text(name) => {
        write_text(call.note(call.arguments.json(name))?, json, Some(len));
        Ok(TENON_OK)
    })
}

/// What the call's entry is: one of the TENON_KIND_ values; 0 for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tenon_call_kind(call: *const tenon_call) -> tenon_kind {
    value!(0; call = maybe(call) => call.map_or(0, |call| call.context.entry.kind.number() as tenon_kind))
}

/// The name of the call's entry, for callbacks that serve several: of a resource its URI, of a template or a provider the
/// template. Borrowed, not NUL-terminated.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tenon_call_name(
    call: *const tenon_call,
    name: *mut *const c_char,
    len: *mut usize,
) -> tenon_status {
    entry!(name = out(name), len = out(len), call = object(call) => {
        lend(Some(call.context.entry.name.as_bytes()), name, len)
    })
}

/// The address of the resource that is read. Borrowed, not NUL-terminated. Fails with TENON_ERR_NOT_FOUND in what reads no
/// resource.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tenon_call_uri(
    call: *const tenon_call,
    uri: *mut *const c_char,
    len: *mut usize,
) -> tenon_status {
    entry!(uri = out(uri), len = out(len), call = object(call) => {
        lend(call.context.uri.as_ref().map(|uri| uri.as_bytes()), uri, len)
    })
}

/// A field of the call's context, as JSON text. The fields are:
///
/// - "request_id", "kind", "name", "uri", "protocol_version", "client_info", "client_capabilities", "meta", "session_id";
/// - "trace": the request's trace context;
/// - "log_level": the lowest level of log messages that the client wants;
/// - "headers": those of the HTTP request, with names in lower case;
/// - "principal": who sent the request, if that is known;
/// - "task_id": the task that the call is.
///
/// The text is not NUL-terminated; it is borrowed and lives as long as the call.
///
/// Fails with TENON_ERR_NOT_FOUND if the call has none, and with TENON_ERR_INVALID if there is no such thing at all.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tenon_call_get(
    call: *const tenon_call,
    field: *const c_char,
    json: *mut *const c_char,
    len: *mut usize,
) -> tenon_status {
    entry!(json = out(json), len = out(len), call = object(call), field = text(field) => {
        if !CallContext::has_field(field) {
            let all = CONTEXT_FIELDS.iter().map(|field| field.name).collect::<Vec<_>>().join(", ");
            let text = format!("a call has no {field:?}; it has {all}");
            return Err(Failure::new(TENON_ERR_INVALID, text));
        }
        let none = || Failure::new(TENON_ERR_NOT_FOUND, "the request has none");
        let found = call.lend(field, || call.context.get(field).ok_or_else(none))?;
        lend(Some(found), json, len)
    })
}

/// The client's settings of an extension of the protocol, a JSON object, by the extension's id. Borrowed, not NUL-terminated.
/// Fails with TENON_ERR_NOT_FOUND if the client does not have the extension.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tenon_call_extension(
    call: *const tenon_call,
    id: *const c_char,
    json: *mut *const c_char,
    len: *mut usize,
) -> tenon_status {
    entry!(json = out(json), len = out(len), call = object(call), id = text(id) => {
        let none = || Failure::new(TENON_ERR_NOT_FOUND, format!("the client has no extension {id:?}"));
        let found = call.lend(&format!("extension {id}"), || call.context.extension(id).ok_or_else(none))?;
        lend(Some(found), json, len)
    })
}

/// The id of the request as JSON text: a string with its quotes, or an integer. Borrowed, not NUL-terminated. Fails with
/// TENON_ERR_NOT_FOUND in what is no request.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tenon_call_request_id(
    call: *const tenon_call,
    json: *mut *const c_char,
    len: *mut usize,
) -> tenon_status {
    entry!(json = out(json), len = out(len), call = object(call) => {
        lend(call.context.request_id.as_ref().map(|id| id.raw().as_bytes()), json, len)
    })
}

/// The protocol version in force, such as "2025-11-25". Borrowed, not NUL-terminated.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tenon_call_protocol_version(
    call: *const tenon_call,
    version: *mut *const c_char,
    len: *mut usize,
) -> tenon_status {
    entry!(version = out(version), len = out(len), call = object(call) => {
        lend(Some(call.context.client.revision.as_str().as_bytes()), version, len)
    })
}

/// What the client says about itself: a JSON object with its name and version. Borrowed, not NUL-terminated. Fails with
/// TENON_ERR_NOT_FOUND if it says nothing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tenon_call_client_info(
    call: *const tenon_call,
    json: *mut *const c_char,
    len: *mut usize,
) -> tenon_status {
    entry!(json = out(json), len = out(len), call = object(call) => {
        lend(call.context.client.info.as_ref().map(|info| info.as_bytes()), json, len)
    })
}

/// What the client can do, in this request or its session: a JSON object, empty if it said nothing. Borrowed, not
/// NUL-terminated.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tenon_call_client_capabilities(
    call: *const tenon_call,
    json: *mut *const c_char,
    len: *mut usize,
) -> tenon_status {
    entry!(json = out(json), len = out(len), call = object(call) => {
        lend(Some(call.context.client.capabilities.as_bytes()), json, len)
    })
}

/// The id of the HTTP session the call came in. Borrowed, not NUL-terminated. Fails with TENON_ERR_NOT_FOUND where there is
/// none: over stdio, and from clients of 2026-07-28 on.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tenon_call_session_id(
    call: *const tenon_call,
    id: *mut *const c_char,
    len: *mut usize,
) -> tenon_status {
    entry!(id = out(id), len = out(len), call = object(call) => {
        lend(call.context.session_id.as_ref().map(|id| id.as_bytes()), id, len)
    })
}

/// The metadata of the request as it was sent: a JSON object. Borrowed, not NUL-terminated. Fails with
/// TENON_ERR_NOT_FOUND if there is none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tenon_call_meta(
    call: *const tenon_call,
    json: *mut *const c_char,
    len: *mut usize,
) -> tenon_status {
    entry!(json = out(json), len = out(len), call = object(call) => {
        lend(call.context.meta.as_ref().map(|meta| meta.as_bytes()), json, len)
    })
}

/// Hands out a piece of a call.
fn lend(found: Option<&[u8]>, ptr: Out<'_, *const c_char>, len: Out<'_, usize>) -> Result<tenon_status> {
    let found = found.ok_or_else(|| Failure::new(TENON_ERR_NOT_FOUND, "the request has none"))?;
    write_text(found, ptr, Some(len));
    Ok(TENON_OK)
}

/// The pointer of tenon_http_set_user_data(), of the request that brought the call; NULL where there is none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tenon_call_http_user_data(call: *const tenon_call) -> *mut c_void {
    value!(ptr::null_mut(); call = maybe(call) => {
        let attachment = call.and_then(|call| call.context.arrival.attachment.as_ref());
        attachment.and_then(|it| it.get::<UserData>()).map_or(ptr::null_mut(), |data| data.pointer)
    })
}

/// Whether the call has ended: completed, cancelled, timed out, or its client is gone. Long callbacks look now and then,
/// and return when it is true. True for NULL and in a forked child.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tenon_call_is_cancelled(call: *const tenon_call) -> bool {
    value!(true; call = maybe(call) => call.is_none_or(tenon_call::has_ended))
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
    entry!(call = object(call), message = optional_text(message) => {
        let total = (total.is_finite() && total >= 0.0).then_some(total);
        call.report(Event::progress(progress, total, message))?;
        Ok(TENON_OK)
    })
}

/// Ends the response that the client waits on, and neither the call nor its stream: the client comes back for what follows,
/// after TENON_LIMIT_STREAM_RETRY_MS. So a call that takes long holds no connection; what is said meanwhile waits. `*closed`
/// says whether the client will come back: false, and nothing happens, outside of HTTP sessions of 2025-11-25, where the
/// client takes no stream, or where it is closed already. `closed` may be NULL.
///
/// Fails with TENON_ERR_STALE if the call has ended.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tenon_call_close_stream(call: *mut tenon_call, closed: *mut bool) -> tenon_status {
    entry!(closed = optional_out(closed), call = object(call) => {
        let found = call.close_stream()?;
        if let Some(closed) = closed {
            closed.write(found);
        }
        Ok(TENON_OK)
    })
}

/// Sends the client a log message: a text, `len` bytes of UTF-8 or up to the first NUL with TENON_NUL. `level` is "debug",
/// "info", "notice", "warning", "error", "critical", "alert" or "emergency"; `logger`, the part of the program that speaks,
/// may be NULL. It is dropped if the client wants less.
///
/// Fails with TENON_ERR_INVALID if there is no such level.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tenon_call_log(
    call: *mut tenon_call,
    level: *const c_char,
    logger: *const c_char,
    text: *const c_char,
    len: usize,
) -> tenon_status {
    entry!(call = object(call), level = text(level), logger = optional_text(logger), data = tried_slice(text, len) => {
        log(call, level, logger, &json_text(data?))
    })
}

/// Sends the client a log message that is any JSON value. See tenon_call_log(). Fails also with TENON_ERR_JSON.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tenon_call_log_json(
    call: *mut tenon_call,
    level: *const c_char,
    logger: *const c_char,
    json: *const c_char,
    len: usize,
) -> tenon_status {
    entry!(call = object(call), level = text(level), logger = optional_text(logger), data = tried_slice(json, len) => {
        log(call, level, logger, &json_within(data?, "data", call.max_depth)?)
    })
}

fn log(call: &tenon_call, level: &str, logger: Option<&str>, data: &JsonSlice) -> Result<tenon_status> {
    if Level::named(level).is_none() {
        let all = Level::all().map(Level::as_str).collect::<Vec<_>>().join(", ");
        return Err(Failure::new(TENON_ERR_INVALID, format!("there is no level {level:?}; there are {all}")));
    }
    call.report(Event::log(level, logger, data))?;
    Ok(TENON_OK)
}

/// What was kept under `key` in an earlier attempt of this call, or in this one: JSON text, not NUL-terminated; it is
/// borrowed and lives as long as the call. Fails with TENON_ERR_NOT_FOUND if there is nothing.
///
/// A callback that asks runs again from its top when the answer is there. What it must not do twice it does only if this
/// finds nothing, and keeps its result with tenon_call_once_put() before it asks.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tenon_call_once_get(
    call: *const tenon_call,
    key: *const c_char,
    json: *mut *const c_char,
    len: *mut usize,
) -> tenon_status {
    entry!(json = out(json), len = out(len), call = object(call), key = text(key) => {
        call.check_fork()?;
        let none = || Failure::new(TENON_ERR_NOT_FOUND, format!("nothing is kept under {key:?}"));
        let name = format!("once {key}");
        let found = call.lend(&name, || call.port.once_get(call.id, key).ok_or_else(none))?;
        lend(Some(found), json, len)
    })
}

/// Keeps the result of something done under `key`: JSON text, `len` bytes or up to the first NUL with TENON_NUL. See
/// tenon_call_once_get().
///
/// It is kept for as long as the call goes on. A client of 2026-07-28 carries it, sealed, so that all results together must
/// fit TENON_LIMIT_STATE_BYTES, and there may be TENON_LIMIT_ASKS of them. Fails with TENON_ERR_INVALID if there is no
/// room, or if something is kept under the key already; with TENON_ERR_JSON; with TENON_ERR_STALE if the call has ended.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tenon_call_once_put(
    call: *mut tenon_call,
    key: *const c_char,
    json: *const c_char,
    len: usize,
    err: *mut *mut tenon_error,
) -> tenon_status {
    entry!(err; call = object(call), key = text(key), value = tried_slice(json, len) => {
        call.check_fork()?;
        let value = value.and_then(|value| json_within(value, "what is to be kept", call.max_depth));
        let kept = call.port.once_put(call.id, key, call.note(value)?);
        kept.map_err(|error| refused(call, error))?;
        Ok(TENON_OK)
    })
}
