//! An append-only writer of compact JSON text.

use std::fmt;
use std::io::Write;

use bytes::Bytes;

use super::slice::JsonSlice;
use super::text::plain_run;

/// A number that JSON cannot represent: NaN or an infinity.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct NotFinite(pub f64);

impl fmt::Display for NotFinite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} cannot be written as JSON", self.0)
    }
}

impl std::error::Error for NotFinite {}

/// Writes compact JSON into one growing buffer. It adds commas and colons. The caller must close brackets and write a
/// value for every key; debug builds check that when the text becomes a slice.
#[derive(Clone, Debug, Default)]
pub struct JsonWriter {
    buf: Vec<u8>,
}

impl JsonWriter {
    /// An empty writer.
    pub fn new() -> Self {
        Self::default()
    }

    /// An empty writer with room for `bytes` bytes.
    pub fn with_capacity(bytes: usize) -> Self {
        JsonWriter { buf: Vec::with_capacity(bytes) }
    }

    /// Writes a comma if a complete value was written last. No value ends in one of these bytes.
    #[inline]
    fn separate(&mut self) {
        if !matches!(self.buf.last(), None | Some(b'{' | b'[' | b':' | b',')) {
            self.buf.push(b',');
        }
    }

    /// `{`
    pub fn begin_object(&mut self) -> &mut Self {
        self.separate();
        self.buf.push(b'{');
        self
    }

    /// `}`
    pub fn end_object(&mut self) -> &mut Self {
        self.buf.push(b'}');
        self
    }

    /// `[`
    pub fn begin_array(&mut self) -> &mut Self {
        self.separate();
        self.buf.push(b'[');
        self
    }

    /// `]`
    pub fn end_array(&mut self) -> &mut Self {
        self.buf.push(b']');
        self
    }

    /// The name of the next member.
    pub fn key(&mut self, name: &str) -> &mut Self {
        self.separate();
        write_escaped(&mut self.buf, name);
        self.buf.push(b':');
        self
    }

    /// A string.
    pub fn str(&mut self, text: &str) -> &mut Self {
        self.separate();
        write_escaped(&mut self.buf, text);
        self
    }

    /// Text that is appended unchanged, separators included, for parts that are the same in every message.
    #[inline]
    pub(crate) fn verbatim(&mut self, text: &[u8]) -> &mut Self {
        self.buf.extend_from_slice(text);
        self
    }

    /// One value, whose text must be valid. It is written unchanged.
    pub fn raw(&mut self, value: &[u8]) -> &mut Self {
        self.separate();
        self.buf.extend_from_slice(value);
        self
    }

    /// One value, written unchanged.
    pub fn slice(&mut self, value: &JsonSlice) -> &mut Self {
        self.raw(value.as_bytes())
    }

    /// An integer.
    pub fn int(&mut self, number: i64) -> &mut Self {
        if number < 0 {
            self.separate();
            self.buf.push(b'-');
            self.digits(number.unsigned_abs());
            self
        } else {
            self.uint(number.unsigned_abs())
        }
    }

    /// An unsigned integer.
    pub fn uint(&mut self, number: u64) -> &mut Self {
        self.separate();
        self.digits(number);
        self
    }

    fn digits(&mut self, mut number: u64) {
        let mut digits = [0u8; 20];
        let mut at = digits.len();
        loop {
            at -= 1;
            digits[at] = b'0' + (number % 10) as u8;
            number /= 10;
            if number == 0 {
                break;
            }
        }
        self.buf.extend_from_slice(&digits[at..]);
    }

    /// A number in the shortest notation that gives the same double. Fails and writes nothing if it is not finite.
    pub fn float(&mut self, number: f64) -> Result<(), NotFinite> {
        let value = serde_json::Number::from_f64(number).ok_or(NotFinite(number))?;
        self.separate();
        // Writing into a Vec cannot fail.
        let _ = write!(self.buf, "{value}");
        Ok(())
    }

    /// `true` or `false`
    pub fn bool(&mut self, value: bool) -> &mut Self {
        self.raw(if value { b"true" } else { b"false" })
    }

    /// `null`
    pub fn null(&mut self) -> &mut Self {
        self.raw(b"null")
    }

    /// The text written so far.
    pub fn as_bytes(&self) -> &[u8] {
        &self.buf
    }

    /// The text.
    pub fn into_bytes(self) -> Bytes {
        self.buf.into()
    }

