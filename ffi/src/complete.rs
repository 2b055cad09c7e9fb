//! The ways to complete a call.

use crate::call::tenon_call;
use crate::error::tenon_error;
use crate::guard::*;
use crate::status::*;
use crate::tool::json;
use std::ffi::c_char;
use tenon_mcp::Outcome;
use tenon_mcp::json::JsonWriter;

/// Completes a call with text: `len` bytes of UTF-8, or up to the first NUL with TENON_NUL. The text is copied.
///
/// Fails with TENON_ERR_NULL or TENON_ERR_UTF8, and then the call can still be completed; with TENON_ERR_STALE if it has
/// ended.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tenon_call_return_text(
    call: *mut tenon_call,
    text: *const c_char,
    len: usize,
) -> tenon_status {
    // SAFETY: handle and string by the contract of the header.
    entry(|| unsafe {
        let call = object(call, "call")?;
        let text = call.note(slice(text, len, "the result"))?;
        call.complete(Outcome::Text(text.to_owned()))
    })
}

/// Completes a call with a JSON value: `len` bytes, or up to the first NUL with TENON_NUL. The text is copied. A JSON
/// string reaches the client as text, anything else as JSON text, and as structured content too if the tool is
/// structured.
///
/// Fails with TENON_ERR_NULL, TENON_ERR_UTF8 or TENON_ERR_JSON, and then the call can still be completed; with
/// TENON_ERR_STALE if it has ended.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tenon_call_return_json(
    call: *mut tenon_call,
    text: *const c_char,
    len: usize,
    err: *mut *mut tenon_error,
) -> tenon_status {
    // SAFETY: handle, string and output by the contract of the header.
    unsafe {
        entry_with(err, || {
            let call = object(call, "call")?;
            let name = &call.context.tool.name;
            let value = slice(text, len, "the result").and_then(|text| json(text, "the result"));
            let value = call.note(value.map_err(|mut failure| {
                failure.message = format!("tool {name:?}: {}", failure.message);
                failure
            }))?;
            call.complete(Outcome::Json(value))
        })
    }
}

/// Completes a call with an integer.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tenon_call_return_int64(call: *mut tenon_call, number: i64) -> tenon_status {
    // SAFETY: handle by the contract of the header.
    entry(|| unsafe {
        let mut out = JsonWriter::new();
        out.int(number);
        object(call, "call")?.complete(Outcome::Json(out.into_slice()))
    })
}

/// Completes a call with a number; one without fraction is written like an integer. Fails with TENON_ERR_TYPE for a NaN
/// and for infinities, which JSON cannot hold; then the call can still be completed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tenon_call_return_double(call: *mut tenon_call, number: f64) -> tenon_status {
    // SAFETY: handle by the contract of the header.
    entry(|| unsafe {
        let call = object(call, "call")?;
        let mut out = JsonWriter::new();
        if number.fract() == 0.0 && number.abs() <= (1_i64 << 53) as f64 {
            out.int(number as i64);
        } else {
            let name = &call.context.tool.name;
            let written = out.float(number);
            call.note(written.map_err(|error| {
                Failure::new(TENON_ERR_TYPE, format!("tool {name:?} returned a number: {error}"))
            }))?;
        }
        call.complete(Outcome::Json(out.into_slice()))
    })
}

/// Completes a call with true or false.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tenon_call_return_bool(call: *mut tenon_call, value: bool) -> tenon_status {
    // SAFETY: handle by the contract of the header.
    entry(|| unsafe {
        let mut out = JsonWriter::new();
        out.bool(value);
        object(call, "call")?.complete(Outcome::Json(out.into_slice()))
    })
}

/// Completes a call as failed. The message is for the model, which may try again; it is copied.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tenon_call_fail(call: *mut tenon_call, message: *const c_char) -> tenon_status {
    // SAFETY: handle and string by the contract of the header.
    entry(|| unsafe {
        let call = object(call, "call")?;
        let message = call.note(text(message, "message"))?;
        call.complete(Outcome::Failed(message.to_owned()))
    })
}
