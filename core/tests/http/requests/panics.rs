//! Panics of handlers: the client gets one error with the request's id, and the connection stays open.

use crate::support::client::Client;
use crate::{envelope, initialize, request};
use serde_json::json;
use std::sync::Arc;
use std::sync::mpsc::{Sender, channel};
use std::time::{Duration, Instant};
use tenon_mcp::store::{Done, Store, StoreOp};
use tenon_mcp::testing::Exchange;
use tenon_mcp::{
    Environment, Error, HandlerId, HostCall, HttpOptions, InlineHost, JsonSlice, LaneId, Limits, Log, Record,
    Running, ServeOptions, Server, ServerBuilder, Target, Tool,
};

struct PanickingHost;

impl InlineHost for PanickingHost {
    fn run(&self, _: HostCall) {
        panic!("a bad handler");
    }
}

impl Store for PanickingHost {
    fn submit(&self, _: StoreOp, _: Instant, _: Done) {
        panic!("a bad store");
    }

    fn try_now(&self, _: &StoreOp, _: Instant) -> Option<tenon_mcp::store::StoreDone> {
        panic!("a bad store");
    }
}

/// The endpoint uses randomness outside of messages, for the ids of sessions.
impl Environment for PanickingHost {
    fn now(&self) -> Instant {
        Instant::now()
    }

    fn unix_seconds(&self) -> u64 {
        1_000_000
    }

    fn random(&self, _: &mut [u8]) -> Result<(), Error> {
        panic!("a bad environment");
    }
}

/// An environment whose clock panics on the timer's thread.
struct NoTimer;

impl Environment for NoTimer {
    fn now(&self) -> Instant {
        assert_ne!(std::thread::current().name(), Some("tenon-timer"), "a bad clock");
        Instant::now()
    }

    fn unix_seconds(&self) -> u64 {
        1_000_000
    }

    fn random(&self, out: &mut [u8]) -> Result<(), Error> {
        out.fill(7);
        Ok(())
    }
}

/// A log that sends the time of each record about the timer.
struct Timers(Sender<Instant>);

impl Log for Timers {
    fn log(&self, record: &Record<'_>) {
        if record.message.contains("a panic ended the timer") {
            let _ = self.0.send(Instant::now());
        }
    }
}

fn up(configure: impl FnOnce(ServerBuilder) -> ServerBuilder) -> (Server, Running, Client) {
    let server = configure(Server::builder("panics", "1")).build().unwrap();
    let schema = || JsonSlice::from_value(&json!({ "type": "object" }));
    let target = Target::Inline { lane: LaneId(7), handler: HandlerId(1), host: Arc::new(PanickingHost) };
    server.add(Tool::new("bad").input_schema(schema()), target).unwrap();
    let running = server
        .start(ServeOptions::new().http(HttpOptions::new("127.0.0.1:0").unwrap()).in_process())
        .unwrap();
    let client = Client::new(running.http_address().unwrap());
    (server, running, client)
}

#[test]
fn a_call_that_panics_leaves_its_connection() {
    let (server, running, mut client) = up(|builder| builder);
    for id in [1, 2] {
        let reply =
            client.modern(&request(id, "tools/call", envelope(json!({ "name": "bad", "arguments": {} }))));
        let answer = reply.json();
        assert_eq!((&answer["id"], &answer["error"]["code"]), (&json!(id), &json!(-32603)), "{answer}");
        let list = client.modern(&request(3, "tools/list", envelope(json!({})))).json();
        assert_eq!(list["result"]["tools"][0]["name"], "bad", "{list}");
    }
    // A client in the process sees the same.
    let exchange = Exchange::open(&server, None).unwrap();
    exchange.send(initialize("2025-11-25").to_string());
    assert!(exchange.receive().is_some());
    exchange.send(request(7, "tools/call", json!({ "name": "bad", "arguments": {} })).to_string());
    let answer: serde_json::Value = serde_json::from_slice(&exchange.receive().unwrap()).unwrap();
    assert_eq!((&answer["id"], &answer["error"]["code"]), (&json!(7), &json!(-32603)), "{answer}");
    assert!(exchange.receive().is_none());
    assert_eq!(server.engine().in_flight(), 0);
    running.close();
    running.wait();
    assert!(running.failure().is_none());
}

#[test]
fn what_panics_around_a_message_is_answered_under_its_id() {
    let environment =
        |builder: ServerBuilder| builder.environment(Arc::new(PanickingHost)).state_keys([[9; 32]]);
    let store = |builder: ServerBuilder| builder.store(Arc::new(PanickingHost));
    for (which, status) in [(0, 500), (1, 503)] {
        let (_server, running, mut client) = if which == 0 { up(environment) } else { up(store) };
        for _ in 0..2 {
            let reply = client.post(&[], &initialize("2025-11-25"));
            let answer = reply.json();
            assert_eq!(reply.status, status, "{answer}");
            assert_eq!(answer["id"], initialize("2025-11-25")["id"], "{answer}");
            assert_eq!(answer["error"]["code"], -32603, "{answer}");
        }
        let list = client.modern(&request(3, "tools/list", envelope(json!({})))).json();
        assert_eq!(list["result"]["tools"][0]["name"], "bad", "{list}");
        running.close();
        running.wait();
    }
}

#[test]
fn a_timer_that_panics_again_and_again_rests_in_between() {
    let (told, heard) = channel();
    let mut limits = Limits::default();
    limits.call_timeout = Duration::from_millis(1);
    let configure = |builder: ServerBuilder| {
        builder.environment(Arc::new(NoTimer)).log(Arc::new(Timers(told))).limits(limits)
    };
    let (server, running, _client) = up(configure);
    let schema = JsonSlice::from_value(&json!({ "type": "object" }));
    let nobody = Target::Lane { lane: LaneId(0), handler: HandlerId(2) };
    server.add(Tool::new("waits").input_schema(schema), nobody).unwrap();
    let exchange = Exchange::open(&server, None).unwrap();
    exchange
        .send(request(1, "tools/call", envelope(json!({ "name": "waits", "arguments": {} }))).to_string());
    // Its deadline has passed, and stays the next one.
    let times: Vec<Instant> =
        (0..4).map(|_| heard.recv_timeout(Duration::from_secs(20)).expect("the timer panics")).collect();
    assert!(times[3] - times[0] >= Duration::from_millis(100), "{times:?}");
    running.close();
    running.wait();
}
