//! The native part of `tenon_mcp`: code that must be fast or must not hold the interpreter.
//!
//! Python code runs the handlers; this crate passes it calls and takes their results. Rust threads never attach to the
//! interpreter, and no lock of this crate is held while Python code may run.

mod call;
mod convert;
mod errors;
mod interpreter;
mod lanes;
mod log_records;
mod platform;
mod register;
mod resilience;
mod serve;
mod settings;
mod test_client;

use pyo3::prelude::*;

// The module relies on the interpreter lock, because the tests have not run on a free-threaded interpreter.
#[pymodule(gil_used = true)]
mod _native {
    use super::*;

    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        crate::interpreter::require_main(module.py())?;
        // This happens before a loop is made. Otherwise the loop's descriptors would get the numbers of closed standard
        // descriptors.
        open_standard();
        tenon_mcp::locate_panics();
        Ok(())
    }

    /// Whether a request for `path` asks for the metadata of the endpoint at `endpoint`.
    #[pyfunction]
    fn is_metadata_path(path: &str, endpoint: &str) -> bool {
        tenon_mcp::http::is_metadata_path(path, endpoint)
    }

    /// Opens the null device in place of each standard descriptor that is closed.
    #[pyfunction]
    fn open_standard() {
        // If this fails, the stdio transport reports it.
        let _ = tenon_mcp::__private::open_standard();
    }

    #[pymodule_export]
    use crate::call::Call;
    #[pymodule_export]
    use crate::convert::answers::AskFailure;
    #[pymodule_export]
    use crate::convert::arguments::Arguments;
    #[pymodule_export]
    use crate::lanes::loop_lane::LoopLane;
    #[pymodule_export]
    use crate::lanes::pool_lane::PoolLane;
    #[pymodule_export]
    use crate::lanes::running::Running;
    #[pymodule_export]
    use crate::register::handler::Handler;
    #[pymodule_export]
    use crate::resilience::{NativeBreaker, NativeCache, NativeLimiter};
    #[pymodule_export]
    use crate::serve::engine::Engine;
    #[pymodule_export]
    use crate::serve::exchange::Exchange;
    #[pymodule_export]
    use crate::serve::parent_watch::Parent;
    #[pymodule_export]
    use crate::serve::signals::SignalGuard;
    #[pymodule_export]
    use crate::serve::transports::Transports;
    #[pymodule_export]
    use crate::settings::Settings;
    #[pymodule_export]
    use crate::test_client::Link;

    /// Writes a value as compact JSON. `ValueError` names a value that JSON cannot express. With `rich`, the value may
    /// contain the same types as a handler's result, such as dates and dataclasses.
    #[pyfunction]
    #[pyo3(signature = (value, rich = false))]
    fn to_json<'py>(value: &Bound<'py, PyAny>, rich: bool) -> PyResult<Bound<'py, pyo3::types::PyBytes>> {
        let bounds = crate::convert::write::Bounds::of(&tenon_mcp::Limits::default());
        let text = if rich {
            crate::convert::write::json_with_defaults(value, bounds)
        } else {
            crate::convert::write::json(value, bounds)
        }
        .map_err(|error| pyo3::exceptions::PyValueError::new_err(format!("{error} is not JSON")))?;
        Ok(pyo3::types::PyBytes::new(value.py(), text.as_bytes()))
    }

    /// The names of the context members that `Call.get` takes.
    #[pyfunction]
    fn context_fields() -> Vec<&'static str> {
        tenon_mcp::CONTEXT_FIELDS.iter().map(|field| field.name).collect()
    }

    /// Reads one JSON value. `ValueError` says what is invalid, and where.
    #[pyfunction]
    fn from_json<'py>(py: Python<'py>, text: &[u8]) -> PyResult<Bound<'py, PyAny>> {
        let text = bytes::Bytes::copy_from_slice(text);
        let slice = tenon_mcp::JsonSlice::parse(text, &tenon_mcp::json::Limits::default())
            .map_err(|error| pyo3::exceptions::PyValueError::new_err(error.to_string()))?;
        crate::convert::read::value(py, &slice)
    }
}
