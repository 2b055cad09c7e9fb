//! How calls end: with a value, a failure, a timeout or a cancellation, and only once.

use crate::support::*;
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use tenon_mcp::transport::{Peer, Sink};
use tenon_mcp::{CallId, CancelReason, HandlerId, HostOp, JsonSlice, Outcome, Stale, Target};

#[test]
fn completing_twice_answers_once() {
    let bench = Bench::legacy();
    bench.call(1, "slow");
    let call = bench.drain_call();
    assert_eq!(bench.port.complete(call.id, Outcome::Text("first".into())), Ok(()));
    assert_eq!(bench.port.complete(call.id, Outcome::Text("second".into())), Err(Stale));
    assert_eq!(result_text(&bench.sink.one()), "first");
    assert!(bench.drain().is_empty(), "a completed call is not cancelled");
    bench.assert_settled();
}

#[test]
fn made_up_calls_are_stale() {
    let bench = Bench::legacy();
    for value in [0, 1, 1 << 32, u64::MAX] {
        let id = CallId::from_u64(value);
        assert_eq!(bench.port.complete(id, Outcome::Suspend), Err(Stale));
        assert!(bench.port.is_cancelled(id));
        assert!(!bench.engine.cancel(id, CancelReason::Disconnected));
    }
    bench.assert_settled();
}

#[test]
fn complete_many_skips_the_stale_ones() {
    let bench = Bench::legacy();
    for id in 1..=3 {
        bench.call(id, "slow");
    }
    let ids: Vec<CallId> = bench.drain().iter().map(started).collect();
    bench.cancel(2);
    bench.port.complete_many(ids.iter().map(|&id| (id, Outcome::Text("ok".into()))));
    let answered: Vec<_> = bench.sink.take().iter().map(|message| message["id"].clone()).collect();
    assert_eq!(answered, [json!(1), json!(3)]);
    bench.assert_settled();
}

pub fn started(op: &HostOp) -> CallId {
    match op {
        HostOp::Call(call) => call.id,
        other => panic!("not a call: {other:?}"),
    }
}

#[test]
fn a_cancelled_call_gets_no_answer_and_the_host_hears_why() {
    let bench = Bench::legacy();
    bench.call(1, "slow");
    let call = bench.drain_call();
    bench.send(json!({ "jsonrpc": "2.0", "method": "notifications/cancelled",
        "params": { "requestId": 1, "reason": "changed my mind" } }));
    bench.cancel(1);
    assert_eq!(bench.sink.dropped.load(Ordering::SeqCst), 1);
    match &bench.drain()[..] {
        [HostOp::Cancel { call: id, reason: CancelReason::Requested(Some(reason)) }] => {
            assert_eq!((*id, reason.as_str()), (call.id, "changed my mind"));
        }
        other => panic!("{other:?}"),
    }
    assert!(!bench.text(call.id, "late"));
    bench.sink.nothing();
    bench.assert_settled();
}

#[test]
fn the_host_is_told_only_of_calls_it_has_seen() {
    let bench = Bench::legacy();
    bench.call(1, "slow");
    bench.cancel(1);
    bench.call(2, "slow");
    let seen = bench.drain_call();
    assert_eq!(seen.context.request_id.as_ref().unwrap().raw().as_str(), "2");
    bench.cancel(2);
    bench.cancel(2);
    assert_eq!(bench.drain().len(), 1);
    bench.assert_settled();
}

#[test]
fn cancelling_what_is_not_in_flight_does_nothing() {
    let bench = Bench::legacy();
    bench.call(1, "slow");
    let call = bench.drain_call();
    bench.send(
        json!({ "jsonrpc": "2.0", "method": "notifications/cancelled", "params": { "requestId": "1" } }),
    );
    bench.send(json!({ "jsonrpc": "2.0", "method": "notifications/cancelled", "params": {} }));
    bench.send(json!({ "jsonrpc": "2.0", "method": "notifications/cancelled" }));
    bench.cancel(2);
    assert!(bench.text(call.id, "still here"));
    bench.cancel(1);
    assert_eq!(result_text(&bench.sink.one()), "still here");
    bench.assert_settled();
}

#[test]
fn one_peer_cannot_cancel_the_calls_of_another() {
    let bench = Bench::legacy();
    bench.call(1, "slow");
    let call = bench.drain_call();
    let (other, sink) = (Peer::new(None), Arc::new(Recorder::default()));
    let as_sink: Arc<dyn Sink> = sink.clone();
    let cancel =
        json!({ "jsonrpc": "2.0", "method": "notifications/cancelled", "params": { "requestId": 1 } });
    bench.engine.receive(&other, &as_sink, cancel.to_string().into());
    assert!(bench.text(call.id, "done"));
    assert_eq!(bench.sink.one()["id"], 1);
    sink.nothing();
}

