//! Python objects to JSON text. Exact types are checked first; subclasses and other types take the slower path.

use crate::errors::describe_exception;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyBool, PyDict, PyFloat, PyInt, PyList, PyString, PyTuple};
use std::fmt;
use tenon_mcp::json::{JsonWriter, Limits as JsonLimits};
use tenon_mcp::{JsonSlice, Limits};

/// The maximum number of steps of a path. It is cut because the path in a value that contains itself would repeat.
const MAX_STEPS: usize = 8;

static CONVERTER: PyOnceLock<Py<PyAny>> = PyOnceLock::new();

/// The bounds of a value.
#[derive(Clone, Copy)]
pub(crate) struct Bounds {
    /// The deepest nesting. A value that contains itself fails here too.
    depth: usize,
    /// The longest text. A small value that contains the same parts many times fails here.
    bytes: usize,
}

impl Bounds {
    /// The bounds of a result.
    pub(crate) fn of(limits: &Limits) -> Bounds {
        // The text that is written here is not scanned again, so it must not be deeper than a scan allows.
        let depth = limits.max_depth.min(JsonLimits::TRUSTED.max_depth);
        Bounds { depth, bytes: limits.max_result_bytes }
    }

    /// The bounds of a store's reply, which may be a whole record.
    pub(crate) fn of_store(self) -> Bounds {
        Bounds { bytes: usize::MAX, ..self }
    }

    /// The longest text.
    pub(crate) fn bytes(self) -> usize {
        self.bytes
    }
}

/// A value that JSON cannot express or that exceeds the bounds, and its path.
#[derive(Debug)]
pub(crate) struct NotSerializable {
    what: String,
    /// The only problem is its length.
    pub(crate) too_long: bool,
    /// Innermost first.
    path: Vec<String>,
}

impl fmt::Display for NotSerializable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)?;
        if self.path.is_empty() || self.too_long {
            return Ok(());
        }
        f.write_str(" (at ")?;
        self.path.iter().rev().take(MAX_STEPS).try_for_each(|step| f.write_str(step))?;
        f.write_str(if self.path.len() > MAX_STEPS { "…)" } else { ")" })
    }
}

type WriteResult = Result<(), NotSerializable>;

/// The value as JSON.
pub(crate) fn json(value: &Bound<'_, PyAny>, bounds: Bounds) -> Result<JsonSlice, NotSerializable> {
    write_all(value, Output { json: JsonWriter::with_capacity(64), bounds, simpler: None })
}

/// The value as JSON. It may contain dates, dataclasses and the like, which `tenon_mcp._schema.json_defaults` converts.
#[cold]
pub(crate) fn json_with_defaults(
    value: &Bound<'_, PyAny>,
    bounds: Bounds,
) -> Result<JsonSlice, NotSerializable> {
    let py = value.py();
    let simpler = CONVERTER
        .get_or_try_init(py, || {
            PyResult::Ok(py.import("tenon_mcp._schema.json_defaults")?.getattr("simpler")?.unbind())
        })
        .map_err(|error| not_serializable(describe_exception(&error)))?;
    write_all(value, Output { json: JsonWriter::with_capacity(64), bounds, simpler: Some(simpler) })
}

fn write_all(value: &Bound<'_, PyAny>, mut out: Output<'_>) -> Result<JsonSlice, NotSerializable> {
    write(value, &mut out, 0)?;
    out.check()?;
    Ok(out.json.into_slice())
}

/// The text of a `str` that is to be sent as it is.
pub(crate) fn plain_text<'a>(
    value: &'a Bound<'_, PyString>,
    bounds: Bounds,
) -> Result<&'a str, NotSerializable> {
    text(value, bounds)
        .and_then(|text| if text.len() > bounds.bytes { Err(too_long(bounds)) } else { Ok(text) })
}

/// The text of a `str`.
fn text<'a>(value: &'a Bound<'_, PyString>, bounds: Bounds) -> Result<&'a str, NotSerializable> {
    // The UTF-8 text has at least as many bytes as characters. Encoding a text that is too long could take long.
    if value.len().unwrap_or(0) > bounds.bytes {
        return Err(too_long(bounds));
    }
    value.to_str().map_err(|_| not_serializable("a str with lone surrogates"))
}

