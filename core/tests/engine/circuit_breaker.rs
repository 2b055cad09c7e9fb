//! Circuit breakers: what counts as a failure, what a refused client receives, and when calls pass again.

use crate::support::*;
use serde_json::{Value, json};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tenon_mcp::{
    AskMode, CallId, CircuitBreaker, Entry, Failure, HandlerId, HostOp, JsonSlice, Kind, Outcome, RpcError,
    Spelling, Target, Tool, code,
};

const SECOND: Duration = Duration::from_secs(1);

/// The id of the next request.
static NEXT: AtomicU64 = AtomicU64::new(100);

fn target() -> Target {
    Target::Lane { lane: LANE, handler: HandlerId(1) }
}

fn bench(breaker: Value) -> Bench {
    let bench = Bench::new();
    add(&bench, json!({ "circuit_breaker": breaker }));
    bench
}

fn add(bench: &Bench, policies: Value) {
    let schema = json!({ "type": "object", "properties": { "api": {} }, "additionalProperties": false });
    let mut entry = Entry::new(Kind::Tool, "fetch").set("inputSchema", JsonSlice::from_value(&schema));
    entry.set_policies(&JsonSlice::from_value(&policies), Spelling::Rust).unwrap();
    bench.server.add(entry, target()).unwrap();
}

/// Starts a call. Returns its id, if it is admitted.
fn start(bench: &Bench, arguments: Value) -> Option<CallId> {
    let id = NEXT.fetch_add(1, Ordering::Relaxed);
    bench.send(modern(call(json!(id), "fetch", arguments)));
    let mut ops = bench.drain();
    match ops.pop() {
        Some(HostOp::Call(call)) => Some(call.id),
        None => None,
        other => panic!("{other:?}"),
    }
}

/// Calls the tool with this outcome of its handler. Returns whether it ran.
fn run(bench: &Bench, outcome: Outcome) -> bool {
    run_with(bench, json!({}), outcome)
}

fn run_with(bench: &Bench, arguments: Value, outcome: Outcome) -> bool {
    let running = start(bench, arguments);
    if let Some(id) = running {
        bench.port.complete(id, outcome).unwrap();
        bench.sink.take();
    }
    running.is_some()
}

fn raised() -> Outcome {
    Outcome::Exception("boom".into())
}

fn done() -> Outcome {
    Outcome::Text("done".into())
}

#[test]
fn calls_are_refused_after_failures_until_a_probe_succeeds() {
    let bench = bench(json!({ "failures": 3, "open_for": 10_000 }));
    assert!(run(&bench, raised()) && run(&bench, raised()) && run(&bench, done()), "a success starts anew");
    assert!(run(&bench, raised()) && run(&bench, raised()) && run(&bench, raised()));
    bench.advance(Duration::from_millis(2500));
    assert!(!run(&bench, done()));
    let answer = bench.sink.one();
    let text = "Calls of tool \"fetch\" have failed, so none is made; retry in 8 s";
    assert_eq!(error_of(&answer), (-32603, text));
    assert_eq!(answer["error"]["data"], json!({ "retryAfterMs": 7500 }));
    assert!(
        {
            bench.call_modern(2, "slow");
            bench.drain().len() == 1
        },
        "other tools are not concerned"
    );
    bench.cancel(2);

    bench.advance(8 * SECOND);
    let probe = start(&bench, json!({})).expect("a probe");
    assert!(!run(&bench, done()), "one probe at a time");
    assert!(error_of(&bench.sink.one()).1.ends_with("retry in 1 s"));
    bench.port.complete(probe, raised()).unwrap();
    bench.sink.take();
    assert!(!run(&bench, done()), "the probe has failed");
    bench.sink.take();
    bench.advance(10 * SECOND);
    assert!(run(&bench, done()));
    for _ in 0..2 {
        assert!(run(&bench, raised()));
    }
    assert!(run(&bench, done()), "it is closed");
    bench.assert_settled();
}

