//! Tasks in the store: they are stored before they are announced, shared by replicas, and readable after a restart.

use super::*;
use std::time::{Duration, Instant};
use tenon_mcp::locks::Mutex;
use tenon_mcp::store::{Done, StoreDone, StoreOp};
use tenon_mcp::{AskMode, HostOp, Outcome};

/// A store that replies when the test says so, or never.
struct HeldStore {
    store: Arc<MemoryStore>,
    waiting: Mutex<Vec<(StoreOp, Instant, Done)>>,
    /// If set, the reply to every operation.
    broken: Mutex<Option<StoreDone>>,
}

impl HeldStore {
    fn new() -> Arc<HeldStore> {
        Arc::new(HeldStore {
            store: Arc::new(MemoryStore::new(100)),
            waiting: Mutex::default(),
            broken: Mutex::default(),
        })
    }

    /// Replies to all waiting operations, and to those that follow from them.
    fn answer(&self) {
        loop {
            let waiting = std::mem::take(&mut *self.waiting.lock());
            if waiting.is_empty() {
                return;
            }
            for (op, now, done) in waiting {
                let broken = self.broken.lock().clone();
                match broken {
                    Some(answer) => done(answer),
                    None => self.store.submit(op, now, done),
                }
            }
        }
    }
}

impl Store for HeldStore {
    fn submit(&self, op: StoreOp, now: Instant, done: Done) {
        self.waiting.lock().push((op, now, done));
    }
}

fn ask_through(bench: &Bench, store: &HeldStore, request: Value) -> Value {
    bench.send(request);
    store.answer();
    bench.sink.one()
}

#[test]
fn a_client_hears_of_a_task_once_it_is_stored() {
    // T2-4
    let store = HeldStore::new();
    let bench = bench_with(|_| {}, store.clone());
    bench.send(with_tasks(call(json!(1), "work", json!({}))));
    bench.sink.nothing();
    assert!(bench.drain().is_empty(), "nor does the handler run");
    assert_eq!(bench.peer.in_flight(), 1);
    store.answer();
    let created = bench.sink.one();
    let id = created["result"]["taskId"].as_str().unwrap();
    let handler = bench.drain_call();
    bench.text(handler.id, "done");
    // Before the record is written this process answers for it.
    let got = ask_through(&bench, &store, with_tasks(about(2, "tasks/get", id)));
    assert_eq!(got["result"]["status"], "completed");
    let got = ask_through(&bench, &store, with_tasks(about(3, "tasks/get", id)));
    assert_eq!(got["result"]["result"]["content"][0]["text"], "done");
}

#[test]
fn a_client_may_cancel_before_it_is_told() {
    let store = HeldStore::new();
    let bench = bench_with(|_| {}, store.clone());
    bench.send(with_tasks(call(json!(1), "work", json!({}))));
    bench.cancel(1);
    store.answer();
    bench.sink.nothing();
    assert!(bench.drain().is_empty());
    assert_eq!((bench.peer.in_flight(), bench.engine.in_flight()), (0, 0));
    assert_eq!(bench.sink.dropped.load(std::sync::atomic::Ordering::SeqCst), 1);
}

#[test]
fn a_handler_that_begins_a_task_may_be_faster_than_the_store() {
    let store = HeldStore::new();
    let bench = bench_with(|_| {}, store.clone());
    bench.send(with_tasks(call(json!(1), "later", json!({}))));
    let handler = bench.drain_call();
    assert!(bench.port.start_task(handler.id).unwrap());
    bench.text(handler.id, "done");
    bench.sink.nothing();
    store.answer();
    let created = bench.sink.one();
    assert_eq!(
        (&created["result"]["resultType"], &created["result"]["status"]),
        (&json!("task"), &json!("working"))
    );
    let id = created["result"]["taskId"].as_str().unwrap();
    let got = ask_through(&bench, &store, with_tasks(about(2, "tasks/get", id)));
    assert_eq!(got["result"]["status"], "completed");
}

#[test]
fn where_a_task_cannot_be_stored_the_call_fails() {
    let full = StoreDone::Full;
    let gone = StoreDone::Unavailable("it is down".into());
    for (answer, text) in [
        (full, "Server busy: the store is unavailable: it is full"),
        (gone, "Server busy: the store is unavailable: it is down"),
    ] {
        for tool in ["work", "later"] {
            let store = HeldStore::new();
            *store.broken.lock() = Some(answer.clone());
            let bench = bench_with(|_| {}, store.clone());
            bench.send(with_tasks(call(json!(1), tool, json!({}))));
            if tool == "later" {
                bench.port.start_task(bench.drain_call().id).unwrap();
            }
            store.answer();
            assert_eq!(error_of(&bench.sink.one()), (-32603, text));
            bench.drain();
            assert_eq!((bench.peer.in_flight(), bench.engine.in_flight()), (0, 0));
        }
    }
    for tool in ["work", "later"] {
        let store = HeldStore::new();
        let bench = bench_with(|_| {}, store.clone());
        bench.send(with_tasks(call(json!(1), tool, json!({}))));
        if tool == "later" {
            bench.port.start_task(bench.drain_call().id).unwrap();
        }
        bench.advance(Duration::from_secs(11));
        let late = "Server busy: the store is unavailable: it did not answer in time";
        assert_eq!(error_of(&bench.sink.one()), (-32603, late), "{tool}");
        assert_eq!((bench.peer.in_flight(), bench.engine.in_flight()), (0, 0));
        store.answer();
        bench.sink.nothing();
    }
}

