//! The form of a response, and the effect of a disconnect of its client.

use crate::support::bench::{Bench, Part, poll_body, question, whole};
use crate::{events, initialize, notification, text};
use http_body::Body;
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;
use tenon_mcp::{AskMode, CallId, CancelReason, HostOp, Limits};

#[test]
fn plain_json_when_nothing_was_emitted() {
    let bench = Bench::new();
    let pending = bench.call();
    let call = bench.take_call();
    assert_eq!(pending.woken.count(), 0);
    bench.complete(call, "done");
    assert_eq!(pending.woken.count(), 1);
    let reply = pending.finish();
    assert_eq!((reply.status, reply.frames), (200, 1));
    assert_eq!(text(&reply.json()), "done");
    assert_eq!(reply.json()["result"]["resultType"], "complete");
    assert!(!reply.headers.contains_key("mcp-session-id"), "MH-7");
}

#[test]
fn the_first_event_makes_it_a_stream() {
    let bench = Bench::new();
    let mut pending = bench.call();
    let call = bench.take_call();
    bench.progress(call, 1.0);
    assert_eq!(pending.woken.count(), 1);
    let (head, mut body) = pending.poll().unwrap().into_parts();
    assert_eq!(head.headers["content-type"], "text/event-stream");
    assert_eq!(head.headers["cache-control"], "no-cache", "MH-42");
    assert_eq!(head.headers["x-accel-buffering"], "no", "MH-42");
    assert_eq!(body.size_hint().exact(), None);
    let woken = Arc::default();
    let Part::Data(first) = poll_body(&mut body, &woken) else { panic!("the event was there") };
    assert_eq!(events(&first)[0]["params"]["progress"], 1);
    assert!(matches!(poll_body(&mut body, &woken), Part::Nothing));
    // What has gathered since the last poll comes in one piece.
    bench.progress(call, 2.0);
    bench.progress(call, 3.0);
    bench.complete(call, "done");
    assert_eq!(woken.count(), 1);
    let Part::Data(rest) = poll_body(&mut body, &woken) else { panic!("the rest was there") };
    let rest = events(&rest);
    assert_eq!((rest.len(), text(&rest[2])), (3, "done"));
    assert!(body.is_end_stream());
    assert!(matches!(poll_body(&mut body, &woken), Part::End), "MH-41");
    drop(body);
    assert!(bench.ops().is_empty(), "a call that has ended is not cancelled");
}

#[test]
fn a_complete_stream_leaves_in_one_piece() {
    let bench = Bench::new();
    let mut pending = bench.call();
    let call = bench.take_call();
    bench.progress(call, 1.0);
    bench.complete(call, "done");
    let response = pending.poll().unwrap();
    assert!(response.body().size_hint().exact().is_some());
    let reply = whole(response);
    assert!(reply.is_stream());
    assert_eq!((reply.frames, events(&reply.body).len()), (1, 2));
}

#[test]
fn a_modern_client_that_leaves_cancels() {
    let bench = Bench::new();
    let cancelled = |call: CallId| {
        assert!(bench.server.port().is_cancelled(call));
        match &bench.ops()[..] {
            [HostOp::Cancel { call: ended, reason: CancelReason::Disconnected }] => assert_eq!(*ended, call),
            other => panic!("not one cancellation: {other:?}"),
        }
    };
    // MH-51: before the head of the response.
    let pending = bench.call();
    let call = bench.take_call();
    drop(pending);
    cancelled(call);
    // MH-50: while it streams.
    let mut pending = bench.call();
    let call = bench.take_call();
    bench.progress(call, 1.0);
    let response = pending.poll().unwrap();
    drop(pending);
    assert!(!bench.server.port().is_cancelled(call));
    drop(response);
    cancelled(call);
}

#[test]
fn a_legacy_client_that_leaves_does_not_cancel() {
    // MH-52, LH-26.
    let bench = Bench::new();
    let session = bench.open();
    let pending = bench.session_call(&session, 1);
    let first = bench.take_call();
    drop(pending);
    let mut pending = bench.session_call(&session, 2);
    let second = bench.take_call();
    bench.progress(second, 1.0);
    drop(pending.poll().unwrap());
    assert!(bench.ops().is_empty());
    bench.progress(second, 2.0);
    bench.complete(first, "late");
    bench.complete(second, "late");
    assert_eq!(bench.server.engine().in_flight(), 0);
}

