//! A client on two pipes, and a server whose tools end when the test says so.

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use serde_json::{Value, json};
use std::io::{PipeReader, PipeWriter, Read, Write, pipe};
use std::sync::Arc;
use std::time::Duration;
use tenon_mcp::{Context, JsonSlice, Limits, Running, ServeOptions, Server, ServerBuilder, Tool, handler};
use tokio::sync::Semaphore;

/// The timeout of all waits. If a wait takes longer, something hangs.
pub const WAIT_LIMIT: Duration = Duration::from_secs(60);

pub struct Client {
    input: Option<PipeWriter>,
    pub output: Option<PipeReader>,
    buffered: Vec<u8>,
}

impl Client {
    /// A client, and options with the server's ends of its pipes.
    pub fn pipes() -> (Client, ServeOptions) {
        let (server_input, input) = pipe().unwrap();
        let (output, server_output) = pipe().unwrap();
        let options = ServeOptions::new().descriptors(server_input.into(), server_output.into());
        (Client { input: Some(input), output: Some(output), buffered: Vec::new() }, options)
    }

    /// A client on these ends of pipes.
    pub fn on(output: PipeReader, input: PipeWriter) -> Client {
        Client { input: Some(input), output: Some(output), buffered: Vec::new() }
    }

    pub fn start(server: &Server) -> (Client, Running) {
        let (client, options) = Client::pipes();
        (client, server.start(options).unwrap())
    }

    pub fn input(&self) -> &PipeWriter {
        self.input.as_ref().unwrap()
    }

    pub fn send_bytes(&mut self, bytes: &[u8]) {
        self.input.as_mut().unwrap().write_all(bytes).unwrap();
    }

    pub fn send(&mut self, message: &Value) {
        self.send_bytes(format!("{message}\n").as_bytes());
    }

    pub fn call(&mut self, id: u64, tool: &str, arguments: Value) {
        self.send(&modern(json!({ "jsonrpc": "2.0", "id": id, "method": "tools/call",
            "params": { "name": tool, "arguments": arguments } })));
    }

    pub fn initialize(&mut self) {
        self.send(&json!({ "jsonrpc": "2.0", "id": "init", "method": "initialize", "params": {
            "protocolVersion": "2025-11-25",
            "capabilities": { "elicitation": {} },
            "clientInfo": { "name": "client", "version": "0" },
        } }));
        assert_eq!(self.receive().unwrap()["id"], "init");
        self.send(&json!({ "jsonrpc": "2.0", "method": "notifications/initialized" }));
    }

    pub fn end_input(&mut self) {
        self.input = None;
    }

    pub fn take_input(&mut self) -> PipeWriter {
        self.input.take().unwrap()
    }

    /// The next line, or `None` at the end.
    pub fn line(&mut self) -> Option<Vec<u8>> {
        let output = self.output.as_mut().unwrap();
        let mut searched = 0;
        loop {
            if let Some(end) = self.buffered[searched..].iter().position(|&byte| byte == b'\n') {
                let mut line: Vec<u8> = self.buffered.drain(..=searched + end).collect();
                line.pop();
                return Some(line);
            }
            searched = self.buffered.len();
            wait_readable(output);
            let mut chunk = [0; 65536];
            let count = output.read(&mut chunk).unwrap();
            if count == 0 {
                assert!(self.buffered.is_empty(), "half a line at the end");
                return None;
            }
            self.buffered.extend_from_slice(&chunk[..count]);
        }
    }

    /// The next message, or `None` at the end.
    pub fn receive(&mut self) -> Option<Value> {
        self.line().map(|line| serde_json::from_slice(&line).expect("a line is one JSON message"))
    }

    /// The remaining messages up to the end.
    pub fn rest(&mut self) -> Vec<Value> {
        std::iter::from_fn(|| self.receive()).collect()
    }
}

fn wait_readable(output: &PipeReader) {
    let limit = Timespec::try_from(WAIT_LIMIT).unwrap();
    let ready = poll(&mut [PollFd::new(output, PollFlags::IN)], Some(&limit)).unwrap();
    assert!(ready > 0, "the server says nothing");
}

/// Adds the envelope of 2026-07-28.
pub fn modern(mut request: Value) -> Value {
    let meta = &mut request["params"]["_meta"];
    meta["io.modelcontextprotocol/protocolVersion"] = json!("2026-07-28");
    meta["io.modelcontextprotocol/clientCapabilities"] = json!({});
    request
}

pub fn open_schema() -> JsonSlice {
    JsonSlice::from_value(&json!({ "type": "object" }))
}

/// A server with these tools: `gate` ends when a permit is added, `never` does not end, and `echo` returns its text.
pub struct TestServer {
    pub server: Server,
    pub gate: Arc<Semaphore>,
    pub runtime: tokio::runtime::Runtime,
}

impl TestServer {
    pub fn new() -> TestServer {
        TestServer::with(|_| {})
    }

    pub fn with(change: impl FnOnce(&mut Limits)) -> TestServer {
        TestServer::with_builder(change, |builder| builder)
    }

    pub fn with_builder(
        change: impl FnOnce(&mut Limits),
        build: impl FnOnce(ServerBuilder) -> ServerBuilder,
    ) -> TestServer {
        let mut limits = Limits::default();
        change(&mut limits);
        let server = build(Server::builder("stdio", "1").limits(limits)).build().unwrap();
        let gate = Arc::new(Semaphore::new(0));
        let tool = |name: &str| Tool::new(name).input_schema(open_schema());
        let waits = gate.clone();
        server
            .tool(
                tool("gate"),
                handler(move |_: Value, _| {
                    let waits = waits.clone();
                    async move {
                        waits.acquire().await.unwrap().forget();
                        Ok::<_, String>("through")
                    }
                }),
            )
            .unwrap();
        server
            .tool(tool("never"), handler(|_: Value, _| std::future::pending::<Result<(), String>>()))
            .unwrap();
        server
            .tool(
                tool("echo"),
                handler(
                    |arguments: Value, _: Context| async move { Ok::<_, String>(arguments["text"].clone()) },
                ),
            )
            .unwrap();
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        TestServer { server, gate, runtime }
    }

    pub fn start(&self) -> (Client, Running) {
        let _inside = self.runtime.enter();
        Client::start(&self.server)
    }
}

#[track_caller]
pub fn text(message: &Value) -> &str {
    message["result"]["content"][0]["text"].as_str().unwrap_or_else(|| panic!("no text in {message}"))
}

impl Client {
    /// Replaces the client's pipes.
    pub fn replace(&mut self, input: PipeWriter, output: PipeReader) {
        self.input = Some(input);
        self.output = Some(output);
    }
}