#[cold]
fn not_serializable(what: impl Into<String>) -> NotSerializable {
    NotSerializable { what: what.into(), too_long: false, path: Vec::new() }
}

#[cold]
pub(crate) fn too_long(bounds: Bounds) -> NotSerializable {
    NotSerializable {
        too_long: true,
        ..not_serializable(format!("a value of more than {} bytes, the limit max_result_bytes", bounds.bytes))
    }
}

/// The text written so far. It exceeds the bound at most by a number and some brackets.
struct Output<'a> {
    json: JsonWriter,
    bounds: Bounds,
    /// The Python function that converts a value of a class that JSON does not know.
    simpler: Option<&'a Py<PyAny>>,
}

impl Output<'_> {
    /// A string, or the name of a member.
    fn string(&mut self, text: &str, is_key: bool) -> WriteResult {
        let room = self.bounds.bytes.saturating_sub(self.json.as_bytes().len());
        // Escaping makes a text at most six times as long.
        if text.len() > room / 6 && escaped_len(text) > room {
            return Err(too_long(self.bounds));
        }
        if is_key {
            self.json.key(text);
        } else {
            self.json.str(text);
        }
        Ok(())
    }

    /// Fails if `bytes` more would exceed the bound.
    fn room_for(&self, bytes: usize) -> WriteResult {
        let room = self.bounds.bytes.saturating_sub(self.json.as_bytes().len());
        if bytes > room { Err(too_long(self.bounds)) } else { Ok(()) }
    }

    fn check(&self) -> WriteResult {
        if self.json.as_bytes().len() > self.bounds.bytes { Err(too_long(self.bounds)) } else { Ok(()) }
    }
}

fn escaped_len(text: &str) -> usize {
    let length = |byte: &u8| match *byte {
        b'"' | b'\\' | b'\n' | b'\r' | b'\t' | 8 | 12 => 2,
        0..0x20 => 6,
        _ => 1,
    };
    text.as_bytes().iter().map(length).sum::<usize>() + 2
}

fn write(value: &Bound<'_, PyAny>, out: &mut Output<'_>, depth: usize) -> WriteResult {
    if let Ok(string) = value.cast_exact::<PyString>() {
        out.string(text(string, out.bounds)?, false)?;
    } else if let Ok(number) = value.cast_exact::<PyInt>() {
        integer(number, out)?;
    } else if let Ok(dict) = value.cast_exact::<PyDict>() {
        check_depth(out, depth)?;
        // `"":0,` is the shortest member.
        out.room_for(dict.len().saturating_mul(5))?;
        out.json.begin_object();
        for (key, value) in dict.iter() {
            member(&key, &value, out, depth)?;
        }
        out.json.end_object();
    } else if let Ok(list) = value.cast_exact::<PyList>() {
        array(list.iter(), out, depth)?;
    } else if let Ok(flag) = value.cast_exact::<PyBool>() {
        out.json.bool(flag.is_true());
    } else if value.is_none() {
        out.json.null();
    } else if let Ok(number) = value.cast_exact::<PyFloat>() {
        float(number, out)?;
    } else if let Ok(tuple) = value.cast_exact::<PyTuple>() {
        array(tuple.iter(), out, depth)?;
    } else {
        write_other(value, out, depth)?;
    }
    Ok(())
}

/// Subclasses are written as their base types: enumerations with a mixed-in type, ordered dicts, named tuples. Other
/// values are converted by `tenon_mcp._schema.json_defaults` if `json_with_defaults` was called. It returns a value of
/// an unknown type as it is.
#[cold]
fn write_other(value: &Bound<'_, PyAny>, out: &mut Output<'_>, depth: usize) -> WriteResult {
    if let Ok(string) = value.cast::<PyString>() {
        out.string(text(string, out.bounds)?, false)?;
    } else if let Ok(number) = value.cast::<PyInt>() {
        integer(number, out)?;
    } else if let Ok(number) = value.cast::<PyFloat>() {
        float(number, out)?;
    } else if value.is_instance_of::<PyDict>() {
        check_depth(out, depth)?;
        out.json.begin_object();
        // By `items`, because a subclass may have its own order.
        let items = value.call_method0("items").and_then(|items| items.try_iter()).map_err(items_raised)?;
        for item in items {
            let (key, value) = item
                .and_then(|item| item.extract::<(Bound<'_, PyAny>, Bound<'_, PyAny>)>())
                .map_err(items_raised)?;
            member(&key, &value, out, depth)?;
        }
        out.json.end_object();
    } else if let Ok(list) = value.cast::<PyList>() {
        array(list.iter(), out, depth)?;
    } else if let Ok(tuple) = value.cast::<PyTuple>() {
        array(tuple.iter(), out, depth)?;
    } else {
        let simpler = match out.simpler {
            Some(simpler) => simpler.bind(value.py()).call1((value,)).map_err(|error| {
                not_serializable(format!(
                    "{}, whose conversion raises {}",
                    type_name(value),
                    describe_exception(&error)
                ))
            })?,
            None => return Err(not_serializable(type_name(value))),
        };
        // The result is never of such a type again, so this ends.
        if !is_simple(&simpler) {
            return Err(not_serializable(type_name(value)));
        }
        write(&simpler, out, depth)?;
    }
    Ok(())
}

