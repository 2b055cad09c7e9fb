//! Python objects to JSON text. Exact types take the short way; subclasses and the like the cold one.

use pyo3::prelude::*;
use pyo3::types::{PyBool, PyDict, PyFloat, PyInt, PyList, PyString, PyTuple};
use std::fmt;
use tenon_mcp::JsonSlice;
use tenon_mcp::json::JsonWriter;

/// Deepest nesting of a result; a cycle ends here too.
const MAX_DEPTH: usize = 128;
/// Largest text; a small value that holds the same parts over and over ends here.
const MAX_BYTES: usize = 256 << 20;

/// What JSON cannot hold, and where in the value it was.
#[derive(Debug)]
pub(crate) struct Unfit {
    what: String,
    /// Innermost first.
    path: Vec<String>,
}

impl fmt::Display for Unfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)?;
        // A cycle's path would be 128 steps of the same.
        if self.path.is_empty() || self.path.len() >= MAX_DEPTH {
            return Ok(());
        }
        f.write_str(" (at ")?;
        self.path.iter().rev().try_for_each(|step| f.write_str(step))?;
        f.write_str(")")
    }
}

type Written = Result<(), Unfit>;

/// The value as JSON.
pub(crate) fn json(value: &Bound<'_, PyAny>) -> Result<JsonSlice, Unfit> {
    let mut out = JsonWriter::with_capacity(64);
    write(value, &mut out, 0)?;
    Ok(out.into_slice())
}

/// The text of a `str`.
pub(crate) fn text<'a>(value: &'a Bound<'_, PyString>) -> Result<&'a str, Unfit> {
    value.to_str().map_err(|_| unfit("a str with lone surrogates"))
}

#[cold]
fn unfit(what: impl Into<String>) -> Unfit {
    Unfit { what: what.into(), path: Vec::new() }
}

fn write(value: &Bound<'_, PyAny>, out: &mut JsonWriter, depth: usize) -> Written {
    if let Ok(string) = value.cast_exact::<PyString>() {
        out.str(text(string)?);
    } else if let Ok(number) = value.cast_exact::<PyInt>() {
        integer(number, out)?;
    } else if let Ok(dict) = value.cast_exact::<PyDict>() {
        open(out, depth)?;
        out.begin_object();
        for (key, value) in dict.iter() {
            member(&key, &value, out, depth)?;
        }
        out.end_object();
    } else if let Ok(list) = value.cast_exact::<PyList>() {
        array(list.iter(), out, depth)?;
    } else if let Ok(flag) = value.cast_exact::<PyBool>() {
        out.bool(flag.is_true());
    } else if value.is_none() {
        out.null();
    } else if let Ok(number) = value.cast_exact::<PyFloat>() {
        float(number, out)?;
    } else if let Ok(tuple) = value.cast_exact::<PyTuple>() {
        array(tuple.iter(), out, depth)?;
    } else {
        other(value, out, depth)?;
    }
    Ok(())
}

/// Subclasses are what they derive from: enumerations with a mixed-in type, ordered dicts, named tuples.
#[cold]
fn other(value: &Bound<'_, PyAny>, out: &mut JsonWriter, depth: usize) -> Written {
    if let Ok(string) = value.cast::<PyString>() {
        out.str(text(string)?);
    } else if let Ok(number) = value.cast::<PyInt>() {
        integer(number, out)?;
    } else if let Ok(number) = value.cast::<PyFloat>() {
        float(number, out)?;
    } else if value.is_instance_of::<PyDict>() {
        open(out, depth)?;
        out.begin_object();
        // Through `items`, because a subclass may keep an order of its own.
        let items = value.call_method0("items").and_then(|items| items.try_iter()).map_err(raised)?;
        for item in items {
            let (key, value) = item
                .and_then(|item| item.extract::<(Bound<'_, PyAny>, Bound<'_, PyAny>)>())
                .map_err(raised)?;
            member(&key, &value, out, depth)?;
        }
        out.end_object();
    } else if let Ok(list) = value.cast::<PyList>() {
        array(list.iter(), out, depth)?;
    } else if let Ok(tuple) = value.cast::<PyTuple>() {
        array(tuple.iter(), out, depth)?;
    } else {
        return Err(unfit(type_name(value)));
    }
    Ok(())
}

fn raised(error: PyErr) -> Unfit {
    unfit(format!("a dict whose items raise {error}"))
}

/// The name of a value's type, as a message shows it.
pub(crate) fn type_name(value: &Bound<'_, PyAny>) -> String {
    value.get_type().qualname().map_or_else(|_| "an object".to_owned(), |name| name.to_string())
}

fn open(out: &JsonWriter, depth: usize) -> Written {
    if depth >= MAX_DEPTH {
        return Err(unfit(format!("a value nested deeper than {MAX_DEPTH} levels, or holding itself")));
    }
    if out.as_bytes().len() > MAX_BYTES {
        return Err(unfit(format!("a value of more than {} MiB", MAX_BYTES >> 20)));
    }
    Ok(())
}

fn member(key: &Bound<'_, PyAny>, value: &Bound<'_, PyAny>, out: &mut JsonWriter, depth: usize) -> Written {
    let Ok(name) = key.cast::<PyString>() else {
        return Err(unfit(format!("a dict with a key of type {}", type_name(key))));
    };
    out.key(text(name)?);
    write(value, out, depth + 1).map_err(|mut unfit| {
        unfit.path.push(format!("[{:?}]", name.to_string_lossy()));
        unfit
    })
}

fn array<'py>(items: impl Iterator<Item = Bound<'py, PyAny>>, out: &mut JsonWriter, depth: usize) -> Written {
    open(out, depth)?;
    out.begin_array();
    for (place, item) in items.enumerate() {
        write(&item, out, depth + 1).map_err(|mut unfit| {
            unfit.path.push(format!("[{place}]"));
            unfit
        })?;
    }
    out.end_array();
    Ok(())
}

fn integer(number: &Bound<'_, PyInt>, out: &mut JsonWriter) -> Written {
    match number.extract::<i64>() {
        Ok(small) => out.int(small),
        // `int.__repr__` and not `repr`, which an enumeration replaces.
        Err(_) => match number.py().get_type::<PyInt>().call_method1("__repr__", (number,)) {
            Ok(digits) => {
                let digits = digits.to_string();
                // What no double can approximate most readers of JSON refuse, the engine among them.
                if digits.parse::<f64>().is_ok_and(f64::is_infinite) {
                    return Err(unfit(format!("an int of {} digits", digits.len())));
                }
                out.raw(digits.as_bytes())
            }
            Err(error) => return Err(unfit(format!("an int too long to write ({error})"))),
        },
    };
    Ok(())
}

fn float(number: &Bound<'_, PyFloat>, out: &mut JsonWriter) -> Written {
    use pyo3::types::PyFloatMethods;
    let number = number.value();
    let name = || {
        if number.is_nan() {
            "nan"
        } else if number > 0.0 {
            "inf"
        } else {
            "-inf"
        }
    };
    out.float(number).map_err(|_| unfit(name()))
}
