//! The settings of a program, for Python. The engine has all names and rules.
//!
//! Every method leaves the interpreter: another thread may hold the settings while it reads files.

use crate::convert::read;
use crate::convert::write::{self, Bounds};
use crate::errors::{engine_error, exception};
use crate::register::option_json;
use pyo3::prelude::*;
use pyo3::types::PyDict;
use std::path::PathBuf;
use tenon_mcp::{Limits, Spelling};

/// Settings from a file, variables and code.
#[pyclass(frozen, module = "tenon_mcp._native")]
pub struct Settings(pub(crate) tenon_mcp::Settings);

#[pymethods]
impl Settings {
    /// Reads the sources, which are the keyword arguments of `tenon_mcp.Settings`.
    #[new]
    fn new(sources: &Bound<'_, PyDict>) -> PyResult<Settings> {
        let py = sources.py();
        let json = option_json::object("settings", sources)?;
        let read = py.detach(|| tenon_mcp::Settings::from_options(&json, Spelling::Python));
        read.map(Settings).map_err(|error| engine_error(py, &error))
    }

    /// The value of a setting; `None` if it is not set.
    fn get<'py>(&self, py: Python<'py>, key: &str) -> PyResult<Option<Bound<'py, PyAny>>> {
        let value = py.detach(|| self.0.get(key)).map_err(|error| engine_error(py, &error))?;
        value.map(|value| read::value(py, &value)).transpose()
    }

    /// Where the value of a setting comes from.
    fn source(&self, py: Python<'_>, key: &str) -> Option<String> {
        py.detach(|| self.0.source(key))
    }

    /// Sets a value in code; `None` removes it.
    fn set(&self, key: &str, value: &Bound<'_, PyAny>) -> PyResult<()> {
        let py = value.py();
        let json = write::json(value, Bounds::of(&Limits::default()))
            .map_err(|reason| exception(py, "RegistrationError", &*format!("{key}: {reason} is not JSON")))?;
        py.detach(|| self.0.set(key, &json)).map_err(|error| engine_error(py, &error))
    }

    /// Writes the values that `set` has set into the file.
    fn save(&self, py: Python<'_>) -> PyResult<()> {
        py.detach(|| self.0.save()).map_err(|error| engine_error(py, &error))
    }

    /// Whether the settings have a file.
    #[getter]
    fn has_file(&self) -> bool {
        self.0.file().is_some()
    }

    /// Reads all sources again, and applies them to the servers that were made with them.
    fn reload(&self, py: Python<'_>) -> PyResult<()> {
        py.detach(|| self.0.reload()).map_err(|error| engine_error(py, &error))
    }

    /// The JSON Schema of a settings file.
    fn schema<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        read::value(py, &self.0.schema())
    }

    /// Writes a TOML file with every setting as a comment.
    #[staticmethod]
    fn write_default(py: Python<'_>, path: PathBuf) -> PyResult<()> {
        py.detach(|| tenon_mcp::Settings::write_default(path)).map_err(|error| engine_error(py, &error))
    }
}
