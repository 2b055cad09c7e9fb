//! Both interfaces of the engine without a transport, an executor and a clock: messages go in, calls go through one
//! lane, and messages come out.

use std::sync::{Arc, Mutex};
use std::time::Duration;
use tenon_mcp::transport::{Delivery, Engine, Outgoing, Peer, Sink};
use tenon_mcp::{
    AskError, AskMode, Asked, CallId, Event, HandlerId, HostOp, HostPort, Lane, LaneId, Outcome, Server,
    Target, Tool, Wake, json_schema,
};

struct NoWake;

impl Wake for NoWake {
    fn wake(&self) {}
}

#[derive(Default)]
struct LineSink(Mutex<Vec<String>>);

impl Sink for LineSink {
    fn send(&self, message: Outgoing) -> Delivery {
        if let Outgoing::Event { body, .. }
        | Outgoing::Question { body, .. }
        | Outgoing::Response { body, .. } = message
        {
            self.0.lock().unwrap().push(String::from_utf8(body.into()).unwrap());
        }
        Delivery::Queued
    }
}

struct Setting {
    engine: Engine,
    port: HostPort,
    lane: Lane,
    peer: Arc<Peer>,
    lines: Arc<LineSink>,
}

const LANE: LaneId = LaneId(1);
const MODERN: &str = r#""_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{"elicitation":{}}}"#;

impl Setting {
    fn new() -> Setting {
        let server = Server::new("test", "1");
        let target = || Target::Lane { lane: LANE, handler: HandlerId(0) };
        let schema = json_schema!({ "type": "object", "properties": { "who": { "type": "string" } } });
        server.add(Tool::new("greet").input_schema(schema.clone()), target()).unwrap();
        server.add(Tool::new("other").input_schema(schema), target()).unwrap();
        let port = server.port();
        let lane = port.lane(LANE, Arc::new(NoWake));
        Setting { engine: server.engine().clone(), port, lane, peer: Peer::new(None), lines: Arc::default() }
    }

    /// A setting after a handshake without `notifications/initialized`.
    fn legacy(revision: &str, capabilities: &str) -> Setting {
        let setting = Setting::new();
        setting.send(&format!(
            r#"{{"jsonrpc":"2.0","id":0,"method":"initialize","params":{{"protocolVersion":"{revision}","capabilities":{capabilities},"clientInfo":{{"name":"t","version":"1"}}}}}}"#
        ));
        setting.lines();
        setting
    }

