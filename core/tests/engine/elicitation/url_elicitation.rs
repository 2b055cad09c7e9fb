//! URL elicitation: its completion, and calls that require it before they continue.

use crate::lanes::local_handlers;
use crate::support::*;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;
use tenon_mcp::transport::{Peer, Sink};
use tenon_mcp::{Ask, AskError, AskMode, Asked, Context, Outcome, handler};

fn urls() -> Value {
    json!({ "elicitation": { "url": {} } })
}

fn page(id: &str) -> Ask {
    Ask::url("Log in", "https://example.com").elicitation_id(id)
}

/// A bench with a legacy session whose own sink is not the sink of its requests.
fn legacy(change: impl FnOnce(&mut tenon_mcp::Limits)) -> (Bench, Arc<Recorder>) {
    legacy_in(LEGACY, change)
}

fn legacy_in(revision: &str, change: impl FnOnce(&mut tenon_mcp::Limits)) -> (Bench, Arc<Recorder>) {
    let bench = Bench::with(change);
    bench.initialize_with(revision, urls());
    let own = Arc::new(Recorder::default());
    bench.peer.set_sink(own.clone());
    (bench, own)
}

fn visit(bench: &Bench, id: u64, ask: Ask) -> Value {
    bench.call(id, "slow");
    let call = bench.drain_call();
    bench.port.ask(call.id, ask, AskMode::Park).unwrap();
    let question = bench.sink.one();
    bench.answer(&question, json!({ "action": "accept" }));
    bench.drain();
    bench.text(call.id, "agreed");
    bench.sink.one();
    question
}

#[test]
fn the_end_of_a_visit_is_told_to_whoever_was_asked_and_once() {
    // EL-12
    let (bench, own) = legacy(|_| {});
    let other = Arc::new(Recorder::default());
    let sink: Arc<dyn Sink> = other.clone();
    Peer::new(None).set_sink(sink);
    visit(&bench, 1, page("e1"));
    assert!(!bench.server.elicitation_complete("e2"));
    own.nothing();
    assert!(bench.server.elicitation_complete("e1"));
    let told = own.one();
    assert_eq!(
        told,
        json!({ "jsonrpc": "2.0", "method": "notifications/elicitation/complete",
            "params": { "elicitationId": "e1" } })
    );
    assert!(!bench.server.elicitation_complete("e1"));
    own.nothing();
    other.nothing();
    bench.sink.nothing();
}

#[test]
fn a_visit_without_a_name_gets_one_that_nobody_else_has() {
    let (bench, own) = legacy(|_| {});
    let ask = || Ask::url("Log in", "https://example.com");
    let ids =
        [1, 2].map(|id| visit(&bench, id, ask())["params"]["elicitationId"].as_str().unwrap().to_owned());
    assert_ne!(ids[0], ids[1]);
    assert!(ids[0].len() >= 20);
    assert!(bench.server.elicitation_complete(&ids[0]));
    assert_eq!(own.one()["params"]["elicitationId"], ids[0]);
}

#[test]
fn visits_are_forgotten_in_time_and_number() {
    let (bench, own) = legacy(|limits| limits.max_visits = 2);
    for (id, name) in (1..).zip(["a", "b", "c"]) {
        visit(&bench, id, page(name));
    }
    assert!(!bench.server.elicitation_complete("a"), "the oldest has made room");
    assert!(bench.server.elicitation_complete("b"));
    own.one();
    bench.advance(Duration::from_secs(3600));
    assert!(!bench.server.elicitation_complete("c"));
    own.nothing();
}

#[test]
fn a_client_that_cannot_be_reached_is_told_later() {
    let (bench, own) = legacy(|_| {});
    visit(&bench, 1, page("e1"));
    own.gone.store(true, std::sync::atomic::Ordering::SeqCst);
    assert!(!bench.server.elicitation_complete("e1"));
    own.gone.store(false, std::sync::atomic::Ordering::SeqCst);
    assert!(bench.server.elicitation_complete("e1"));
    own.one();
}

#[test]
fn a_required_visit_is_an_error_in_a_session() {
    for revision in ["2024-11-05", "2025-03-26", "2025-06-18", LEGACY] {
        required_in(revision);
    }
}

