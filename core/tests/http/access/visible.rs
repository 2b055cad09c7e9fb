//! The function `visible`: entries that do not exist for a caller.

use super::*;
use crate::support::bench::{Chunks, Pending};
use tenon_mcp::{CallId, Completion, HostFunctionKind, HostOp, Layer, Outcome, Server};

const VISIBLE: Target = Target::Lane { lane: LaneId(1), handler: HandlerId(92) };
pub(super) const AUTHORIZER: Target = Target::Lane { lane: LaneId(1), handler: HandlerId(93) };
const LAYER: HandlerId = HandlerId(94);

fn hiding_with(limits: Limits) -> Bench {
    let bench = Bench::with(limits, |builder| builder.principal_resolver(Arc::new(AsTheHeaderSays)));
    bench.server.set_function(HostFunctionKind::Visible, VISIBLE, None, &[]).unwrap();
    for (kind, name) in [
        (Kind::Tool, "open"),
        (Kind::Tool, "secret"),
        (Kind::Prompt, "open"),
        (Kind::Prompt, "secret"),
        (Kind::Resource, "a://open"),
        (Kind::Resource, "a://secret"),
        (Kind::ResourceTemplate, "b://open/{id}"),
        (Kind::ResourceTemplate, "b://secret/{id}"),
    ] {
        add(&bench, kind, name, &json!({}));
    }
    bench
}

pub(super) fn hiding() -> Bench {
    hiding_with(Limits::default())
}

pub(super) fn is_open(question: &Value) -> Value {
    json!(!question["name"].as_str().unwrap().contains("secret"))
}

/// Answers all questions, and those that follow. Returns them, and the calls that wait for other handlers.
pub(super) fn decide(bench: &Bench, decision: impl Fn(&Value) -> Value) -> (Vec<Value>, Vec<(u32, CallId)>) {
    let (mut questions, mut calls) = (Vec::new(), Vec::new());
    loop {
        let ops = bench.ops();
        if ops.is_empty() {
            return (questions, calls);
        }
        for op in ops {
            let HostOp::Call(call) = op else { continue };
            let input: Value = call.input.deserialize().unwrap();
            if ![92, 93].contains(&call.handler.0) {
                calls.push((call.handler.0, call.id));
                continue;
            }
            let decision = JsonSlice::from_value(&decision(&input));
            let _ = bench.server.port().complete(call.id, Outcome::Json(decision));
            questions.push(input);
        }
    }
}

/// A request of 2026-07-28, which waits.
pub(super) fn begin(bench: &Bench, caller: Option<&str>, method: &str, params: Value) -> Pending {
    let mut pending = send(bench, caller, method, params);
    assert!(pending.poll().is_none(), "{method} waits");
    pending
}

fn send(bench: &Bench, caller: Option<&str>, method: &str, params: Value) -> Pending {
    let message = request(1, method, envelope(params));
    let params = &message["params"];
    let name = params.get("name").or(params.get("uri")).and_then(Value::as_str).unwrap_or_default();
    let mut headers = vec![("mcp-protocol-version", MODERN), ("mcp-method", method)];
    headers.extend((!name.is_empty()).then_some(("mcp-name", name)));
    headers.extend(caller.map(|caller| ("x-caller", caller)));
    bench.post(&headers, &message)
}

/// The answer to a request that waits at most for decisions.
fn answer(bench: &Bench, method: &str, params: Value) -> Full {
    let mut pending = send(bench, None, method, params);
    let first = pending.poll();
    let (_, calls) = decide(bench, is_open);
    assert!(calls.is_empty(), "{method}: no handler is called");
    whole(first.unwrap_or_else(|| pending.poll().unwrap()))
}

fn names(full: &Full, member: &str, name: &str) -> Vec<String> {
    let body = full.json();
    let all = body["result"][member].as_array().unwrap_or_else(|| panic!("{body}"));
    all.iter().map(|entry| entry[name].as_str().unwrap().to_owned()).collect()
}

