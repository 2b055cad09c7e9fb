//! JSON objects of strangers, read strictly: no member name occurs twice, and the depth is bounded.
//!
//! Two readers of one text could otherwise see two different claims. serde_json reads the grammar; this module refuses what
//! it accepts beyond that.

use crate::text::Clipped;
use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};
use std::cell::RefCell;
use std::fmt;

/// How deep arrays and objects may lie in one another.
pub const MAX_DEPTH: usize = 32;

/// Why a text is not accepted as a JSON object.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum JsonError {
    /// It is not JSON.
    Syntax {
        /// The line at which reading ended, from 1.
        line: usize,
        /// The column at which reading ended, from 1.
        column: usize,
    },
    /// It is JSON, but not an object.
    NotAnObject,
    /// An object in it has two members of one name.
    Duplicate {
        /// The name, after its escapes are read.
        name: Clipped,
    },
    /// Arrays and objects lie deeper in one another than [`MAX_DEPTH`].
    TooDeep,
}

impl fmt::Display for JsonError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Syntax { line, column } => write!(out, "is not JSON (line {line}, column {column})"),
            Self::NotAnObject => out.write_str("is not a JSON object"),
            Self::Duplicate { name } => write!(out, "has the member {name} twice"),
            Self::TooDeep => write!(out, "is nested deeper than {MAX_DEPTH} levels"),
        }
    }
}

impl std::error::Error for JsonError {}

/// Reads one JSON object. Callers bound the length of `text`.
pub(crate) fn object(text: &[u8]) -> Result<Map<String, Value>, JsonError> {
    let fault = RefCell::new(None);
    let mut reader = serde_json::Deserializer::from_slice(text);
    let read = Strict { depth: 0, fault: &fault }.deserialize(&mut reader);
    match read.and_then(|value| reader.end().map(|()| value)) {
        Ok(Value::Object(members)) => Ok(members),
        Ok(_) => Err(JsonError::NotAnObject),
        Err(error) => Err(fault
            .into_inner()
            .unwrap_or_else(|| JsonError::Syntax { line: error.line(), column: error.column() })),
    }
}

/// Reads a value at a depth. An error of serde_json is a text, so the reason is stored beside it.
#[derive(Clone, Copy)]
struct Strict<'f> {
    depth: usize,
    fault: &'f RefCell<Option<JsonError>>,
}

impl Strict<'_> {
    fn refuse<E: Error>(&self, fault: JsonError) -> E {
        *self.fault.borrow_mut() = Some(fault);
        E::custom("refused")
    }

    fn deeper<E: Error>(&self) -> Result<Self, E> {
        match self.depth {
            MAX_DEPTH.. => Err(self.refuse(JsonError::TooDeep)),
            depth => Ok(Self { depth: depth + 1, ..*self }),
        }
    }
}

impl<'de> DeserializeSeed<'de> for Strict<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, reader: D) -> Result<Value, D::Error> {
        reader.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict<'_> {
    type Value = Value;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        Number::from_f64(value).map(Value::Number).ok_or_else(|| E::custom("a number that is not finite"))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Value, A::Error> {
        let seed = self.deeper()?;
        let mut values = Vec::new();
        while let Some(value) = elements.next_element_seed(seed)? {
            values.push(value);
        }
        Ok(Value::Array(values))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let seed = self.deeper()?;
        let mut values = Map::new();
        while let Some(name) = members.next_key::<String>()? {
            if values.contains_key(&name) {
                return Err(self.refuse(JsonError::Duplicate { name: Clipped::new(&name) }));
            }
            let value = members.next_value_seed(seed)?;
            values.insert(name, value);
        }
        Ok(Value::Object(values))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_object_is_read_as_serde_json_reads_it() {
        let text = r#"{"a":[1,-2,1.5e3,true,null,{"b":"\u0069ss"}],"iss":"x"}"#;
        let expected: Map<String, Value> = serde_json::from_str(text).expect("legal");
        assert_eq!(object(text.as_bytes()), Ok(expected));
    }

    #[test]
    fn a_name_that_occurs_twice_is_refused_at_any_depth() {
        for text in [
            r#"{"iss":1,"iss":1}"#,
            r#"{"iss":1,"\u0069ss":2}"#,
            r#"{"a":[{"iss":1,"i\u0073s":2}]}"#,
            r#"{"a":{"b":{"iss":1,"x":0,"iss":2}}}"#,
        ] {
            assert_eq!(
                object(text.as_bytes()),
                Err(JsonError::Duplicate { name: Clipped::new("iss") }),
                "{text}"
            );
        }
        assert!(object(br#"{"a":{"iss":1},"b":{"iss":1},"iss":1}"#).is_ok());
    }

    #[test]
    fn the_depth_is_bounded() {
        let nested =
            |levels: usize| format!("{{\"a\":{}{}}}", "[".repeat(levels - 1), "]".repeat(levels - 1));
        assert!(object(nested(MAX_DEPTH).as_bytes()).is_ok());
        assert_eq!(object(nested(MAX_DEPTH + 1).as_bytes()), Err(JsonError::TooDeep));
        assert_eq!(object(nested(100_000).as_bytes()), Err(JsonError::TooDeep));
    }

    #[test]
    fn what_is_not_an_object_is_refused() {
        for text in ["[]", "1", "\"a\"", "null", "true"] {
            assert_eq!(object(text.as_bytes()), Err(JsonError::NotAnObject), "{text}");
        }
        let illegal: [&[u8]; 9] = [
            b"",
            b"{",
            b"{}x",
            b"{} {}",
            b"{\"a\":1,}",
            b"{'a':1}",
            b"{\"a\":\"\xff\"}",
            b"{\"a\":1e999}",
            b"{\"a\":NaN}",
        ];
        for text in illegal {
            assert!(matches!(object(text), Err(JsonError::Syntax { .. })), "{}", text.escape_ascii());
        }
        assert!(matches!(object(b"{\"a\":\"\\ud800\"}"), Err(JsonError::Syntax { .. })));
        assert!(matches!(object(b"\xef\xbb\xbf{}"), Err(JsonError::Syntax { .. })));
    }
}