#[test]
fn a_cancelled_legacy_call_ends_its_response() {
    let bench = Bench::new();
    let session = bench.open();
    let cancel = |id: u64| {
        let message = notification("notifications/cancelled", json!({ "requestId": id }));
        let reply = bench.post(&[("mcp-session-id", &session)], &message).finish();
        assert_eq!((reply.status, reply.body.len()), (202, 0), "LH-3");
    };
    let pending = bench.session_call(&session, 1);
    bench.take_call();
    cancel(1);
    let reply = pending.finish();
    assert!(reply.is_stream() && reply.body.is_empty());
    let mut pending = bench.session_call(&session, 2);
    let ops = bench.ops();
    let Some(HostOp::Call(call)) = ops.last() else { panic!("no call in {ops:?}") };
    bench.progress(call.id, 1.0);
    let (_, mut body) = pending.poll().unwrap().into_parts();
    let woken = Arc::default();
    assert!(matches!(poll_body(&mut body, &woken), Part::Data(_)));
    assert!(matches!(poll_body(&mut body, &woken), Part::Nothing));
    cancel(2);
    assert_eq!(woken.count(), 1);
    assert!(matches!(poll_body(&mut body, &woken), Part::End));
}

#[test]
fn quiet_streams_are_kept_alive() {
    let bench = Bench::new();
    let session = bench.open();
    let mut listening = bench.listen(&session);
    let woken = Arc::default();
    assert!(matches!(poll_body(&mut listening, &woken), Part::Nothing));
    let mut comments = 0;
    for _ in 0..12 {
        bench.clock.advance(Duration::from_secs(5));
        bench.service.tick();
        if woken.count() > 0 {
            let Part::Data(data) = poll_body(&mut listening, &woken) else { panic!("woken for nothing") };
            assert!(data.starts_with(b":") && data.ends_with(b"\n\n"), "MH-43: {data:?}");
            assert!(matches!(poll_body(&mut listening, &woken), Part::Nothing));
            comments += 1;
        }
    }
    assert_eq!(comments, 4, "MH-43: one every 15 s for a minute");
    // A stream that carries messages needs none.
    let mut pending = bench.call();
    let call = bench.take_call();
    bench.progress(call, 1.0);
    let mut body = pending.poll().unwrap().into_body();
    for step in 2..20 {
        let Part::Data(data) = poll_body(&mut body, &woken) else { panic!("progress was reported") };
        assert_eq!(events(&data).len(), 1);
        bench.clock.advance(Duration::from_secs(5));
        bench.service.tick();
        bench.progress(call, f64::from(step));
    }
}

#[test]
fn a_slow_call_becomes_a_stream_that_is_kept_alive() {
    let bench = Bench::new();
    let session = bench.open();
    for legacy in [false, true] {
        let mut pending = if legacy { bench.session_call(&session, 1) } else { bench.call() };
        let call = bench.take_call();
        for _ in 0..9 {
            bench.clock.advance(Duration::from_secs(1));
            bench.service.tick();
        }
        assert_eq!(pending.woken.count(), 0, "it may still be quick");
        bench.clock.advance(Duration::from_secs(1));
        bench.service.tick();
        assert_eq!(pending.woken.count(), 1);
        let (head, mut body) = pending.poll().expect("the form is decided").into_parts();
        assert_eq!((head.status.as_u16(), &head.headers["content-type"]), (200, &event_stream()));
        let (woken, mut comments) = (Arc::default(), 0);
        for _ in 0..60 {
            while let Part::Data(data) = poll_body(&mut body, &woken) {
                let primes = legacy && comments == 0 && data.starts_with(b"id: ");
                assert!(primes || data.starts_with(b":") && data.ends_with(b"\n\n"), "MH-43: {data:?}");
                comments += 1;
            }
            bench.clock.advance(Duration::from_secs(1));
            bench.service.tick();
        }
        assert!((5..=7).contains(&comments), "one at once, then one every 10 to 15 s: {comments}");
        bench.complete(call, "done");
        let Part::Data(data) = poll_body(&mut body, &woken) else { panic!("the call is done") };
        assert_eq!(text(&events(&data)[0]), "done");
        assert!(body.is_end_stream());
    }
}

fn event_stream() -> http::HeaderValue {
    http::HeaderValue::from_static("text/event-stream")
}

#[test]
fn a_slow_call_stays_json_for_a_client_that_takes_nothing_else() {
    let bench = Bench::new();
    let pending = bench.call_with(&[("accept", "application/json")]);
    for _ in 0..60 {
        bench.clock.advance(Duration::from_secs(1));
        bench.service.tick();
    }
    assert_eq!(pending.woken.count(), 0);
    bench.complete(bench.take_call(), "done");
    assert_eq!(text(&pending.finish().json()), "done");
}

