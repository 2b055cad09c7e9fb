//! Questions to the client in both eras, for handlers that wait and for handlers that run again.

use crate::support::*;
use serde_json::{Value, json};
use std::time::Duration;
use tenon_mcp::{Action, Ask, AskError, AskMode, Asked, CallId, CancelReason, HostOp, JsonSlice, Outcome};

/// Asks a question in a legacy session, and returns the request that the client receives.
#[track_caller]
fn question(bench: &Bench, id: CallId, key: &str, mode: AskMode) -> Value {
    let asked = bench.port.ask(id, ask(key), mode).unwrap();
    match mode {
        AskMode::Park => assert!(matches!(asked, Asked::Waiting(_)), "{asked:?}"),
        AskMode::Rerun => assert!(matches!(asked, Asked::Suspended), "{asked:?}"),
    }
    let question = bench.sink.one();
    assert_eq!(question["method"], "elicitation/create");
    assert_eq!(question["params"]["message"], format!("{key}?"));
    question
}

#[track_caller]
fn known(asked: Result<Asked, AskError>) -> String {
    match asked {
        Ok(Asked::Answered(answer)) => {
            answer.content().unwrap().to_value().unwrap()["a"].as_str().unwrap().to_owned()
        }
        other => panic!("{other:?}"),
    }
}

fn suspend(bench: &Bench, id: CallId) {
    bench.port.complete(id, Outcome::Suspend).unwrap();
}

/// The retry of a modern call: the same request with another id, the state, and answers.
fn retry(id: u64, tool: &str, state: &Value, answers: Value) -> Value {
    let mut request = modern(call(json!(id), tool, json!({})));
    request["params"]["requestState"] = state.clone();
    request["params"]["inputResponses"] = answers;
    request
}

#[test]
fn a_parked_handler_gets_the_answer_in_its_lane() {
    let bench = Bench::legacy();
    bench.call(1, "slow");
    let call = bench.drain_call();
    let question = question(&bench, call.id, "x", AskMode::Park);
    assert!(bench.drain().is_empty());
    bench.answer(&question, accept("hello"));
    match &bench.drain()[..] {
        [HostOp::Answer { call: id, answer: Ok(answer), .. }] => {
            assert_eq!(*id, call.id);
            assert_eq!(answer.action(), Action::Accept);
            assert_eq!(answer.content().unwrap().to_value().unwrap(), json!({ "a": "hello" }));
        }
        other => panic!("{other:?}"),
    }
    assert!(bench.text(call.id, "done"));
    assert_eq!(bench.sink.one()["id"], 1);
    bench.assert_settled();
}

