//! The ways to complete a call.

use crate::abi::error::tenon_error;
use crate::abi::guard::*;
use crate::abi::json::{json, json_within};
use crate::abi::status::*;
use crate::calls::call::tenon_call;
use std::ffi::{c_char, c_void};
use tenon_mcp::json::JsonWriter;
use tenon_mcp::{Outcome, RpcError};

/// Completes a call with text: `len` bytes of UTF-8, or up to the first NUL with TENON_NUL. The text is copied. For a
/// tool it is the text for the model, for a resource its contents, for a prompt one message of the user.
///
/// Fails with TENON_ERR_NULL or TENON_ERR_UTF8; the call can then still be completed. Fails with TENON_ERR_STALE if the
/// call has ended.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tenon_call_return_text(
    call: *mut tenon_call,
    text: *const c_char,
    len: usize,
) -> tenon_status {
    entry!(call = object(call), the_result = tried_slice(text, len) => {
        let text = call.record_failure(the_result)?.to_owned();
        call.complete(Outcome::Text(text))
    })
}

/// Completes a call with a JSON value: `len` bytes, or up to the first NUL with TENON_NUL. The text is copied. A JSON
/// string reaches the client as text. Any other value reaches it as JSON text, and also as structured content if the
/// tool is structured. For a completion it is an array of strings, for a provider's list an array of resources, for a
/// prompt messages or content blocks, and for a method the result, an object.
///
/// It may be nested as deeply as TENON_LIMIT_DEPTH allows.
///
/// Fails with TENON_ERR_NULL, TENON_ERR_UTF8 or TENON_ERR_JSON; the call can then still be completed. Fails with
/// TENON_ERR_STALE if the call has ended.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tenon_call_return_json(
    call: *mut tenon_call,
    text: *const c_char,
    len: usize,
    err: *mut *mut tenon_error,
) -> tenon_status {
    entry!(err; call = object(call), the_result = tried_slice(text, len) => {
        let value = the_result.and_then(|text| json_within(text, "the result", call.max_depth));
        let value = call.record_failure(value.map_err(|failure| call.named(failure)))?;
        call.complete(Outcome::Json(value))
    })
}

/// Completes a call with an integer.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tenon_call_return_int64(call: *mut tenon_call, number: i64) -> tenon_status {
    entry!(call = object(call) => {
        let mut out = JsonWriter::new();
        out.int(number);
        call.complete(Outcome::Json(out.into_slice()))
    })
}

/// Completes a call with a number. A number without a fraction is written like an integer. Fails with TENON_ERR_TYPE
/// for a NaN and for infinities, because JSON has no such numbers; the call can then still be completed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tenon_call_return_double(call: *mut tenon_call, number: f64) -> tenon_status {
    entry!(call = object(call) => {
        let mut out = JsonWriter::new();
        if number.fract() == 0.0 && number.abs() <= (1_i64 << 53) as f64 {
            out.int(number as i64);
        } else {
            let entry = &call.context.entry;
            call.record_failure(out.float(number).map_err(|error| {
                Failure::new(TENON_ERR_TYPE, format!("{entry} returned a number: {error}"))
            }))?;
        }
        call.complete(Outcome::Json(out.into_slice()))
    })
}

/// Completes a call with true or false.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tenon_call_return_bool(call: *mut tenon_call, value: bool) -> tenon_status {
    entry!(call = object(call) => {
        let mut out = JsonWriter::new();
        out.bool(value);
        call.complete(Outcome::Json(out.into_slice()))
    })
}

/// Completes the call of a resource, a template or a provider with bytes, which are copied. Their media type is the
/// entry's member `mime_type`. For a tool or a prompt they become an embedded resource of the type
/// application/octet-stream; to set another type, use tenon_result_add_image() or a similar function. For other kinds
/// the call fails. Fails with TENON_ERR_NULL; the call can then still be completed. Fails with TENON_ERR_STALE if the
/// call has ended.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tenon_call_return_bytes(
    call: *mut tenon_call,
    data: *const c_void,
    len: usize,
) -> tenon_status {
    entry!(call = object(call), data = tried_bytes(data, len) => {
        let data = call.record_failure(data)?.to_vec();
        call.complete(Outcome::Bytes(data))
    })
}

/// Completes a call as failed. For a tool the message is for the model, which may try again. For any other kind it
/// becomes a protocol error. The message is copied.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tenon_call_fail(call: *mut tenon_call, message: *const c_char) -> tenon_status {
    entry!(call = object(call), message = tried_text(message) => {
        let message = call.record_failure(message)?.to_owned();
        call.complete(Outcome::Failed(message))
    })
}

/// Completes a call whose arguments are wrong for a reason that the schema does not express. The arguments are refused
/// in the same way as those that do not fit the schema, in every revision. `reasons` say which arguments are wrong and
/// why, preferably as "/place/in/them: reason". They are copied.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tenon_call_fail_arguments(
    call: *mut tenon_call,
    reasons: *const c_char,
) -> tenon_status {
    entry!(call = object(call), reasons = tried_text(reasons) => {
        let outcome = call.context.arguments_refused(call.record_failure(reasons)?);
        call.complete(outcome)
    })
}

/// Completes a call with "not found", because the requested thing does not exist. For a tool this is a failed result.
/// For any other kind it is a protocol error that has the code of the client's revision, and the address that is read
/// as its data. The text says that `what` was not found, or, if that is NULL, that the address was not found.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tenon_call_not_found(call: *mut tenon_call, what: *const c_char) -> tenon_status {
    entry!(call = object(call), what = tried_optional_text(what) => {
        let outcome = call.context.not_found(call.record_failure(what)?);
        call.complete(outcome)
    })
}

/// Completes a call with a protocol error: its code, one short sentence, and further detail as NUL-terminated JSON
/// text, or NULL. A program's own codes must be outside of -32768 to -32000.
///
/// Fails with TENON_ERR_NULL, TENON_ERR_UTF8 or TENON_ERR_JSON; the call can then still be completed. Fails with
/// TENON_ERR_STALE if the call has ended.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tenon_call_error(
    call: *mut tenon_call,
    code: i32,
    message: *const c_char,
    data: *const c_char,
) -> tenon_status {
    entry!(call = object(call), message = tried_text(message), data = tried_optional_text(data) => {
        let mut error = RpcError::new(code, call.record_failure(message)?);
        let data = data.and_then(|data| data.map(|data| json(data, "data")).transpose());
        if let Some(data) = call.record_failure(data)? {
            error = error.with_data(data);
        }
        call.complete(Outcome::Error(error))
    })
}