fn is_simple(value: &Bound<'_, PyAny>) -> bool {
    value.is_none()
        || value.is_exact_instance_of::<PyString>()
        || value.is_exact_instance_of::<PyInt>()
        || value.is_exact_instance_of::<PyFloat>()
        || value.is_exact_instance_of::<PyBool>()
        || value.is_exact_instance_of::<PyDict>()
        || value.is_exact_instance_of::<PyList>()
}

fn items_raised(error: PyErr) -> NotSerializable {
    not_serializable(format!("a dict whose items raise {}", describe_exception(&error)))
}

/// The name of a value's type, as a message shows it.
pub(crate) fn type_name(value: &Bound<'_, PyAny>) -> String {
    value.get_type().qualname().map_or_else(|_| "an object".to_owned(), |name| name.to_string())
}

fn check_depth(out: &Output<'_>, depth: usize) -> WriteResult {
    if depth >= out.bounds.depth {
        let most = out.bounds.depth;
        let what =
            format!("a value nested deeper than {most} levels, the limit max_depth, or holding itself");
        return Err(not_serializable(what));
    }
    out.check()
}

fn member(
    key: &Bound<'_, PyAny>,
    value: &Bound<'_, PyAny>,
    out: &mut Output<'_>,
    depth: usize,
) -> WriteResult {
    let Ok(name) = key.cast::<PyString>() else {
        return Err(not_serializable(format!("a dict with a key of type {}", type_name(key))));
    };
    out.string(text(name, out.bounds)?, true)?;
    write(value, out, depth + 1).map_err(|mut error| {
        error.path.push(format!("[{:?}]", name.to_string_lossy()));
        error
    })?;
    out.check()
}

fn array<'py>(
    items: impl ExactSizeIterator<Item = Bound<'py, PyAny>>,
    out: &mut Output<'_>,
    depth: usize,
) -> WriteResult {
    check_depth(out, depth)?;
    // An item takes two bytes at least, with the comma or bracket after it. An array that cannot fit is not started.
    out.room_for(items.len().saturating_mul(2))?;
    out.json.begin_array();
    for (index, item) in items.enumerate() {
        write(&item, out, depth + 1).map_err(|mut error| {
            error.path.push(format!("[{index}]"));
            error
        })?;
        out.check()?;
    }
    out.json.end_array();
    Ok(())
}

fn integer(number: &Bound<'_, PyInt>, out: &mut Output<'_>) -> WriteResult {
    match number.extract::<i64>() {
        Ok(small) => out.json.int(small),
        // `int.__repr__` and not `repr`, which an enumeration replaces.
        Err(_) => match number.py().get_type::<PyInt>().call_method1("__repr__", (number,)) {
            Ok(digits) => {
                let digits = digits.to_string();
                // Most JSON readers, and the engine, refuse a number beyond the range of a double.
                if digits.parse::<f64>().is_ok_and(f64::is_infinite) {
                    return Err(not_serializable(format!("an int of {} digits", digits.len())));
                }
                out.json.raw(digits.as_bytes())
            }
            Err(error) => return Err(not_serializable(format!("an int too long to write ({error})"))),
        },
    };
    Ok(())
}

fn float(number: &Bound<'_, PyFloat>, out: &mut Output<'_>) -> WriteResult {
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
    out.json.float(number).map_err(|_| not_serializable(name()))
}
