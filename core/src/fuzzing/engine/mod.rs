//! Fuzz target for the engine as a state machine: messages, completions, questions, timeouts and disconnects in any
//! order.
//!
//! Each step is two bytes. In every order, nothing panics, and everything that is sent is JSON. A request gets one
//! response under its own id, or none if it was cancelled. Nothing is sent about a call that has ended. Observers get the
//! events of each request in their order. At the end, no state is left.

mod client;
mod events;
mod message;

use crate::dispatch::calls::ask::Ask;
use crate::dispatch::environment::Environment;
use crate::error::Error;
use crate::host::{
    AskMode, CancelReason, Drained, Engine, HandlerId, HostOp, LaneId, Outcome, Peer, Sink, Target, Wake,
};
use crate::json::JsonSlice;
use crate::locks::Mutex;
use crate::proto::catalog::kind::Kind;
use crate::proto::messages::event::Event;
use crate::proto::session::task::TaskSupport;
use crate::server::Server;
use crate::{Entry, Limits};
use bytes::Bytes;
use client::Client;
use events::Events;
use serde_json::{Value, json};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};

const LANE: LaneId = LaneId(0);
const STEPS: usize = 64;

/// The time, and how often random bytes were requested.
#[derive(Default)]
struct Clock(Mutex<Duration>, AtomicU64);

static START: LazyLock<Instant> = LazyLock::new(Instant::now);

impl Environment for Clock {
    fn now(&self) -> Instant {
        *START + *self.0.lock()
    }

    fn unix_seconds(&self) -> u64 {
        1_000_000 + self.0.lock().as_secs()
    }

    fn random(&self, out: &mut [u8]) -> Result<(), Error> {
        // Each result is different, so that no two names are the same.
        let drawn = self.1.fetch_add(1, Ordering::Relaxed).to_le_bytes();
        out.iter_mut().zip(drawn.iter().cycle()).for_each(|(byte, drawn)| *byte = *drawn);
        Ok(())
    }
}

struct Nobody;

impl Wake for Nobody {
    fn wake(&self) {}
}

fn server(clock: &Arc<Clock>, events: &Arc<Events>) -> Server {
    let mut limits = Limits::default();
    (limits.max_calls, limits.max_peer_calls, limits.max_lane_calls) = (6, 4, 5);
    (limits.max_asks, limits.max_message_bytes, limits.max_depth) = (3, 4096, 16);
    let builder = Server::builder("fuzz", "1").limits(limits).environment(clock.clone());
    let builder = builder.state_keys([[9; 32]]).observer(events.clone());
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
    let long = Entry::new(Kind::Tool, "long").task_support(TaskSupport::Required);
    let later = Entry::new(Kind::Tool, "later").task_support(TaskSupport::Optional).defer_task(true);
    for entry in [work, typed, page, long, later] {
        server.add(entry, target()).expect("it is an entry");
    }
    server
}

struct World {
    clock: Arc<Clock>,
    events: Arc<Events>,
    server: Server,
    engine: Engine,
    lane: crate::host::Lane,
    client: Arc<Client>,
    peer: Arc<Peer>,
    calls: Vec<crate::dispatch::calls::table::CallId>,
}

/// A connected channel to this client.
fn connected(client: &Arc<Client>) -> Arc<Peer> {
    let peer = Peer::new(None);
    peer.set_sink(client.clone());
    peer
}

impl World {
    fn new() -> World {
        let clock = Arc::<Clock>::default();
        let events = Arc::<Events>::default();
        let server = server(&clock, &events);
        let client = Arc::<Client>::default();
        World {
            engine: server.engine().clone(),
            lane: server.port().lane(LANE, Arc::new(Nobody)),
            peer: connected(&client),
            client,
            calls: Vec::new(),
            clock,
            events,
            server,
        }
    }

    fn request(&self, which: u8, id: u64) -> Value {
        let tasks = &self.client.0.lock().tasks;
        message::request(which, id, tasks.get(usize::from(which >> 6) % tasks.len().max(1)))
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

    fn pick(&self, which: u8) -> Option<crate::dispatch::calls::table::CallId> {
        self.calls.get(usize::from(which) % self.calls.len().max(1)).copied()
    }

    fn step(&mut self, what: u8, which: u8) {
        let id = u64::from(which >> 4) % 6;
        match what % 16 {
            0..=3 => self.send(&self.request(which, id)),
            4 => self.send(&message::modern(self.request(which, id))),
            5 => {
                let mut members = vec![self.request(which, id), self.request(which, id + 1)];
                members.extend((which % 2 == 1).then(|| self.request(which >> 2, id + 2)));
                members.extend((which % 4 == 2).then(|| json!({ "jsonrpc": "2.0", "method": id })));
                self.send(&Value::Array(members));
            }
            6 => self.receive(message::notification("notifications/initialized", json!({}))),
            7 => {
                let before = self.client.0.lock().dropped();
                let params = json!({ "requestId": id });
                self.receive(message::notification("notifications/cancelled", params));
                self.client.0.lock().cancelled(&json!(id), before);
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
            14 => match which / 2 % 4 {
                0 => drop(self.server.enable(Kind::Tool, "typed")),
                1 => drop(self.server.disable(Kind::Tool, "typed")),
                2 => self.server.resource_updated("a://b"),
                _ => drop(self.pick(which / 8).map(|call| self.server.port().start_task(call))),
            },
            _ => match which % 8 {
                0 => self.engine.end_input(&self.peer),
                1 => {
                    self.engine.close_peer(&self.peer, CancelReason::Disconnected);
                    self.client.0.lock().gone();
                    self.peer = connected(&self.client);
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
        let (all, own) = (world.engine.in_flight(), world.peer.in_flight());
        assert!(own <= all && all <= 6, "{own} of {all} calls are the client's");
    }
    world.engine.close_peer(&world.peer, CancelReason::Closing);
    world.engine.cancel_all(CancelReason::Closing);
    world.drain();
    assert_eq!((world.engine.in_flight(), world.peer.in_flight(), world.peer.questions()), (0, 0, 0));
    world.client.0.lock().settled();
    world.events.settled();
    assert!(world.events.requests() >= world.calls.len(), "each call belongs to a request");
}
