//! Calls of several callers that wait for the concurrency limits of one entry.

mod displaced;
mod keys;
mod turns;

use crate::support::*;
use serde_json::{Value, json};
use std::sync::Arc;
use tenon_mcp::transport::{Peer, Sink};
use tenon_mcp::{CallId, Entry, HandlerId, HostOp, JsonSlice, Kind, Outcome, Spelling, Target};

/// Adds an entry with these policies, which are written as Rust writes them.
fn add_entry(bench: &Bench, mut entry: Entry, policies: Value) -> Result<(), String> {
    entry
        .set_policies(&JsonSlice::from_value(&policies), Spelling::Rust)
        .map_err(|error| error.to_string())?;
    let target = Target::Lane { lane: LANE, handler: HandlerId(9) };
    bench.server.add(entry, target).map_err(|error| error.to_string())
}

/// Adds the tool `few` with these policies.
fn add(bench: &Bench, policies: Value) {
    let schema = json!({ "type": "object", "properties": { "city": {} } });
    let entry = Entry::new(Kind::Tool, "few").set("inputSchema", JsonSlice::from_value(&schema));
    add_entry(bench, entry, policies).unwrap();
}

/// The calls that have begun to run since the last look, with the ids of their requests.
fn begun(bench: &Bench) -> Vec<(u64, CallId)> {
    let call = |op| match op {
        HostOp::Call(call) => Some(call),
        _ => None,
    };
    let calls = bench.drain().into_iter().filter_map(call);
    calls
        .map(|call| (call.context.request_id.as_ref().unwrap().raw().deserialize().unwrap(), call.id))
        .collect()
}

fn ids(calls: &[(u64, CallId)]) -> Vec<u64> {
    calls.iter().map(|(id, _)| *id).collect()
}

/// Ends a call. Returns the calls that begin to run.
fn end(bench: &Bench, call: CallId) -> Vec<(u64, CallId)> {
    bench.port.complete(call, Outcome::Text("done".into())).unwrap();
    begun(bench)
}

/// Ends calls one after the other, the first one first. Returns the ids of all, in the order in which they ran.
fn end_all(bench: &Bench, mut running: Vec<(u64, CallId)>) -> Vec<u64> {
    let mut order = ids(&running);
    while !running.is_empty() {
        let next = end(bench, running.remove(0).1);
        order.extend(ids(&next));
        running.extend(next);
    }
    order
}

/// A client, which speaks 2026-07-28 unless it has begun a session.
struct Client {
    peer: Arc<Peer>,
    sink: Arc<Recorder>,
    is_legacy: bool,
}

impl Client {
    fn new(principal: Option<&str>) -> Client {
        Client { peer: Peer::of(None, principal.map(Into::into)), sink: Arc::default(), is_legacy: false }
    }

    /// A client with a session, which may have an id.
    fn legacy(bench: &Bench, session: Option<&str>, principal: Option<&str>) -> Client {
        let peer = Peer::of(session.map(Into::into), principal.map(Into::into));
        let client = Client { peer, sink: Arc::default(), is_legacy: true };
        client.send(bench, initialize(LEGACY));
        client.send(bench, json!({ "jsonrpc": "2.0", "method": "notifications/initialized" }));
        assert!(client.sink.one().get("result").is_some());
        client
    }

    fn send(&self, bench: &Bench, message: Value) {
        let sink: Arc<dyn Sink> = self.sink.clone();
        bench.engine.receive(&self.peer, &sink, message.to_string().into());
    }

    fn call_with(&self, bench: &Bench, id: u64, arguments: Value) {
        let request = call(json!(id), "few", arguments);
        self.send(bench, if self.is_legacy { request } else { modern(request) });
    }

    fn call(&self, bench: &Bench, id: u64) {
        self.call_with(bench, id, json!({}));
    }

    fn cancel(&self, bench: &Bench, id: u64) {
        self.send(
            bench,
            json!({ "jsonrpc": "2.0", "method": "notifications/cancelled", "params": { "requestId": id } }),
        );
    }

    /// The ids of the calls that were answered since the last look.
    fn answered(&self) -> Vec<u64> {
        self.sink.take().iter().map(|answer| answer["id"].as_u64().unwrap()).collect()
    }
}
