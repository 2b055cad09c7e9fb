//! Engine errors as the exceptions of `tenon_mcp`.

use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use std::fmt::{self, Write as _};
use tenon_mcp::{Error, ErrorKind};

static ERRORS: PyOnceLock<Py<PyModule>> = PyOnceLock::new();

/// An exception of a class in `tenon_mcp.errors`.
pub(crate) fn exception(py: Python<'_>, class: &str, arguments: impl IntoArguments) -> PyErr {
    let module = ERRORS.get_or_try_init(py, || Ok(py.import("tenon_mcp.errors")?.unbind()));
    match module.and_then(|module| arguments.call(&module.bind(py).getattr(class)?)) {
        Ok(error) => PyErr::from_value(error),
        Err(error) => error,
    }
}

/// The class and the text of an exception of the program, if they can be read.
pub(crate) fn describe_exception(error: &PyErr) -> String {
    let mut text = String::new();
    // This fails if the name of the class cannot be read; `format!` would panic then.
    match write!(text, "{error}") {
        Ok(()) => text,
        Err(fmt::Error) => "an exception whose class has no readable name".to_owned(),
    }
}

/// A value as an error text shows it.
pub(crate) fn shown(value: &Bound<'_, PyAny>) -> String {
    value.repr().map_or_else(|_| "a value that cannot be shown".to_owned(), |text| text.to_string())
}

/// The arguments for an exception's class.
pub(crate) trait IntoArguments {
    fn call<'py>(self, class: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>>;
}

impl IntoArguments for &str {
    fn call<'py>(self, class: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        class.call1((self,))
    }
}

impl<T: pyo3::PyClass + Into<pyo3::PyClassInitializer<T>>> IntoArguments for (String, T) {
    fn call<'py>(self, class: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        class.call1((self.0, Bound::new(class.py(), self.1)?))
    }
}

/// An engine error.
pub(crate) fn engine_error(py: Python<'_>, error: &Error) -> PyErr {
    let class = match error.kind() {
        ErrorKind::Invalid | ErrorKind::Duplicate | ErrorKind::NotFound => "RegistrationError",
        ErrorKind::Address | ErrorKind::Io | ErrorKind::Panic => "ServeError",
        ErrorKind::Forked => "ForkedError",
        ErrorKind::Start => "StartError",
        _ => "StateError",
    };
    exception(py, class, error.message())
}
