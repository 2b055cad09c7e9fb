//! Questions in a legacy session that the stream of the POST cannot carry.

use crate::support::bench::{Bench, Part, poll_body, question};
use crate::{events, request};
use http_body::Body;
use serde_json::{Value, json};
use std::sync::Arc;
use tenon_mcp::http::ResponseBody;
use tenon_mcp::{AskError, AskMode, CallId, HostOp, Limits};

/// The events that are queued on a stream.
fn waiting(body: &mut ResponseBody) -> Vec<Value> {
    match poll_body(body, &Arc::default()) {
        Part::Data(data) => events(&data),
        Part::End => panic!("the stream ended"),
        Part::Nothing => Vec::new(),
    }
}

#[track_caller]
fn only(body: &mut ResponseBody, method: &str) -> Value {
    match &waiting(body)[..] {
        [message] if message["method"] == method => message.clone(),
        other => panic!("not one {method}: {other:?}"),
    }
}

fn ask(bench: &Bench, call: CallId) {
    bench.server.port().ask(call, question(), AskMode::Park).unwrap();
}

fn answer(bench: &Bench, session: &str, message: &Value) -> u16 {
    bench.post(&[("mcp-session-id", session)], message).finish().status
}

#[track_caller]
fn failed(bench: &Bench) -> String {
    match bench.ops().pop() {
        Some(HostOp::Answer { answer: Err(AskError::Failed(text)), .. }) => text,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_question_whose_post_stream_is_gone_goes_to_the_sessions_get_stream() {
    let bench = Bench::new();
    let session = bench.open();
    let mut older = bench.listen(&session);
    let mut listening = bench.listen(&session);
    let pending = bench.session_call(&session, 1);
    let call = bench.take_call();
    drop(pending);
    ask(&bench, call);
    let asked = only(&mut listening, "elicitation/create");
    assert!(waiting(&mut older).is_empty(), "LH-21");
    let accepted = json!({ "action": "accept", "content": { "name": "Ada" } });
    let status =
        answer(&bench, &session, &json!({ "jsonrpc": "2.0", "id": asked["id"], "result": accepted }));
    assert_eq!(status, 202);
    assert!(matches!(bench.ops()[..], [HostOp::Answer { answer: Ok(_), .. }]));
}

#[test]
fn a_question_without_any_stream_fails_at_once() {
    let bench = Bench::new();
    let session = bench.open();
    drop(bench.session_call(&session, 1));
    let call = bench.take_call();
    ask(&bench, call);
    assert!(failed(&bench).contains("cannot be reached"));
    bench.complete(call, "went on without");
}

#[test]
fn a_client_that_takes_no_stream_is_asked_on_its_get_stream_or_not_at_all() {
    let bench = Bench::new();
    let session = bench.open();
    let json_only = |id: u64| {
        let head = [("mcp-session-id", session.as_str()), ("accept", "application/json")];
        let mut pending = bench.post(&head, &request(id, "tools/call", json!({ "name": "work" })));
        assert!(pending.poll().is_none());
        (pending, bench.take_call())
    };
    let (pending, call) = json_only(1);
    ask(&bench, call);
    assert!(failed(&bench).contains("cannot be reached"));
    bench.complete(call, "without");
    assert!(!pending.finish().is_stream());
    let (pending, call) = json_only(2);
    let mut listening = bench.listen(&session);
    ask(&bench, call);
    only(&mut listening, "elicitation/create");
    bench.complete(call, "done");
    // Withdrawn where it was asked.
    only(&mut listening, "notifications/cancelled");
    assert!(!pending.finish().is_stream());
}

#[test]
fn a_question_that_was_never_read_goes_on_when_its_stream_is_dropped() {
    let bench = Bench::new();
    let session = bench.open();
    // Before the response's head, and in the middle of the stream.
    for started in [false, true] {
        let mut listening = bench.listen(&session);
        let mut pending = bench.session_call(&session, 1);
        let call = bench.take_call();
        let mut stream = None;
        if started {
            bench.progress(call, 1.0);
            let mut body = pending.poll().unwrap().into_body();
            only(&mut body, "notifications/progress");
            stream = Some(body);
        }
        ask(&bench, call);
        assert!(waiting(&mut listening).is_empty());
        drop((pending, stream));
        if started {
            // The client may come back to that stream; when it has not, the question goes another way.
            bench.service.tick();
            assert!(waiting(&mut listening).is_empty(), "LH-21");
            bench.clock.advance(Limits::default().resume_timeout);
            bench.service.tick();
        }
        only(&mut listening, "elicitation/create");
        bench.complete(call, "done");
        only(&mut listening, "notifications/cancelled");
    }
}

#[test]
fn a_question_that_no_stream_is_left_for_fails_when_the_last_is_dropped() {
    let bench = Bench::new();
    let session = bench.open();
    let listening = bench.listen(&session);
    let pending = bench.session_call(&session, 1);
    let call = bench.take_call();
    ask(&bench, call);
    drop(pending);
    assert!(bench.ops().is_empty());
    drop(listening);
    bench.service.tick();
    assert!(bench.ops().is_empty(), "its client may come back");
    bench.clock.advance(Limits::default().resume_timeout);
    bench.service.tick();
    assert!(failed(&bench).contains("cannot be reached"));
    bench.complete(call, "went on without");
}

#[test]
fn a_question_that_was_read_may_be_answered_after_its_stream_is_gone() {
    let bench = Bench::new();
    let session = bench.open();
    let mut pending = bench.session_call(&session, 1);
    let call = bench.take_call();
    ask(&bench, call);
    let mut body = pending.poll().unwrap().into_body();
    let asked = only(&mut body, "elicitation/create");
    assert!(!body.is_end_stream());
    drop((pending, body));
    let status = answer(
        &bench,
        &session,
        &json!({ "jsonrpc": "2.0", "id": asked["id"], "result": { "action": "decline" } }),
    );
    assert_eq!(status, 202);
    assert!(matches!(bench.ops()[..], [HostOp::Answer { answer: Ok(_), .. }]));
}

#[test]
fn a_malformed_answer_by_post_fails_its_question_at_once() {
    let bench = Bench::new();
    let session = bench.open();
    let wrong: [fn(Value) -> Value; 4] = [
        |id| json!({ "jsonrpc": "2.0", "id": id, "result": {}, "error": { "code": 1, "message": "x" } }),
        |id| json!({ "jsonrpc": "1.0", "id": id, "result": { "action": "decline" } }),
        |id| json!({ "jsonrpc": "2.0", "id": id, "result": { "action": "perhaps" } }),
        |id| json!({ "jsonrpc": "2.0", "id": id, "result": { "action": "accept", "content": { "name": 1 } } }),
    ];
    for (wrong, status) in wrong.into_iter().zip([400, 400, 202, 202]) {
        let mut pending = bench.session_call(&session, 1);
        let call = bench.take_call();
        ask(&bench, call);
        let mut body = pending.poll().unwrap().into_body();
        let asked = only(&mut body, "elicitation/create");
        // In another session the number means nothing, or another question.
        let message = wrong(asked["id"].clone());
        answer(&bench, &bench.open(), &message);
        assert!(bench.ops().is_empty());
        assert_eq!(answer(&bench, &session, &message), status, "{message}");
        failed(&bench);
        bench.complete(call, "went on without");
    }
}
