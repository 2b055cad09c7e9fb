//! Middleware of hosts, which runs in their lanes, and middleware in Rust.

use crate::lanes::local_handlers::{Executor, with};
use crate::support::*;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;
use tenon_mcp::locks::Mutex;
use tenon_mcp::{
    Answer, AskMode, Asked, CALLS, CallError, CancelReason, Context, HandlerId, HostCall, HostOp, Json,
    JsonSlice, Kind, Layer, NextError, Outcome, Resource, Ui, handler,
};

fn layer(number: u32, moves: bool) -> Layer {
    let lane = if moves { OTHER_LANE } else { LANE };
    Layer::Lane { lane, handler: HandlerId(number), moves, kept: None }
}

fn around(call: &HostCall) -> Vec<u32> {
    call.middleware().map(|handler| handler.0).collect()
}

#[track_caller]
fn next_of(bench: &Bench) -> Outcome {
    match bench.drain().pop() {
        Some(HostOp::Next { outcome, .. }) => outcome,
        other => panic!("expected what followed: {other:?}"),
    }
}

fn list(id: u64) -> Value {
    json!({ "jsonrpc": "2.0", "id": id, "method": "tools/list", "params": {} })
}

#[test]
fn a_host_gets_the_middleware_with_the_call_and_runs_both() {
    let bench = Bench::legacy();
    bench.server.add_middleware(&CALLS, layer(7, false)).unwrap();
    bench.server.add_middleware(&["tool", "tools/call"], layer(8, false)).unwrap();
    bench.call(1, "slow");
    let call = bench.drain_call();
    assert_eq!((around(&call), call.handler, call.has_handler()), (vec![7, 8], HandlerId(1), true));
    assert!(matches!(bench.port.next(call.id, None), Err(NextError::State(_))));
    bench.text(call.id, "ok");
    assert_eq!(result_text(&bench.sink.one()), "ok");
    // What is not wrapped is as before.
    bench.send(list(2));
    assert!(bench.sink.one()["result"]["tools"].is_array());
    assert!(bench.drain().is_empty());
    bench.assert_settled();
}

#[test]
fn calls_move_to_the_lane_of_middleware_that_says_so() {
    let bench = Bench::legacy();
    let other = bench.port.lane(OTHER_LANE, Arc::new(Wakes::default()));
    bench.server.add_middleware(&["tool"], layer(7, false)).unwrap();
    bench.server.add_middleware(&["tool"], layer(8, true)).unwrap();
    bench.call(1, "slow");
    assert!(bench.drain().is_empty());
    let mut ops = Vec::new();
    other.drain(9, Duration::MAX, &mut ops);
    let Some(HostOp::Call(call)) = ops.pop() else { panic!("no call") };
    assert_eq!((around(&call), call.handler), (vec![7, 8], HandlerId(1)));
    // Its end is told there too.
    bench.cancel(1);
    other.drain(9, Duration::MAX, &mut ops);
    assert!(matches!(ops.pop(), Some(HostOp::Cancel { reason: CancelReason::Requested(_), .. })));
    bench.assert_over();
}

#[test]
fn a_list_with_middleware_goes_to_the_program_and_back() {
    let bench = Bench::legacy();
    bench.server.add_middleware(&["tool_list"], layer(7, false)).unwrap();
    for (id, message) in [(1, list(1)), (2, modern(list(2)))] {
        bench.send(message);
        bench.sink.nothing();
        let call = bench.drain_call();
        assert_eq!((call.context.entry.kind, &*call.context.entry.name), (Kind::Method, "tools/list"));
        assert!(!call.has_handler());
        bench.port.next(call.id, None).unwrap();
        let Outcome::Json(result) = next_of(&bench) else { panic!("no result") };
        let mut result = result.to_value().unwrap();
        assert_eq!(result["tools"].as_array().map(Vec::len), Some(3), "{result}");
        result["tools"].as_array_mut().unwrap().pop();
        // It can be asked for again.
        bench.port.next(call.id, None).unwrap();
        assert!(matches!(next_of(&bench), Outcome::Json(_)));
        bench.port.complete(call.id, Outcome::Json(JsonSlice::from_value(&result))).unwrap();
        let answer = bench.sink.one();
        assert_eq!(answer["id"], id);
        assert_eq!(answer["result"]["tools"].as_array().map(Vec::len), Some(2), "{answer}");
        let meta = answer["result"]["_meta"].as_object().map_or(0, |meta| meta.len());
        assert_eq!(meta, usize::from(id == 2), "{answer}");
    }
    bench.assert_settled();
}

