//! Retries: which calls run again, when, and how often.

use crate::support::*;
use serde_json::{Value, json};
use std::time::Duration;
use tenon_mcp::{
    AskMode, CallId, Entry, HandlerId, HostOp, JsonSlice, Kind, Outcome, RpcError, Spelling, Target, code,
};

const SECOND: Duration = Duration::from_secs(1);

fn target() -> Target {
    Target::Lane { lane: LANE, handler: HandlerId(1) }
}

fn add(bench: &Bench, kind: Kind, name: &str, policies: Value) -> Result<(), String> {
    let mut entry = Entry::new(kind, name);
    if kind == Kind::Tool {
        entry = entry.set("inputSchema", JsonSlice::from_value(&json!({ "type": "object" })));
    }
    entry
        .set_policies(&JsonSlice::from_value(&policies), Spelling::Rust)
        .map_err(|error| error.to_string())?;
    bench.server.add(entry, target()).map_err(|error| error.to_string())
}

/// A bench with the tool `fetch`, which is idempotent and has these policies.
fn bench(mut policies: Value) -> Bench {
    let bench = Bench::new();
    policies["idempotent"] = json!(true);
    add(&bench, Kind::Tool, "fetch", policies).unwrap();
    bench
}

fn raised() -> Outcome {
    Outcome::Exception("boom".into())
}

/// The run of the handler that has begun, if there is one.
fn begun(bench: &Bench) -> Option<CallId> {
    let mut calls = bench.drain().into_iter().filter_map(|op| match op {
        HostOp::Call(call) => Some(call.id),
        _ => None,
    });
    let first = calls.next();
    assert!(calls.next().is_none());
    first
}

/// Moves the clock until a handler begins. Returns how far that was. The deadlines of calls that have ended
/// may come first.
fn wait(bench: &Bench) -> Duration {
    let (began, woken) = (bench.engine.now(), bench.wakes.count());
    while bench.wakes.count() == woken {
        let next = bench.engine.next_deadline().expect("a deadline");
        bench.advance(next.saturating_duration_since(bench.engine.now()));
    }
    bench.engine.now() - began
}

#[test]
fn a_call_that_fails_runs_again_until_it_succeeds() {
    let bench = bench(json!({ "retry": { "attempts": 4, "backoff": 1000 } }));
    bench.call_modern(1, "fetch");
    for longest in [1, 2, 4] {
        let run = begun(&bench).expect("an attempt");
        bench.port.complete(run, raised()).unwrap();
        bench.sink.nothing();
        let waited = wait(&bench);
        assert!(SECOND * longest / 2 <= waited && waited <= SECOND * longest, "{waited:?} of {longest} s");
    }
    bench.text(begun(&bench).expect("the last attempt"), "works");
    assert_eq!(result_text(&bench.sink.one()), "works");
    bench.call_modern(2, "fetch");
    for attempt in 1..=4 {
        bench.port.complete(begun(&bench).unwrap(), raised()).unwrap();
        if attempt < 4 {
            wait(&bench);
        }
    }
    assert_eq!(result_text(&bench.sink.one()), "boom");
    bench.assert_settled();
}

/// The number of attempts, and the times between them, in 10,000 histories.
#[test]
fn calls_run_as_often_as_the_model_says() {
    let (mut retried, mut exhausted, mut late, mut refused) = (0, 0, 0, 0);
    for seed in 1..=1000_u64 {
        let mut random = Random(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15));
        let (attempts, backoff) = (2 + random.below(4), [100, 500, 2000][random.below(3)]);
        let (most, timeout) = ([300, 1500, 60_000][random.below(3)], [1000, 4000, 60_000][random.below(3)]);
        let percent = [1, 10, 50, 100][random.below(4)];
        let retry = json!({
            "attempts": attempts, "backoff": backoff, "max_backoff": most, "budget_percent": percent,
        });
        let bench = bench(json!({ "retry": retry, "timeout": timeout }));
        // A hundredth of a retry for each percent of each call, and at most ten retries.
        let mut budget = 1000;
        for id in 0..10 {
            bench.call_modern(id, "fetch");
            let began = bench.engine.now();
            let failures = random.below(7);
            for attempt in 1.. {
                let run = begun(&bench).expect("an attempt");
                let takes = Duration::from_millis([0, 1, 300][random.below(3)]);
                bench.advance(takes);
                let rest = Duration::from_millis(timeout).checked_sub(bench.engine.now() - began);
                let Some(rest) = rest.filter(|rest| !rest.is_zero()) else {
                    assert!(result_text(&bench.sink.one()).contains("timed out"), "{seed}");
                    assert!(bench.port.complete(run, raised()).is_err());
                    late += 1;
                    break;
                };
                if attempt > failures {
                    bench.text(run, "works");
                    assert_eq!(result_text(&bench.sink.one()), "works");
                    budget = (budget + percent).min(1000);
                    break;
                }
                bench.port.complete(run, raised()).unwrap();
                let longest = Duration::from_millis((backoff << (attempt - 1)).min(most));
                let answers = bench.sink.take();
                if attempt == attempts || budget < 100 {
                    assert_eq!(result_text(&answers[0]), "boom", "{seed}");
                    budget = (budget + percent).min(1000);
                    if attempt == attempts {
                        exhausted += 1
                    } else {
                        refused += 1
                    };
                    break;
                }
                if !answers.is_empty() {
                    // The time that was drawn does not fit into the rest of the call.
                    assert!(longest >= rest, "{seed}: {longest:?} {rest:?}");
                    assert_eq!(result_text(&answers[0]), "boom");
                    budget = (budget + percent).min(1000);
                    late += 1;
                    break;
                }
                budget -= 100;
                retried += 1;
                assert!(longest / 2 < rest, "{seed}");
                let waited = wait(&bench);
                assert!(
                    longest / 2 <= waited && waited <= longest && waited < rest,
                    "{seed}: {waited:?} of {longest:?}, rest {rest:?}"
                );
            }
            bench.drain();
        }
        assert_eq!(bench.engine.in_flight(), 0);
    }
    let seen = [retried, exhausted, late, refused];
    assert!(seen.iter().all(|times| *times > 300), "{seen:?}");
}