fn required_in(revision: &str) {
    // EL-15
    let (bench, own) = legacy_in(revision, |_| {});
    bench.call(1, "slow");
    let call = bench.drain_call();
    let error = bench.port.require_urls(call.id, [page("e1"), page("e2")]).unwrap_err();
    assert!(matches!(error, AskError::UrlRequired(_)), "{error:?}");
    bench.port.complete(call.id, error.into_outcome(call.context.client.revision)).unwrap();
    let answer = bench.sink.one();
    assert_eq!(error_of(&answer).0, -32042);
    let visit = |id: &str| json!({ "mode": "url", "message": "Log in", "url": "https://example.com", "elicitationId": id });
    assert_eq!(answer["error"]["data"], json!({ "elicitations": [visit("e1"), visit("e2")] }));
    assert!(bench.server.elicitation_complete("e2"));
    assert_eq!(own.one()["params"]["elicitationId"], "e2");
    bench.assert_settled();
}

#[test]
fn a_required_visit_is_asked_for_until_it_was_made_in_the_modern_era() {
    // EL-12: to agree is not to have been there.
    let bench = Bench::new();
    let mut request = modern_with(call(json!(1), "slow", json!({})), urls());
    for _ in 0..3 {
        bench.send(request.clone());
        let call = bench.drain_call();
        let asked = bench.port.require_urls(call.id, [page("e1")]);
        assert!(matches!(asked, Ok(Asked::Suspended)), "{asked:?}");
        bench.port.complete(call.id, Outcome::Suspend).unwrap();
        let answer = bench.sink.one();
        let result = &answer["result"];
        let params = json!({ "mode": "url", "message": "Log in", "url": "https://example.com" });
        let asked = json!({ "ask-1": { "method": "elicitation/create", "params": params } });
        assert_eq!(result["inputRequests"], asked);
        bench.drain();
        request["params"]["requestState"] = result["requestState"].clone();
        request["params"]["inputResponses"] = json!({ "ask-1": { "action": "accept" } });
    }
    request["params"]["inputResponses"] = json!({ "ask-1": { "action": "decline" } });
    bench.send(request);
    let call = bench.drain_call();
    match bench.port.require_urls(call.id, [page("e1")]) {
        Err(AskError::Failed(text)) => assert_eq!(text, "elicitation: the user did not agree (decline)"),
        other => panic!("{other:?}"),
    }
    assert!(bench.text(call.id, "without"));
    assert_eq!(result_text(&bench.sink.one()), "without");
    bench.assert_settled();
}

#[test]
fn who_cannot_be_sent_to_a_page_gets_a_failed_result_or_the_missing_capability() {
    for (revision, capabilities) in [("2025-06-18", json!({})), (LEGACY, json!({ "elicitation": {} }))] {
        let bench = Bench::new();
        bench.initialize_with(revision, capabilities);
        bench.call(1, "slow");
        let call = bench.drain_call();
        let error = bench.port.require_urls(call.id, [page("e1")]).unwrap_err();
        bench.port.complete(call.id, error.into_outcome(call.context.client.revision)).unwrap();
        let text = "The client cannot be asked: it does not declare elicitation by URL";
        assert_eq!(result_text(&bench.sink.one()), text);
        bench.call_modern(2, "slow");
        let call = bench.drain_call();
        let error = bench.port.require_urls(call.id, [page("e1")]).unwrap_err();
        bench.port.complete(call.id, error.into_outcome(call.context.client.revision)).unwrap();
        assert_eq!(error_of(&bench.sink.one()), (-32021, text));
        bench.assert_settled();
    }
}

#[test]
fn only_visits_can_be_required() {
    let (bench, _) = legacy(|_| {});
    bench.call(1, "slow");
    let id = bench.drain_call().id;
    for pages in [vec![], vec![Ask::roots()]] {
        let required = bench.port.require_urls(id, pages);
        assert!(matches!(required, Err(AskError::Invalid(_))), "{required:?}");
    }
}

#[test]
fn a_handler_in_rust_returns_what_is_required_as_its_error() {
    let (bench, executor) = local_handlers::with(handler(|_: Value, context: Context| async move {
        Err::<(), _>(context.require_urls([page("e1")]).await)
    }));
    let fresh = Bench::new();
    fresh.port.set_spawn(executor.clone());
    let again = handler(|_: Value, context: Context| async move {
        Err::<(), Box<dyn std::error::Error + Send + Sync>>(context.require_urls([page("e1")]).await.into())
    });
    fresh.server.tool(tool("local"), again).unwrap();
    fresh.initialize_with(LEGACY, urls());
    fresh.call(1, "local");
    executor.run();
    assert_eq!(error_of(&fresh.sink.one()).0, -32042);
    bench.send(modern_with(call(json!(2), "local", json!({})), urls()));
    executor.run();
    assert_eq!(bench.sink.one()["result"]["resultType"], "input_required");
    fresh.assert_settled();
    bench.assert_settled();
}
