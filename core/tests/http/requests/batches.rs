//! Batches of 2025-03-26, which are answered with one array, as JSON or at the end of a stream.

use crate::support::bench::{Bench, Chunks, Full, Part, Pending, poll_body};
use crate::{MODERN, envelope, events, initialize, notification, request, text};
use bytes::Bytes;
use serde_json::{Value, json};
use std::sync::Arc;
use tenon_mcp::{CallId, CancelReason, HostOp, Limits};

const V: &str = "2025-03-26";

/// A bench with a session of the revision that has batches.
fn bench() -> (Bench, String) {
    let bench = Bench::new();
    let session = open(&bench, V);
    (bench, session)
}

fn open(bench: &Bench, revision: &str) -> String {
    let reply = bench.post(&[], &initialize(revision)).finish();
    let session = reply.headers["mcp-session-id"].to_str().unwrap().to_owned();
    let ready = notification("notifications/initialized", json!({}));
    assert_eq!(bench.post(&[("mcp-session-id", &session)], &ready).finish().status, 202);
    session
}

fn post(bench: &Bench, session: &str, batch: &Value) -> Pending {
    bench.post(&[("mcp-session-id", session)], batch)
}

fn work(id: u64) -> Value {
    request(id, "tools/call", json!({ "name": "work", "_meta": { "progressToken": id } }))
}

fn ping(id: u64) -> Value {
    request(id, "ping", json!({}))
}

fn ids(answers: &Value) -> Vec<u64> {
    answers.as_array().expect("an array").iter().map(|answer| answer["id"].as_u64().unwrap()).collect()
}

fn calls(bench: &Bench) -> Vec<CallId> {
    let ops = bench.ops().into_iter();
    ops.filter_map(|op| if let HostOp::Call(call) = op { Some(call.id) } else { None }).collect()
}

#[test]
fn a_batch_is_answered_by_one_array() {
    // BAT-2, BAT-5, BAT-7.
    let (bench, session) = bench();
    let batch = json!([ping(1), notification("notifications/x", json!({})), work(2), work(3)]);
    let mut pending = post(&bench, &session, &batch);
    assert!(pending.poll().is_none());
    let calls = calls(&bench);
    bench.complete(calls[1], "three");
    assert!(pending.poll().is_none(), "not before the last answer");
    bench.complete(calls[0], "two");
    let reply = pending.finish();
    assert_eq!((reply.status, reply.frames), (200, 1));
    let answers = reply.json();
    assert_eq!(ids(&answers), [1, 2, 3]);
    assert_eq!((text(&answers[1]), text(&answers[2])), ("two", "three"));
    // At once, where no member waits.
    let reply = post(&bench, &session, &json!([ping(4), request(5, "no/such", json!({}))])).finish();
    assert_eq!((reply.status, ids(&reply.json())), (200, vec![4, 5]));
}

#[test]
fn what_members_emit_makes_the_batch_a_stream() {
    // BAT-6.
    let (bench, session) = bench();
    let mut pending = post(&bench, &session, &json!([work(1), work(2)]));
    assert!(pending.poll().is_none());
    let calls = calls(&bench);
    bench.progress(calls[1], 1.0);
    let mut body = pending.poll().expect("a stream").into_body();
    let woken = Arc::default();
    let Part::Data(data) = poll_body(&mut body, &woken) else { panic!("progress was reported") };
    assert_eq!(events(&data)[0]["params"]["progressToken"], 2);
    bench.complete(calls[1], "two");
    assert!(matches!(poll_body(&mut body, &woken), Part::Nothing));
    bench.progress(calls[0], 1.0);
    let Part::Data(data) = poll_body(&mut body, &woken) else { panic!("progress was reported") };
    assert_eq!(events(&data)[0]["params"]["progressToken"], 1);
    bench.complete(calls[0], "one");
    let Part::Data(data) = poll_body(&mut body, &woken) else { panic!("the batch is done") };
    let last = events(&data).pop().unwrap();
    assert_eq!(ids(&last), [1, 2]);
    assert!(matches!(poll_body(&mut body, &woken), Part::End), "LH-25");
}

