//! Recognises schemas that certainly compile, so that their validators are built only when a first value needs one.
//!
//! This module recognises a subset of what the dialects allow: keywords whose values are simple to check. A schema
//! with anything else (references, patterns, unknown keywords) is compiled at its registration. That also words the
//! reasons if the schema is refused.

use serde_json::{Map, Value};
use std::cmp::Ordering;
use tenon_schema::Draft;

/// The maximum nesting of schemas. Validators are compiled by recursion, perhaps later on a thread with less stack
/// than the thread that registers.
const DEPTH: usize = 8;
/// The maximum number of values of an `enum`, which are compared with one another.
const VALUES: usize = 64;
/// The largest number that may be a bound or a divisor.
const NUMBER: u64 = 1 << 53;

const TYPES: [&str; 7] = ["array", "boolean", "integer", "null", "number", "object", "string"];

/// Whether `schema` is known to be valid in its dialect: its meta-schema allows it, and a validator can be compiled.
pub(in crate::dispatch) fn is_sound(schema: &Value, draft: Draft) -> bool {
    // In draft 4, several of these keywords have another meaning.
    let Some(members) = schema.as_object().filter(|_| draft != Draft::Draft4) else { return false };
    are_sound_but(members, &["$schema"])
}

fn are_sound_but(members: &Map<String, Value>, passed: &[&str]) -> bool {
    members
        .iter()
        .all(|(keyword, value)| passed.contains(&keyword.as_str()) || is_good(keyword, value, DEPTH))
}

fn is_schema(schema: &Value, depth: usize) -> bool {
    match schema {
        Value::Bool(_) => true,
        Value::Object(members) => {
            depth > 0 && members.iter().all(|(keyword, value)| is_good(keyword, value, depth - 1))
        }
        _ => false,
    }
}

/// Whether a keyword may have this value; `depth` more levels of schemas are allowed.
fn is_good(keyword: &str, value: &Value, depth: usize) -> bool {
    match keyword {
        "title" | "description" | "$comment" | "format" => value.is_string(),
        "default" | "x-mcp-header" => true,
        "examples" => value.is_array(),
        "deprecated" | "readOnly" | "writeOnly" | "uniqueItems" => value.is_boolean(),
        "type" => match value {
            Value::Array(names) => !names.is_empty() && are_distinct(names) && names.iter().all(is_type),
            name => is_type(name),
        },
        "enum" => value.as_array().is_some_and(|values| {
            (1..=VALUES).contains(&values.len()) && values.iter().all(is_plain) && are_distinct(values)
        }),
        "const" => is_plain(value),
        "minLength" | "maxLength" | "minItems" | "maxItems" | "minProperties" | "maxProperties" => {
            value.as_u64().is_some_and(|count| count <= NUMBER)
        }
        "minimum" | "maximum" | "exclusiveMinimum" | "exclusiveMaximum" => is_number(value),
        "multipleOf" => value.as_u64().is_some_and(|divisor| (1..=NUMBER).contains(&divisor)),
        "required" => value.as_array().is_some_and(|names| {
            names.iter().all(Value::is_string) && names.len() <= VALUES && are_distinct(names)
        }),
        "properties" => value
            .as_object()
            .is_some_and(|properties| properties.values().all(|schema| is_schema(schema, depth))),
        "additionalProperties" | "items" | "not" => is_schema(value, depth),
        "allOf" | "anyOf" | "oneOf" => value.as_array().is_some_and(|schemas| {
            !schemas.is_empty() && schemas.iter().all(|schema| is_schema(schema, depth))
        }),
        _ => false,
    }
}

