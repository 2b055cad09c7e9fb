//! Clients that resume a stream of their session.

use crate::support::bench::{Bench, Full, Part, Pending, poll_body, question, whole};
use crate::support::server::{StartedServer, call, legacy_call};
use crate::{all_events, initialize, notification, numbered, request, text};
use serde_json::{Value, json};
use std::sync::Arc;
use tenon_mcp::http::ResponseBody;
use tenon_mcp::{AskMode, CallId, HostOp, Limits};

/// Opens a session of this revision.
pub(crate) fn open(bench: &Bench, revision: &str) -> String {
    let reply = bench.post(&[], &initialize(revision)).finish();
    let session = reply.headers["mcp-session-id"].to_str().unwrap().to_owned();
    bench
        .post(&[("mcp-session-id", &session)], &notification("notifications/initialized", json!({})))
        .finish();
    session
}

/// Requests the events after the event `id`.
pub(crate) fn come_back(bench: &Bench, session: &str, id: &str) -> Pending {
    let head = [("mcp-session-id", session), ("accept", "text/event-stream"), ("last-event-id", id)];
    bench.bare("GET", &head)
}

/// The response that continues after the event `id`.
#[track_caller]
pub(crate) fn resumed(bench: &Bench, session: &str, id: &str) -> ResponseBody {
    let response = come_back(bench, session, id).poll().expect("an answer at once");
    assert_eq!(response.status(), 200);
    response.into_body()
}

#[track_caller]
pub(crate) fn refused(bench: &Bench, session: &str, id: &str) -> String {
    let reply = come_back(bench, session, id).finish();
    assert_eq!((reply.status, reply.code()), (400, -32600), "LH-34");
    reply.json()["error"]["message"].as_str().unwrap().to_owned()
}

/// The bytes that a body has now, and whether it has ended.
pub(crate) fn now(body: &mut ResponseBody) -> (Vec<u8>, bool) {
    let mut said = Vec::new();
    loop {
        match poll_body(body, &Arc::default()) {
            Part::Data(data) => said.extend(data),
            Part::End => return (said, true),
            Part::Nothing => return (said, false),
        }
    }
}

/// Starts a call whose stream has begun with progress 1. Returns the ids of the events so far.
pub(crate) fn begun(bench: &Bench, session: &str, id: u64) -> (CallId, ResponseBody, Vec<String>) {
    let mut pending = bench.session_call(session, id);
    let call = bench.take_call();
    bench.progress(call, 1.0);
    let mut body = pending.poll().expect("a stream").into_body();
    let ids = all_events(&now(&mut body).0).into_iter().map(|(id, _)| id).collect();
    (call, body, ids)
}

pub(crate) fn progress(message: &Value) -> f64 {
    message["params"]["progress"].as_f64().unwrap_or_else(|| panic!("no progress: {message}"))
}

#[test]
fn the_answer_of_a_call_whose_client_comes_back_is_not_lost() {
    let bench = Bench::new();
    for revision in ["2025-03-26", "2025-06-18", "2025-11-25"] {
        let session = open(&bench, revision);
        let (call, body, ids) = begun(&bench, &session, 1);
        drop(body);
        bench.progress(call, 2.0);
        bench.complete(call, "done");
        let reply = whole(come_back(&bench, &session, ids.last().unwrap()).poll().unwrap());
        assert!(reply.is_stream(), "{reply:?}");
        let said = numbered(&reply.body);
        assert_eq!((said.len(), progress(&said[0].1), text(&said[1].1)), (2, 2.0, "done"), "LH-28");
        // Each event once: behind the last there is none, and the stream has ended.
        let (rest, ended) = now(&mut resumed(&bench, &session, &said[1].0));
        assert!(numbered(&rest).is_empty() && ended);
        // From the beginning once more, for a client that lost it all on the way.
        let again = numbered(&now(&mut resumed(&bench, &session, &said[0].0)).0);
        assert_eq!(again, said[1..]);
    }
}

/// LH-30, LH-33: only clients whose revision has events without data get one, and a retry time.
#[test]
fn streams_begin_with_an_id_in_the_revision_that_has_that() {
    let bench = Bench::new();
    for revision in ["2025-03-26", "2025-06-18", "2025-11-25"] {
        let session = open(&bench, revision);
        let mut pending = bench.session_call(&session, 1);
        let call = bench.take_call();
        bench.progress(call, 1.0);
        let mut body = pending.poll().unwrap().into_body();
        let (first, _) = now(&mut body);
        let primes = String::from_utf8_lossy(&first).contains("\nretry: 1000\ndata: \n\nid: ");
        assert_eq!(primes, revision == "2025-11-25", "{}", String::from_utf8_lossy(&first));
        assert_eq!(all_events(&first).len(), if primes { 2 } else { 1 });
        drop(body);
        let (again, _) = now(&mut resumed(&bench, &session, &all_events(&first)[0].0));
        assert_eq!(again.starts_with(b"retry: 1000\n\n"), primes, "{}", String::from_utf8_lossy(&again));
        assert_eq!(numbered(&again).len(), usize::from(primes));
    }
}

