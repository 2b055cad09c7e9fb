//! The transports of a server, from the keyword arguments of `run`. The engine reads and checks them. This file only makes
//! JSON of them, and duplicates descriptors.

use crate::convert::write::{self, Bounds};
use crate::errors::{engine_error, exception};
use crate::register::option_json::{MAX_ITEMS, number, too_many};
use crate::settings::Settings;
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyList, PyString};
use std::io;
use std::os::fd::{BorrowedFd, OwnedFd};
use tenon_mcp::__private::unknown_transport;
use tenon_mcp::http::EmbedOptions;
use tenon_mcp::locks::Mutex;
use tenon_mcp::{JsonSlice, Limits, ServeOptions, Spelling, TransportKind};

/// The deepest nesting of the options, and of lists in them. Deeper values are refused as they are.
const MAX_DEPTH: usize = 4;

/// The transports of a server.
#[pyclass(frozen, name = "ServeOptions", module = "tenon_mcp._native")]
pub struct Transports(Served);

enum Served {
    /// The transports of one start. They own their descriptors, so these are closed if something fails.
    Once(Mutex<Option<ServeOptions>>),
    /// Requests of an ASGI server, for any number of starts. The program's options were read, and are not read again.
    Embedded(EmbedOptions),
}

#[pymethods]
impl Transports {
    /// Reads the keyword arguments of `run`. Descriptors are duplicated. `others` are the other keywords that the caller
    /// takes, for errors. If `options` name no transport, those of `settings` are served.
    #[new]
    #[pyo3(signature = (options, others=Vec::new(), settings=None))]
    fn new(
        options: &Bound<'_, PyDict>,
        others: Vec<String>,
        settings: Option<&Bound<'_, Settings>>,
    ) -> PyResult<Transports> {
        let py = options.py();
        let unknown =
            |name: Bound<'_, PyAny>| unknown_transport(&name.to_string(), Spelling::Python, &others);
        if let Some(unknown) = options.keys().iter().find_map(unknown) {
            return Err(PyTypeError::new_err(unknown));
        }
        if let Some(settings) = settings.map(Bound::get)
            && options.values().iter().all(|value| value.is_none())
        {
            let configured = py.detach(|| settings.0.serve_options());
            if let Some(configured) = configured.map_err(|error| engine_error(py, &error))? {
                return Ok(Transports::once(configured));
            }
        }
        let json = object(options)?;
        let read = ServeOptions::from_options(&json, Spelling::Python, duplicate);
        read.map(Transports::once).map_err(|error| engine_error(py, &error))
    }

    /// Requests of an ASGI server.
    #[staticmethod]
    fn embedded(options: &Bound<'_, PyDict>) -> PyResult<Transports> {
        let py = options.py();
        let known: Vec<_> = TransportKind::Embedded.row().options().map(|row| row.name).collect();
        let json = object(options)?;
        let read = EmbedOptions::from_options("asgi", &json, Spelling::Python);
        let is_known = |name: Bound<'_, PyAny>| known.iter().any(|known| name.to_string() == *known);
        match read {
            Err(error) if !options.keys().iter().all(is_known) => {
                Err(PyTypeError::new_err(error.to_string()))
            }
            read => read
                .map(|embedded| Transports(Served::Embedded(embedded)))
                .map_err(|error| engine_error(py, &error)),
        }
    }

    /// Only clients in the process.
    #[staticmethod]
    fn in_process() -> Transports {
        Transports::once(ServeOptions::new().in_process())
    }

    /// Binds the address, so that each process that is forked later serves the same listener.
    fn bind_shared(&self, py: Python<'_>) -> PyResult<()> {
        let options = self.take(py)?;
        let bound = py.detach(|| options.bind_shared(Spelling::Python));
        let bound = bound.map_err(|error| engine_error(py, &error))?;
        if let Served::Once(own) = &self.0 {
            *own.lock() = Some(bound);
        }
        Ok(())
    }

