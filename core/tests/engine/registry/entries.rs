//! Prompts, completions, methods, notifications and hooks: the handler that a request reaches, and the response for its
//! outcome.

use crate::support::*;
use serde_json::{Value, json};
use std::time::Duration;
use tenon_mcp::{Entry, HandlerId, HostCall, JsonSlice, Kind, Outcome, Revision, Target};

pub(crate) const MS: Duration = Duration::from_millis(1);

pub(crate) const TARGET: Target = Target::Lane { lane: LANE, handler: HandlerId(1) };

pub(crate) fn slice(value: Value) -> JsonSlice {
    JsonSlice::from_value(&value)
}

pub(crate) fn add(bench: &Bench, entry: Entry) {
    bench.server.add(entry, TARGET).unwrap();
}

pub(crate) fn request(id: u64, method: &str, params: Value) -> Value {
    json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params })
}

/// Sends a modern request, and returns its immediate response.
#[track_caller]
pub(crate) fn ask(bench: &Bench, id: u64, method: &str, params: Value) -> Value {
    bench.send(modern(request(id, method, params)));
    bench.sink.one()
}

/// Sends a modern request, and returns the call that it becomes.
#[track_caller]
pub(crate) fn called(bench: &Bench, id: u64, method: &str, params: Value) -> HostCall {
    bench.send(modern(request(id, method, params)));
    bench.sink.nothing();
    bench.drain_call()
}

#[track_caller]
pub(crate) fn complete(bench: &Bench, call: &HostCall, outcome: Outcome) -> Value {
    bench.port.complete(call.id, outcome).unwrap();
    bench.sink.one()
}

/// If the failed handler is not a tool, the failure becomes a protocol error.
#[test]
fn a_handler_that_fails_or_returns_rubbish_is_an_error_by_name() {
    let bench = Bench::new();
    add(&bench, Entry::new(Kind::Prompt, "greet"));
    add(&bench, Entry::new(Kind::Resource, "data:a"));
    for (outcome, text) in [
        (Outcome::Failed("boom".into()), "boom"),
        (Outcome::Exception("boom".into()), "boom"),
        (Outcome::Content(slice(json!([{ "role": "user" }]))), "prompt \"greet\""),
        (Outcome::Suspend, "suspended its call without a question"),
    ] {
        let call = called(&bench, 1, "prompts/get", json!({ "name": "greet" }));
        let answer = complete(&bench, &call, outcome);
        assert_eq!(answer["error"]["code"], -32603, "{answer}");
        assert!(answer["error"]["message"].as_str().unwrap().contains(text), "{answer}");
    }
    let call = called(&bench, 2, "resources/read", json!({ "uri": "data:a" }));
    let answer = complete(&bench, &call, Outcome::Result(slice(json!({ "contents": [] }))));
    assert!(answer["error"]["message"].as_str().unwrap().contains("must not be empty"), "RS-6: {answer}");
    bench.assert_settled();
}

