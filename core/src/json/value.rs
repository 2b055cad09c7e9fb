//! Builds a `serde_json::Value` from a valid JSON text.
//!
//! `serde_json`'s own builder is not used, because it treats a member with one reserved name (its marker for raw
//! values) specially. A client could use that to make the tree differ from the checked text.

use serde_json::{Map, Number, Value};

use super::error::{JsonError, JsonErrorKind};
use super::text::decode;
use super::walk::{skip_gap, skip_scalar, skip_string};

/// The tree of `text`. The recursion is limited, because the text was scanned with a depth limit.
pub(super) fn to_value(text: &str) -> Result<Value, JsonError> {
    Builder { text, at: 0 }.value()
}

struct Builder<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Builder<'a> {
    /// The first byte of the next value, key or closing bracket.
    fn next_token(&mut self) -> Option<u8> {
        self.at = skip_gap(self.text.as_bytes(), self.at);
        self.text.as_bytes().get(self.at).copied()
    }

    fn value(&mut self) -> Result<Value, JsonError> {
        Ok(match self.next_token() {
            Some(b'"') => Value::String(self.string()),
            Some(b'[') => {
                self.at += 1;
                let mut items = Vec::new();
                while !matches!(self.next_token(), None | Some(b']')) {
                    items.push(self.value()?);
                }
                self.at += 1;
                Value::Array(items)
            }
            Some(b'{') => {
                self.at += 1;
                let mut map = Map::new();
                while self.next_token() == Some(b'"') {
                    let key = self.string();
                    map.insert(key, self.value()?);
                }
                self.at += 1;
                Value::Object(map)
            }
            Some(first) => {
                let start = self.at;
                self.at = skip_scalar(self.text.as_bytes(), start);
                match first {
                    b't' => Value::Bool(true),
                    b'f' => Value::Bool(false),
                    b'n' => Value::Null,
                    _ => Value::Number(number(&self.text[start..self.at], start)?),
                }
            }
            None => Value::Null,
        })
    }

    fn string(&mut self) -> String {
        let start = self.at + 1;
        self.at = skip_string(self.text.as_bytes(), self.at);
        decode(&self.text[start..self.at - 1]).into_owned()
    }
}

/// Integers of up to 64 bits stay integers. Every other number becomes the nearest double, as in `serde_json`.
pub(super) fn number(text: &str, offset: usize) -> Result<Number, JsonError> {
    if let Ok(number) = text.parse::<u64>() {
        return Ok(number.into());
    }
    match text.parse::<i64>() {
        // `-0` is a double: integers have no negative zero.
        Ok(number) if number != 0 => return Ok(number.into()),
        _ => {}
    }
    text.parse::<f64>()
        .ok()
        .and_then(Number::from_f64)
        .ok_or_else(|| JsonError::new(JsonErrorKind::NumberRange, offset, "number out of range"))
}
