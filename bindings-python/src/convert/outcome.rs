//! The outcome of a call from the value that its handler returned. The type of the value decides, never its shape.

use crate::convert::write;
use crate::convert::write::{Bounds, NotSerializable};
use crate::errors::describe_exception;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyBytes, PyDict, PyString};
use tenon_mcp::{CallContext, Kind, Outcome};

static CONVERT: PyOnceLock<Py<PyAny>> = PyOnceLock::new();

/// The outcome of a value. The error names the handler's entry and the reason.
pub(crate) fn outcome(
    context: &CallContext,
    returns_dict: bool,
    result: &Bound<'_, PyAny>,
    bounds: Bounds,
) -> Result<Outcome, String> {
    let entry = &context.entry;
    let fault = |text: String| format!("{} '{}' returned {text}", entry.kind.noun(), entry.name);
    let written = match entry.kind {
        Kind::Tool if entry.structured => {
            if returns_dict && !result.is_instance_of::<PyDict>() {
                return package_outcome(result, bounds)
                    .unwrap_or_else(|| Err(format!("{}, but declares a dict", write::type_name(result))))
                    .map_err(fault);
            }
            write::json(result, bounds).map(Outcome::Json)
        }
        Kind::Tool if result.is_none() => Ok(Outcome::Text(String::new())),
        Kind::Tool | Kind::Resource | Kind::ResourceTemplate | Kind::Prompt => {
            if result.is_none() {
                return Err(fault("nothing".to_owned()));
            }
            match result.cast::<PyString>() {
                Ok(string) => write::plain_text(string, bounds).map(|text| Outcome::Text(text.to_owned())),
                Err(_) => write::json(result, bounds).map(Outcome::Json),
            }
        }
        Kind::Notification | Kind::Hook => {
            // Results of notification handlers and hooks are ignored. A coroutine is an error, because it was not
            // awaited.
            if !result.is_none()
                && let Some(Err(error)) = package_outcome(result, bounds)
            {
                return Err(fault(error));
            }
            Ok(Outcome::Text(String::new()))
        }
        _ => write::json(result, bounds).map(Outcome::Json),
    };
    written.or_else(|error| {
        // A result that is too long is not examined further, because it may have hundreds of millions of items.
        if error.too_long {
            return Err(fault(describe(&error)));
        }
        match package_outcome(result, bounds) {
            Some(outcome) => outcome.map_err(fault),
            None => converted_outcome(context, result, bounds).map_err(|error| fault(describe(&error))),
        }
    })
}

/// The outcome of a value that must be converted to JSON.
#[cold]
fn converted_outcome(
    context: &CallContext,
    result: &Bound<'_, PyAny>,
    bounds: Bounds,
) -> Result<Outcome, NotSerializable> {
    let json = write::json_with_defaults(result, bounds)?;
    // A date, a path or a member of an enumeration is sent as text.
    Ok(match json.decode_str() {
        Some(text) if !context.entry.structured => Outcome::Text(text.into_owned()),
        _ => Outcome::Json(json),
    })
}

fn describe(error: &NotSerializable) -> String {
    let why = if error.too_long { "" } else { ", which JSON cannot hold" };
    format!("{error}{why}")
}

/// The outcome of a value of this package's own types, or of bytes.
#[cold]
fn package_outcome(result: &Bound<'_, PyAny>, bounds: Bounds) -> Option<Result<Outcome, String>> {
    let py = result.py();
    let convert = CONVERT.get_or_try_init(py, || {
        PyResult::Ok(py.import("tenon_mcp._handlers.results")?.getattr("convert")?.unbind())
    });
    let converted = convert.and_then(|convert| convert.bind(py).call1((result,)));
    let (kind, value) = match converted.and_then(|pair| pair.extract::<Option<(String, Bound<'_, PyAny>)>>())
    {
        Ok(Some(pair)) => pair,
        Ok(None) => return None,
        Err(error) => {
            return Some(Err(format!(
                "a result that raised an exception when it was read: {}",
                describe_exception(&error)
            )));
        }
    };
    let json = || write::json(&value, bounds).map_err(|error| describe(&error));
    Some(match &*kind {
        "bytes" => match value.cast::<PyBytes>() {
            Ok(bytes) if bytes.as_bytes().len() > bounds.bytes() => Err(write::too_long(bounds).to_string()),
            Ok(bytes) => Ok(Outcome::Bytes(bytes.as_bytes().to_vec())),
            Err(error) => Err(error.to_string()),
        },
        "unfit" => Err(value.to_string()),
        "result" => json().map(Outcome::Result),
        _ => json().map(Outcome::Content),
    })
}
