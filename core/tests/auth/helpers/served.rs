//! A server on real sockets, with Streamable HTTP, HTTP+SSE and WebSocket on one listener.

use super::door::{LANE, entry};
use crate::support::client::{Client, Reply};
use serde_json::Value;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;
use tenon_mcp::{
    HttpOptions, JsonSlice, Kind, Limits, Running, ServeOptions, Server, ServerBuilder, Spawn, Spelling,
    SseOptions, Tool, WebSocketOptions,
};
use tokio::runtime::{Handle, Runtime};

pub struct Served {
    pub running: Running,
    pub server: Server,
    pub address: SocketAddr,
    _runtime: Runtime,
}

/// Runs handlers on a runtime of the test.
pub struct Handlers(pub Handle);

impl Spawn for Handlers {
    fn spawn(&self, future: Pin<Box<dyn Future<Output = ()> + Send>>) {
        self.0.spawn(future);
    }
}

impl Served {
    pub fn new(settings: &Value) -> Served {
        Served::with(Limits::default(), settings)
    }

    /// A server whose tool `work` says `done`, and whose tool `pay` needs the scope `pay`.
    pub fn with(limits: Limits, settings: &Value) -> Served {
        Served::on(HttpOptions::new("127.0.0.1:0").unwrap(), limits, settings)
    }

    /// The same with other options of Streamable HTTP.
    pub fn on(http: HttpOptions, limits: Limits, settings: &Value) -> Served {
        let mut builder = Server::builder("up", "1.0.0").limits(limits);
        builder.set_settings(&JsonSlice::from_value(settings), Spelling::Rust).unwrap();
        Served::of(http, builder)
    }

    /// The same with settings that the builder has.
    pub fn of(http: HttpOptions, builder: ServerBuilder) -> Served {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let server = builder.build().unwrap();
        let schema = crate::schema(serde_json::json!({ "type": "object" }));
        server.tool(Tool::new("work").input_schema(schema), || async { "done" }).unwrap();
        server.add(entry(Kind::Tool, "pay", &serde_json::json!({ "scopes": ["pay"] })), LANE).unwrap();
        server.port().set_spawn(Arc::new(Handlers(runtime.handle().clone())));
        let options = ServeOptions::new()
            .http(http)
            .sse(SseOptions::new("/sse").unwrap())
            .websocket(WebSocketOptions::new("/ws").unwrap());
        let running = server.start(options).unwrap();
        let address = running.http_address().unwrap();
        Served { running, server, address, _runtime: runtime }
    }

    pub fn client(&self) -> Client {
        Client::new(self.address)
    }

    /// One request without a body on a connection of its own.
    pub fn ask(&self, method: &str, path: &str, headers: &[(&str, &str)]) -> Reply {
        let mut client = self.client();
        client.path = path.to_owned();
        let is_upgrade = headers.iter().any(|(name, _)| *name == "connection");
        let close = (!is_upgrade).then_some(("connection", "close"));
        let all: Vec<_> = close.into_iter().chain(headers.iter().copied()).collect();
        client.send(method, &all, b"");
        match method {
            "HEAD" => {
                let (status, headers) = client.read_head().unwrap();
                Reply { status, headers, body: Vec::new() }
            }
            _ => client.reply(),
        }
    }

    /// A modern call of `work` on a connection of its own.
    pub fn call(&self, headers: &[(&str, &str)]) -> Reply {
        let message = crate::support::server::call(1, "work", serde_json::json!({}));
        let mut all =
            vec![("mcp-protocol-version", crate::MODERN), ("mcp-method", "tools/call"), ("mcp-name", "work")];
        all.extend(headers);
        self.client().post(&all, &message)
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        self.running.close();
        self.running.wait_for(Duration::from_secs(30));
    }
}
