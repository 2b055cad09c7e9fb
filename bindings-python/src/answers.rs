//! What became of a question to the client, as Python sees it.

use crate::errors::exception;
use crate::read;
use pyo3::prelude::*;
use tenon_mcp::{Answer, AskError};

/// Why a question went unanswered; carried by `ElicitError`, so that a call which cannot do without ends the right way.
#[pyclass(frozen, module = "tenon_mcp._native")]
pub struct AskFailure(pub(crate) AskError);

/// `(action, content)`, or the `ElicitError`.
pub(crate) fn to_python<'py>(
    py: Python<'py>,
    answer: Result<Answer, AskError>,
) -> PyResult<Bound<'py, PyAny>> {
    match answer {
        Ok(answer) => {
            let content = answer.content.map(|content| read::value(py, &content)).transpose()?;
            Ok((answer.action.as_str(), content).into_pyobject(py)?.into_any())
        }
        Err(error) => Err(failure(py, error)),
    }
}

/// The `ElicitError` for a failure.
pub(crate) fn failure(py: Python<'_>, error: AskError) -> PyErr {
    exception(py, "ElicitError", (error.to_string(), AskFailure(error)))
}
