//! Rust types from text that is known to be good.
//!
//! Our own reader, so that the value that arrives is the one that was checked: `serde_json` gives members with its
//! reserved names a meaning of its own, depending on features that any crate in a program may turn on.

use std::borrow::Cow;
use std::fmt::{self, Display};
use std::sync::OnceLock;

use serde::de::value::MapDeserializer;
use serde::de::{
    self, DeserializeOwned, DeserializeSeed, Deserializer, EnumAccess, IntoDeserializer, MapAccess,
    SeqAccess, VariantAccess, Visitor,
};
use serde::forward_to_deserialize_any;

use super::error::{JsonError, JsonErrorKind};
use super::text::decode;
use super::walk::{skip_gap, skip_scalar, skip_string, skip_value};

/// The name under which `serde_json` asks for, and may read, raw text.
const RAW: &str = "$serde_json::private::RawValue";
/// The name under which it may read a number as text.
const NUMBER: &str = "$serde_json::private::Number";

/// `text` as a `T`. Recursion is bounded, because the text was scanned with a depth limit.
pub(super) fn deserialize<T: DeserializeOwned>(text: &str) -> Result<T, JsonError> {
    let mut reader = Reader { text, at: 0 };
    T::deserialize(&mut reader).map_err(|Fault(what)| JsonError::new(JsonErrorKind::Type, reader.at, what))
}

/// What does not fit the type asked for.
#[derive(Debug)]
struct Fault(String);

impl Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Fault {}

impl de::Error for Fault {
    fn custom<T: Display>(message: T) -> Fault {
        Fault(message.to_string())
    }

    fn invalid_type(unexpected: de::Unexpected<'_>, expected: &dyn de::Expected) -> Fault {
        match unexpected {
            de::Unexpected::Unit => Fault(format!("invalid type: null, expected {expected}")),
            other => Fault(format!("invalid type: {other}, expected {expected}")),
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

    fn visit_string<V: Visitor<'de>>(&mut self, visitor: V) -> Result<V::Value, Fault> {
        match self.string() {
            Cow::Borrowed(text) => visitor.visit_borrowed_str(text),
            Cow::Owned(text) => visitor.visit_string(text),
        }
    }

    fn visit_array<V: Visitor<'de>>(&mut self, visitor: V) -> Result<V::Value, Fault> {
        self.at += 1;
        let value = visitor.visit_seq(Items(self))?;
        self.close(b']', "an array has more items than expected")?;
        Ok(value)
    }

    fn visit_object<V: Visitor<'de>>(&mut self, visitor: V) -> Result<V::Value, Fault> {
        self.at += 1;
        let value = visitor.visit_map(Entries::new(self, Vec::new()))?;
        self.close(b'}', "an object has more members than expected")?;
        Ok(value)
    }

    /// An object for a visitor that takes any value. `serde_json`'s own would read one whose first member has a
    /// reserved name as something else, so such members come last, or the object is refused.
    fn visit_any_object<V: Visitor<'de>>(&mut self, visitor: V) -> Result<V::Value, Fault> {
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
            return Err(Fault(format!("a member's name is reserved: {RAW} or {NUMBER}")));
        }
        let value = visitor.visit_map(Entries::new(self, postponed))?;
        self.close(b'}', "an object has more members than expected")?;
        Ok(value)
    }

    fn close(&mut self, bracket: u8, otherwise: &str) -> Result<(), Fault> {
        if self.peek() != bracket {
            return Err(Fault(otherwise.to_owned()));
        }
        self.at += 1;
        Ok(())
    }

    fn visit_scalar<V: Visitor<'de>>(&mut self, visitor: V) -> Result<V::Value, Fault> {
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

/// Integers stay integers as far as 64 bits go; everything else is the nearest double.
fn visit_number<'de, V: Visitor<'de>>(text: &str, visitor: V) -> Result<V::Value, Fault> {
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
        _ => Err(Fault("number out of range".to_owned())),
    }
}

