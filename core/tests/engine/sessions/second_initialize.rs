//! A second `initialize` on a channel opens a new session (VER-19).

use crate::support::*;
use bytes::Bytes;
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tenon_mcp::transport::Sink;
use tenon_mcp::{
    Ask, AskMode, CancelReason, Entry, Event, HandlerId, HostOp, JsonSlice, Kind, Outcome, Target,
};

const TICK: Duration = Duration::from_millis(10);
const TARGET: Target = Target::Lane { lane: LANE, handler: HandlerId(2) };

/// Begins another session. Its response must be the only message that is sent.
#[track_caller]
fn again(bench: &Bench, revision: &str, capabilities: Value) {
    bench.initialize_with(revision, capabilities);
}

fn notified(bench: &Bench) -> Vec<Value> {
    bench.sink.take().into_iter().filter(|message| message.get("method").is_some()).collect()
}

#[test]
fn the_calls_of_the_session_before_end_without_an_answer() {
    let bench = Bench::legacy();
    bench.call(1, "slow");
    bench.call(2, "slow");
    let calls: Vec<_> = bench.drain();
    assert_eq!(calls.len(), 2);
    let Some(HostOp::Call(old)) = calls.into_iter().next() else { panic!("a call") };
    again(&bench, "2024-11-05", json!({}));
    assert_eq!((bench.engine.in_flight(), bench.sink.dropped.load(Ordering::SeqCst)), (0, 2));
    for op in bench.drain() {
        assert!(matches!(op, HostOp::Cancel { reason: CancelReason::Disconnected, .. }), "{op:?}");
    }
    assert!(!bench.text(old.id, "too late"));
    bench.sink.nothing();
    // The same id is another request, and the revision is the one that was negotiated anew.
    bench.call(1, "slow");
    let call = bench.drain_call();
    assert_eq!(call.context.client.revision.as_str(), "2024-11-05");
    assert!(bench.text(call.id, "new"));
    assert_eq!(result_text(&bench.sink.one()), "new");
    bench.assert_settled();
}

#[test]
fn an_initialize_that_is_refused_changes_nothing() {
    let bench = Bench::legacy();
    bench.call(1, "slow");
    let call = bench.drain_call();
    let mut request = initialize("2024-11-05");
    request["params"].as_object_mut().unwrap().remove("clientInfo");
    bench.send(request);
    assert_eq!(error_of(&bench.sink.one()).0, -32602);
    assert!(bench.text(call.id, "still there"));
    assert_eq!(result_text(&bench.sink.one()), "still there");
    bench.assert_settled();
}

#[test]
fn questions_are_withdrawn_and_late_answers_mean_nothing() {
    let bench = Bench::legacy();
    bench.call(1, "slow");
    let call = bench.drain_call();
    bench.port.ask(call.id, ask("a"), AskMode::Park).unwrap();
    let old = bench.sink.one();
    bench.send(initialize(LEGACY));
    let sent = bench.sink.take();
    assert_eq!(
        (&sent[0]["method"], &sent[0]["params"]["requestId"]),
        (&json!("notifications/cancelled"), &old["id"])
    );
    assert_eq!((sent.len(), &sent[1]["id"]), (2, &json!("init")), "the answer is behind what ends: {sent:?}");
    bench.send(json!({ "jsonrpc": "2.0", "method": "notifications/initialized" }));
    assert_eq!(bench.peer.questions(), 0);
    bench.call(1, "slow");
    let call =
        bench.drain().into_iter().find_map(|op| if let HostOp::Call(call) = op { Some(call) } else { None });
    let call = call.unwrap();
    bench.port.ask(call.id, ask("a"), AskMode::Park).unwrap();
    let new = bench.sink.one();
    assert_ne!(new["id"], old["id"]);
    bench.answer(&old, accept("late"));
    assert!(bench.drain().is_empty());
    bench.answer(&new, accept("now"));
    assert!(matches!(bench.drain()[..], [HostOp::Answer { .. }]));
    bench.text(call.id, "done");
    bench.sink.one();
    bench.assert_settled();
}

#[test]
fn a_response_on_its_way_goes_out_before_the_answer() {
    let bench = Arc::new(Bench::legacy());
    bench.call(1, "slow");
    let call = bench.drain_call();
    let other = bench.clone();
    // Between the end of the call and its response.
    *bench.sink.at_next_response.lock() = Some(Box::new(move || {
        let sink: Arc<dyn Sink> = other.sink.clone();
        other.engine.receive(&other.peer, &sink, Bytes::from(initialize("2025-06-18").to_string()));
        other.send(json!({ "jsonrpc": "2.0", "method": "notifications/initialized" }));
    }));
    bench.text(call.id, "old");
    let ids: Vec<Value> = bench.sink.take().iter().map(|message| message["id"].clone()).collect();
    assert_eq!(ids, [json!(1), json!("init")]);
    assert_eq!(bench.peer.revision().unwrap().as_str(), "2025-06-18");
    bench.assert_settled();
}