#[test]
fn a_slow_batch_becomes_a_stream() {
    let (bench, session) = bench();
    let mut pending = post(&bench, &session, &json!([ping(1), work(2)]));
    assert!(pending.poll().is_none());
    bench.clock.advance(std::time::Duration::from_secs(10));
    bench.service.tick();
    let mut body = pending.poll().expect("a stream").into_body();
    let woken = Arc::default();
    let Part::Data(data) = poll_body(&mut body, &woken) else { panic!("a comment is due") };
    assert!(data.starts_with(b":"), "{data:?}");
    bench.complete(bench.take_call(), "done");
    let Part::Data(data) = poll_body(&mut body, &woken) else { panic!("the batch is done") };
    assert_eq!(ids(&events(&data)[0]), [1, 2]);
}

#[test]
fn a_batch_without_requests_is_accepted() {
    // BAT-5.
    let (bench, session) = bench();
    for batch in [
        json!([notification("notifications/x", json!({})), notification("notifications/y", json!({}))]),
        json!([{ "jsonrpc": "2.0", "id": 1, "result": {} }]),
    ] {
        let reply = post(&bench, &session, &batch).finish();
        assert_eq!((reply.status, reply.body.len()), (202, 0), "{batch}");
    }
}

#[test]
fn malformed_members_are_answered_beside_the_others() {
    // BAT-3, BAT-7.
    let (bench, session) = bench();
    let codes = |reply: Full| {
        let answers = reply.json();
        let code = |answer: &Value| answer["error"]["code"].as_i64();
        let codes: Vec<_> = answers.as_array().expect("an array").iter().map(code).collect();
        (reply.status, codes)
    };
    let modern = request(5, "tools/list", envelope(json!({})));
    let batch = json!([7, ping(1), initialize(V), ping(1), [], modern]);
    let (status, found) = codes(post(&bench, &session, &batch).finish());
    let bad = Some(-32600);
    assert_eq!((status, found), (200, vec![bad, None, bad, bad, bad, bad]));
    // Nothing but faults is a fault.
    assert_eq!(codes(post(&bench, &session, &json!([7, 8])).finish()), (400, vec![bad, bad]));
    for refused in [json!([]), Value::Array(vec![ping(1); 101])] {
        let reply = post(&bench, &session, &refused).finish();
        assert_eq!((reply.status, reply.code()), (400, -32600));
    }
    let body = Chunks::of([Bytes::from_static(b"[{]")]);
    let head = [("content-type", "application/json"), ("mcp-session-id", session.as_str())];
    let reply = bench.submit("POST", &head, body).finish();
    assert_eq!((reply.status, reply.code()), (400, -32700), "BAD-8");
}

#[test]
fn each_bad_member_is_answered_by_one_error() {
    // BAT-7, BAD-7: the same texts alone get 400.
    let (bench, session) = bench();
    let bad = [
        json!({ "foo": "boo" }),
        json!({ "jsonrpc": "1.0", "method": "notifications/x" }),
        json!({ "jsonrpc": "2.0", "method": 5 }),
        json!({ "jsonrpc": "2.0", "method": "notifications/x", "params": [] }),
        json!({ "jsonrpc": "2.0", "id": 1, "result": {}, "error": {} }),
        json!({ "jsonrpc": "2.0", "result": {} }),
        json!({ "jsonrpc": "2.0", "id": null, "method": "ping" }),
        json!(7),
    ];
    let errors = |reply: Full, status: u16| {
        assert_eq!(reply.status, status, "{reply:?}");
        let answers = reply.json().as_array().expect("an array").clone();
        answers.into_iter().filter(|answer| answer.get("error").is_some()).collect::<Vec<_>>()
    };
    for member in &bad {
        assert_eq!(bench.post(&[("mcp-session-id", &session)], member).finish().status, 400, "{member}");
        for batch in [json!([member]), json!([member, member])] {
            let found = errors(post(&bench, &session, &batch).finish(), 400);
            assert_eq!(found.len(), batch.as_array().unwrap().len(), "{batch}");
            for error in found {
                assert_eq!((error.get("id"), &error["error"]["code"]), (Some(&Value::Null), &json!(-32600)));
            }
        }
        // Beside what is taken.
        let noted = notification("notifications/x", json!({}));
        for good in [ping(3), noted] {
            let found = errors(post(&bench, &session, &json!([good, member])).finish(), 200);
            assert_eq!(found.len(), 1, "{good} {member}");
        }
    }
    assert_eq!(errors(post(&bench, &session, &json!(bad)).finish(), 400).len(), bad.len());
    // With ids, too: each keeps the code that it has alone (RPC-10).
    let params = json!({ "jsonrpc": "2.0", "id": 4, "method": "ping", "params": [] });
    let found = errors(post(&bench, &session, &json!([params, bad[0]])).finish(), 400);
    assert_eq!((&found[0]["id"], &found[0]["error"]["code"]), (&json!(4), &json!(-32602)));
}

