//! Validation cannot be turned against the server: its work is bounded whatever schema and value come together.

use serde_json::{Value, json};
use std::time::{Duration, Instant};
use tenon_mcp::__private::Schema;
use tenon_mcp::JsonSlice;
use tenon_mcp::json::Limits;

const TOO_MANY_STEPS: &str = "it takes too many steps to be checked against its schema";
const TOO_DEEP: &str = "it is nested too deeply to be checked against its schema";

fn compile(schema: Value) -> Schema {
    Schema::compile(JsonSlice::from_value(&schema)).unwrap_or_else(|error| panic!("{schema}: {error}"))
}

#[track_caller]
fn refusal(schema: Value) -> String {
    Schema::compile(JsonSlice::from_value(&schema)).expect_err("it must be refused").to_string()
}

fn text(text: String) -> JsonSlice {
    let limits = Limits { max_depth: 512, max_bytes: 64 << 20 };
    JsonSlice::parse(text.into(), &limits).unwrap()
}

/// Checks as an engine thread does: with a stack of 2 MiB. The work is bounded by steps; the time allowed is far more
/// than they take without optimisation on a busy machine.
#[track_caller]
fn check(schema: Value, value: JsonSlice) -> Result<(), String> {
    let schema = compile(schema);
    let start = Instant::now();
    let thread = std::thread::Builder::new().stack_size(2 << 20).spawn(move || schema.check(&value));
    let result = thread.unwrap().join().expect("it neither panics nor runs out of stack");
    println!("{:?}: {result:?}", start.elapsed());
    assert!(start.elapsed() < Duration::from_secs(60), "{:?}", start.elapsed());
    result
}

/// An array of about 4 MiB.
fn array(item: &str) -> JsonSlice {
    let count = (4 << 20) / (item.len() + 1);
    text(format!("[{}]", vec![item; count].join(",")))
}

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

