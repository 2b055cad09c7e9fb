//! Questions to the client: to its user, to its model, or to the client itself.

use crate::abi::args::Out;
use crate::abi::error::tenon_error;
use crate::abi::guard::*;
use crate::abi::json::json;
use crate::abi::status::*;
use crate::calls::answer::tenon_answer;
use crate::calls::call::{Reason, tenon_call};
use std::ffi::c_char;
use tenon_mcp::{Ask, AskError, AskMode, Asked, Outcome, Question};

/// Asks the client's user to fill in a form. `schema` is the form: an object schema with flat primitive properties.
/// `key` names the question within its call. It may be NULL if the call's questions always come in the same order.
///
/// - TENON_OK: `*answer` is the answer; free it.
/// - TENON_SUSPENDED: the question has gone to the client. Release the resources of your callback, and return without
///   completing the call. When the answer has come, the callback is called again from its top, and this function then
///   returns the answer. Everything that the callback does before it asks must be safe to repeat. To ask several
///   questions at once, ask them all and return after the last.
/// - TENON_ERR_UNSUPPORTED: this client does not support the question. TENON_ERR_CLIENT: the client failed.
///   TENON_ERR_INVALID: the question is wrong. If a callback returns after one of these without completing the call,
///   the call fails with that reason.
///
/// Outside of the callback, on a call kept with tenon_call_retain(), the attempt ends with the release.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tenon_call_elicit(
    call: *mut tenon_call,
    key: *const c_char,
    message: *const c_char,
    schema: *const c_char,
    answer: *mut *mut tenon_answer,
    err: *mut *mut tenon_error,
) -> tenon_status {
    entry!(err; answer = out(answer), call = object(call), key = optional_text(key), message = text(message),
        schema = text(schema) => {
        let schema = call.record_failure(json(schema, "schema"))?;
        put(call, Ask::form(message, schema), key, answer)
    })
}

/// Asks the user to visit a page. Use it for input that no form may ask for: passwords, keys, payments. `url` must not
/// contain secrets, and is https outside of development. `elicitation_id` names the visit for
/// tenon_server_elicitation_complete(), or is NULL. If the user accepts, the page is opened; it does not mean that the
/// user did anything there. In all other respects this is like tenon_call_elicit().
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tenon_call_elicit_url(
    call: *mut tenon_call,
    key: *const c_char,
    message: *const c_char,
    url: *const c_char,
    elicitation_id: *const c_char,
    answer: *mut *mut tenon_answer,
    err: *mut *mut tenon_error,
) -> tenon_status {
    entry!(err; answer = out(answer), call = object(call), key = optional_text(key), message = text(message),
        url = text(url), id = optional_text(elicitation_id) => put(call, page(message, url, id), key, answer))
}

/// Ends the call because the user must visit a page first, and returns TENON_SUSPENDED: release the resources of your
/// callback and return. A client with a session gets an error and calls again later. A client without a session is
/// asked as by tenon_call_elicit_url(), and calls again when its user has agreed. Call this function each time as long
/// as the visit has not been made.
///
/// Fails like tenon_call_elicit().
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tenon_call_require_url(
    call: *mut tenon_call,
    message: *const c_char,
    url: *const c_char,
    elicitation_id: *const c_char,
    err: *mut *mut tenon_error,
) -> tenon_status {
    entry!(err; call = object(call), message = text(message), url = text(url),
        id = optional_text(elicitation_id) => {
        call.check_fork()?;
        match call.port.require_urls(call.id, [page(message, url, id)]) {
            Ok(_) => call.progress.lock().suspended = true,
            // The error of the call names the page.
            Err(AskError::UrlRequired(error)) => {
                call.set_reason(Reason { outcome: Outcome::Error(error), own: false });
            }
            Err(error) => return Err(refused(call, error)),
        }
        Ok(TENON_SUSPENDED)
    })
}