#[test]
fn cancelled_members_are_missing() {
    let (bench, session) = bench();
    let cancel = |id: u64| notification("notifications/cancelled", json!({ "requestId": id }));
    let mut pending = post(&bench, &session, &json!([work(1), work(2)]));
    assert!(pending.poll().is_none());
    let first = calls(&bench);
    assert_eq!(post(&bench, &session, &json!([cancel(1)])).finish().status, 202);
    bench.complete(first[1], "two");
    assert_eq!(ids(&pending.finish().json()), [2]);
    // All of them, by the batch itself: as for a single call there is no answer.
    let reply = post(&bench, &session, &json!([work(3), work(4), cancel(3), cancel(4)])).finish();
    assert!(reply.status == 200 && reply.is_stream() && reply.body.is_empty());
    assert_eq!(bench.server.engine().in_flight(), 0);
}

#[test]
fn a_busy_or_closing_server_says_so_for_each_member() {
    let mut limits = Limits::default();
    limits.max_peer_calls = 1;
    let bench = Bench::with(limits, |builder| builder);
    let session = open(&bench, V);
    let mut pending = post(&bench, &session, &json!([work(1), work(2)]));
    assert!(pending.poll().is_none());
    bench.server.engine().cancel_all(CancelReason::Closing);
    let reply = pending.finish();
    assert_eq!((reply.status, &reply.headers["retry-after"]), (503, &"1".parse().unwrap()));
    let answers = reply.json();
    assert_eq!(ids(&answers), [1, 2], "RPC-14");
    assert!(answers[0]["error"]["message"].as_str().unwrap().contains("shutting down"));
    assert!(answers[1]["error"]["message"].as_str().unwrap().contains("of this client"));
}

#[test]
fn only_sessions_of_2025_03_26_have_batches() {
    // BAT-8 to BAT-10: what counts is what was negotiated.
    let (bench, session) = bench();
    let later = open(&bench, "2025-06-18");
    let (id, version) = ("mcp-session-id", "mcp-protocol-version");
    let rows: &[(&[(&str, &str)], u16)] = &[
        (&[(id, &session), (version, V)], 200),
        (&[(id, &session), (version, "2025-06-18")], 400),
        (&[(id, &session), (version, MODERN)], 400),
        (&[(id, &later)], 400),
        (&[(id, &later), (version, V)], 400),
        (&[(version, V)], 400),
        (&[], 400),
        (&[(id, "nope")], 404),
    ];
    for (headers, status) in rows {
        let reply = bench.post(headers, &json!([ping(1), work(2)]));
        let reply = match *status {
            200 => {
                let mut reply = reply;
                assert!(reply.poll().is_none());
                bench.complete(bench.take_call(), "done");
                reply.finish()
            }
            _ => reply.finish(),
        };
        assert_eq!(reply.status, *status, "{headers:?}");
        if *status != 200 {
            assert_eq!(reply.code(), -32600, "{headers:?}");
        }
    }
    assert!(bench.ops().is_empty(), "no member of a refused batch runs");
}
