//! Timeouts of calls.

use crate::support::*;
use std::sync::Arc;
use std::time::Duration;
use tenon_mcp::{AskMode, Asked, CancelReason, HandlerId, HostOp, Target};

const MS: Duration = Duration::from_millis(1);

#[test]
fn a_call_past_its_deadline_is_answered_and_its_late_outcome_is_stale() {
    let bench = Bench::legacy();
    bench.call(1, "fast");
    let call = bench.drain_call();
    bench.advance(49 * MS);
    bench.sink.nothing();
    assert!(!bench.port.is_cancelled(call.id));
    bench.advance(MS);
    let answer = bench.sink.one();
    assert_eq!(answer["id"], 1);
    assert_eq!(answer["result"]["isError"], true);
    assert_eq!(result_text(&answer), "tool \"fast\" timed out after 50 ms");
    assert!(bench.port.is_cancelled(call.id));
    assert!(!bench.text(call.id, "late"));
    bench.sink.nothing();
    match &bench.drain()[..] {
        [HostOp::Cancel { call: cancelled, reason: CancelReason::TimedOut }] => {
            assert_eq!(*cancelled, call.id)
        }
        other => panic!("{other:?}"),
    }
    bench.assert_settled();
}

#[test]
fn a_host_that_never_drains_does_not_hear_of_calls_that_timed_out() {
    let bench = Bench::legacy();
    bench.call(1, "fast");
    bench.advance(50 * MS);
    assert_eq!(bench.sink.one()["result"]["isError"], true);
    assert!(bench.drain().is_empty());
    bench.assert_settled();
}

#[test]
fn a_modern_attempt_that_times_out_with_its_questions_unsent_says_what_timed_out() {
    let bench = Bench::new();
    bench.call_modern(1, "fast");
    let call = bench.drain_call();
    assert!(matches!(bench.port.ask(call.id, ask("x"), AskMode::Park), Ok(Asked::Suspended)));
    bench.advance(50 * MS);
    assert_eq!(result_text(&bench.sink.one()), "tool \"fast\" timed out after 50 ms");
    bench.assert_settled();
}

#[test]
fn each_call_has_its_own_deadline() {
    let bench = Bench::legacy();
    bench.call(1, "slow");
    bench.call(2, "fast");
    bench.advance(20 * MS);
    bench.call(3, "fast");
    bench.drain();
    bench.advance(30 * MS);
    assert_eq!(bench.sink.one()["id"], 2);
    bench.advance(20 * MS);
    assert_eq!(bench.sink.one()["id"], 3);
    bench.advance(Duration::from_secs(300));
    let answer = bench.sink.one();
    assert_eq!(answer["id"], 1);
    assert_eq!(result_text(&answer), "tool \"slow\" timed out after 300000 ms");
    assert_eq!(bench.engine.next_deadline(), None);
    bench.assert_settled();
}

#[test]
fn the_timer_is_woken_only_when_the_next_deadline_becomes_earlier() {
    let bench = Bench::legacy();
    let timer = Arc::new(Wakes::default());
    bench.engine.set_timer(timer.clone());
    bench.call(1, "slow");
    assert_eq!(timer.count(), 1);
    bench.call(2, "slow");
    assert_eq!(timer.count(), 1);
    bench.call(3, "fast");
    assert_eq!(timer.count(), 2);
    assert_eq!(bench.engine.next_deadline(), Some(bench.engine.now() + 50 * MS));
}

#[test]
fn a_timeout_without_end_is_no_deadline() {
    let bench = Bench::legacy();
    let endless = tool("endless").timeout(Duration::MAX);
    bench.server.add(endless, Target::Lane { lane: LANE, handler: HandlerId(1) }).unwrap();
    // The client is told of the new tool.
    bench.advance(10 * MS);
    bench.call(1, "endless");
    assert_eq!(bench.engine.next_deadline(), None);
    let call = bench.drain_call();
    assert!(bench.text(call.id, "done"));
    assert_eq!(result_text(&bench.sink.one()), "done");
}
