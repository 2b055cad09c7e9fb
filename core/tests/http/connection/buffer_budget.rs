//! `max_buffered_bytes`: what it counts, and that each path returns the bytes that it took.

use crate::support::bench::{Bench, Chunks, Full, Part, Pending, poll_body, whole};
use crate::support::server::{StartedServer, call};
use crate::{MODERN, envelope, events, initialize, notification, request, text};
use bytes::Bytes;
use serde_json::{Value, json};
use std::io::Read;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};
use tenon_mcp::{Event, HandlerId, HostOp, LaneId, Limits, Target, Tool};

const MAX: usize = 1 << 20;

fn limits(max: usize) -> Limits {
    let mut limits = Limits::default();
    limits.max_buffered_bytes = max;
    // For one client too.
    limits.max_address_buffered_bytes = max;
    limits
}

fn bench() -> Bench {
    Bench::with(limits(MAX), |builder| builder)
}

fn headers(method: &str) -> Vec<(&str, &str)> {
    let accept = ("accept", "application/json, text/event-stream");
    let all = [("content-type", "application/json"), accept, ("mcp-protocol-version", MODERN)];
    all.into_iter().chain([("mcp-method", method)]).collect()
}

/// A request of this size, in pieces.
fn list(bench: &Bench, size: usize, pieces: usize) -> Pending {
    let mut text = request(7, "tools/list", envelope(json!({}))).to_string();
    text.push_str(&" ".repeat(size - text.len()));
    let chunks = text.as_bytes().chunks(size.div_ceil(pieces)).map(Bytes::copy_from_slice);
    bench.submit("POST", &headers("tools/list"), Chunks::of(chunks))
}

/// Checks that no bytes are held and none were returned twice. Otherwise, the budget would be too small or too large.
fn is_empty(bench: &Bench) {
    for pieces in [1, 3] {
        assert_eq!(list(bench, 500_000, pieces).finish().status, 200, "something is still held");
        assert_eq!(list(bench, 1_100_000, pieces).finish().status, 503);
    }
}

fn is_busy(reply: &Full, id: Value) {
    assert_eq!(
        (reply.status, reply.code(), &reply.headers["retry-after"]),
        (503, -32603, &"1".parse().unwrap())
    );
    assert_eq!(reply.json().get("id").cloned().unwrap_or(Value::Null), id);
}

#[test]
fn a_request_beyond_the_budget_is_busy_and_no_longer_read() {
    let bench = bench();
    let piece = || Bytes::from(vec![b' '; 300_000]);
    let stalled = || {
        let chunks = Chunks { stalls: true, declared: Some(700_000), ..Chunks::of([piece(), piece()]) };
        let mut pending = bench.submit("POST", &headers("tools/list"), chunks);
        assert!(pending.poll().is_none());
        pending
    };
    let first = stalled();
    let chunks = Chunks::of((0..10).map(|_| piece()));
    let taken = chunks.taken.clone();
    let reply = bench.submit("POST", &headers("tools/list"), chunks).finish();
    is_busy(&reply, Value::Null);
    assert_eq!(reply.headers["connection"], "close");
    assert!(taken.load(Ordering::Relaxed) <= 900_000, "reading goes on");
    is_busy(&list(&bench, 600_000, 1).finish(), Value::Null);
    // What is small always gets through.
    assert_eq!(list(&bench, 8000, 3).finish().status, 200);
    drop(first);
    is_empty(&bench);
    // A request that turns out to be too large, or to be none.
    let chunks = Chunks::of((0..30).map(|_| piece()));
    assert_eq!(bench.submit("POST", &headers("tools/list"), chunks).finish().status, 503);
    let reply =
        bench.submit("POST", &headers("tools/list"), Chunks::of([piece().slice(..99_000), piece()])).finish();
    assert_eq!((reply.status, reply.code()), (400, -32700));
    is_empty(&bench);
}

#[test]
fn a_call_counts_until_its_arguments_are_dropped() {
    let bench = bench();
    let argument = "x".repeat(700_000);
    let params = envelope(json!({ "name": "work", "arguments": { "a": argument } }));
    let mut headers = headers("tools/call");
    headers.push(("mcp-name", "work"));
    let mut pending = bench.post(&headers, &request(1, "tools/call", params));
    assert!(pending.poll().is_none());
    is_busy(&list(&bench, 600_000, 1).finish(), Value::Null);
    bench.complete(bench.take_call(), "done");
    assert_eq!(pending.finish().status, 200);
    is_empty(&bench);
}

