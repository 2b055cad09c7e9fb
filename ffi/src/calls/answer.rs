//! The answers of clients.

use crate::abi::args::{Out, write_text};
use crate::abi::guard::*;
use crate::abi::handle::Tagged;
use crate::abi::status::*;
use crate::calls::json_accessors::{Copied, Copies, Fields};
use std::ffi::c_char;
use tenon_mcp::{Action, Answer};

/// How the user reacted to a question: one of the TENON_ACTION_ values.
pub type tenon_action = i32;

/// The user filled in the form, or agreed to visit the page. Answers of models and clients have this action too.
pub const TENON_ACTION_ACCEPT: tenon_action = 1;
/// The user declined.
pub const TENON_ACTION_DECLINE: tenon_action = 2;
/// The user closed the question without a choice.
pub const TENON_ACTION_CANCEL: tenon_action = 3;

/// The answer to a question of tenon_call_elicit() or a similar function. Free it with tenon_answer_free(). It may
/// outlive its call. Any thread may read it.
pub struct tenon_answer {
    action: tenon_action,
    content: Option<Fields>,
    answer: Answer,
    /// Decoded texts that were lent to the program.
    lent: Copies,
}

impl tenon_answer {
    /// One for the program.
    pub(crate) fn make(answer: Answer) -> *mut tenon_answer {
        Tagged::give(tenon_answer::new(answer))
    }

    fn new(answer: Answer) -> tenon_answer {
        let action = match answer.action() {
            Action::Accept => TENON_ACTION_ACCEPT,
            Action::Decline => TENON_ACTION_DECLINE,
            Action::Cancel => TENON_ACTION_CANCEL,
        };
        let content = answer.content().map(|content| Fields::new("field", content));
        tenon_answer { action, content, answer, lent: Copies::default() }
    }

    fn content(&self) -> Result<&Fields> {
        let none = || Failure::new(TENON_ERR_NOT_FOUND, "the answer has no content");
        self.content.as_ref().ok_or_else(none)
    }
}

/// The user's action; 0 for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tenon_answer_action(answer: *const tenon_answer) -> tenon_action {
    value!(0; answer = maybe(answer) => answer.map_or(0, |answer| answer.action))
}

/// The content of the answer. For a form it is a JSON object that satisfies the schema of the question; for a sampled
/// message it is one content block or an array of them. It is not NUL-terminated; it is borrowed and lives as long as
/// the answer. Fails with TENON_ERR_NOT_FOUND if there is none, because the user declined or cancelled, or because the
/// question was of another kind.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tenon_answer_content(
    answer: *const tenon_answer,
    json: *mut *const c_char,
    len: *mut usize,
) -> tenon_status {
    entry!(json = out(json), len = out(len), answer = object(answer) => {
        write_text(answer.content()?.object().as_bytes(), json, Some(len));
        Ok(TENON_OK)
    })
}

/// The string field `name` of the form, in UTF-8. It is NUL-terminated, but may contain NULs. It is borrowed and lives
/// as long as the answer. `len` may be NULL. Fails with TENON_ERR_NOT_FOUND or TENON_ERR_TYPE.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tenon_answer_string(
    answer: *const tenon_answer,
    name: *const c_char,
    string: *mut *const c_char,
    len: *mut usize,
) -> tenon_status {
    entry!(string = out(string), len = optional_out(len), answer = object(answer), name = text(name) => {
        write_text(answer.content()?.string(name)?, string, len);
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
    entry!(out = out(out), answer = object(answer), name = text(name) => {
        out.write(answer.content()?.int64(name)?);
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
    entry!(out = out(out), answer = object(answer), name = text(name) => {
        out.write(answer.content()?.double(name)?);
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
    entry!(out = out(out), answer = object(answer), name = text(name) => {
        out.write(answer.content()?.bool(name)?);
        Ok(TENON_OK)
    })
}

/// The text of a sampled message: the text of its text blocks, one after the other, in UTF-8. It is NUL-terminated, but
/// may contain NULs. It is borrowed and lives as long as the answer. It is "" for answers to other questions. `len` may
/// be NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tenon_answer_text(
    answer: *const tenon_answer,
    text: *mut *const c_char,
    len: *mut usize,
) -> tenon_status {
    entry!(text = out(text), len = optional_out(len), answer = object(answer) => {
        lend(answer, "text", || Ok(answer.answer.text()), text, len)
    })
}

/// The URI of the root with this `index`, from 0, in an answer to tenon_call_roots(). UTF-8, NUL-terminated. It is
/// borrowed and lives as long as the answer. `len` may be NULL. Fails with TENON_ERR_NOT_FOUND after the last root.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tenon_answer_root(
    answer: *const tenon_answer,
    index: usize,
    uri: *mut *const c_char,
    len: *mut usize,
) -> tenon_status {
    entry!(uri = out(uri), len = optional_out(len), answer = object(answer) => {
        let root = || answer.answer.roots().into_iter().nth(index).map(|root| root.uri);
        let none = || Failure::new(TENON_ERR_NOT_FOUND, format!("there is no root {index}"));
        lend(answer, &format!("root {index}"), || root().ok_or_else(none), uri, len)
    })
}

/// The whole answer as JSON text: {"action":…,"content":…}, for a sampled message {"role":…,"content":…,"model":…}, for
/// roots {"roots":[…]}. It is not NUL-terminated; it is borrowed and lives as long as the answer.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tenon_answer_json(
    answer: *const tenon_answer,
    json: *mut *const c_char,
    len: *mut usize,
) -> tenon_status {
    entry!(json = out(json), len = out(len), answer = object(answer) => {
        write_text(answer.answer.json().as_bytes(), json, Some(len));
        Ok(TENON_OK)
    })
}

/// Lends a text, which is made on the first request.
fn lend(
    answer: &tenon_answer,
    name: &str,
    make: impl FnOnce() -> Result<String>,
    text: Out<'_, *const c_char>,
    len: Option<Out<'_, usize>>,
) -> Result<tenon_status> {
    let copy = answer.lent.get(name, || Ok(Copied::new(name, &make()?)))?;
    write_text(copy.as_bytes(), text, len);
    Ok(TENON_OK)
}

/// Frees an answer. NULL is ignored.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tenon_answer_free(answer: *mut tenon_answer) {
    value!((); answer = owned(answer) => drop(answer));
}
