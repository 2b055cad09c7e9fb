//! What is never kept, and what happens to the calls that wait.

use super::*;
use tenon_mcp::{AskMode, RpcError};

/// All calls that wait for a handler that raises get its failure, which is not kept.
#[test]
fn a_failure_answers_all_who_wait_and_is_not_kept() {
    let bench = bench(json!({ "cache": 60_000, "circuit_breaker": { "failures": 2 } }));
    let callers: Vec<_> = (0..20).map(|_| Caller::new(None)).collect();
    let failures = [
        raised(),
        Outcome::Failed("down".into()),
        Outcome::Error(RpcError::new(-32050, "down")),
        Outcome::Result(JsonSlice::from_value(&json!({ "content": [], "isError": true }))),
    ];
    for failure in failures {
        let run = callers[0].runs(&bench, json!({}));
        for caller in &callers[1..] {
            caller.start(&bench, json!({}));
        }
        bench.port.complete(run, failure.clone()).unwrap();
        let first = callers[0].sink.one();
        for caller in &callers[1..] {
            let mut answer = caller.sink.one();
            answer["id"] = first["id"].clone();
            assert_eq!(answer, first, "{failure:?}");
        }
        assert!(begun(&bench).is_empty(), "the handler runs once");
    }
    callers[0].produces(&bench, json!({}), "it works again");
    bench.assert_settled();
}

/// A client may call again as soon as it has the response, and must not get the failure once more.
#[test]
fn a_failure_is_over_before_its_client_has_it() {
    let bench = Arc::new(bench(json!({ "cache": 60_000 })));
    let (one, other) = (Caller::new(None), Caller::new(None));
    let run = one.runs(&bench, json!({}));
    let (again, peer, sink) = (bench.clone(), other.peer.clone(), other.sink.clone());
    *one.sink.at_next_response.lock() = Some(Box::new(move || {
        let sink: Arc<dyn Sink> = sink;
        let request = modern(call(json!(1), "fetch", json!({})));
        again.engine.receive(&peer, &sink, request.to_string().into());
    }));
    bench.port.complete(run, raised()).unwrap();
    assert_eq!(result_text(&one.sink.one()), "boom");
    other.sink.nothing();
    done(&bench, begun(&bench).pop().expect("a run of its own").id, "works");
    assert_eq!(result_text(&other.sink.one()), "works");
    bench.assert_settled();
}

#[test]
fn a_timeout_answers_all_who_wait() {
    let bench = bench(json!({ "cache": 60_000, "timeout": 1000 }));
    let (one, other) = (Caller::new(None), Caller::new(None));
    one.runs(&bench, json!({}));
    bench.advance(SECOND / 2);
    other.start(&bench, json!({}));
    bench.advance(SECOND / 2);
    for caller in [&one, &other] {
        assert_eq!(result_text(&caller.sink.one()), "tool \"fetch\" timed out after 1000 ms");
    }
    bench.assert_settled();
}

/// If the call that produces is cancelled, the one that has waited longest takes over, however many follow.
#[test]
fn a_cancelled_call_is_taken_over() {
    let bench = bench(json!({ "cache": 60_000, "timeout": 1000 }));
    let callers: Vec<_> = (0..5).map(|_| Caller::new(None)).collect();
    callers[0].runs(&bench, json!({}));
    for caller in &callers[1..] {
        caller.start(&bench, json!({}));
    }
    callers[3].cancel(&bench, 0);
    bench.advance(SECOND - Duration::from_millis(1));
    callers[0].cancel(&bench, 0);
    assert_eq!(begun(&bench).len(), 1);
    // It has its whole time from now on.
    bench.advance(SECOND - Duration::from_millis(1));
    callers[1].sink.nothing();
    // The others have waited for a whole timeout.
    for caller in [&callers[2], &callers[4]] {
        assert!(error_of(&caller.sink.one()).1.contains("another call that produces the same result"));
    }
    bench.engine.close_peer(&callers[1].peer, tenon_mcp::CancelReason::Disconnected);
    bench.assert_settled();
}

/// Calls that are refused after each other do not end within each other.
#[test]
fn many_calls_that_are_refused_in_turn_need_no_stack() {
    let limit = json!({ "amount": 1, "per": 60_000, "counts": "misses" });
    let bench = Bench::with(|limits| limits.max_waiting_calls = 10_000);
    add(&bench, "fetch", json!({ "cache": { "ttl": 60_000, "public": true }, "rate_limit": limit })).unwrap();
    let callers: Vec<_> = (0..200).map(|_| Caller::new(None)).collect();
    for _ in 0..10 {
        for caller in &callers {
            caller.start(&bench, json!({}));
        }
    }
    // The first call took the only piece. Whoever takes over is refused.
    callers[0].cancel(&bench, 0);
    for (number, caller) in callers.iter().enumerate() {
        let answers = caller.sink.take();
        assert_eq!(answers.len(), if number == 0 { 9 } else { 10 });
        assert!(answers.iter().all(|answer| error_of(answer).1.starts_with("Too many calls")));
    }
    bench.drain();
    bench.assert_settled();
}

