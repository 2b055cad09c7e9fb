//! Limits on how many calls of an entry run at the same time.

use crate::support::*;

use serde_json::json;
use std::sync::Arc;
use std::time::Duration;
use tenon_mcp::{
    AskMode, Asked, Entry, HandlerId, HostCall, HostOp, JsonSlice, Kind, Limits, Outcome, Target, Tool,
};

fn bench(most: usize, change: impl FnOnce(&mut Limits)) -> Bench {
    let bench = Bench::legacy_with(change);
    let target = Target::Lane { lane: LANE, handler: HandlerId(9) };
    bench.server.add(tool("few").max_concurrency(most).timeout(Duration::from_millis(50)), target).unwrap();
    bench
}

fn calls(bench: &Bench) -> Vec<HostCall> {
    let call = |op| match op {
        HostOp::Call(call) => Some(call),
        _ => None,
    };
    bench.drain().into_iter().filter_map(call).collect()
}

#[test]
fn others_wait_for_their_turn_in_order() {
    let bench = bench(2, |_| {});
    for id in 1..=4 {
        bench.call(id, "few");
    }
    let running = calls(&bench);
    assert_eq!(running.len(), 2);
    bench.text(running[0].id, "1");
    assert_eq!(bench.sink.one()["id"], 1);
    let third = bench.drain_call();
    assert_eq!(third.context.request_id.as_ref().unwrap().raw().as_str(), "3");
    // One that is cancelled while it waits has no turn, and one that runs gives its place on.
    bench.cancel(4);
    bench.cancel(2);
    assert!(calls(&bench).is_empty());
    bench.text(third.id, "3");
    bench.sink.one();
    bench.call(5, "few");
    assert_eq!(calls(&bench).len(), 1);
    bench.cancel(5);
    bench.assert_settled();
}

#[test]
fn who_waits_takes_nothing_from_others() {
    let bench = bench(1, |limits| limits.max_lane_calls = 3);
    for id in 1..=5 {
        bench.call(id, "few");
    }
    // Of the lane's three credits one is taken.
    bench.call(6, "slow");
    bench.call(7, "slow");
    let running = calls(&bench);
    assert_eq!(running.len(), 3);
    bench.sink.nothing();
    // No credit for the next: it is refused, and so are those behind it.
    bench.call(8, "slow");
    assert!(error_of(&bench.sink.one()).1.contains("busy"));
    bench.text(running[1].id, "6");
    bench.sink.one();
    bench.text(running[0].id, "1");
    bench.sink.one();
    let next = bench.drain_call();
    assert_eq!(next.context.request_id.as_ref().unwrap().raw().as_str(), "2");
    for id in 2..=7 {
        bench.cancel(id);
    }
    bench.assert_settled();
}

#[test]
fn too_many_are_refused_and_a_call_has_its_whole_time_when_it_runs() {
    let bench = bench(1, |limits| limits.max_waiting_calls = 1);
    for id in 1..=3 {
        bench.call(id, "few");
    }
    let text = bench.sink.one();
    assert_eq!(
        error_of(&text).1,
        "Server busy: tool \"few\" runs 1 calls at a time, and 1 wait (max_waiting_calls)"
    );
    let first = bench.drain_call();
    // Its time begins anew when it runs.
    bench.advance(Duration::from_millis(40));
    bench.text(first.id, "1");
    bench.sink.one();
    let second = bench.drain_call();
    bench.advance(Duration::from_millis(40));
    bench.sink.nothing();
    bench.call(4, "few");
    bench.advance(Duration::from_millis(11));
    assert!(result_text(&bench.sink.one()).contains("timed out"));
    assert!(bench.port.is_cancelled(second.id));
    let fourth = calls(&bench);
    assert_eq!(fourth.len(), 1);
    bench.cancel(4);
    bench.assert_settled();
}

#[test]
fn who_waits_too_long_is_told_so() {
    let bench = bench(1, |_| {});
    for id in 1..=3 {
        bench.call(id, "few");
    }
    let first = bench.drain_call();
    bench.advance(Duration::from_millis(40));
    bench.text(first.id, "1");
    bench.sink.one();
    // The second one runs since 40 ms, and the third one has waited for 60 ms.
    let second = bench.drain_call();
    bench.advance(Duration::from_millis(20));
    let late = bench.sink.one();
    assert_eq!(late["id"], 3);
    assert_eq!(error_of(&late).1, "Server busy: other calls of this handler did not end in time");
    bench.text(second.id, "2");
    assert_eq!(bench.sink.one()["id"], 2);
    bench.assert_settled();
}

/// Two calls whose deadlines pass at once: the end of the first gives the second a permit, and a time of its own.
#[test]
fn a_call_that_gets_its_permit_when_its_deadline_passes_has_its_whole_time() {
    let bench = bench(1, |_| {});
    bench.call(1, "few");
    bench.call(2, "few");
    let first = bench.drain_call();
    bench.advance(Duration::from_millis(60));
    assert!(result_text(&bench.sink.one()).contains("timed out"));
    assert!(bench.port.is_cancelled(first.id));
    let second = calls(&bench).remove(0);
    bench.advance(Duration::from_millis(40));
    bench.sink.nothing();
    assert!(bench.text(second.id, "2"));
    assert_eq!(result_text(&bench.sink.one()), "2");
    bench.assert_settled();
}