#[test]
fn modern_streams_have_no_ids() {
    let bench = Bench::new();
    let mut pending = bench.call();
    let call = bench.take_call();
    bench.progress(call, 1.0);
    let mut body = pending.poll().unwrap().into_body();
    assert_eq!(bench.server.port().close_stream(call), Ok(false));
    bench.complete(call, "done");
    let (said, ended) = now(&mut body);
    assert!(
        ended && all_events(&said).iter().all(|(id, data)| id.is_empty() && !data.is_empty()),
        "MH-44, MH-45"
    );
    assert!(!String::from_utf8(said).unwrap().contains("retry"));
}

#[test]
fn a_plain_answer_is_not_kept() {
    let bench = Bench::new();
    let session = bench.open();
    let pending = bench.session_call(&session, 1);
    bench.complete(bench.take_call(), "done");
    let reply: Full = pending.finish();
    assert_eq!(text(&reply.json()), "done");
    assert!(refused(&bench, &session, "0123456789abcdef.1.0").contains("does not name an event"));
}

#[test]
fn only_the_stream_of_the_id_goes_on_and_only_in_its_session() {
    let bench = Bench::new();
    let session = bench.open();
    let (one, first, ids) = begun(&bench, &session, 1);
    let (two, second, other) = begun(&bench, &session, 2);
    drop((first, second));
    bench.progress(one, 2.0);
    bench.progress(two, 3.0);
    let mut first = resumed(&bench, &session, &ids[1]);
    let said = numbered(&now(&mut first).0);
    assert_eq!(said.iter().map(|(_, event)| progress(event)).collect::<Vec<_>>(), [2.0], "LH-29");
    let read = &said[0].0;
    let mut second = resumed(&bench, &session, &other[1]);
    assert_eq!(progress(&numbered(&now(&mut second).0)[0].1), 3.0);
    assert!(ids.iter().all(|id| !other.contains(id)), "LH-27");
    for id in ["", "7", "x.1", &format!("{}9", ids[1]), &ids[1].replace(".1.", ".7."), "../../x.1.1"] {
        assert!(refused(&bench, &session, id).contains("does not name an event"), "{id}");
    }
    let stranger = bench.open();
    // Also behind the last event, where nothing is looked up in the log of the session.
    for id in [&ids[1], read] {
        assert!(refused(&bench, &stranger, id).contains("does not name an event"), "LH-12: {id}");
    }
    bench.complete(one, "one");
    bench.complete(two, "two");
    assert_eq!(text(&numbered(&now(&mut first).0)[0].1), "one");
    assert_eq!(text(&numbered(&now(&mut second).0)[0].1), "two");
}

#[test]
fn who_comes_back_takes_the_stream_over() {
    let bench = Bench::new();
    let session = bench.open();
    let (call, mut first, ids) = begun(&bench, &session, 1);
    let mut second = resumed(&bench, &session, &ids[1]);
    assert!(now(&mut first).1, "the response before ends");
    bench.progress(call, 2.0);
    assert_eq!(numbered(&now(&mut second).0).len(), 1);
    let mut third = resumed(&bench, &session, &ids[1]);
    assert!(now(&mut second).1);
    // A response that was taken over does not take the stream along.
    drop((first, second));
    bench.complete(call, "done");
    let (said, ended) = now(&mut third);
    assert_eq!((numbered(&said).len(), ended), (2, true));
}

#[test]
fn a_call_lets_go_of_its_connection() {
    let bench = Bench::new();
    let session = bench.open();
    let port = bench.server.port();
    // Before anything was said, and again after the client came back.
    let mut pending = bench.session_call(&session, 1);
    let call = bench.take_call();
    assert_eq!(port.close_stream(call), Ok(true), "LH-31");
    assert_eq!(port.close_stream(call), Ok(false), "it is closed already");
    bench.progress(call, 1.0);
    let (said, ended) = now(&mut pending.poll().unwrap().into_body());
    assert!(ended);
    let said = all_events(&said);
    assert_eq!((said.len(), said[0].1.len()), (1, 0), "what follows waits");
    assert_eq!(port.close_stream(call), Ok(false), "nobody waits");
    let mut back = resumed(&bench, &session, &said[0].0);
    let events = numbered(&now(&mut back).0);
    assert_eq!(progress(&events[0].1), 1.0);
    bench.progress(call, 2.0);
    assert_eq!(port.close_stream(call), Ok(true));
    bench.complete(call, "done");
    let (said, ended) = now(&mut back);
    assert_eq!((numbered(&said).len(), ended), (1, true));
    let id = &numbered(&said)[0].0;
    assert_eq!(text(&numbered(&now(&mut resumed(&bench, &session, id)).0)[0].1), "done");
    assert!(port.close_stream(call).is_err(), "the call has ended");
}

