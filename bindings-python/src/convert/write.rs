//! Python objects to JSON text. Exact types take the short way; subclasses and the like the cold one.

use crate::errors::words;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyBool, PyDict, PyFloat, PyInt, PyList, PyString, PyTuple};
use std::fmt;
use tenon_mcp::json::{JsonWriter, Limits as JsonLimits};
use tenon_mcp::{JsonSlice, Limits};

/// A path that is longer is cut: that of a value which holds itself repeats itself.
const MAX_STEPS: usize = 8;

static SIMPLER: PyOnceLock<Py<PyAny>> = PyOnceLock::new();

/// How much a value may be.
#[derive(Clone, Copy)]
pub(crate) struct Bounds {
    /// Deepest nesting; a value that holds itself ends here too.
    depth: usize,
    /// Longest text; a small value that holds the same parts over and over ends here.
    bytes: usize,
}

impl Bounds {
    /// Those of a result.
    pub(crate) fn of(limits: &Limits) -> Bounds {
        // What is written here is scanned no more, so it must not be deeper than any scan allows.
        let depth = limits.max_depth.min(JsonLimits::TRUSTED.max_depth);
        Bounds { depth, bytes: limits.max_result_bytes }
    }

    /// Longest text.
    pub(crate) fn bytes(self) -> usize {
        self.bytes
    }
}

/// What JSON or the bounds cannot hold, and where in the value it was.
#[derive(Debug)]
pub(crate) struct Unfit {
    what: String,
    /// It is too long, and fine but for that.
    pub(crate) too_long: bool,
    /// Innermost first.
    path: Vec<String>,
}

impl fmt::Display for Unfit {
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

type Written = Result<(), Unfit>;

/// The value as JSON.
pub(crate) fn json(value: &Bound<'_, PyAny>, bounds: Bounds) -> Result<JsonSlice, Unfit> {
    finished(value, Output { json: JsonWriter::with_capacity(64), bounds, simpler: None })
}

/// The same of a value that may have dates, dataclasses and the like in it, which `tenon_mcp._schema.json_defaults` makes simpler.
#[cold]
pub(crate) fn rich(value: &Bound<'_, PyAny>, bounds: Bounds) -> Result<JsonSlice, Unfit> {
    let py = value.py();
    let simpler = SIMPLER
        .get_or_try_init(py, || {
            PyResult::Ok(py.import("tenon_mcp._schema.json_defaults")?.getattr("simpler")?.unbind())
        })
        .map_err(|error| unfit(words(&error)))?;
    finished(value, Output { json: JsonWriter::with_capacity(64), bounds, simpler: Some(simpler) })
}

fn finished(value: &Bound<'_, PyAny>, mut out: Output<'_>) -> Result<JsonSlice, Unfit> {
    write(value, &mut out, 0)?;
    out.check()?;
    Ok(out.json.into_slice())
}

/// The text of a `str` that is to be sent as it is.
pub(crate) fn plain<'a>(value: &'a Bound<'_, PyString>, bounds: Bounds) -> Result<&'a str, Unfit> {
    text(value, bounds)
        .and_then(|text| if text.len() > bounds.bytes { Err(too_long(bounds)) } else { Ok(text) })
}

/// The text of a `str`.
fn text<'a>(value: &'a Bound<'_, PyString>, bounds: Bounds) -> Result<&'a str, Unfit> {
    // Its UTF-8 is at least as long; making that for nothing could be dear.
    if value.len().unwrap_or(0) > bounds.bytes {
        return Err(too_long(bounds));
    }
    value.to_str().map_err(|_| unfit("a str with lone surrogates"))
}

#[cold]
fn unfit(what: impl Into<String>) -> Unfit {
    Unfit { what: what.into(), too_long: false, path: Vec::new() }
}

#[cold]
pub(crate) fn too_long(bounds: Bounds) -> Unfit {
    Unfit {
        too_long: true,
        ..unfit(format!("a value of more than {} bytes, the limit max_result_bytes", bounds.bytes))
    }
}

/// The text so far. It never gets longer than the bound by more than a number and some brackets.
struct Output<'a> {
    json: JsonWriter,
    bounds: Bounds,
    /// Says what stands for a value of a class that JSON does not know.
    simpler: Option<&'a Py<PyAny>>,
}

