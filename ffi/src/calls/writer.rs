//! Structured content of a result, written piece by piece.

use crate::abi::guard::*;
use crate::abi::json::{json_text, json_within};
use crate::abi::status::*;
use crate::calls::result::tenon_result;
use std::collections::HashSet;
use std::ffi::{c_char, c_void};
use tenon_mcp::JsonSlice;
use tenon_mcp::json::{JsonWriter, Limits};
use tenon_mcp::store::wire;

/// The text that was written so far.
#[derive(Default)]
pub(crate) struct StructuredWriter {
    out: JsonWriter,
    /// The open objects and arrays, innermost last.
    open: Vec<Open>,
    complete: bool,
}

/// An open object, with the names of its members, or an open array.
enum Open {
    Object(HashSet<String>),
    Array,
}

impl StructuredWriter {
    fn max_depth() -> usize {
        Limits::default().max_depth
    }

    /// Prepares the next value. `key` names it if it is a member.
    fn place(&mut self, key: Option<&str>) -> Result<()> {
        if self.complete {
            return Err(Failure::state("the structured content is already complete"));
        }
        match (self.open.last_mut(), key) {
            (Some(Open::Object(_)), None) => {
                Err(Failure::state("an object is open; key must not be NULL here"))
            }
            (Some(Open::Array), Some(key)) => {
                Err(Failure::state(format!("an array is open; key must be NULL here, not {key:?}")))
            }
            (None, Some(key)) => {
                Err(Failure::state(format!("no object is open; key must be NULL here, not {key:?}")))
            }
            (Some(Open::Object(names)), Some(key)) => {
                if !names.insert(key.to_owned()) {
                    let text = format!("the object already has a member {key:?}");
                    return Err(Failure::new(TENON_ERR_DUPLICATE, text));
                }
                self.out.key(key);
                Ok(())
            }
            (Some(Open::Array) | None, None) => Ok(()),
        }
    }

    fn value(&mut self, key: Option<&str>, value: &JsonSlice) -> Result<()> {
        self.place(key)?;
        self.out.slice(value);
        self.complete = self.open.is_empty();
        Ok(())
    }

    fn begin(&mut self, key: Option<&str>, open: Open) -> Result<()> {
        if self.open.len() >= Self::max_depth() {
            let text = format!("nested deeper than {} levels", Self::max_depth());
            return Err(Failure::new(TENON_ERR_INVALID, text));
        }
        self.place(key)?;
        match open {
            Open::Object(_) => self.out.begin_object(),
            Open::Array => self.out.begin_array(),
        };
        self.open.push(open);
        Ok(())
    }

    fn end(&mut self) -> Result<()> {
        match self.open.pop() {
            None => return Err(Failure::state("no object or array is open")),
            Some(Open::Object(_)) => self.out.end_object(),
            Some(Open::Array) => self.out.end_array(),
        };
        self.complete = self.open.is_empty();
        Ok(())
    }

    /// The written text, if no object or array is open.
    pub(crate) fn finish(self) -> Result<JsonSlice> {
        match self.open.len() {
            0 => Ok(self.out.into_slice()),
            open => {
                let text =
                    format!("the structured content is not complete; {open} objects or arrays are open");
                Err(Failure::state(text))
            }
        }
    }
}

/// Begins an object in a result's structured content, which is written in order, piece by piece. Objects and arrays are
/// begun with this function and tenon_result_begin_array(), and each is ended with one tenon_result_end(). Values are
/// written with the tenon_result_put_ functions. `key` names the member of the open object; it is NULL in an array and
/// for the outermost value. For a tool, this writes the structured content, see tenon_result_set_structured(). For a
/// method, it writes the result itself.
///
/// Fails with TENON_ERR_STATE if the piece does not fit what is open, or if the outermost value is complete.
/// tenon_call_return() fails with it before the outermost value is complete. Fails with TENON_ERR_DUPLICATE if the
/// object has the member already, and with TENON_ERR_INVALID below 128 levels.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tenon_result_begin_object(
    result: *mut tenon_result,
    key: *const c_char,
) -> tenon_status {
    entry!(result = object_mut(result), key = tried_optional_text(key) => {
        result.write(|structured| structured.begin(key?, Open::Object(HashSet::new())))
    })
}