#[test]
fn an_answer_is_a_stream_after_as_long_as_one_says() {
    let mut limits = Limits::default();
    limits.stream_after = Duration::from_secs(40);
    let bench = Bench::with(limits, |builder| builder);
    let (mut slow, mut quick) = (bench.call(), bench.call());
    let ops = bench.ops();
    let [HostOp::Call(first), HostOp::Call(second)] = &ops[..] else { panic!("two calls: {ops:?}") };
    bench.clock.advance(Duration::from_secs(39));
    bench.service.tick();
    bench.complete(second.id, "quick");
    bench.clock.advance(Duration::from_secs(1));
    bench.service.tick();
    assert_eq!(quick.poll().unwrap().headers()["content-type"], "application/json");
    // The form is still open when the answer overtakes the comment.
    bench.complete(first.id, "slow");
    let reply = whole(slow.poll().unwrap());
    assert_eq!(text(&reply.json()), "slow");
}

#[test]
fn a_client_that_does_not_read_loses_progress_but_not_the_answer() {
    let bench = Bench::with(
        {
            let mut limits = Limits::default();
            limits.max_outbound_bytes = 1000;
            limits
        },
        |builder| builder,
    );
    let mut pending = bench.call();
    let call = bench.take_call();
    for step in 0..1000 {
        bench.progress(call, f64::from(step));
    }
    let response = pending.poll().unwrap();
    bench.complete(call, "done");
    let reply = events(&whole(response).body);
    assert!((5..30).contains(&reply.len()), "{}", reply.len());
    assert_eq!(text(reply.last().unwrap()), "done");
}

#[test]
fn the_answer_has_a_form_the_client_accepts() {
    let bench = Bench::new();
    // MH-11: JSON alone: progress is left out.
    let mut pending = bench.call_with(&[("accept", "application/json")]);
    let call = bench.take_call();
    bench.progress(call, 1.0);
    assert!(pending.poll().is_none());
    bench.complete(call, "done");
    assert_eq!(text(&pending.finish().json()), "done");
    // A stream alone: the answer is an event.
    let pending = bench.call_with(&[("accept", "text/event-stream")]);
    bench.complete(bench.take_call(), "done");
    let reply = pending.finish();
    assert!(reply.is_stream());
    assert_eq!(text(&events(&reply.body)[0]), "done");
    let reply = bench.post(&[("accept", "text/html")], &initialize("2025-11-25")).finish();
    assert_eq!((reply.status, reply.code()), (406, -32600));
}

#[test]
fn a_question_goes_out_on_the_call_and_comes_back_in_another_post() {
    // LH-23.
    let bench = Bench::new();
    let session = bench.open();
    let mut pending = bench.session_call(&session, 1);
    let call = bench.take_call();
    bench.server.port().ask(call, question(), AskMode::Park).unwrap();
    let mut body = pending.poll().unwrap().into_body();
    let woken = Arc::default();
    let Part::Data(data) = poll_body(&mut body, &woken) else { panic!("the question was asked") };
    let asked = &events(&data)[0];
    assert_eq!(asked["method"], "elicitation/create");
    let answer = json!({
        "jsonrpc": "2.0", "id": asked["id"],
        "result": { "action": "accept", "content": { "name": "Ada" } },
    });
    // Another session cannot answer it.
    let other = bench.open();
    let reply = bench.post(&[("mcp-session-id", &other)], &answer).finish();
    assert_eq!((reply.status, reply.body.len()), (202, 0), "BAD-9");
    assert!(bench.ops().is_empty());
    let reply = bench.post(&[("mcp-session-id", &session)], &answer).finish();
    assert_eq!((reply.status, reply.body.len()), (202, 0), "LH-3");
    match &bench.ops()[..] {
        [HostOp::Answer { call: answered, answer: Ok(answer), .. }] => {
            assert_eq!(*answered, call);
            assert_eq!(answer.content().unwrap().as_str(), r#"{"name":"Ada"}"#);
        }
        other => panic!("not one answer: {other:?}"),
    }
    bench.complete(call, "Hello");
    let Part::Data(data) = poll_body(&mut body, &woken) else { panic!("the call is done") };
    assert_eq!(text(&events(&data)[0]), "Hello");
    assert!(body.is_end_stream(), "LH-25");
}

#[test]
fn equal_ids_of_different_clients_do_not_meet() {
    // RPC-8.
    let bench = Bench::new();
    let (first, second) = (bench.call(), bench.call());
    let calls: Vec<_> = bench
        .ops()
        .into_iter()
        .map(|op| match op {
            HostOp::Call(call) => call.id,
            other => panic!("not a call: {other:?}"),
        })
        .collect();
    bench.complete(calls[1], "second");
    bench.complete(calls[0], "first");
    assert_eq!(text(&first.finish().json()), "first");
    assert_eq!(text(&second.finish().json()), "second");
}
