//! The check that the module is in the main interpreter.

use pyo3::exceptions::PyImportError;
use pyo3::ffi;
use pyo3::prelude::*;

/// Refuses subinterpreters, because classes, interned names and `PyOnceLock`s belong to one interpreter.
///
/// Python itself refuses subinterpreters that have their own lock. It accepts subinterpreters that share the lock,
/// which older programs make.
pub(crate) fn require_main(_: Python<'_>) -> PyResult<()> {
    // SAFETY: the thread is attached to an interpreter, as the `Python` token proves.
    match unsafe { ffi::PyInterpreterState_GetID(ffi::PyInterpreterState_Get()) } {
        0 => Ok(()),
        _ => Err(PyImportError::new_err(
            "tenon_mcp does not run in subinterpreters; import it in the main interpreter of a process",
        )),
    }
}