impl Output<'_> {
    /// A string, or the name of a member.
    fn string(&mut self, text: &str, is_key: bool) -> Written {
        let room = self.bounds.bytes.saturating_sub(self.json.as_bytes().len());
        // Six times as long is the most that escaping makes of it.
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

    /// Fails if `bytes` more are too many.
    fn room_for(&self, bytes: usize) -> Written {
        let room = self.bounds.bytes.saturating_sub(self.json.as_bytes().len());
        if bytes > room { Err(too_long(self.bounds)) } else { Ok(()) }
    }

    fn check(&self) -> Written {
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

fn write(value: &Bound<'_, PyAny>, out: &mut Output<'_>, depth: usize) -> Written {
    if let Ok(string) = value.cast_exact::<PyString>() {
        out.string(text(string, out.bounds)?, false)?;
    } else if let Ok(number) = value.cast_exact::<PyInt>() {
        integer(number, out)?;
    } else if let Ok(dict) = value.cast_exact::<PyDict>() {
        open(out, depth)?;
        // `"":0,` is the least of a member.
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
        other(value, out, depth)?;
    }
    Ok(())
}

/// Subclasses are what they derive from: enumerations with a mixed-in type, ordered dicts, named tuples. Others are what
/// `tenon_mcp._schema.json_defaults` makes of them, where it may be asked; it gives back what it does not know.
#[cold]
fn other(value: &Bound<'_, PyAny>, out: &mut Output<'_>, depth: usize) -> Written {
    if let Ok(string) = value.cast::<PyString>() {
        out.string(text(string, out.bounds)?, false)?;
    } else if let Ok(number) = value.cast::<PyInt>() {
        integer(number, out)?;
    } else if let Ok(number) = value.cast::<PyFloat>() {
        float(number, out)?;
    } else if value.is_instance_of::<PyDict>() {
        open(out, depth)?;
        out.json.begin_object();
        // Through `items`, because a subclass may keep an order of its own.
        let items = value.call_method0("items").and_then(|items| items.try_iter()).map_err(raised)?;
        for item in items {
            let (key, value) = item
                .and_then(|item| item.extract::<(Bound<'_, PyAny>, Bound<'_, PyAny>)>())
                .map_err(raised)?;
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
                unfit(format!("{}, of which this comes: {}", type_name(value), words(&error)))
            })?,
            None => return Err(unfit(type_name(value))),
        };
        // Never itself again, so this ends.
        if !is_simple(&simpler) {
            return Err(unfit(type_name(value)));
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

fn raised(error: PyErr) -> Unfit {
    unfit(format!("a dict whose items raise {}", words(&error)))
}

/// The name of a value's type, as a message shows it.
pub(crate) fn type_name(value: &Bound<'_, PyAny>) -> String {
    value.get_type().qualname().map_or_else(|_| "an object".to_owned(), |name| name.to_string())
}

fn open(out: &Output<'_>, depth: usize) -> Written {
    if depth >= out.bounds.depth {
        let most = out.bounds.depth;
        let what =
            format!("a value nested deeper than {most} levels, the limit max_depth, or holding itself");
        return Err(unfit(what));
    }
    out.check()
}

fn member(key: &Bound<'_, PyAny>, value: &Bound<'_, PyAny>, out: &mut Output<'_>, depth: usize) -> Written {
    let Ok(name) = key.cast::<PyString>() else {
        return Err(unfit(format!("a dict with a key of type {}", type_name(key))));
    };
    out.string(text(name, out.bounds)?, true)?;
    write(value, out, depth + 1).map_err(|mut unfit| {
        unfit.path.push(format!("[{:?}]", name.to_string_lossy()));
        unfit
    })?;
    out.check()
}

fn array<'py>(
    items: impl ExactSizeIterator<Item = Bound<'py, PyAny>>,
    out: &mut Output<'_>,
    depth: usize,
) -> Written {
    open(out, depth)?;
    // An item takes two bytes at least, with the comma or bracket behind it: what cannot fit is not begun.
    out.room_for(items.len().saturating_mul(2))?;
    out.json.begin_array();
    for (place, item) in items.enumerate() {
        write(&item, out, depth + 1).map_err(|mut unfit| {
            unfit.path.push(format!("[{place}]"));
            unfit
        })?;
        out.check()?;
    }
    out.json.end_array();
    Ok(())
}

fn integer(number: &Bound<'_, PyInt>, out: &mut Output<'_>) -> Written {
    match number.extract::<i64>() {
        Ok(small) => out.json.int(small),
        // `int.__repr__` and not `repr`, which an enumeration replaces.
        Err(_) => match number.py().get_type::<PyInt>().call_method1("__repr__", (number,)) {
            Ok(digits) => {
                let digits = digits.to_string();
                // What no double can approximate most readers of JSON refuse, the engine among them.
                if digits.parse::<f64>().is_ok_and(f64::is_infinite) {
                    return Err(unfit(format!("an int of {} digits", digits.len())));
                }
                out.json.raw(digits.as_bytes())
            }
            Err(error) => return Err(unfit(format!("an int too long to write ({error})"))),
        },
    };
    Ok(())
}

fn float(number: &Bound<'_, PyFloat>, out: &mut Output<'_>) -> Written {
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
    out.json.float(number).map_err(|_| unfit(name()))
}
