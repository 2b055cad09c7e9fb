//! An engine with a fake clock, a fake client and a fake host.

use bytes::Bytes;
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use tenon_mcp::Environment;
use tenon_mcp::locks::Mutex;
use tenon_mcp::transport::{Delivery, Engine, Outgoing, Peer, Sink, Unread};
use tenon_mcp::{
    Ask, CallId, Drained, Error, HandlerId, HostCall, HostOp, HostPort, JsonSlice, Lane, LaneId, Limits,
    Outcome, Server, ServerBuilder, Settings, Target, Tool, Wake,
};

type Hook = Box<dyn FnOnce() + Send>;

/// Random numbers. Equal seeds, which are not 0, have equal numbers.
pub struct Random(pub u64);

impl Random {
    pub fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % limit as u64) as usize
    }
}

/// A clock that only the test moves, and random bytes from a counter.
pub struct FakeEnvironment {
    start: Instant,
    elapsed: Mutex<Duration>,
    random: Mutex<u64>,
    /// Runs at the next reading of the clock.
    pub at_next_look: Mutex<Option<Hook>>,
    /// Runs at the next reading of the date.
    pub at_next_date: Mutex<Option<Hook>>,
}

impl FakeEnvironment {
    pub fn pass(&self, by: Duration) {
        *self.elapsed.lock() += by;
    }

    fn new() -> Arc<FakeEnvironment> {
        Arc::new(FakeEnvironment {
            start: Instant::now(),
            elapsed: Mutex::default(),
            random: Mutex::new(1),
            at_next_look: Mutex::default(),
            at_next_date: Mutex::default(),
        })
    }
}

impl FakeEnvironment {
    /// Changes the randomness, as if this were another process.
    pub fn reseed(&self, seed: u64) {
        *self.random.lock() = seed;
    }
}

impl Environment for FakeEnvironment {
    fn now(&self) -> Instant {
        let hook = self.at_next_look.lock().take();
        if let Some(hook) = hook {
            hook();
        }
        self.start + *self.elapsed.lock()
    }

    fn unix_seconds(&self) -> u64 {
        let hook = self.at_next_date.lock().take();
        if let Some(hook) = hook {
            hook();
        }
        1_000_000 + self.elapsed.lock().as_secs()
    }

    fn random(&self, out: &mut [u8]) -> Result<(), Error> {
        let mut state = self.random.lock();
        for byte in out {
            *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            *byte = (*state >> 56) as u8;
        }
        Ok(())
    }
}

/// A sink that records what the engine sends.
#[derive(Default)]
pub struct Recorder {
    sent: Mutex<Vec<Value>>,
    /// Makes the sink report that no client reads any more.
    pub gone: AtomicBool,
    pub dropped: AtomicUsize,
    /// What the sink reports about unread messages; `None` means unknown.
    pub unread: Mutex<Option<Unread>>,
    /// How often the engine has asked for unread messages.
    pub asked: AtomicUsize,
    /// Runs when the next response is sent, before it is recorded.
    pub at_next_response: Mutex<Option<Hook>>,
}

impl Sink for Recorder {
    fn send(&self, message: Outgoing) -> Delivery {
        if self.gone.load(Ordering::SeqCst) {
            return Delivery::Gone;
        }
        let body = match message {
            Outgoing::Event { body, .. } | Outgoing::Question { body, .. } => body,
            Outgoing::Response { body, .. } => {
                let hook = self.at_next_response.lock().take();
                if let Some(hook) = hook {
                    hook();
                }
                body
            }
            Outgoing::Dropped => {
                self.dropped.fetch_add(1, Ordering::SeqCst);
                return Delivery::Queued;
            }
            other => panic!("an unknown message: {other:?}"),
        };
        self.sent.lock().push(serde_json::from_slice(&body).expect("the engine sends JSON"));
        Delivery::Queued
    }

    fn unread(&self) -> Unread {
        self.asked.fetch_add(1, Ordering::SeqCst);
        self.unread.lock().unwrap_or(Unread::Nothing)
    }
}

impl Recorder {
    /// The messages that were sent since the last call.
    pub fn take(&self) -> Vec<Value> {
        std::mem::take(&mut self.sent.lock())
    }

    /// The only message that was sent since the last call.
    #[track_caller]
    pub fn one(&self) -> Value {
        let sent = self.take();
        assert_eq!(sent.len(), 1, "{sent:#?}");
        sent.into_iter().next().unwrap()
    }

