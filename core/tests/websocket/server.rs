//! A server whose handlers report what happens, and wait for the test.

use serde::Deserialize;
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;
use tenon_mcp::{
    Answer, Ask, AskError, Context, HandlerId, HostCall, InlineHost, JsonSlice, LaneId, Limits, Running,
    ServeOptions, Server, Target, Tool, handler,
};
use tokio::runtime::Runtime;
use tokio::sync::Semaphore;

/// The timeout of all waits, so that a broken test does not hang.
pub const WAIT_LIMIT: Duration = Duration::from_secs(30);

pub struct StartedServer {
    pub running: Running,
    pub server: Server,
    /// The events of calls of `gate`: `started`, then `finished` or `dropped`.
    pub seen: Receiver<&'static str>,
    /// A permit lets one call of `gate` finish.
    pub gate: Arc<Semaphore>,
    _runtime: Runtime,
}

#[derive(Deserialize)]
struct Add {
    a: i64,
    b: i64,
}

#[derive(Deserialize)]
struct Blow {
    bytes: usize,
}

#[derive(Deserialize)]
struct Empty {}

struct Watch(Sender<&'static str>, &'static str);

impl Drop for Watch {
    fn drop(&mut self) {
        let _ = self.0.send(self.1);
    }
}

fn schema(value: Value) -> JsonSlice {
    JsonSlice::from_value(&value)
}

fn add_tools(
    server: &Server,
    gate: Arc<Semaphore>,
    seen: Sender<&'static str>,
) -> Result<(), tenon_mcp::Error> {
    let tool = |name: &str| Tool::new(name).input_schema(schema(json!({ "type": "object" })));
    server.tool(tool("add"), handler(|Add { a, b }, _| async move { Ok::<_, String>(a + b) }))?;
    server
        .tool(tool("blow"), handler(|Blow { bytes }, _| async move { Ok::<_, String>("x".repeat(bytes)) }))?;
    server.tool(
        tool("session"),
        handler(|Empty {}, context: Context| async move {
            Ok::<_, String>(context.session_id().unwrap_or("none").to_owned())
        }),
    )?;
    server.tool(
        tool("ask_name"),
        handler(|Empty {}, context: Context| async move {
            let form = json!({ "type": "object", "properties": { "name": { "type": "string" } } });
            let answer: Answer = context.elicit(Ask::form("What is your name?", schema(form))).await?;
            let name = answer.content().and_then(|content| content.member("name"));
            Ok::<_, AskError>(
                name.and_then(|name| name.decode_str().map(|n| n.into_owned())).unwrap_or_default(),
            )
        }),
    )?;
    server.tool(
        tool("gate"),
        handler(move |Empty {}, _| {
            let (gate, seen) = (gate.clone(), seen.clone());
            async move {
                let _ = seen.send("started");
                let mut watch = Watch(seen, "dropped");
                gate.acquire().await.map_err(|error| error.to_string())?.forget();
                watch.1 = "finished";
                Ok::<_, String>("through the gate".to_owned())
            }
        }),
    )
}

/// The default limits with a change.
pub fn limits(change: impl FnOnce(&mut Limits)) -> Limits {
    let mut limits = Limits::default();
    change(&mut limits);
    limits
}

/// An inline handler that panics on the thread that received its call.
struct PanickingHost;

impl InlineHost for PanickingHost {
    fn run(&self, _: HostCall) {
        panic!("a bad handler");
    }
}

impl StartedServer {
    /// Adds the tool `bad`, whose calls panic on the thread that received them.
    pub fn add_bad(&self) {
        let target = Target::Inline { lane: LaneId(7), handler: HandlerId(1), host: Arc::new(PanickingHost) };
        let schema = JsonSlice::from_value(&json!({ "type": "object" }));
        self.server.add(Tool::new("bad").input_schema(schema), target).unwrap();
    }

    /// Starts a server whose sockets are on the executor of the handlers.
    pub fn start(options: ServeOptions, limits: Limits) -> StartedServer {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let server = Server::builder("up", "1.0.0").limits(limits).build().unwrap();
        let (seen, gate) = (channel(), Arc::new(Semaphore::new(0)));
        add_tools(&server, gate.clone(), seen.0).unwrap();
        let entered = runtime.enter();
        let running = server.start(options).unwrap();
        drop(entered);
        StartedServer { running, server, seen: seen.1, gate, _runtime: runtime }
    }

    /// The next event of a call of `gate`.
    pub fn next(&self) -> &'static str {
        self.seen.recv_timeout(WAIT_LIMIT).expect("something happens")
    }

    pub fn close(&self) {
        self.running.close();
        assert!(self.running.wait_for(WAIT_LIMIT), "the server ends");
    }
}

impl Drop for StartedServer {
    fn drop(&mut self) {
        self.running.close();
        self.running.wait_for(WAIT_LIMIT);
    }
}

pub fn request(id: u64, method: &str, params: Value) -> Value {
    json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params })
}

/// A legacy call.
pub fn call(id: u64, name: &str, arguments: Value) -> Value {
    request(id, "tools/call", json!({ "name": name, "arguments": arguments }))
}

/// A call of 2026-07-28.
pub fn modern(id: u64, name: &str, arguments: Value) -> Value {
    enveloped(call(id, name, arguments))
}

/// A request with the envelope of 2026-07-28.
pub fn enveloped(mut call: Value) -> Value {
    call["params"]["_meta"] = json!({
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientInfo": { "name": "test", "version": "1" },
        "io.modelcontextprotocol/clientCapabilities": { "elicitation": {} },
    });
    call
}

pub fn initialize(version: &str) -> Value {
    let params = json!({
        "protocolVersion": version,
        "capabilities": { "elicitation": {} },
        "clientInfo": { "name": "test", "version": "1" },
    });
    request(0, "initialize", params)
}

pub fn initialized() -> Value {
    json!({ "jsonrpc": "2.0", "method": "notifications/initialized" })
}

/// The text of a tool's result.
pub fn text(message: &Value) -> &str {
    message["result"]["content"][0]["text"].as_str().unwrap_or_else(|| panic!("no text in {message}"))
}
