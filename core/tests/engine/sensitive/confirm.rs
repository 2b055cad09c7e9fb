//! Calls that the user confirms.

use super::*;
use std::time::{Duration, Instant};
use tenon_mcp::store::{Done, Store, StoreDone, StoreOp};
use tenon_mcp::{AskMode, Asked, CALLS, CallId, HostOp, Layer, Outcome};

const TEXT: &str = "Pay the amount?";

fn bench() -> (Bench, Arc<Events>) {
    bench_with(json!({ "confirm": TEXT, "audit": true }), |builder| builder)
}

fn legacy() -> (Bench, Arc<Events>) {
    let (bench, events) = bench();
    bench.initialize(LEGACY);
    (bench, events)
}

/// The question of a legacy session.
#[track_caller]
fn asked(bench: &Bench) -> Value {
    let question = bench.sink.one();
    assert_eq!(
        (&question["method"], &question["params"]["message"]),
        (&json!("elicitation/create"), &json!(TEXT))
    );
    question
}

/// The state of the question of a modern call.
#[track_caller]
fn state(bench: &Bench) -> Value {
    let answer = bench.sink.one();
    let result = &answer["result"];
    assert_eq!(result["resultType"], "input_required", "{answer}");
    let questions = result["inputRequests"].as_object().unwrap();
    assert_eq!(questions.keys().collect::<Vec<_>>(), ["tenon/confirm"]);
    assert_eq!(questions["tenon/confirm"]["params"]["message"], TEXT);
    assert_eq!(
        questions["tenon/confirm"]["params"]["requestedSchema"],
        json!({ "type": "object", "properties": {} })
    );
    result["requestState"].clone()
}

fn retry(id: u64, state: &Value, answers: Value) -> Value {
    let mut request = modern(pay(id, json!({ "amount": 5 })));
    request["params"]["requestState"] = state.clone();
    request["params"]["inputResponses"] = answers;
    request
}

fn agreed() -> Value {
    json!({ "tenon/confirm": { "action": "accept", "content": {} } })
}

fn ask_of(bench: &Bench, call: CallId, key: Option<&str>) -> Result<Asked, tenon_mcp::AskError> {
    let ask = tenon_mcp::Ask::form("which?", form());
    bench.port.ask(call, key.map_or(ask.clone(), |key| ask.key(key)), AskMode::Rerun)
}

#[track_caller]
fn refused_with(bench: &Bench, text: &str) {
    let answer = bench.sink.one();
    assert_eq!((answer["result"]["isError"].clone(), result_text(&answer)), (json!(true), text));
    assert!(bench.drain().is_empty(), "no handler runs");
}

#[test]
fn a_call_of_a_session_runs_after_the_user_agreed() {
    let (bench, events) = legacy();
    bench.send(pay(1, json!({ "amount": 5 })));
    let question = asked(&bench);
    assert!(bench.drain().is_empty(), "no handler runs before the answer");
    bench.answer(&question, json!({ "action": "accept", "content": {} }));
    let call = bench.drain_call();
    assert_eq!(call.input.to_value().unwrap(), json!({ "amount": 5 }));
    // The time of the question does not count toward the handler's timeout.
    assert!(bench.text(call.id, "paid"));
    assert_eq!(result_text(&bench.sink.one()), "paid");
    assert_eq!(events.outcome(), "ok");
    bench.assert_settled();
}

#[test]
fn the_handlers_timeout_starts_after_the_answer() {
    let (bench, _) = bench_with(json!({ "confirm": TEXT, "timeout": 50 }), |builder| builder);
    bench.initialize(LEGACY);
    bench.send(pay(1, json!({})));
    let question = asked(&bench);
    bench.advance(Duration::from_secs(5));
    bench.answer(&question, json!({ "action": "accept" }));
    let call = bench.drain_call();
    bench.advance(Duration::from_millis(49));
    assert!(bench.text(call.id, "paid"));
    assert_eq!(result_text(&bench.sink.one()), "paid");
}

