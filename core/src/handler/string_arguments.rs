//! Deserialises an object of strings as any type. If the type has numbers or booleans, the strings are parsed.

use crate::json::{JsonSlice, Kind, text_value_wrappers};
use serde::de::value::{MapDeserializer, SeqDeserializer};
use serde::de::{self, DeserializeOwned, Deserializer, IntoDeserializer, Visitor};
use serde_json::Value;
use std::any::TypeId;
use std::fmt;

/// Reads the arguments of a prompt, or the variables of a template.
pub(super) struct Texts;

impl Texts {
    /// Reads the input as the handler's type.
    pub(super) fn read<A: DeserializeOwned + 'static>(input: &JsonSlice) -> Result<A, String> {
        if TypeId::of::<A>() == TypeId::of::<Value>() {
            return crate::handler::input::json(input).map_err(|error| error.to_string());
        }
        let members = input.members().map(|member| {
            let name = member.name(input.as_bytes()).into_owned();
            let value = input.subslice(member.value);
            (name.clone(), Text { name, value })
        });
        let members = MapDeserializer::<_, InvalidText>::new(members);
        A::deserialize(members).map_err(|error| error.0)
    }
}

/// One argument: a string, or an array of strings.
struct Text {
    name: String,
    value: JsonSlice,
}

impl Text {
    fn as_text(&self) -> Result<std::borrow::Cow<'_, str>, InvalidText> {
        self.value.decode_str().ok_or_else(|| InvalidText(format!("{} must be a single string", self.name)))
    }
}

#[derive(Debug)]
struct InvalidText(String);

impl fmt::Display for InvalidText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for InvalidText {}

impl de::Error for InvalidText {
    fn custom<T: fmt::Display>(message: T) -> InvalidText {
        InvalidText(message.to_string())
    }
}

impl<'de> IntoDeserializer<'de, InvalidText> for Text {
    type Deserializer = Text;

    fn into_deserializer(self) -> Text {
        self
    }
}

macro_rules! parsed {
    ($($method:ident $visit:ident $what:literal)*) => {
        $(fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, InvalidText> {
            let parsed = self.as_text()?.parse();
            let parsed = parsed.map_err(|_| InvalidText(format!("{} is not {}", self.name, $what)))?;
            visitor.$visit(parsed)
        })*
    };
}

impl<'de> Deserializer<'de> for Text {
    type Error = InvalidText;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, InvalidText> {
        match self.value.kind() {
            Kind::Array => self.deserialize_seq(visitor),
            _ => visitor.visit_string(self.as_text()?.into_owned()),
        }
    }

    parsed! {
        deserialize_bool visit_bool "true or false"
        deserialize_i8 visit_i8 "an integer in range"
        deserialize_i16 visit_i16 "an integer in range"
        deserialize_i32 visit_i32 "an integer in range"
        deserialize_i64 visit_i64 "an integer in range"
        deserialize_i128 visit_i128 "an integer in range"
        deserialize_u8 visit_u8 "an unsigned integer in range"
        deserialize_u16 visit_u16 "an unsigned integer in range"
        deserialize_u32 visit_u32 "an unsigned integer in range"
        deserialize_u64 visit_u64 "an unsigned integer in range"
        deserialize_u128 visit_u128 "an unsigned integer in range"
        deserialize_f32 visit_f32 "a number"
        deserialize_f64 visit_f64 "a number"
        deserialize_char visit_char "one character"
    }

    text_value_wrappers! { InvalidText, this => this.as_text()?.into_owned() }

    /// A single string counts as an array of one, because a template's variable can have one or several values.
    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, InvalidText> {
        let items: Vec<JsonSlice> = match self.value.kind() {
            Kind::Array => self.value.elements().collect(),
            _ => vec![self.value],
        };
        let name = &self.name;
        let texts = items.into_iter().map(|value| Text { name: name.clone(), value });
        visitor.visit_seq(SeqDeserializer::new(texts))
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, InvalidText> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: usize,
        visitor: V,
    ) -> Result<V::Value, InvalidText> {
        self.deserialize_seq(visitor)
    }

    serde::forward_to_deserialize_any! { str string bytes byte_buf unit unit_struct map struct identifier ignored_any }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;
    use serde_json::json;

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(rename_all = "lowercase")]
    enum Style {
        Formal,
    }

    #[derive(Debug, PartialEq, Deserialize)]
    struct Everything {
        id: u32,
        ratio: f64,
        on: bool,
        text: String,
        style: Style,
        list: Vec<i8>,
        one: Vec<String>,
        there: Option<i64>,
        missing: Option<i64>,
        #[serde(default)]
        default: u8,
    }

    fn read<A: DeserializeOwned + 'static>(input: Value) -> Result<A, String> {
        Texts::read(&JsonSlice::from_value(&input))
    }

    #[test]
    fn texts_become_what_the_type_has() {
        let input = json!({ "id": "7", "ratio": "0.5", "on": "true", "text": "1", "style": "formal",
            "list": ["1", "-2"], "one": "x", "there": "-3", "more": "ignored" });
        let wanted = Everything {
            id: 7,
            ratio: 0.5,
            on: true,
            text: "1".into(),
            style: Style::Formal,
            list: vec![1, -2],
            one: vec!["x".into()],
            there: Some(-3),
            missing: None,
            default: 0,
        };
        assert_eq!(read(input.clone()), Ok(wanted));
        assert_eq!(read::<Value>(input.clone()), Ok(input));
    }

    #[test]
    fn what_does_not_fit_is_named() {
        #[derive(Debug, Deserialize)]
        #[allow(dead_code)]
        struct Id {
            id: u8,
        }
        for (input, wanted) in [
            (json!({ "id": "x" }), "id is not an unsigned integer in range"),
            (json!({ "id": "256" }), "id is not an unsigned integer in range"),
            (json!({ "id": ["1", "2"] }), "id must be a single string"),
            (json!({}), "missing field `id`"),
        ] {
            assert_eq!(read::<Id>(input).unwrap_err(), wanted);
        }
    }
}
