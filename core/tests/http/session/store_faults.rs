//! Stores that reply late, never or wrongly.

use crate::session::legacy_sessions::{SlowStore, idle_after};
use crate::support::bench::Bench;
use crate::{initialize, notification, request, text};
use bytes::Bytes;
use serde_json::json;
use std::sync::{Arc, Barrier, Mutex};
use std::task::{Context, Poll, Wake, Waker};
use std::time::{Duration, Instant};
use tenon_mcp::http::HttpService;
use tenon_mcp::store::{Done, MemoryStore, Record, Store, StoreDone, StoreOp, Version};
use tenon_mcp::{HostOp, Limits};

/// A memory store whose replies the test may replace.
struct FaultyStore {
    memory: MemoryStore,
    answer: Mutex<Option<Answer>>,
}

type Answer = Box<dyn Fn(&StoreOp) -> Option<StoreDone> + Send>;

impl FaultyStore {
    fn new() -> Arc<FaultyStore> {
        Arc::new(FaultyStore { memory: MemoryStore::new(10), answer: Mutex::default() })
    }

    fn answers(&self, answer: impl Fn(&StoreOp) -> Option<StoreDone> + Send + 'static) {
        *self.answer.lock().unwrap() = Some(Box::new(answer));
    }

    fn behaves(&self) {
        *self.answer.lock().unwrap() = None;
    }
}

impl Store for FaultyStore {
    fn submit(&self, op: StoreOp, now: Instant, done: Done) {
        let odd = self.answer.lock().unwrap().as_ref().and_then(|answer| answer(&op));
        match odd {
            Some(odd) => done(odd),
            None => self.memory.submit(op, now, done),
        }
    }
}

fn down() -> StoreDone {
    StoreDone::Unavailable("no route to the store".into())
}

fn ping(bench: &Bench, session: &str) -> crate::support::bench::Pending {
    bench.post(&[("mcp-session-id", session)], &request(7, "ping", json!({})))
}

#[test]
fn a_session_and_its_record_share_their_memory() {
    let store = FaultyStore::new();
    let bench = Bench::with(Limits::default(), |builder| builder.store(store.clone()));
    let kept: Arc<Mutex<Option<Bytes>>> = Arc::default();
    let put = kept.clone();
    store.answers(move |op| {
        if let StoreOp::Put { value, .. } = op {
            *put.lock().unwrap() = Some(value.clone());
        }
        None
    });
    let session = bench.open();
    let record = kept.lock().unwrap().clone().expect("the record is in the store");
    let lies_in_record = |part: &[u8]| {
        let (all, part) = (record.as_ptr_range(), part.as_ptr_range());
        assert!(all.start <= part.start && part.end <= all.end);
    };
    // Opened here, and taken up elsewhere.
    let other = Bench::with(Limits::default(), |builder| builder.store(store.clone()));
    for bench in [&bench, &other] {
        let pending = bench.session_call(&session, 1);
        let ops = bench.ops();
        let [HostOp::Call(call)] = &ops[..] else { panic!("not one call: {ops:?}") };
        let client = &call.context.client;
        assert!(client.info.as_ref().unwrap().as_str().contains("name"));
        lies_in_record(client.info.as_ref().unwrap().as_bytes());
        lies_in_record(client.capabilities.as_bytes());
        bench.complete(call.id, "done");
        assert_eq!(text(&pending.finish().json()), "done");
    }
}