/// Whether `serde_json`, as this program was built, reads an object that starts with this name as something else.
fn is_reserved(name: &str) -> bool {
    static READS: [OnceLock<bool>; 2] = [const { OnceLock::new() }; 2];
    let Some(place) = [RAW, NUMBER].iter().position(|reserved| *reserved == name) else { return false };
    *READS[place].get_or_init(|| {
        let read = serde_json::from_str::<serde_json::Value>(&format!("{{\"{name}\":\"1\"}}"));
        !read.is_ok_and(|value| value.is_object())
    })
}

impl<'de> Deserializer<'de> for &mut Reader<'de> {
    type Error = Fault;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match self.peek() {
            b'"' => self.visit_string(visitor),
            b'[' => self.visit_array(visitor),
            b'{' => self.visit_any_object(visitor),
            _ => self.visit_scalar(visitor),
        }
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match self.peek() {
            b'{' => self.visit_object(visitor),
            _ => self.deserialize_any(visitor),
        }
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        self.deserialize_map(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        if self.peek() == b'n' {
            self.scalar();
            return visitor.visit_none();
        }
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Fault> {
        if name == RAW {
            return visitor.visit_map(MapDeserializer::new(std::iter::once((RAW, self.raw()))));
        }
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        match self.peek() {
            b'"' => visitor.visit_enum(self.string().into_deserializer()),
            b'{' => {
                self.at += 1;
                let value = visitor.visit_enum(Variant(self))?;
                self.close(b'}', "a variant is an object of one member")?;
                Ok(value)
            }
            _ => Err(Fault("expected the name of a variant, or an object of one member".to_owned())),
        }
    }

    fn deserialize_bytes<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        if self.peek() != b'"' {
            return self.deserialize_any(visitor);
        }
        match self.string() {
            Cow::Borrowed(text) => visitor.visit_borrowed_bytes(text.as_bytes()),
            Cow::Owned(text) => visitor.visit_byte_buf(text.into_bytes()),
        }
    }

    fn deserialize_byte_buf<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        self.deserialize_bytes(visitor)
    }

    fn deserialize_i128<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        if !matches!(self.peek(), b'-' | b'0'..=b'9') {
            return self.deserialize_any(visitor);
        }
        let text = self.scalar();
        match text.parse() {
            Ok(number) => visitor.visit_i128(number),
            Err(_) => visit_number(text, visitor),
        }
    }

    fn deserialize_u128<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        if !matches!(self.peek(), b'-' | b'0'..=b'9') {
            return self.deserialize_any(visitor);
        }
        let text = self.scalar();
        match text.parse() {
            Ok(number) => visitor.visit_u128(number),
            Err(_) => visit_number(text, visitor),
        }
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        self.raw();
        visitor.visit_unit()
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 u8 u16 u32 u64 f32 f64 char str string unit unit_struct seq tuple tuple_struct identifier
    }
}

struct Items<'a, 'de>(&'a mut Reader<'de>);

impl<'de> SeqAccess<'de> for Items<'_, 'de> {
    type Error = Fault;

    fn next_element_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, Fault> {
        match self.0.peek() {
            b']' => Ok(None),
            _ => seed.deserialize(&mut *self.0).map(Some),
        }
    }
}

struct Entries<'a, 'de> {
    reader: &'a mut Reader<'de>,
    /// Where members start that were left out at the beginning and come last.
    postponed: Vec<usize>,
    /// Where the object ends, once all others are read.
    end: Option<usize>,
}

impl<'a, 'de> Entries<'a, 'de> {
    fn new(reader: &'a mut Reader<'de>, postponed: Vec<usize>) -> Self {
        Entries { reader, postponed, end: None }
    }
}

impl<'de> MapAccess<'de> for Entries<'_, 'de> {
    type Error = Fault;

    fn next_key_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, Fault> {
        if self.end.is_some() || self.reader.peek() == b'}' {
            let end = *self.end.get_or_insert(self.reader.at);
            match self.postponed.pop() {
                Some(start) => self.reader.at = start,
                None => {
                    self.reader.at = end;
                    return Ok(None);
                }
            }
        }
        seed.deserialize(Key(&mut *self.reader)).map(Some)
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, Fault> {
        seed.deserialize(&mut *self.reader)
    }
}

/// A member's name; numbers and booleans may be names too.
struct Key<'a, 'de>(&'a mut Reader<'de>);

macro_rules! keys {
    ($($method:ident $kind:ty, $visit:ident;)+) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
            let name = self.0.string();
            match name.parse::<$kind>() {
                Ok(value) => visitor.$visit(value),
                Err(_) => visitor.visit_str(&name),
            }
        }
    )+};
}

