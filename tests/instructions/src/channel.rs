//! The paths of a channel: a legacy client on a sink, a host that drains by hand.

use crate::fixed_environment::FixedEnvironment;
use crate::path::{self, Expected, Path};
use bytes::Bytes;
use serde_json::{Value, json};
use std::hint::black_box;
use std::mem::take;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tenon_mcp::__private::Message;
use tenon_mcp::transport::{Delivery, Engine, Outgoing, Peer, Sink};
use tenon_mcp::{
    CallId, HandlerId, HostOp, HttpOptions, JsonSlice, Lane, LaneId, Outcome, Running, ServeOptions, Server,
    Spelling, Target, Tool,
};

const LANE: LaneId = LaneId(1);
const TOOLS: usize = 20;

/// The first is the one that is called.
pub fn server() -> Server {
    server_with(&json!({}), &[])
}

/// The same with settings, and scopes that each tool needs.
pub fn server_with(settings: &Value, scopes: &[&str]) -> Server {
    let mut builder =
        Server::builder("count", "1.0.0").environment(Arc::new(FixedEnvironment)).state_keys([[7; 32]]);
    builder.set_settings(&JsonSlice::from_value(settings), Spelling::Rust).expect("the settings are known");
    let server = builder.build().expect("the settings are valid");
    for number in 0..TOOLS {
        let name = if number == 0 { "forecast".to_owned() } else { format!("tool-{number}") };
        let tool = Tool::new(name)
            .description("Says what the weather will be, as far as anybody can know.")
            .input_schema(JsonSlice::from_value(&path::plain_schema()));
        let tool = if scopes.is_empty() { tool } else { tool.scopes(scopes.iter().copied()) };
        server.add(tool, Target::Lane { lane: LANE, handler: HandlerId(1) }).expect("a legal tool");
    }
    server
}

struct NoWake;

impl tenon_mcp::Wake for NoWake {
    fn wake(&self) {}
}

pub fn lane(server: &Server) -> Lane {
    server.port().lane(LANE, Arc::new(NoWake))
}

/// The one call in the lane.
pub fn take_call(lane: &Lane, ops: &mut Vec<HostOp>) -> CallId {
    lane.drain(64, Duration::MAX, ops);
    match (ops.pop(), ops.len()) {
        (Some(HostOp::Call(call)), 0) => call.id,
        (other, _) => panic!("not one call: {other:?}"),
    }
}

/// A sink that keeps the last response.
#[derive(Default)]
pub struct LastMessage(Mutex<Option<Bytes>>);

impl Sink for LastMessage {
    fn send(&self, message: Outgoing) -> Delivery {
        let Outgoing::Response { body, .. } = message else { return Delivery::Skipped };
        *self.0.lock().unwrap() = Some(body);
        Delivery::Queued
    }
}

impl LastMessage {
    pub fn take(&self) -> Bytes {
        self.0.lock().unwrap().take().expect("a response")
    }
}

struct Channel {
    server: Server,
    engine: Engine,
    lane: Lane,
    peer: Arc<Peer>,
    kept: Arc<LastMessage>,
    sink: Arc<dyn Sink>,
    ops: Vec<HostOp>,
}

impl Channel {
    fn new() -> Channel {
        let server = server();
        let kept = Arc::new(LastMessage::default());
        let channel = Channel {
            engine: server.engine().clone(),
            lane: lane(&server),
            peer: Peer::new(None),
            sink: kept.clone(),
            kept,
            ops: Vec::with_capacity(64),
            server,
        };
        channel.receive(text(&path::initialize()));
        channel.kept.take();
        channel.receive(text(&path::initialized()));
        channel
    }

    fn receive(&self, text: Bytes) {
        self.engine.receive(&self.peer, &self.sink, text);
    }
}

pub fn text(message: &Value) -> Bytes {
    message.to_string().into()
}

/// From text to a message.
pub struct Scan {
    text: Bytes,
    found: Option<Message>,
}

impl Scan {
    /// A call as most are.
    pub fn call() -> Scan {
        Scan { text: text(&path::call(true)), found: None }
    }

    /// One with 16 KiB of all kinds of values in its arguments.
    pub fn long() -> Scan {
        let mut long = path::call(true);
        let row = json!({ "text": "plain, \"quoted\", \u{17d}ilina", "numbers": [1, -2.5, 1e9], "more": [true, null, {}] });
        long["params"]["arguments"]["rows"] = Value::Array(vec![row; 160]);
        Scan { text: text(&long), found: None }
    }
}

impl Path for Scan {
    fn work(&mut self) {
        let limits = tenon_mcp::json::Limits::default();
        self.found = Message::decode(black_box(self.text.clone()), &limits).ok();
    }

