//! Rate limits: how many calls of an entry, and how many requests of a server, are admitted in a time.

mod calls;
mod model;
mod requests;
mod rounds;
mod store;

use crate::support::*;
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use tenon_mcp::locks::Mutex;
use tenon_mcp::store::{Done, MemoryStore, Store, StoreDone, StoreOp};
use tenon_mcp::transport::{Peer, Sink};
use tenon_mcp::{Entry, HandlerId, HostOp, JsonSlice, Kind, Outcome, Spelling, Target};

const SECOND: Duration = Duration::from_secs(1);

/// Adds a tool with these policies.
fn add(bench: &Bench, name: &str, policies: Value) {
    try_add(bench, name, policies).unwrap();
}

fn try_add(bench: &Bench, name: &str, policies: Value) -> Result<(), String> {
    let schema = json!({ "type": "object", "properties": { "city": {} } });
    let mut entry = Entry::new(Kind::Tool, name).set("inputSchema", JsonSlice::from_value(&schema));
    entry
        .set_policies(&JsonSlice::from_value(&policies), Spelling::Rust)
        .map_err(|error| error.to_string())?;
    let target = Target::Lane { lane: LANE, handler: HandlerId(1) };
    bench.server.add(entry, target).map_err(|error| error.to_string())
}

/// Ends the calls that run. Returns their number.
fn finish(bench: &Bench) -> usize {
    let calls = bench.drain().into_iter().filter_map(|op| match op {
        HostOp::Call(call) => Some(call.id),
        _ => None,
    });
    calls.map(|call| bench.port.complete(call, Outcome::Text("done".into())).unwrap()).count()
}

/// A client with a principal, or without one.
struct Caller {
    peer: Arc<Peer>,
    sink: Arc<Recorder>,
}

impl Caller {
    fn new(principal: Option<&str>) -> Caller {
        Caller { peer: Peer::of(None, principal.map(Into::into)), sink: Arc::default() }
    }

    fn send(&self, bench: &Bench, message: Value) {
        let sink: Arc<dyn Sink> = self.sink.clone();
        bench.engine.receive(&self.peer, &sink, message.to_string().into());
    }

    /// Calls a tool, and ends the call if it runs. Returns the response.
    fn call(&self, bench: &Bench, tool: &str, arguments: Value) -> Value {
        self.send(bench, modern(call(json!(1), tool, arguments)));
        finish(bench);
        self.sink.one()
    }

    /// Whether a call is admitted.
    fn passes(&self, bench: &Bench, tool: &str, arguments: Value) -> bool {
        self.call(bench, tool, arguments).get("result").is_some_and(|result| result["isError"] != true)
    }
}

/// What a store does with its next operations.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Mood {
    /// It answers at once.
    #[default]
    Prompt,
    /// It answers when the test says so.
    Late,
    Failing,
    Full,
}

/// A store that does what the test says. It never answers before it returns.
struct SlowStore {
    memory: MemoryStore,
    mood: Mutex<Mood>,
    late: Mutex<Vec<(StoreOp, Instant, Done)>>,
    /// What was taken and not given back.
    taken: Mutex<i64>,
    /// Whether it says that it answers at once, even if it does not.
    says_at_once: AtomicBool,
}

impl SlowStore {
    fn new() -> Arc<SlowStore> {
        Arc::new(SlowStore {
            memory: MemoryStore::new(1000),
            mood: Mutex::default(),
            late: Mutex::default(),
            taken: Mutex::default(),
            says_at_once: AtomicBool::default(),
        })
    }

    fn becomes(&self, mood: Mood) {
        *self.mood.lock() = mood;
    }

    fn apply(&self, op: StoreOp, now: Instant) -> StoreDone {
        let done = self.memory.try_now(&op, now).unwrap();
        if let (StoreOp::Take { by, .. }, StoreDone::Taken { taken: true, .. }) = (&op, &done) {
            *self.taken.lock() += by;
        }
        done
    }

    /// Answers the operation that has waited longest.
    fn answer(&self) {
        let (op, now, done) = self.late.lock().remove(0);
        let answer = self.apply(op, now);
        done(answer);
    }

    fn waiting(&self) -> usize {
        self.late.lock().len()
    }

    fn taken(&self) -> i64 {
        *self.taken.lock()
    }
}

impl Store for SlowStore {
    fn submit(&self, op: StoreOp, now: Instant, done: Done) {
        let mood = *self.mood.lock();
        match mood {
            Mood::Prompt => {
                let answer = self.apply(op, now);
                done(answer);
            }
            Mood::Late => self.late.lock().push((op, now, done)),
            Mood::Failing => done(StoreDone::Unavailable("the disk is gone".into())),
            Mood::Full => done(StoreDone::Full),
        }
    }

    fn answers_at_once(&self) -> bool {
        self.says_at_once.load(Ordering::Relaxed)
    }
}
