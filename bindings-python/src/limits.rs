//! The engine's limits by name.

use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::PyDict;
use std::time::Duration;
use tenon_mcp::Limits;

/// A duration from a number of seconds.
pub(crate) fn seconds(name: &str, value: &Bound<'_, PyAny>) -> PyResult<Duration> {
    let wrong = || PyValueError::new_err(format!("{name} must be a number of seconds, not {value}"));
    Duration::try_from_secs_f64(value.extract().map_err(|_| wrong())?).map_err(|_| wrong())
}

fn count(name: &str, value: &Bound<'_, PyAny>) -> PyResult<usize> {
    match value.extract::<usize>() {
        Ok(count) if count > 0 => Ok(count),
        _ => Err(PyValueError::new_err(format!("{name} must be an integer above zero, not {value}"))),
    }
}

macro_rules! limits {
    ($($name:ident: $read:ident),+ $(,)?) => {
        /// The default limits with those of `values` put in.
        pub(crate) fn read(values: &Bound<'_, PyDict>) -> PyResult<Limits> {
            let mut limits = Limits::default();
            for (name, value) in values {
                match &*name.to_string() {
                    $(stringify!($name) => limits.$name = $read(stringify!($name), &value)?,)+
                    other => return Err(PyTypeError::new_err(format!(
                        "unknown limit {other:?}; the limits are {}",
                        [$(stringify!($name)),+].join(", ")
                    ))),
                }
            }
            Ok(limits)
        }
    };
}

limits! {
    max_message_bytes: count,
    max_result_bytes: count,
    max_depth: count,
    max_calls: count,
    max_lane_calls: count,
    call_timeout: seconds,
    ask_timeout: seconds,
    max_asks: count,
    max_state_bytes: count,
    state_lifetime: seconds,
    max_outbound_bytes: count,
    drain_timeout: seconds,
    max_sessions: count,
    session_idle: seconds,
    max_connections: count,
    header_timeout: seconds,
}