#[test]
fn lists_have_what_the_program_shows_and_decisions_are_kept() {
    let bench = hiding();
    let ann = caller(&["x"], &["y"]);
    let pending = begin(&bench, Some(&ann), "tools/list", json!({}));
    let (questions, calls) = decide(&bench, is_open);
    let asked: Vec<&str> = questions.iter().map(|question| question["name"].as_str().unwrap()).collect();
    let mut sorted = asked.clone();
    sorted.sort_unstable();
    assert_eq!((sorted, calls.len()), (vec!["open", "secret", "work"], 0));
    let principal =
        json!({ "issuer": "https://issuer.example", "subject": "ann", "scopes": ["x"], "roles": ["y"] });
    assert!(
        questions.iter().all(|question| question["principal"] == principal && question["kind"] == "tool")
    );
    let listed = pending.finish();
    assert_eq!(names(&listed, "tools", "name"), ["work", "open"]);
    assert_eq!(listed.json()["result"]["cacheScope"], "private");

    // The decisions are kept, for the list and for calls.
    let again = modern(&bench, Some(&ann), "tools/list", json!({})).unwrap();
    assert_eq!(again.body, listed.body);
    let unknown = modern(&bench, Some(&ann), "tools/call", json!({ "name": "secret" })).unwrap();
    assert_eq!(unknown.json()["error"]["message"], "Unknown tool: secret");
    assert!(bench.ops().is_empty());
    // Not for a principal that differs in anything, and not for ever.
    let other = caller(&["x", "z"], &["y"]);
    drop(begin(&bench, Some(&other), "tools/list", json!({})));
    assert_eq!(decide(&bench, is_open).0.len(), 3);
    bench.clock.advance(Limits::default().visible_cache_time);
    drop(begin(&bench, Some(&ann), "tools/list", json!({})));
    assert_eq!(decide(&bench, is_open).0.len(), 3);
}

#[test]
fn every_kind_of_list_is_asked_about() {
    let bench = hiding();
    for (method, member, name, shown) in [
        ("prompts/list", "prompts", "name", "open"),
        ("resources/list", "resources", "uri", "a://open"),
        ("resources/templates/list", "resourceTemplates", "uriTemplate", "b://open/{id}"),
    ] {
        assert_eq!(names(&answer(&bench, method, json!({})), member, name), [shown], "{method}");
    }
}

/// Whatever a caller tries with a hidden entry, the answer is that for an entry which is not registered.
#[test]
fn a_hidden_entry_does_not_exist() {
    let bench = hiding();
    let attempts = |name: &str| {
        let uri = if name == "secret" { "a://secret" } else { "a://absent" };
        let address = if name == "secret" { "b://secret/1" } else { "b://absent/1" };
        let template = if name == "secret" { "b://secret/{id}" } else { "b://absent/{id}" };
        let argument = json!({ "name": "id", "value": "" });
        [
            ("tools/call", json!({ "name": name, "arguments": { "wrong": 1 } })),
            ("prompts/get", json!({ "name": name })),
            ("resources/read", json!({ "uri": uri })),
            ("resources/read", json!({ "uri": address })),
            (
                "completion/complete",
                json!({ "ref": { "type": "ref/prompt", "name": name }, "argument": argument }),
            ),
            (
                "completion/complete",
                json!({ "ref": { "type": "ref/resource", "uri": template }, "argument": argument }),
            ),
        ]
    };
    for template in ["b://open/{id}", "b://secret/{id}"] {
        bench.server.add(Completion::template(template, "id"), LANE).unwrap();
    }
    for ((method, hidden), (_, absent)) in attempts("secret").into_iter().zip(attempts("absent")) {
        let hidden = answer(&bench, method, hidden);
        let absent = modern(&bench, None, method, absent).unwrap();
        let text = |full: &Full| String::from_utf8_lossy(&full.body).replace("absent", "secret");
        assert_eq!((hidden.status, text(&hidden)), (absent.status, text(&absent)), "{method}");
    }
}

#[test]
fn nothing_is_asked_about_entries_that_the_caller_may_not_use() {
    let bench = hiding();
    add(&bench, Kind::Tool, "guarded", &json!({ "scopes": ["admin"] }));
    let pending = begin(&bench, None, "tools/list", json!({}));
    let (questions, _) = decide(&bench, is_open);
    assert!(questions.iter().all(|question| question["name"] != "guarded"));
    assert_eq!(names(&pending.finish(), "tools", "name"), ["work", "open"]);
    assert_eq!(status(&bench, None, "guarded"), 401);
    assert!(bench.ops().is_empty());
}