#[test]
fn a_page_that_does_not_exist_is_an_error_to_middleware() {
    let bench = Bench::legacy();
    bench.server.add_middleware(&["tools/list"], layer(7, false)).unwrap();
    bench.send(list(1));
    let call = bench.drain_call();
    bench.port.next(call.id, Some(JsonSlice::from_value(&json!({ "cursor": "x" })))).unwrap();
    let Outcome::Error(error) = next_of(&bench) else { panic!("no error") };
    assert_eq!(error.code, -32602);
    bench.port.complete(call.id, Outcome::Error(error)).unwrap();
    assert_eq!(error_of(&bench.sink.one()).0, -32602);
    bench.assert_settled();
}

#[test]
fn a_view_is_answered_by_the_engine_within_its_call() {
    let bench = Bench::legacy();
    bench.server.ui(Ui::new("ui://a"), "<p>a</p>").unwrap();
    bench.server.add_middleware(&CALLS, layer(7, false)).unwrap();
    bench.send(
        json!({ "jsonrpc": "2.0", "id": 1, "method": "resources/read", "params": { "uri": "ui://a" } }),
    );
    let call = bench.drain_call();
    assert!(!call.has_handler());
    bench.port.next(call.id, None).unwrap();
    let Outcome::Text(text) = next_of(&bench) else { panic!("no text") };
    assert_eq!(text, "<p>a</p>");
    bench.text(call.id, "<p>b</p>");
    assert_eq!(bench.sink.one()["result"]["contents"][0]["text"], "<p>b</p>");
    bench.assert_settled();
}

/// Both the handler of a provider and the middleware of the list are in the host.
#[test]
fn a_provider_lists_within_a_list_that_is_wrapped() {
    let bench = Bench::legacy();
    let target = || tenon_mcp::Target::Lane { lane: LANE, handler: HandlerId(5) };
    let provider = tenon_mcp::Entry::new(Kind::ResourceProvider, "r://{x}");
    bench.server.add(provider, target()).unwrap();
    bench.server.add_middleware(&["resource_list"], layer(7, false)).unwrap();
    let message = |id: u64| {
        json!({ "jsonrpc": "2.0", "id": id, "method": "resources/list",
            "params": { "_meta": { "progressToken": "p" } } })
    };
    bench.send(message(1));
    let call = bench.drain_call();
    bench.port.next(call.id, None).unwrap();
    let listing = bench.drain_call();
    assert_eq!((listing.handler, around(&listing)), (HandlerId(5), vec![]));
    assert!(bench.port.next(call.id, None).is_err(), "one after the other");
    bench.port.emit(listing.id, tenon_mcp::Event::progress(1.0, None, None)).unwrap();
    assert_eq!(bench.sink.one()["params"]["progressToken"], "p");
    let items = JsonSlice::from_value(&json!([{ "uri": "r://1", "name": "one" }]));
    bench.port.complete(listing.id, Outcome::Json(items)).unwrap();
    let Outcome::Json(result) = next_of(&bench) else { panic!("no result") };
    assert_eq!(result.to_value().unwrap()["resources"][0]["uri"], "r://1");
    bench.port.complete(call.id, Outcome::Json(result)).unwrap();
    assert_eq!(bench.sink.one()["result"]["resources"][0]["name"], "one");
    // The call within ends with the other.
    bench.send(message(2));
    let call = bench.drain_call();
    bench.port.next(call.id, None).unwrap();
    let listing = bench.drain_call();
    bench.cancel(2);
    assert!(bench.port.is_cancelled(listing.id));
    let told = bench.drain();
    let told: Vec<_> = told.iter().filter(|op| matches!(op, HostOp::Cancel { .. })).collect();
    assert_eq!(told.len(), 2, "{told:?}");
    bench.assert_settled();
}

