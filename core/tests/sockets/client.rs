//! A client on any stream, and a server whose tools end when the test says so.

use serde_json::{Value, json};
use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};
use tenon_mcp::{Context, JsonSlice, Limits, Running, ServeOptions, Server, Tool, UnixOptions, handler};
use tokio::runtime::Runtime;
use tokio::sync::Semaphore;

/// The timeout of all waits. If a wait takes longer, something hangs.
pub const WAIT_LIMIT: Duration = Duration::from_secs(60);

/// A directory that is removed with its owner. Its path is short enough for a socket's path.
pub struct Directory(PathBuf);

impl Directory {
    pub fn new() -> Directory {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!("tenon-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir(&path).unwrap();
        Directory(path)
    }

    pub fn file(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// The connection of a client.
pub trait Stream: Read + Write {
    fn patience(&self);
    fn end_input(&self);
}

impl Stream for UnixStream {
    fn patience(&self) {
        self.set_read_timeout(Some(WAIT_LIMIT)).unwrap();
        self.set_write_timeout(Some(WAIT_LIMIT)).unwrap();
    }

    fn end_input(&self) {
        self.shutdown(Shutdown::Write).unwrap();
    }
}

impl Stream for TcpStream {
    fn patience(&self) {
        self.set_read_timeout(Some(WAIT_LIMIT)).unwrap();
        self.set_write_timeout(Some(WAIT_LIMIT)).unwrap();
    }

    fn end_input(&self) {
        self.shutdown(Shutdown::Write).unwrap();
    }
}

/// A client that sends and receives lines.
pub struct Client<S = UnixStream> {
    pub stream: S,
    buffered: Vec<u8>,
}

pub fn connect(path: &Path) -> Client {
    Client::on(UnixStream::connect(path).unwrap())
}

impl<S: Stream> Client<S> {
    pub fn on(stream: S) -> Client<S> {
        stream.patience();
        Client { stream, buffered: Vec::new() }
    }

    pub fn send_bytes(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).unwrap();
    }

    pub fn send(&mut self, message: &Value) {
        self.send_bytes(format!("{message}\n").as_bytes());
    }

    pub fn call(&mut self, id: u64, tool: &str, arguments: Value) {
        self.send(&call(id, tool, arguments));
    }

    pub fn initialize(&mut self, revision: &str) {
        self.send(&initialize(revision));
        assert_eq!(self.receive().unwrap()["id"], "init");
        self.send(&json!({ "jsonrpc": "2.0", "method": "notifications/initialized" }));
    }

    /// Whether the server answers.
    pub fn is_served(&mut self) -> bool {
        self.call(99, "echo", json!({ "text": "here" }));
        text(&self.receive().unwrap()) == "here"
    }

    /// The next line; `None` at the end.
    pub fn line(&mut self) -> Option<Vec<u8>> {
        let mut searched = 0;
        loop {
            if let Some(end) = self.buffered[searched..].iter().position(|&byte| byte == b'\n') {
                let mut line: Vec<u8> = self.buffered.drain(..=searched + end).collect();
                line.pop();
                return Some(line);
            }
            searched = self.buffered.len();
            let mut chunk = [0; 65536];
            match self.stream.read(&mut chunk) {
                Ok(0) => {
                    assert!(self.buffered.is_empty(), "half a line at the end");
                    return None;
                }
                Ok(count) => self.buffered.extend_from_slice(&chunk[..count]),
                // Cut off with something unread.
                Err(error) if error.kind() == std::io::ErrorKind::ConnectionReset => return None,
                Err(error) => panic!("{error}"),
            }
        }
    }

    /// The next message; `None` at the end.
    pub fn receive(&mut self) -> Option<Value> {
        self.line().map(|line| serde_json::from_slice(&line).expect("a line is one JSON message"))
    }

    /// The remaining messages up to the end.
    pub fn rest(&mut self) -> Vec<Value> {
        std::iter::from_fn(|| self.receive()).collect()
    }
}

/// A call of 2026-07-28.
pub fn call(id: u64, tool: &str, arguments: Value) -> Value {
    json!({ "jsonrpc": "2.0", "id": id, "method": "tools/call", "params": { "name": tool, "arguments": arguments,
        "_meta": { "io.modelcontextprotocol/protocolVersion": "2026-07-28",
                   "io.modelcontextprotocol/clientCapabilities": {} } } })
}

pub fn initialize(revision: &str) -> Value {
    json!({ "jsonrpc": "2.0", "id": "init", "method": "initialize", "params": { "protocolVersion": revision,
        "capabilities": { "elicitation": {} }, "clientInfo": { "name": "client", "version": "0" } } })
}

pub fn ping(id: u64) -> Value {
    json!({ "jsonrpc": "2.0", "id": id, "method": "ping" })
}

#[track_caller]
pub fn text(message: &Value) -> &str {
    message["result"]["content"][0]["text"].as_str().unwrap_or_else(|| panic!("no text in {message}"))
}

/// A server with these tools: `gate` ends when a permit is added, `never` does not end, `echo` returns its text, and
/// `blow` returns a number of bytes.
pub struct TestServer {
    pub server: Server,
    pub gate: Arc<Semaphore>,
    /// The events of calls of `never`: `started`, then `dropped`.
    pub seen: Receiver<&'static str>,
    pub runtime: Runtime,
    pub directory: Directory,
    /// Whether handlers and sockets are on the same executor. If not, the sockets are on the engine's reactors.
    pub together: bool,
}

struct DropWatch(Sender<&'static str>);

impl Drop for DropWatch {
    fn drop(&mut self) {
        let _ = self.0.send("dropped");
    }
}

struct Handlers(tokio::runtime::Handle);

impl tenon_mcp::Spawn for Handlers {
    fn spawn(&self, future: std::pin::Pin<Box<dyn Future<Output = ()> + Send>>) {
        self.0.spawn(future);
    }
}

impl TestServer {
    pub fn new() -> TestServer {
        TestServer::with(|_| {})
    }

    pub fn with(change: impl FnOnce(&mut Limits)) -> TestServer {
        let mut limits = Limits::default();
        // What has to end by itself here must not be cut off by a slow machine.
        (limits.drain_timeout, limits.stdio_drain_timeout) = (WAIT_LIMIT, WAIT_LIMIT);
        change(&mut limits);
        let server = Server::builder("sockets", "1").limits(limits).build().unwrap();
        let (gate, seen) = (Arc::new(Semaphore::new(0)), channel());
        let schema = || JsonSlice::from_value(&json!({ "type": "object" }));
        let tool = |name: &str| Tool::new(name).input_schema(schema());
        let waits = gate.clone();
        let through = move |_: Value, _: Context| {
            let waits = waits.clone();
            async move {
                waits.acquire().await.unwrap().forget();
                Ok::<_, String>("through")
            }
        };
        server.tool(tool("gate"), handler(through)).unwrap();
        let never = move |_: Value, _: Context| {
            let watch = DropWatch(seen.0.clone());
            async move {
                let _ = watch.0.send("started");
                std::future::pending::<()>().await;
                drop(watch);
                Ok::<_, String>(())
            }
        };
        server.tool(tool("never"), handler(never)).unwrap();
        let echo = |arguments: Value, _: Context| async move { Ok::<_, String>(arguments["text"].clone()) };
        server.tool(tool("echo"), handler(echo)).unwrap();
        let blow = |arguments: Value, _: Context| async move {
            Ok::<_, String>("x".repeat(arguments["bytes"].as_u64().unwrap() as usize))
        };
        server.tool(tool("blow"), handler(blow)).unwrap();
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        server.port().set_spawn(Arc::new(Handlers(runtime.handle().clone())));
        TestServer { server, gate, seen: seen.1, runtime, directory: Directory::new(), together: true }
    }

    /// Puts the sockets on reactors of the engine.
    pub fn apart(mut self) -> TestServer {
        self.together = false;
        self
    }

    pub fn start(&self, options: ServeOptions) -> Running {
        self.try_start(options).unwrap()
    }

    pub fn try_start(&self, options: ServeOptions) -> Result<Running, tenon_mcp::Error> {
        let _inside = self.together.then(|| self.runtime.enter());
        self.server.start(options)
    }

    /// The error of a start with these options.
    #[track_caller]
    pub fn refused(&self, options: ServeOptions) -> tenon_mcp::Error {
        self.try_start(options).err().expect("it does not start")
    }

    pub fn path(&self) -> PathBuf {
        self.directory.file("socket")
    }

    pub fn unix(&self) -> UnixOptions {
        UnixOptions::new(self.path()).unwrap()
    }

    /// Serves lines on the test's Unix socket.
    pub fn up(&self) -> Running {
        self.start(ServeOptions::new().unix(self.unix()))
    }

    pub fn client(&self) -> Client {
        connect(&self.path())
    }

    /// The next event of a call of `never`.
    pub fn next(&self) -> &'static str {
        self.seen.recv_timeout(WAIT_LIMIT).expect("something happens")
    }
}

pub fn close(running: &Running) {
    running.close();
    assert!(running.wait_for(WAIT_LIMIT), "the server ends");
}

/// Waits until `so` returns `true`.
#[track_caller]
pub fn until(what: &str, mut so: impl FnMut() -> bool) {
    let end = Instant::now() + WAIT_LIMIT;
    while !so() {
        assert!(Instant::now() < end, "not within its time: {what}");
        std::thread::yield_now();
    }
}