/// Whether `value` is certainly valid for `schema`, which is sound. Like the fast check for whole values, it cannot
/// say that a value is invalid.
pub(in crate::dispatch) fn certainly_fits(schema: &Value, value: &Value) -> bool {
    let compare = |bound: &Value| {
        let (value, bound) =
            (Some(value).filter(|value| is_number(value))?, Some(bound).filter(|bound| is_number(bound))?);
        value.as_f64()?.partial_cmp(&bound.as_f64()?)
    };
    let length = |text: &str| text.chars().count() as u64;
    let Some(members) = schema.as_object() else { return schema == &Value::Bool(true) };
    members.iter().all(|(keyword, given)| match keyword.as_str() {
        "title" | "description" | "$comment" | "default" | "x-mcp-header" | "examples" | "deprecated"
        | "readOnly" | "writeOnly" => true,
        "type" => match given {
            Value::Array(names) => names.iter().any(|name| is_of_type(name, value)),
            name => is_of_type(name, value),
        },
        "enum" => given.as_array().is_some_and(|values| values.contains(value)),
        "const" => given == value,
        "minimum" => !value.is_number() || compare(given).is_some_and(Ordering::is_ge),
        "maximum" => !value.is_number() || compare(given).is_some_and(Ordering::is_le),
        "exclusiveMinimum" => !value.is_number() || compare(given).is_some_and(Ordering::is_gt),
        "exclusiveMaximum" => !value.is_number() || compare(given).is_some_and(Ordering::is_lt),
        "minLength" => {
            value.as_str().is_none_or(|text| given.as_u64().is_some_and(|least| length(text) >= least))
        }
        "maxLength" => {
            value.as_str().is_none_or(|text| given.as_u64().is_some_and(|most| length(text) <= most))
        }
        _ => false,
    })
}

fn is_of_type(name: &Value, value: &Value) -> bool {
    match value {
        Value::Null => name == "null",
        Value::Bool(_) => name == "boolean",
        Value::Number(number) => name == "number" || (name == "integer" && !number.is_f64()),
        Value::String(_) => name == "string",
        Value::Array(_) => name == "array",
        Value::Object(_) => name == "object",
    }
}

fn is_type(name: &Value) -> bool {
    name.as_str().is_some_and(|name| TYPES.contains(&name))
}

/// Whether the value has no parts, and is not a number that could be written in two ways.
fn is_plain(value: &Value) -> bool {
    match value {
        Value::Number(number) => number.is_i64() && is_number(value),
        Value::Array(_) | Value::Object(_) => false,
        Value::Null | Value::Bool(_) | Value::String(_) => true,
    }
}

fn is_number(value: &Value) -> bool {
    value.as_f64().is_some_and(|number| number.abs() <= NUMBER as f64)
}