#[test]
fn questions_of_middleware_and_handler_are_those_of_one_call() {
    let bench = Bench::new();
    bench.server.add_middleware(&["tool"], layer(7, false)).unwrap();
    bench.call_modern(1, "slow");
    let call = bench.drain_call();
    assert!(matches!(bench.port.ask(call.id, ask("outer"), AskMode::Park), Ok(Asked::Suspended)));
    bench.port.complete(call.id, Outcome::Suspend).unwrap();
    let first = bench.sink.one();
    assert_eq!(first["result"]["resultType"], "input_required");
    let mut retry = modern(call_message(2));
    retry["params"]["requestState"] = first["result"]["requestState"].clone();
    retry["params"]["inputResponses"] = json!({ "outer": accept("yes") });
    bench.drain();
    bench.send(retry);
    let again = bench.drain_call();
    assert_eq!(around(&again), [7]);
    match bench.port.ask(again.id, ask("outer"), AskMode::Park) {
        Ok(Asked::Answered(Answer { .. })) => {}
        other => panic!("{other:?}"),
    }
    bench.text(again.id, "done");
    assert_eq!(result_text(&bench.sink.one()), "done");
    bench.assert_settled();
}

fn call_message(id: u64) -> Value {
    call(json!(id), "slow", json!({}))
}

#[test]
fn arguments_that_middleware_hands_on_are_those_of_a_client() {
    let bench = Bench::legacy();
    let schema = json!({ "type": "object", "properties": { "n": { "type": "integer", "default": 3 } } });
    let tool = tenon_mcp::Tool::new("n").input_schema(schema);
    bench.server.add(tool, tenon_mcp::Target::Lane { lane: LANE, handler: HandlerId(1) }).unwrap();
    bench.server.add_middleware(&["tool"], layer(7, false)).unwrap();
    bench.call(1, "n");
    let call = bench.drain_call();
    let prepare = |value: Value| bench.port.prepare(call.id, JsonSlice::from_value(&value));
    assert_eq!(prepare(json!({ "n": "5" })).unwrap().to_value().unwrap(), json!({ "n": 5 }));
    assert_eq!(prepare(json!({})).unwrap().to_value().unwrap(), json!({ "n": 3 }));
    assert!(matches!(prepare(json!({ "n": [] })), Err(NextError::Invalid(_))));
    assert_eq!(bench.port.input(call.id).unwrap().to_value().unwrap(), json!({ "n": 3 }));
    bench.text(call.id, "");
    assert_eq!(bench.port.input(call.id), Err(tenon_mcp::Stale));
    bench.sink.one();
    bench.assert_settled();
}

#[test]
fn what_cannot_be_wrapped_is_refused_by_name() {
    let bench = Bench::new();
    let refused = |word: &str| bench.server.add_middleware(&[word], layer(7, false)).unwrap_err().to_string();
    assert!(refused("ping").contains("\"ping\" cannot have middleware"));
    assert!(refused("tools/calls").contains("no operation \"tools/calls\""));
    let handler = handler(|_: Value, _| async { Json(json!({})) });
    bench.server.method("acme/status", handler).unwrap();
    bench.server.add_middleware(&["acme/status"], layer(7, false)).unwrap();
    let rust = bench.server.middleware(CALLS, |_, next| next.run());
    assert!(rust.unwrap_err().to_string().contains("in two languages"));
}

