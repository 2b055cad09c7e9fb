//! The rounds of a call with questions are one call.

use super::*;
use tenon_mcp::AskMode;

/// A call that asks a question. Returns the state of the round.
fn first_round(bench: &Bench, caller: &Caller) -> Value {
    caller.send(bench, modern(call(json!(1), "search", json!({}))));
    let running = bench.drain_call();
    bench.port.ask(running.id, ask("which"), AskMode::Rerun).unwrap();
    bench.port.complete(running.id, Outcome::Suspend).unwrap();
    let answer = caller.sink.one();
    assert_eq!(answer["result"]["resultType"], "input_required", "{answer}");
    answer["result"]["requestState"].clone()
}

fn second_round(state: &Value) -> Value {
    let mut request = modern(call(json!(2), "search", json!({})));
    request["params"]["requestState"] = state.clone();
    request["params"]["inputResponses"] = json!({ "which": accept("a") });
    request
}

#[test]
fn a_round_with_answers_takes_nothing_but_a_state_that_is_used_again_does() {
    for store in [None, Some(SlowStore::new())] {
        let bench = Bench::with_builder(
            |_| {},
            |builder| match store {
                Some(store) => builder.store(store),
                None => builder,
            },
        );
        add(&bench, "search", json!({ "rate_limit": "2/h" }));
        let caller = Caller::new(None);
        let state = first_round(&bench, &caller);
        for _ in 0..2 {
            // The first use continues the first call. The second one is the second call.
            caller.send(&bench, second_round(&state));
            assert_eq!(finish(&bench), 1);
            assert_eq!(result_text(&caller.sink.one()), "done");
        }
        caller.send(&bench, second_round(&state));
        assert_eq!(finish(&bench), 0);
        let answer = caller.sink.one();
        assert!(error_of(&answer).1.starts_with("Too many calls:"), "{answer}");
        bench.assert_settled();
    }
}

#[test]
fn a_round_without_answers_is_a_call() {
    let bench = Bench::new();
    add(&bench, "search", json!({ "rate_limit": "2/h" }));
    let caller = Caller::new(None);
    let mut state = first_round(&bench, &caller);
    let round = |state: &Value| {
        let mut request = second_round(state);
        request["params"]["inputResponses"] = json!({});
        request
    };
    bench.drain();
    caller.send(&bench, round(&state));
    let running = bench.drain_call();
    bench.port.ask(running.id, ask("which"), AskMode::Rerun).unwrap();
    bench.port.complete(running.id, Outcome::Suspend).unwrap();
    state = caller.sink.one()["result"]["requestState"].clone();
    caller.send(&bench, round(&state));
    assert_eq!(finish(&bench), 0);
    assert!(error_of(&caller.sink.one()).1.starts_with("Too many calls:"));
    bench.assert_settled();
}

#[test]
fn answers_without_a_state_are_a_call() {
    let bench = Bench::new();
    add(&bench, "search", json!({ "rate_limit": "1/h" }));
    let caller = Caller::new(None);
    let mut request = second_round(&Value::Null);
    request["params"].as_object_mut().unwrap().remove("requestState");
    caller.send(&bench, request.clone());
    assert_eq!(finish(&bench), 1);
    caller.sink.take();
    caller.send(&bench, request);
    assert_eq!(finish(&bench), 0);
    assert!(error_of(&caller.sink.one()).1.starts_with("Too many calls:"));
}

#[test]
fn a_call_of_a_session_that_asks_is_one_call() {
    let bench = Bench::legacy();
    add(&bench, "search", json!({ "rate_limit": "1/h", "confirm": "Search?" }));
    bench.call(1, "search");
    let question = bench.sink.one();
    bench.answer(&question, json!({ "action": "accept" }));
    assert_eq!(finish(&bench), 1);
    bench.sink.take();
    bench.call(2, "search");
    assert!(
        error_of(&bench.sink.one()).1.starts_with("Too many calls:"),
        "it is refused before the question"
    );
    bench.assert_settled();
}

#[test]
fn a_state_that_can_be_used_once_is_used_once_also_with_a_limit() {
    let bench = Bench::new();
    add(&bench, "search", json!({ "rate_limit": "9/h", "once_only": true }));
    let caller = Caller::new(None);
    let state = first_round(&bench, &caller);
    caller.send(&bench, second_round(&state));
    assert_eq!(finish(&bench), 1);
    caller.sink.take();
    caller.send(&bench, second_round(&state));
    let answer = caller.sink.one();
    assert!(error_of(&answer).1.contains("requestState was already used"), "{answer}");
    bench.assert_settled();
}
