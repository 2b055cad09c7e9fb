//! Values that are large, deep, or wrong in many places.

use crate::{TOO_DEEP, TOO_MANY_STEPS, array, check, compile, refusal, text};
use serde_json::{Value, json};
use tenon_mcp::JsonSlice;

#[test]
fn four_mebibytes_of_wrong_items_are_refused_after_the_first_few() {
    for (schema, item) in [
        (json!({ "items": { "type": "string" } }), "1"),
        (json!({ "items": { "enum": ["a", "b"], "type": "string" } }), "17"),
        (json!({ "items": { "anyOf": [{ "type": "string" }, { "minimum": 2 }, { "type": "null" }] } }), "1"),
        (json!({ "items": { "required": ["a", "b", "c"] } }), "{}"),
    ] {
        let why = check(schema, array(item)).unwrap_err();
        assert!(why.ends_with("; and more") && why.len() < 500, "{why}");
        assert!(why.starts_with("/0: "), "{why}");
    }
}

#[test]
fn reasons_are_few_and_short_and_do_not_echo() {
    let schema = json!({ "additionalProperties": false, "minProperties": 9, "maxProperties": 1, "required": ["x", "y"] });
    let why = check(schema, text(r#"{"secret":1,"b":2}"#.into())).unwrap_err();
    assert_eq!(why.matches("; ").count(), 3, "{why}");
    assert!(why.ends_with("; and 2 more"), "{why}");
    let names: Vec<String> = (0..300_000).map(|name| format!("\"n{name}\":1")).collect();
    let why = check(json!({ "additionalProperties": false }), text(format!("{{{}}}", names.join(","))))
        .unwrap_err();
    assert!(why.len() < 300, "{why}");
    let options: Vec<String> = (0..10_000).map(|option| format!("option {option}")).collect();
    assert!(check(json!({ "enum": options }), text("1".into())).unwrap_err().len() < 300);
}

/// Nested objects, `{"a":{"a":…}}`.
pub(crate) fn nested(levels: usize) -> JsonSlice {
    text("{\"a\":".repeat(levels) + "1" + &"}".repeat(levels))
}

#[test]
fn choices_that_double_at_every_level_come_to_an_end() {
    for keyword in ["anyOf", "oneOf", "allOf"] {
        let again = json!({ "properties": { "a": { "$ref": "#/$defs/n" } } });
        let schema = json!({ "$ref": "#/$defs/n", "$defs": { "n": {
            keyword: [again, { "properties": { "a": { "$ref": "#/$defs/n" } }, "required": ["a"] }, { "not": again }],
        } } });
        // Whatever the answer is, there is one.
        let _ = check(schema, nested(120));
    }
    // Without references the doubling is in the schema itself, whose size is bounded.
    let mut schema = json!({ "type": "integer" });
    for _ in 0..12 {
        schema = json!({ "properties": { "a": { "anyOf": [{ "not": schema }, schema] } } });
    }
    let _ = check(schema, nested(100));
}

#[test]
fn choices_that_look_at_the_value_cost_no_more_than_their_looks() {
    let labelled: Vec<Value> = (0..250).map(|n| json!({ "const": n, "title": format!("No. {n}") })).collect();
    let schema = json!({ "items": { "oneOf": labelled } });
    assert_eq!(check(schema, text(format!("[{}]", vec!["17"; 3_000].join(",")))), Ok(()));
    let kind = |n: usize| json!({ "type": "object", "properties": { "kind": { "const": n } }, "required": ["kind"] });
    let kinds: serde_json::Map<String, Value> = (0..60).map(|n| (format!("k{n}"), kind(n))).collect();
    let choices: Vec<Value> = (0..60).map(|n| json!({ "$ref": format!("#/$defs/k{n}") })).collect();
    let schema = json!({ "items": { "anyOf": choices }, "$defs": kinds });
    assert_eq!(check(schema, text(format!("[{}]", vec![r#"{"kind":59}"#; 2_000].join(",")))), Ok(()));
    // What most tools have, in a large value.
    let item = json!({ "anyOf": [{ "type": "string" }, { "type": "number" }, { "type": "null" }, {}] });
    assert_eq!(check(json!({ "items": { "allOf": [item, true] } }), array("null")), Ok(()));
}

#[test]
fn deep_values_do_not_exhaust_the_stack() {
    let mut step = json!({ "properties": { "a": { "$ref": "#/$defs/n" } } });
    for _ in 0..25 {
        // Something is left to do after the inner schema, so that no compiler makes a jump of it.
        step = json!({ "allOf": [{ "not": { "not": step } }, { "minProperties": 0 }] });
    }
    let why = check(json!({ "$ref": "#/$defs/n", "$defs": { "n": step } }), nested(500)).unwrap_err();
    assert_eq!(why, TOO_DEEP);
    let plain = json!({ "properties": { "a": { "$ref": "#" } } });
    assert_eq!(check(plain, nested(100)), Ok(()));
}

#[test]
fn long_numbers_and_escaped_texts_cost_what_reading_them_takes() {
    let number = || text(format!("[0.{}]", "1".repeat(1 << 20)));
    let options: Vec<Value> = (0..200).map(|n| json!(f64::from(n) + 0.5)).collect();
    let constants: Vec<Value> = options.iter().map(|option| json!({ "const": option })).collect();
    for item in [json!({ "enum": options }), json!({ "anyOf": constants })] {
        assert_eq!(check(json!({ "items": item }), number()).unwrap_err(), TOO_MANY_STEPS);
    }
    let bounds: Vec<Value> = (0..200).map(|n| json!({ "minimum": -n })).collect();
    assert_eq!(check(json!({ "items": { "allOf": bounds } }), number()).unwrap_err(), TOO_MANY_STEPS);
    assert_eq!(check(json!({ "items": { "type": "number", "minimum": 0, "maximum": 1 } }), number()), Ok(()));
    let unique = text(format!("[1,0.{}]", "1".repeat(1 << 20)));
    assert_eq!(check(json!({ "uniqueItems": true }), unique), Ok(()));

    let escaped = "\\u0061".repeat(200_000);
    let others: Vec<Value> = (0..200).map(|n| json!({ "not": { "const": n.to_string() } })).collect();
    let why = check(json!({ "items": { "allOf": others } }), text(format!("[\"{escaped}\"]"))).unwrap_err();
    assert_eq!(why, TOO_MANY_STEPS);
    for name in [escaped.clone(), "a".repeat(1 << 20)] {
        let properties: serde_json::Map<String, Value> =
            (0..2_000).map(|n| (format!("p{n}"), json!({ "type": "string" }))).collect();
        let required: Vec<Value> =
            properties.keys().map(|name| json!({ "not": { "required": [name] } })).collect();
        let value = text(format!("{{\"{name}\":1}}"));
        assert_eq!(check(json!({ "allOf": required }), value.clone()).unwrap_err(), TOO_MANY_STEPS);
        let _ = check(json!({ "properties": properties }), value);
    }
}

#[test]
fn unique_items_and_big_enums_take_no_quadratic_time() {
    let unique = json!({ "uniqueItems": true });
    let numbers: Vec<String> = (0..400_000).map(|n| n.to_string()).collect();
    assert_eq!(check(unique.clone(), text(format!("[{}]", numbers.join(",")))), Ok(()));
    // Numbers that are one double, and objects whose members are the same in another order.
    let alike: Vec<String> = (0..100_000_u64).map(|n| (18_000_000_000_000_000_000 + n).to_string()).collect();
    assert_eq!(check(unique.clone(), text(format!("[{}]", alike.join(",")))), Ok(()));
    assert!(check(unique.clone(), text(r#"[{"a":1,"b":[2.0]},{"b":[2],"a":1.0}]"#.into())).is_err());
    for (a, b) in [("1", "1.0"), ("0", "-0.0"), ("1e2", "100"), ("\"a\"", r#""\u0061""#)] {
        assert!(check(unique.clone(), text(format!("[{a},{b}]"))).is_err(), "{a} {b}");
    }
    assert_eq!(check(unique, text(r#"[1,"1",true,[1],{"a":1},null,false,0,1.5]"#.into())), Ok(()));
    let options: Vec<Value> = (0..20_000).map(|n| json!([n, "x"])).collect();
    let why = check(json!({ "items": { "enum": options } }), array("[19999,\"x\"]")).unwrap_err();
    assert_eq!(why, TOO_MANY_STEPS);
    let _ = check(json!({ "contains": { "const": 2 }, "minContains": 1 }), array("1"));
}

#[test]
fn big_values_that_conform_are_accepted() {
    let item = json!({
        "type": "object",
        "properties": { "id": { "type": "integer", "minimum": 0 }, "name": { "type": "string", "maxLength": 9 } },
        "required": ["id"], "additionalProperties": false,
    });
    assert_eq!(check(json!({ "items": item }), array(r#"{"id":1,"name":"x"}"#)), Ok(()));
    let number = json!({ "items": { "type": "number", "minimum": 0, "maximum": 9 } });
    assert_eq!(check(number, array("1")), Ok(()));
    let long = text(format!("\"{}\"", "x".repeat(4 << 20)));
    assert_eq!(check(json!({ "type": "string", "pattern": "^x*$", "minLength": 3 }), long), Ok(()));
}

#[test]
fn schemas_too_large_or_too_deep_are_refused() {
    let why = refusal(json!({ "description": "x".repeat(1 << 20) }));
    assert!(why.contains("more than 1048576 bytes"), "{why}");
    let mut schema = json!({});
    for _ in 0..70 {
        schema = json!({ "properties": { "a": schema } });
    }
    assert!(refusal(schema).contains("deeper than 128 levels"));
    // As deep as may be, compiled on a thread's stack.
    let mut schema = json!({});
    for _ in 0..63 {
        schema = json!({ "properties": { "a": schema } });
    }
    let compiled =
        std::thread::Builder::new().stack_size(2 << 20).spawn(|| compile(schema).check(&nested(63)));
    assert_eq!(compiled.unwrap().join().unwrap(), Ok(()));
}
