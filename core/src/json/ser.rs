//! Serialises a slice inside a Rust value, piece by piece, without building a tree.
//!
//! This does not use `serde_json`'s raw values, because other serialisers would read a text with their reserved name
//! differently.

use std::borrow::Cow;
use std::cell::Cell;

use serde::ser::{Error, SerializeMap, SerializeSeq};
use serde::{Serialize, Serializer};

use super::JsonSlice;
use super::text::decode;
use super::walk::{skip_gap, skip_scalar, skip_string};

/// The same value. A fraction, or a number beyond 64 bits, is written in the serialiser's notation of the number.
impl Serialize for JsonSlice {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Rest { text: self.as_str(), at: Cell::new(0) }.serialize(serializer)
    }
}

/// The rest of a text. Serialising it removes the next value.
struct Rest<'a> {
    text: &'a str,
    at: Cell<usize>,
}

impl<'a> Rest<'a> {
    fn peek(&self) -> u8 {
        let at = skip_gap(self.text.as_bytes(), self.at.get());
        self.at.set(at);
        self.text.as_bytes().get(at).copied().unwrap_or(b']')
    }

    fn take(&self, end: usize) -> &'a str {
        &self.text[self.at.replace(end)..end]
    }

    fn string(&self) -> Cow<'a, str> {
        let quoted = self.take(skip_string(self.text.as_bytes(), self.at.get()));
        decode(&quoted[1..quoted.len() - 1])
    }

    fn step(&self) {
        self.at.set(self.at.get() + 1);
    }
}

impl Serialize for Rest<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.peek() {
            b'"' => serializer.serialize_str(&self.string()),
            b'[' => {
                self.step();
                let mut items = serializer.serialize_seq(None)?;
                while self.peek() != b']' {
                    items.serialize_element(self)?;
                }
                self.step();
                items.end()
            }
            b'{' => {
                self.step();
                let mut members = serializer.serialize_map(None)?;
                while self.peek() == b'"' {
                    let name = self.string();
                    members.serialize_entry(&name, self)?;
                }
                self.step();
                members.end()
            }
            _ => match self.take(skip_scalar(self.text.as_bytes(), self.at.get())) {
                "true" => serializer.serialize_bool(true),
                "false" => serializer.serialize_bool(false),
                "null" => serializer.serialize_unit(),
                number => serialize_number(number, serializer),
            },
        }
    }
}

fn serialize_number<S: Serializer>(text: &str, serializer: S) -> Result<S::Ok, S::Error> {
    if let Ok(number) = text.parse::<u64>() {
        return serializer.serialize_u64(number);
    }
    match text.parse::<i64>() {
        Ok(number) if number != 0 => return serializer.serialize_i64(number),
        _ => {}
    }
    match text.parse::<f64>() {
        Ok(number) if number.is_finite() => serializer.serialize_f64(number),
        _ => Err(S::Error::custom("number out of range")),
    }
}
