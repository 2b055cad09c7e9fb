//! The arguments and the context of a call, its progress reports and its log messages.

use crate::abi::args::{Out, write_text};
use crate::abi::error::tenon_error;
use crate::abi::guard::*;
use crate::abi::json::{json_principal, json_text, json_within};
use crate::abi::status::*;
use crate::calls::ask::refused;
use crate::calls::call::tenon_call;
use crate::entries::handlers::UserData;
use crate::entries::kind::tenon_kind;
use std::ffi::{c_char, c_void};
use std::ptr;
use std::sync::Arc;
use tenon_mcp::{CONTEXT_FIELDS, CallContext, Event, JsonSlice, Level};

/// Keeps a call after its callback has returned, so that any thread can complete it later. Each retain needs one
/// tenon_call_release().
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tenon_call_retain(call: *mut tenon_call) -> tenon_status {
    entry!(call = shared(call) => {
        call.check_fork()?;
        call.retain();
        // From here on the program holds it.
        let _ = Arc::into_raw(call);
        Ok(TENON_OK)
    })
}

/// Releases a call that was kept with tenon_call_retain(). After the last release, a call that was not
/// completed fails. NULL is ignored.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tenon_call_release(call: *mut tenon_call) {
    value!((); call = released(call) => drop(call));
}

/// The arguments, a JSON object. Those of a tool satisfy its schema. A template gets its variables, a prompt its
/// arguments, and a completion "value" and "arguments". A method or a notification gets its parameters, and a hook gets
/// a description of its event. `*json` is not NUL-terminated; it is borrowed and lives as long as the call.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tenon_call_arguments(
    call: *const tenon_call,
    json: *mut *const c_char,
    len: *mut usize,
) -> tenon_status {
    entry!(json = out(json), len = out(len), call = object(call) => {
        call.clear_reason();
        write_text(call.arguments.object().as_bytes(), json, Some(len));
        Ok(TENON_OK)
    })
}

/// The integer argument `name`. `name` is the name of an argument, or a JSON pointer (RFC 6901) into the arguments,
/// such as "/size/width" or "/points/0/x". A `name` that begins with a slash is a pointer. In a pointer, ~1 means a
/// slash in a name, and ~0 means a ~.
///
/// Fails with TENON_ERR_NOT_FOUND if the argument is absent, and with TENON_ERR_TYPE if it is not an integer of 64
/// bits. Fails with TENON_ERR_INVALID if the name begins with a slash but is not a valid pointer.
///
/// If a callback returns after such a failure without completing the call, the call fails with that reason. The other
/// tenon_call_arg_ functions do the same. The reason is forgotten once the callback has read another argument, kept the
/// call, reported progress, logged or asked a question.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tenon_call_arg_int64(
    call: *const tenon_call,
    name: *const c_char,
    out: *mut i64,
) -> tenon_status {
    entry!(out = out(out), call = object(call), name = text(name) => {
        out.write(call.record_failure(call.arguments.int64(name))?);
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
        out.write(call.record_failure(call.arguments.double(name))?);
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
        out.write(call.record_failure(call.arguments.bool(name))?);
        Ok(TENON_OK)
    })
}

/// The string argument `name`, with its escapes decoded, in UTF-8. It is NUL-terminated, but may contain NULs. It is
/// borrowed and lives as long as the call. `len` may be NULL. See tenon_call_arg_int64().
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tenon_call_arg_string(
    call: *const tenon_call,
    name: *const c_char,
    string: *mut *const c_char,
    len: *mut usize,
) -> tenon_status {
    entry!(string = out(string), len = optional_out(len), call = object(call), name = text(name) => {
        write_text(call.record_failure(call.arguments.string(name))?, string, len);
        Ok(TENON_OK)
    })
}