#[test]
fn a_bounded_number_of_questions_is_asked_at_the_same_time() {
    let bench = hiding();
    for number in 0..300 {
        add(&bench, Kind::Tool, &format!("tool{number}"), &json!({}));
    }
    let pending = begin(&bench, None, "tools/list", json!({}));
    let mut waiting = bench.ops();
    assert_eq!(waiting.len(), 64);
    let mut asked = 0;
    while let Some(op) = waiting.pop() {
        let HostOp::Call(call) = op else { continue };
        let _ = bench.server.port().complete(call.id, Outcome::Json(JsonSlice::from_value(&json!(true))));
        asked += 1;
        waiting.extend(bench.ops());
        assert!(waiting.len() <= 64);
    }
    assert_eq!(asked, 303);
    assert_eq!(names(&pending.finish(), "tools", "name").len(), 303);
}

#[test]
fn what_is_no_decision_refuses_the_request_and_is_not_kept() {
    let bench = hiding();
    for wrong in [json!(7), json!(null), json!("secret reason"), json!({ "visible": true })] {
        for (method, params) in [("tools/list", json!({})), ("tools/call", json!({ "name": "open" }))] {
            let pending = begin(&bench, None, method, params);
            decide(&bench, |_| wrong.clone());
            let refused = pending.finish();
            let text = refused.json()["error"]["message"].as_str().unwrap().to_owned();
            assert!(text.contains("cannot decide what the caller may see"), "{method}: {text}");
        }
    }
    let pending = begin(&bench, None, "tools/list", json!({}));
    for op in bench.ops() {
        let HostOp::Call(call) = op else { continue };
        let _ = bench.server.port().complete(call.id, Outcome::Exception("hunter2".to_owned()));
    }
    assert!(!String::from_utf8_lossy(&pending.finish().body).contains("hunter2"));
}

#[test]
fn a_function_that_hangs_refuses_the_request() {
    let bench = hiding();
    let mut list = begin(&bench, None, "tools/list", json!({}));
    let mut call = begin(&bench, None, "tools/call", json!({ "name": "open" }));
    // The question about `open` is asked once.
    assert_eq!(bench.ops().len(), 3);
    bench.clock.advance(Limits::default().store_timeout);
    bench.service.tick();
    for pending in [&mut list, &mut call] {
        let refused = whole(pending.poll().unwrap());
        assert!(String::from_utf8_lossy(&refused.body).contains("decide"));
    }
}

#[test]
fn a_client_that_leaves_is_not_asked_about_any_more() {
    let bench = hiding();
    for number in 0..300 {
        add(&bench, Kind::Tool, &format!("tool{number}"), &json!({}));
    }
    drop(begin(&bench, None, "tools/list", json!({})));
    let (questions, _) = decide(&bench, is_open);
    assert_eq!(questions.len(), 64);
}

#[test]
fn a_call_continues_as_the_same_request() {
    let bench = hiding();
    add(&bench, Kind::Tool, "single", &json!({ "max_concurrency": 1 }));
    let first = begin(&bench, None, "tools/call", json!({ "name": "single" }));
    let (_, calls) = decide(&bench, is_open);
    let [(7, first_call)] = calls[..] else { panic!("{calls:?}") };
    // The decision is known now, so the next one waits for its permit.
    let mut second = begin(&bench, None, "tools/call", json!({ "name": "single" }));
    assert!(bench.ops().is_empty());
    // The client of the first one leaves: its handler is cancelled, and the second call gets the permit.
    drop(first);
    let ops = bench.ops();
    let cancelled = |op: &HostOp| matches!(op, HostOp::Cancel { call, .. } if *call == first_call);
    assert!(ops.iter().any(cancelled), "{ops:?}");
    let next = ops.iter().find_map(|op| match op {
        HostOp::Call(call) => Some(call.id),
        _ => None,
    });
    bench.complete(next.unwrap(), "done");
    assert!(String::from_utf8_lossy(&whole(second.poll().unwrap()).body).contains("done"));
}

#[test]
fn the_timeout_of_a_call_begins_after_the_decision() {
    let bench = hiding();
    add(&bench, Kind::Tool, "quick", &json!({ "timeout": 1000 }));
    let mut pending = begin(&bench, None, "tools/call", json!({ "name": "quick" }));
    bench.clock.advance(std::time::Duration::from_secs(5));
    let (_, calls) = decide(&bench, is_open);
    assert_eq!(calls.len(), 1);
    bench.service.tick();
    assert!(pending.poll().is_none());
    bench.clock.advance(std::time::Duration::from_secs(2));
    bench.service.tick();
    let late = String::from_utf8_lossy(&whole(pending.poll().unwrap()).body).into_owned();
    assert!(late.contains("timed out after 1000 ms"), "{late}");
}

