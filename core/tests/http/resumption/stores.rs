//! Streams whose events are in a store that is shared, slow, full or unavailable.

use crate::resumption::resume::{begun, come_back, now, resumed};
use crate::support::bench::Bench;
use crate::{all_events, numbered, text};
use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Instant;
use tenon_mcp::store::{Done, MemoryStore, Store, StoreBounds, StoreDone, StoreOp};
use tenon_mcp::{CancelReason, Limits};

fn replicas() -> (Bench, Bench) {
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new(100));
    let replica = || Bench::with(Limits::default(), |builder| builder.store(store.clone()));
    let two = replica();
    // Not the randomness of the other.
    two.clock.differ();
    (replica(), two)
}

#[test]
fn another_replica_replays_what_is_complete() {
    let (one, two) = replicas();
    let session = one.open();
    let (call, body, ids) = begun(&one, &session, 1);
    drop(body);
    one.complete(call, "done");
    let (said, ended) = now(&mut resumed(&two, &session, &ids[1]));
    assert_eq!((text(&numbered(&said)[0].1), ended), ("done", true));
    // The streams that it has itself have other names.
    let (_, _body, other) = begun(&two, &session, 2);
    assert!(!ids.contains(&other[0]) && all_events(&said).len() == 1);
    // For nobody else's session.
    let stranger = two.open();
    assert_eq!(come_back(&two, &stranger, &ids[1]).finish().status, 400);
}

#[test]
fn another_replica_says_what_there_is_and_when_to_ask_again() {
    let (one, two) = replicas();
    let session = one.open();
    // Nothing was said but that the stream is there.
    let mut pending = one.session_call(&session, 1);
    let call = one.take_call();
    assert_eq!(one.server.port().close_stream(call), Ok(true));
    let begins = all_events(&now(&mut pending.poll().unwrap().into_body()).0)[0].0.clone();
    let (said, ended) = now(&mut resumed(&two, &session, &begins));
    assert!(ended && said == b"retry: 1000\n\n", "{said:?}");
    one.progress(call, 1.0);
    let (said, ended) = now(&mut resumed(&two, &session, &begins));
    let said = numbered(&said);
    assert_eq!((said.len(), ended), (1, true));
    // Its process is there and says so, for as long as the call runs.
    let timeout = Limits::default().resume_timeout;
    for _ in 0..20 {
        for bench in [&one, &two] {
            bench.clock.advance(timeout / 8);
        }
        one.service.tick();
        assert!(now(&mut resumed(&two, &session, &said[0].0)).1);
    }
    // It says nothing any more: after a while the stream is unknown.
    for _ in 0..20 {
        two.clock.advance(timeout / 8);
    }
    let reply = come_back(&two, &session, &said[0].0).finish();
    assert_eq!((reply.status, reply.code()), (400, -32600));
    // What the end of the server cut off would have been told.
    one.server.engine().cancel_all(CancelReason::Closing);
}

/// A store that replies when the test says so.
#[derive(Default)]
struct DelayedStore {
    memory: Option<MemoryStore>,
    waiting: Mutex<VecDeque<Box<dyn FnOnce() + Send>>>,
    appends: Mutex<bool>,
}

impl DelayedStore {
    fn new() -> Arc<DelayedStore> {
        Arc::new(DelayedStore { memory: Some(MemoryStore::new(100)), ..DelayedStore::default() })
    }

    /// From now on, appended events wait.
    fn holds(&self) {
        *self.appends.lock().unwrap() = true;
    }

    /// Runs the waiting operations one by one until there are none. Returns their number.
    fn release(&self) -> usize {
        let mut count = 0;
        loop {
            let next = self.waiting.lock().unwrap().pop_front();
            let Some(next) = next else { return count };
            next();
            count += 1;
        }
    }
}

struct SharedStore(Arc<DelayedStore>);

impl Store for SharedStore {
    fn submit(&self, op: StoreOp, now: Instant, done: Done) {
        let (late, appends) = (self.0.clone(), matches!(op, StoreOp::Append { .. }));
        let run = move || late.memory.as_ref().unwrap().submit(op.clone(), now, done);
        if *self.0.appends.lock().unwrap() && appends {
            self.0.waiting.lock().unwrap().push_back(Box::new(run));
        } else {
            run();
        }
    }
}

#[test]
fn what_the_store_has_not_taken_yet_is_replayed_all_the_same() {
    let late = DelayedStore::new();
    let bench = Bench::with(Limits::default(), |builder| builder.store(Arc::new(SharedStore(late.clone()))));
    let session = bench.open();
    let (call, mut body, ids) = begun(&bench, &session, 1);
    late.holds();
    for step in 2..6 {
        bench.progress(call, f64::from(step));
    }
    assert_eq!(all_events(&now(&mut body).0).len(), 4);
    drop(body);
    bench.complete(call, "done");
    for _ in 0..2 {
        let (said, ended) = now(&mut resumed(&bench, &session, &ids[1]));
        assert_eq!((numbered(&said).len(), ended), (5, true));
        // Now it has, one after the other.
        late.release();
    }
    assert_eq!(late.release(), 0);
}

#[test]
fn a_store_that_has_no_room_or_fails_costs_no_event_here() {
    struct FailingStore(MemoryStore, bool);
    impl Store for FailingStore {
        fn submit(&self, op: StoreOp, now: Instant, done: Done) {
            match op {
                StoreOp::Append { .. } if self.1 => done(StoreDone::Unavailable("no route".into())),
                StoreOp::Append { .. } => done(StoreDone::Full),
                op => self.0.submit(op, now, done),
            }
        }
    }
    for fails in [true, false] {
        let store = Arc::new(FailingStore(MemoryStore::new(100), fails));
        let bench = Bench::with(Limits::default(), |builder| builder.store(store));
        let session = bench.open();
        let (call, mut body, ids) = begun(&bench, &session, 1);
        bench.progress(call, 2.0);
        assert_eq!(numbered(&now(&mut body).0).len(), 1);
        bench.complete(call, "done");
        assert!(now(&mut body).1);
        drop(body);
        let (said, ended) = now(&mut resumed(&bench, &session, &ids[1]));
        assert_eq!((numbered(&said).len(), ended), (2, true));
    }
}

#[test]
fn logs_have_room_of_their_own_in_the_store() {
    let mut bounds = StoreBounds::default();
    bounds.bytes = 20_000;
    let store: Arc<dyn Store> = Arc::new(MemoryStore::bounded(bounds));
    let bench = Bench::with(Limits::default(), |builder| builder.store(store));
    let session = bench.open();
    let flood = bench.open();
    for id in 1..=40 {
        let (call, body, _) = begun(&bench, &flood, id);
        drop(body);
        bench.complete(call, &"x".repeat(5_000));
    }
    // The store is full of them; sessions go on, and so does what this process holds itself.
    let (call, body, ids) = begun(&bench, &session, 1);
    drop(body);
    bench.complete(call, "done");
    let (said, _) = now(&mut resumed(&bench, &session, &ids[1]));
    assert_eq!(text(&numbered(&said)[0].1), "done");
}