/// The argument `name` as JSON text, of any type. It is not NUL-terminated; it is borrowed and lives as long as the
/// call. See tenon_call_arg_int64().
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tenon_call_arg_json(
    call: *const tenon_call,
    name: *const c_char,
    json: *mut *const c_char,
    len: *mut usize,
) -> tenon_status {
    entry!(json = out(json), len = out(len), call = object(call), name = text(name) => {
        write_text(call.record_failure(call.arguments.json(name))?, json, Some(len));
        Ok(TENON_OK)
    })
}

/// The kind of the call's entry: one of the TENON_KIND_ values; 0 for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tenon_call_kind(call: *const tenon_call) -> tenon_kind {
    value!(0; call = maybe(call) => call.map_or(0, |call| call.context.entry.kind.number() as tenon_kind))
}

/// The name of the call's entry, for callbacks that serve several entries. For a resource it is the URI, for a template
/// or a provider the template. Borrowed, not NUL-terminated.
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

/// The address of the resource that is read. Borrowed, not NUL-terminated. Fails with TENON_ERR_NOT_FOUND if the call
/// does not read a resource.
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
/// [context]
///
/// The text is not NUL-terminated; it is borrowed and lives as long as the call.
///
/// Fails with TENON_ERR_NOT_FOUND if the call does not have the field, and with TENON_ERR_INVALID if there is no such
/// field.
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
            let text = format!("there is no field {field:?}; the fields are {all}");
            return Err(Failure::new(TENON_ERR_INVALID, text));
        }
        let none = || Failure::new(TENON_ERR_NOT_FOUND, "the call has no such value");
        let found = call.lend(field, || call.context.get(field).ok_or_else(none))?;
        lend(Some(found), json, len)
    })
}

/// The client's settings for an extension of the protocol, a JSON object. `id` is the extension's identifier. Borrowed,
/// not NUL-terminated. Fails with TENON_ERR_NOT_FOUND if the client does not support the extension.
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

/// Makes a principal that of the client, from its next request on: JSON of `len` bytes, or up to the first NUL with
/// TENON_NUL. It is a string, or an object with the members of "principal" in tenon_call_get(), of which only "subject"
/// is needed. It works where one connection is one client: standard input and output, sockets with lines, WebSocket,
/// and clients in the process. The callback of a tool that checks a password may call it.
///
/// Fails with TENON_ERR_STATE over HTTP, where each request needs its own credentials. Fails with TENON_ERR_INVALID if
/// the value is no principal or its credential has expired, with TENON_ERR_JSON, and with TENON_ERR_STALE if the call has
/// ended.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tenon_call_login(
    call: *mut tenon_call,
    json: *const c_char,
    len: usize,
    err: *mut *mut tenon_error,
) -> tenon_status {
    entry!(err; call = object(call), json = tried_slice(json, len) => {
        call.check_fork()?;
        let principal = json_principal(json?)?;
        if call.has_ended() {
            return Err(Failure::stale());
        }
        call.port.login(call.id, principal)?;
        Ok(TENON_OK)
    })
}

/// The id of the request as JSON text: a string with its quotes, or an integer. Borrowed, not NUL-terminated. Fails
/// with TENON_ERR_NOT_FOUND if the call is not a request.
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

/// The client's description of itself: a JSON object with its name and version. Borrowed, not NUL-terminated. Fails
/// with TENON_ERR_NOT_FOUND if the client sent none.
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

/// The client's capabilities, in this request or its session: a JSON object, empty if the client declared none.
/// Borrowed, not NUL-terminated.
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

/// The id of the HTTP session that the call belongs to. Borrowed, not NUL-terminated. Fails with TENON_ERR_NOT_FOUND if
/// there is none: over stdio, and for clients of 2026-07-28 or later.
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

/// Lends a text of a call.
fn lend(found: Option<&[u8]>, ptr: Out<'_, *const c_char>, len: Out<'_, usize>) -> Result<tenon_status> {
    let found = found.ok_or_else(|| Failure::new(TENON_ERR_NOT_FOUND, "the call has no such value"))?;
    write_text(found, ptr, Some(len));
    Ok(TENON_OK)
}