#[test]
fn providers_of_hidden_templates_are_not_called() {
    let bench = hiding();
    for name in ["b://open/{id}", "b://secret/{id}"] {
        bench.server.add(Entry::new(Kind::ResourceProvider, name), LANE).unwrap();
    }
    let mut pending = begin(&bench, None, "resources/list", json!({}));
    let (_, calls) = decide(&bench, is_open);
    let [(7, provider)] = calls[..] else { panic!("{calls:?}") };
    assert!(pending.poll().is_none());
    let found = json!({ "resources": [{ "uri": "b://open/1", "name": "one" }] });
    let _ = bench.server.port().complete(provider, Outcome::Json(JsonSlice::from_value(&found)));
    let listed = whole(pending.poll().unwrap());
    assert_eq!(names(&listed, "resources", "uri"), ["a://open", "b://open/1"]);
    assert!(listed.json()["result"].get("nextCursor").is_none());
}

#[test]
fn a_list_with_middleware_is_asked_about_once() {
    let bench = hiding();
    let layer = Layer::Lane { lane: LaneId(1), handler: LAYER, moves: false, kept: None };
    bench.server.add_middleware(&["tools/list"], layer).unwrap();
    let mut pending = begin(&bench, None, "tools/list", json!({}));
    let (questions, calls) = decide(&bench, is_open);
    assert_eq!(questions.len(), 0);
    let [(_, outer)] = calls[..] else { panic!("{calls:?}") };
    bench.server.port().next(outer, None).unwrap();
    let mut next = None;
    let mut asked = 0;
    loop {
        let ops = bench.ops();
        if ops.is_empty() {
            break;
        }
        for op in ops {
            match op {
                HostOp::Call(call) => {
                    asked += 1;
                    let input: Value = call.input.deserialize().unwrap();
                    let decision = JsonSlice::from_value(&is_open(&input));
                    let _ = bench.server.port().complete(call.id, Outcome::Json(decision));
                }
                HostOp::Next { outcome, .. } => next = Some(outcome),
                _ => {}
            }
        }
    }
    assert_eq!(asked, 3);
    let _ = bench.server.port().complete(outer, next.expect("the list"));
    assert_eq!(names(&whole(pending.poll().unwrap()), "tools", "name"), ["work", "open"]);
}

#[test]
fn decisions_of_the_authorizer_are_kept_for_the_time_of_the_limit() {
    let mut limits = Limits::default();
    limits.authorizer_cache_time = std::time::Duration::from_secs(10);
    let bench = Bench::with(limits, |builder| builder);
    bench.server.set_function(HostFunctionKind::Authorizer, AUTHORIZER, None, &[]).unwrap();
    let call = |amount: u64| {
        let mut pending = begin_call(&bench, amount);
        let first = pending.poll();
        let (questions, calls) = decide(&bench, |question| json!(question["arguments"]["amount"] != 2));
        for (_, call) in calls {
            bench.complete(call, "done");
        }
        let full = whole(first.unwrap_or_else(|| pending.poll().unwrap()));
        (full.status, questions.len())
    };
    assert_eq!((call(1), call(1)), ((200, 1), (200, 0)));
    assert_eq!((call(2), call(2)), ((403, 1), (403, 0)));
    bench.clock.advance(std::time::Duration::from_secs(10));
    assert_eq!((call(1), call(2)), ((200, 1), (403, 1)));
}