#[test]
fn a_call_does_not_run_if_the_user_does_not_agree() {
    for (action, text, by) in [
        ("decline", "tool \"pay\" did not run: the user declined", "declined"),
        ("cancel", "tool \"pay\" did not run: the user cancelled the question", "cancelled"),
    ] {
        let (bench, events) = legacy();
        bench.send(pay(1, json!({})));
        bench.answer(&asked(&bench), json!({ "action": action }));
        refused_with(&bench, text);
        let record = events.one();
        assert_eq!(
            (&record["outcome"], &record["stage"], &record["by"]),
            (&json!("refused"), &json!("confirm"), &json!(by))
        );

        bench.send(modern(pay(2, json!({ "amount": 5 }))));
        let state = state(&bench);
        assert_eq!(events.outcome(), "input_required");
        bench.send(retry(3, &state, json!({ "tenon/confirm": { "action": action } })));
        refused_with(&bench, text);
        assert_eq!(events.one()["by"], by);
        bench.assert_settled();
    }
}

#[test]
fn an_agreement_of_2026_07_28_permits_one_call_with_the_same_arguments() {
    let (bench, _) = bench();
    bench.send(modern(pay(1, json!({ "amount": 5 }))));
    let state = state(&bench);
    assert!(bench.drain().is_empty() && bench.engine.in_flight() == 0);
    // Other arguments are another call.
    let mut other = retry(2, &state, agreed());
    other["params"]["arguments"]["amount"] = json!(500);
    bench.send(other);
    assert_eq!(error_of(&bench.sink.one()).0, -32602);
    bench.send(retry(3, &state, agreed()));
    assert!(bench.text(bench.drain_call().id, "paid"));
    assert_eq!(result_text(&bench.sink.one()), "paid");
    bench.send(retry(4, &state, agreed()));
    assert_eq!(error_of(&bench.sink.one()), (-32602, "Invalid params: requestState was already used"));
    assert!(bench.drain().is_empty());
    bench.assert_settled();
}

#[test]
fn replicas_accept_an_agreement_once_in_all() {
    let store = Arc::new(tenon_mcp::store::MemoryStore::new(16));
    let replica = || bench_with(json!({ "confirm": TEXT }), |builder| builder.store(store.clone())).0;
    let (one, two) = (replica(), replica());
    one.send(modern(pay(1, json!({ "amount": 5 }))));
    let state = state(&one);
    two.send(retry(2, &state, agreed()));
    assert!(two.text(two.drain_call().id, "paid"));
    one.send(retry(3, &state, agreed()));
    assert_eq!(error_of(&one.sink.one()).1, "Invalid params: requestState was already used");
    assert!(one.drain().is_empty());
}

#[test]
fn an_answer_that_nobody_asked_for_does_not_count() {
    let (bench, _) = bench();
    let mut request = modern(pay(1, json!({ "amount": 5 })));
    request["params"]["inputResponses"] = agreed();
    bench.send(request);
    let first = state(&bench);
    // A retry without the answer is asked again.
    bench.send(retry(2, &first, json!({})));
    let second = state(&bench);
    assert_ne!(first, second);
    bench.send(retry(3, &second, agreed()));
    assert!(bench.text(bench.drain_call().id, "paid"));
}

#[test]
fn another_text_is_asked_again() {
    let (bench, _) = bench();
    bench.send(modern(pay(1, json!({ "amount": 5 }))));
    let old = state(&bench);
    bench.server.remove(Kind::Tool, "pay").unwrap();
    add(&bench, "pay", json!({ "confirm": "Really pay the amount?" }));
    bench.send(retry(2, &old, agreed()));
    let answer = bench.sink.one();
    let question = &answer["result"]["inputRequests"]["tenon/confirm"];
    assert_eq!(question["params"]["message"], "Really pay the amount?", "{answer}");
    assert!(bench.drain().is_empty());
}

