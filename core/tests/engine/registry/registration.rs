//! Wrong definitions are refused at registration.

use crate::support::*;
use serde_json::{Value, json};
use std::time::Duration;
use tenon_mcp::{ErrorKind, HandlerId, JsonSlice, Server, Target, Tool};

const TARGET: Target = Target::Lane { lane: LANE, handler: HandlerId(1) };

#[track_caller]
fn refused(tool: Tool, kind: ErrorKind, words: &[&str]) {
    let bench = Bench::new();
    let error = bench.server.add(tool, TARGET).unwrap_err();
    assert_eq!(error.kind(), kind, "{error}");
    for word in words {
        assert!(error.message().contains(word), "{word:?} is not in {error}");
    }
    bench.send(modern(json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {} })));
    assert_eq!(bench.sink.one()["result"]["tools"].as_array().unwrap().len(), 3, "nothing was added");
}

fn schema(value: Value) -> JsonSlice {
    JsonSlice::from_value(&value)
}

#[test]
fn a_taken_name_is_refused() {
    refused(tool("slow"), ErrorKind::Duplicate, &["slow", "registered already"]);
}

#[test]
fn a_name_must_be_a_name() {
    for name in ["", "a b", "ä", "a/b", "line\nbreak", &"x".repeat(129)] {
        refused(tool(name), ErrorKind::Invalid, &["tool ", "name", "1 to 128"]);
    }
    let bench = Bench::new();
    for name in ["a", "A.b_c-9", &"x".repeat(128)] {
        bench.server.add(tool(name), TARGET).unwrap();
    }
}

#[test]
fn a_schema_must_be_a_schema_for_an_object() {
    let wrong = |value: Value, words: &[&str]| {
        refused(Tool::new("t").input_schema(schema(value)), ErrorKind::Invalid, words);
    };
    wrong(json!({ "type": "objekt" }), &["\"t\"", "input schema", "/type"]);
    wrong(json!({ "type": "string" }), &["\"t\"", "input schema", "object"]);
    wrong(json!({}), &["\"t\"", "object"]);
    wrong(json!([1]), &["\"t\"", "object"]);
    wrong(
        json!({ "type": "object", "properties": { "a": { "$ref": "https://example.com/x" } } }),
        &["\"t\""],
    );
    wrong(json!({ "type": "object", "properties": { "a": { "pattern": "(" } } }), &["\"t\"", "pattern"]);
    refused(
        tool("t").output_schema(schema(json!({ "type": 1 }))),
        ErrorKind::Invalid,
        &["\"t\"", "output schema"],
    );
}

#[test]
fn a_timeout_must_be_more_than_zero() {
    refused(tool("t").timeout(Duration::ZERO), ErrorKind::Invalid, &["\"t\"", "timeout"]);
}

#[test]
fn a_server_must_have_a_name() {
    let error = Server::builder("", "1").build().err().unwrap();
    assert_eq!(error.kind(), ErrorKind::Invalid);
}

#[test]
fn a_schema_that_expands_too_far_is_refused() {
    // Each refers ten times to the next.
    let refers =
        |level: usize| json!({ "allOf": vec![json!({ "$ref": format!("#/$defs/d{}", level + 1) }); 10] });
    let mut defs: serde_json::Map<String, Value> =
        (0..20).map(|level| (format!("d{level}"), refers(level))).collect();
    defs.insert("d20".to_owned(), json!({ "type": "integer" }));
    let expanding =
        json!({ "type": "object", "properties": { "x": { "$ref": "#/$defs/d0" } }, "$defs": defs });
    let words = ["tool \"odd\"", "more than 10000 schemas apply to one value"];
    refused(Tool::new("odd").input_schema(schema(expanding.clone())), ErrorKind::Invalid, &words);
    refused(tool("odd").output_schema(schema(expanding)), ErrorKind::Invalid, &words);
}
