//! A shared, immutable piece of JSON text.

use std::borrow::Cow;
use std::fmt;
use std::ops::Range;

use bytes::Bytes;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::error::{JsonError, JsonErrorKind};
use super::scan::{Kind, Limits, Scan, scan};
use super::text::decode;
use super::walk::{Elements, Members};
use super::write::minify;

/// One valid JSON value as UTF-8 text in a shared buffer.
///
/// Clones and parts share the buffer, so they are cheap; a small part keeps the whole buffer allocated. The text has no
/// white space around it and no raw line breaks, so it can be one line of a stream. Equality compares the text, not the
/// meaning.
#[derive(Clone, PartialEq, Eq)]
pub struct JsonSlice(Bytes);

impl JsonSlice {
    /// Checks `text` by the rules of [`scan`]. White space around the value is removed. A text with line breaks between
    /// its tokens is copied without them; any other text shares the passed buffer.
    pub fn parse(text: Bytes, limits: &Limits) -> Result<JsonSlice, JsonError> {
        Self::parse_scan(text, limits, &[]).map(|(slice, _)| slice)
    }

    /// Does [`JsonSlice::parse`] and [`scan`] in one pass. The offsets of the [`Scan`] are those of the returned slice.
    pub fn parse_scan(text: Bytes, limits: &Limits, chain: &[&str]) -> Result<(JsonSlice, Scan), JsonError> {
        let mut found = scan(&text, limits, chain)?;
        if found.multiline {
            let compact = minify(&text);
            let found = scan(&compact, limits, chain)?;
            return Ok((JsonSlice(compact.into()), found));
        }
        let slice = JsonSlice(text.slice(found.span.start as usize..found.span.end as usize));
        found.shift_down(found.span.start);
        Ok((slice, found))
    }

    /// A slice of text that this process itself has written. It must be one JSON value without line breaks and without
    /// white space around it. Release builds do not check that.
    pub fn from_trusted(text: Bytes) -> JsonSlice {
        debug_assert!(
            scan(&text, &Limits::TRUSTED, &[])
                .is_ok_and(|found| !found.multiline && found.span == (0..text.len() as u32)),
            "not one clean JSON value: {:?}",
            String::from_utf8_lossy(&text)
        );
        JsonSlice(text)
    }

    /// The compact text of `value`.
    pub fn from_value(value: &serde_json::Value) -> JsonSlice {
        JsonSlice::from_trusted(value.to_string().into())
    }

    /// The text of any serialisable value. Fails for values that JSON does not have, such as maps whose keys are not
    /// strings. Also fails for raw JSON inside that violates the rules of [`scan`].
    pub fn from_serialize<T: Serialize + ?Sized>(value: &T) -> Result<JsonSlice, JsonError> {
        let text =
            serde_json::to_vec(value).map_err(|e| JsonError::from_serde(JsonErrorKind::Serialize, &e))?;
        JsonSlice::parse(text.into(), &Limits::TRUSTED)
    }

    /// The value `null`.
    pub fn null() -> JsonSlice {
        JsonSlice(Bytes::from_static(b"null"))
    }

    /// The value `{}`.
    pub fn empty_object() -> JsonSlice {
        JsonSlice(Bytes::from_static(b"{}"))
    }

    /// The text.
    #[inline]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The text as a string. It takes linear time, because UTF-8 is checked again.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).expect("a JsonSlice holds scanned text, which is UTF-8")
    }

    /// The shared buffer.
    pub fn bytes(&self) -> &Bytes {
        &self.0
    }

    /// The shared buffer, by value.
    pub fn into_bytes(self) -> Bytes {
        self.0
    }

    /// The value at `range`, which must be the range of one value of this slice (a [`Member::value`]). It shares the
    /// buffer. Panics if the range is outside of the slice.
    ///
    /// [`Member::value`]: super::Member::value
    pub fn subslice(&self, range: impl Into<Range<u32>>) -> JsonSlice {
        let range = range.into();
        JsonSlice(self.0.slice(range.start as usize..range.end as usize))
    }

    /// The type of the value.
    #[inline]
    pub fn kind(&self) -> Kind {
        self.0.first().copied().and_then(Kind::of).unwrap_or(Kind::Null)
    }

    /// The value as a tree.
    pub fn to_value(&self) -> Result<serde_json::Value, JsonError> {
        super::value::to_value(self.as_str())
    }

    /// The value as a Rust type.
    pub fn deserialize<T: DeserializeOwned>(&self) -> Result<T, JsonError> {
        super::de::deserialize(self.as_str())
    }

    /// The member with this name, if the value is an object that has it. It reads the members before it.
    pub fn member(&self, name: &str) -> Option<JsonSlice> {
        self.members().find(|member| member.name(&self.0) == name).map(|member| self.subslice(member.value))
    }

    /// The members of an object; nothing for other values.
    pub fn members(&self) -> Members<'_> {
        Members::new(self)
    }

    /// The elements of an array; nothing for other values.
    pub fn elements(&self) -> Elements<'_> {
        Elements::new(self)
    }

    /// The decoded text of a string; `None` for other values.
    pub fn decode_str(&self) -> Option<Cow<'_, str>> {
        self.as_str().strip_prefix('"')?.strip_suffix('"').map(decode)
    }
}

impl From<serde_json::Value> for JsonSlice {
    fn from(value: serde_json::Value) -> JsonSlice {
        JsonSlice::from_value(&value)
    }
}