#[test]
fn a_client_that_cannot_be_asked_is_refused() {
    let why = "tool \"pay\" needs the user's agreement. The client cannot be asked: it does not declare elicitation";
    for capabilities in [json!({}), json!({ "elicitation": { "url": {} } })] {
        let (bench, events) = bench();
        bench.send(modern_with(pay(1, json!({})), capabilities.clone()));
        let answer = bench.sink.one();
        let (code, text) = error_of(&answer);
        assert_eq!(code, -32021);
        assert!(text.starts_with(why), "{text}");
        assert_eq!(answer["error"]["data"]["requiredCapabilities"], json!({ "elicitation": { "form": {} } }));
        let record = events.one();
        assert_eq!((&record["stage"], &record["by"]), (&json!("confirm"), &json!("client_capability")));

        bench.initialize_with(LEGACY, capabilities);
        bench.send(pay(2, json!({})));
        let answer = bench.sink.one();
        assert!(result_text(&answer).starts_with(why), "{answer}");
        assert_eq!(answer["result"]["isError"], true);
        assert!(bench.drain().is_empty());
        bench.assert_settled();
    }
}

/// A store that does not work.
struct Down;

impl Store for Down {
    fn submit(&self, _: StoreOp, _: Instant, done: Done) {
        done(StoreDone::Unavailable("the disk is full".into()));
    }
}

#[test]
fn without_a_store_an_agreement_of_2026_07_28_is_refused() {
    let (bench, events) =
        bench_with(json!({ "confirm": TEXT, "audit": true }), |builder| builder.store(Arc::new(Down)));
    bench.send(modern(pay(1, json!({ "amount": 5 }))));
    let state = state(&bench);
    events.take();
    bench.send(retry(2, &state, agreed()));
    let text = error_of(&bench.sink.one()).1.to_owned();
    assert!(text.contains("the store is unavailable"), "{text}");
    assert!(bench.drain().is_empty());
    assert_eq!(events.outcome(), "refused");
    bench.assert_settled();
}

#[test]
fn the_questions_of_the_handler_keep_their_numbers() {
    let change = |limits: &mut tenon_mcp::Limits| limits.max_asks = 1;
    let bench = Bench::with_builder(change, |builder| builder);
    add(&bench, "pay", json!({ "confirm": TEXT }));
    // The limit of questions is one, which the handler may ask.
    bench.send(modern(pay(1, json!({ "amount": 5 }))));
    let first = state(&bench);
    bench.send(retry(2, &first, agreed()));
    let call = bench.drain_call();
    assert!(matches!(ask_of(&bench, call.id, None), Ok(Asked::Suspended)));
    bench.port.complete(call.id, Outcome::Suspend).unwrap();
    let answer = bench.sink.one();
    assert!(answer["result"]["inputRequests"]["ask-1"].is_object(), "{answer}");
    bench.drain();
    let second = answer["result"]["requestState"].clone();
    bench.send(retry(3, &second, json!({ "ask-1": accept("yes") })));
    let call = bench.drain_call();
    assert!(matches!(ask_of(&bench, call.id, None), Ok(Asked::Answered(_))), "the user is asked once");
    let reserved = ask_of(&bench, call.id, Some("tenon/confirm")).unwrap_err().to_string();
    assert!(reserved.contains("belongs to the policy confirm"), "{reserved}");
    assert!(bench.text(call.id, "paid"));
    assert_eq!(result_text(&bench.sink.one()), "paid");
    // The later state permits one call as well.
    bench.send(retry(4, &second, json!({ "ask-1": accept("yes") })));
    assert_eq!(error_of(&bench.sink.one()).1, "Invalid params: requestState was already used");

    bench.initialize(LEGACY);
    bench.send(pay(5, json!({})));
    bench.answer(&asked(&bench), json!({ "action": "accept" }));
    let call = bench.drain_call();
    assert!(matches!(ask_of(&bench, call.id, None), Ok(Asked::Suspended)));
    bench.port.complete(call.id, Outcome::Suspend).unwrap();
    bench.answer(&bench.sink.one(), accept("yes"));
    let call = bench.drain_call();
    assert!(matches!(ask_of(&bench, call.id, None), Ok(Asked::Answered(_))));
    assert!(bench.text(call.id, "paid"));
    bench.sink.take();
    bench.assert_settled();
}