/// Begins an array; see tenon_result_begin_object().
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tenon_result_begin_array(
    result: *mut tenon_result,
    key: *const c_char,
) -> tenon_status {
    entry!(result = object_mut(result), key = tried_optional_text(key) => {
        result.write(|structured| structured.begin(key?, Open::Array))
    })
}

/// Ends the object or array that was begun last; see tenon_result_begin_object(). Fails with TENON_ERR_STATE if none is
/// open.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tenon_result_end(result: *mut tenon_result) -> tenon_status {
    entry!(result = object_mut(result) => result.write(StructuredWriter::end))
}

/// Writes a string, `len` bytes of UTF-8 or up to the first NUL with TENON_NUL; see tenon_result_begin_object().
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tenon_result_put_string(
    result: *mut tenon_result,
    key: *const c_char,
    text: *const c_char,
    len: usize,
) -> tenon_status {
    entry!(result = object_mut(result), key = tried_optional_text(key), text = tried_slice(text, len) => {
        result.write(|structured| structured.value(key?, &json_text(text?)))
    })
}

/// Writes bytes, for the reply of a store (tenon_server_set_store()); see tenon_result_begin_object(). They are copied.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tenon_result_put_bytes(
    result: *mut tenon_result,
    key: *const c_char,
    data: *const c_void,
    len: usize,
) -> tenon_status {
    entry!(result = object_mut(result), key = tried_optional_text(key), data = tried_bytes(data, len) => {
        result.write(|structured| structured.value(key?, &wire::bytes_json(data?)))
    })
}

/// Writes an integer; see tenon_result_begin_object().
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tenon_result_put_int64(
    result: *mut tenon_result,
    key: *const c_char,
    number: i64,
) -> tenon_status {
    entry!(result = object_mut(result), key = tried_optional_text(key) => {
        result.write(|structured| structured.value(key?, &written(|out| {
            out.int(number);
        })))
    })
}

/// Writes a number; see tenon_result_begin_object(). Fails with TENON_ERR_TYPE if it is not finite, because JSON has no
/// such numbers.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tenon_result_put_double(
    result: *mut tenon_result,
    key: *const c_char,
    number: f64,
) -> tenon_status {
    entry!(result = object_mut(result), key = tried_optional_text(key) => {
        result.write(|structured| {
            let mut out = JsonWriter::new();
            out.float(number)
                .map_err(|_| Failure::new(TENON_ERR_TYPE, format!("{number} is not a number in JSON; it must be finite")))?;
            structured.value(key?, &out.into_slice())
        })
    })
}

/// Writes true or false; see tenon_result_begin_object().
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tenon_result_put_bool(
    result: *mut tenon_result,
    key: *const c_char,
    value: bool,
) -> tenon_status {
    entry!(result = object_mut(result), key = tried_optional_text(key) => {
        result.write(|structured| structured.value(key?, &written(|out| {
            out.bool(value);
        })))
    })
}

/// Writes null; see tenon_result_begin_object().
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tenon_result_put_null(
    result: *mut tenon_result,
    key: *const c_char,
) -> tenon_status {
    entry!(result = object_mut(result), key = tried_optional_text(key) => {
        result.write(|structured| structured.value(key?, &JsonSlice::null()))
    })
}

/// Writes a value as JSON text, `len` bytes or up to the first NUL with TENON_NUL; see tenon_result_begin_object().
/// Fails also with TENON_ERR_JSON.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tenon_result_put_json(
    result: *mut tenon_result,
    key: *const c_char,
    json: *const c_char,
    len: usize,
) -> tenon_status {
    entry!(result = object_mut(result), key = tried_optional_text(key), json = tried_slice(json, len) => {
        result.write(|structured| {
            let (key, room) = (key?, StructuredWriter::max_depth() - structured.open.len());
            let value = json_within(json?, key.unwrap_or("the value"), room)?;
            structured.value(key, &value)
        })
    })
}

fn written(write: impl FnOnce(&mut JsonWriter)) -> JsonSlice {
    let mut out = JsonWriter::new();
    write(&mut out);
    out.into_slice()
}