#[test]
fn only_what_is_declared_is_retried() {
    let failed = || Outcome::Failed("down".into());
    let result = || Outcome::Result(JsonSlice::from_value(&json!({ "content": [], "isError": true })));
    let error = || Outcome::Error(RpcError::new(-32050, "down"));
    let invalid = || Outcome::Error(RpcError::new(code::INVALID_PARAMS, "no such city"));
    let rubbish = || Outcome::Content(JsonSlice::from_value(&json!(5)));
    for (counts, outcome, again) in [
        (json!(null), raised as fn() -> Outcome, true),
        (json!(null), failed, false),
        (json!(null), result, false),
        (json!(null), error, false),
        (json!(null), rubbish, false),
        (json!(["failed"]), failed, true),
        (json!(["failed"]), result, true),
        (json!(["failed"]), raised, false),
        (json!(["errors"]), error, true),
        (json!(["errors"]), invalid, false),
    ] {
        let mut retry = json!({ "attempts": 2 });
        if !counts.is_null() {
            retry["counts"] = counts.clone();
        }
        let bench = bench(json!({ "retry": retry }));
        bench.call_modern(1, "fetch");
        bench.port.complete(begun(&bench).unwrap(), outcome()).unwrap();
        assert_eq!(bench.sink.take().is_empty(), again, "{counts} {:?}", outcome());
        if again {
            wait(&bench);
            bench.text(begun(&bench).unwrap(), "works");
        }
        bench.sink.take();
        bench.assert_settled();
    }
}

#[test]
fn a_call_that_has_asked_is_not_retried() {
    let bench = bench(json!({ "retry": 3 }));
    bench.initialize(LEGACY);
    bench.call(1, "fetch");
    let run = begun(&bench).unwrap();
    bench.port.ask(run, ask("name"), AskMode::Park).unwrap();
    let question = bench.sink.one();
    bench.answer(&question, accept("ann"));
    bench.drain();
    bench.port.complete(run, raised()).unwrap();
    assert_eq!(result_text(&bench.sink.one()), "boom");
    // In 2026-07-28 the round with the answer is another request.
    bench.call_modern(2, "fetch");
    let run = begun(&bench).unwrap();
    bench.port.ask(run, ask("name"), AskMode::Rerun).unwrap();
    bench.port.complete(run, Outcome::Suspend).unwrap();
    let asked = bench.sink.one();
    let mut again = modern(call(json!(3), "fetch", json!({})));
    again["params"]["requestState"] = asked["result"]["requestState"].clone();
    again["params"]["inputResponses"] = json!({ "name": accept("ann") });
    bench.send(again);
    bench.port.complete(begun(&bench).unwrap(), raised()).unwrap();
    assert_eq!(result_text(&bench.sink.one()), "boom");
    bench.assert_settled();
}

/// What a stage answers is no outcome of the handler. The next attempt would pass the stage by.
#[test]
fn the_answer_of_a_stage_is_not_retried() {
    let limit = json!({ "amount": 1, "per": 3_600_000, "refusal": "result" });
    let all = json!(["failed", "errors", "exceptions"]);
    let bench =
        bench(json!({ "retry": { "attempts": 3, "backoff": 1, "counts": all }, "rate_limit": limit }));
    bench.call_modern(1, "fetch");
    bench.text(begun(&bench).unwrap(), "once");
    bench.sink.take();
    for id in 2..40 {
        bench.call_modern(id, "fetch");
        assert!(result_text(&bench.sink.one()).starts_with("Too many calls"));
        bench.advance(SECOND);
        assert!(begun(&bench).is_none());
    }
    let state = bench.server.policies(Kind::Tool, "fetch").unwrap().to_value().unwrap();
    assert_eq!(state["state"]["retry"]["left"], 10, "nothing was retried");
    bench.assert_settled();
}