    /// The text as a value. It must be one complete value.
    pub fn into_slice(self) -> JsonSlice {
        JsonSlice::from_trusted(self.buf.into())
    }
}

/// Appends `text` as a JSON string, with quotes. It escapes only what must be escaped.
pub fn write_escaped(out: &mut Vec<u8>, text: &str) {
    let mut rest = text.as_bytes();
    out.reserve(rest.len() + 2);
    out.push(b'"');
    loop {
        let (plain, tail) = rest.split_at(plain_run(rest));
        out.extend_from_slice(plain);
        let Some((&byte, tail)) = tail.split_first() else { break };
        rest = tail;
        let short = match byte {
            b'"' | b'\\' => byte,
            b'\n' => b'n',
            b'\r' => b'r',
            b'\t' => b't',
            0x08 => b'b',
            0x0c => b'f',
            _ => {
                const HEX: &[u8; 16] = b"0123456789abcdef";
                out.extend_from_slice(b"\\u00");
                out.extend_from_slice(&[HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]]);
                continue;
            }
        };
        out.extend_from_slice(&[b'\\', short]);
    }
    out.push(b'"');
}

/// A copy of a JSON text without the white space between its tokens.
pub fn minify(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut at = 0;
    while let Some(&byte) = text.get(at) {
        match byte {
            b' ' | b'\t' | b'\n' | b'\r' => at += 1,
            b'"' => {
                let end = super::walk::skip_string(text, at).min(text.len());
                out.extend_from_slice(&text[at..end]);
                at = end;
            }
            _ => {
                out.push(byte);
                at += 1;
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;
    use crate::json::scan_tests::any_value;

    #[test]
    fn places_commas() {
        let mut w = JsonWriter::with_capacity(64);
        w.begin_object().key("a").begin_array().end_array().key("b").begin_array();
        w.int(i64::MIN)
            .uint(u64::MAX)
            .int(0)
            .bool(true)
            .null()
            .begin_object()
            .end_object()
            .str("")
            .str(",{[:");
        w.end_array().key("c\n").slice(&JsonSlice::from_value(&json!({"x": [1]}))).key("d");
        w.float(1.0).unwrap();
        assert_eq!(w.float(f64::NAN).unwrap_err().to_string(), "NaN cannot be written as JSON");
        w.end_object();
        let expected = concat!(
            r#"{"a":[],"b":[-9223372036854775808,18446744073709551615,0,true,null,{},"",",{[:"],"#,
            r#""c\n":{"x":[1]},"d":1.0}"#
        );
        assert_eq!(w.into_slice().as_str(), expected);
    }

    fn write(w: &mut JsonWriter, value: &Value) {
        match value {
            Value::Null => _ = w.null(),
            Value::Bool(b) => _ = w.bool(*b),
            Value::String(text) => _ = w.str(text),
            Value::Number(n) => match (n.as_u64(), n.as_i64()) {
                (Some(n), _) => _ = w.uint(n),
                (_, Some(n)) => _ = w.int(n),
                _ => w.float(n.as_f64().unwrap()).unwrap(),
            },
            Value::Array(items) => {
                w.begin_array();
                items.iter().for_each(|item| write(w, item));
                w.end_array();
            }
            Value::Object(members) => {
                w.begin_object();
                for (name, value) in members {
                    write(w.key(name), value);
                }
                w.end_object();
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn what_is_written_reads_back(value in any_value()) {
            let mut w = JsonWriter::new();
            write(&mut w, &value);
            let text = w.into_bytes();
            prop_assert_eq!(&serde_json::from_slice::<Value>(&text).unwrap(), &value);
            prop_assert_eq!(&JsonSlice::from_trusted(text.clone()).to_value().unwrap(), &value);
            let pretty = serde_json::to_vec_pretty(&value).unwrap();
            prop_assert_eq!(minify(&pretty), minify(&text));
            prop_assert_eq!(&minify(&text), &text);
        }

        #[test]
        fn any_string_reads_back(text in any::<String>(), controls in "[\\x00-\\x1f\"\\\\a-c]{0,30}") {
            for text in [text, controls] {
                let mut out = Vec::new();
                write_escaped(&mut out, &text);
                prop_assert_eq!(serde_json::from_slice::<String>(&out).unwrap(), text);
            }
        }

        #[test]
        fn minify_never_panics(text in "[\\\\\" {}a\n]{0,12}") {
            prop_assert!(minify(text.as_bytes()).len() <= text.len());
        }
    }
}