/// `{"a":{"a":…}}`.
fn nested(levels: usize) -> JsonSlice {
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

/// Schemas that refer to the next `width` times, `levels` of them.
fn tower(levels: usize, width: usize, keyword: &str, last: Value) -> Value {
    let mut defs = serde_json::Map::new();
    for level in 0..levels {
        let next = json!({ "$ref": format!("#/$defs/d{}", level + 1) });
        defs.insert(format!("d{level}"), json!({ keyword: vec![next; width] }));
    }
    defs.insert(format!("d{levels}"), last);
    json!({ "type": "object", "properties": { "x": { "$ref": "#/$defs/d0" } }, "$defs": defs })
}

#[test]
fn references_that_multiply_are_refused_at_registration() {
    for keyword in ["allOf", "anyOf", "oneOf"] {
        for last in [json!({ "type": "integer" }), json!({ "type": "null" }), json!(true), json!({})] {
            let start = Instant::now();
            let why = refusal(tower(20, 10, keyword, last));
            assert!(
                why.starts_with("at /properties/x: ") && why.contains("more than 10000 schemas apply"),
                "{why}"
            );
            assert!(start.elapsed() < Duration::from_secs(10), "{:?}", start.elapsed());
        }
    }
    // In other words.
    let twice = |name: &str| json!({ "allOf": [{ "$ref": name }, { "not": { "$ref": name } }] });
    let mut schema =
        json!({ "$id": "https://example.org/all", "$defs": { "d0": { "$anchor": "a0", "type": "string" } } });
    for level in 1..20 {
        let mut next = twice(&format!("#a{}", level - 1));
        next["$anchor"] = json!(format!("a{level}"));
        schema["$defs"][format!("d{level}")] = next;
    }
    assert!(refusal(schema).contains("more than 10000 schemas apply"));
    // Circles that close in many ways.
    let names: Vec<String> = (0..14).map(|n| format!("#/$defs/n{n}")).collect();
    let all: Vec<Value> = names.iter().map(|name| json!({ "$ref": name })).collect();
    let defs: serde_json::Map<String, Value> =
        (0..14).map(|n| (format!("n{n}"), json!({ "anyOf": all }))).collect();
    assert!(refusal(json!({ "$ref": "#/$defs/n0", "$defs": defs })).contains("schemas apply to one value"));
    // A long chain.
    let chain = tower(1_000, 1, "allOf", json!(true));
    assert!(refusal(chain).contains("one within the other"));
}

#[test]
fn schemas_that_refer_as_people_do_are_taken() {
    // A tree, whose parts refer back to it.
    let tree = json!({ "$ref": "#/$defs/node", "$defs": { "node": {
        "type": "object",
        "properties": { "left": { "$ref": "#/$defs/node" }, "right": { "$ref": "#/$defs/node" } },
        "anyOf": [{ "required": ["left"] }, { "$ref": "#/$defs/leaf" }],
    }, "leaf": { "required": ["value"] } } });
    assert_eq!(check(tree, text(r#"{"left":{"value":1},"right":{"value":2}}"#.into())), Ok(()));
    // Thousands of choices that are written out, and some that are referred to from many places.
    let choices: Vec<Value> = (0..20_000).map(|n| json!({ "const": n })).collect();
    assert_eq!(check(json!({ "anyOf": choices }), text("19999".into())), Ok(()));
    let colour: Vec<Value> = (0..1_000).map(|n| json!({ "const": n })).collect();
    let properties: serde_json::Map<String, Value> =
        (0..1_000).map(|n| (format!("p{n}"), json!({ "$ref": "#/$defs/colour" }))).collect();
    let schema = json!({ "properties": properties, "$defs": { "colour": { "anyOf": colour } } });
    assert_eq!(check(schema, text(r#"{"p1":7,"p2":999}"#.into())), Ok(()));
    // At the bound: what the meter then counts ends, whatever the leaves are.
    for (last, value) in [(json!({ "type": "boolean" }), "true"), (json!({ "const": null }), "null")] {
        let mut schema = tower(3, 15, "allOf", last);
        schema["properties"]["x"] = json!({ "items": schema["properties"]["x"] });
        let value = format!("{{\"x\":[{}]}}", vec![value; 1_000].join(","));
        let _ = check(schema, text(value));
    }
    // Bad references are the validator's to refuse.
    assert!(refusal(json!({ "$ref": "#/$defs/none" })).contains("none"));
}

/// Twenty definitions, each of which applies the next one ten times. `level` makes one of them of its number and of what
/// it applies; `refer` makes the reference to one.
fn named_tower(
    mut schema: Value,
    refer: impl Fn(usize) -> Value,
    level: impl Fn(usize, Value) -> (String, Value),
) -> Value {
    for number in 0..20 {
        let (name, made) = level(number, json!({ "allOf": vec![refer(number + 1); 10] }));
        schema["$defs"][name] = made;
    }
    let (name, mut last) = level(20, json!({}));
    last["type"] = json!("integer");
    schema["$defs"][name] = last;
    schema["$ref"] = refer(0)["$ref"].clone();
    schema
}

fn with(mut schema: Value, keyword: &str, value: Value) -> Value {
    schema[keyword] = value;
    schema
}

#[track_caller]
fn assert_multiplies(schema: Value) {
    let why = refusal(schema);
    assert!(why.contains("more than 10000 schemas apply to one value"), "{why}");
}

#[test]
fn references_below_names_that_are_keywords_elsewhere_are_followed() {
    for name in ["default", "const", "enum", "examples", "properties", "$ref"] {
        let hidden = |number: usize| json!({ "$ref": format!("#/properties/{name}/$defs/d{number}") });
        let inner = named_tower(json!({}), hidden, |number, applied| (format!("d{number}"), applied));
        assert_multiplies(json!({ "properties": { name: inner } }));
        let level =
            |number: usize, applied: Value| (format!("d{number}"), json!({ "$defs": { name: applied } }));
        let refer = |number: usize| json!({ "$ref": format!("#/$defs/d{number}/$defs/{name}") });
        let mut schema = named_tower(json!({}), refer, level);
        schema["$defs"]["d20"] = json!({ "$defs": { name: { "type": "integer" } } });
        assert_multiplies(schema);
    }
    // Whatever is at the place that a reference names is a schema.
    let refer = |number: usize| json!({ "$ref": format!("#/default/d{number}") });
    let mut schema = named_tower(json!({}), refer, |number, applied| (format!("d{number}"), applied));
    schema["default"] = schema["$defs"].take();
    schema.as_object_mut().unwrap().remove("$defs");
    assert_multiplies(schema);
}

#[test]
fn relative_references_are_followed_as_uris() {
    let id = |id: fn(usize) -> String| {
        move |number: usize, applied: Value| (format!("d{number}"), with(applied, "$id", json!(id(number))))
    };
    let plain = |number| format!("http://e/a/d{number}");
    let root = || json!({ "$id": "http://e/a/root" });
    for refer in [
        |number| json!({ "$ref": format!("d{number}") }),
        |number| json!({ "$ref": format!("./d{number}") }),
        |number| json!({ "$ref": format!("../a/d{number}") }),
        |number| json!({ "$ref": format!("/a/d{number}#") }),
        |number| json!({ "$ref": format!("//e/a/d{number}") }),
        |number| json!({ "$ref": format!("HTTP://E/a/d{number}") }),
        |number| json!({ "$ref": format!("http://e/a/%64{number}") }),
    ] {
        assert_multiplies(named_tower(root(), refer, id(plain)));
    }
    let refer = |number| json!({ "$ref": format!("d{number}") });
    assert_multiplies(named_tower(root(), refer, id(|number| format!("./x/../d{number}"))));
    let draft7 = json!({ "$id": "http://e/a/root", "$schema": "http://json-schema.org/draft-07/schema#" });
    let mut schema = named_tower(draft7, refer, id(|number| format!("http://e/a/d{number}#")));
    schema["allOf"] = json!([{ "$ref": "d0" }]);
    schema.as_object_mut().unwrap().remove("$ref");
    schema["definitions"] = schema["$defs"].take();
    schema.as_object_mut().unwrap().remove("$defs");
    assert_multiplies(schema);
}

#[test]
fn anchors_belong_to_their_resources() {
    let decoys: serde_json::Map<String, Value> = (0..=20)
        .map(|n| (format!("d{n}"), json!({ "$anchor": format!("n{n}"), "type": "integer" })))
        .collect();
    let root = json!({ "$id": "http://e/root",
        "$defs": { "decoys": { "$id": "http://e/decoys", "$defs": decoys } } });
    let refer = |number| json!({ "$ref": format!("#n{number}") });
    assert_multiplies(named_tower(root.clone(), refer, |number, applied| {
        (format!("d{number}"), with(applied, "$anchor", json!(format!("n{number}"))))
    }));
    for keyword in ["$ref", "$dynamicRef"] {
        let decoys: serde_json::Map<String, Value> = (0..=20)
            .map(|n| (format!("d{n}"), json!({ "$dynamicAnchor": format!("n{n}"), "type": "integer" })))
            .collect();
        let mut root = root.clone();
        root["$defs"]["decoys"]["$defs"] = json!(decoys);
        let refer = |number| json!({ "$ref": format!("#n{number}"), keyword: format!("#n{number}") });
        assert_multiplies(named_tower(root, refer, |number, applied| {
            (format!("d{number}"), with(applied, "$dynamicAnchor", json!(format!("n{number}"))))
        }));
    }
}

#[test]
fn only_the_identifier_of_the_dialect_names_a_resource() {
    let refer = |number| json!({ "$ref": format!("#/$defs/d{number}") });
    let level = |keyword: &'static str| {
        move |number: usize, applied: Value| {
            (format!("d{number}"), with(applied, keyword, json!(format!("http://e/d{number}"))))
        }
    };
    assert_multiplies(named_tower(json!({}), refer, level("id")));
    let mut old = named_tower(json!({}), refer, level("$id"));
    old["$schema"] = json!("http://json-schema.org/draft-04/schema#");
    assert_multiplies(old);
}

#[test]
fn schemas_with_names_as_people_give_them_are_taken() {
    // Resources beside one another, each with definitions of its own that have the same names.
    let resource = |name: &str, other: &str| {
        json!({ "$id": format!("https://example.org/schemas/{name}"), "type": "object",
            "properties": { "own": { "$ref": "#/$defs/part" }, "other": { "$ref": other } },
            "$defs": { "part": { "$anchor": "part", "type": "string" } } })
    };
    let bundle = json!({ "$id": "https://example.org/schemas/root", "$ref": "person",
        "$defs": { "a": resource("person", "address#part"), "b": resource("address", "./person") } });
    let value = r#"{"own":"x","other":"y"}"#;
    assert_eq!(check(bundle.clone(), text(value.into())), Ok(()));
    assert!(check(bundle, text(r#"{"own":"x","other":1}"#.into())).is_err());
    // Properties with the names of keywords, in a description of schemas.
    let schema = json!({ "type": "object", "properties": {
        "id": { "type": "string" }, "$ref": { "type": "string" }, "default": { "$ref": "#/$defs/any" },
        "enum": { "type": "array", "items": { "$ref": "#/$defs/any" } },
        "$id": { "type": "string" }, "allOf": { "type": "array", "items": { "$ref": "#" } },
    }, "$defs": { "any": { "type": ["string", "null"] } } });
    assert_eq!(check(schema, text(r##"{"id":"a","$ref":"#x","allOf":[{"default":null}]}"##.into())), Ok(()));
    // Definitions elsewhere, as OpenAPI has them, and an extensible tree.
    let pets = json!({ "$ref": "#/components/schemas/Pets", "components": { "schemas": {
        "Pets": { "type": "array", "items": { "$ref": "#/components/schemas/Pet" } },
        "Pet": { "allOf": [{ "$ref": "#/components/schemas/Named" }, { "required": ["kind"] }] },
        "Named": { "type": "object", "properties": { "name": { "type": "string" } } } } } });
    assert_eq!(check(pets, text(r#"[{"name":"x","kind":"y"}]"#.into())), Ok(()));
    let tree = json!({ "$id": "https://example.org/strict", "$dynamicAnchor": "node", "$ref": "tree",
        "unevaluatedProperties": false, "$defs": { "tree": { "$id": "tree", "$dynamicAnchor": "node",
            "type": "object", "properties": { "data": true,
                "children": { "type": "array", "items": { "$dynamicRef": "#node" } } } } } });
    assert_eq!(check(tree.clone(), text(r#"{"children":[{"data":1}]}"#.into())), Ok(()));
    assert!(check(tree, text(r#"{"children":[{"daat":1}]}"#.into())).is_err());
    let old = json!({ "$schema": "https://json-schema.org/draft/2019-09/schema", "$recursiveAnchor": true,
        "properties": { "next": { "$recursiveRef": "#" } }, "type": "object" });
    assert!(check(old, text(r#"{"next":{"next":1}}"#.into())).is_err());
    // The schema of schemas.
    let meta = json!({ "$ref": "https://json-schema.org/draft/2020-12/schema" });
    assert_eq!(check(meta.clone(), text(r#"{"properties":{"a":{"type":"string"}}}"#.into())), Ok(()));
    assert!(check(meta, text(r#"{"properties":{"a":{"type":"text"}}}"#.into())).is_err());
}

#[test]
fn schemas_that_look_at_nothing_are_paid_for() {
    let ones = |count: usize| text(format!("[{}]", vec!["1"; count].join(",")));
    for keyword in ["allOf", "oneOf"] {
        let mut idle = vec![json!(keyword == "allOf"); 50_000];
        idle.push(json!(true));
        assert_eq!(check(json!({ keyword: idle.clone() }), ones(1)), Ok(()));
        assert_eq!(check(json!({ "items": { keyword: idle } }), ones(10_000)).unwrap_err(), TOO_MANY_STEPS);
    }
    let mut referring = tower(3, 15, "allOf", json!(true));
    referring["properties"]["x"] = json!({ "items": { "$ref": "#/$defs/d0" } });
    let value = format!("{{\"x\":{}}}", ones(10_000).as_str());
    assert_eq!(check(referring, text(value)).unwrap_err(), TOO_MANY_STEPS);
    // One walk through the members, with many patterns at each.
    let patterns: serde_json::Map<String, Value> =
        (0..2_000).map(|n| (format!("a{{1,{}}}", n + 1), json!(true))).collect();
    let schema = json!({ "patternProperties": patterns, "additionalProperties": false });
    let names: Vec<String> = (0..5_000).map(|name| format!("\"a{name}\":1")).collect();
    assert_eq!(check(schema, text(format!("{{{}}}", names.join(",")))).unwrap_err(), TOO_MANY_STEPS);
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
fn a_default_of_many_values_is_judged_where_a_pattern_may_go_back() {
    let schema = |last: Value| {
        let mut numbers: Vec<Value> = (0..5_000).map(Value::from).collect();
        numbers.push(last);
        json!({ "type": "object", "properties": { "slug": { "type": "string", "pattern": SLUG },
            "table": { "type": "array", "items": { "type": "integer" }, "default": numbers } } })
    };
    let arguments = |schema: &Value| {
        tenon_mcp::__private::Arguments::new(JsonSlice::from_value(schema), Default::default()).map(drop)
    };
    assert!(arguments(&schema(json!(1))).is_ok(), "{:?}", arguments(&schema(json!(1))).err());
    let why = arguments(&schema(json!("x"))).unwrap_err().to_string();
    assert!(why.contains("/properties/table/default") && why.contains("/table/5000"), "{why}");
}

#[test]
fn names_are_counted_where_patterns_of_names_may_go_back() {
    let names = |count| {
        let names: Vec<String> = (0..count).map(|name| format!("\"n{name}\":1")).collect();
        text(format!("{{{}}}", names.join(",")))
    };
    for more in [json!({}), json!({ "additionalProperties": false })] {
        let mut schema = json!({ "patternProperties": { "^(?!secret)": { "type": "integer" } } });
        schema.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        assert_eq!(check(schema.clone(), names(5_000)), Ok(()));
        assert_eq!(check(schema, names(20_000)).unwrap_err(), TOO_MANY_STEPS);
    }
    let evil = json!({ "patternProperties": { "^(a|a)*(?!b)$": false } });
    let evil_names: Vec<String> = (0..20_000).map(|name| format!("\"aaaaaaaaaaaaaaaa{name}\":1")).collect();
    let why = check(evil, text(format!("{{{}}}", evil_names.join(",")))).unwrap_err();
    assert_eq!(why, TOO_MANY_STEPS);
    // Other schemas may have as many members as they like.
    let schema = json!({ "additionalProperties": { "pattern": "^(?!secret)" } });
    assert_eq!(check(schema, names(20_000)), Ok(()));
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
fn patterns_do_not_go_back_and_forth_without_bound() {
    let evil = format!("\"{}!\"", "a".repeat(50_000));
    for pattern in ["^(a+)+$", "^(a|a)*$", "^(a|aa)+$"] {
        let why = check(json!({ "pattern": pattern }), text(evil.clone())).unwrap_err();
        assert!(why.contains("does not match"), "{why}");
    }
    // These need an engine that can go back.
    for pattern in ["^(?=(a+)+$)", r"^(a+)+\1$", r"^(?:(a+)+)(?!b)$"] {
        let why = check(json!({ "pattern": pattern }), text(evil.clone())).unwrap_err();
        assert!(why.contains("does not match") || why.contains("its pattern takes too many steps"), "{why}");
        let many = array(&format!("\"{}!\"", "a".repeat(30)));
        let why = check(json!({ "items": { "pattern": pattern } }), many).unwrap_err();
        assert!(!why.is_empty());
    }
    // What people write such patterns for goes through.
    let email =
        r"^(?!\.)(?!.*\.\.)([A-Za-z0-9_'+\-\.]*)[A-Za-z0-9_+-]@([A-Za-z0-9][A-Za-z0-9\-]*\.)+[A-Za-z]{2,}$";
    let schema = json!({ "items": { "pattern": email } });
    assert_eq!(check(schema.clone(), text(r#"["ada.lovelace@example.org","a@b.example"]"#.into())), Ok(()));
    assert!(check(schema, text(r#"["ada..lovelace@example.org"]"#.into())).is_err());
}

/// A slug, as people write it, and a text on which it goes back too often.
const SLUG: &str = "^(?!-)[a-z0-9-]+(?<!-)$";

#[test]
fn a_pattern_that_reaches_its_step_limit_is_named_wherever_it_stands() {
    let long = format!("{}!", "a".repeat(2_000));
    let slug = json!({ "pattern": SLUG });
    let limit = "takes too many steps to be matched";
    let rows = [
        (slug.clone(), json!(long), "(root)"),
        (json!({ "properties": { "slug": slug } }), json!({ "slug": long, "other": [1] }), "/slug"),
        (json!({ "properties": { "a/b~": { "items": slug } } }), json!({ "a/b~": ["x", long] }), "/a~1b~0/1"),
        (json!({ "$defs": { "s": slug }, "items": { "$ref": "#/$defs/s" } }), json!([[], long]), "/1"),
        (
            json!({ "properties": { "s": { "not": slug } } }),
            json!({ "s": long }),
            "/properties/s/not/pattern",
        ),
        (json!({ "properties": { "s": { "anyOf": [slug, slug] } } }), json!({ "s": long }), "/s"),
        (json!({ "propertyNames": slug }), json!({ (long.clone()): 1 }), "(root)"),
        (json!({ "items": { "patternProperties": { SLUG: false } } }), json!([{ (long.clone()): 1 }]), "/0"),
    ];
    for (schema, value, place) in rows {
        let why = check(schema.clone(), text(value.to_string())).unwrap_err();
        assert!(why.contains(place) && why.contains("pattern") && why.contains(limit), "{schema}: {why}");
    }
    // Other faults are still told.
    let both = json!({ "properties": { "n": { "type": "integer" }, "s": slug } });
    let why = check(both, text(json!({ "n": "x", "s": long }).to_string())).unwrap_err();
    assert!(why.contains("/n: "), "{why}");
    // In a value of many parts nobody looks for the place.
    let many = format!("[\"{long}\",{}]", vec!["0"; 10_000].join(","));
    let why = check(json!({ "items": slug }), text(many)).unwrap_err();
    assert!(why.contains(limit), "{why}");
    // So it is with defaults, which are looked at when the schema is registered.
    let schema = json!({ "type": "object", "properties": { "s": { "pattern": SLUG, "default": long } } });
    let tool = tenon_mcp::__private::Arguments::new(JsonSlice::from_value(&schema), Default::default());
    let why = tool.map(drop).unwrap_err().to_string();
    assert!(why.contains("/properties/s/default") && why.contains(limit), "{why}");
}

#[test]
fn in_a_large_value_a_pattern_goes_back_less_often() {
    let schema = json!({ "properties": { "s": { "pattern": "(?=.*b)x" }, "slug": { "pattern": SLUG } } });
    // It goes back once for each character before the end.
    let goes_back = |times: usize| format!("{}xb", "a".repeat(times));
    let value = |times, filled: usize| json!({ "s": goes_back(times), "slug": "as-people-write-it", "filling": "f".repeat(filled) });
    for (times, filled, fits) in
        [(50, 10, true), (500, 10, true), (5_000, 10, false), (50, 1 << 20, true), (500, 1 << 20, false)]
    {
        let checked = check(schema.clone(), text(value(times, filled).to_string()));
        match checked {
            Ok(()) => assert!(fits, "{times} {filled}"),
            Err(why) => {
                assert!(!fits && why.contains("/s") && why.contains("too many steps to be matched"), "{why}")
            }
        }
    }
}

#[test]
fn thousands_of_short_texts_are_matched_where_a_pattern_may_go_back() {
    let schema = json!({ "items": { "type": "string", "pattern": "^(?!.*secret).*$" } });
    let texts = |count| text(format!("[{}]", vec!["\"hello world\""; count].join(",")));
    assert_eq!(check(schema.clone(), texts(5_000)), Ok(()));
    assert_eq!(check(schema.clone(), texts(50_000)).unwrap_err(), TOO_MANY_STEPS);
    assert!(check(schema, text(r#"["hello","the secret"]"#.into())).unwrap_err().contains("/1"));
    // Names are matched like texts.
    let names: Vec<String> = (0..5_000).map(|name| format!("\"n{name}\":1")).collect();
    let named = json!({ "propertyNames": { "pattern": "^(?!secret)" } });
    assert_eq!(check(named, text(format!("{{{}}}", names.join(",")))), Ok(()));
    // Where every text goes back as often as may be, and goes on.
    let evil = json!({ "items": { "not": { "pattern": "^(?=(a+)+$)" } } });
    assert_eq!(check(evil, array(&format!("\"{}!\"", "a".repeat(12)))).unwrap_err(), TOO_MANY_STEPS);
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
fn patterns_nobody_can_compile_are_refused_by_name() {
    for pattern in ["(", "(?<x", r"\p{Nothing}", "a{2,1}"] {
        let why = refusal(json!({ "properties": { "p": { "pattern": pattern } } }));
        assert!(why.contains("/properties/p"), "{why}");
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

#[test]
fn schemas_that_refer_to_themselves_compile_and_end() {
    let _ = check(json!({ "$ref": "#" }), nested(3));
    let _ = check(json!({ "anyOf": [{ "$ref": "#" }, { "$ref": "#" }] }), nested(3));
}

#[test]
fn a_schema_is_judged_by_the_dialect_it_names() {
    // The same keyword in three meanings: siblings of a reference, tuples, and 1.0 as an integer.
    let tuple = |dialect: &str| json!({ "$schema": dialect, "items": [{ "type": "string" }] });
    let wrong = || text("[1]".into());
    assert!(check(tuple("http://json-schema.org/draft-07/schema#"), wrong()).is_err());
    assert!(check(tuple("http://json-schema.org/draft-06/schema"), wrong()).is_err());
    assert!(check(tuple("https://json-schema.org/draft/2019-09/schema"), wrong()).is_err());
    assert!(
        refusal(tuple("https://json-schema.org/draft/2020-12/schema")).contains("/items"),
        "tuples are prefixItems there"
    );
    let integer = |dialect: &str| json!({ "$schema": dialect, "type": "integer" });
    assert!(check(integer("http://json-schema.org/draft-04/schema#"), text("1.0".into())).is_err());
    assert_eq!(check(integer("http://json-schema.org/draft-07/schema#"), text("1.0".into())), Ok(()));
    let object = json!({ "$schema": "http://json-schema.org/draft-04/schema#", "type": "object",
        "properties": { "a": { "type": "integer" } } });
    assert!(check(object, text(r#"{"a":1.0}"#.into())).is_err());
}

#[test]
fn an_unknown_dialect_is_refused_by_name() {
    for dialect in
        [json!("http://json-schema.org/draft-03/schema#"), json!("https://example.com/mine"), json!(7)]
    {
        let why = refusal(json!({ "$schema": dialect, "type": "object" }));
        assert!(
            why.contains("/$schema") && why.contains(&dialect.to_string()) && why.contains("draft-07"),
            "{why}"
        );
    }
}