/// Nor is the outcome of another call that a cache passes on.
#[test]
fn a_shared_failure_is_not_retried_once_more() {
    let retry = json!({ "attempts": 2, "backoff": 100, "counts": ["failed"] });
    let bench = bench(json!({ "retry": retry, "cache": 60_000 }));
    for id in 1..=5 {
        bench.call_modern(id, "fetch");
    }
    bench.port.complete(begun(&bench).unwrap(), Outcome::Failed("down".into())).unwrap();
    wait(&bench);
    bench.port.complete(begun(&bench).unwrap(), Outcome::Failed("down".into())).unwrap();
    assert_eq!(bench.sink.take().iter().map(result_text).collect::<Vec<_>>(), ["down"; 5]);
    bench.advance(60 * SECOND);
    assert!(begun(&bench).is_none());
    bench.assert_settled();
}

/// A call that waits for its next attempt can be cancelled, can be cut off, and holds nothing that others need.
#[test]
fn a_call_between_attempts_is_still_a_call() {
    let bench = bench(json!({ "retry": { "attempts": 3, "backoff": 10_000 }, "max_concurrency": 1 }));
    let fail = |id| {
        bench.call_modern(id, "fetch");
        bench.port.complete(begun(&bench).unwrap(), raised()).unwrap();
        bench.sink.nothing();
    };
    fail(1);
    bench.call_modern(2, "fetch");
    bench.text(begun(&bench).expect("the permit is free"), "other");
    assert_eq!(result_text(&bench.sink.one()), "other");
    bench.cancel(1);
    assert!(begun(&bench).is_none());
    bench.advance(60 * SECOND);
    assert!(begun(&bench).is_none(), "it is cancelled");
    fail(3);
    // The permit is taken when its time comes, so it waits, with the rest of its time.
    bench.call_modern(4, "fetch");
    let other = begun(&bench).unwrap();
    bench.advance(10 * SECOND);
    assert!(begun(&bench).is_none());
    bench.text(other, "other");
    bench.sink.take();
    bench.text(begun(&bench).expect("it has the permit"), "works");
    assert_eq!(result_text(&bench.sink.one()), "works");
    fail(5);
    bench.engine.cancel_all(tenon_mcp::CancelReason::Closing);
    assert!(error_of(&bench.sink.one()).1.contains("shutting down"));
    bench.assert_settled();
}

/// A failure counts for the circuit breaker, and an open circuit is not worth an attempt.
#[test]
fn an_open_circuit_ends_the_attempts() {
    let breaker = json!({ "failures": 2, "open_for": 60_000 });
    let bench = bench(json!({ "retry": { "attempts": 5, "backoff": 100 }, "circuit_breaker": breaker }));
    bench.call_modern(1, "fetch");
    bench.port.complete(begun(&bench).unwrap(), raised()).unwrap();
    wait(&bench);
    bench.port.complete(begun(&bench).unwrap(), raised()).unwrap();
    assert_eq!(result_text(&bench.sink.one()), "boom", "the failure says more than that the circuit is open");
    bench.call_modern(2, "fetch");
    assert!(error_of(&bench.sink.one()).1.contains("have failed"));
    bench.assert_settled();
}

/// Nobody else sees the failures of single attempts.
#[test]
fn calls_that_wait_for_a_cache_get_the_last_attempt() {
    let bench = bench(json!({ "retry": { "attempts": 2, "backoff": 100 }, "cache": 60_000 }));
    bench.call_modern(1, "fetch");
    bench.call_modern(2, "fetch");
    bench.port.complete(begun(&bench).unwrap(), raised()).unwrap();
    wait(&bench);
    bench.text(begun(&bench).unwrap(), "works");
    assert_eq!(bench.sink.take().iter().map(result_text).collect::<Vec<_>>(), ["works"; 2]);
    bench.assert_settled();
}

#[test]
fn a_handler_that_may_not_run_again_is_refused() {
    let bench = Bench::new();
    let why = "a handler that may not run again cannot be retried: set idempotent, or leave out retry";
    for (kind, name, policies) in [
        (Kind::Tool, "a", json!({ "retry": 3 })),
        (Kind::Tool, "a", json!({ "retry": 3, "idempotent": false })),
        (Kind::Method, "example/a", json!({ "retry": 3 })),
        (Kind::Resource, "a:b", json!({ "retry": 3, "idempotent": false })),
    ] {
        assert!(add(&bench, kind, name, policies).unwrap_err().ends_with(why), "{name}");
    }
    for (kind, name) in [(Kind::Resource, "a:b"), (Kind::ResourceTemplate, "a:{x}"), (Kind::Prompt, "p")] {
        add(&bench, kind, name, json!({ "retry": 3 })).unwrap();
    }
    for hint in ["readOnlyHint", "idempotentHint"] {
        let entry =
            Entry::new(Kind::Tool, hint).set("annotations", JsonSlice::from_value(&json!({ hint: true })));
        bench.server.add(entry.retry(tenon_mcp::Retry::new(2)), target()).unwrap();
    }
    let confirmed = json!({ "retry": 3, "idempotent": true, "confirm": "Sure?" });
    assert!(add(&bench, Kind::Tool, "c", confirmed).unwrap_err().contains("set retry or confirm"));
}