impl fmt::Display for JsonSlice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The first 200 bytes of the text, because logs contain slices, which can have megabytes.
impl fmt::Debug for JsonSlice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const SHOWN: usize = 200;
        let text = self.as_str();
        if text.len() <= SHOWN {
            return f.write_str(text);
        }
        let cut = text.floor_char_boundary(SHOWN);
        write!(f, "{}… ({} bytes)", &text[..cut], text.len())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn parse(text: &'static str) -> Result<JsonSlice, JsonError> {
        JsonSlice::parse(Bytes::from_static(text.as_bytes()), &Limits::default())
    }

    #[test]
    fn shares_the_buffer_and_cuts_white_space_off() {
        let text = Bytes::from_static(b" \n{\"a\": [1, {\"b\":\"x\"}]}\r\n");
        let (slice, found) = JsonSlice::parse_scan(text.clone(), &Limits::default(), &[]).unwrap();
        assert_eq!(slice.as_str(), r#"{"a": [1, {"b":"x"}]}"#);
        assert_eq!(slice.as_bytes().as_ptr(), text[2..].as_ptr());
        assert!(!found.multiline && found.span == (0..slice.as_bytes().len() as u32));
        let a = slice.subslice(found.get(slice.as_bytes(), 0, "a").unwrap().value);
        assert_eq!(a.as_str(), r#"[1, {"b":"x"}]"#);
        assert_eq!(a.as_bytes().as_ptr(), text[8..].as_ptr());
        assert_eq!(a, slice.member("a").unwrap());
        assert_eq!(a.elements().nth(1).unwrap().member("b").unwrap().decode_str().unwrap(), "x");
    }

    #[test]
    fn never_holds_a_line_break() {
        for text in ["{\n \"a\" : \"x \\n y\" ,\r\n\"b\":[ 1,\r2 ]}", "{\"a\":\"x \\n y\",\"b\":[1,\n2]}\n"] {
            let (slice, found) = JsonSlice::parse_scan(text.into(), &Limits::default(), &[]).unwrap();
            assert_eq!(slice.as_str(), r#"{"a":"x \n y","b":[1,2]}"#);
            assert_eq!(found.get(slice.as_bytes(), 0, "b").unwrap().text(slice.as_bytes()), b"[1,2]");
        }
    }

    #[test]
    fn a_reserved_name_of_serde_json_is_a_name_like_any_other() {
        let text = r#"{"$serde_json::private::RawValue":"{\"a\":1,\"a\":2}"}"#;
        let tree = parse(text).unwrap().to_value().unwrap();
        assert_eq!(tree.as_object().unwrap().keys().collect::<Vec<_>>(), ["$serde_json::private::RawValue"]);
        assert_eq!(JsonSlice::from_value(&tree).as_str(), text);
    }

    #[test]
    fn converts_from_and_to_rust_types() {
        let slice = JsonSlice::from_value(&json!({"n": 3, "s": ["a\u{1}", null, 1.5, -0.0, u64::MAX]}));
        assert_eq!(slice.as_str(), r#"{"n":3,"s":["a\u0001",null,1.5,-0.0,18446744073709551615]}"#);
        assert_eq!(JsonSlice::from_value(&slice.to_value().unwrap()), slice);
        assert_eq!(slice.member("n").unwrap().deserialize::<u8>().unwrap(), 3);
        let error = slice.member("s").unwrap().deserialize::<Vec<String>>().unwrap_err();
        assert_eq!(error.kind, JsonErrorKind::Type);
        assert_eq!(error.what(), "invalid type: null, expected a string");
        let nested = parse(
            r#"{ "a":[1, -2,{"$serde_json::private::RawValue":"x\u00e9"}],"b" : {} ,"c":[],"d":1.5e300}"#,
        );
        let again = JsonSlice::from_serialize(&[nested.clone().unwrap()]).unwrap();
        let expected = r#"[{"a":[1,-2,{"$serde_json::private::RawValue":"xé"}],"b":{},"c":[],"d":1.5e+300}]"#;
        assert_eq!(again.as_str(), expected);
        let keys = std::collections::HashMap::from([(vec![1], 2)]);
        assert_eq!(JsonSlice::from_serialize(&keys).unwrap_err().to_string(), "key must be a string");
        assert_eq!(JsonSlice::from_serialize(&[&slice, &JsonSlice::null()]).unwrap(), {
            JsonSlice::parse(format!("[{slice},null]").into(), &Limits::default()).unwrap()
        });
    }

    #[test]
    fn asks_nothing_of_the_wrong_kind() {
        for (text, kind) in
            [("3", Kind::Number), ("-1", Kind::Number), ("true", Kind::True), ("false", Kind::False)]
        {
            let slice = parse(text).unwrap();
            assert_eq!(slice.kind(), kind);
            assert!(slice.member("a").is_none() && slice.decode_str().is_none());
            assert!(slice.elements().next().is_none() && slice.members().next().is_none());
        }
        assert!(parse("[]").unwrap().elements().next().is_none());
        assert!(parse("{}").unwrap().members().next().is_none());
        assert_eq!(parse(r#""a\ud83d\ude00\/\"\u00e9z""#).unwrap().decode_str().unwrap(), "a😀/\"éz");
        assert!(matches!(parse(r#""plain""#).unwrap().decode_str().unwrap(), Cow::Borrowed("plain")));
    }

    #[test]
    fn debug_is_cut_off_and_display_is_not() {
        let slice = JsonSlice::from_value(&json!("é".repeat(150)));
        assert_eq!(slice.to_string().len(), 302);
        let shown = format!("{slice:?}");
        assert!(shown.ends_with("é… (302 bytes)") && shown.len() < 230, "{shown}");
        assert_eq!(format!("{:?}", JsonSlice::empty_object()), "{}");
    }
}