/// A program may tell numbers apart that are the same double.
#[test]
fn a_decision_about_a_call_is_not_one_about_another_number() {
    let mut limits = Limits::default();
    limits.authorizer_cache_time = std::time::Duration::from_secs(10);
    let bench = Bench::with(limits, |builder| builder);
    bench.server.set_function(HostFunctionKind::Authorizer, AUTHORIZER, None, &[]).unwrap();
    let call = |amount: &str| {
        let text = format!(
            "{{\"name\":\"work\",\"arguments\":{{\"amount\":{amount}}},\"_meta\":{}}}",
            envelope(json!({}))["_meta"]
        );
        let body = format!("{{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/call\",\"params\":{text}}}");
        let headers = [
            ("content-type", "application/json"),
            ("accept", "application/json, text/event-stream"),
            ("mcp-protocol-version", MODERN),
            ("mcp-method", "tools/call"),
            ("mcp-name", "work"),
        ];
        let mut pending = bench.submit("POST", &headers, Chunks::of([body.into()]));
        let _ = pending.poll();
        decide(&bench, |_| json!(true)).0.len()
    };
    assert_eq!((call("36893488147419103232"), call("36893488147419103232")), (1, 0));
    assert_eq!(call("36893488147419103233"), 1);
}

#[test]
fn equal_questions_are_asked_once() {
    let mut limits = Limits::default();
    limits.visible_cache_time = std::time::Duration::ZERO;
    let bench = hiding_with(limits);
    let mut lists: Vec<_> = (0..20).map(|_| begin(&bench, None, "tools/list", json!({}))).collect();
    assert_eq!(decide(&bench, is_open).0.len(), 3);
    for list in &mut lists {
        assert_eq!(names(&whole(list.poll().unwrap()), "tools", "name"), ["work", "open"]);
    }
    // Nothing is kept.
    drop(begin(&bench, None, "tools/list", json!({})));
    assert_eq!(decide(&bench, is_open).0.len(), 3);
}

#[test]
fn a_changed_list_is_decided_again() {
    let bench = hiding();
    let pending = begin(&bench, None, "tools/list", json!({}));
    assert_eq!(decide(&bench, is_open).0.len(), 3);
    drop(pending);
    bench.server.list_changed(Kind::Tool).unwrap();
    let pending = begin(&bench, None, "tools/list", json!({}));
    decide(&bench, |_| json!(true));
    assert_eq!(names(&pending.finish(), "tools", "name").len(), 3);
}

#[test]
fn a_provider_does_not_list_a_registered_resource_that_is_hidden() {
    let bench = hiding();
    add(&bench, Kind::ResourceTemplate, "a://{id}", &json!({}));
    bench.server.add(Entry::new(Kind::ResourceProvider, "a://{id}"), LANE).unwrap();
    let mut pending = begin(&bench, None, "resources/list", json!({}));
    let (_, calls) = decide(&bench, is_open);
    let found = json!({ "resources": [
        { "uri": "a://secret", "name": "x" }, { "uri": "a://open", "name": "y" }, { "uri": "a://other", "name": "z" },
    ] });
    let _ = bench.server.port().complete(calls[0].1, Outcome::Json(JsonSlice::from_value(&found)));
    let listed = names(&whole(pending.poll().unwrap()), "resources", "uri");
    assert_eq!(listed, ["a://open", "a://open", "a://other"]);
}

/// Whoever was hidden there would be open here.
#[test]
fn a_server_with_such_a_function_cannot_be_mounted() {
    for kind in [HostFunctionKind::Visible, HostFunctionKind::Authorizer] {
        let (inner, outer) = (Server::new("inner", "1.0.0"), Server::new("outer", "1.0.0"));
        inner.set_function(kind, VISIBLE, None, &[]).unwrap();
        let refused = outer.mount(&inner, None).unwrap_err();
        assert!(refused.to_string().contains("belongs to the server that is served"), "{refused}");
        let late = Server::new("late", "1.0.0");
        outer.mount(&late, None).unwrap();
        assert!(late.set_function(kind, VISIBLE, None, &[]).is_err());
    }
}

fn begin_call(bench: &Bench, amount: u64) -> Pending {
    let params = envelope(json!({ "name": "work", "arguments": { "amount": amount } }));
    let headers = [("mcp-protocol-version", MODERN), ("mcp-method", "tools/call"), ("mcp-name", "work")];
    bench.post(&headers, &request(1, "tools/call", params))
}

#[test]
fn the_function_is_set_once() {
    let server = Server::builder("twice", "1.0.0").build().unwrap();
    server.set_function(HostFunctionKind::Visible, VISIBLE, None, &[]).unwrap();
    let twice = server.set_function(HostFunctionKind::Visible, VISIBLE, None, &[]).unwrap_err();
    assert!(twice.to_string().contains("already has the function visible"), "{twice}");
}