/// The pointer that tenon_http_set_user_data() set on the call's HTTP request; NULL if there is none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tenon_call_http_user_data(call: *const tenon_call) -> *mut c_void {
    value!(ptr::null_mut(); call = maybe(call) => {
        let attachment = call.and_then(|call| call.context.arrival.attachment.as_ref());
        attachment.and_then(|it| it.get::<UserData>()).map_or(ptr::null_mut(), |data| data.pointer)
    })
}

/// Whether the call has ended: it was completed or cancelled, it timed out, or its client is gone. Long callbacks
/// should check it regularly and return if it is true. True for NULL and in a forked child.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tenon_call_is_cancelled(call: *const tenon_call) -> bool {
    value!(true; call = maybe(call) => call.is_none_or(tenon_call::has_ended))
}

/// Reports progress. `total` is unknown if it is below 0 or not a number. `message` may be NULL. The report is dropped
/// if the client did not ask for progress, or if `progress` is not greater than last time.
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

/// Ends the HTTP response that the client waits for, but not the call or its stream. The client reconnects after
/// TENON_LIMIT_STREAM_RETRY_MS to get the rest. A call that takes long therefore holds no connection; messages that the
/// call sends meanwhile wait. `*closed` says whether the client will reconnect. It is false, and nothing happens, in
/// these cases: the call does not belong to an HTTP session of 2025-11-25, the client takes no stream, or the stream is
/// closed already. `closed` may be NULL.
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

/// Sends the client a log message: `text` is `len` bytes of UTF-8, or up to the first NUL with TENON_NUL. `level` is
/// "debug", "info", "notice", "warning", "error", "critical", "alert" or "emergency". `logger` is the part of the
/// program that logs, and may be NULL. The message is dropped if the client wants only higher levels.
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
        return Err(Failure::new(
            TENON_ERR_INVALID,
            format!("there is no level {level:?}; the levels are {all}"),
        ));
    }
    call.report(Event::log(level, logger, data))?;
    Ok(TENON_OK)
}

/// The value that was stored under `key` in this attempt of the call or an earlier one: JSON text, not NUL-terminated.
/// It is borrowed and lives as long as the call. Fails with TENON_ERR_NOT_FOUND if there is none.
///
/// A callback that asks a question runs again from its top when the answer has come. To do something only once, do it
/// only if this function finds nothing, and store its result with tenon_call_once_put() before asking.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tenon_call_once_get(
    call: *const tenon_call,
    key: *const c_char,
    json: *mut *const c_char,
    len: *mut usize,
) -> tenon_status {
    entry!(json = out(json), len = out(len), call = object(call), key = text(key) => {
        call.check_fork()?;
        let none = || Failure::new(TENON_ERR_NOT_FOUND, format!("nothing is stored under {key:?}"));
        let name = format!("once {key}");
        let found = call.lend(&name, || call.port.once_get(call.id, key).ok_or_else(none))?;
        lend(Some(found), json, len)
    })
}

/// Stores the result of something that must be done only once under `key`: JSON text of `len` bytes, or up to the first
/// NUL with TENON_NUL. See tenon_call_once_get().
///
/// The result is stored until the call has ended. A client of 2026-07-28 carries it, sealed. All results together must
/// therefore fit in TENON_LIMIT_STATE_BYTES, and there may be TENON_LIMIT_ASKS of them.
///
/// Fails with TENON_ERR_INVALID if there is no room, or if there is already a result under the key. Fails with
/// TENON_ERR_JSON, and with TENON_ERR_STALE if the call has ended.
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
        let value = value.and_then(|value| json_within(value, "the result to store", call.max_depth));
        let kept = call.port.once_put(call.id, key, call.record_failure(value)?);
        kept.map_err(|error| refused(call, error))?;
        Ok(TENON_OK)
    })
}