#[test]
fn a_question_without_an_answer_ends_with_its_call() {
    let (bench, events) = legacy();
    // The client cancels.
    bench.send(pay(1, json!({})));
    let question = asked(&bench);
    bench.cancel(1);
    assert_eq!(events.outcome(), "cancelled");
    bench.sink.take();
    bench.answer(&question, json!({ "action": "accept" }));
    assert!(bench.drain().is_empty());
    // Nobody answers.
    bench.send(pay(2, json!({})));
    asked(&bench);
    bench.advance(bench.engine.limits().ask_timeout);
    let sent = bench.sink.take();
    let answer = sent.iter().find(|message| message["id"] == 2).unwrap();
    assert_eq!(error_of(answer).1, "tool \"pay\" did not run: the user did not answer in time");
    assert!(sent.iter().any(|message| message["method"] == "notifications/cancelled"), "{sent:?}");
    assert_eq!(events.one()["by"], "timeout");
    // The client answers with an error.
    bench.send(pay(3, json!({})));
    let question = asked(&bench);
    let error = json!({ "code": -32600, "message": "no window" });
    bench.send(json!({ "jsonrpc": "2.0", "id": question["id"], "error": error }));
    let answer = bench.sink.one();
    assert!(
        result_text(&answer).contains("did not run") && result_text(&answer).contains("no window"),
        "{answer}"
    );
    // The client has ended its input.
    bench.engine.end_input(&bench.peer);
    bench.send(pay(4, json!({})));
    let sent = bench.sink.take();
    assert!(sent.iter().all(|message| message["method"] != "elicitation/create"), "{sent:?}");
    assert!(bench.drain().is_empty());
    bench.assert_over();
}

#[test]
fn what_is_refused_anyway_is_not_asked() {
    let (bench, _) = legacy();
    bench.send(pay(1, json!({ "amount": "x" })));
    assert!(result_text(&bench.sink.one()).contains("amount"));
}

#[test]
fn middleware_runs_after_the_user_agreed_and_the_user_is_asked_once() {
    let (bench, _) = legacy();
    let layer = Layer::Lane { lane: OTHER_LANE, handler: tenon_mcp::HandlerId(9), moves: true, kept: None };
    let other = bench.port.lane(OTHER_LANE, Arc::new(Wakes::default()));
    bench.server.add_middleware(&CALLS, layer).unwrap();
    bench.send(pay(1, json!({})));
    let question = asked(&bench);
    let mut ops = Vec::new();
    other.drain(9, Duration::MAX, &mut ops);
    assert!(ops.is_empty());
    bench.answer(&question, json!({ "action": "accept" }));
    other.drain(9, Duration::MAX, &mut ops);
    let Some(HostOp::Call(call)) = ops.pop() else { panic!("no call") };
    assert!(bench.text(call.id, "paid"));
    assert_eq!(result_text(&bench.sink.one()), "paid");
}

#[test]
fn a_prompt_and_a_resource_are_confirmed_too() {
    let (bench, _) = legacy();
    let policies = JsonSlice::from_value(&json!({ "confirm": TEXT }));
    for (kind, name) in [(Kind::Resource, "note://a"), (Kind::Prompt, "hello")] {
        let mut entry = Entry::new(kind, name);
        entry.set_policies(&policies, Spelling::Rust).unwrap();
        bench.server.add(entry, Target::Lane { lane: LANE, handler: HandlerId(1) }).unwrap();
    }
    for (method, params) in
        [("resources/read", json!({ "uri": "note://a" })), ("prompts/get", json!({ "name": "hello" }))]
    {
        bench.sink.take();
        bench.send(json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params }));
        bench.answer(&asked(&bench), json!({ "action": "decline" }));
        assert!(error_of(&bench.sink.one()).1.ends_with("did not run: the user declined"));
        assert!(bench.drain().is_empty());
    }
}

#[test]
fn wrong_texts_are_refused_with_the_reason() {
    for (text, reason) in [
        (json!(""), "confirm must be a text of 1 to 2048 bytes; it has 0 bytes"),
        (json!(" \n"), "it has 2 bytes"),
        (json!("x".repeat(2049)), "it has 2049 bytes"),
        (json!(true), "confirm must be a string, not true"),
    ] {
        let policies = JsonSlice::from_value(&json!({ "confirm": text }));
        let error =
            Entry::new(Kind::Tool, "t").set_policies(&policies, Spelling::Rust).unwrap_err().to_string();
        assert!(error.contains(reason), "{error}");
    }
}