#[test]
fn what_could_not_be_written_is_written_later() {
    let store = HeldStore::new();
    let bench = bench_with(|_| {}, store.clone());
    bench.send(with_tasks(call(json!(1), "work", json!({}))));
    store.answer();
    let id = bench.sink.one()["result"]["taskId"].as_str().unwrap().to_owned();
    let handler = bench.drain_call();
    *store.broken.lock() = Some(StoreDone::Unavailable("it is down".into()));
    bench.text(handler.id, "done");
    store.answer();
    let got = ask_through(&bench, &store, with_tasks(about(2, "tasks/get", &id)));
    assert_eq!(got["result"]["status"], "completed", "this process has it");
    *store.broken.lock() = None;
    bench.advance(Duration::from_secs(10));
    store.answer();
    let other = bench_with(|_| {}, store.store.clone());
    assert_eq!(other.get(&id)["status"], "completed");
}

#[test]
fn a_finished_task_is_there_after_a_restart_and_one_that_died_has_failed() {
    let store = Arc::new(MemoryStore::new(100));
    let first = bench_with(|_| {}, store.clone());
    let (finished, handler) = first.begin("work");
    first.text(handler.id, "done");
    let (ended, _) = first.begin("work");
    first.engine.cancel_all(tenon_mcp::CancelReason::Closing);
    // Nobody closes this one: its process dies.
    let crashed = bench_with(|_| {}, store.clone());
    let (died, handler) = crashed.begin("work");
    crashed.port.ask(handler.id, ask("x"), AskMode::Park).unwrap();
    drop((first, crashed));
    let second = bench_with(|_| {}, store);
    let got = second.get(&finished);
    assert_eq!((&got["status"], &got["result"]["content"][0]["text"]), (&json!("completed"), &json!("done")));
    let got = second.get(&ended);
    assert_eq!(got["error"]["message"], "The server was shut down before the task ended");
    // It may still be at work elsewhere, until its process has been silent for too long.
    assert_eq!(second.get(&died)["status"], "input_required");
    second.advance(Duration::from_secs(31));
    for _ in 0..2 {
        let got = second.get(&died);
        assert_eq!(got["status"], "failed");
        let text = "The task was lost: the process that ran it stopped responding";
        assert_eq!(got["error"], json!({ "code": -32603, "message": text }));
        assert!(got.get("inputRequests").is_none());
    }
}

#[test]
fn the_process_that_runs_a_task_gives_signs_of_life() {
    let store = Arc::new(MemoryStore::new(100));
    let (runs, looks) = (bench_with(|_| {}, store.clone()), bench_with(|_| {}, store));
    let (id, handler) = runs.begin("work");
    for _ in 0..20 {
        runs.advance(Duration::from_secs(10));
        looks.advance(Duration::from_secs(10));
        assert_eq!(looks.get(&id)["status"], "working");
    }
    runs.text(handler.id, "done");
    assert_eq!(looks.get(&id)["status"], "completed");
}

#[test]
fn replicas_answer_and_cancel_each_others_tasks() {
    // T2-7, T2-9: they are heard of with the next sign of life.
    let store = Arc::new(MemoryStore::new(100));
    let (runs, other) = (bench_with(|_| {}, store.clone()), bench_with(|_| {}, store));
    let (id, handler) = runs.begin("work");
    for key in ["a", "b"] {
        runs.port.ask(handler.id, ask(key), AskMode::Park).unwrap();
    }
    let mut update = about(2, "tasks/update", &id);
    update["params"]["inputResponses"] = json!({ "a": accept("1"), "c": accept("2") });
    assert_eq!(other.ask_for(with_tasks(update))["result"]["resultType"], "complete");
    let got = other.get(&id);
    assert_eq!(got["inputRequests"].as_object().unwrap().keys().collect::<Vec<_>>(), ["b"]);
    runs.advance(Duration::from_secs(10));
    match runs.drain().pop() {
        Some(HostOp::Answer { answer, .. }) => {
            assert_eq!(answer.unwrap().json().to_value().unwrap(), accept("1"))
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(runs.get(&id)["inputRequests"].as_object().unwrap().keys().collect::<Vec<_>>(), ["b"]);
    other.ask_for(with_tasks(about(3, "tasks/cancel", &id)));
    assert_eq!(other.get(&id)["status"], "cancelled");
    runs.advance(Duration::from_secs(10));
    assert!(runs.port.is_cancelled(handler.id));
    assert!(runs.port.complete(handler.id, Outcome::Text("late".into())).is_err());
    assert_eq!(runs.get(&id)["status"], "cancelled");
}

#[test]
fn a_result_is_waited_for_wherever_the_task_runs() {
    // T1-8
    let store = Arc::new(MemoryStore::new(100));
    let (runs, other) = (bench_with(|_| {}, store.clone()), bench_with(|_| {}, store));
    runs.initialize(LEGACY);
    other.initialize(LEGACY);
    let id = runs.ask_for(augmented(1, "work", json!({})))["result"]["task"]["taskId"]
        .as_str()
        .unwrap()
        .to_owned();
    let handler = runs.drain_call();
    other.send(about(2, "tasks/result", &id));
    other.advance(Duration::from_secs(1));
    other.sink.nothing();
    runs.text(handler.id, "done");
    other.advance(Duration::from_secs(1));
    assert_eq!(result_text(&other.sink.one()), "done");
    // Of one whose process dies.
    runs.sink.take();
    let id = runs.ask_for(augmented(3, "work", json!({})))["result"]["task"]["taskId"]
        .as_str()
        .unwrap()
        .to_owned();
    other.send(about(4, "tasks/result", &id));
    drop(runs);
    other.advance(Duration::from_secs(31));
    assert!(error_of(&other.sink.one()).1.contains("The task was lost"));
    other.assert_settled();
}