    fn finish(&mut self) {
        assert!(matches!(self.found.take(), Some(Message::Request(_))));
    }
}

/// From the text of a call to the operation in the host's hands.
pub struct Dispatch {
    channel: Channel,
    call: Bytes,
    taken: Option<CallId>,
    expected: Expected,
}

impl Dispatch {
    pub fn new() -> Dispatch {
        Dispatch {
            channel: Channel::new(),
            call: text(&path::call(false)),
            taken: None,
            expected: Expected::default(),
        }
    }
}

impl Path for Dispatch {
    fn work(&mut self) {
        self.channel.receive(self.call.clone());
        self.taken = Some(take_call(&self.channel.lane, &mut self.channel.ops));
    }

    fn finish(&mut self) {
        let call = self.taken.take().expect("a call");
        self.channel
            .server
            .port()
            .complete(call, Outcome::Text("dry".into()))
            .expect("the call is in flight");
        self.expected.check(&self.channel.kept.take(), |result| result["content"][0]["text"] == "dry");
    }
}

/// A list of tools that nobody has changed since it was last asked for.
pub struct List {
    channel: Channel,
    request: Bytes,
    expected: Expected,
}

impl List {
    pub fn new() -> List {
        let request = json!({ "jsonrpc": "2.0", "id": 41, "method": "tools/list" });
        List { channel: Channel::new(), request: text(&request), expected: Expected::default() }
    }
}

impl Path for List {
    fn work(&mut self) {
        self.channel.receive(self.request.clone());
    }

    fn finish(&mut self) {
        let whole = |result: &Value| result["tools"].as_array().is_some_and(|tools| tools.len() == TOOLS);
        self.expected.check(&self.channel.kept.take(), whole);
    }
}

/// From what a handler came to, to the bytes of the response.
pub struct Complete {
    channel: Channel,
    call: Bytes,
    answer: String,
    next: Option<(CallId, Outcome)>,
    expected: Expected,
}

impl Complete {
    pub fn new() -> Complete {
        let answer = "Morning: \"fair\".\nEvening: žiadne zrážky.".to_owned();
        Complete {
            channel: Channel::new(),
            call: text(&path::call(false)),
            answer,
            next: None,
            expected: Expected::default(),
        }
    }
}

impl Path for Complete {
    fn prepare(&mut self) {
        self.channel.receive(self.call.clone());
        let call = take_call(&self.channel.lane, &mut self.channel.ops);
        self.next = Some((call, Outcome::Text(self.answer.clone())));
    }

    fn work(&mut self) {
        let (call, outcome) = take(&mut self.next).expect("a call to complete");
        self.channel.server.port().complete(call, outcome).expect("the call is in flight");
    }

    fn finish(&mut self) {
        let same = |result: &Value| result["content"][0]["text"] == *self.answer;
        self.expected.check(&self.channel.kept.take(), same);
    }
}

/// One call of a tool in Rust that runs where the call was received, from its text to the bytes of its response: what the
/// same costs through the C ABI is measured against it.
pub struct Inline {
    /// Nobody calls it; handlers run while it is served, and on a runtime.
    _running: Running,
    _runtime: tokio::runtime::Runtime,
    engine: Engine,
    peer: Arc<Peer>,
    kept: Arc<LastMessage>,
    sink: Arc<dyn Sink>,
    call: Bytes,
    expected: Expected,
}

#[derive(serde::Deserialize)]
struct Forecast {
    city: String,
}

impl Inline {
    pub fn new() -> Inline {
        let server = Server::new("count", "1.0.0");
        let tool = Tool::new("forecast").input_schema(JsonSlice::from_value(&path::plain_schema())).inline();
        server.tool(tool, |Forecast { city }: Forecast| async move { city }).expect("a legal tool");
        let options = ServeOptions::new().http(HttpOptions::new("127.0.0.1:0").expect("an address"));
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let running = {
            let _inside = runtime.enter();
            server.start(options).expect("the server starts")
        };
        let kept = Arc::new(LastMessage::default());
        let inline = Inline {
            engine: server.engine().clone(),
            peer: Peer::new(None),
            sink: kept.clone(),
            kept,
            call: text(&path::call(false)),
            expected: Expected::default(),
            _running: running,
            _runtime: runtime,
        };
        inline.receive(text(&path::initialize()));
        inline.kept.take();
        inline.receive(text(&path::initialized()));
        inline
    }

    fn receive(&self, text: Bytes) {
        self.engine.receive(&self.peer, &self.sink, text);
    }
}

impl Path for Inline {
    fn work(&mut self) {
        self.receive(self.call.clone());
    }

    fn finish(&mut self) {
        let city = &path::arguments()["city"];
        self.expected.check(&self.kept.take(), |result| result["content"][0]["text"] == *city);
    }
}
