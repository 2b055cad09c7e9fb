//! Asking the user behind the client.

use crate::call::tenon_call;
use crate::error::tenon_error;
use crate::fields::Fields;
use crate::guard::*;
use crate::status::*;
use crate::tool::json;
use std::ffi::c_char;
use tenon_mcp::{Action, Answer, Ask, AskError, AskMode, Asked, Outcome};

/// What the user did with a question: one of the TENON_ACTION_ values.
pub type tenon_action = i32;

/// Filled in the form.
pub const TENON_ACTION_ACCEPT: tenon_action = 1;
/// Said no.
pub const TENON_ACTION_DECLINE: tenon_action = 2;
/// Closed the question without choosing.
pub const TENON_ACTION_CANCEL: tenon_action = 3;

/// The answer to tenon_call_elicit(). Free it with tenon_answer_free(); it may outlive its call. Any thread may read it.
pub struct tenon_answer {
    action: tenon_action,
    content: Option<Fields>,
}

impl tenon_answer {
    fn new(answer: Answer) -> tenon_answer {
        let action = match answer.action {
            Action::Accept => TENON_ACTION_ACCEPT,
            Action::Decline => TENON_ACTION_DECLINE,
            Action::Cancel => TENON_ACTION_CANCEL,
        };
        tenon_answer { action, content: answer.content.map(|content| Fields::new("field", content)) }
    }

    fn content(&self) -> Result<&Fields> {
        let none = || Failure::new(TENON_ERR_NOT_FOUND, "the user did not fill in the form");
        self.content.as_ref().ok_or_else(none)
    }
}

/// Asks the user behind the client to fill in a form. `schema` is the form: an object schema of flat primitive
/// properties. `key` names the question within its call; NULL if the call's questions always come in the same order.
///
/// - TENON_OK: `*answer` is the answer; free it.
/// - TENON_SUSPENDED: the question has gone to the client. Release what you hold and return without completing the call.
///   The callback is called again from its top when the answer is there, and then this function returns it. What the
///   callback does before asking must be harmless to repeat. To ask several questions at once, ask them all and return
///   after the last.
/// - TENON_ERR_UNSUPPORTED: this client cannot be asked. TENON_ERR_CLIENT: it failed. TENON_ERR_INVALID: the question is
///   wrong. A callback that returns because of these, without completing the call, fails the call with that reason.
///
/// Outside of the callback, on a call kept with tenon_call_retain(), the attempt ends with the release.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tenon_call_elicit(
    call: *mut tenon_call,
    key: *const c_char,
    message: *const c_char,
    schema: *const c_char,
    answer: *mut *mut tenon_answer,
    err: *mut *mut tenon_error,
) -> tenon_status {
    // SAFETY: handle, strings and outputs by the contract of the header.
    unsafe {
        entry_with(err, || {
            place(answer, "answer")?;
            let call = object(call, "call")?;
            call.check_fork()?;
            let ask = Ask {
                key: optional_text(key, "key")?.map(str::to_owned),
                message: text(message, "message")?.to_owned(),
                schema: call.note(json(text(schema, "schema")?, "schema"))?,
            };
            match call.port.ask(call.id, ask, AskMode::Rerun) {
                Ok(Asked::Answered(known)) => {
                    write(answer, Box::into_raw(Box::new(tenon_answer::new(known))));
                    Ok(TENON_OK)
                }
                Ok(_) => {
                    call.progress.lock().suspended = true;
                    Ok(TENON_SUSPENDED)
                }
                Err(error) => Err(refused(call, error)),
            }
        })
    }
}

fn refused(call: &tenon_call, error: AskError) -> Failure {
    let status = match &error {
        AskError::Stale => return Failure::stale(),
        AskError::Unsupported(_) => TENON_ERR_UNSUPPORTED,
        AskError::Invalid(_) => TENON_ERR_INVALID,
        // The client's, and kinds of later versions.
        _ => TENON_ERR_CLIENT,
    };
    let failure = Failure::new(status, error.to_string());
    let outcome = match error {
        AskError::Unsupported(error) => Outcome::Error(error),
        error => Outcome::Failed(error.to_string()),
    };
    call.progress.lock().failed = Some(outcome);
    failure
}

/// What the user did; 0 for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tenon_answer_action(answer: *const tenon_answer) -> tenon_action {
    // SAFETY: handle by the contract of the header.
    entry_or(0, || unsafe { answer.as_ref() }.map_or(0, |answer| answer.action))
}

/// The filled form: a JSON object that satisfies the schema that was sent. It is not NUL-terminated; it is borrowed and
/// lives as long as the answer. Fails with TENON_ERR_NOT_FOUND unless the action is TENON_ACTION_ACCEPT.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tenon_answer_content(
    answer: *const tenon_answer,
    json: *mut *const c_char,
    len: *mut usize,
) -> tenon_status {
    // SAFETY: handle and outputs by the contract of the header.
    entry(|| unsafe {
        place(json, "json")?;
        place(len, "len")?;
        write_text(json, len, object(answer, "answer")?.content()?.object().as_bytes());
        Ok(TENON_OK)
    })
}

/// The string field `name` of the form: UTF-8, NUL-terminated, though it may hold NULs of its own. It is borrowed and
/// lives as long as the answer. `len` may be NULL. Fails with TENON_ERR_NOT_FOUND or TENON_ERR_TYPE.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tenon_answer_string(
    answer: *const tenon_answer,
    name: *const c_char,
    string: *mut *const c_char,
    len: *mut usize,
) -> tenon_status {
    // SAFETY: handle, string and outputs by the contract of the header; the copy lives as long as the answer.
    entry(|| unsafe {
        place(string, "string")?;
        let found = object(answer, "answer")?.content()?.string(text(name, "name")?)?;
        write_text(string, len, (*found).as_bytes());
        Ok(TENON_OK)
    })
}

/// The integer field `name` of the form. Fails with TENON_ERR_NOT_FOUND or TENON_ERR_TYPE.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tenon_answer_int64(
    answer: *const tenon_answer,
    name: *const c_char,
    out: *mut i64,
) -> tenon_status {
    // SAFETY: handle, string and output by the contract of the header.
    entry(|| unsafe {
        place(out, "out")?;
        write(out, object(answer, "answer")?.content()?.int64(text(name, "name")?)?);
        Ok(TENON_OK)
    })
}

/// The numeric field `name` of the form. Fails with TENON_ERR_NOT_FOUND or TENON_ERR_TYPE.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tenon_answer_double(
    answer: *const tenon_answer,
    name: *const c_char,
    out: *mut f64,
) -> tenon_status {
    // SAFETY: handle, string and output by the contract of the header.
    entry(|| unsafe {
        place(out, "out")?;
        write(out, object(answer, "answer")?.content()?.double(text(name, "name")?)?);
        Ok(TENON_OK)
    })
}

/// The boolean field `name` of the form. Fails with TENON_ERR_NOT_FOUND or TENON_ERR_TYPE.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tenon_answer_bool(
    answer: *const tenon_answer,
    name: *const c_char,
    out: *mut bool,
) -> tenon_status {
    // SAFETY: handle, string and output by the contract of the header.
    entry(|| unsafe {
        place(out, "out")?;
        write(out, object(answer, "answer")?.content()?.bool(text(name, "name")?)?);
        Ok(TENON_OK)
    })
}

/// Frees an answer. NULL is ignored.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tenon_answer_free(answer: *mut tenon_answer) {
    entry_or((), || {
        if !answer.is_null() {
            // SAFETY: made by `tenon_call_elicit`, and by contract freed once.
            drop(unsafe { Box::from_raw(answer) });
        }
    });
}
