//! Limits on what one client or one host can make the engine hold.

use crate::support::*;
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;
use tenon_mcp::transport::{Peer, Sink};
use tenon_mcp::{CancelReason, Drained, HostOp};

#[test]
fn a_full_lane_answers_busy_and_other_lanes_go_on() {
    let bench = Bench::legacy_with(|limits| limits.max_lane_calls = 2);
    for id in 1..=3 {
        bench.call(id, "slow");
    }
    let refused = bench.sink.one();
    assert_eq!(refused["id"], 3);
    let (code, text) = error_of(&refused);
    assert_eq!(code, -32603);
    assert!(text.contains("busy") && text.contains('2'), "{text}");
    bench.call(4, "other");
    bench.sink.nothing();
    let first = crate::calls::completion::started(&bench.drain()[0]);
    assert!(bench.text(first, "done"));
    bench.sink.take();
    bench.call(5, "slow");
    bench.sink.nothing();
    assert_eq!(bench.engine.in_flight(), 3);
}

#[test]
fn one_client_cannot_fill_a_lane() {
    // Of a channel both eras count, because both belong to one client.
    let bench = Bench::legacy_with(|limits| limits.max_peer_calls = 2);
    bench.call(1, "slow");
    bench.call_modern(2, "other");
    bench.call(3, "slow");
    let refused = bench.sink.one();
    assert_eq!((&refused["id"], error_of(&refused).0), (&json!(3), -32603));
    assert!(error_of(&refused).1.contains("2 calls of this client"), "{refused}");
    // Somebody else is served, and so is this one when a call of its own has ended.
    let (peer, sink) = (Peer::new(None), Arc::new(Recorder::default()));
    let as_sink: Arc<dyn Sink> = sink.clone();
    bench.engine.receive(&peer, &as_sink, modern(call(json!(1), "slow", json!({}))).to_string().into());
    sink.nothing();
    bench.cancel(1);
    bench.call(4, "slow");
    bench.sink.nothing();
    bench.engine.close_peer(&peer, CancelReason::Disconnected);
    bench.engine.close_peer(&bench.peer, CancelReason::Disconnected);
    bench.assert_settled();
}

#[test]
fn a_full_table_answers_busy_and_gives_the_lanes_credit_back() {
    let bench = Bench::legacy_with(|limits| {
        limits.max_calls = 2;
        limits.max_lane_calls = 2;
    });
    bench.call(1, "other");
    bench.call(2, "slow");
    let call = bench.drain_call();
    for id in 3..20 {
        bench.call(id, "slow");
        let (code, text) = error_of(&bench.sink.one()).to_owned_pair();
        assert_eq!(code, -32603);
        assert!(text.contains("busy") && text.contains("2 calls are in flight"), "{text}");
    }
    assert!(bench.text(call.id, "done"));
    bench.sink.take();
    bench.call(20, "slow");
    bench.sink.nothing();
}

trait ToOwnedPair {
    fn to_owned_pair(self) -> (i64, String);
}

impl ToOwnedPair for (i64, &str) {
    fn to_owned_pair(self) -> (i64, String) {
        (self.0, self.1.to_owned())
    }
}

#[test]
fn the_queue_of_a_host_that_never_drains_stays_bounded() {
    const LIMIT: usize = 8;
    let bench = Bench::legacy_with(|limits| limits.max_lane_calls = LIMIT);
    // Delivered once and then never again: the worst case, as each of these owes the host a cancellation.
    for id in 0..LIMIT as u64 {
        bench.call(id, "slow");
    }
    assert_eq!(bench.drain().len(), LIMIT);
    for id in 0..LIMIT as u64 {
        bench.cancel(id);
    }
    for id in 100..1000 {
        bench.call(id, "fast");
        bench.sink.nothing();
        bench.cancel(id);
    }
    let mut ops = Vec::new();
    let mut batches = 0;
    while bench.lane.drain(1, Duration::MAX, &mut ops) == Drained::More {
        batches += 1;
    }
    assert!(batches <= 2 * LIMIT, "{batches} operations were queued");
    assert_eq!(ops.len(), LIMIT);
    assert!(ops.iter().all(|op| matches!(op, HostOp::Cancel { .. })));
    bench.assert_settled();
}

#[test]
fn a_lane_keeps_what_came_before_its_host() {
    let bench = Bench::legacy();
    bench.call(1, "other");
    bench.call(2, "other");
    let wakes = Arc::new(Wakes::default());
    let lane = bench.port.lane(OTHER_LANE, wakes.clone());
    assert_eq!(wakes.count(), 1);
    let mut ops = Vec::new();
    assert_eq!(lane.drain(1, Duration::MAX, &mut ops), Drained::More);
    assert_eq!(wakes.count(), 2, "what stays behind wakes again");
    assert_eq!(lane.drain(1, Duration::MAX, &mut ops), Drained::Empty);
    assert_eq!(ops.len(), 2);
}

#[test]
fn wakes_are_coalesced_until_a_drain() {
    let bench = Bench::legacy();
    for id in 1..=5 {
        bench.call(id, "slow");
    }
    assert_eq!(bench.wakes.count(), 1);
    assert_eq!(bench.drain().len(), 5);
    bench.call(6, "slow");
    assert_eq!(bench.wakes.count(), 2);
}

#[test]
fn a_drain_stops_at_its_budget() {
    let bench = Bench::legacy();
    for id in 0..100 {
        bench.call(id, "slow");
    }
    let mut ops = Vec::new();
    assert_eq!(bench.lane.drain(64, Duration::ZERO, &mut ops), Drained::More);
    assert!(!ops.is_empty() && ops.len() < 64, "{}", ops.len());
    while bench.lane.drain(64, Duration::ZERO, &mut ops) == Drained::More {}
    assert_eq!(ops.len(), 100);
}

#[test]
fn a_result_over_the_limit_fails_the_call_and_says_so() {
    let bench = Bench::legacy_with(|limits| limits.max_result_bytes = 8);
    bench.call(1, "slow");
    let call = crate::calls::completion::started(&bench.drain()[0]);
    assert!(bench.text(call, "123456789"));
    let answer = bench.sink.one();
    assert_eq!(answer["result"]["isError"], true);
    let text = answer["result"]["content"][0]["text"].as_str().unwrap();
    assert!(text.contains("\"slow\"") && text.contains("9 bytes") && text.contains("limit is 8"), "{text}");
}