#[test]
fn a_response_that_ends_at_once_does_not_wait_for_a_quick_answer() {
    let bench = Bench::new();
    let session = bench.open();
    let mut pending = bench.session_call(&session, 1);
    let call = bench.take_call();
    assert_eq!(bench.server.port().close_stream(call), Ok(true));
    bench.complete(call, "done");
    let reply = whole(pending.poll().unwrap());
    let said = all_events(&reply.body);
    assert_eq!((reply.is_stream(), said.len(), said[0].1.len()), (true, 1, 0));
    assert_eq!(text(&numbered(&now(&mut resumed(&bench, &session, &said[0].0)).0)[0].1), "done");
}

#[test]
fn streams_are_not_closed_where_no_client_would_come_back() {
    let bench = Bench::new();
    let port = bench.server.port();
    for revision in ["2025-03-26", "2025-06-18"] {
        let session = open(&bench, revision);
        let (call, mut body, _) = begun(&bench, &session, 1);
        assert_eq!(port.close_stream(call), Ok(false), "LH-24");
        bench.complete(call, "done");
        assert_eq!(text(&numbered(&now(&mut body).0)[0].1), "done");
    }
    let session = bench.open();
    let head = [("mcp-session-id", session.as_str()), ("accept", "application/json")];
    let mut pending = bench.post(&head, &request(1, "tools/call", json!({ "name": "work" })));
    assert!(pending.poll().is_none());
    let call = bench.take_call();
    assert_eq!(port.close_stream(call), Ok(false), "the client takes no stream");
    bench.complete(call, "done");
    assert_eq!(text(&pending.finish().json()), "done");
    let mut limits = Limits::default();
    limits.max_stream_bytes = 0;
    let bench = Bench::with(limits, |builder| builder);
    let session = bench.open();
    let (call, body, ids) = begun(&bench, &session, 1);
    assert!(ids.iter().all(String::is_empty));
    assert_eq!(bench.server.port().close_stream(call), Ok(false));
    drop(body);
    bench.complete(call, "lost");
}

#[test]
fn events_that_belong_to_no_request_wait_for_who_listened_last() {
    let bench = Bench::new();
    let session = bench.open();
    let tell = |number: u64| {
        let params = tenon_mcp::JsonSlice::from_value(&json!({ "number": number }));
        bench.server.notify("notifications/x", &params).unwrap()
    };
    let head = [("mcp-session-id", session.as_str()), ("accept", "text/event-stream")];
    let mut listening = bench.bare("GET", &head).poll().unwrap().into_body();
    let (first, _) = now(&mut listening);
    let id = all_events(&first)[0].0.clone();
    let numbers = |said: &[u8]| -> Vec<u64> {
        numbered(said).iter().map(|(_, event)| event["params"]["number"].as_u64().unwrap()).collect()
    };
    assert_eq!(tell(1), 1);
    assert_eq!(numbers(&now(&mut listening).0), [1]);
    drop(listening);
    assert_eq!(tell(2), 1, "LH-36");
    let mut back = resumed(&bench, &session, &id);
    assert_eq!(numbers(&now(&mut back).0), [1, 2]);
    // Who listens gets it, and nobody else (LH-21).
    drop(back);
    let mut newer = bench.listen(&session);
    assert_eq!(tell(3), 1);
    assert_eq!(numbers(&now(&mut newer).0), [3]);
    assert_eq!(numbers(&now(&mut resumed(&bench, &session, &id)).0), [1, 2]);
    drop(newer);
    bench.service.tick();
    bench.clock.advance(Limits::default().resume_timeout);
    bench.service.tick();
    assert_eq!(tell(4), 0, "nobody has come back");
}