#[test]
fn an_id_in_flight_is_refused_and_its_first_use_goes_on() {
    // RPC-8
    let bench = Bench::legacy();
    bench.call(1, "slow");
    let call = bench.drain_call();
    bench.call(1, "slow");
    assert_eq!(error_of(&bench.sink.one()).0, -32600);
    bench.call_modern(1, "slow");
    assert_eq!(error_of(&bench.sink.one()).0, -32600);
    assert!(bench.drain().is_empty());
    assert!(bench.text(call.id, "done"));
    assert_eq!(result_text(&bench.sink.one()), "done");
    bench.assert_settled();
}

#[test]
fn closing_a_peer_ends_its_calls_and_lets_it_start_nothing() {
    let bench = Bench::legacy();
    bench.call(1, "slow");
    bench.call_modern(2, "slow");
    let idle = Arc::new(Wakes::default());
    bench.peer.on_idle(idle.clone());
    bench.drain();
    bench.engine.close_peer(&bench.peer, CancelReason::Disconnected);
    assert_eq!(idle.count(), 1);
    let told = bench.drain();
    assert_eq!(told.len(), 2);
    assert!(told.iter().all(|op| matches!(op, HostOp::Cancel { reason: CancelReason::Disconnected, .. })));
    bench.sink.nothing();
    bench.call(3, "slow");
    assert_eq!(error_of(&bench.sink.one()), (-32600, "Invalid request: the connection is closing"));
    bench.assert_settled();
}

#[test]
fn a_removed_tool_finishes_what_it_has_begun() {
    let bench = Bench::legacy();
    bench.call(1, "slow");
    let call = bench.drain_call();
    bench.call(2, "slow");
    let target = bench.server.remove(tenon_mcp::Kind::Tool, "slow").unwrap();
    assert!(matches!(target, Target::Lane { lane: LANE, .. }));
    assert!(bench.server.remove(tenon_mcp::Kind::Tool, "slow").is_none());
    bench.call(3, "slow");
    assert_eq!(error_of(&bench.sink.one()), (-32602, "Unknown tool: slow"));
    assert!(bench.text(call.id, "one"));
    assert!(bench.text(bench.drain_call().id, "two"));
    let texts: Vec<_> = bench.sink.take().iter().map(|message| result_text(message).to_owned()).collect();
    assert_eq!(texts, ["one", "two"]);
    bench.server.add(tool("slow"), target).unwrap();
    bench.assert_settled();
}

#[test]
fn a_result_that_misses_the_output_schema_is_a_failure_that_names_tool_and_place() {
    let bench = Bench::legacy();
    let schema = json!({ "type": "object", "properties": { "n": { "type": "integer" } }, "required": ["n"] });
    let target = bench.server.remove(tenon_mcp::Kind::Tool, "slow").unwrap();
    bench.server.add(tool("slow").output_schema(JsonSlice::from_value(&schema)), target).unwrap();
    bench.call(1, "slow");
    let wrong = JsonSlice::from_value(&json!({ "n": "x" }));
    bench.port.complete(bench.drain_call().id, Outcome::Json(wrong)).unwrap();
    let answer = bench.sink.one();
    assert_eq!(answer["result"]["isError"], true);
    let text = result_text(&answer);
    assert!(text.contains("\"slow\"") && text.contains("/n"), "{text}");
    bench.call(2, "slow");
    let right = JsonSlice::from_value(&json!({ "n": 5 }));
    bench.port.complete(bench.drain_call().id, Outcome::Json(right)).unwrap();
    assert_eq!(bench.sink.one()["result"]["structuredContent"], json!({ "n": 5 }));
}

#[test]
fn text_of_a_tool_with_an_output_schema_is_checked_like_any_result() {
    // TL-21
    let bench = Bench::new();
    let target = || Target::Lane { lane: LANE, handler: HandlerId(1) };
    let schema = |value: Value| JsonSlice::from_value(&value);
    let named = tool("named").output_schema(schema(json!({ "type": "string", "maxLength": 5 })));
    bench.server.add(named, target()).unwrap();
    bench.server.add(tool("shaped").output_schema(form()), target()).unwrap();
    let complete = |tool: &str, text: &str| {
        bench.call_modern(1, tool);
        assert!(bench.text(bench.drain_call().id, text));
        bench.sink.one()["result"].clone()
    };
    let result = complete("named", "short");
    assert_eq!(
        (&result["structuredContent"], &result["content"][0]["text"]),
        (&json!("short"), &json!("short"))
    );
    assert!(result.get("isError").is_none());
    for result in [complete("named", "too long"), complete("shaped", "{\"a\":\"x\"}")] {
        assert_eq!(result["isError"], true);
        assert!(result["content"][0]["text"].as_str().unwrap().contains("does not fit its output schema"));
        assert!(result.get("structuredContent").is_none());
    }
}