/// PR-3, PR-4.
#[test]
fn a_prompt_gets_texts_and_all_it_requires() {
    let bench = Bench::new();
    let arguments = json!([{ "name": "who", "required": true }, { "name": "how" }]);
    add(&bench, Entry::new(Kind::Prompt, "greet").set("arguments", slice(arguments)));
    for arguments in [json!({}), json!({ "who": 1 }), json!({ "who": "a", "x": "b" }), json!([])] {
        let answer = ask(&bench, 1, "prompts/get", json!({ "name": "greet", "arguments": arguments }));
        assert_eq!(answer["error"]["code"], -32602, "{answer}");
    }
    assert_eq!(ask(&bench, 2, "prompts/get", json!({ "name": "nobody" }))["error"]["code"], -32602);
    let call = called(&bench, 3, "prompts/get", json!({ "name": "greet", "arguments": { "who": "Ada" } }));
    assert_eq!(call.input.as_str(), r#"{"who":"Ada"}"#);
    let answer = complete(&bench, &call, Outcome::Text("Greet Ada.".into()));
    let wanted = json!([{ "role": "user", "content": { "type": "text", "text": "Greet Ada." } }]);
    assert_eq!(answer["result"]["messages"], wanted);
    assert!(answer["result"].get("ttlMs").is_none(), "PR-7: {answer}");
}

/// CP-2 to CP-5.
#[test]
fn what_can_be_completed_is_told_by_what_is_registered() {
    let bench = Bench::new();
    let arguments = json!([{ "name": "style" }, { "name": "name" }]);
    add(&bench, Entry::new(Kind::Prompt, "greet").set("arguments", slice(arguments)));
    add(&bench, Entry::new(Kind::ResourceTemplate, "data:{id}"));
    let complete_it = |reference: Value, argument: &str| {
        json!({ "ref": reference, "argument": { "name": argument, "value": "f" },
            "context": { "arguments": { "name": "Ada" } } })
    };
    let prompt = json!({ "type": "ref/prompt", "name": "greet" });
    let params = complete_it(prompt.clone(), "style");
    let answer = ask(&bench, 1, "completion/complete", params.clone());
    assert_eq!(answer["error"]["code"], -32601, "nothing completes yet: {answer}");

    add(&bench, Entry::completion(Kind::Prompt, "greet", "style"));
    let call = called(&bench, 2, "completion/complete", params);
    assert_eq!(call.input.to_value().unwrap(), json!({ "value": "f", "arguments": { "name": "Ada" } }));
    let many: Vec<_> = (0..150).map(|n| n.to_string()).collect();
    let answer = complete(&bench, &call, Outcome::Json(slice(json!(many))));
    let completion = &answer["result"]["completion"];
    assert_eq!(completion["values"].as_array().unwrap().len(), 100);
    assert_eq!((&completion["total"], &completion["hasMore"]), (&json!(150), &json!(true)));

    for known in [
        complete_it(prompt.clone(), "name"),
        complete_it(json!({ "type": "ref/resource", "uri": "data:{id}" }), "id"),
    ] {
        assert_eq!(
            ask(&bench, 3, "completion/complete", known)["result"]["completion"],
            json!({ "values": [] })
        );
    }
    for wrong in [
        complete_it(prompt, "nothing"),
        complete_it(json!({ "type": "ref/prompt", "name": "nobody" }), "style"),
        complete_it(json!({ "type": "ref/resource", "uri": "data:{x}" }), "x"),
        complete_it(json!({ "type": "ref/tool", "name": "slow" }), "x"),
        json!({ "ref": { "type": "ref/prompt", "name": "greet" } }),
    ] {
        let answer = ask(&bench, 4, "completion/complete", wrong.clone());
        assert_eq!(answer["error"]["code"], -32602, "{wrong}: {answer}");
    }
}

#[test]
fn a_program_answers_methods_of_its_own_and_in_place_of_the_engine() {
    let bench = Bench::new();
    let schema = json!({ "type": "object", "properties": { "n": { "type": "integer" } }, "required": ["n"] });
    add(&bench, Entry::new(Kind::Method, "demo/double").set("inputSchema", slice(schema)));
    add(&bench, Entry::new(Kind::Method, "tools/list"));
    let answer = ask(&bench, 1, "demo/double", json!({}));
    assert_eq!(answer["error"]["code"], -32602, "{answer}");
    let call = called(&bench, 2, "demo/double", json!({ "n": 2 }));
    assert_eq!(call.input.member("n").unwrap().as_str(), "2");
    let answer = complete(&bench, &call, Outcome::Json(slice(json!({ "doubled": 4 }))));
    assert_eq!(
        (&answer["result"]["doubled"], &answer["result"]["resultType"]),
        (&json!(4), &json!("complete"))
    );
    assert!(answer["result"].get("ttlMs").is_none());

    let call = called(&bench, 3, "tools/list", json!({}));
    let answer = complete(&bench, &call, Outcome::Json(slice(json!({ "tools": [] }))));
    assert_eq!((&answer["result"]["tools"], &answer["result"]["ttlMs"]), (&json!([]), &json!(0)), "CA-1");
    let call = called(&bench, 4, "tools/list", json!({}));
    let own = json!({ "tools": [], "ttlMs": 5, "cacheScope": "private" });
    assert_eq!(complete(&bench, &call, Outcome::Json(slice(own)))["result"]["ttlMs"], 5);

    for engines in ["ping", "initialize", "server/discover", "logging/setLevel", "notifications/initialized"]
    {
        let error = bench.server.add(Entry::new(Kind::Method, engines), TARGET).unwrap_err();
        assert!(error.to_string().contains("the engine answers this method itself"), "{error}");
    }
    assert_eq!(ask(&bench, 5, "demo/other", json!({}))["error"]["code"], -32601);
}

#[test]
fn notifications_and_hooks_reach_their_handlers_and_are_not_answered() {
    let bench = Bench::new();
    for hook in ["session_start", "session_end", "roots_changed"] {
        add(&bench, Entry::new(Kind::Hook, hook));
    }
    add(&bench, Entry::new(Kind::Notification, "notifications/mine"));
    let told = |name: &str| {
        let call = bench.drain_call();
        assert_eq!((&*call.context.entry.name, &call.context.request_id.is_none()), (name, &true));
        bench.port.complete(call.id, Outcome::Failed("nobody hears".into())).unwrap();
        bench.sink.nothing();
        call
    };
    let notify = |method: &str, params: Value| {
        bench.send(json!({ "jsonrpc": "2.0", "method": method, "params": params }));
    };
    bench.initialize(LEGACY);
    let call = told("session_start");
    assert_eq!(call.context.client.revision, Revision::V2025_11_25);
    notify("notifications/initialized", json!({}));
    assert!(bench.drain().is_empty(), "it starts once");
    notify("notifications/roots/list_changed", json!({}));
    told("roots_changed");
    notify("notifications/mine", json!({ "x": [1] }));
    assert_eq!(told("notifications/mine").input.to_value().unwrap(), json!({ "x": [1] }));
    notify("notifications/other", json!({}));
    assert!(bench.drain().is_empty());
    bench.engine.end_input(&bench.peer);
    assert_eq!(bench.peer.in_flight(), 1, "the end waits for the handler");
    told("session_end");
    bench.engine.close_peer(&bench.peer, tenon_mcp::CancelReason::Closing);
    assert!(bench.drain().is_empty(), "it ends once");
    let error = bench.server.add(Entry::new(Kind::Hook, "other"), TARGET).unwrap_err();
    assert!(error.to_string().contains("session_start, session_end, roots_changed"), "{error}");
}

#[test]
fn the_program_is_told_of_handlers_that_fail_of_themselves() {
    let bench = Bench::new();
    add(&bench, Entry::new(Kind::Hook, "error"));
    add(&bench, Entry::new(Kind::Tool, "tool").timeout(20 * MS));
    bench.initialize(LEGACY);
    let call = |id: u64| {
        bench.call(id, "tool");
        bench.drain_call().id
    };
    let told = |why: &str, outcome: Outcome| {
        let hook = bench
            .drain()
            .into_iter()
            .find_map(|op| match op {
                tenon_mcp::HostOp::Call(call) => Some(call),
                _ => None,
            })
            .unwrap();
        assert_eq!(&*hook.context.entry.name, "error");
        let said = hook.input.to_value().unwrap();
        assert_eq!((&said["kind"], &said["name"]), (&json!("tool"), &json!("tool")));
        assert!(said["message"].as_str().unwrap().contains(why), "{said}");
        bench.port.complete(hook.id, outcome).unwrap();
        assert!(bench.drain().is_empty());
    };
    bench.port.complete(call(1), Outcome::Exception("no disk".into())).unwrap();
    // What this one fails with is told to nobody.
    told("no disk", Outcome::Exception("nor ears".into()));
    bench.port.complete(call(2), Outcome::Content(slice(json!([3])))).unwrap();
    told("content[0]", Outcome::Text(String::new()));
    call(3);
    bench.advance(20 * MS);
    told("timed out after 20 ms", Outcome::Text(String::new()));
    // What is meant for the client is no failure of the handler's.
    bench.port.complete(call(4), Outcome::Failed("try again".into())).unwrap();
    assert!(bench.drain().is_empty());
    assert_eq!(bench.sink.take().len(), 4);
}

#[test]
fn the_program_is_told_of_a_failure_when_its_call_has_given_its_place_back() {
    let bench = Bench::with(|limits| limits.max_lane_calls = 1);
    add(&bench, Entry::new(Kind::Hook, "error"));
    add(&bench, Entry::new(Kind::Tool, "tool"));
    bench.initialize(LEGACY);
    bench.call(1, "tool");
    bench.port.complete(bench.drain_call().id, Outcome::Exception("no disk".into())).unwrap();
    assert_eq!(&*bench.drain_call().context.entry.name, "error");
}

/// TL-27.
#[test]
fn sessions_are_told_once_of_what_changes_in_a_moment() {
    let bench = Bench::legacy();
    let own = std::sync::Arc::new(Recorder::default());
    bench.peer.set_sink(own.clone());
    for name in ["x", "y"] {
        bench.server.add(tool(name), TARGET).unwrap();
    }
    bench.server.disable(Kind::Tool, "slow");
    add(&bench, Entry::new(Kind::Prompt, "p"));
    own.nothing();
    bench.advance(10 * MS);
    let methods: Vec<_> = own.take().iter().map(|sent| sent["method"].as_str().unwrap().to_owned()).collect();
    assert_eq!(methods, ["notifications/tools/list_changed", "notifications/prompts/list_changed"]);
    bench.advance(1000 * MS);
    own.nothing();
    bench.call(1, "slow");
    assert_eq!(bench.sink.one()["error"]["code"], -32602, "disabled");
    bench.server.enable(Kind::Tool, "slow");
    bench.call(2, "slow");
    let call = bench.drain_call();
    bench.text(call.id, "back");
    bench.sink.take();
    // A capability that clients were told of stays.
    bench.server.remove(Kind::Prompt, "p").unwrap();
    bench.send(request(3, "prompts/list", json!({})));
    assert_eq!(bench.sink.one()["result"]["prompts"], json!([]));
    assert!(!bench.server.enable(Kind::Tool, "nobody"));
    assert_eq!(bench.server.entries(Kind::Tool).len(), 5);
}