    #[track_caller]
    pub fn nothing(&self) {
        assert_eq!(self.take(), Vec::<Value>::new());
    }
}

#[derive(Default)]
pub struct Wakes(AtomicUsize);

impl Wake for Wakes {
    fn wake(&self) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

impl Wakes {
    pub fn count(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }
}

pub const LANE: LaneId = LaneId(3);
pub const OTHER_LANE: LaneId = LaneId(4);
pub const LEGACY: &str = "2025-11-25";

/// One server, one peer on a channel, and one lane.
pub struct Bench {
    pub server: Server,
    pub engine: Engine,
    pub port: HostPort,
    pub environment: Arc<FakeEnvironment>,
    pub peer: Arc<Peer>,
    pub sink: Arc<Recorder>,
    pub lane: Lane,
    pub wakes: Arc<Wakes>,
}

impl Bench {
    /// A bench with default limits. Its tools are `slow` (default timeout) and `fast` (50 ms) on the lane, and `other`
    /// on another lane.
    pub fn new() -> Bench {
        Bench::with(|_| {})
    }

    pub fn with(change: impl FnOnce(&mut Limits)) -> Bench {
        Bench::with_builder(change, |builder| builder)
    }

    pub fn with_builder(
        change: impl FnOnce(&mut Limits),
        configure: impl FnOnce(ServerBuilder) -> ServerBuilder,
    ) -> Bench {
        let mut limits = Limits::default();
        change(&mut limits);
        let environment = FakeEnvironment::new();
        let builder = Server::builder("bench", "1.0.0")
            .limits(limits)
            .environment(environment.clone())
            .state_keys([[9; 32]]);
        Bench::of(environment, configure(builder).build().unwrap())
    }

    /// A bench of a server that is built from settings.
    pub fn with_settings(
        settings: &Settings,
        configure: impl FnOnce(ServerBuilder) -> ServerBuilder,
    ) -> Bench {
        let environment = FakeEnvironment::new();
        let builder = Server::from_settings(settings).unwrap().environment(environment.clone());
        Bench::of(environment, configure(builder).build().unwrap())
    }

    fn of(environment: Arc<FakeEnvironment>, server: Server) -> Bench {
        let on = |lane| Target::Lane { lane, handler: HandlerId(1) };
        server.add(tool("slow"), on(LANE)).unwrap();
        server.add(tool("fast").timeout(Duration::from_millis(50)), on(LANE)).unwrap();
        server.add(tool("other"), on(OTHER_LANE)).unwrap();
        let wakes = Arc::new(Wakes::default());
        let lane = server.port().lane(LANE, wakes.clone());
        Bench {
            engine: server.engine().clone(),
            port: server.port(),
            environment,
            peer: Peer::new(None),
            sink: Arc::new(Recorder::default()),
            lane,
            wakes,
            server,
        }
    }

    /// A bench after `initialize`, with a client that can be asked questions.
    pub fn legacy() -> Bench {
        Bench::legacy_with(|_| {})
    }

    pub fn legacy_with(change: impl FnOnce(&mut Limits)) -> Bench {
        let bench = Bench::with(change);
        bench.initialize(LEGACY);
        bench
    }

    pub fn initialize(&self, revision: &str) {
        self.initialize_with(revision, json!({ "elicitation": {} }));
    }

    pub fn initialize_with(&self, revision: &str, capabilities: Value) {
        let mut request = initialize(revision);
        request["params"]["capabilities"] = capabilities;
        self.send(request);
        let answer = self.sink.one();
        assert_eq!(answer["result"]["protocolVersion"], revision, "{answer}");
        self.send(json!({ "jsonrpc": "2.0", "method": "notifications/initialized" }));
        self.sink.nothing();
    }

    pub fn send(&self, message: Value) {
        let sink: Arc<dyn Sink> = self.sink.clone();
        self.engine.receive(&self.peer, &sink, Bytes::from(message.to_string()));
    }

    /// Calls a tool in the legacy session.
    pub fn call(&self, id: u64, tool: &str) {
        self.send(call(json!(id), tool, json!({})));
    }

    /// Calls a tool in the modern era.
    pub fn call_modern(&self, id: u64, tool: &str) {
        self.send(modern(call(json!(id), tool, json!({}))));
    }

    pub fn cancel(&self, id: u64) {
        self.send(
            json!({ "jsonrpc": "2.0", "method": "notifications/cancelled", "params": { "requestId": id } }),
        );
    }

