//! Numbers, times and bytes, as each language has them.

use super::BYTES;
use crate::dispatch::options::Spelling;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde_json::{Map, Number, Value};
use std::time::Duration;

/// More than a century counts as a century, which every language can represent.
const CENTURY: Duration = Duration::from_secs(3_200_000_000);

/// The largest integer below which a number of JavaScript represents every integer.
const MAX_SAFE: u64 = (1 << 53) - 1;

/// The ends of the range of counters in JavaScript. They stand for the ends of the range of 64 bits.
const NODE_RANGE: (i64, i64) = (-(1 << 53), MAX_SAFE as i64);

/// The largest number that the language takes for a position, a version or a count.
pub(super) fn largest(spelling: Spelling) -> u64 {
    match spelling {
        Spelling::Node => MAX_SAFE,
        Spelling::C => i64::MAX as u64,
        Spelling::Rust | Spelling::Python | Spelling::File => u64::MAX,
    }
}

pub(super) fn number(value: u64, spelling: Spelling) -> Value {
    value.min(largest(spelling)).into()
}

pub(super) fn integer(value: i64, spelling: Spelling) -> Value {
    match spelling {
        Spelling::Node => value.clamp(NODE_RANGE.0, NODE_RANGE.1).into(),
        _ => value.into(),
    }
}

/// An integer of the language; `None` if it is outside of the language's range.
pub(super) fn read_integer(value: &Value, spelling: Spelling) -> Option<i64> {
    let value = value.as_i64()?;
    if spelling != Spelling::Node {
        return Some(value);
    }
    match value {
        value if value == NODE_RANGE.0 => Some(i64::MIN),
        value if value == NODE_RANGE.1 => Some(i64::MAX),
        value => (NODE_RANGE.0..NODE_RANGE.1).contains(&value).then_some(value),
    }
}

/// A time in the language's unit. C has whole milliseconds, rounded up, so nothing expires early.
pub(super) fn time(value: Duration, spelling: Spelling) -> Value {
    let value = value.min(CENTURY);
    match spelling {
        Spelling::Python | Spelling::File => float(value.as_secs_f64()),
        Spelling::C => (value.as_nanos().div_ceil(1_000_000) as u64).into(),
        Spelling::Node | Spelling::Rust if value.subsec_nanos().is_multiple_of(1_000_000) => {
            (value.as_millis() as u64).into()
        }
        Spelling::Node | Spelling::Rust => float(value.as_secs_f64() * 1000.0),
    }
}

fn float(value: f64) -> Value {
    Number::from_f64(value).map_or(Value::Null, Value::Number)
}

pub(super) fn read_time(value: &Value, spelling: Spelling) -> Option<Duration> {
    let units = if spelling == Spelling::Python { 1.0 } else { 1000.0 };
    let seconds = value.as_f64()? / units;
    Duration::try_from_secs_f64(seconds.min(CENTURY.as_secs_f64())).ok()
}

pub(super) fn bytes(value: &[u8]) -> Value {
    let mut object = Map::new();
    object.insert(BYTES.to_owned(), STANDARD.encode(value).into());
    object.into()
}

pub(super) fn read_bytes(value: &Value) -> Option<Bytes> {
    let object = value.as_object().filter(|object| object.len() == 1)?;
    STANDARD.decode(object.get(BYTES)?.as_str()?).ok().map(Bytes::from)
}

/// The words for bytes in the language.
pub(super) fn bytes_word(spelling: Spelling) -> &'static str {
    match spelling {
        Spelling::Python => "bytes",
        Spelling::Node => "a Uint8Array",
        Spelling::C => "bytes (tenon_result_put_bytes())",
        Spelling::Rust | Spelling::File => "an object with base64 text",
    }
}