#[test]
fn only_what_is_declared_counts_as_a_failure() {
    let invalid = || Outcome::Error(RpcError::new(code::INVALID_PARAMS, "no such city"));
    let error = || Outcome::Error(RpcError::new(-32050, "down"));
    let failed = || Outcome::Failed("down".into());
    let result = || Outcome::Result(JsonSlice::from_value(&json!({ "content": [], "isError": true })));
    let rubbish = || Outcome::Content(JsonSlice::from_value(&json!(5)));
    for (counts, outcome, opens) in [
        (vec![], raised as fn() -> Outcome, true),
        (vec![], rubbish, true),
        (vec![], failed, false),
        (vec![], result, false),
        (vec![], error, false),
        (vec![], invalid, false),
        (vec!["failed"], failed, true),
        (vec!["failed"], result, true),
        (vec!["failed"], raised, false),
        (vec!["errors"], error, true),
        (vec!["errors"], invalid, false),
        (vec!["errors", "exceptions"], raised, true),
    ] {
        let mut breaker = json!({ "failures": 2 });
        if !counts.is_empty() {
            breaker["counts"] = json!(counts);
        }
        let bench = bench(breaker);
        assert!(run(&bench, outcome()) && run(&bench, outcome()));
        assert_eq!(run(&bench, done()), !opens, "{counts:?} {:?}", outcome());
        bench.sink.take();
        bench.assert_settled();
    }
}

#[test]
fn timeouts_count_and_cancelled_calls_do_not() {
    let bench = Bench::new();
    add(&bench, json!({ "circuit_breaker": { "failures": 2 }, "timeout": 1000 }));
    for id in 0..10 {
        bench.send(modern(call(json!(id), "fetch", json!({}))));
        assert_eq!(bench.drain().len(), 1);
        bench.cancel(id);
        bench.drain();
    }
    for _ in 0..2 {
        start(&bench, json!({})).expect("it is closed");
        bench.advance(SECOND);
        assert!(result_text(&bench.sink.one()).contains("timed out"));
        bench.drain();
    }
    assert!(!run(&bench, done()));
    bench.sink.take();
    bench.assert_settled();
}

#[test]
fn a_probe_that_is_cancelled_makes_room_for_another() {
    let bench = bench(json!({ "failures": 1, "open_for": 1000 }));
    assert!(run(&bench, raised()));
    bench.advance(SECOND);
    for id in 7..10 {
        bench.send(modern(call(json!(id), "fetch", json!({}))));
        assert_eq!(bench.drain().len(), 1, "a probe");
        bench.cancel(id);
        bench.drain();
    }
    assert!(run(&bench, done()));
    assert!(run(&bench, done()));
}

#[test]
fn a_call_that_began_before_the_circuit_opened_does_not_close_it() {
    let bench = bench(json!({ "failures": 1, "open_for": 10_000 }));
    let early = start(&bench, json!({})).unwrap();
    bench.send(modern(call(json!(2), "fetch", json!({}))));
    let HostOp::Call(second) = bench.drain().pop().unwrap() else { panic!("no call") };
    bench.port.complete(second.id, raised()).unwrap();
    bench.sink.take();
    bench.advance(10 * SECOND);
    bench.port.complete(early, done()).unwrap();
    bench.sink.take();
    let probe = start(&bench, json!({})).expect("a probe");
    assert!(start(&bench, json!({})).is_none(), "it is still half-open");
    bench.sink.take();
    bench.port.complete(probe, done()).unwrap();
    bench.sink.take();
    assert!(run(&bench, done()));
}

#[test]
fn values_of_an_argument_have_circuits_of_their_own_and_the_text_names_them() {
    let bench = bench(json!({
        "failures": 1,
        "open_for": 10_000,
        "by": "arguments.api",
        "text": "Circuit breaker open for {api}. {other} {wait}",
        "refusal": "result",
    }));
    let (one, two) = (json!({ "api": "one" }), json!({ "api": { "two": [2] } }));
    assert!(run_with(&bench, one.clone(), raised()));
    assert!(run_with(&bench, two.clone(), done()));
    assert!(run_with(&bench, two.clone(), raised()));
    assert!(run_with(&bench, json!({}), done()));
    assert!(!run_with(&bench, one, done()));
    let answer = bench.sink.one();
    assert_eq!(
        (&answer["result"]["isError"], result_text(&answer)),
        (&json!(true), "Circuit breaker open for one. {other} 10")
    );
    assert!(!run_with(&bench, two, done()));
    assert!(result_text(&bench.sink.one()).starts_with("Circuit breaker open for {\"two\":[2]}."));
}

#[test]
fn a_call_with_questions_ends_for_its_breaker_when_it_ends() {
    let bench = bench(json!({ "failures": 1, "open_for": 1000 }));
    let asking = start(&bench, json!({})).unwrap();
    bench.port.ask(asking, ask("which"), AskMode::Rerun).unwrap();
    bench.port.complete(asking, Outcome::Suspend).unwrap();
    assert_eq!(bench.sink.one()["result"]["resultType"], "input_required");
    assert!(run(&bench, raised()), "the first round was no result");
    assert!(!run(&bench, done()));
}

