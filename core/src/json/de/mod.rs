//! Reads Rust types from a valid JSON text.
//!
//! `serde_json`'s own reader is not used, because the value that is read must be the one that was checked. `serde_json`
//! treats members with its reserved names specially, depending on features that any crate of a program can enable.

use std::borrow::Cow;
use std::fmt::{self, Display};
use std::sync::OnceLock;

use serde::de::{self, DeserializeOwned, Visitor};

use super::error::{JsonError, JsonErrorKind};
use super::text::decode;
use super::walk::{skip_gap, skip_scalar, skip_string, skip_value};
use access::{Entries, Items};

mod access;
mod deserializer;
mod key;
#[cfg(test)]
mod tests;
mod text_value;

pub(crate) use text_value::text_value_wrappers;

/// The name by which `serde_json` asks for raw text, and as which it may read raw text.
const RAW: &str = "$serde_json::private::RawValue";
/// The name as which it may read a number from text.
const NUMBER: &str = "$serde_json::private::Number";

/// `text` as a `T`. The recursion is limited, because the text was scanned with a depth limit.
pub(super) fn deserialize<T: DeserializeOwned>(text: &str) -> Result<T, JsonError> {
    let mut reader = Reader { text, at: 0 };
    T::deserialize(&mut reader)
        .map_err(|ReadError(what)| JsonError::new(JsonErrorKind::Type, reader.at, what))
}

/// The text is not a value of the requested type.
#[derive(Debug)]
struct ReadError(String);

impl Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for ReadError {}

impl de::Error for ReadError {
    fn custom<T: Display>(message: T) -> ReadError {
        ReadError(message.to_string())
    }

    fn invalid_type(unexpected: de::Unexpected<'_>, expected: &dyn de::Expected) -> ReadError {
        match unexpected {
            de::Unexpected::Unit => ReadError(format!("invalid type: null, expected {expected}")),
            other => ReadError(format!("invalid type: {other}, expected {expected}")),
        }
    }
}

struct Reader<'de> {
    text: &'de str,
    at: usize,
}

impl<'de> Reader<'de> {
    /// The first byte of the next value, key or closing bracket.
    fn peek(&mut self) -> u8 {
        self.at = skip_gap(self.text.as_bytes(), self.at);
        self.text.as_bytes().get(self.at).copied().unwrap_or(b']')
    }

    fn string(&mut self) -> Cow<'de, str> {
        let start = self.at + 1;
        self.at = skip_string(self.text.as_bytes(), self.at);
        decode(&self.text[start..self.at - 1])
    }

    /// The text of the next value.
    fn raw(&mut self) -> &'de str {
        self.peek();
        let start = self.at;
        self.at = skip_value(self.text.as_bytes(), start);
        &self.text[start..self.at]
    }

    fn visit_string<V: Visitor<'de>>(&mut self, visitor: V) -> Result<V::Value, ReadError> {
        match self.string() {
            Cow::Borrowed(text) => visitor.visit_borrowed_str(text),
            Cow::Owned(text) => visitor.visit_string(text),
        }
    }

    fn visit_array<V: Visitor<'de>>(&mut self, visitor: V) -> Result<V::Value, ReadError> {
        self.at += 1;
        let value = visitor.visit_seq(Items(self))?;
        self.close(b']', "an array has more items than expected")?;
        Ok(value)
    }

    fn visit_object<V: Visitor<'de>>(&mut self, visitor: V) -> Result<V::Value, ReadError> {
        self.at += 1;
        let value = visitor.visit_map(Entries::new(self, Vec::new()))?;
        self.close(b'}', "an object has more members than expected")?;
        Ok(value)
    }

    /// Passes an object to a visitor that takes any value. `serde_json`'s own visitor treats an object specially if its
    /// first member has a reserved name. So such members come last; if there are no others, the object is refused.
    fn visit_any_object<V: Visitor<'de>>(&mut self, visitor: V) -> Result<V::Value, ReadError> {
        self.at += 1;
        let mut postponed = Vec::new();
        while self.peek() == b'"' {
            let start = self.at;
            if !is_reserved(&self.string()) {
                self.at = start;
                break;
            }
            postponed.push(start);
            self.raw();
        }
        if !postponed.is_empty() && self.peek() != b'"' {
            return Err(ReadError(format!("a member's name is reserved: {RAW} or {NUMBER}")));
        }
        let value = visitor.visit_map(Entries::new(self, postponed))?;
        self.close(b'}', "an object has more members than expected")?;
        Ok(value)
    }

    fn close(&mut self, bracket: u8, otherwise: &str) -> Result<(), ReadError> {
        if self.peek() != bracket {
            return Err(ReadError(otherwise.to_owned()));
        }
        self.at += 1;
        Ok(())
    }

    fn visit_scalar<V: Visitor<'de>>(&mut self, visitor: V) -> Result<V::Value, ReadError> {
        match self.scalar() {
            "true" => visitor.visit_bool(true),
            "false" => visitor.visit_bool(false),
            "null" => visitor.visit_unit(),
            number => visit_number(number, visitor),
        }
    }

    fn scalar(&mut self) -> &'de str {
        self.peek();
        let start = self.at;
        self.at = skip_scalar(self.text.as_bytes(), start);
        &self.text[start..self.at]
    }
}

/// Integers of up to 64 bits stay integers. Every other number becomes the nearest double.
fn visit_number<'de, V: Visitor<'de>>(text: &str, visitor: V) -> Result<V::Value, ReadError> {
    if let Ok(number) = text.parse::<u64>() {
        return visitor.visit_u64(number);
    }
    match text.parse::<i64>() {
        // `-0` is a double: integers have no negative zero.
        Ok(number) if number != 0 => return visitor.visit_i64(number),
        _ => {}
    }
    match text.parse::<f64>() {
        Ok(number) if number.is_finite() => visitor.visit_f64(number),
        _ => Err(ReadError("number out of range".to_owned())),
    }
}

/// Whether `serde_json`, as it is built in this program, treats an object specially if it starts with this name.
fn is_reserved(name: &str) -> bool {
    static READS: [OnceLock<bool>; 2] = [const { OnceLock::new() }; 2];
    let Some(place) = [RAW, NUMBER].iter().position(|reserved| *reserved == name) else { return false };
    *READS[place].get_or_init(|| {
        let read = serde_json::from_str::<serde_json::Value>(&format!("{{\"{name}\":\"1\"}}"));
        !read.is_ok_and(|value| value.is_object())
    })
}
