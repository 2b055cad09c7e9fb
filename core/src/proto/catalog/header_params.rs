//! Arguments that a client repeats in headers, so that proxies can route requests by them (`x-mcp-header`).
//!
//! A tool's schema declares these arguments. The transport provides the headers.

use crate::json::{JsonSlice, Kind, Limits};
use crate::proto::header_value::decode_value;
use crate::proto::messages::error::{RpcError, clip};

/// An argument that is repeated in a header (XH-1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeaderParam {
    /// The part of the header's name after `Mcp-Param-`. It is case-insensitive.
    pub name: String,
    /// The path from the arguments to the value, as names of members.
    pub path: Vec<String>,
}

/// The `Mcp-Param-` headers of one request, as they were received.
#[derive(Clone, Debug, Default)]
pub struct ParamFields(Vec<(String, Vec<u8>)>);

/// The largest integer up to which every integer has its own double.
const MAX_SAFE: f64 = 9_007_199_254_740_991.0;

impl ParamFields {
    /// Adds a header: the part of its name after `Mcp-Param-`, and its value.
    pub fn push(&mut self, name: &str, value: &[u8]) {
        self.0.push((name.to_owned(), value.trim_ascii().to_owned()));
    }

    /// Checks the headers of the `declared` arguments. An argument that is present must have a header with the same
    /// value; an argument that is missing must have none (XH-8, XH-9). Headers that are not declared are ignored
    /// (XH-11).
    pub fn check(&self, declared: &[HeaderParam], arguments: &JsonSlice) -> Result<(), RpcError> {
        declared.iter().try_for_each(|param| {
            self.check_one(param, arguments).map_err(|what| {
                let name = clip(&param.name).to_ascii_lowercase();
                RpcError::header_mismatch(format!("Header mismatch: mcp-param-{name} {what}"))
            })
        })
    }

    fn check_one(&self, param: &HeaderParam, arguments: &JsonSlice) -> Result<(), String> {
        let mut fields = self.0.iter().filter(|(name, _)| name.eq_ignore_ascii_case(&param.name));
        let field = fields.next();
        if fields.next().is_some() {
            return Err("occurs more than once".into());
        }
        let value = param.value(arguments);
        let path = || format!("arguments.{}", clip(&param.path.join(".")));
        let Some((_, field)) = field else {
            return match value.map(|value| value.kind()) {
                // A header cannot contain such a value, so the schema refuses it.
                None | Some(Kind::Array | Kind::Object) => Ok(()),
                Some(_) => Err(format!("is missing, but {} is set", path())),
            };
        };
        let field = decode_value(field)?;
        match value {
            Some(value) if is_same(&value, &field) => Ok(()),
            Some(value) => {
                let value =
                    value.decode_str().map_or_else(|| value.as_str().to_owned(), |text| format!("{text:?}"));
                Err(format!("is {:?}, but {} is {}", clip(&field), path(), clip(&value)))
            }
            None => Err(format!("is {:?}, but {} is missing", clip(&field), path())),
        }
    }
}

impl HeaderParam {
    /// The argument's value, if there is one (XH-7).
    fn value(&self, arguments: &JsonSlice) -> Option<JsonSlice> {
        let value = self.path.iter().try_fold(arguments.clone(), |value, name| value.member(name))?;
        (value.kind() != Kind::Null).then_some(value)
    }
}

/// Whether a header's decoded value equals an argument (ENC-1).
fn is_same(value: &JsonSlice, field: &str) -> bool {
    match value.kind() {
        Kind::String => value.decode_str().is_some_and(|text| text == field),
        Kind::True | Kind::False => value.as_str() == field,
        Kind::Number => is_same_number(value.as_str(), field),
        Kind::Array | Kind::Object | Kind::Null => false,
    }
}

