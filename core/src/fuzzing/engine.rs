//! The server as a state machine: messages, completions, questions, time-outs and ends in any order.
//!
//! Two bytes are a step. Whatever comes: nothing panics, what is sent is JSON, a request has one answer under its own id or
//! none if it was cancelled, and at the end nothing is left.

use crate::dispatch::ask::Ask;
use crate::dispatch::environment::Environment;
use crate::error::Error;
use crate::host::{
    AskMode, CancelReason, Delivery, Drained, Engine, HandlerId, HostOp, LaneId, Outcome, Outgoing, Peer,
    Sink, Target, Wake,
};
use crate::json::JsonSlice;
use crate::locks::Mutex;
use crate::proto::event::Event;
use crate::proto::kind::Kind;
use crate::server::Server;
use crate::{Entry, Limits};
use bytes::Bytes;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::LazyLock;
use std::time::{Duration, Instant};

const LANE: LaneId = LaneId(0);
const STEPS: usize = 64;

struct Clock(Mutex<Duration>);

static START: LazyLock<Instant> = LazyLock::new(Instant::now);

impl Environment for Clock {
    fn now(&self) -> Instant {
        *START + *self.0.lock()
    }

    fn unix_seconds(&self) -> u64 {
        1_000_000 + self.0.lock().as_secs()
    }

    fn random(&self, out: &mut [u8]) -> Result<(), Error> {
        out.fill(7);
        Ok(())
    }
}

struct Nobody;

impl Wake for Nobody {
    fn wake(&self) {}
}

/// What the client has sent and got.
#[derive(Default)]
struct Client(Mutex<Ledger>);

#[derive(Default)]
struct Ledger {
    /// How many answers each id may still get.
    owed: BTreeMap<String, usize>,
    /// Requests that will not be answered, by cancellation.
    dropped: usize,
    /// Questions of the server's without answer.
    questions: Vec<Value>,
}

impl Ledger {
    fn expect(&mut self, message: &Value) {
        let members = message.as_array().map_or(std::slice::from_ref(message), Vec::as_slice);
        for member in members {
            if let Some(id) = member.get("id") {
                *self.owed.entry(id.to_string()).or_default() += 1;
            }
        }
    }

    fn answered(&mut self, answer: &Value) {
        assert_eq!(answer["jsonrpc"], "2.0", "{answer}");
        assert!(answer.get("result").is_some() != answer.get("error").is_some(), "{answer}");
        let Some(id) = answer.get("id").filter(|id| !id.is_null()) else {
            return assert!(answer.get("error").is_some(), "{answer}");
        };
        let owed = self.owed.get_mut(&id.to_string()).filter(|owed| **owed > 0);
        *owed.unwrap_or_else(|| panic!("nobody asked for {answer}")) -= 1;
    }
}

impl Sink for Client {
    fn send(&self, message: Outgoing) -> Delivery {
        let mut ledger = self.0.lock();
        let read = |body: &Bytes| serde_json::from_slice::<Value>(body).expect("what is sent is JSON");
        match message {
            Outgoing::Event { body, .. } => {
                let event = read(&body);
                assert!(event.get("id").is_none() && event["method"].is_string(), "{event}");
            }
            Outgoing::Question { body, .. } => ledger.questions.push(read(&body)),
            Outgoing::Response { body, .. } => match read(&body) {
                Value::Array(answers) => answers.iter().for_each(|answer| ledger.answered(answer)),
                answer => ledger.answered(&answer),
            },
            Outgoing::Dropped => ledger.dropped += 1,
        }
        Delivery::Queued
    }
}

