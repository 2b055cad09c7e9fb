//! Calls that become tasks, in both forms of the protocol.

mod completion;
mod input;
mod legacy;
mod modern;
mod stores;

use crate::support::*;
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tenon_mcp::store::{MemoryStore, Store};
use tenon_mcp::transport::{Peer, Sink};
use tenon_mcp::{HandlerId, HostCall, Limits, Server, Target, TaskSupport};

pub const EXTENSION: &str = "io.modelcontextprotocol/tasks";

/// Adds tools on the lane to those of a bench: `work` may be a task, `must` always is one, and `later` is one if its
/// handler says so.
pub fn add_tools(server: &Server) {
    let on = || Target::Lane { lane: LANE, handler: HandlerId(1) };
    server.add(tool("work").task_support(TaskSupport::Optional), on()).unwrap();
    server.add(tool("must").task_support(TaskSupport::Required), on()).unwrap();
    server.add(tool("later").task_support(TaskSupport::Optional).defer_task(true), on()).unwrap();
}

pub fn bench() -> Bench {
    bench_with(|_| {}, Arc::new(MemoryStore::new(1000)))
}

pub fn bench_with(change: impl FnOnce(&mut Limits), store: Arc<dyn Store>) -> Bench {
    let bench = Bench::with_builder(change, |builder| builder.store(store));
    static SEED: AtomicU64 = AtomicU64::new(1000);
    bench.environment.reseed(SEED.fetch_add(1, Ordering::Relaxed));
    add_tools(&bench.server);
    bench
}

/// A request of a 2026-07-28 client that supports tasks.
pub fn with_tasks(request: Value) -> Value {
    modern_with(request, json!({ "elicitation": {}, "sampling": {}, "extensions": { EXTENSION: {} } }))
}

pub fn about(id: u64, method: &str, task: &str) -> Value {
    json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": { "taskId": task } })
}

/// A call as a task in the form of 2025-11-25.
pub fn augmented(id: u64, tool: &str, task: Value) -> Value {
    let mut request = call(json!(id), tool, json!({}));
    request["params"]["task"] = task;
    request
}

/// A client with a known principal.
pub struct KnownClient {
    pub peer: Arc<Peer>,
    pub sink: Arc<Recorder>,
}

impl KnownClient {
    pub fn new(principal: &str) -> KnownClient {
        KnownClient { peer: Peer::of(None, Some(principal.into())), sink: Arc::default() }
    }

    pub fn send(&self, bench: &Bench, message: Value) {
        let sink: Arc<dyn Sink> = self.sink.clone();
        bench.engine.receive(&self.peer, &sink, message.to_string().into());
    }

    pub fn ask(&self, bench: &Bench, message: Value) -> Value {
        self.send(bench, message);
        self.sink.one()
    }
}

pub trait TaskBench {
    fn ask_for(&self, message: Value) -> Value;
    /// Begins a task in the form of 2026-07-28. Returns its id, and the call of its handler.
    fn begin(&self, tool: &str) -> (String, HostCall);
    fn get(&self, task: &str) -> Value;
}

impl TaskBench for Bench {
    #[track_caller]
    fn ask_for(&self, message: Value) -> Value {
        self.send(message);
        self.sink.one()
    }

    #[track_caller]
    fn begin(&self, tool: &str) -> (String, HostCall) {
        let created = self.ask_for(with_tasks(call(json!(1), tool, json!({}))));
        assert_eq!(created["result"]["resultType"], "task", "{created}");
        (created["result"]["taskId"].as_str().unwrap().to_owned(), self.drain_call())
    }

    #[track_caller]
    fn get(&self, task: &str) -> Value {
        let got = self.ask_for(with_tasks(about(90, "tasks/get", task)));
        assert_eq!(got["result"]["resultType"], "complete", "{got}");
        assert_eq!(got["result"]["taskId"], task);
        got["result"].clone()
    }
}
