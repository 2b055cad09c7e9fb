//! Values as JavaScript passes them: durations in milliseconds, and JSON as text.

use bytes::Bytes;
use std::time::Duration;
use tenon_mcp::JsonSlice;

/// In milliseconds.
const CENTURY: f64 = 3.2e12;

/// A duration. `None` if the value is negative or not a number.
pub(crate) fn milliseconds(value: f64) -> Option<Duration> {
    // More than a century counts as a century, which a `Duration` can hold. `f64::min` would replace NaN.
    let bounded = if value > CENTURY { CENTURY } else { value };
    Duration::try_from_secs_f64(bounded / 1000.0).ok()
}

/// Takes text that `JSON.stringify` wrote: it is valid, and has no raw line breaks.
pub(crate) fn json(text: String) -> JsonSlice {
    JsonSlice::from_trusted(Bytes::from(text))
}