#[test]
fn an_answer_beyond_the_budget_is_busy() {
    let bench = bench();
    let large = "x".repeat(700_000);
    let mut first = bench.call();
    bench.complete(bench.take_call(), &large);
    // It waits in the exchange, then in the response.
    for _ in 0..2 {
        let second = bench.call();
        bench.complete(bench.take_call(), &large);
        is_busy(&second.finish(), json!(1));
        let third = bench.call();
        bench.complete(bench.take_call(), "small");
        assert_eq!(text(&third.finish().json()), "small");
        if let Some(response) = first.poll() {
            let body = response.into_body();
            first = bench.call();
            bench.complete(bench.take_call(), &large);
            is_busy(&first.finish(), json!(1));
            drop(body);
            first = bench.call();
            bench.complete(bench.take_call(), &large);
        }
    }
    assert_eq!(text(&first.finish().json()).len(), large.len());
    is_empty(&bench);
}

#[test]
fn answers_are_given_back_on_every_path() {
    let bench = bench();
    let large = "x".repeat(700_000);
    let woken = Arc::default();
    // Nobody took the answer.
    let pending = bench.call();
    bench.complete(bench.take_call(), &large);
    drop(pending);
    is_empty(&bench);
    // Nobody read it.
    let mut pending = bench.call();
    bench.complete(bench.take_call(), &large);
    drop(pending.poll().unwrap());
    is_empty(&bench);
    // It is one of a stream, read or not.
    for read in [true, false] {
        let mut pending = bench.call();
        let call = bench.take_call();
        bench.progress(call, 1.0);
        let mut body = pending.poll().unwrap().into_body();
        assert!(matches!(poll_body(&mut body, &woken), Part::Data(_)));
        bench.complete(call, &large);
        if read {
            let Part::Data(rest) = poll_body(&mut body, &woken) else { panic!("the answer is there") };
            assert_eq!(text(&events(&rest)[0]).len(), large.len());
        }
        drop(body);
        is_empty(&bench);
    }
    // The client takes nothing but a stream.
    let pending = bench.call_with(&[("accept", "text/event-stream")]);
    bench.complete(bench.take_call(), &large);
    let reply = pending.finish();
    assert!(reply.is_stream() && reply.body.len() > large.len());
    drop(reply);
    is_empty(&bench);
}

/// Sends batches. Each has a call that waits, and lists of about 4 KB, which alone would not be counted.
fn batches(bench: &Bench, count: u64) -> Vec<Pending> {
    let tool = Tool::new("large").description("x".repeat(4000));
    bench.server.add(tool, Target::Lane { lane: LaneId(1), handler: HandlerId(2) }).unwrap();
    let reply = bench.post(&[], &initialize("2025-03-26")).finish();
    let session = reply.headers["mcp-session-id"].to_str().unwrap();
    let ready = notification("notifications/initialized", json!({}));
    assert_eq!(bench.post(&[("mcp-session-id", session)], &ready).finish().status, 202);
    let batch = |first: u64| {
        let call = request(first, "tools/call", json!({ "name": "work" }));
        let lists = (1..100).map(|place| request(first + place, "tools/list", json!({})));
        let members: Value = std::iter::once(call).chain(lists).collect();
        let mut pending = bench.post(&[("mcp-session-id", session)], &members);
        assert!(pending.poll().is_none());
        pending
    };
    (0..count).map(|number| batch(number * 100)).collect()
}

#[test]
fn answers_of_batches_that_wait_are_counted() {
    let bench = bench();
    let pending = batches(&bench, 6);
    is_busy(&list(&bench, 600_000, 1).finish(), Value::Null);
    for op in bench.ops() {
        let HostOp::Call(call) = op else { panic!("not a call: {op:?}") };
        bench.complete(call.id, "done");
    }
    let (mut full, mut bytes) = (0, 0);
    for (number, pending) in pending.into_iter().enumerate() {
        let reply = pending.finish();
        assert_eq!(reply.status, 200);
        bytes += reply.body.len();
        let answers = reply.json();
        for (place, answer) in answers.as_array().unwrap().iter().enumerate() {
            assert_eq!(answer["id"], number * 100 + place);
            match answer.get("error") {
                Some(error) => assert_eq!(error["code"], -32603),
                None => full += usize::from(place > 0),
            }
        }
        assert_eq!(text(&answers[0]), "done", "it is no longer than the error");
    }
    assert!((200..260).contains(&full), "{full}");
    assert!(bytes < MAX + 600 * 200, "{bytes}");
    is_empty(&bench);
}