/// The refusal of one caller is not that of another, who waits.
#[test]
fn a_refusal_is_not_shared() {
    let limit = json!({
        "amount": 1, "per": 3_600_000, "by": "principal", "counts": "misses", "refusal": "result",
    });
    let bench =
        bench(json!({ "cache": { "ttl": 1000, "public": true }, "rate_limit": limit, "max_concurrency": 1 }));
    let [ann, ben] = ["ann", "ben"].map(|name| Caller::new(Some(name.into())));
    ann.produces(&bench, json!({}), "one");
    bench.advance(SECOND);
    ann.start(&bench, json!({}));
    assert!(result_text(&ann.sink.one()).starts_with("Too many calls"));
    ben.produces(&bench, json!({}), "two");
    bench.assert_settled();
}

/// Calls that wait for a result hold no credit of their lane, and their number is bounded.
#[test]
fn calls_that_wait_leave_room_for_others() {
    let bench = Bench::with(|limits| (limits.max_lane_calls, limits.max_waiting_calls) = (4, 6));
    add(&bench, "fetch", json!({ "cache": 60_000 })).unwrap();
    let caller = Caller::new(None);
    let run = caller.runs(&bench, json!({}));
    for _ in 0..6 {
        caller.start(&bench, json!({}));
    }
    caller.sink.nothing();
    caller.start(&bench, json!({}));
    let busy = "Server busy: 6 calls wait for one result of tool \"fetch\" (max_waiting_calls)";
    assert_eq!(error_of(&caller.sink.one()).1, busy);
    for id in 100..103 {
        bench.call_modern(id, "slow");
    }
    assert_eq!(begun(&bench).len(), 3, "the lane has room for other calls");
    bench.sink.nothing();
    (100..103).for_each(|id| bench.cancel(id));
    bench.drain();
    done(&bench, run, "one");
    assert_eq!(caller.sink.take().len(), 7);
    bench.assert_settled();
}

/// The result of a call that asked its user is for that user. Those who wait go on as soon as it asks.
#[test]
fn what_the_user_was_asked_is_not_kept() {
    let bench = bench(json!({ "cache": 60_000 }));
    bench.initialize(LEGACY);
    bench.call(1, "fetch");
    let run = begun(&bench).pop().unwrap().id;
    let other = Caller::new(None);
    other.start(&bench, json!({}));
    assert!(begun(&bench).is_empty());
    bench.port.ask(run, ask("name"), AskMode::Park).unwrap();
    let own = begun(&bench).pop().expect("the other call runs").id;
    done(&bench, own, "for the other one");
    assert_eq!(result_text(&other.sink.one()), "for the other one");
    let question = bench.sink.one();
    bench.answer(&question, accept("ann"));
    done(&bench, run, "for ann");
    assert_eq!(result_text(&bench.sink.one()), "for ann");
    other.produces(&bench, json!({}), "not kept");
    bench.assert_settled();
}

/// In 2026-07-28 the round with the answer is for its user, too.
#[test]
fn a_round_with_answers_neither_looks_nor_keeps() {
    let bench = bench(json!({ "cache": 60_000 }));
    let caller = Caller::new(None);
    let run = caller.runs(&bench, json!({}));
    bench.port.ask(run, ask("name"), AskMode::Rerun).unwrap();
    bench.port.complete(run, Outcome::Suspend).unwrap();
    let asked = caller.sink.one();
    caller.produces(&bench, json!({}), "of another call");
    let mut again = modern(call(json!(50), "fetch", json!({})));
    again["params"]["requestState"] = asked["result"]["requestState"].clone();
    again["params"]["inputResponses"] = json!({ "name": accept("ann") });
    caller.send(&bench, again);
    let run = begun(&bench).pop().expect("the round runs").id;
    done(&bench, run, "for ann");
    assert_eq!(result_text(&caller.sink.one()), "for ann");
    assert_eq!(caller.kept(&bench, json!({})), "of another call");
    bench.assert_settled();
}

/// At the end of the server, nobody waits for ever.
#[test]
fn a_shutdown_ends_those_who_wait() {
    let bench = bench(json!({ "cache": 60_000 }));
    let callers: Vec<_> = (0..5).map(|_| Caller::new(None)).collect();
    for caller in &callers {
        caller.start(&bench, json!({}));
    }
    bench.engine.cancel_all(tenon_mcp::CancelReason::Closing);
    for caller in &callers {
        assert!(error_of(&caller.sink.one()).1.contains("shutting down"));
    }
    assert_eq!(bench.engine.in_flight(), 0);
}
