//! Calls that wait at admission for a store that answers at once, late or never.

use crate::support::*;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tenon_mcp::locks::Mutex;
use tenon_mcp::store::{Done, MemoryStore, Store, StoreDone, StoreOp};
use tenon_mcp::{AskMode, Asked, Entry, HandlerId, JsonSlice, Kind, Outcome, Server, Target};

/// A store that returns the memory store's results when the test releases them.
#[derive(Default)]
struct DelayedStore(Mutex<Vec<(StoreDone, Done)>>, Mutex<Option<MemoryStore>>);

impl Store for DelayedStore {
    fn submit(&self, op: StoreOp, now: Instant, done: Done) {
        let answer = Arc::new(Mutex::new(None));
        let place = answer.clone();
        let mut store = self.1.lock();
        let store = store.get_or_insert_with(|| MemoryStore::new(16));
        store.submit(op, now, Box::new(move |answer| *place.lock() = Some(answer)));
        self.0.lock().push((answer.lock().take().unwrap(), done));
    }
}

impl DelayedStore {
    fn answer(&self) {
        let (answer, done) = self.0.lock().pop().expect("an operation waits");
        done(answer);
    }
}

fn bench(store: Option<Arc<dyn Store>>) -> Bench {
    let configure = |builder: tenon_mcp::ServerBuilder| match store {
        Some(store) => builder.store(store),
        None => builder,
    };
    let bench = Bench::with_builder(|_| {}, configure);
    add_to(&bench.server);
    bench
}

fn add_to(server: &Server) {
    let schema = JsonSlice::from_value(&json!({ "type": "object" }));
    let entry = Entry::new(Kind::Tool, "pay").set("inputSchema", schema).once_only(true);
    server.add(entry, Target::Lane { lane: LANE, handler: HandlerId(1) }).unwrap();
}

/// The state of a call that has asked a question.
fn state(bench: &Bench) -> Value {
    bench.call_modern(1, "pay");
    let call = bench.drain_call();
    assert!(matches!(bench.port.ask(call.id, ask("x"), AskMode::Rerun), Ok(Asked::Suspended)));
    bench.port.complete(call.id, Outcome::Suspend).unwrap();
    // The host is told that the attempt is over.
    bench.drain();
    bench.sink.one()["result"]["requestState"].clone()
}

fn retry(id: u64, state: &Value) -> Value {
    let mut request = modern(call(json!(id), "pay", json!({})));
    request["params"]["requestState"] = state.clone();
    request["params"]["inputResponses"] = json!({ "x": accept("yes") });
    request
}

/// MR-10.
#[test]
fn a_state_of_a_tool_that_runs_once_is_used_once() {
    let bench = bench(None);
    let state = state(&bench);
    bench.send(retry(2, &state));
    let call = bench.drain_call();
    assert!(matches!(bench.port.ask(call.id, ask("x"), AskMode::Rerun), Ok(Asked::Answered(_))));
    bench.text(call.id, "paid");
    assert_eq!(result_text(&bench.sink.one()), "paid");
    bench.send(retry(3, &state));
    assert_eq!(bench.sink.one()["error"]["message"], "Invalid params: requestState was already used");
    assert!(bench.drain().is_empty());
    bench.assert_settled();
}

#[test]
fn a_call_waits_for_a_store_that_answers_later() {
    let store = Arc::new(DelayedStore::default());
    let bench = bench(Some(store.clone()));
    let state = state(&bench);
    bench.send(retry(2, &state));
    assert!(bench.drain().is_empty(), "its handler does not run before it is admitted");
    assert_eq!((bench.engine.in_flight(), bench.peer.in_flight()), (1, 1));
    store.answer();
    let call = bench.drain_call();
    bench.text(call.id, "paid");
    assert_eq!(result_text(&bench.sink.one()), "paid");
    bench.send(retry(3, &state));
    store.answer();
    assert_eq!(bench.sink.one()["error"]["code"], -32602);
    bench.assert_settled();
}

#[test]
fn what_ends_a_call_before_it_is_admitted_ends_it_for_good() {
    let store = Arc::new(DelayedStore::default());
    let bench = bench(Some(store.clone()));
    let state = state(&bench);
    bench.send(retry(2, &state));
    bench.cancel(2);
    assert_eq!(bench.engine.in_flight(), 0);
    store.answer();
    assert!(bench.drain().is_empty());
    bench.sink.nothing();

    bench.send(retry(3, &state));
    bench.advance(bench.engine.limits().store_timeout - Duration::from_millis(1));
    bench.sink.nothing();
    bench.advance(Duration::from_millis(1));
    let answer = bench.sink.one();
    assert!(answer["error"]["message"].as_str().unwrap().contains("did not answer in time"), "{answer}");
    store.answer();
    assert!(bench.drain().is_empty());
    bench.sink.nothing();
    bench.assert_settled();
}
