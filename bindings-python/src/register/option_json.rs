//! Options as JSON: the keyword arguments of a function, as the engine reads them.

use crate::convert::principal;
use crate::convert::write;
use crate::convert::write::Bounds;
use crate::errors::{exception, shown};
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyFloat, PyInt, PyList, PyString, PyTuple};
use tenon_mcp::__private::Options;
use tenon_mcp::json::JsonWriter;
use tenon_mcp::{JsonSlice, Limits, OptionError, ServerSettings};

/// An infinite number, as the largest that JSON has. The engine reads it as the largest value.
const INFINITE: f64 = 1e300;

/// The most items that are taken from an option. A generator may have no end.
pub(crate) const MAX_ITEMS: usize = 10_000;

/// The deepest nesting of values that are converted. Deeper ones must have the types of JSON.
const MAX_DEPTH: usize = 8;

/// An object with the options. `what` is what they belong to, in errors.
pub(crate) fn object(what: &str, options: &Bound<'_, PyDict>) -> PyResult<JsonSlice> {
    let bounds = Bounds::of(&Limits::default());
    let mut out = JsonWriter::new();
    out.begin_object();
    for (name, value) in options {
        let name = name.to_string();
        let json = write::json(&plain(what, &name, &value, 0)?, bounds).map_err(|reason| {
            let secret = ServerSettings::TABLE.iter().any(|row| row.secret && row.name == name);
            let shown = if secret { String::new() } else { format!("; the value is {}", shown(&value)) };
            let text = format!("{what}: {name}: {reason} is not JSON{shown}");
            exception(value.py(), "RegistrationError", &*text)
        })?;
        out.key(&name).slice(&json);
    }
    out.end_object();
    Ok(out.into_slice())
}

/// The error of an option with more than [`MAX_ITEMS`].
pub(crate) fn too_many(py: Python<'_>, name: &str) -> PyErr {
    exception(py, "RegistrationError", &*format!("{name} has more than 10,000 items; pass fewer"))
}

/// The value of an option with the types of JSON: other numbers become `int` or `float`, paths become `str`, and sets and
/// generators become lists.
fn plain<'py>(
    what: &str,
    name: &str,
    value: &Bound<'py, PyAny>,
    depth: usize,
) -> PyResult<Bound<'py, PyAny>> {
    let py = value.py();
    if depth == MAX_DEPTH || value.is_instance_of::<PyString>() || value.is_instance_of::<PyBytes>() {
        return Ok(value.clone());
    }
    if let Ok(members) = value.cast::<PyDict>() {
        let copy = PyDict::new(py);
        for (member, value) in members {
            copy.set_item(member, plain(what, name, &value, depth + 1)?)?;
        }
        return Ok(copy.into_any());
    }
    if let Some(number) = number(value)? {
        return Ok(number);
    }
    if value.is_none() || value.is_instance_of::<PyInt>() || value.is_instance_of::<PyFloat>() {
        return Ok(value.clone());
    }
    if value.hasattr("__fspath__")? {
        return py.import("os")?.call_method1("fspath", (value,));
    }
    let Ok(items) = value.try_iter() else {
        return Ok(principal::members(value)?.unwrap_or_else(|| value.clone()));
    };
    let is_finite = value.is_instance_of::<PyList>() || value.is_instance_of::<PyTuple>();
    let list = PyList::empty(py);
    for item in items {
        if list.len() == MAX_ITEMS && !is_finite {
            return Err(too_many(py, &format!("{what}: {name}")));
        }
        list.append(plain(what, name, &item?, depth + 1)?)?;
    }
    Ok(list.into_any())
}

/// A number that JSON does not have or whose type it does not know; `None` for any other value.
pub(crate) fn number<'py>(value: &Bound<'py, PyAny>) -> PyResult<Option<Bound<'py, PyAny>>> {
    let py = value.py();
    if let Ok(float) = value.cast::<PyFloat>() {
        let is_infinite = float.value() == f64::INFINITY;
        return Ok(is_infinite.then(|| PyFloat::new(py, INFINITE).into_any()));
    }
    if value.is_instance_of::<PyInt>() || value.is_none() || value.is_instance_of::<PyString>() {
        return Ok(None);
    }
    if value.hasattr("__index__")? {
        return py.import("operator")?.call_method1("index", (value,)).map(Some);
    }
    if value.hasattr("__float__")? {
        return value.call_method0("__float__").map(Some);
    }
    Ok(None)
}

/// The exception for an option that the engine refused: `TypeError` for an unknown keyword.
pub(crate) fn refused(py: Python<'_>, what: &str, error: &OptionError) -> PyErr {
    let text = format!("{what}: {}", error.text);
    if error.unknown { PyTypeError::new_err(text) } else { exception(py, "RegistrationError", &*text) }
}
