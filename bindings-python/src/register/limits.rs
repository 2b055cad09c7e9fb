//! The engine's limits by name.

use crate::errors::exception;
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::PyDict;
use std::time::Duration;
use tenon_mcp::{Limit, LimitValue, Limits, ServerBuilder, Unit};

fn wrong(value: &Bound<'_, PyAny>, text: &str) -> PyErr {
    match value.repr() {
        Ok(shown) => exception(value.py(), "RegistrationError", &*format!("{text}, not {shown}")),
        Err(error) => error,
    }
}

/// A duration from a number of seconds.
pub(crate) fn seconds(name: &str, value: &Bound<'_, PyAny>) -> PyResult<Duration> {
    let wrong = || wrong(value, &format!("{name} must be a number of seconds from 0"));
    let seconds: f64 = value.extract().map_err(|_| wrong())?;
    // More than a century counts as a century, which a `Duration` can hold. NaN is refused below.
    let seconds = if seconds > 3.2e9 { 3.2e9 } else { seconds };
    Duration::try_from_secs_f64(seconds).map_err(|_| wrong())
}

fn value(limit: &Limit, value: &Bound<'_, PyAny>) -> PyResult<LimitValue> {
    let name = limit.name;
    if limit.unit == Unit::Time {
        return Ok(LimitValue::Time(seconds(name, value)?));
    }
    let wrong = || wrong(value, &format!("{name} must be an integer from 0"));
    // An integer may have any size. One beyond the range counts as the end of the range.
    let count = value.extract::<u64>().or_else(|error| {
        let huge = error.is_instance_of::<pyo3::exceptions::PyOverflowError>(value.py()) && value.gt(0)?;
        if huge { Ok(u64::MAX) } else { Err(wrong()) }
    })?;
    Ok(LimitValue::Count(count))
}

/// Sets the limits that `values` has.
pub(crate) fn set(builder: &mut ServerBuilder, values: &Bound<'_, PyDict>) -> PyResult<()> {
    for (name, given) in values {
        let name = name.to_string();
        let limit = Limits::named(&name).ok_or_else(|| {
            let known: Vec<_> = Limits::TABLE.iter().map(|limit| limit.name).collect();
            PyTypeError::new_err(format!("unknown limit {name:?}; the limits are {}", known.join(", ")))
        })?;
        builder
            .set_limit(limit, value(limit, &given)?)
            .map_err(|reason| wrong(&given, &format!("{name} {reason}")))?;
    }
    Ok(())
}
