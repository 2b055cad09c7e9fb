//! The limit of sessions: the session that is closed for a new one, and when a new session is refused.

use crate::session::legacy_sessions::idle_after;
use crate::support::bench::{Bench, Part, poll_body};
use crate::{initialize, notification, request, text};
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;
use tenon_mcp::Environment;
use tenon_mcp::Limits;
use tenon_mcp::store::{MemoryStore, Store};

fn at_most(sessions: usize) -> Bench {
    let mut limits = idle_after(1000);
    limits.max_sessions = sessions;
    Bench::with(limits, |builder| builder)
}

/// Opens a session that sends nothing after its `initialize`.
fn half_open(bench: &Bench) -> String {
    let reply = bench.post(&[], &initialize("2025-11-25")).finish();
    assert_eq!(reply.status, 200, "{reply:?}");
    reply.headers["mcp-session-id"].to_str().unwrap().to_owned()
}

fn status(bench: &Bench, session: &str) -> u16 {
    bench.post(&[("mcp-session-id", session)], &request(9, "ping", json!({}))).finish().status
}

fn pass(bench: &Bench, seconds: u64) {
    for _ in 0..seconds {
        bench.clock.advance(Duration::from_secs(1));
        bench.service.tick();
    }
}

#[test]
fn ten_thousand_handshakes_keep_nobody_out() {
    let bench = Bench::new();
    let idle = bench.open();
    let calling = bench.open();
    let pending = bench.session_call(&calling, 1);
    let listening = bench.open();
    let mut stream = bench.listen(&listening);
    let first = half_open(&bench);
    for _ in 0..10_100 {
        half_open(&bench);
    }
    assert_eq!(bench.service.sessions(), 10_000);
    assert_eq!(status(&bench, &first), 404, "the idlest of the half open ones made room");
    // An honest client gets in at once, and nobody who was there before has noticed anything.
    let honest = bench.open();
    for session in [&honest, &idle, &calling, &listening] {
        assert_eq!(status(&bench, session), 200);
    }
    assert!(matches!(poll_body(&mut stream, &Arc::default()), Part::Nothing));
    bench.complete(bench.take_call(), "done");
    assert_eq!(text(&pending.finish().json()), "done");
    // What is only half open does not stay for long.
    pass(&bench, 60);
    assert_eq!(bench.service.sessions(), 4);
}

#[test]
fn a_session_that_is_only_initialised_ends_soon() {
    let mut limits = idle_after(1000);
    limits.handshake_timeout = Duration::from_secs(10);
    let bench = Bench::with(limits, |builder| builder);
    let (silent, pinged, ready) = (half_open(&bench), half_open(&bench), bench.open());
    pass(&bench, 9);
    // Any message will do.
    assert_eq!(status(&bench, &pinged), 200);
    pass(&bench, 1);
    assert_eq!(bench.service.sessions(), 2, "found by the sweep");
    assert_eq!(status(&bench, &silent), 404);
    pass(&bench, 900);
    assert_eq!((status(&bench, &pinged), status(&bench, &ready)), (200, 200));
    // Without a sweep, too.
    let silent = half_open(&bench);
    bench.clock.advance(Duration::from_secs(11));
    assert_eq!(status(&bench, &silent), 404);
}

#[test]
fn the_idlest_session_makes_room() {
    let bench = at_most(3);
    let (a, b, c) = (bench.open(), bench.open(), bench.open());
    assert_eq!(status(&bench, &a), 200);
    let d = bench.open();
    // LH-8: evicted is as ended.
    assert_eq!(status(&bench, &b), 404);
    assert_eq!(bench.service.sessions(), 3);
    for session in [&a, &c, &d] {
        assert_eq!(status(&bench, session), 200);
    }
    // One that never got beyond its handshake goes first, however young.
    let young = half_open(&bench);
    assert_eq!(status(&bench, &a), 404);
    bench.open();
    assert_eq!(status(&bench, &young), 404);
    assert_eq!((status(&bench, &c), status(&bench, &d)), (200, 200));
}

