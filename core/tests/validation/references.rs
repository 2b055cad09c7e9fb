//! References, anchors and dialects: how they are resolved, and when they are refused.

use crate::values::nested;
use crate::{TOO_MANY_STEPS, check, refusal, text, thread_time};
use serde_json::{Value, json};
use std::time::Duration;

/// Schemas with `levels` definitions, each of which refers to the next one `width` times.
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
            let start = thread_time();
            let why = refusal(tower(20, 10, keyword, last));
            assert!(
                why.starts_with("at /properties/x: ") && why.contains("more than 10000 schemas apply"),
                "{why}"
            );
            let time = thread_time() - start;
            assert!(time < Duration::from_secs(10), "{time:?}");
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

/// Twenty definitions, each of which applies the next one ten times. `level` makes a definition from its number and the
/// schema that it applies. `refer` makes a reference to a definition.
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
    let letters = ('a'..='z').cycle();
    let patterns: serde_json::Map<String, Value> = letters
        .zip(0..2_000)
        .map(|(letter, n)| (format!("{letter}{{1,{}}}", n / 26 + 1), json!(true)))
        .collect();
    assert_eq!(patterns.len(), 2_000);
    let schema = json!({ "patternProperties": patterns, "additionalProperties": false });
    let names: Vec<String> = (0..5_000).map(|name| format!("\"a{name}\":1")).collect();
    assert_eq!(check(schema, text(format!("{{{}}}", names.join(",")))).unwrap_err(), TOO_MANY_STEPS);
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