fn server(clock: &Arc<Clock>) -> Server {
    let mut limits = Limits::default();
    (limits.max_calls, limits.max_peer_calls, limits.max_lane_calls) = (6, 4, 5);
    (limits.max_asks, limits.max_message_bytes, limits.max_depth) = (3, 4096, 16);
    let builder =
        Server::builder("fuzz", "1").limits(limits).environment(clock.clone()).state_keys([[9; 32]]);
    let server = builder.build().expect("it is a server");
    let target = || Target::Lane { lane: LANE, handler: HandlerId(1) };
    let schema = |text: &str| {
        JsonSlice::parse(Bytes::copy_from_slice(text.as_bytes()), &crate::json::Limits::default())
    };
    let work =
        Entry::new(Kind::Tool, "work").set("inputSchema", schema(r#"{"type":"object"}"#).expect("JSON"));
    let typed = r#"{"type":"object","properties":{"a":{"type":"integer"}},"required":["a"]}"#;
    let typed = Entry::new(Kind::Tool, "typed").set("inputSchema", schema(typed).expect("JSON"));
    let page = Entry::new(Kind::Resource, "a://b").set_text("name", "b");
    for entry in [work, typed, page] {
        server.add(entry, target()).expect("it is an entry");
    }
    server
}

struct World {
    clock: Arc<Clock>,
    server: Server,
    engine: Engine,
    lane: crate::host::Lane,
    client: Arc<Client>,
    peer: Arc<Peer>,
    calls: Vec<crate::dispatch::calls::CallId>,
}

/// A request or notification; which, and with which id, the byte says.
fn message(which: u8, id: u64) -> Value {
    let call = |name: &str, arguments: Value| json!({ "name": name, "arguments": arguments, "_meta": { "progressToken": id } });
    let (method, params) = match which % 12 {
        0 => (
            "initialize",
            json!({ "protocolVersion": "2025-03-26", "capabilities": { "elicitation": {} },
            "clientInfo": { "name": "c", "version": "1" } }),
        ),
        1 => (
            "initialize",
            json!({ "protocolVersion": "2025-11-25", "capabilities": { "elicitation": {} },
            "clientInfo": { "name": "c", "version": "1" } }),
        ),
        2 | 3 => ("tools/call", call("work", json!({}))),
        4 => ("tools/call", call("typed", json!({ "a": id }))),
        5 => ("tools/call", call("typed", json!({ "a": "x" }))),
        6 => ("tools/list", json!({})),
        7 => ("ping", json!({})),
        8 => ("resources/read", json!({ "uri": "a://b" })),
        9 => ("server/discover", json!({})),
        10 => ("logging/setLevel", json!({ "level": "debug" })),
        _ => ("no/such", json!({})),
    };
    let id = if id == 5 { json!("5") } else { json!(id) };
    json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params })
}

impl World {
    fn new() -> World {
        let clock = Arc::new(Clock(Mutex::default()));
        let server = server(&clock);
        World {
            engine: server.engine().clone(),
            lane: server.port().lane(LANE, Arc::new(Nobody)),
            client: Arc::default(),
            peer: Peer::new(None),
            calls: Vec::new(),
            clock,
            server,
        }
    }

    fn send(&self, message: &Value) {
        self.client.0.lock().expect(message);
        self.receive(message.to_string().into_bytes());
    }

    fn receive(&self, text: Vec<u8>) {
        let sink: Arc<dyn Sink> = self.client.clone();
        self.engine.receive(&self.peer, &sink, text.into());
    }

    fn drain(&mut self) {
        let mut ops = Vec::new();
        while self.lane.drain(16, Duration::MAX, &mut ops) == Drained::More {}
        self.calls.extend(ops.into_iter().filter_map(|op| match op {
            HostOp::Call(call) => Some(call.id),
            _ => None,
        }));
    }

    fn pick(&self, which: u8) -> Option<crate::dispatch::calls::CallId> {
        self.calls.get(usize::from(which) % self.calls.len().max(1)).copied()
    }