#[test]
fn a_store_that_never_answers_is_given_up() {
    let store = SlowStore::new();
    let mut limits = Limits::default();
    limits.store_timeout = Duration::from_secs(3);
    let bench = Bench::with(limits, |builder| builder.store(store.clone()));
    let mut opening = bench.post(&[], &initialize("2025-11-25"));
    assert!(opening.poll().is_none());
    bench.clock.advance(Duration::from_secs(2));
    bench.service.tick();
    let mut finding = ping(&bench, "x");
    assert!(finding.poll().is_none());
    assert_eq!(opening.woken.count(), 0);
    bench.clock.advance(Duration::from_secs(1));
    bench.service.tick();
    assert_eq!((opening.woken.count(), finding.woken.count()), (1, 0));
    let reply = opening.finish();
    assert_eq!((reply.status, reply.code(), &reply.json()["id"]), (503, -32603, &json!(0)), "RPC-14");
    assert_eq!(reply.headers["retry-after"], "1");
    assert!(!reply.headers.contains_key("mcp-session-id"));
    bench.clock.advance(Duration::from_secs(2));
    bench.service.tick();
    let reply = finding.finish();
    assert_eq!((reply.status, reply.code(), &reply.json()["id"]), (503, -32603, &json!(7)), "RPC-14");
    // What it says at last is heard by nobody.
    store.answer();
    assert_eq!(bench.service.sessions(), 0);
    // A request that is given up by its client leaves nothing behind.
    let mut left = ping(&bench, "x");
    assert!(left.poll().is_none());
    drop(left);
    bench.clock.advance(Duration::from_secs(5));
    bench.service.tick();
    store.answer();
}

/// A waker that calls `tick` when it is woken, as an executor may do that polls at once.
struct TickingWaker(HttpService, Mutex<usize>);

impl Wake for TickingWaker {
    fn wake(self: Arc<Self>) {
        self.0.tick();
        *self.1.lock().unwrap() += self.0.sessions() + 1;
    }
}

