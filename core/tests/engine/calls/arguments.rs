//! Arguments as handlers receive them, and arguments that are refused.

use crate::support::*;
use serde_json::{Value, json};
use tenon_mcp::{HandlerId, JsonSlice, Outcome, ServerBuilder, Target, Tool, UnknownArguments};

fn with(tool: Tool, configure: impl FnOnce(ServerBuilder) -> ServerBuilder) -> Bench {
    let bench = Bench::with_builder(|_| {}, configure);
    bench.server.add(tool, Target::Lane { lane: LANE, handler: HandlerId(7) }).unwrap();
    bench
}

fn tool() -> Tool {
    Tool::new("t").input_schema(JsonSlice::from_value(&json!({
        "type": "object",
        "properties": {
            "count": { "type": "integer" },
            "to": { "type": "string", "format": "email" },
            "unit": { "type": "string", "default": "cm" },
        },
    })))
}

/// The arguments that the handler receives.
#[track_caller]
fn passed(bench: &Bench, arguments: Value) -> Value {
    bench.send(modern(call(json!(1), "t", arguments)));
    let call = bench.drain_call();
    bench.text(call.id, "done");
    bench.sink.take();
    call.input.to_value().unwrap()
}

/// The text of the refusal that the client receives.
#[track_caller]
fn refused(bench: &Bench, arguments: Value) -> String {
    bench.send(modern(call(json!(1), "t", arguments)));
    let answer = bench.sink.one();
    assert_eq!(answer["result"]["isError"], true, "TL-13: {answer}");
    result_text(&answer).to_owned()
}

#[test]
fn a_handler_gets_them_coerced_and_completed() {
    let bench = with(tool(), |builder| builder);
    assert_eq!(passed(&bench, json!({ "count": "3" })), json!({ "count": 3, "unit": "cm" }));
    assert_eq!(passed(&bench, json!({ "unit": "m" })), json!({ "unit": "m" }));
    let why = refused(&bench, json!({ "count": "three" }));
    assert!(why.starts_with("Invalid arguments for tool \"t\": /count: "), "{why}");
}

#[test]
fn in_older_revisions_bad_ones_are_a_protocol_error() {
    let bench = with(tool(), |builder| builder);
    bench.initialize("2025-06-18");
    bench.send(call(json!(1), "t", json!({ "to": "nobody" })));
    let answer = bench.sink.one();
    assert_eq!(answer["error"]["code"], -32602, "TL-13");
    let message = answer["error"]["message"].as_str().unwrap();
    assert!(message.ends_with("/to: value is not a valid email"), "{message}");
}

#[test]
fn a_server_may_be_stricter_or_laxer() {
    let strict = with(tool(), |builder| builder.coerce_arguments(false));
    assert!(refused(&strict, json!({ "count": "3" })).contains("/count"));
    let except = with(tool().coerce_arguments(true), |builder| builder.coerce_arguments(false));
    assert_eq!(passed(&except, json!({ "count": "3" }))["count"], 3);
    let lax = with(tool(), |builder| builder.assert_formats(false));
    assert_eq!(passed(&lax, json!({ "to": "nobody" }))["to"], "nobody");
}

#[test]
fn unknown_ones_are_as_the_tool_says() {
    let sent = json!({ "unit": "m", "colour": "red" });
    assert_eq!(passed(&with(tool(), |builder| builder), sent.clone()), sent);
    let drop = with(tool().unknown_arguments(UnknownArguments::Drop), |builder| builder);
    assert_eq!(passed(&drop, sent.clone()), json!({ "unit": "m" }));
    let refuse = with(tool().unknown_arguments(UnknownArguments::Refuse), |builder| builder);
    let why = refused(&refuse, sent);
    assert!(why.ends_with(r#"unknown argument "colour"; the arguments are "count", "to", "unit""#), "{why}");
}

#[test]
fn formats_are_asserted_in_results_too() {
    let output = json!({ "type": "object", "properties": { "at": { "type": "string", "format": "date" } } });
    let tool = || tool().output_schema(JsonSlice::from_value(&output));
    let result = |bench: &Bench| {
        bench.send(modern(call(json!(1), "t", json!({}))));
        let value = JsonSlice::from_value(&json!({ "at": "yesterday" }));
        bench.port.complete(bench.drain_call().id, Outcome::Json(value)).unwrap();
        bench.sink.one()
    };
    let answer = result(&with(tool(), |builder| builder));
    assert!(answer.to_string().contains("not a valid date"), "TL-21: {answer}");
    let answer = result(&with(tool(), |builder| builder.assert_formats(false)));
    assert_eq!(answer["result"]["structuredContent"]["at"], "yesterday");
}