/// Asks the client's model. `params` are the parameters of sampling/createMessage, at least "messages" and "maxTokens":
/// `len` bytes of JSON text, or up to the first NUL with TENON_NUL. tenon_answer_text() gives the model's text. In all
/// other respects this is like tenon_call_elicit(). Fails also with TENON_ERR_JSON.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tenon_call_sample(
    call: *mut tenon_call,
    key: *const c_char,
    params: *const c_char,
    len: usize,
    answer: *mut *mut tenon_answer,
    err: *mut *mut tenon_error,
) -> tenon_status {
    entry!(err; answer = out(answer), call = object(call), key = optional_text(key),
        params = tried_slice(params, len) => {
        let params = call.record_failure(params.and_then(|params| json(params, "params")))?;
        put(call, Ask::sample(params), key, answer)
    })
}

/// Asks for the directories that the user works in. They are guidance, not an access restriction. tenon_answer_root()
/// reads them. In all other respects this is like tenon_call_elicit().
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tenon_call_roots(
    call: *mut tenon_call,
    key: *const c_char,
    answer: *mut *mut tenon_answer,
    err: *mut *mut tenon_error,
) -> tenon_status {
    entry!(err; answer = out(answer), call = object(call), key = optional_text(key) => {
        put(call, Ask::roots(), key, answer)
    })
}

/// Asks a question of any kind. `question` is "elicit", "elicit_url", "sample" or "roots". `params` are the parameters
/// of its request: `len` bytes of a JSON object, or up to the first NUL with TENON_NUL. In all other respects this is
/// like tenon_call_elicit(). Fails also with TENON_ERR_JSON.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tenon_call_ask(
    call: *mut tenon_call,
    question: *const c_char,
    key: *const c_char,
    params: *const c_char,
    len: usize,
    answer: *mut *mut tenon_answer,
    err: *mut *mut tenon_error,
) -> tenon_status {
    entry!(err; answer = out(answer), call = object(call), question = text(question), key = optional_text(key),
        params = tried_slice(params, len) => {
        let kind = Question::named(question).ok_or_else(|| {
            let all = Question::ALL.map(Question::as_str).join(", ");
            Failure::new(TENON_ERR_INVALID, format!("there is no question {question:?}; the questions are {all}"))
        });
        let params = params.and_then(|params| json(params, "params"));
        let ask = Ask::new(call.record_failure(kind)?, call.record_failure(params)?);
        put(call, ask, key, answer)
    })
}

fn page(message: &str, url: &str, id: Option<&str>) -> Ask {
    let page = Ask::url(message, url);
    match id {
        Some(id) => page.elicitation_id(id),
        None => page,
    }
}

/// Asks a question, and returns the answer if it is there.
fn put(
    call: &tenon_call,
    mut ask: Ask,
    key: Option<&str>,
    answer: Out<'_, *mut tenon_answer>,
) -> Result<tenon_status> {
    call.check_fork()?;
    ask.key = key.map(str::to_owned);
    match call.port.ask(call.id, ask, AskMode::Rerun) {
        Ok(Asked::Answered(known)) => {
            call.clear_reason();
            answer.write(tenon_answer::make(known));
            Ok(TENON_OK)
        }
        Ok(_) => {
            call.progress.lock().suspended = true;
            Ok(TENON_SUSPENDED)
        }
        Err(error) => Err(refused(call, error)),
    }
}

/// The failure. It is also the reason of the call's failure if the callback returns because of it.
pub(crate) fn refused(call: &tenon_call, error: AskError) -> Failure {
    let status = match &error {
        AskError::Stale => return Failure::stale(),
        AskError::Unsupported(_) => TENON_ERR_UNSUPPORTED,
        AskError::Invalid(_) => TENON_ERR_INVALID,
        // The client's failures, and kinds of later versions.
        _ => TENON_ERR_CLIENT,
    };
    let failure = Failure::new(status, error.to_string());
    let own = status == TENON_ERR_INVALID;
    let outcome = match error {
        AskError::Unsupported(error) | AskError::UrlRequired(error) => Outcome::Error(error),
        error if own => Outcome::Exception(error.to_string()),
        error => Outcome::Failed(error.to_string()),
    };
    call.set_reason(Reason { outcome, own });
    failure
}