#[test]
fn nobody_is_woken_under_a_lock() {
    let store = SlowStore::new();
    let bench = Bench::with(Limits::default(), |builder| builder.store(store.clone()));
    let again = Arc::new(TickingWaker(bench.service.clone(), Mutex::new(0)));
    let waker: Waker = again.clone().into();
    let mut waiting: Vec<_> = (0..3).map(|_| ping(&bench, "x")).collect();
    for pending in &mut waiting {
        assert!(pending.answer.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
    }
    store.answer();
    assert_eq!(*again.1.lock().unwrap(), 3);
    for pending in &mut waiting {
        let Poll::Ready(reply) = pending.answer.as_mut().poll(&mut Context::from_waker(&waker)) else {
            panic!("the store has answered")
        };
        assert_eq!(reply.status(), 404);
    }
    let mut late = ping(&bench, "x");
    assert!(late.answer.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
    bench.clock.advance(Duration::from_secs(100));
    bench.service.tick();
    assert_eq!(*again.1.lock().unwrap(), 4);
}

#[test]
fn a_store_that_fails_in_the_middle_of_initialize() {
    let store = FaultyStore::new();
    let bench = Bench::with(idle_after(100), |builder| builder.store(store.clone()));
    for failure in [down(), StoreDone::Full, StoreDone::Unsupported, StoreDone::Appended(7)] {
        store.answers(move |op| matches!(op, StoreOp::Put { .. }).then(|| failure.clone()));
        let reply = bench.post(&[], &initialize("2025-11-25")).finish();
        assert_eq!((reply.status, reply.code(), &reply.json()["id"]), (503, -32603, &json!(0)), "RPC-14");
        assert!(!reply.headers.contains_key("mcp-session-id"));
        assert_eq!(bench.service.sessions(), 0);
    }
    store.behaves();
    bench.open();
}

#[test]
fn a_record_that_is_damaged_is_no_session() {
    let store = FaultyStore::new();
    let bench = Bench::with(idle_after(100), |builder| builder.store(store.clone()));
    let known = bench.open();
    for damaged in [
        "",
        "{",
        "[]",
        "{}",
        "7",
        r#"{"revision":"2025-11-25"}"#,
        r#"{"revision":"1999-01-01","capabilities":{}}"#,
        r#"{"revision":7,"capabilities":{}}"#,
        r#"{"revision":"2026-07-28","capabilities":{}}"#,
        r#"{"revision":"2025-11-25","capabilities":[]}"#,
    ] {
        store.answers(move |op| match op {
            StoreOp::Get { .. } => {
                let value = Bytes::from_static(damaged.as_bytes());
                Some(StoreDone::Value(Some(Record { value, version: Version(1) })))
            }
            _ => None,
        });
        // 404 lets the client begin again; an error that lasts for as long as the record would not.
        let reply = ping(&bench, "other").finish();
        assert_eq!((reply.status, reply.code(), &reply.json()["id"]), (404, -32600, &json!(7)), "{damaged}");
        assert_eq!(bench.service.sessions(), 1);
        assert_eq!(ping(&bench, &known).finish().status, 200, "known without its record");
    }
}

#[test]
fn a_delete_that_the_store_does_not_take_ends_the_calls_all_the_same() {
    let store = FaultyStore::new();
    let bench = Bench::with(idle_after(100), |builder| builder.store(store.clone()));
    let session = bench.open();
    let pending = bench.session_call(&session, 1);
    let call = bench.take_call();
    store.answers(|op| matches!(op, StoreOp::Delete { .. }).then(down));
    let head = [("mcp-session-id", session.as_str())];
    let reply = bench.bare("DELETE", &head).finish();
    assert_eq!((reply.status, reply.code()), (503, -32603));
    assert!(bench.server.port().is_cancelled(call));
    assert!(matches!(bench.ops()[..], [HostOp::Cancel { .. }]));
    let reply = pending.finish();
    assert!(reply.is_stream() && reply.body.is_empty());
    // The record is still there, so the session is, and can be ended again.
    assert_eq!(ping(&bench, &session).finish().status, 200);
    store.behaves();
    assert_eq!(bench.bare("DELETE", &head).finish().status, 204);
    assert_eq!(ping(&bench, &session).finish().status, 404);
}

#[test]
fn a_session_whose_record_is_gone_ends_here_too() {
    // LH-8.
    let store = FaultyStore::new();
    let bench = Bench::with(idle_after(100), |builder| builder.store(store.clone()));
    let session = bench.open();
    let pending = bench.session_call(&session, 1);
    let call = bench.take_call();
    store.answers(|op| matches!(op, StoreOp::Get { .. }).then_some(StoreDone::Value(None)));
    let params = json!({ "name": "work" });
    let reply = bench.post(&[("mcp-session-id", &session)], &request(2, "tools/call", params)).finish();
    assert_eq!((reply.status, &reply.json()["id"]), (404, &json!(2)), "RPC-14");
    assert!(bench.server.port().is_cancelled(call));
    assert!(pending.finish().body.is_empty());
}

/// A store that keeps records longer than requested, as if it had another clock.
struct OverlongStore(MemoryStore);

impl Store for OverlongStore {
    fn submit(&self, op: StoreOp, now: Instant, done: Done) {
        let long = Duration::from_secs(1 << 20);
        let op = match op {
            StoreOp::Get { key, .. } => StoreOp::Get { key, touch: Some(long) },
            StoreOp::Put { key, value, when, .. } => StoreOp::Put { key, value, ttl: long, when },
            other => other,
        };
        self.0.submit(op, now, done);
    }
}

#[test]
fn a_session_that_was_found_is_not_ended_by_a_sweep() {
    const SESSIONS: usize = 100;
    let store: Arc<dyn Store> = Arc::new(OverlongStore(MemoryStore::new(10_000)));
    let bench = Bench::with(idle_after(100), |builder| builder.store(store));
    for round in 0..30 {
        let sessions: Vec<_> = (0..SESSIONS).map(|_| bench.open()).collect();
        // All of them expire now, and one is asked for while the sweep is at work.
        bench.clock.advance(Duration::from_secs(101));
        let barrier = Barrier::new(2);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                barrier.wait();
                bench.service.tick();
            });
            barrier.wait();
            let mut waiting = Vec::new();
            for session in sessions.iter().rev().take(20) {
                let params = json!({ "name": "work" });
                let head = [("mcp-session-id", session.as_str())];
                let mut pending = bench.post(&head, &request(1, "tools/call", params));
                assert!(pending.poll().is_none(), "round {round}: the call was refused");
                waiting.push(pending);
            }
            let calls = bench.ops();
            assert_eq!(calls.len(), waiting.len(), "round {round}: a call was cancelled");
            for op in calls {
                if let HostOp::Call(call) = op {
                    bench.complete(call.id, "done");
                }
            }
            for pending in waiting {
                assert_eq!(text(&pending.finish().json()), "done", "round {round}");
            }
        });
        bench.service.tick();
        let gone = notification("notifications/x", json!({}));
        for session in &sessions {
            assert_eq!(bench.post(&[("mcp-session-id", session)], &gone).finish().status, 202);
        }
    }
}