#[test]
fn a_call_that_waits_for_its_client_keeps_its_place_and_one_that_comes_back_takes_a_new_one() {
    let bench = bench(1, |_| {});
    bench.call(1, "few");
    let first = bench.drain_call();
    assert!(matches!(bench.port.ask(first.id, ask("x"), AskMode::Rerun), Ok(Asked::Suspended)));
    bench.port.complete(first.id, Outcome::Suspend).unwrap();
    let question = bench.sink.one();
    bench.call(2, "few");
    assert!(calls(&bench).is_empty());
    bench.answer(&question, accept("yes"));
    // The same call again, in its place.
    let again = bench.drain_call();
    assert_eq!(again.id, first.id);
    bench.text(again.id, "done");
    bench.sink.one();
    let second = bench.drain_call();
    bench.text(second.id, "2");
    bench.sink.one();
    // In 2026-07-28 the attempt ends with the question, and its place is free.
    bench.call_modern(3, "few");
    let third = bench.drain_call();
    assert!(matches!(bench.port.ask(third.id, ask("x"), AskMode::Rerun), Ok(Asked::Suspended)));
    bench.port.complete(third.id, Outcome::Suspend).unwrap();
    bench.sink.one();
    bench.drain();
    bench.call_modern(4, "few");
    bench.text(bench.drain_call().id, "4");
    bench.sink.one();
    bench.assert_settled();
}

/// Of two calls of each kind of entry, the second runs when the first has ended.
#[test]
fn every_kind_can_be_bounded() {
    let bench = Bench::legacy();
    let target = || Target::Lane { lane: LANE, handler: HandlerId(9) };
    let kinds = [
        (Entry::new(Kind::Resource, "few://a"), "resources/read", json!({ "uri": "few://a" })),
        (Entry::new(Kind::ResourceTemplate, "few://t/{x}"), "resources/read", json!({ "uri": "few://t/1" })),
        (Entry::new(Kind::Prompt, "few"), "prompts/get", json!({ "name": "few" })),
        (
            Entry::completion(Kind::ResourceTemplate, "few://t/{x}", "x"),
            "completion/complete",
            json!({ "ref": { "type": "ref/resource", "uri": "few://t/{x}" }, "argument": { "name": "x", "value": "" } }),
        ),
        (Entry::new(Kind::Method, "acme/few"), "acme/few", json!({})),
        (Entry::new(Kind::Method, "prompts/list"), "prompts/list", json!({})),
        (Entry::new(Kind::Notification, "acme/told"), "acme/told", json!({})),
        // Last, because it lists with whoever else is asked for resources.
        (Entry::new(Kind::ResourceProvider, "few://p/{x}"), "resources/list", json!({})),
    ];
    for (entry, method, params) in kinds {
        let (kind, name) = (entry.kind(), entry.name().to_owned());
        bench.server.add(entry.max_concurrency(1), target()).unwrap();
        for id in [1, 2] {
            let mut message = json!({ "jsonrpc": "2.0", "method": method, "params": params });
            if kind != Kind::Notification {
                message["id"] = json!(id);
            }
            bench.send(message);
        }
        for id in [1, 2] {
            let running = calls(&bench);
            assert_eq!(running.len(), 1, "{kind:?} {name}: call {id}");
            bench.port.complete(running[0].id, Outcome::Json(JsonSlice::from_value(&json!([])))).unwrap();
            if kind != Kind::Notification {
                assert_eq!(bench.sink.one()["id"], id, "{kind:?} {name}");
            }
        }
    }
    bench.assert_settled();
}

#[test]
fn none_at_a_time_is_refused() {
    let bench = Bench::new();
    let target = Target::Lane { lane: LANE, handler: HandlerId(9) };
    let refused = bench.server.add(Tool::new("none").max_concurrency(0), target).unwrap_err();
    assert!(refused.to_string().contains("max_concurrency must be a positive integer"), "{refused}");
}

/// The thread that gives a permit on has chosen the next call. That call ends before it gets the permit.
#[test]
fn a_call_that_ends_as_its_turn_comes_passes_its_permit_on_once() {
    let bench = Arc::new(bench(1, |_| {}));
    for id in 1..=4 {
        bench.call(id, "few");
    }
    let first = bench.drain_call();
    let other = bench.clone();
    *bench.environment.at_next_look.lock() = Some(Box::new(move || other.cancel(2)));
    bench.text(first.id, "1");
    assert_eq!(bench.sink.one()["id"], 1);
    let running = calls(&bench);
    let ids: Vec<_> = running.iter().map(|call| call.context.request_id.as_ref().unwrap().raw()).collect();
    assert_eq!(ids.len(), 1, "one permit, but these run: {ids:?}");
    bench.text(running[0].id, "3");
    bench.sink.one();
    bench.text(bench.drain_call().id, "4");
    bench.sink.one();
    bench.assert_settled();
}