    fn step(&mut self, what: u8, which: u8) {
        let id = u64::from(which >> 4) % 6;
        match what % 16 {
            0..=3 => self.send(&message(which, id)),
            4 => {
                let mut modern = message(which, id);
                modern["params"]["_meta"]["io.modelcontextprotocol/protocolVersion"] = json!("2026-07-28");
                modern["params"]["_meta"]["io.modelcontextprotocol/clientCapabilities"] =
                    json!({ "elicitation": { "form": {} } });
                self.send(&modern);
            }
            5 => self.send(&json!([message(which, id), message(which >> 1, id + 1), message(7, id + 2)])),
            6 => self.receive(
                json!({ "jsonrpc": "2.0", "method": "notifications/initialized" }).to_string().into(),
            ),
            7 => {
                let params = json!({ "requestId": id });
                let cancel =
                    json!({ "jsonrpc": "2.0", "method": "notifications/cancelled", "params": params });
                self.receive(cancel.to_string().into());
            }
            8 => self.drain(),
            9 | 10 => self.complete(which),
            11 => self.ask(which),
            12 => self.answer(which),
            13 => {
                *self.clock.0.lock() += Duration::from_secs(1) * u32::from(which) * u32::from(which);
                self.engine.handle_timeout(self.engine.now());
            }
            14 if which.is_multiple_of(2) => {
                if let Some(call) = self.pick(which / 2) {
                    let _ = self.server.port().emit(call, Event::progress(f64::from(which), None, None));
                }
            }
            14 if which % 4 == 1 => drop(self.server.enable(Kind::Tool, "typed")),
            14 => drop(self.server.disable(Kind::Tool, "typed")),
            _ => match which % 8 {
                0 => self.engine.end_input(&self.peer),
                1 => {
                    self.engine.close_peer(&self.peer, CancelReason::Disconnected);
                    self.peer = Peer::new(None);
                }
                _ => self.receive(vec![b'{'; usize::from(which)]),
            },
        }
    }

    fn complete(&self, which: u8) {
        let Some(call) = self.pick(which >> 3) else { return };
        let value = || JsonSlice::from_value(&json!({ "a": [1, which] }));
        let outcome = match which % 8 {
            0 => Outcome::Json(value()),
            1 => Outcome::Failed("failed".into()),
            2 => Outcome::Exception("broken".into()),
            3 => Outcome::Suspend,
            4 => Outcome::Bytes(vec![which]),
            5 => Outcome::Result(value()),
            _ => Outcome::Text("text".into()),
        };
        let _ = self.server.port().complete(call, outcome);
    }

    fn ask(&self, which: u8) {
        let Some(call) = self.pick(which >> 2) else { return };
        let schema = json!({ "type": "object", "properties": { "a": { "type": "string" } } });
        let ask = Ask::form("Who?", JsonSlice::from_value(&schema)).key(format!("key {}", which % 4));
        let mode = if which.is_multiple_of(2) { AskMode::Park } else { AskMode::Rerun };
        let _ = self.server.port().ask(call, ask, mode);
    }

    fn answer(&self, which: u8) {
        let question = {
            let mut ledger = self.client.0.lock();
            let count = ledger.questions.len();
            if count == 0 {
                return;
            }
            ledger.questions.swap_remove(usize::from(which) % count)
        };
        let answer = match which % 4 {
            0 => json!({ "result": { "action": "accept", "content": { "a": "x" } } }),
            1 => json!({ "result": { "action": "decline" } }),
            2 => json!({ "result": 7 }),
            _ => json!({ "error": { "code": 1, "message": "no" } }),
        };
        let mut answer = answer;
        answer["jsonrpc"] = json!("2.0");
        answer["id"] = question["id"].clone();
        self.receive(answer.to_string().into());
    }
}

pub(super) fn run(data: &[u8]) {
    let mut world = World::new();
    for step in data.chunks_exact(2).take(STEPS) {
        world.step(step[0], step[1]);
        assert!(world.engine.in_flight() <= 6, "more is in flight than may be");
    }
    world.engine.close_peer(&world.peer, CancelReason::Closing);
    world.engine.cancel_all(CancelReason::Closing);
    world.drain();
    assert_eq!((world.engine.in_flight(), world.peer.in_flight(), world.peer.questions()), (0, 0, 0));
    let ledger = world.client.0.lock();
    // A batch drops its members one by one, but tells of it once.
    let owed: usize = ledger.owed.values().sum();
    assert!(ledger.dropped <= owed, "{} requests were dropped, {owed} not answered", ledger.dropped);
}