    /// Closes the descriptors, if no server has been started with them.
    fn close(&self) {
        if let Served::Once(own) = &self.0 {
            let options = own.lock().take();
            drop(options);
        }
    }
}

impl Transports {
    fn once(options: ServeOptions) -> Transports {
        Transports(Served::Once(Mutex::new(Some(options))))
    }

    /// The options, for one start.
    pub(crate) fn take(&self, py: Python<'_>) -> PyResult<ServeOptions> {
        let options = match &self.0 {
            Served::Once(own) => own.lock().take(),
            Served::Embedded(options) => Some(ServeOptions::new().embedded(options.clone())),
        };
        options.ok_or_else(|| exception(py, "StateError", "these transports have been started already"))
    }
}

/// A duplicate of a descriptor of the program.
fn duplicate(number: i32) -> io::Result<OwnedFd> {
    // SAFETY: the engine asks for numbers from 0. It is only duplicated, which fails if it is not open.
    unsafe { BorrowedFd::borrow_raw(number) }.try_clone_to_owned()
}

/// The options as JSON.
fn object(options: &Bound<'_, PyDict>) -> PyResult<JsonSlice> {
    let plain = Plain { items: 0 }.value(options.as_any(), &[], 0)?;
    write::json(&plain, Bounds::of(&Limits::default())).map_err(|reason| {
        let py = options.py();
        // A small value may have a long text, if it contains the same parts many times.
        let shown = py.import("reprlib").and_then(|module| module.call_method1("repr", (options,)));
        let shown = shown.map_or_else(|_| "values that cannot be shown".to_owned(), |text| text.to_string());
        exception(py, "RegistrationError", &*format!("{reason} is not JSON; the options are {shown}"))
    })
}

/// Makes values with the types of JSON.
struct Plain {
    /// The members and items so far.
    items: usize,
}

impl Plain {
    /// Counts one more item of the value at `path`.
    fn count(&mut self, py: Python<'_>, path: &[String]) -> PyResult<()> {
        self.items += 1;
        if self.items > MAX_ITEMS { Err(too_many(py, &path.join(" option "))) } else { Ok(()) }
    }

    /// A value with the types of JSON. Paths become strings, and objects with a descriptor become `{"fd": number}`.
    fn value<'py>(
        &mut self,
        value: &Bound<'py, PyAny>,
        path: &[String],
        depth: usize,
    ) -> PyResult<Bound<'py, PyAny>> {
        let py = value.py();
        if value.is_instance_of::<PyString>() || value.is_none() || depth > MAX_DEPTH {
            return Ok(value.clone());
        }
        if let Ok(members) = value.cast::<PyDict>() {
            let copy = PyDict::new(py);
            for (name, member) in members {
                self.count(py, path)?;
                let path: Vec<_> = path.iter().cloned().chain([name.to_string()]).collect();
                copy.set_item(name, self.value(&member, &path, depth + 1)?)?;
            }
            return Ok(copy.into_any());
        }
        if value.hasattr("fileno")? {
            let object = PyDict::new(py);
            object.set_item("fd", value.call_method0("fileno")?)?;
            return Ok(object.into_any());
        }
        if value.hasattr("__fspath__")? && !value.is_instance_of::<PyBytes>() {
            return py.import("os")?.call_method1("fspath", (value,));
        }
        if let Some(number) = number(value)? {
            return Ok(number);
        }
        if !value.is_instance_of::<PyBytes>()
            && let Ok(items) = value.try_iter()
        {
            let list = PyList::empty(py);
            for item in items {
                self.count(py, path)?;
                list.append(self.value(&item?, path, depth + 1)?)?;
            }
            return Ok(list.into_any());
        }
        if write::json(value, Bounds::of(&Limits::default())).is_ok() {
            return Ok(value.clone());
        }
        let kind = value.get_type().name()?;
        let path = path.join(" option ");
        let text = format!(
            "{path} must be JSON, a path, or a socket or another object with a descriptor, not {kind}"
        );
        Err(exception(py, "RegistrationError", &*text))
    }
}