#[test]
fn a_question_waits_on_its_stream_for_the_client() {
    let bench = Bench::new();
    let session = bench.open();
    let (call, body, ids) = begun(&bench, &session, 1);
    assert_eq!(bench.server.port().close_stream(call), Ok(true));
    let mut body = body;
    assert!(now(&mut body).1);
    let mut listening = bench.listen(&session);
    bench.server.port().ask(call, question(), AskMode::Park).unwrap();
    assert!(now(&mut listening).0.is_empty(), "LH-21");
    // Read twice, because the first response was lost.
    for _ in 0..2 {
        let (said, _) = now(&mut resumed(&bench, &session, &ids[1]));
        assert_eq!(numbered(&said)[0].1["method"], "elicitation/create");
    }
    let (said, _) = now(&mut resumed(&bench, &session, &ids[1]));
    let answer =
        json!({ "jsonrpc": "2.0", "id": numbered(&said)[0].1["id"], "result": { "action": "decline" } });
    assert_eq!(bench.post(&[("mcp-session-id", &session)], &answer).finish().status, 202);
    assert!(matches!(bench.ops()[..], [HostOp::Answer { answer: Ok(_), .. }]));
    bench.complete(call, "done");
    assert!(now(&mut listening).0.is_empty());
}

#[test]
fn batches_are_resumed_too() {
    let bench = Bench::new();
    let session = open(&bench, "2025-03-26");
    let call =
        |id: u64| request(id, "tools/call", json!({ "name": "work", "_meta": { "progressToken": id } }));
    let mut pending = bench.post(&[("mcp-session-id", &session)], &json!([call(1), call(2)]));
    assert!(pending.poll().is_none());
    let started = |op| match op {
        HostOp::Call(call) => Some(call.id),
        _ => None,
    };
    let calls: Vec<_> = bench.ops().into_iter().filter_map(started).collect();
    bench.progress(calls[0], 1.0);
    let mut body = pending.poll().unwrap().into_body();
    let id = all_events(&now(&mut body).0)[0].0.clone();
    drop(body);
    bench.complete(calls[1], "two");
    bench.complete(calls[0], "one");
    let (said, ended) = now(&mut resumed(&bench, &session, &id));
    let answers = &numbered(&said)[0].1;
    assert!(ended && answers.as_array().unwrap().len() == 2, "BAT-7: {answers}");
}

pub(crate) fn last_id(said: &[u8]) -> String {
    all_events(said).last().expect("an event").0.clone()
}

#[test]
fn a_connection_that_is_reset_in_the_middle_loses_nothing() {
    let up = StartedServer::new();
    let session = up.client().open("2025-11-25");
    let head = [("mcp-session-id", session.as_str())];
    let mut client = up.client();
    client.send_post(&head, &legacy_call(1, "gate", json!({ "report": true })));
    assert_eq!(up.next(), "started");
    // Looked at and not read: a connection that ends with unread input is reset.
    let mut seen = [0; 2000];
    let body = loop {
        let count = client.stream.get_ref().peek(&mut seen).unwrap();
        let text = String::from_utf8_lossy(&seen[..count]).into_owned();
        assert!(count > 0, "{text}");
        match text.split_once("\r\n\r\n") {
            Some((_, body)) if body.contains("progress\":1") && body.ends_with("\n\n\r\n") => {
                break body.to_owned();
            }
            _ => std::thread::yield_now(),
        }
    };
    let (_, event) = body.split_once("\r\n").expect("a chunk");
    let id = last_id(event.as_bytes());
    drop(client);
    up.gate.add_permits(1);
    assert_eq!(up.next(), "finished", "LH-26");
    let mut back = up.client();
    let again = [head[0], ("accept", "text/event-stream"), ("last-event-id", &id)];
    back.send("GET", &again, b"");
    let reply = back.reply();
    assert_eq!((reply.status, reply.is_stream()), (200, true));
    let said = numbered(&reply.body);
    assert_eq!(text(&said.last().unwrap().1), "through the gate");
    // The connection goes on after it.
    assert_eq!(text(&back.modern(&call(2, "add", json!({ "a": 1, "b": 2 }))).json()), "3");
}

#[test]
fn the_end_of_the_server_ends_streams_that_were_resumed() {
    let up = StartedServer::new();
    let session = up.client().open("2025-11-25");
    let head = [("mcp-session-id", session.as_str())];
    let mut client = up.client();
    client.send_post(&head, &legacy_call(1, "gate", json!({ "report": true })));
    assert_eq!(up.next(), "started");
    client.read_head().unwrap();
    let id = last_id(&client.read_chunk().unwrap());
    let mut back = up.client();
    let again = [head[0], ("accept", "text/event-stream"), ("last-event-id", &id)];
    back.send("GET", &again, b"");
    assert_eq!(back.read_head().unwrap().0, 200);
    assert_eq!(client.read_chunk(), None, "it was taken over");
    up.running.close();
    up.gate.add_permits(1);
    let mut rest = Vec::new();
    while let Some(chunk) = back.read_chunk() {
        rest.extend(chunk);
    }
    assert_eq!(text(&numbered(&rest).last().unwrap().1), "through the gate");
    up.close();
}
