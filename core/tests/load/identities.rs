//! A million callers, each with an identity of its own, call a tool with all policies. What the server keeps of them is
//! bounded.

use crate::heap;
use serde_json::json;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tenon_mcp::transport::{Delivery, Outgoing, Peer, Sink};
use tenon_mcp::{
    Cache, CircuitBreaker, HandlerId, HostOp, JsonSlice, Key, Lane, LaneId, Outcome, Principal, RateLimit,
    Server, Target, Tool, Wake,
};

/// The most memory that the server may keep: 64 MiB of allowances, 16 MiB of results, and what belongs to them.
const MOST: usize = 160 << 20;
const LANE: LaneId = LaneId(1);

struct Quiet;

impl Wake for Quiet {
    fn wake(&self) {}
}

/// Counts the responses.
#[derive(Default)]
struct Responses(std::sync::atomic::AtomicUsize);

impl Sink for Responses {
    fn send(&self, message: Outgoing) -> Delivery {
        if let Outgoing::Response { .. } = message {
            self.0.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        }
        Delivery::Queued
    }
}

fn server() -> (Server, Lane) {
    let server = Server::new("identities", "1.0.0");
    let key = || Key::Argument("key".into());
    let schema = json!({ "type": "object", "properties": { "key": { "type": "string" } } });
    let tool = Tool::new("fetch")
        .input_schema(JsonSlice::from_value(&schema))
        .rate_limit([
            RateLimit::per_hour(1).by(Key::Principal),
            RateLimit::per_minute(60).burst(10_usize).by([Key::Principal, key()]),
        ])
        .max_concurrency_by([(Key::Principal, 1)])
        .cache(Cache::new(Duration::from_secs(3600)).max_entries(50_000_usize))
        .circuit_breaker(CircuitBreaker::new(1, Duration::from_secs(3600)).by(key()));
    server.add(tool, Target::Lane { lane: LANE, handler: HandlerId(1) }).unwrap();
    let lane = server.port().lane(LANE, Arc::new(Quiet));
    (server, lane)
}

pub fn run(identities: usize) {
    let before = heap::in_use();
    let (server, lane) = server();
    let (engine, port) = (server.engine().clone(), server.port());
    let responses = Arc::new(Responses::default());
    let sink: Arc<dyn Sink> = responses.clone();
    let (mut ops, mut most, mut ran) = (Vec::new(), 0, 0);
    let start = Instant::now();
    for number in 0..identities {
        let peer = Peer::of(None, Some(Principal::new("issuer", format!("user-{number}"))));
        let call = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {
            "name": "fetch", "arguments": { "key": format!("key-{number}") },
            "_meta": {
                "io.modelcontextprotocol/protocolVersion": "2026-07-28",
                "io.modelcontextprotocol/clientCapabilities": {},
                "io.modelcontextprotocol/clientInfo": { "name": "load", "version": "0" },
            },
        } });
        engine.receive(&peer, &sink, call.to_string().into());
        lane.drain(64, Duration::MAX, &mut ops);
        for op in ops.drain(..) {
            if let HostOp::Call(call) = op {
                ran += 1;
                // Each third call fails, and opens a circuit.
                let outcome = match number % 3 {
                    0 => Outcome::Exception("down".into()),
                    _ => Outcome::Text(format!("the result of {number}")),
                };
                port.complete(call.id, outcome).unwrap();
            }
        }
        most = most.max(heap::in_use().saturating_sub(before));
    }
    let took = start.elapsed();
    let kept = heap::in_use().saturating_sub(before);
    let state = server.policies(tenon_mcp::Kind::Tool, "fetch").unwrap();
    let mib = |bytes: usize| bytes as f64 / f64::from(1 << 20);
    println!(
        "identities: {identities} callers, one call each, {:.1} µs per call\n\
         memory: {:.1} MiB at most, {:.1} MiB at the end (bound {:.0} MiB)\n\
         kept at the end: {}",
        took.as_secs_f64() * 1e6 / identities as f64,
        mib(most),
        mib(kept),
        mib(MOST),
        state.to_value().unwrap()["state"],
    );
    assert_eq!(
        responses.0.load(std::sync::atomic::Ordering::Relaxed),
        identities,
        "each call has a response"
    );
    assert_eq!(ran, identities, "nobody is refused because of others");
    assert!(most < MOST, "{:.1} MiB", mib(most));
    assert_eq!(engine.in_flight(), 0);
}
