//! Values as JavaScript passes them: durations in milliseconds, and JSON as text.

use bytes::Bytes;
use std::time::Duration;
use tenon_mcp::{JsonSlice, Principal, Spelling};

/// In milliseconds.
const CENTURY: f64 = 3.2e12;

/// A duration. `None` if the value is negative or not a number.
pub(crate) fn milliseconds(value: f64) -> Option<Duration> {
    // More than a century counts as a century, which a `Duration` can hold. `f64::min` would replace NaN.
    let bounded = if value > CENTURY { CENTURY } else { value };
    Duration::try_from_secs_f64(bounded / 1000.0).ok()
}

/// The issuer of a principal that has none of its own.
const ISSUER: &str = "host";

/// A principal from the JSON text of a string or an object. The error names what is wrong.
pub(crate) fn principal(text: String) -> Result<Principal, String> {
    let value = json(text);
    match value.decode_str() {
        Some(subject) => Ok(Principal::from(&*subject)),
        None => Principal::from_json_as(&value, ISSUER, Spelling::Node),
    }
}

/// Takes text that `JSON.stringify` wrote: it is valid, and has no raw line breaks.
pub(crate) fn json(text: String) -> JsonSlice {
    JsonSlice::from_trusted(Bytes::from(text))
}
