//! Options as JSON: the keyword arguments of a function, as the engine reads them.

use crate::convert::write;
use crate::convert::write::Bounds;
use crate::errors::{exception, shown};
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyFloat};
use tenon_mcp::json::JsonWriter;
use tenon_mcp::{JsonSlice, Limits, OptionError};

/// An infinite number as a string, because JSON has none. The engine reads it as the largest value.
const INFINITE: &str = "Infinity";

/// An object with the options. `what` is what they belong to, in errors.
pub(crate) fn object(what: &str, options: &Bound<'_, PyDict>) -> PyResult<JsonSlice> {
    let mut out = JsonWriter::new();
    out.begin_object();
    for (name, value) in options {
        let name = name.to_string();
        out.key(&name);
        write_value(&mut out, &value).map_err(|reason| {
            let text = format!("{what}: {name}: {reason} is not JSON; the value is {}", shown(&value));
            exception(value.py(), "RegistrationError", &*text)
        })?;
    }
    out.end_object();
    Ok(out.into_slice())
}

fn write_value(out: &mut JsonWriter, value: &Bound<'_, PyAny>) -> Result<(), String> {
    if let Ok(number) = value.cast::<PyFloat>()
        && number.value() == f64::INFINITY
    {
        out.str(INFINITE);
    } else if let Ok(members) = value.cast::<PyDict>() {
        out.begin_object();
        for (name, value) in members {
            out.key(&name.to_string());
            write_value(out, &value)?;
        }
        out.end_object();
    } else {
        out.slice(&plain(value)?);
    }
    Ok(())
}

fn plain(value: &Bound<'_, PyAny>) -> Result<JsonSlice, String> {
    let bounds = Bounds::of(&Limits::default());
    let error = match write::json(value, bounds) {
        Ok(json) => return Ok(json),
        Err(error) => error.to_string(),
    };
    // Sets and generators count as lists.
    let list = value.py().get_type::<pyo3::types::PyList>().call1((value,)).map_err(|_| error)?;
    write::json(&list, bounds).map_err(|error| error.to_string())
}

/// The exception for an option that the engine refused: `TypeError` for an unknown keyword.
pub(crate) fn refused(py: Python<'_>, what: &str, error: &OptionError) -> PyErr {
    let text = format!("{what}: {}", error.text);
    if error.unknown { PyTypeError::new_err(text) } else { exception(py, "RegistrationError", &*text) }
}