#[test]
fn a_breaker_is_declared_by_types() {
    let bench = Bench::new();
    let breaker = CircuitBreaker::new(1, SECOND).counts([Failure::Failed]).text("open");
    let tool = Tool::new("fetch").input_schema(JsonSlice::from_value(&json!({ "type": "object" })));
    bench.server.add(tool.clone().circuit_breaker(breaker), target()).unwrap();
    assert!(run(&bench, Outcome::Failed("down".into())));
    assert!(!run(&bench, done()));
    assert_eq!(error_of(&bench.sink.one()).1, "open");
    let wrong = Tool::new("other").circuit_breaker(CircuitBreaker::default().failures(0_usize));
    let said = bench.server.add(wrong, target()).unwrap_err();
    assert!(said.message().contains("circuit_breaker: failures must be a positive integer, not 0"), "{said}");
}

#[test]
fn what_the_client_got_wrong_is_no_failure_of_a_tool() {
    let bench = bench(json!({ "failures": 1, "counts": ["failed", "errors", "exceptions"] }));
    for _ in 0..3 {
        bench.send(modern(call(json!(1), "fetch", json!({}))));
        let missing = bench.drain_call();
        let outcome = missing.context.not_found(Some("x"));
        bench.port.complete(missing.id, outcome).unwrap();
        assert_eq!(result_text(&bench.sink.one()), "Not found: x");
        bench.send(modern(call(json!(1), "fetch", json!({}))));
        let wrong = bench.drain_call();
        let outcome = wrong.context.arguments_refused("/api: no");
        bench.port.complete(wrong.id, outcome).unwrap();
        bench.sink.take();
    }
    assert!(run(&bench, done()));
    assert!(run(&bench, Outcome::Failed("down".into())));
    assert!(!run(&bench, done()));
}

#[test]
fn calls_that_wait_for_a_permit_do_not_run_after_the_circuit_has_opened() {
    let bench = Bench::new();
    add(&bench, json!({ "circuit_breaker": { "failures": 1, "open_for": 10_000 }, "max_concurrency": 1 }));
    let running = start(&bench, json!({})).unwrap();
    const WAITING: usize = 200;
    for _ in 0..WAITING {
        assert!(start(&bench, json!({})).is_none(), "it waits");
    }
    bench.sink.nothing();
    bench.port.complete(running, raised()).unwrap();
    assert_eq!(bench.drain().len(), 0, "no handler runs");
    let answers = bench.sink.take();
    assert_eq!(answers.len(), WAITING + 1);
    let refused = answers.iter().filter(|answer| answer["error"]["data"]["retryAfterMs"] == 10_000).count();
    assert_eq!(refused, WAITING);
    bench.assert_settled();
}

#[test]
fn a_call_that_waits_for_a_permit_is_no_probe() {
    let bench = Bench::new();
    let breaker = json!({ "failures": 1, "open_for": 1000 });
    add(&bench, json!({ "circuit_breaker": breaker, "max_concurrency_by": { "arguments.api": 1 } }));
    let slow = start(&bench, json!({ "api": "a" })).unwrap();
    assert!(run_with(&bench, json!({ "api": "b" }), raised()));
    bench.advance(SECOND);
    assert!(start(&bench, json!({ "api": "a" })).is_none(), "it waits for the slow call");
    assert!(run_with(&bench, json!({ "api": "b" }), done()), "another call is the probe");
    bench.port.complete(slow, done()).unwrap();
    assert_eq!(bench.drain().len(), 1, "the waiting call runs");
}

#[test]
fn nobody_is_asked_while_the_circuit_is_open() {
    let bench = Bench::legacy();
    add(&bench, json!({ "circuit_breaker": { "failures": 1 }, "confirm": "Sure?", "rate_limit": "2/h" }));
    let ask = || {
        bench.send(call(json!(NEXT.fetch_add(1, Ordering::Relaxed)), "fetch", json!({})));
        bench.sink.one()
    };
    let question = ask();
    bench.answer(&question, json!({ "action": "accept" }));
    let running = bench.drain_call();
    bench.port.complete(running.id, raised()).unwrap();
    bench.sink.take();
    for _ in 0..5 {
        assert!(error_of(&ask()).1.starts_with("Calls of tool"), "the rate is not used up either");
    }
    bench.advance(30 * SECOND);
    assert_eq!(ask()["method"], "elicitation/create");
}
