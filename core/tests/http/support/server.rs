//! A server whose handlers report what happens, and wait for the test.

use crate::schema;
use crate::support::client::Client;
use serde::Deserialize;
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;
use tenon_mcp::{
    Action, Answer, Ask, AskError, Context, HttpOptions, Limits, Running, ServeOptions, Server, Spawn,
    TaskSupport, Tool, handler,
};
use tokio::runtime::{Handle, Runtime};
use tokio::sync::Semaphore;

pub struct StartedServer {
    pub running: Running,
    pub address: SocketAddr,
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
struct Echo {
    text: String,
}

#[derive(Deserialize)]
struct Blow {
    bytes: usize,
}

#[derive(Deserialize)]
struct Count {
    to: u32,
}

#[derive(Deserialize)]
struct AskName {
    #[serde(default)]
    title: String,
}

#[derive(Deserialize)]
struct Empty {}

#[derive(Deserialize)]
struct Gate {
    #[serde(default)]
    report: bool,
}

struct Watch(Sender<&'static str>, &'static str);

impl Drop for Watch {
    fn drop(&mut self) {
        let _ = self.0.send(self.1);
    }
}

fn form(property: &str) -> tenon_mcp::JsonSlice {
    schema(
        json!({ "type": "object", "properties": { property: { "type": "string" } }, "required": [property] }),
    )
}

fn field(answer: &Answer, name: &str) -> String {
    let value = answer.content().and_then(|content| content.member(name));
    value.and_then(|value| value.decode_str().map(|text| text.into_owned())).unwrap_or_default()
}

fn add_tools(
    server: &Server,
    gate: Arc<Semaphore>,
    seen: Sender<&'static str>,
) -> Result<(), tenon_mcp::Error> {
    let any = || schema(json!({ "type": "object" }));
    let tool = |name: &str| Tool::new(name).input_schema(any());
    server.tool(tool("add"), handler(|Add { a, b }, _| async move { Ok::<_, String>(a + b) }))?;
    server.tool(tool("echo"), handler(|Echo { text }, _| async move { Ok::<_, String>(text) }))?;
    server
        .tool(tool("blow"), handler(|Blow { bytes }, _| async move { Ok::<_, String>("x".repeat(bytes)) }))?;
    server.tool(
        tool("count"),
        handler(|Count { to }, context: Context| async move {
            for i in 1..=to {
                context.progress(f64::from(i), Some(f64::from(to)), None);
            }
            Ok::<_, String>(format!("counted to {to}"))
        }),
    )?;
    server.tool(
        tool("ask_name"),
        handler(|AskName { title }, context: Context| async move {
            let ask = Ask::form("What is your name?", form("name"));
            let answer = context.elicit(ask).await?;
            Ok::<_, AskError>(match answer.action() {
                Action::Accept => format!("Hello, {title}{}!", field(&answer, "name")),
                action => format!("No name given ({})", action.as_str()),
            })
        }),
    )?;
    server.tool(
        tool("ask_two"),
        handler(|Empty {}, context: Context| async move {
            let ask = |key: &str| Ask::form(key, form("value")).key(key);
            let (first, second) = tokio::join!(context.elicit(ask("first")), context.elicit(ask("second")));
            Ok::<_, AskError>(format!("{} {}", field(&first?, "value"), field(&second?, "value")))
        }),
    )?;
    let numbers = json!({ "type": "array", "items": { "type": "integer", "minimum": 0 } });
    let costly = json!({ "type": "object", "properties": { "numbers": numbers } });
    server.tool(Tool::new("costly").input_schema(schema(costly)), || async { "checked" })?;
    server.tool(tool("must").task_support(TaskSupport::Required), || async { "done" })?;
    let through = move |Gate { report }: Gate, context: Context| {
        let (gate, seen) = (gate.clone(), seen.clone());
        async move {
            let _ = seen.send("started");
            let mut watch = Watch(seen, "dropped");
            if report {
                context.progress(1.0, None, None);
            }
            gate.acquire().await.map_err(|error| error.to_string())?.forget();
            watch.1 = "finished";
            Ok::<_, String>("through the gate".to_owned())
        }
    };
    server.tool(tool("job").task_support(TaskSupport::Optional), handler(through.clone()))?;
    server.tool(tool("gate"), handler(through))
}

struct Handlers(Handle);

impl Spawn for Handlers {
    fn spawn(&self, future: Pin<Box<dyn Future<Output = ()> + Send>>) {
        self.0.spawn(future);
    }
}

impl StartedServer {
    pub fn new() -> StartedServer {
        StartedServer::with(Limits::default(), "127.0.0.1:0")
    }

    pub fn with(limits: Limits, address: &str) -> StartedServer {
        StartedServer::start(limits, address, true)
    }

    /// A server whose sockets are not on the executor of its handlers.
    pub fn apart() -> StartedServer {
        StartedServer::start(Limits::default(), "127.0.0.1:0", false)
    }

    /// A server that has all its sockets on one thread.
    pub fn on_one_thread() -> StartedServer {
        let mut limits = Limits::default();
        limits.io_threads = 1;
        StartedServer::start(limits, "127.0.0.1:0", false)
    }

    fn start(limits: Limits, address: &str, together: bool) -> StartedServer {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let server = Server::builder("up", "1.0.0").limits(limits).build().unwrap();
        let (seen, gate) = (channel(), Arc::new(Semaphore::new(0)));
        add_tools(&server, gate.clone(), seen.0).unwrap();
        server.port().set_spawn(Arc::new(Handlers(runtime.handle().clone())));
        let entered = together.then(|| runtime.enter());
        let running = server.start(ServeOptions::new().http(HttpOptions::new(address).unwrap())).unwrap();
        drop(entered);
        let address = running.http_address().unwrap();
        StartedServer { running, address, seen: seen.1, gate, _runtime: runtime }
    }

    pub fn client(&self) -> Client {
        Client::new(self.address)
    }

    /// The next event of a call of `gate`.
    pub fn next(&self) -> &'static str {
        self.seen.recv_timeout(Duration::from_secs(30)).expect("something happens")
    }

    pub fn close(&self) {
        self.running.close();
        assert!(self.running.wait_for(Duration::from_secs(30)), "the server ends");
    }
}

impl Drop for StartedServer {
    fn drop(&mut self) {
        self.running.close();
        self.running.wait_for(Duration::from_secs(30));
    }
}

/// A modern call.
pub fn call(id: u64, name: &str, arguments: Value) -> Value {
    crate::request(id, "tools/call", crate::envelope(json!({ "name": name, "arguments": arguments })))
}

/// A legacy call that requests progress.
pub fn legacy_call(id: u64, name: &str, arguments: Value) -> Value {
    let params = json!({ "name": name, "arguments": arguments, "_meta": { "progressToken": id } });
    crate::request(id, "tools/call", params)
}