impl<'de> Deserializer<'de> for Key<'_, 'de> {
    type Error = Fault;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        self.0.visit_string(visitor)
    }

    keys! {
        deserialize_bool bool, visit_bool;
        deserialize_i8 i64, visit_i64;
        deserialize_i16 i64, visit_i64;
        deserialize_i32 i64, visit_i64;
        deserialize_i64 i64, visit_i64;
        deserialize_i128 i128, visit_i128;
        deserialize_u8 u64, visit_u64;
        deserialize_u16 u64, visit_u64;
        deserialize_u32 u64, visit_u64;
        deserialize_u64 u64, visit_u64;
        deserialize_u128 u128, visit_u128;
        deserialize_f32 f64, visit_f64;
        deserialize_f64 f64, visit_f64;
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Fault> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        visitor.visit_enum(self.0.string().into_deserializer())
    }

    forward_to_deserialize_any! {
        char str string bytes byte_buf unit unit_struct seq tuple tuple_struct map struct identifier ignored_any
    }
}

/// An object of one member: the variant's name and its content.
struct Variant<'a, 'de>(&'a mut Reader<'de>);

impl<'a, 'de> EnumAccess<'de> for Variant<'a, 'de> {
    type Error = Fault;
    type Variant = &'a mut Reader<'de>;

    fn variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<(S::Value, Self::Variant), Fault> {
        if self.0.peek() != b'"' {
            return Err(Fault("a variant is an object of one member".to_owned()));
        }
        Ok((seed.deserialize(Key(self.0))?, self.0))
    }
}

