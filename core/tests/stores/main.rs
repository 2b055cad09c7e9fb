//! The same tests for every store. A new store needs only a few lines here.

mod behaviour;
mod children;
mod host;
mod rates;

use behaviour::StoreUnderTest;
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tenon_mcp::store::{Done, MemoryStore, Once, Store, StoreDone, StoreOp, consume_once};

/// A store that uses the time of the test.
struct TimedStore<S> {
    store: S,
    now: Mutex<Instant>,
}

impl<S: Store> TimedStore<S> {
    fn new(store: S) -> TimedStore<S> {
        TimedStore { store, now: Mutex::new(Instant::now()) }
    }
}

impl<S: Store> StoreUnderTest for TimedStore<S> {
    fn store(&self) -> &dyn Store {
        &self.store
    }

    fn now(&self) -> Instant {
        *self.now.lock().unwrap()
    }

    fn pass(&self, time: Duration) {
        *self.now.lock().unwrap() += time;
    }
}

/// A store that replies later, from its own thread.
struct DelayedStore(Mutex<Sender<(StoreOp, Instant, Done)>>);

impl DelayedStore {
    fn new(store: impl Store + 'static) -> DelayedStore {
        let (say, hear) = channel::<(StoreOp, Instant, Done)>();
        std::thread::spawn(move || {
            for (op, now, done) in hear {
                store.submit(op, now, done);
            }
        });
        DelayedStore(Mutex::new(say))
    }
}

impl Store for DelayedStore {
    fn submit(&self, op: StoreOp, now: Instant, done: Done) {
        self.0.lock().unwrap().send((op, now, done)).expect("the thread lives as long as this");
    }
}

/// A store that replies with the result of the memory store's `try_now`.
struct ImmediateStore(MemoryStore);

impl Store for ImmediateStore {
    fn submit(&self, op: StoreOp, now: Instant, done: Done) {
        done(self.0.try_now(&op, now).expect("the memory store answers at once"));
    }
}

/// A store that always gives the same reply.
struct FixedStore(StoreDone);

impl Store for FixedStore {
    fn submit(&self, _: StoreOp, _: Instant, done: Done) {
        done(self.0.clone());
    }
}

#[test]
fn the_memory_store_behaves() {
    behaviour::all(&TimedStore::new(MemoryStore::new(10_000)), "test");
}

#[test]
fn the_memory_store_behaves_at_once() {
    behaviour::all(&TimedStore::new(ImmediateStore(MemoryStore::new(10_000))), "test");
}

#[test]
fn a_store_that_says_nothing_about_it_does_nothing_at_once() {
    let late = DelayedStore::new(MemoryStore::new(1));
    let add = StoreOp::Add { key: "a/1".into(), by: 1, window: Duration::from_secs(1), most: None };
    assert_eq!(late.try_now(&add, Instant::now()), None, "it answers later");
    let (say, hear) = channel();
    late.submit(add, Instant::now(), Box::new(move |done| say.send(done).unwrap()));
    let StoreDone::Count { value, .. } = hear.recv().unwrap() else { panic!("no count") };
    assert_eq!(value, 1, "it was not carried out before");
}

#[test]
fn a_store_that_answers_later_behaves() {
    behaviour::all(&TimedStore::new(DelayedStore::new(MemoryStore::new(10_000))), "test");
}

#[test]
fn the_memory_store_may_be_asked_from_its_answer() {
    let (store, now) = (Arc::new(MemoryStore::new(1)), Instant::now());
    let (say, hear) = channel();
    let again = store.clone();
    let key = || String::from("test/nonce");
    consume_once(&*store, key(), Duration::from_secs(1), now, move |once| {
        assert_eq!(once, Once::First);
        consume_once(&*again, key(), Duration::from_secs(1), now, move |once| say.send(once).unwrap());
    });
    assert_eq!(hear.try_recv(), Ok(Once::Again));
}

#[test]
fn a_nonce_is_not_granted_by_a_store_that_cannot_tell() {
    for (done, why) in [
        (StoreDone::Full, "full"),
        (StoreDone::Unavailable("no route".into()), "no route"),
        (StoreDone::Unsupported, "does not support"),
        (StoreDone::Found(false), "unexpected reply"),
    ] {
        let (say, hear) = channel();
        let ttl = Duration::from_secs(1);
        consume_once(&FixedStore(done), "test/x".into(), ttl, Instant::now(), move |once| {
            say.send(once).unwrap()
        });
        let Ok(Once::Unknown(said)) = hear.try_recv() else { panic!("it was granted") };
        assert!(said.contains(why), "{said}");
    }
}