    fn initialized(self) -> Setting {
        self.send(r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#);
        self
    }

    fn send(&self, text: &str) {
        let sink: Arc<dyn Sink> = self.lines.clone();
        self.engine.receive(&self.peer, &sink, text.to_owned().into());
    }

    fn lines(&self) -> Vec<String> {
        std::mem::take(&mut self.lines.0.lock().unwrap())
    }

    fn line(&self) -> String {
        let mut lines = self.lines();
        assert_eq!(lines.len(), 1, "{lines:?}");
        lines.remove(0)
    }

    /// The call that waits in the lane.
    fn call(&self) -> CallId {
        let mut ops = Vec::new();
        self.lane.drain(10, Duration::from_secs(1), &mut ops);
        ops.iter()
            .find_map(|op| if let HostOp::Call(call) = op { Some(call.id) } else { None })
            .expect("a call")
    }

    fn modern_call(&self, id: u32, tool: &str, arguments: &str, more: &str) {
        self.send(&format!(
            r#"{{"jsonrpc":"2.0","id":{id},"method":"tools/call","params":{{{MODERN},"name":"{tool}","arguments":{arguments}{more}}}}}"#
        ));
    }

    fn ask(&self, call: CallId) -> Result<Asked, AskError> {
        let schema = json_schema!({ "type": "object", "properties": { "name": { "type": "string" } } });
        let ask = tenon_mcp::Ask::form("Name?", schema).key("q");
        self.port.ask(call, ask, AskMode::Park)
    }

    /// Runs one round of a modern call that asks a question. Returns the sealed state.
    fn state(&self, arguments: &str) -> String {
        self.modern_call(1, "greet", arguments, "");
        let call = self.call();
        assert!(matches!(self.ask(call), Ok(Asked::Suspended)));
        self.port.complete(call, Outcome::Suspend).unwrap();
        let answer: serde_json::Value = serde_json::from_str(&self.line()).unwrap();
        answer["result"]["requestState"].as_str().unwrap().to_owned()
    }
}

fn retry(state: &str) -> String {
    format!(
        r#","requestState":"{state}","inputResponses":{{"q":{{"action":"accept","content":{{"name":"Ada"}}}}}}"#
    )
}

#[test]
fn a_sealed_state_is_good_for_the_same_arguments_only() {
    let setting = Setting::new();
    let state = setting.state(r#"{"who":"a"}"#);
    for (tool, arguments) in [("greet", r#"{"who":"b"}"#), ("greet", "{}"), ("other", r#"{"who":"a"}"#)] {
        setting.modern_call(2, tool, arguments, &retry(&state));
        let line = setting.line();
        assert!(line.contains("-32602") && line.contains("requestState"), "{tool} {arguments}: {line}");
    }
    // The same value in another spelling.
    setting.modern_call(3, "greet", r#"{ "who" : "\u0061" }"#, &retry(&state));
    let call = setting.call();
    assert!(matches!(setting.ask(call), Ok(Asked::Answered(_))));
    setting.port.complete(call, Outcome::Text("done".into())).unwrap();
    assert!(setting.line().contains("done"));
}

#[test]
fn input_responses_must_be_an_object_even_without_state() {
    let setting = Setting::new();
    setting.modern_call(1, "greet", "{}", r#","inputResponses":[]"#);
    assert!(setting.line().contains("-32602"));
}

#[test]
fn answers_that_come_before_their_questions_are_taken_if_they_fit() {
    // MR-15: without a state they are for what the program has named, and are looked at like any others.
    let setting = Setting::new();
    for wrong in [r#""q":{"action":"yes"}"#, r#""q":5"#, r#""other":{"action":"decline"}"#, ""] {
        setting.modern_call(1, "greet", "{}", &format!(r#","inputResponses":{{{wrong}}}"#));
        let call = setting.call();
        assert!(matches!(setting.ask(call), Ok(Asked::Suspended)), "{wrong}");
        setting.port.complete(call, Outcome::Suspend).unwrap();
        assert!(setting.line().contains("inputRequests"), "{wrong}");
    }
    let right = r#","inputResponses":{"more":1,"q":{"action":"accept","content":{"name":"Ada"}}}"#;
    setting.modern_call(2, "greet", "{}", right);
    let call = setting.call();
    assert!(matches!(setting.ask(call), Ok(Asked::Answered(_))));
    // Asked a second time in one attempt, it is used twice, as any question is.
    assert!(matches!(setting.ask(call), Err(AskError::Invalid(_))));
    setting.port.complete(call, Outcome::Text("done".into())).unwrap();
    assert!(setting.line().contains("done"));
}

#[test]
fn nothing_is_asked_before_initialized() {
    let setting = Setting::legacy("2025-11-25", r#"{"elicitation":{}}"#);
    setting.send(r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"greet"}}"#);
    let call = setting.call();
    assert!(matches!(setting.ask(call), Err(AskError::Failed(text)) if text.contains("initialized")));
    let setting = setting.initialized();
    assert!(setting.lines().is_empty());
    assert!(matches!(setting.ask(call), Ok(Asked::Waiting(_))));
    assert!(setting.line().contains("elicitation/create"));
}

#[test]
fn a_missing_capability_is_an_error_in_the_modern_era_and_a_failed_result_before() {
    let setting = Setting::legacy("2025-11-25", "{}").initialized();
    setting.send(r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"greet"}}"#);
    let call = setting.call();
    let Err(AskError::Unsupported(error)) = setting.ask(call) else { panic!("the client has no forms") };
    setting.port.complete(call, Outcome::Error(error.clone())).unwrap();
    let line = setting.line();
    assert!(line.contains(r#""isError":true"#) && !line.contains("-32021"), "{line}");
    setting.modern_call(2, "greet", "{}", "");
    setting.port.complete(setting.call(), Outcome::Error(error)).unwrap();
    assert!(setting.line().contains(r#""code":-32021"#));
}

#[test]
fn an_id_in_flight_is_refused_for_every_method() {
    let setting = Setting::legacy("2025-06-18", "{}");
    setting.send(r#"{"jsonrpc":"2.0","id":"a","method":"tools/call","params":{"name":"greet"}}"#);
    let call = setting.call();
    // Not for initialize, which ends the session that the id belongs to (VER-19).
    for method in ["ping", "tools/list", "tools/call", "no/such"] {
        setting.send(&format!(
            r#"{{"jsonrpc":"2.0","id":"\u0061","method":"{method}","params":{{"name":"greet"}}}}"#
        ));
        let line = setting.line();
        assert!(line.contains("-32600") && line.contains("in flight"), "{method}: {line}");
    }
    setting.port.complete(call, Outcome::Text("x".into())).unwrap();
    setting.lines();
    setting.send(r#"{"jsonrpc":"2.0","id":"a","method":"ping"}"#);
    assert_eq!(setting.line(), r#"{"jsonrpc":"2.0","id":"a","result":{}}"#);
}

#[test]
fn a_progress_token_is_a_string_or_an_integer() {
    let setting = Setting::legacy("2025-06-18", "{}");
    for token in ["1.5", "1e2", "null", "true", "{}"] {
        setting.send(&format!(
            r#"{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{{"name":"greet","_meta":{{"progressToken":{token}}}}}}}"#
        ));
        let line = setting.line();
        assert!(line.contains("-32602") && line.contains("progressToken"), "{token}: {line}");
    }
    for (id, token) in ["0", "\"\"", "-3", "\"a\""].iter().enumerate() {
        setting.send(&format!(
            r#"{{"jsonrpc":"2.0","id":{id},"method":"tools/call","params":{{"name":"greet","_meta":{{"progressToken":{token}}}}}}}"#
        ));
        let event = Event::progress(1.0, None, None);
        setting.port.emit(setting.call(), event).unwrap();
        let line = setting.line();
        assert!(line.contains(&format!(r#""progressToken":{token},"#)), "{line}");
    }
}

#[test]
fn only_2025_03_26_has_batches() {
    let batch = r#"[{"jsonrpc":"2.0","id":1,"method":"ping"},5]"#;
    let setting = Setting::legacy("2025-03-26", "{}");
    setting.send(batch);
    let line = setting.line();
    assert!(line.starts_with(r#"[{"jsonrpc":"2.0","id":1,"result":{}},{"#), "{line}");
    assert!(line.contains("-32600") && line.ends_with("}]"), "{line}");
    for revision in ["2024-11-05", "2025-06-18", "2025-11-25"] {
        let setting = Setting::legacy(revision, "{}");
        setting.send(batch);
        assert!(setting.line().contains("has batches"));
    }
    let setting = Setting::new();
    setting.send(batch);
    assert!(setting.line().contains("has batches"));
}