#[test]
fn answers_of_a_batch_are_given_back_when_the_client_leaves() {
    let bench = bench();
    let pending = batches(&bench, 4);
    is_busy(&list(&bench, 600_000, 1).finish(), Value::Null);
    drop(pending);
    // Their calls go on.
    assert_eq!(bench.server.engine().in_flight(), 4);
    is_empty(&bench);
    for op in bench.ops() {
        let HostOp::Call(call) = op else { panic!("not a call: {op:?}") };
        bench.complete(call.id, &"x".repeat(700_000));
    }
    assert_eq!(bench.server.engine().in_flight(), 0);
    is_empty(&bench);
}

#[test]
fn progress_beyond_the_budget_is_left_out() {
    let bench = bench();
    let mut pending = bench.call();
    let call = bench.take_call();
    let emit = |progress: u32| {
        let message = Some("x".repeat(10_000));
        let event = Event::progress(progress.into(), None, message.as_deref());
        bench.server.port().emit(call, event).unwrap();
    };
    (1..=200).for_each(emit);
    is_busy(&list(&bench, 600_000, 1).finish(), Value::Null);
    bench.complete(call, "done");
    let reply = whole(pending.poll().unwrap());
    let messages = events(&reply.body);
    assert!((50..=105).contains(&messages.len()), "{}", messages.len());
    assert_eq!(text(messages.last().unwrap()), "done");
    drop(reply);
    is_empty(&bench);
}

#[test]
fn an_unread_answer_is_counted_until_it_is_written() {
    let up = StartedServer::with(limits(16 << 20), "127.0.0.1:0");
    let mut unread = up.client();
    unread.send_modern(&call(1, "blow", json!({ "bytes": 15 << 20 })));
    let (_, head) = unread.read_head().unwrap();
    let length: u64 = head["content-length"].parse().unwrap();
    // Most of it does not fit into the buffers of the connection.
    let large = call(2, "echo", json!({ "text": "x".repeat(2 << 20) }));
    let mut refused = up.client();
    let reply = refused.modern(&large);
    assert_eq!((reply.status, reply.header("retry-after")), (503, Some("1")));
    assert_eq!(reply.json()["error"]["code"], -32603);
    assert_eq!(reply.header("connection"), Some("close"));
    let mut client = up.client();
    let reply = client.modern(&call("three".len() as u64, "blow", json!({ "bytes": 2 << 20 })));
    assert_eq!((reply.status, &reply.json()["id"]), (503, &json!(5)));
    assert_eq!(client.modern(&request(1, "tools/list", envelope(json!({})))).status, 200);
    // Once it is read there is room again.
    std::io::copy(&mut unread.stream.by_ref().take(length), &mut std::io::sink()).unwrap();
    let start = Instant::now();
    while up.client().modern(&large).status != 200 {
        assert!(start.elapsed() < Duration::from_secs(10), "it is still counted");
    }
}

#[test]
fn long_heads_that_do_not_end_are_counted() {
    let up = StartedServer::with(limits(300_000), "127.0.0.1:0");
    let filler = "x".repeat(40_000);
    let mut clients: Vec<_> = (0..8).map(|_| up.client()).collect();
    for client in &mut clients {
        let message = request(1, "tools/list", envelope(json!({}))).to_string();
        let headers: Vec<_> = headers("tools/list").into_iter().chain([("x-filler", &*filler)]).collect();
        let head = client.head("POST", &headers, Some(message.len()));
        client.send_raw(&head.as_bytes()[..head.len() - 2]);
        assert_eq!(up.client().modern(&request(1, "tools/list", envelope(json!({})))).status, 200);
    }
    let mut alive = 0;
    for client in &mut clients {
        let message = request(1, "tools/list", envelope(json!({}))).to_string();
        let sent = std::io::Write::write_all(client.stream.get_mut(), format!("\r\n{message}").as_bytes());
        alive += usize::from(sent.is_ok() && client.try_reply().is_some_and(|reply| reply.status == 200));
    }
    assert!((1..=7).contains(&alive), "{alive}");
}