#[derive(Clone)]
struct Seen(Vec<&'static str>);

fn note(context: &Context, what: &'static str) {
    let mut seen = context.state().get().unwrap_or(Seen(Vec::new()));
    seen.0.push(what);
    context.state().insert(seen);
}

fn run(bench: &Bench, executor: &Executor, id: u64) -> Value {
    bench.call(id, "local");
    executor.run();
    bench.sink.one()
}

#[test]
fn in_rust_the_first_is_outermost_and_shares_state_with_the_handler() {
    let (bench, executor) = with(handler(|_: Value, context: Context| async move {
        note(&context, "handler");
        context.state().get::<Seen>().unwrap().0.join(" ")
    }));
    for names in [["a in", "a out"], ["b in", "b out"]] {
        let function = move |context: Context, next: tenon_mcp::Next| async move {
            note(&context, names[0]);
            let outcome = next.run().await;
            note(&context, names[1]);
            match outcome {
                Outcome::Json(text) => format!("{} {}", text.decode_str().unwrap(), names[1]),
                other => panic!("{other:?}"),
            }
        };
        bench.server.middleware(["tool"], function).unwrap();
    }
    let answer = run(&bench, &executor, 1);
    assert_eq!(result_text(&answer), "a in b in handler b out a out");
    // Nothing is left for the next call.
    let answer = run(&bench, &executor, 2);
    assert_eq!(result_text(&answer), "a in b in handler b out a out");
    bench.assert_over();
}

#[test]
fn in_rust_it_may_answer_map_errors_run_again_and_change_arguments() {
    let tries = Arc::new(Mutex::new(0));
    let counted = tries.clone();
    let (bench, executor) = with(handler(move |input: Value, _| {
        let mut tries = counted.lock();
        *tries += 1;
        let failed = *tries == 1;
        async move { if failed { Err(CallError::tool("not yet")) } else { Ok(Json(input)) } }
    }));
    let function = |_: Context, next: tenon_mcp::Next| async move {
        if next.input().member("deny").is_some() {
            return Err(CallError::mcp(7, "denied"));
        }
        let first = next.clone().run().await;
        assert!(matches!(first, Outcome::Failed(_) | Outcome::Exception(_)), "{first:?}");
        Ok(next.with_input(json!({ "n": 1 }))?.run().await)
    };
    bench.server.middleware(CALLS, function).unwrap();
    let answer = run(&bench, &executor, 1);
    assert_eq!(result_text(&answer), r#"{"n":1}"#);
    bench.send(call(json!(2), "local", json!({ "deny": true })));
    executor.run();
    assert_eq!(error_of(&bench.sink.one()), (7, "denied"));
    assert_eq!(*tries.lock(), 2);
    bench.assert_over();
}

#[test]
fn in_rust_it_is_around_lists_views_and_handlers_of_lanes() {
    let (bench, executor) = with(handler(|_: Value, _| async { "x" }));
    bench.server.ui(Ui::new("ui://a"), "<p>a</p>").unwrap();
    bench.server.resource(Resource::new("r://a"), || async { "plain" }).unwrap();
    let function = |_: Context, next: tenon_mcp::Next| async move {
        match next.run().await {
            Outcome::Text(text) => Outcome::Text(text + "!"),
            Outcome::Json(value) if value.decode_str().is_some() => {
                Outcome::Text(format!("{}?", value.as_str()))
            }
            outcome => outcome,
        }
    };
    bench.server.middleware(CALLS.into_iter().chain(["tool_list"]), function).unwrap();
    let read = |uri: &str| {
        bench.send(
            json!({ "jsonrpc": "2.0", "id": uri, "method": "resources/read", "params": { "uri": uri } }),
        );
        executor.run();
        bench.sink.one()["result"]["contents"][0]["text"].clone()
    };
    assert_eq!(read("ui://a"), "<p>a</p>!");
    assert_eq!(read("r://a"), "\"plain\"?");
    bench.send(list(1));
    executor.run();
    assert_eq!(bench.sink.one()["result"]["tools"].as_array().unwrap().len(), 4);
    // The handler of a lane, which cannot ask from behind it.
    bench.call(2, "slow");
    executor.run();
    let call = bench.drain_call();
    assert!(around(&call).is_empty());
    assert!(bench.port.ask(call.id, ask("x"), AskMode::Park).is_err());
    bench.text(call.id, "lane");
    executor.run();
    assert_eq!(result_text(&bench.sink.one()), "lane!");
    bench.call(3, "slow");
    executor.run();
    let call = bench.drain_call();
    bench.cancel(3);
    assert!(!bench.text(call.id, "late"));
    executor.run();
    assert_eq!(executor.tasks(), 0);
    bench.sink.nothing();
    bench.assert_over();
}

#[test]
fn a_call_times_out_within_its_middleware() {
    let (bench, executor) = with(handler(|_: Value, _| async { "x" }));
    bench.server.middleware(CALLS, |_, _| std::future::pending::<Outcome>()).unwrap();
    bench.call(1, "local");
    executor.run();
    bench.advance(Duration::from_millis(51));
    assert!(result_text(&bench.sink.one()).contains("timed out after 50 ms"));
    executor.run();
    assert_eq!(executor.tasks(), 0);
    bench.assert_over();
}