#[test]
fn sessions_in_use_never_make_room() {
    let bench = at_most(2);
    let (listening, calling) = (bench.open(), bench.open());
    let stream = bench.listen(&listening);
    // In use although its client has left.
    drop(bench.session_call(&calling, 1));
    for _ in 0..2 {
        let reply = bench.post(&[], &initialize("2025-11-25")).finish();
        assert_eq!((reply.status, reply.code(), &reply.json()["id"]), (503, -32603, &json!(0)), "RPC-14");
        assert_eq!(reply.headers["retry-after"], "1");
        assert!(!reply.headers.contains_key("mcp-session-id"));
    }
    // As soon as one is idle it may go.
    drop(stream);
    let third = bench.open();
    assert_eq!(status(&bench, &listening), 404);
    assert_eq!((status(&bench, &third), status(&bench, &calling)), (200, 200));
    // The other one's call ends without anybody there.
    let stream = bench.listen(&third);
    bench.complete(bench.take_call(), "done");
    let fourth = bench.open();
    assert_eq!((status(&bench, &calling), status(&bench, &third)), (404, 200));
    drop((stream, fourth));
}

#[test]
fn a_session_whose_client_left_makes_room_when_its_call_has_ended() {
    let bench = at_most(3);
    let refused = || assert_eq!(bench.post(&[], &initialize("2025-11-25")).finish().status, 503);
    let sessions = [bench.open(), bench.open(), bench.open()];
    for session in &sessions {
        drop(bench.session_call(session, 1));
    }
    // Each has been passed over as one in use.
    refused();
    let mut calls = bench.ops().into_iter().map(|op| match op {
        tenon_mcp::HostOp::Call(call) => call.id,
        other => panic!("not a call: {other:?}"),
    });
    // One ends with an answer, one because its client cancels it; no time passes meanwhile.
    bench.complete(calls.next().unwrap(), "done");
    let first = bench.open();
    assert_eq!(status(&bench, &sessions[0]), 404);
    let stream = bench.listen(&first);
    refused();
    let cancelled = notification("notifications/cancelled", json!({ "requestId": 1 }));
    assert_eq!(bench.post(&[("mcp-session-id", &sessions[1])], &cancelled).finish().status, 202);
    let second = bench.open();
    assert_eq!(status(&bench, &sessions[1]), 404);
    let other = bench.listen(&second);
    // A use that ends while another goes on is not the end.
    let pending = bench.session_call(&sessions[2], 2);
    bench.complete(calls.next_back().unwrap(), "done");
    refused();
    drop((stream, other, pending));
    bench.open();
}

#[test]
fn a_session_that_ends_makes_room() {
    let bench = at_most(2);
    let (first, second) = (bench.open(), bench.open());
    bench.bare("DELETE", &[("mcp-session-id", &first)]).finish();
    bench.open();
    assert_eq!(status(&bench, &second), 200);
    // Without a sweep, too, what has expired makes room.
    bench.clock.advance(Duration::from_secs(1001));
    bench.open();
}

#[test]
fn sessions_of_a_shared_store_count_and_make_room_here_only() {
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new(10));
    let replica = || {
        let mut limits: Limits = idle_after(1000);
        limits.max_sessions = 1;
        Bench::with(limits, |builder| builder.store(store.clone()))
    };
    let (one, two) = (replica(), replica());
    // Virtual randomness begins alike everywhere; sessions must not.
    two.clock.random(&mut [0; 512]).unwrap();
    let (first, second) = (one.open(), two.open());
    // Taken up: it takes the place of the other one, whose record stays, so that it can come back.
    assert_eq!(status(&two, &first), 200);
    assert_eq!(two.service.sessions(), 1);
    assert_eq!(status(&two, &second), 200);
    assert_eq!((one.service.sessions(), two.service.sessions()), (1, 1));
    assert_eq!((status(&one, &first), status(&two, &first)), (200, 200));
    // A new one pushes out a copy here, and ends nothing that lives elsewhere.
    two.open();
    assert_eq!((status(&one, &first), two.service.sessions()), (200, 1));
    // With nothing but sessions in use there is no room for a copy either.
    let held = two.open();
    let stream = two.listen(&held);
    assert_eq!((status(&two, &first), status(&one, &first)), (503, 200));
    drop(stream);
}