    /// Sends the peer's answer to a question of the engine.
    pub fn answer(&self, question: &Value, result: Value) {
        self.send(json!({ "jsonrpc": "2.0", "id": question["id"], "result": result }));
    }

    /// Moves the clock, and does the work of the timer.
    pub fn advance(&self, by: Duration) {
        self.environment.pass(by);
        let now = self.engine.now();
        if self.engine.next_deadline().is_some_and(|next| next <= now) {
            self.engine.handle_timeout(now);
        }
    }

    pub fn drain(&self) -> Vec<HostOp> {
        let mut ops = Vec::new();
        while self.lane.drain(64, Duration::MAX, &mut ops) == Drained::More {}
        ops
    }

    /// The only call that waits in the lane.
    #[track_caller]
    pub fn drain_call(&self) -> HostCall {
        let mut ops = self.drain();
        match ops.pop() {
            Some(HostOp::Call(call)) if ops.is_empty() => call,
            other => panic!("expected one call: {other:?} after {ops:?}"),
        }
    }

    pub fn text(&self, id: CallId, text: &str) -> bool {
        self.port.complete(id, Outcome::Text(text.into())).is_ok()
    }

    /// Checks that no call and no question is left.
    #[track_caller]
    pub fn assert_over(&self) {
        assert_eq!(self.engine.in_flight(), 0);
        assert_eq!((self.peer.in_flight(), self.peer.questions()), (0, 0));
    }

    /// Checks that nothing is held any more: the table, the peer's tables and the lane's credits are in their first
    /// state.
    #[track_caller]
    pub fn assert_settled(&self) {
        self.assert_over();
        self.drain();
        let limit = self.engine.limits().max_lane_calls;
        let sink = Arc::new(Recorder::default());
        let as_sink: Arc<dyn Sink> = sink.clone();
        // More than one client may have in flight.
        let mut peers = Vec::new();
        for id in 0..=limit {
            if id % self.engine.limits().max_peer_calls == 0 {
                peers.push(Peer::new(None));
            }
            let message = modern(call(json!(id), "slow", json!({}))).to_string();
            self.engine.receive(peers.last().unwrap(), &as_sink, message.into());
        }
        assert_eq!(self.drain().len(), limit, "credits of the lane were lost or invented");
        assert_eq!(sink.take().len(), 1);
        for peer in &peers {
            self.engine.close_peer(peer, tenon_mcp::CancelReason::Closing);
        }
        self.drain();
    }
}

pub fn tool(name: &str) -> Tool {
    Tool::new(name).input_schema(JsonSlice::from_value(&json!({ "type": "object" })))
}

pub fn initialize(revision: &str) -> Value {
    json!({ "jsonrpc": "2.0", "id": "init", "method": "initialize", "params": {
        "protocolVersion": revision,
        "capabilities": { "elicitation": {} },
        "clientInfo": { "name": "bench", "version": "0" },
    } })
}

pub fn call(id: Value, tool: &str, arguments: Value) -> Value {
    json!({ "jsonrpc": "2.0", "id": id, "method": "tools/call", "params": { "name": tool, "arguments": arguments } })
}

/// Adds the envelope of 2026-07-28.
pub fn modern(request: Value) -> Value {
    modern_with(request, json!({ "elicitation": { "form": {} } }))
}

pub fn modern_with(mut request: Value, capabilities: Value) -> Value {
    let meta = &mut request["params"]["_meta"];
    meta["io.modelcontextprotocol/protocolVersion"] = json!("2026-07-28");
    meta["io.modelcontextprotocol/clientCapabilities"] = capabilities;
    meta["io.modelcontextprotocol/clientInfo"] = json!({ "name": "bench", "version": "0" });
    request
}

pub fn form() -> JsonSlice {
    JsonSlice::from_value(
        &json!({ "type": "object", "properties": { "a": { "type": "string" } }, "required": ["a"] }),
    )
}

pub fn ask(key: &str) -> Ask {
    Ask::form(format!("{key}?"), form()).key(key)
}

pub fn accept(text: &str) -> Value {
    json!({ "action": "accept", "content": { "a": text } })
}

#[track_caller]
pub fn result_text(message: &Value) -> &str {
    message["result"]["content"][0]["text"].as_str().unwrap_or_else(|| panic!("no text in {message}"))
}

#[track_caller]
pub fn error_of(message: &Value) -> (i64, &str) {
    let code = message["error"]["code"].as_i64().unwrap_or_else(|| panic!("no error in {message}"));
    (code, message["error"]["message"].as_str().unwrap())
}
