//! The limiters, circuit breakers and cache that a program uses by code.

use crate::convert::write::Bounds;
use crate::convert::{read, write};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyBytes;
use std::time::Duration;
use tenon_mcp::{ServerBreaker, ServerCache, ServerLimiter};

/// In seconds. A longer time counts as this one.
const CENTURY: f64 = 3.2e9;

/// A limit of the program's own.
#[pyclass(frozen, module = "tenon_mcp._native")]
pub struct NativeLimiter(pub(crate) ServerLimiter);

#[pymethods]
impl NativeLimiter {
    /// Takes one call. Returns the seconds until one can be taken, or 0 if it was taken.
    fn try_acquire(&self) -> f64 {
        self.0.try_acquire().map_or_else(|wait| wait.as_secs_f64(), |()| 0.0)
    }

    /// Takes note of what the headers of a response say.
    fn feed(&self, headers: &Bound<'_, PyAny>) -> PyResult<()> {
        let headers = write::json(headers, Bounds::of(&tenon_mcp::Limits::default()))
            .map_err(|error| PyValueError::new_err(format!("feed: {error} is not JSON")))?;
        self.0.feed(headers).map_err(|error| PyValueError::new_err(format!("feed: {error}")))
    }
}

/// A circuit breaker of the program's own.
#[pyclass(frozen, module = "tenon_mcp._native")]
pub struct NativeBreaker(pub(crate) ServerBreaker);

#[pymethods]
impl NativeBreaker {
    /// Lets a call pass. Returns the number of its permit, or the seconds until one may pass and the text for that.
    fn allow(&self) -> (Option<u64>, f64, Option<String>) {
        match self.0.allow_number() {
            Ok(number) => (Some(number), 0.0, None),
            Err(wait) => (None, wait.as_secs_f64(), Some(self.0.refusal(wait))),
        }
    }

    /// Records how the call with this permit ended; `None`: that it does not count.
    fn record(&self, permit: u64, succeeded: Option<bool>) {
        self.0.record_number(permit, succeeded);
    }
}

/// The cache of values of a server.
#[pyclass(frozen, module = "tenon_mcp._native")]
pub struct NativeCache(pub(crate) ServerCache, pub(crate) Bounds);

#[pymethods]
impl NativeCache {
    /// A number that identifies the server.
    #[getter]
    fn server(&self) -> usize {
        self.0.server_number()
    }

    /// The value of a key, as a tuple of one, or `None`.
    fn get<'py>(&self, py: Python<'py>, key: &str) -> PyResult<Option<(Bound<'py, PyAny>,)>> {
        self.0.get(key).map(|value| Ok((read::value(py, &value)?,))).transpose()
    }

    /// Stores a value for a time in seconds. Returns its JSON.
    fn put<'py>(&self, key: &str, value: &Bound<'py, PyAny>, ttl: f64) -> PyResult<Bound<'py, PyBytes>> {
        let time = if ttl > 0.0 { Duration::try_from_secs_f64(ttl.min(CENTURY)).ok() } else { None };
        let time = time.filter(|time| !time.is_zero());
        let time = time.ok_or_else(|| {
            PyValueError::new_err(format!("cache: ttl must be a number of seconds above 0, not {ttl}"))
        })?;
        let json = write::json(value, self.1).map_err(|error| {
            PyValueError::new_err(format!("cache: the value of {key:?}: {error} is not JSON"))
        })?;
        let text = PyBytes::new(value.py(), json.as_bytes());
        self.0.put(key, json, time);
        Ok(text)
    }

    /// Removes the value of a key. Returns whether there was one.
    fn delete(&self, key: &str) -> bool {
        self.0.delete(key)
    }

    /// Removes all values.
    fn clear(&self) {
        self.0.clear();
    }
}
