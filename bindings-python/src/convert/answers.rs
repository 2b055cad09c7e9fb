//! Answers of clients, and outcomes for middleware, as Python values.

use crate::convert::read;
use crate::errors::exception;
use pyo3::prelude::*;
use tenon_mcp::{Answer, AskError, Outcome};

/// Why a question was not answered. The exception `AskError` holds it. If a handler does not catch the exception, the
/// call ends with this error.
#[pyclass(frozen, module = "tenon_mcp._native")]
pub struct AskFailure(pub(crate) AskError);

#[pymethods]
impl AskFailure {
    /// The kind of failure.
    #[getter]
    fn code(&self) -> &'static str {
        match &self.0 {
            AskError::Unsupported(_) => "unsupported",
            AskError::UrlRequired(_) => "url_required",
            AskError::Invalid(_) => "invalid",
            AskError::Stale => "ended",
            _ => "failed",
        }
    }
}

/// `(action, value, text)`, or the `AskError`.
pub(crate) fn to_python<'py>(
    py: Python<'py>,
    answer: Result<Answer, AskError>,
) -> PyResult<Bound<'py, PyAny>> {
    match answer {
        Ok(answer) => {
            let value = read::value(py, answer.json())?;
            Ok((answer.action().as_str(), value, answer.text()).into_pyobject(py)?.into_any())
        }
        Err(error) => Err(failure(py, error)),
    }
}

/// The `AskError` for a failure.
pub(crate) fn failure(py: Python<'_>, error: AskError) -> PyErr {
    exception(py, "AskError", (error.to_string(), AskFailure(error)))
}

/// The outcome that the engine returns to middleware, as a value or an exception.
pub(crate) fn resume_middleware<'py>(py: Python<'py>, outcome: &Outcome) -> PyResult<Bound<'py, PyAny>> {
    let (kind, value) = outcome.told();
    let value = read::value(py, &value)?;
    py.import("tenon_mcp._runtime.middleware")?.getattr("outcome")?.call1((kind as u32, value))
}