#[test]
fn subscriptions_the_log_level_and_lists_are_those_of_the_new_session() {
    let bench = Bench::new();
    bench.server.add(Entry::new(Kind::Resource, "test://one"), TARGET).unwrap();
    bench.server.add(Entry::new(Kind::Hook, "unsubscribe"), TARGET).unwrap();
    bench.peer.set_sink(bench.sink.clone());
    bench.initialize(LEGACY);
    let ask = |id: u64, method: &str, params: Value| {
        bench.send(json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params }));
        assert_eq!(bench.sink.one()["result"], json!({}), "{method}");
    };
    ask(1, "resources/subscribe", json!({ "uri": "test://one" }));
    ask(2, "logging/setLevel", json!({ "level": "debug" }));
    bench.server.resource_updated("test://one");
    bench.send(initialize(LEGACY));
    assert_eq!(bench.sink.one()["id"], "init");
    assert_eq!(&*bench.drain_call().context.entry.name, "unsubscribe");
    bench.server.resource_updated("test://one");
    assert!(bench.server.disable(Kind::Tool, "fast"));
    bench.advance(TICK);
    bench.sink.nothing();
    bench.send(json!({ "jsonrpc": "2.0", "method": "notifications/initialized" }));
    assert!(bench.server.enable(Kind::Tool, "fast"));
    bench.advance(TICK);
    assert_eq!(notified(&bench)[0]["method"], "notifications/tools/list_changed");
    bench.call(1, "slow");
    let call = bench.drain_call();
    bench.port.emit(call.id, Event::log("debug", None, &JsonSlice::from_value(&json!("quiet")))).unwrap();
    bench.sink.nothing();
    bench.text(call.id, "done");
    bench.sink.one();
}

#[test]
fn requests_of_2026_07_28_on_the_same_channel_go_on() {
    let bench = Bench::legacy();
    bench.call_modern(1, "slow");
    let call = bench.drain_call();
    let listen = json!({ "jsonrpc": "2.0", "id": 2, "method": "subscriptions/listen",
        "params": { "notifications": { "toolsListChanged": true } } });
    bench.send(modern(listen));
    assert_eq!(bench.sink.one()["method"], "notifications/subscriptions/acknowledged");
    for id in [1, 2] {
        let mut taken = initialize(LEGACY);
        taken["id"] = json!(id);
        bench.send(taken);
        assert!(error_of(&bench.sink.one()).1.contains("in flight"), "RPC-8");
    }
    again(&bench, LEGACY, json!({}));
    assert!(bench.text(call.id, "modern"));
    assert_eq!(result_text(&bench.sink.one()), "modern");
    assert!(bench.server.disable(Kind::Tool, "fast"));
    bench.advance(TICK);
    assert!(bench.sink.one()["params"]["_meta"].is_object());
}

#[test]
fn hooks_are_told_of_both_sessions() {
    let bench = Bench::new();
    for hook in ["session_start", "session_end"] {
        bench.server.add(Entry::new(Kind::Hook, hook), TARGET).unwrap();
    }
    bench.initialize("2025-06-18");
    again(&bench, "2025-11-25", json!({}));
    let told: Vec<_> = bench
        .drain()
        .into_iter()
        .map(|op| match op {
            HostOp::Call(call) => {
                (call.context.entry.name.to_string(), call.context.client.revision.as_str())
            }
            other => panic!("{other:?}"),
        })
        .collect();
    let (old, new) = ("2025-06-18", "2025-11-25");
    let expected = [("session_start", old), ("session_end", old), ("session_start", new)];
    assert_eq!(told, expected.map(|(name, revision)| (name.to_owned(), revision)));
}

#[test]
fn the_end_of_a_visit_is_not_told_to_another_session() {
    let bench = Bench::new();
    bench.initialize_with(LEGACY, json!({ "elicitation": { "url": {} } }));
    bench.peer.set_sink(bench.sink.clone());
    bench.call(1, "slow");
    let call = bench.drain_call();
    let page = Ask::url("Log in", "https://example.com").elicitation_id("e1");
    bench.port.ask(call.id, page, AskMode::Park).unwrap();
    bench.sink.one();
    bench.send(initialize(LEGACY));
    bench.sink.take();
    assert!(!bench.server.elicitation_complete("e1"));
    bench.sink.nothing();
}

#[test]
fn an_initialize_in_a_row_is_answered_in_its_order() {
    let bench = Arc::new(Bench::legacy());
    bench.call(1, "slow");
    let call = bench.drain_call();
    let other = bench.clone();
    *bench.sink.at_next_response.lock() = Some(Box::new(move || {
        for id in ["second", "third"] {
            let mut request = initialize(LEGACY);
            request["id"] = json!(id);
            other.send(request);
        }
    }));
    bench.port.complete(call.id, Outcome::Text("first".into())).unwrap();
    let ids: Vec<Value> = bench.sink.take().iter().map(|message| message["id"].clone()).collect();
    assert_eq!(ids, [json!(1), json!("second"), json!("third")]);
    bench.assert_settled();
}
