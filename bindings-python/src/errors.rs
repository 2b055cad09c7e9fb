//! Engine errors as the exceptions of `tenon_mcp`.

use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use tenon_mcp::{Error, ErrorKind};

static ERRORS: PyOnceLock<Py<PyModule>> = PyOnceLock::new();

/// An exception of a class in `tenon_mcp._errors`.
pub(crate) fn exception(py: Python<'_>, class: &str, arguments: impl IntoArguments) -> PyErr {
    let module = ERRORS.get_or_try_init(py, || Ok(py.import("tenon_mcp._errors")?.unbind()));
    match module.and_then(|module| arguments.call(&module.bind(py).getattr(class)?)) {
        Ok(error) => PyErr::from_value(error),
        Err(error) => error,
    }
}

/// Arguments an exception is made with.
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
        ErrorKind::Address | ErrorKind::Io => "ServeError",
        ErrorKind::Forked => "ForkedError",
        ErrorKind::Start => "StartError",
        _ => "StateError",
    };
    exception(py, class, error.message())
}
