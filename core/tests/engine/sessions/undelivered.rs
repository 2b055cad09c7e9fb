//! Questions that cannot be delivered, and answers that are not valid: the question fails at once.

use crate::support::*;
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use tenon_mcp::{AskError, AskMode, Asked, CallId, HostOp};

#[track_caller]
fn failure(bench: &Bench, id: CallId, mode: AskMode) -> String {
    let error = match mode {
        AskMode::Park => match bench.drain().pop() {
            Some(HostOp::Answer { answer: Err(error), .. }) => error,
            other => panic!("{other:?}"),
        },
        AskMode::Rerun => {
            bench.port.complete(id, tenon_mcp::Outcome::Suspend).unwrap();
            let again = bench.drain().into_iter().find_map(|op| match op {
                HostOp::Call(call) => Some(call),
                _ => None,
            });
            bench.port.ask(again.expect("it runs again").id, ask("x"), mode).unwrap_err()
        }
    };
    match error {
        AskError::Failed(text) => text,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_question_that_cannot_be_delivered_fails_at_once() {
    for mode in [AskMode::Park, AskMode::Rerun] {
        let bench = Bench::legacy();
        bench.call(1, "slow");
        let call = bench.drain_call();
        bench.sink.gone.store(true, Ordering::SeqCst);
        assert!(matches!(bench.port.ask(call.id, ask("x"), mode), Ok(Asked::Waiting(_) | Asked::Suspended)));
        let text = failure(&bench, call.id, mode);
        assert_eq!(text, "elicitation: the client cannot be reached: it has no open stream for questions");
        assert!(bench.text(call.id, "went on without"));
        bench.assert_settled();
    }
}

#[test]
fn a_question_goes_to_the_peers_own_sink_where_the_calls_is_gone() {
    let bench = Bench::legacy();
    let own = Arc::new(Recorder::default());
    bench.peer.set_sink(own.clone());
    bench.call(1, "slow");
    let call = bench.drain_call();
    bench.sink.gone.store(true, Ordering::SeqCst);
    bench.port.ask(call.id, ask("x"), AskMode::Park).unwrap();
    bench.port.ask(call.id, ask("y"), AskMode::Park).unwrap();
    let [first, second] = &own.take()[..] else { panic!("two questions") };
    assert_eq!((&first["method"], &first["params"]["message"]), (&json!("elicitation/create"), &json!("x?")));
    bench.answer(first, accept("1"));
    assert!(matches!(bench.drain()[..], [HostOp::Answer { answer: Ok(_), .. }]));
    // The call ends: what was asked elsewhere is withdrawn there.
    assert!(bench.text(call.id, "done"));
    let withdrawn = own.one();
    assert_eq!(withdrawn["method"], "notifications/cancelled");
    assert_eq!(withdrawn["params"]["requestId"], second["id"]);
    bench.assert_settled();
}

#[test]
fn a_question_handed_back_goes_to_the_peers_own_sink_or_fails() {
    let bench = Bench::legacy();
    bench.call(1, "slow");
    let call = bench.drain_call();
    bench.port.ask(call.id, ask("x"), AskMode::Park).unwrap();
    let question = bench.sink.one();
    let (id, body) = (question["id"].as_u64().unwrap(), question.to_string());
    let own = Arc::new(Recorder::default());
    bench.peer.set_sink(own.clone());
    bench.engine.undelivered(&bench.peer, id, body.clone().into());
    assert_eq!(own.one(), question);
    own.gone.store(true, Ordering::SeqCst);
    bench.engine.undelivered(&bench.peer, id, body.clone().into());
    assert!(failure(&bench, call.id, AskMode::Park).contains("cannot be reached"));
    // Nobody waits for it any more.
    own.gone.store(false, Ordering::SeqCst);
    bench.engine.undelivered(&bench.peer, id, body.into());
    own.nothing();
    assert!(bench.text(call.id, "done"));
    bench.assert_settled();
}

#[test]
fn an_answer_that_is_no_legal_message_fails_its_question_at_once() {
    let spoil: [fn(Value) -> Value; 5] = [
        |id| json!({ "jsonrpc": "2.0", "id": id, "result": {}, "error": { "code": 1, "message": "x" } }),
        |id| json!({ "jsonrpc": "1.0", "id": id, "result": accept("1") }),
        |id| json!({ "id": id, "result": accept("1") }),
        |id| json!({ "jsonrpc": "2.0", "id": id }),
        |id| json!({ "jsonrpc": "2.0", "id": id, "error": "no" }),
    ];
    for spoil in spoil {
        let bench = Bench::legacy();
        bench.call(1, "slow");
        let call = bench.drain_call();
        bench.port.ask(call.id, ask("x"), AskMode::Park).unwrap();
        let question = bench.sink.one();
        let answer = spoil(question["id"].clone());
        bench.send(answer.clone());
        let text = failure(&bench, call.id, AskMode::Park);
        assert!(text.starts_with("elicitation: the client"), "{answer}: {text}");
        // An error about it would look like the answer to a request of the client's own.
        bench.sink.nothing();
        assert!(bench.text(call.id, "done"));
    }
}

#[test]
fn only_the_question_that_was_meant_fails() {
    let bench = Bench::legacy();
    bench.call(1, "slow");
    let call = bench.drain_call();
    let mut unnamed = ask("x");
    unnamed.key = None;
    bench.port.ask(call.id, unnamed, AskMode::Park).unwrap();
    let question = bench.sink.one();
    // A broken request of the client's own may have the same id.
    bench.send(json!({ "jsonrpc": "1.0", "id": question["id"], "method": "ping" }));
    assert_eq!(error_of(&bench.sink.one()).0, -32600);
    assert!(bench.drain().is_empty());
    bench.answer(&question, accept("1"));
    assert!(matches!(bench.drain()[..], [HostOp::Answer { answer: Ok(_), .. }]));
}
