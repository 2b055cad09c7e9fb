//! What a handler returned as the outcome of its call. What a value is follows from its type, never from its shape.

use crate::convert::write;
use crate::convert::write::{Bounds, Unfit};
use crate::errors::words;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyBytes, PyDict, PyString};
use tenon_mcp::{CallContext, Kind, Outcome};

static CONVERT: PyOnceLock<Py<PyAny>> = PyOnceLock::new();

/// The outcome of a value; the error says what is wrong with it, and names the handler's entry.
pub(crate) fn outcome(
    context: &CallContext,
    returns_dict: bool,
    result: &Bound<'_, PyAny>,
    bounds: Bounds,
) -> Result<Outcome, String> {
    let entry = &context.entry;
    let told = |text: String| format!("{} '{}' returned {text}", entry.kind.noun(), entry.name);
    let written = match entry.kind {
        Kind::Tool if entry.structured => {
            if returns_dict && !result.is_instance_of::<PyDict>() {
                return special(result, bounds)
                    .unwrap_or_else(|| Err(format!("{}, but declares a dict", write::type_name(result))))
                    .map_err(told);
            }
            write::json(result, bounds).map(Outcome::Json)
        }
        Kind::Tool if result.is_none() => Ok(Outcome::Text(String::new())),
        Kind::Tool | Kind::Resource | Kind::ResourceTemplate | Kind::Prompt => {
            if result.is_none() {
                return Err(told("nothing".to_owned()));
            }
            match result.cast::<PyString>() {
                Ok(string) => write::plain(string, bounds).map(|text| Outcome::Text(text.to_owned())),
                Err(_) => write::json(result, bounds).map(Outcome::Json),
            }
        }
        Kind::Notification | Kind::Hook => {
            // What they return is nothing to anybody, but a coroutine is what they should have done.
            if !result.is_none()
                && let Some(Err(unfit)) = special(result, bounds)
            {
                return Err(told(unfit));
            }
            Ok(Outcome::Text(String::new()))
        }
        _ => write::json(result, bounds).map(Outcome::Json),
    };
    written.or_else(|unfit| {
        // Not looked at any further: it may have hundreds of millions of items.
        if unfit.too_long {
            return Err(told(described(&unfit)));
        }
        match special(result, bounds) {
            Some(outcome) => outcome.map_err(told),
            None => rich(context, result, bounds).map_err(|unfit| told(described(&unfit))),
        }
    })
}

/// The outcome of a value that is not JSON as it stands.
#[cold]
fn rich(context: &CallContext, result: &Bound<'_, PyAny>, bounds: Bounds) -> Result<Outcome, Unfit> {
    let json = write::rich(result, bounds)?;
    // A date, a path or a member of an enumeration is a text as any other.
    Ok(match json.decode_str() {
        Some(text) if !context.entry.structured => Outcome::Text(text.into_owned()),
        _ => Outcome::Json(json),
    })
}

fn described(unfit: &Unfit) -> String {
    let why = if unfit.too_long { "" } else { ", which JSON cannot hold" };
    format!("{unfit}{why}")
}

/// The outcome of a value that is of a type of this package's own, or bytes.
#[cold]
fn special(result: &Bound<'_, PyAny>, bounds: Bounds) -> Option<Result<Outcome, String>> {
    let py = result.py();
    let convert = CONVERT.get_or_try_init(py, || {
        PyResult::Ok(py.import("tenon_mcp._handlers.results")?.getattr("convert")?.unbind())
    });
    let converted = convert.and_then(|convert| convert.bind(py).call1((result,)));
    let (word, value) = match converted.and_then(|pair| pair.extract::<Option<(String, Bound<'_, PyAny>)>>())
    {
        Ok(Some(pair)) => pair,
        Ok(None) => return None,
        Err(error) => return Some(Err(format!("a result that cannot be read: {}", words(&error)))),
    };
    let json = || write::json(&value, bounds).map_err(|unfit| described(&unfit));
    Some(match &*word {
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