#[test]
fn two_parked_questions_are_told_apart_by_their_ids() {
    let bench = Bench::legacy();
    bench.call(1, "slow");
    let call = bench.drain_call();
    let first = question(&bench, call.id, "first", AskMode::Park);
    let second = question(&bench, call.id, "second", AskMode::Park);
    bench.answer(&second, accept("2"));
    bench.answer(&first, json!({ "action": "decline" }));
    let actions: Vec<Action> = bench
        .drain()
        .into_iter()
        .map(|op| match op {
            HostOp::Answer { answer: Ok(answer), .. } => answer.action(),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(actions, [Action::Accept, Action::Decline]);
    assert!(bench.text(call.id, "done"));
    bench.assert_settled();
}

#[test]
fn a_handler_that_returned_is_called_again_with_the_answer() {
    let bench = Bench::legacy();
    bench.call(1, "slow");
    let first = bench.drain_call();
    let question = question(&bench, first.id, "x", AskMode::Rerun);
    suspend(&bench, first.id);
    assert!(bench.drain().is_empty() && !bench.port.is_cancelled(first.id));
    bench.answer(&question, accept("hello"));
    let second = bench.drain_call();
    assert_eq!(second.id, first.id, "it is the same call");
    assert_eq!(known(bench.port.ask(second.id, ask("x"), AskMode::Rerun)), "hello");
    bench.sink.nothing();
    assert!(bench.text(second.id, "done"));
    assert_eq!(bench.sink.one()["id"], 1);
    bench.assert_settled();
}

#[test]
fn an_answer_before_the_handler_returned_calls_it_again_too() {
    let bench = Bench::legacy();
    bench.call(1, "slow");
    let first = bench.drain_call();
    let question = question(&bench, first.id, "x", AskMode::Rerun);
    bench.answer(&question, accept("hello"));
    suspend(&bench, first.id);
    let ops = bench.drain();
    let call = ops.iter().find_map(|op| match op {
        HostOp::Call(call) => Some(call.id),
        _ => None,
    });
    assert_eq!(call, Some(first.id), "{ops:?}");
    assert_eq!(known(bench.port.ask(first.id, ask("x"), AskMode::Rerun)), "hello");
    assert!(bench.text(first.id, "done"));
    bench.assert_settled();
}

#[test]
fn a_modern_attempt_ends_and_its_retry_knows_the_answers() {
    for mode in [AskMode::Park, AskMode::Rerun] {
        let bench = Bench::new();
        bench.call_modern(1, "slow");
        let first = bench.drain_call();
        assert!(matches!(bench.port.ask(first.id, ask("x"), mode).unwrap(), Asked::Suspended));
        assert!(matches!(bench.port.ask(first.id, ask("y"), mode).unwrap(), Asked::Suspended));
        bench.sink.nothing();
        suspend(&bench, first.id);
        let answer = bench.sink.one();
        let result = &answer["result"];
        assert_eq!((&answer["id"], &result["resultType"]), (&json!(1), &json!("input_required")));
        let keys: Vec<_> = result["inputRequests"].as_object().unwrap().keys().collect();
        assert_eq!(keys, ["x", "y"], "both questions go out at once");
        let told = bench.drain();
        assert!(matches!(told[..], [HostOp::Cancel { reason: CancelReason::Suspended, .. }]), "{told:?}");

        // One answer is missing: asked again, the other is remembered.
        bench.send(retry(2, "slow", &result["requestState"], json!({ "x": accept("1") })));
        let second = bench.drain_call();
        assert_ne!(second.id, first.id);
        assert_eq!(known(bench.port.ask(second.id, ask("x"), mode)), "1");
        assert!(matches!(bench.port.ask(second.id, ask("y"), mode).unwrap(), Asked::Suspended));
        suspend(&bench, second.id);
        let answer = bench.sink.one();
        let result = &answer["result"];
        assert_eq!(result["inputRequests"].as_object().unwrap().keys().collect::<Vec<_>>(), ["y"]);
        bench.drain();

        bench.send(retry(3, "slow", &result["requestState"], json!({ "y": accept("2") })));
        let third = bench.drain_call();
        assert_eq!(known(bench.port.ask(third.id, ask("x"), mode)), "1");
        assert_eq!(known(bench.port.ask(third.id, ask("y"), mode)), "2");
        assert!(bench.text(third.id, "done"));
        assert_eq!(result_text(&bench.sink.one()), "done");
        bench.assert_settled();
    }
}

#[test]
fn a_state_is_good_for_its_request_and_its_hour_only() {
    // MR-9, MR-11
    let bench = Bench::new();
    bench.call_modern(1, "slow");
    let call = bench.drain_call();
    bench.port.ask(call.id, ask("x"), AskMode::Rerun).unwrap();
    suspend(&bench, call.id);
    let state = bench.sink.one()["result"]["requestState"].clone();
    bench.drain();
    let refused = |request: Value| {
        bench.send(request);
        assert_eq!(
            error_of(&bench.sink.one()),
            (-32602, "Invalid params: requestState is not valid for this request")
        );
    };
    let good = || retry(2, "slow", &state, json!({ "x": accept("1") }));
    let mut other_arguments = good();
    other_arguments["params"]["arguments"] = json!({ "b": 1 });
    refused(other_arguments);
    refused(retry(2, "fast", &state, json!({})));
    refused(retry(2, "slow", &json!("AAAA"), json!({})));
    let mut no_state = good();
    no_state["params"]["requestState"] = json!(7);
    bench.send(no_state);
    assert_eq!(error_of(&bench.sink.one()).0, -32602);
    for wrong in [json!([]), json!({ "x": 1 }), json!({ "x": { "action": "maybe" } })] {
        bench.send(retry(2, "slow", &state, wrong));
        assert_eq!(error_of(&bench.sink.one()).0, -32602);
    }
    bench.send(good());
    bench.sink.nothing();
    bench.cancel(2);
    bench.advance(Duration::from_secs(3601));
    refused(good());
    bench.assert_settled();
}

#[test]
fn a_question_that_changes_between_attempts_is_refused_by_name() {
    let bench = Bench::legacy();
    bench.call(1, "slow");
    let call = bench.drain_call();
    let question = question(&bench, call.id, "x", AskMode::Rerun);
    suspend(&bench, call.id);
    bench.answer(&question, accept("1"));
    bench.drain_call();
    let changed = Ask::form("something else?", form()).key("x");
    match bench.port.ask(call.id, changed, AskMode::Rerun) {
        Err(AskError::Invalid(text)) => assert!(text.contains("\"x\"") && text.contains("changed"), "{text}"),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_question_nobody_answers_times_out() {
    for mode in [AskMode::Park, AskMode::Rerun] {
        let bench = Bench::legacy_with(|limits| limits.ask_timeout = Duration::from_secs(20));
        bench.call(1, "fast");
        let call = bench.drain_call();
        let question = question(&bench, call.id, "x", mode);
        if mode == AskMode::Rerun {
            suspend(&bench, call.id);
        }
        bench.advance(Duration::from_secs(19));
        bench.sink.nothing();
        bench.advance(Duration::from_secs(1));
        let sent = bench.sink.take();
        assert_eq!(sent.len(), 2, "{sent:?}");
        assert_eq!(sent[0]["method"], "notifications/cancelled");
        assert_eq!(sent[0]["params"]["requestId"], question["id"]);
        assert_eq!(result_text(&sent[1]), "tool \"fast\" got no answer from the client in 20 s");
        let told = bench.drain();
        match mode {
            AskMode::Park => {
                assert!(matches!(told[..], [HostOp::Cancel { reason: CancelReason::TimedOut, .. }]))
            }
            AskMode::Rerun => assert!(told.is_empty(), "no handler is running: {told:?}"),
        }
        bench.answer(&question, accept("late"));
        assert!(bench.drain().is_empty());
        bench.sink.nothing();
        bench.assert_settled();
    }
}

#[test]
fn an_answer_gives_the_handler_its_full_time_again() {
    let bench = Bench::legacy();
    bench.call(1, "fast");
    let call = bench.drain_call();
    let first = question(&bench, call.id, "x", AskMode::Park);
    let second = question(&bench, call.id, "y", AskMode::Park);
    bench.advance(Duration::from_secs(100));
    bench.answer(&first, accept("1"));
    bench.advance(Duration::from_secs(100));
    bench.answer(&second, accept("2"));
    bench.advance(Duration::from_millis(49));
    bench.sink.nothing();
    bench.advance(Duration::from_millis(1));
    assert_eq!(result_text(&bench.sink.one()), "tool \"fast\" timed out after 50 ms");
}

#[test]
fn what_ends_a_call_withdraws_its_questions() {
    let bench = Bench::legacy();
    let end = |id: u64, end: &dyn Fn(CallId)| {
        bench.call(id, "slow");
        let call = bench.drain_call();
        let question = question(&bench, call.id, "x", AskMode::Park);
        end(call.id);
        let mut sent = bench.sink.take();
        assert_eq!(sent[0]["params"]["requestId"], question["id"], "{sent:?}");
        bench.drain();
        bench.answer(&question, accept("late"));
        assert!(bench.drain().is_empty());
        sent.remove(0);
        sent
    };
    assert!(end(1, &|_| bench.cancel(1)).is_empty());
    let sent = end(2, &|call| assert!(bench.text(call, "never mind")));
    assert_eq!(result_text(&sent[0]), "never mind");
    assert!(end(3, &|_| bench.engine.end_input(&bench.peer)).is_empty());
    bench.assert_settled();
}

#[test]
fn what_the_client_answers_is_checked() {
    // EL-9
    let answers = [
        (json!({ "action": "accept" }), "\"a\" is a required property"),
        (json!({ "action": "accept", "content": { "a": 5 } }), "/a"),
        (json!({ "action": "accept", "content": [] }), "content must be an object"),
        (json!({ "action": "perhaps" }), "action must be"),
        (json!("yes"), "must be an object"),
    ];
    for (wrong, why) in answers {
        let bench = Bench::legacy();
        bench.call(1, "slow");
        let call = bench.drain_call();
        let question = question(&bench, call.id, "x", AskMode::Park);
        bench.answer(&question, wrong);
        match &bench.drain()[..] {
            [HostOp::Answer { answer: Err(AskError::Failed(text)), .. }] => {
                assert!(text.contains(why), "{text}")
            }
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn a_clients_error_reaches_the_handler_in_words() {
    for mode in [AskMode::Park, AskMode::Rerun] {
        let bench = Bench::legacy();
        bench.call(1, "slow");
        let call = bench.drain_call();
        let question = question(&bench, call.id, "x", mode);
        if mode == AskMode::Rerun {
            suspend(&bench, call.id);
        }
        bench.send(json!({ "jsonrpc": "2.0", "id": question["id"],
            "error": { "code": -1, "message": "no window" } }));
        let answer = match bench.drain().pop().unwrap() {
            HostOp::Answer { answer, .. } => answer.map(|_| ()),
            HostOp::Call(again) => bench.port.ask(again.id, ask("x"), mode).map(|_| ()),
            other => panic!("{other:?}"),
        };
        match answer {
            Err(AskError::Failed(text)) => assert!(text.contains("no window"), "{text}"),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn answers_nobody_waits_for_are_ignored() {
    // BAD-9
    let bench = Bench::legacy();
    bench.call(1, "slow");
    let call = bench.drain_call();
    let question = question(&bench, call.id, "x", AskMode::Park);
    for id in [json!(0), json!(99), json!(-1), json!("x"), json!(question["id"].to_string())] {
        bench.answer(&json!({ "id": id }), accept("wrong"));
    }
    assert!(bench.drain().is_empty());
    bench.answer(&question, accept("right"));
    bench.answer(&question, accept("again"));
    assert_eq!(bench.drain().len(), 1);
    bench.sink.nothing();
}

#[test]
fn a_client_that_cannot_be_asked_is_not_asked() {
    let bench = Bench::new();
    bench.initialize_with("2025-03-26", json!({ "sampling": {} }));
    bench.call(1, "slow");
    let call = bench.drain_call();
    let asked = bench.port.ask(call.id, ask("x"), AskMode::Park);
    assert!(matches!(asked, Err(AskError::Unsupported(_))), "{asked:?}");
    bench.sink.nothing();
    assert!(bench.text(call.id, "without"));
    bench.assert_settled();
}

#[test]
fn wrong_questions_are_refused_before_they_are_asked() {
    let bench = Bench::legacy();
    bench.call(1, "slow");
    let id = bench.drain_call().id;
    let refused = |schema: Value, why: &str| {
        let ask = Ask::form("m", JsonSlice::from_value(&schema));
        match bench.port.ask(id, ask, AskMode::Park) {
            Err(AskError::Invalid(text)) => assert!(text.contains(why), "{text}"),
            other => panic!("{other:?}"),
        }
        bench.sink.nothing();
    };
    let with = |property: Value| json!({ "type": "object", "properties": { "p": property } });
    refused(json!({ "type": "string" }), "object");
    refused(json!({ "type": "object" }), "properties");
    refused(with(json!({ "type": "object" })), "/properties/p");
    refused(with(json!({ "type": "string", "pattern": "(" })), "pattern");
    refused(with(json!({ "type": "string", "minLength": "two" })), "minLength");
    question(&bench, id, "x", AskMode::Park);
    let again = bench.port.ask(id, ask("x"), AskMode::Park);
    assert!(
        matches!(&again, Err(AskError::Invalid(text)) if text.contains("\"x\" is used twice")),
        "{again:?}"
    );
}

#[test]
fn the_number_of_questions_is_bounded_within_an_attempt() {
    let bench = Bench::legacy_with(|limits| limits.max_asks = 3);
    bench.call(1, "slow");
    let id = bench.drain_call().id;
    for key in ["a", "b", "c"] {
        bench.port.ask(id, ask(key), AskMode::Park).unwrap();
    }
    let more = bench.port.ask(id, ask("d"), AskMode::Park);
    assert!(matches!(&more, Err(AskError::Invalid(text)) if text.contains("at most 3")), "{more:?}");
}

#[test]
fn the_number_of_questions_is_bounded_over_all_attempts() {
    let bench = Bench::legacy_with(|limits| limits.max_asks = 3);
    bench.call(1, "slow");
    for round in 0..3 {
        let id = bench.drain_call().id;
        // A question of another name each time, so that no attempt ever finds an answer.
        let question = question(&bench, id, &format!("round {round}"), AskMode::Rerun);
        suspend(&bench, id);
        bench.answer(&question, accept("1"));
    }
    let id = bench.drain_call().id;
    let more = bench.port.ask(id, ask("round 3"), AskMode::Rerun);
    assert!(matches!(&more, Err(AskError::Invalid(text)) if text.contains("at most 3")), "{more:?}");
}

#[test]
fn suspending_without_a_question_is_a_failure() {
    for modern in [false, true] {
        let bench = Bench::legacy();
        if modern {
            bench.call_modern(1, "slow")
        } else {
            bench.call(1, "slow")
        }
        suspend(&bench, bench.drain_call().id);
        let answer = bench.sink.one();
        assert_eq!(answer["result"]["isError"], true);
        assert_eq!(result_text(&answer), "tool \"slow\" suspended its call without a question");
        bench.assert_settled();
    }
}

#[test]
fn a_client_that_ended_its_input_is_not_asked() {
    for mode in [AskMode::Park, AskMode::Rerun] {
        let bench = Bench::legacy();
        bench.call(1, "slow");
        let call = bench.drain_call();
        bench.engine.end_input(&bench.peer);
        match bench.port.ask(call.id, ask("x"), mode) {
            Err(AskError::Failed(text)) => {
                assert_eq!(text, "the client has ended its input and cannot answer");
            }
            other => panic!("{other:?}"),
        }
        bench.sink.nothing();
        assert!(bench.text(call.id, "went on without"));
        assert_eq!(result_text(&bench.sink.one()), "went on without");
        bench.assert_settled();
    }
}

#[test]
fn a_modern_attempt_still_ends_with_its_questions_after_the_input() {
    let bench = Bench::new();
    bench.call_modern(1, "slow");
    let call = bench.drain_call();
    bench.engine.end_input(&bench.peer);
    assert!(matches!(bench.port.ask(call.id, ask("x"), AskMode::Park).unwrap(), Asked::Suspended));
    suspend(&bench, call.id);
    assert_eq!(bench.sink.one()["result"]["resultType"], "input_required");
    bench.assert_settled();
}
