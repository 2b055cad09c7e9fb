//! A server with a recording observer.

use crate::grammar;
use crate::recording::{Recording, WAIT_LIMIT};
use serde::Deserialize;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;
use tenon_mcp::{
    Cache, CallError, CircuitBreaker, Counts, JsonSlice, Limits, RateLimit, Retry, Running, ServeOptions,
    Server, ServerBuilder, TaskSupport, Tool, handler,
};
use tokio::runtime::Runtime;
use tokio::sync::Semaphore;

#[derive(Deserialize)]
struct Add {
    a: i64,
    b: i64,
}

/// A server that has started. When it is dropped, it ends, and its events are checked.
pub struct StartedServer {
    pub running: Running,
    pub server: Server,
    pub recording: Arc<Recording>,
    /// A permit lets one call of `gate` or `single` finish.
    pub gate: Arc<Semaphore>,
    pub runtime: Runtime,
}

fn tool(name: &str, schema: Value) -> Tool {
    Tool::new(name).input_schema(JsonSlice::from_value(&schema))
}

fn open(name: &str) -> Tool {
    tool(name, json!({ "type": "object" }))
}

fn add_tools(server: &Server, gate: &Arc<Semaphore>) -> Result<(), tenon_mcp::Error> {
    let number = json!({ "type": "integer" });
    let sum = json!({ "type": "object", "properties": { "a": number, "b": number }, "required": ["a", "b"] });
    server.tool(tool("add", sum), handler(|Add { a, b }, _| async move { Ok::<_, String>(a + b) }))?;
    server.tool(open("fail"), handler(|_: Value, _| async { Err::<String, _>("no") }))?;
    server.tool(
        open("error"),
        handler(|_: Value, _| async { Err::<String, _>(CallError::mcp(-32001, "Forbidden")) }),
    )?;
    let never = |_: Value, _| std::future::pending::<Result<String, String>>();
    server.tool(open("late").timeout(Duration::from_millis(10)), handler(never))?;
    server.tool(
        open("panics"),
        handler(|_: Value, _| async {
            if true {
                panic!("as it should");
            }
            Ok::<_, String>("")
        }),
    )?;
    let guarded =
        tool("guarded", json!({ "type": "object", "properties": { "fails": { "type": "boolean" } } }))
            .rate_limit([RateLimit::per_minute(1000), RateLimit::per_minute(1000).counts(Counts::Misses)])
            .cache(Cache::new(Duration::from_secs(60)))
            .circuit_breaker(CircuitBreaker::new(2, Duration::from_secs(60)))
            .idempotent(true)
            .retry(Retry::new(2).backoff(Duration::from_millis(1)));
    server.tool(guarded, |arguments: Value| async move {
        match arguments["fails"] == true {
            true => Err(CallError::from(std::io::Error::other("down"))),
            false => Ok("done"),
        }
    })?;
    for tool in [open("gate"), open("single").max_concurrency(1)] {
        let gate = gate.clone();
        let wait = move |_: Value, _| {
            let gate = gate.clone();
            async move {
                gate.acquire().await.map_err(|error| error.to_string())?.forget();
                Ok::<_, String>("through the gate")
            }
        };
        server.tool(tool, handler(wait))?;
    }
    server.tool(
        open("long").task_support(TaskSupport::Required),
        handler(|_: Value, _| async { Ok::<_, String>("done") }),
    )?;
    server.notification("x/said", handler(|_: Value, _| async {}))
}

impl StartedServer {
    pub fn new(options: ServeOptions) -> StartedServer {
        StartedServer::with(options, |_| (), |builder| builder)
    }

    pub fn limited(options: ServeOptions, change: impl FnOnce(&mut Limits)) -> StartedServer {
        StartedServer::with(options, change, |builder| builder)
    }

    pub fn with(
        options: ServeOptions,
        change: impl FnOnce(&mut Limits),
        configure: impl FnOnce(ServerBuilder) -> ServerBuilder,
    ) -> StartedServer {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let (recording, gate) = (Arc::<Recording>::default(), Arc::new(Semaphore::new(0)));
        let mut limits = Limits::default();
        change(&mut limits);
        let builder = Server::builder("observed", "1.0.0").limits(limits).observer(recording.clone());
        let server = configure(builder).build().unwrap();
        add_tools(&server, &gate).unwrap();
        let entered = runtime.enter();
        let running = server.start(options).unwrap();
        drop(entered);
        StartedServer { running, server, recording, gate, runtime }
    }

    pub fn close_within(&self, most: Duration) {
        self.running.close_within(most);
        assert!(self.running.wait_for(WAIT_LIMIT), "the server ends");
    }
}

impl Drop for StartedServer {
    fn drop(&mut self) {
        self.close_within(Duration::ZERO);
        if !std::thread::panicking() {
            let ended = |beginning: &str| self.recording.count(beginning);
            // Sessions end with the endpoint, which a task of the runtime may still hold.
            self.recording.wait_until("the end of the sessions", |seen| {
                let count = |beginning| seen.iter().filter(|seen| seen.text.starts_with(beginning)).count();
                count("session_begun") == count("session_ended")
            });
            assert!(ended("connection_opened") > 0 || ended("bytes_received") > 0, "nobody came");
            grammar::check(&self.recording);
        }
    }
}

pub fn request(id: u64, method: &str, params: Value) -> Value {
    json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params })
}

pub fn call(id: u64, name: &str, arguments: Value) -> Value {
    request(id, "tools/call", json!({ "name": name, "arguments": arguments }))
}

pub fn notification(method: &str, params: Value) -> Value {
    json!({ "jsonrpc": "2.0", "method": method, "params": params })
}

/// The message with the envelope of 2026-07-28.
pub fn modern(mut message: Value) -> Value {
    message["params"]["_meta"] = json!({
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientCapabilities": {
            "extensions": { "io.modelcontextprotocol/tasks": {} },
        },
    });
    message
}

pub fn initialize(version: &str) -> Value {
    let client = json!({ "name": "test", "version": "1" });
    request(0, "initialize", json!({ "protocolVersion": version, "capabilities": {}, "clientInfo": client }))
}