/// Compares numbers by value (XH-10): exactly if both are written as integers, otherwise with the precision of doubles.
fn is_same_number(value: &str, field: &str) -> bool {
    if value == field {
        return true;
    }
    let parsed = JsonSlice::parse(field.as_bytes().to_vec().into(), &Limits::default());
    if !parsed.is_ok_and(|parsed| parsed.kind() == Kind::Number && parsed.as_bytes().len() == field.len()) {
        return false;
    }
    if let (Ok(value), Ok(field)) = (value.parse::<i128>(), field.parse::<i128>()) {
        return value == field;
    }
    match (value.parse::<f64>(), field.parse::<f64>()) {
        (Ok(value), Ok(field)) => value == field && value.abs() <= MAX_SAFE,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::messages::error::{ErrorClass, code};
    use proptest::prelude::*;
    use serde_json::{Value, json};

    /// The row of the digest, the headers, the arguments, and whether they agree.
    type Row = (&'static str, &'static [(&'static str, &'static str)], Value, bool);

    fn check(fields: &[(&str, &str)], path: &[&str], arguments: &Value) -> Result<(), String> {
        let mut sent = ParamFields::default();
        fields.iter().for_each(|(name, value)| sent.push(name, value.as_bytes()));
        let path = path.iter().map(|name| (*name).to_owned()).collect();
        let declared = [HeaderParam { name: "Region".into(), path }];
        sent.check(&declared, &JsonSlice::from_value(arguments)).map_err(|error| {
            assert_eq!((error.code, error.class), (code::HEADER_MISMATCH, ErrorClass::Envelope));
            error.message
        })
    }

    #[test]
    fn headers_and_arguments_agree() {
        const R: &str = "region";
        let rows: &[Row] = &[
            ("XH-8", &[(R, "us-west1")], json!({ "r": "us-west1" }), true),
            ("MH-18", &[("REGION", "us-west1")], json!({ "r": "us-west1" }), true),
            ("MH-18", &[(R, "US-WEST1")], json!({ "r": "us-west1" }), false),
            ("MH-19", &[(R, " us-west1\t")], json!({ "r": "us-west1" }), true),
            ("XH-8", &[], json!({ "r": "us-west1" }), false),
            ("XH-8", &[], json!({ "r": "" }), false),
            ("XH-8", &[], json!({ "r": null }), true),
            ("XH-8", &[], json!({}), true),
            ("XH-9", &[(R, "x")], json!({ "r": null }), false),
            ("XH-9", &[(R, "x")], json!({}), false),
            ("XH-9", &[(R, "null")], json!({ "r": null }), false),
            ("XH-11", &[("other", "x")], json!({}), true),
            ("MH-20", &[(R, "x"), (R, "x")], json!({ "r": "x" }), false),
            ("MH-20", &[(R, "x"), (R, "y")], json!({ "r": "x" }), false),
            ("ENC-1", &[(R, "true")], json!({ "r": true }), true),
            ("ENC-1", &[(R, "True")], json!({ "r": true }), false),
            ("ENC-1", &[(R, "false")], json!({ "r": false }), true),
            ("ENC-1", &[(R, "1")], json!({ "r": true }), false),
            ("XH-10", &[(R, "42.0")], json!({ "r": 42 }), true),
            ("XH-10", &[(R, "42")], json!({ "r": 42.0 }), true),
            ("XH-10", &[(R, "4.2e1")], json!({ "r": 42 }), true),
            ("XH-10", &[(R, "=?base64?NDI=?=")], json!({ "r": 42 }), true),
            ("XH-10", &[(R, "43")], json!({ "r": 42 }), false),
            ("XH-10", &[(R, "042")], json!({ "r": 42 }), false),
            ("XH-10", &[(R, "+42")], json!({ "r": 42 }), false),
            ("XH-10", &[(R, "")], json!({ "r": 0 }), false),
            ("XH-3", &[(R, "9007199254740993")], json!({ "r": 9_007_199_254_740_992_i64 }), false),
            ("XH-3", &[(R, "9007199254740993.0")], json!({ "r": 9_007_199_254_740_992_i64 }), false),
            ("XH-3", &[(R, "-9007199254740991")], json!({ "r": -9_007_199_254_740_991_i64 }), true),
            ("ENC-1", &[(R, "42")], json!({ "r": "42" }), true),
            ("ENC-1", &[(R, "42.0")], json!({ "r": "42" }), false),
            ("ENC-2", &[(R, "=?base64?SGVsbG8sIOS4lueVjA==?=")], json!({ "r": "Hello, 世界" }), true),
            ("ENC-2", &[(R, "=?base64?IHBhZGRlZCA=?=")], json!({ "r": " padded " }), true),
            ("ENC-2", &[(R, "=?base64?bGluZTEKbGluZTI=?=")], json!({ "r": "line1\nline2" }), true),
            ("ENC-2", &[(R, "世界")], json!({ "r": "世界" }), false),
            (
                "ENC-3",
                &[(R, "=?base64?PT9iYXNlNjQ/bGl0ZXJhbD89?=")],
                json!({ "r": "=?base64?literal?=" }),
                true,
            ),
            ("ENC-4", &[(R, "=?BASE64?SGVsbG8=?=")], json!({ "r": "Hello" }), false),
            ("ENC-5", &[(R, "=?base64?SGVsbG8=?=")], json!({ "r": "Hello" }), true),
            ("ENC-5", &[(R, "=?base64?SGVsbG8?=")], json!({ "r": "Hello" }), false),
            ("ENC-5", &[(R, "=?base64?SGVs!G8=?=")], json!({ "r": "Hello" }), false),
            ("ENC-5", &[(R, "=?base64?x")], json!({ "r": "=?base64?x" }), true),
            ("ENC-6", &[(R, "=?base64?/w==?=")], json!({ "r": "x" }), false),
            ("ENC-6", &[(R, "")], json!({ "r": "" }), true),
            ("ENC-6", &[(R, "=?base64??=")], json!({ "r": "" }), true),
            // The schema refuses these values, because no header can repeat them.
            ("XH-3", &[], json!({ "r": [1] }), true),
            ("XH-3", &[(R, "[1]")], json!({ "r": [1] }), false),
        ];
        for (row, fields, arguments, agree) in rows {
            assert_eq!(check(fields, &["r"], arguments).is_ok(), *agree, "{row}: {fields:?} {arguments}");
        }
    }

    #[test]
    fn values_lie_at_their_exact_path() {
        let arguments = json!({ "a": { "b": "x" }, "b": "y" });
        assert_eq!(check(&[("region", "x")], &["a", "b"], &arguments), Ok(()), "XH-4");
        assert!(check(&[("region", "y")], &["a", "b"], &arguments).is_err(), "XH-7");
        assert_eq!(check(&[], &["a", "c"], &arguments), Ok(()), "XH-8");
        assert_eq!(check(&[], &["b", "b"], &arguments), Ok(()), "XH-8");
        let why = check(&[], &["a", "b"], &arguments).unwrap_err();
        assert_eq!(why, "Header mismatch: mcp-param-region is missing, but arguments.a.b is set");
    }

    proptest! {
        /// A string equals its own encoding, and the encoding of no other string.
        #[test]
        fn only_the_same_text_agrees(text in ".{0,12}", other in ".{0,12}") {
            use base64::Engine as _;
            let encode = |text: &str| format!("=?base64?{}?=", base64::engine::general_purpose::STANDARD.encode(text));
            let arguments = json!({ "r": text });
            prop_assert!(check(&[("region", &encode(&text))], &["r"], &arguments).is_ok());
            prop_assert_eq!(check(&[("region", &encode(&other))], &["r"], &arguments).is_ok(), text == other);
        }

        #[test]
        fn integers_agree_by_value(a: i64, b: i64) {
            let arguments = json!({ "r": a });
            prop_assert!(check(&[("region", &a.to_string())], &["r"], &arguments).is_ok());
            prop_assert_eq!(check(&[("region", &b.to_string())], &["r"], &arguments).is_ok(), a == b);
        }
    }
}
