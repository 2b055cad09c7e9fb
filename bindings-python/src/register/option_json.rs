//! Options as JSON: the keyword arguments of a function, as the engine reads them.

use crate::convert::write;
use crate::convert::write::Bounds;
use crate::errors::{exception, shown};
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyFloat, PyInt, PyList, PyString, PyTuple};
use tenon_mcp::json::JsonWriter;
use tenon_mcp::{JsonSlice, Limits, OptionError};

/// An infinite number, as the largest that JSON has. The engine reads it as the largest value.
const INFINITE: f64 = 1e300;

/// The most items that are taken from an option. A generator may have no end.
pub(crate) const MAX_ITEMS: usize = 10_000;

/// An object with the options. `what` is what they belong to, in errors.
pub(crate) fn object(what: &str, options: &Bound<'_, PyDict>) -> PyResult<JsonSlice> {
    let bounds = Bounds::of(&Limits::default());
    let mut out = JsonWriter::new();
    out.begin_object();
    for (name, value) in options {
        let name = name.to_string();
        let json = write::json(&plain(what, &name, &value)?, bounds).map_err(|reason| {
            let text = format!("{what}: {name}: {reason} is not JSON; the value is {}", shown(&value));
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

/// The value of an option with the types of JSON: other numbers become `int` or `float`, sets and generators become lists.
fn plain<'py>(what: &str, name: &str, value: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    let py = value.py();
    if let Ok(members) = value.cast::<PyDict>() {
        // Times are members of some options.
        let copy = PyDict::new(py);
        for (name, member) in members {
            copy.set_item(name, number(&member)?.unwrap_or(member))?;
        }
        return Ok(copy.into_any());
    }
    if let Some(number) = number(value)? {
        return Ok(number);
    }
    let is_list = value.is_instance_of::<PyList>() || value.is_instance_of::<PyTuple>();
    if value.is_instance_of::<PyString>() || value.is_instance_of::<PyBytes>() || is_list {
        return Ok(value.clone());
    }
    let Ok(items) = value.try_iter() else { return Ok(value.clone()) };
    let list = PyList::empty(py);
    for item in items {
        if list.len() == MAX_ITEMS {
            return Err(too_many(py, &format!("{what}: {name}")));
        }
        list.append(item?)?;
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