fn are_distinct(values: &[Value]) -> bool {
    values.iter().enumerate().all(|(place, value)| !values[..place].contains(value))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dispatch::validation::schema::{Formats, Schema};
    use crate::json::JsonSlice;
    use proptest::prelude::*;
    use serde_json::json;

    const DIALECTS: [&str; 4] = [
        "http://json-schema.org/draft-06/schema#",
        "http://json-schema.org/draft-07/schema#",
        "https://json-schema.org/draft/2019-09/schema",
        "https://json-schema.org/draft/2020-12/schema",
    ];

    fn plain() -> impl Strategy<Value = Value> {
        prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            (-2i64..3).prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            (-2.0..2.0).prop_map(|float: f64| json!(float)),
            Just(json!(0.0)),
            "[ab]{0,2}".prop_map(Value::from),
            prop::sample::select(TYPES.to_vec()).prop_map(Value::from),
            prop::sample::select(vec!["email", "date", "uri", "regex", "uuid", "phone"])
                .prop_map(Value::from),
        ]
    }

    fn keyword() -> impl Strategy<Value = String> {
        let known = "title description $comment format default x-mcp-header examples deprecated readOnly writeOnly \
            uniqueItems type enum const minLength maxLength minItems maxItems minProperties maxProperties minimum maximum \
            exclusiveMinimum exclusiveMaximum multipleOf required properties additionalProperties items not allOf anyOf \
            oneOf";
        prop_oneof![
            9 => prop::sample::select(known.split_whitespace().map(str::to_owned).collect::<Vec<_>>()),
            1 => prop::sample::select(vec!["$ref".to_owned(), "pattern".into(), "if".into(), "$id".into(), "a".into()]),
        ]
    }

    /// Any JSON in which the keywords are members; most of it is not a schema.
    fn anything() -> impl Strategy<Value = Value> {
        plain().prop_recursive(4, 24, 4, |inner| {
            prop_oneof![
                3 => prop::collection::vec((keyword(), inner.clone()), 0..4)
                    .prop_map(|members| Value::Object(members.into_iter().collect())),
                1 => prop::collection::vec(inner, 0..4).prop_map(Value::from),
            ]
        })
    }

    /// Values that the keyword is likely to have.
    fn likely(keyword: String) -> BoxedStrategy<(String, Value)> {
        let value = match keyword.as_str() {
            "type" => prop_oneof![
                prop::sample::select(TYPES.to_vec()).prop_map(Value::from),
                prop::collection::vec(prop::sample::select(TYPES.to_vec()), 0..3).prop_map(Value::from),
            ]
            .boxed(),
            "required" => prop::collection::vec("[ab]", 0..3).prop_map(Value::from).boxed(),
            "enum" | "examples" => prop::collection::vec(plain(), 0..4).prop_map(Value::from).boxed(),
            "properties" => prop::collection::btree_map("[ab]", schema(1), 0..3)
                .prop_map(|properties| json!(properties))
                .boxed(),
            "allOf" | "anyOf" | "oneOf" => {
                prop::collection::vec(schema(1), 0..3).prop_map(Value::from).boxed()
            }
            "items" | "not" | "additionalProperties" => schema(1).boxed(),
            "title" | "description" | "$comment" | "format" => {
                prop_oneof![9 => "[ab]{0,2}".prop_map(Value::from), 1 => plain()].boxed()
            }
            "deprecated" | "readOnly" | "writeOnly" | "uniqueItems" => {
                prop_oneof![9 => any::<bool>().prop_map(Value::from), 1 => plain()].boxed()
            }
            "default" | "x-mcp-header" | "const" => prop_oneof![9 => plain(), 1 => anything()].boxed(),
            _ if keyword.starts_with('$') || keyword.len() < 3 => anything().boxed(),
            _ => prop_oneof![9 => (-1i64..4).prop_map(Value::from), 1 => plain()].boxed(),
        };
        value.prop_map(move |value| (keyword.clone(), value)).boxed()
    }

    fn schema(levels: u32) -> BoxedStrategy<Value> {
        if levels == 0 {
            return anything().boxed();
        }
        let members = prop::collection::vec(keyword().prop_flat_map(likely), 0..3);
        members.prop_map(|members| Value::Object(members.into_iter().collect())).boxed()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(3_000))]

        /// The compiler never refuses a schema that is called valid, in any dialect.
        #[test]
        fn what_is_sound_compiles(
            schema in prop_oneof![schema(2), anything()],
            dialect in prop::sample::select(DIALECTS.to_vec()),
            asserted: bool,
        ) {
            let mut schema = schema;
            if let Some(members) = schema.as_object_mut() {
                members.insert("$schema".into(), dialect.into());
            }
            let draft = Draft::default().detect(&schema);
            if is_sound(&schema, draft) {
                let formats = if asserted { Formats::Assert } else { Formats::Annotate };
                let compiled = Schema::compile_with(JsonSlice::from_value(&schema), formats).unwrap();
                prop_assert!(compiled.compile_now().is_ok(), "{schema}");
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(3_000))]

        /// The validator never refuses a value that is said to be valid.
        #[test]
        fn what_certainly_fits_conforms(schema in schema(1), value in prop_oneof![4 => plain(), 1 => anything()]) {
            if is_sound(&schema, Draft::Draft202012) && certainly_fits(&schema, &value) {
                let compiled = Schema::compile(JsonSlice::from_value(&schema)).unwrap();
                prop_assert_eq!(compiled.check(&JsonSlice::from_value(&value)), Ok(()), "{} {}", schema, value);
            }
        }
    }

    #[test]
    fn defaults_within_their_bounds_are_known_to_fit() {
        for (schema, fits, other) in [
            (json!({ "type": "integer", "minimum": 1, "maximum": 10 }), json!(10), json!(11)),
            (json!({ "type": "integer" }), json!(1), json!("1")),
            (json!({ "type": ["string", "null"], "maxLength": 1 }), json!("é"), json!("ab")),
            (json!({ "type": "number", "exclusiveMinimum": 0 }), json!(0.5), json!(0)),
            (json!({ "exclusiveMaximum": 1, "minLength": 1 }), json!("a"), json!(1)),
            (json!({ "enum": ["a", null] }), json!(null), json!("b")),
            (json!({ "const": 1, "title": "One" }), json!(1), json!(2)),
            (json!(true), json!({}), json!(null)),
        ] {
            assert!(certainly_fits(&schema, &fits), "{schema} {fits}");
            assert!(schema == json!(true) || !certainly_fits(&schema, &other), "{schema} {other}");
        }
        assert!(!certainly_fits(&json!(false), &json!(1)));
        assert!(!certainly_fits(&json!({ "format": "email" }), &json!("a@b")));
    }

    #[test]
    fn schemas_of_tools_are_sound_and_compile() {
        let good = json!({
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "type": "object",
            "title": "Search",
            "description": "What to look for.",
            "properties": {
                "text": { "type": "string", "minLength": 1, "maxLength": 80, "format": "uri" },
                "kinds": { "type": "array", "items": { "enum": ["a", "b", 1, null] }, "uniqueItems": true, "maxItems": 4 },
                "limit": { "anyOf": [{ "type": "integer", "minimum": 1, "multipleOf": 5 }, { "type": "null" }], "default": null },
                "deep": { "type": "object", "properties": { "x": { "type": ["number", "null"], "exclusiveMaximum": 0.5 } } },
                "any": true,
                "fixed": { "const": "x" },
            },
            "required": ["text"],
            "additionalProperties": false,
        });
        assert!(is_sound(&good, Draft::Draft202012));
        assert!(!is_sound(&good, Draft::Draft4));
        let schema = Schema::compile(JsonSlice::from_value(&good)).unwrap();
        assert!(!schema.is_compiled());
        let value = |text: &str| JsonSlice::from_value(&serde_json::from_str(text).unwrap());
        assert_eq!(schema.check(&value(r#"{"text":"http://x.org","limit":10,"kinds":[1,"a"]}"#)), Ok(()));
        assert!(schema.is_compiled());
        assert!(schema.check(&value(r#"{"text":"http://x.org","limit":11}"#)).is_err());
    }

    #[test]
    fn what_takes_more_than_a_look_is_left_to_the_compiler() {
        for schema in [
            json!(true),
            json!({ "type": "objekt" }),
            json!({ "type": [] }),
            json!({ "type": ["null", "null"] }),
            json!({ "title": 1 }),
            json!({ "enum": [] }),
            json!({ "enum": [1, 1] }),
            json!({ "enum": [1.0] }),
            json!({ "minLength": -1 }),
            json!({ "minLength": 1.5 }),
            json!({ "minimum": "1" }),
            json!({ "multipleOf": 0 }),
            json!({ "required": ["a", "a"] }),
            json!({ "required": [1] }),
            json!({ "anyOf": [] }),
            json!({ "anyOf": [1] }),
            json!({ "items": [{}] }),
            json!({ "pattern": "(" }),
            json!({ "$ref": "#/$defs/a" }),
            json!({ "$id": "http://[" }),
            json!({ "properties": { "a": { "$schema": "x" } } }),
            json!({ "unknown": {} }),
        ] {
            for dialect in [Draft::Draft6, Draft::Draft7, Draft::Draft201909, Draft::Draft202012] {
                assert!(!is_sound(&schema, dialect), "{schema}");
            }
        }
    }

    /// A validator may be built on any thread that handles a call.
    #[test]
    fn the_deepest_of_them_compiles_within_a_small_stack() {
        let nested = |levels| {
            (0..levels).fold(json!({ "type": "string" }), |inner, _| json!({ "properties": { "a": inner } }))
        };
        assert!(!is_sound(&nested(DEPTH + 2), Draft::Draft202012));
        let deepest =
            (0..).map(nested).take_while(|schema| is_sound(schema, Draft::Draft202012)).last().unwrap();
        let schema = Schema::compile(JsonSlice::from_value(&deepest)).unwrap();
        let small = std::thread::Builder::new().stack_size(512 << 10);
        let compiled = small.spawn(move || schema.compile_now().is_ok()).unwrap().join().unwrap();
        assert!(compiled);
    }
}
