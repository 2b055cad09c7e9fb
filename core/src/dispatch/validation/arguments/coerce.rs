//! Coerces strings to other types: some clients send `"3"` for `3`, and whole arrays and objects as strings.

use crate::dispatch::validation::arguments::declared::Types;
use crate::json::{self, JsonSlice, JsonWriter, Kind};
use std::collections::HashMap;

/// The arguments with strings replaced by the values that they represent; `None` if no string is replaced.
///
/// A string is considered if its argument is declared to have another type, or if it has other types besides string
/// and is among `misfits`. It becomes a number, a boolean, an array or an object if it is one in JSON, within
/// `limits`, and of a declared type.
pub(super) fn coerce(
    arguments: &JsonSlice,
    declared: &HashMap<String, Types>,
    misfits: &[String],
    limits: &json::Limits,
) -> Option<JsonSlice> {
    // The object that contains the arguments counts as one level.
    let limits = json::Limits { max_depth: limits.max_depth.saturating_sub(1), ..*limits };
    let stands_for = |name: &str, value: &JsonSlice| {
        let types = *declared.get(name)?;
        if types.has(Types::STRING) && !misfits.iter().any(|property_violation| property_violation == name) {
            return None;
        }
        represented_value(value, types, &limits)
    };
    let mut changed = false;
    let mut out = JsonWriter::with_capacity(arguments.as_bytes().len());
    out.begin_object();
    for member in arguments.members() {
        let name = member.name(arguments.as_bytes());
        out.key(&name);
        let represented_value = match member.kind {
            Kind::String => stands_for(&name, &arguments.subslice(member.value)),
            _ => None,
        };
        changed |= represented_value.is_some();
        match represented_value {
            Some(represented_value) => out.slice(&represented_value),
            None => out.raw(member.text(arguments.as_bytes())),
        };
    }
    out.end_object();
    changed.then(|| out.into_slice())
}

/// The value of one of `types` that a string represents.
fn represented_value(string: &JsonSlice, types: Types, limits: &json::Limits) -> Option<JsonSlice> {
    let text = string.decode_str()?;
    let first = text.trim_ascii_start().bytes().next()?;
    let kind = Kind::of(first)?;
    let fits = match kind {
        Kind::True | Kind::False => types.has(Types::BOOLEAN),
        Kind::Number => types.has(Types::NUMBER),
        Kind::Array => types.has(Types::ARRAY),
        Kind::Object => types.has(Types::OBJECT),
        Kind::String | Kind::Null => false,
    };
    if !fits {
        return None;
    }
    let length = text.len();
    let value = JsonSlice::parse(text.into_owned().into(), limits).ok()?;
    // White space around an array or an object is allowed; a number with white space stays a string.
    let whole = value.as_bytes().len() == length || matches!(kind, Kind::Array | Kind::Object);
    whole.then_some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn slice(value: serde_json::Value) -> JsonSlice {
        JsonSlice::from_value(&value)
    }

    #[test]
    fn texts_become_what_they_stand_for() {
        let rows = [
            ("3", Types::NUMBER, Some("3")),
            ("-0.5e3", Types::NUMBER, Some("-0.5e3")),
            ("123456789012345678901234567890", Types::NUMBER, Some("123456789012345678901234567890")),
            ("true", Types::BOOLEAN, Some("true")),
            ("false", Types::BOOLEAN, Some("false")),
            ("[1, \"a\"]", Types::ARRAY, Some("[1, \"a\"]")),
            (" {\"a\":\n{}}\n", Types::OBJECT, Some("{\"a\":{}}")),
            ("3", Types::BOOLEAN, None),
            ("true", Types::NUMBER, None),
            ("[]", Types::OBJECT, None),
            ("\"a\"", Types::STRING, None),
            ("null", Types::OBJECT, None),
            ("", Types::NUMBER, None),
            (" 3", Types::NUMBER, None),
            ("3 ", Types::NUMBER, None),
            ("+3", Types::NUMBER, None),
            (".5", Types::NUMBER, None),
            ("03", Types::NUMBER, None),
            ("0x3", Types::NUMBER, None),
            ("1e", Types::NUMBER, None),
            ("NaN", Types::NUMBER, None),
            ("True", Types::BOOLEAN, None),
            ("TRUE", Types::BOOLEAN, None),
            ("yes", Types::BOOLEAN, None),
            ("[1", Types::ARRAY, None),
            ("{\"a\":1,\"a\":2}", Types::OBJECT, None),
            ("{'a':1}", Types::OBJECT, None),
        ];
        for (text, types, expected) in rows {
            let found = represented_value(&slice(text.into()), types, &json::Limits::default());
            assert_eq!(found.as_ref().map(|found| found.as_str()), expected, "{text:?}");
        }
    }

    #[test]
    fn the_limits_of_json_hold_inside_texts() {
        let declared = HashMap::from([("a".to_owned(), Types::ARRAY)]);
        let limits = json::Limits { max_depth: 4, max_bytes: 20 };
        let coerced = |text: &str| coerce(&slice(serde_json::json!({ "a": text })), &declared, &[], &limits);
        assert_eq!(coerced("[[[]]]").unwrap().as_str(), r#"{"a":[[[]]]}"#);
        assert!(coerced("[[[[]]]]").is_none());
        assert!(coerced("[1,2,3,4,5,6,7,8,9,0]").is_none());
    }
}