impl<'de> VariantAccess<'de> for &mut Reader<'de> {
    type Error = Fault;

    fn unit_variant(self) -> Result<(), Fault> {
        de::Deserialize::deserialize(self)
    }

    fn newtype_variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<S::Value, Fault> {
        seed.deserialize(self)
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Fault> {
        self.deserialize_any(visitor)
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        self.deserialize_map(visitor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;
    use serde_json::{Value, json};
    use std::collections::{BTreeMap, HashMap};

    #[derive(Debug, Deserialize, PartialEq)]
    enum Shape {
        Dot,
        Circle(f64),
        Line(i32, i32),
        Box { width: u8 },
    }

    #[derive(Debug, Deserialize, PartialEq)]
    #[serde(untagged)]
    enum Loose {
        Number(i64),
        Text(String),
        Many(Vec<Loose>),
    }

    #[derive(Debug, Deserialize, PartialEq)]
    struct Named(u32);

    #[derive(Debug, Deserialize, PartialEq)]
    struct All {
        text: String,
        escaped: String,
        flag: bool,
        letter: char,
        tiny: i8,
        big: u64,
        huge: i128,
        ratio: f32,
        whole: f64,
        none: Option<u8>,
        #[serde(default)]
        absent: Option<u8>,
        unit: (),
        named: Named,
        pair: (u8, String),
        shapes: Vec<Shape>,
        loose: Loose,
        by_number: BTreeMap<i16, bool>,
        by_flag: HashMap<bool, u8>,
        by_shape: HashMap<String, Shape>,
        any: Value,
        #[serde(flatten)]
        rest: BTreeMap<String, Value>,
    }

    const TEXT: &str = r#"{ "text": "plain", "escaped": "a\"\u00e9\n", "flag": true, "letter": "x", "tiny": -7,
        "big": 18446744073709551615, "huge": -170141183460469231731687303715884105728, "ratio": 1.5, "whole": 3,
        "none": null, "unit": null, "named": 4, "pair": [1, "b"], "loose": [1, ["t"]],
        "shapes": ["Dot", {"Circle": 2}, { "Line": [1, -2] }, {"Box": {"width": 9, "ignored": [{}, "}"]}}],
        "by_number": {"-3": true}, "by_flag": {"true": 1}, "by_shape": {"a": "Dot"},
        "any": {"a": [1, 2.5, -0, 1e2, {}, "x", null, false, 12345678901234567890123]}, "more": {"b": [1]}, "last": "l" }"#;

    fn same<T: DeserializeOwned + PartialEq + fmt::Debug>(text: &str) {
        let text = text.replace('\n', " ");
        let theirs = serde_json::from_str::<T>(&text);
        let ours = deserialize::<T>(&text);
        match (&ours, &theirs) {
            (Ok(ours), Ok(theirs)) => assert_eq!(ours, theirs),
            (Err(_), Err(_)) => {}
            other => panic!("{text}: {other:?}"),
        }
    }

    #[test]
    fn types_are_read_as_serde_json_reads_them() {
        same::<All>(TEXT);
        assert_eq!(deserialize::<All>(&TEXT.replace('\n', " ")).unwrap().rest["last"], "l");
        for text in ["[]", "[1]", "[1,2]", "[1,2,3]", "{}", "1", "null"] {
            same::<(u8, u8)>(text);
            same::<Vec<u8>>(text);
            same::<Option<u8>>(text);
            same::<()>(text);
            same::<Loose>(text);
        }
        for text in [
            r#""Dot""#,
            r#"{"Dot":null}"#,
            r#"{"Dot":1}"#,
            r#"{"Circle":1,"Dot":null}"#,
            "{}",
            r#""No""#,
            "[]",
        ] {
            same::<Shape>(text);
        }
        for text in ["300", "-1", "1.0", "1e2", "256", "255", r#""1""#, "18446744073709551616"] {
            same::<u8>(text);
            same::<u64>(text);
            same::<u128>(text);
            same::<f64>(text);
            same::<Value>(text);
        }
        for text in [r#"{"1":1}"#, r#"{"256":1}"#, r#"{"x":1}"#, r#"{"1.5":1}"#] {
            same::<BTreeMap<u8, u8>>(text);
            same::<BTreeMap<u128, u8>>(text);
        }
    }

    #[test]
    fn what_does_not_fit_is_named_with_its_place() {
        let error = deserialize::<Vec<String>>(r#"["a", null]"#).unwrap_err();
        assert_eq!((error.what(), error.offset), ("invalid type: null, expected a string", 10));
        let error = deserialize::<Named>(r#"[1, 2]"#).unwrap_err();
        assert!(!error.what().is_empty());
    }

    #[test]
    fn reserved_names_are_names() {
        for name in [RAW, NUMBER] {
            let alone = format!(r#"{{"{name}":"7"}}"#);
            // Types of the program's own, and maps.
            let map: BTreeMap<String, String> = deserialize(&alone).unwrap();
            assert_eq!(map, BTreeMap::from([(name.to_owned(), "7".to_owned())]));
            // Any value: the same, or refused where serde_json would make another value of it.
            match deserialize::<Value>(&alone) {
                Ok(value) => assert_eq!(value, json!({ name: "7" })),
                Err(error) => assert!(is_reserved(name) && error.what().contains("reserved"), "{error}"),
            }
            for text in [
                format!(r#"{{"{name}":"7","a":[1]}}"#),
                format!(r#"{{"{RAW}":"7","{NUMBER}":"8","a":{{"{name}":"[]","b":1}}}}"#),
            ] {
                let checked = super::super::value::to_value(&text).unwrap();
                assert_eq!(deserialize::<Value>(&text).unwrap(), checked);
                assert_eq!(
                    deserialize::<BTreeMap<String, Value>>(&text).unwrap().len(),
                    checked.as_object().unwrap().len()
                );
            }
        }
    }

    #[test]
    fn the_deepest_text_there_may_be_fits_a_threads_stack() {
        let depth = 512;
        let text = "[".repeat(depth) + &"]".repeat(depth);
        let read = std::thread::Builder::new()
            .stack_size(2 << 20)
            .spawn(move || deserialize::<Value>(&text).is_ok());
        assert!(read.unwrap().join().unwrap());
    }
}
