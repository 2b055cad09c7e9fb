//! Caches: which calls get a kept result, which calls wait for another one, and what is never kept.

mod calls;
mod faults;
mod model;
mod resources;
mod stale;

use crate::support::*;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;
use tenon_mcp::transport::{Peer, Sink};
use tenon_mcp::{
    CallId, Entry, HandlerId, HostCall, HostOp, JsonSlice, Kind, Outcome, Principal, Spelling, Target,
};

const SECOND: Duration = Duration::from_secs(1);

fn target() -> Target {
    Target::Lane { lane: LANE, handler: HandlerId(1) }
}

/// A bench with the tool `fetch`, which has these policies.
fn bench(policies: Value) -> Bench {
    let bench = Bench::new();
    add(&bench, "fetch", policies).unwrap();
    bench
}

fn add(bench: &Bench, name: &str, policies: Value) -> Result<(), String> {
    let schema = json!({ "type": "object", "properties": { "city": {} } });
    let mut entry = Entry::new(Kind::Tool, name).set("inputSchema", JsonSlice::from_value(&schema));
    entry
        .set_policies(&JsonSlice::from_value(&policies), Spelling::Rust)
        .map_err(|error| error.to_string())?;
    bench.server.add(entry, target()).map_err(|error| error.to_string())
}

/// The handlers that have begun since the last call.
fn begun(bench: &Bench) -> Vec<HostCall> {
    let calls = bench.drain().into_iter().filter_map(|op| match op {
        HostOp::Call(call) => Some(call),
        _ => None,
    });
    calls.collect()
}

/// A client with a sink of its own, perhaps with a principal.
struct Caller {
    peer: Arc<Peer>,
    sink: Arc<Recorder>,
    next: std::cell::Cell<u64>,
}

impl Caller {
    fn new(principal: Option<Principal>) -> Caller {
        Caller { peer: Peer::of(None, principal), sink: Arc::default(), next: 0.into() }
    }

    fn send(&self, bench: &Bench, message: Value) {
        let sink: Arc<dyn Sink> = self.sink.clone();
        bench.engine.receive(&self.peer, &sink, message.to_string().into());
    }

    /// Starts a call of the tool. Returns its request id.
    fn start(&self, bench: &Bench, arguments: Value) -> u64 {
        let id = self.next.get();
        self.next.set(id + 1);
        self.send(bench, modern(call(json!(id), "fetch", arguments)));
        id
    }

    fn cancel(&self, bench: &Bench, id: u64) {
        let params = json!({ "requestId": id });
        self.send(bench, json!({ "jsonrpc": "2.0", "method": "notifications/cancelled", "params": params }));
    }

    /// The text that a call gets without a run of the handler.
    #[track_caller]
    fn kept(&self, bench: &Bench, arguments: Value) -> String {
        self.start(bench, arguments);
        assert!(begun(bench).is_empty(), "the handler runs");
        result_text(&self.sink.one()).to_owned()
    }

    /// The run of the handler for a call, which must not be answered yet.
    #[track_caller]
    fn runs(&self, bench: &Bench, arguments: Value) -> CallId {
        self.start(bench, arguments);
        self.sink.nothing();
        let calls = begun(bench);
        assert_eq!(calls.len(), 1, "the handler does not run");
        calls[0].id
    }

    /// Produces a result with this text.
    #[track_caller]
    fn produces(&self, bench: &Bench, arguments: Value, text: &str) {
        let run = self.runs(bench, arguments);
        done(bench, run, text);
        assert_eq!(result_text(&self.sink.one()), text);
    }
}

fn done(bench: &Bench, run: CallId, text: &str) {
    bench.port.complete(run, Outcome::Text(text.into())).unwrap();
}

fn raised() -> Outcome {
    Outcome::Exception("boom".into())
}
