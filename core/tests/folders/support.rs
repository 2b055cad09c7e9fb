//! A server without a transport, a client that waits for its responses, and temporary folders.

use bytes::Bytes;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tenon_mcp::Server;
use tenon_mcp::transport::{Delivery, Outgoing, Peer, Sink};

/// The timeout of a test. No operation takes this long.
const LONG: Duration = Duration::from_secs(30);

struct ChannelSink(Mutex<Sender<Value>>);

impl Sink for ChannelSink {
    fn send(&self, message: Outgoing) -> Delivery {
        if let Outgoing::Event { body, .. }
        | Outgoing::Question { body, .. }
        | Outgoing::Response { body, .. } = message
        {
            self.0.lock().unwrap().send(serde_json::from_slice(&body).unwrap()).unwrap();
        }
        Delivery::Queued
    }
}

pub struct Client {
    pub server: Server,
    peer: Arc<Peer>,
    sink: Arc<dyn Sink>,
    lines: Receiver<Value>,
    id: AtomicU64,
    revision: String,
    /// The notifications that arrived between responses.
    pub told: Mutex<Vec<Value>>,
}

impl Client {
    /// A client of 2026-07-28.
    pub fn new(server: &Server) -> Client {
        Client::of(server, "2026-07-28", json!({}))
    }

    /// A client of a revision. For a legacy revision, its session is open.
    pub fn of(server: &Server, revision: &str, capabilities: Value) -> Client {
        let (send, lines) = channel();
        let sink: Arc<dyn Sink> = Arc::new(ChannelSink(Mutex::new(send)));
        let client = Client {
            server: server.clone(),
            peer: {
                let peer = Peer::new(None);
                peer.set_sink(sink.clone());
                peer
            },
            sink,
            lines,
            id: AtomicU64::new(1),
            revision: revision.to_owned(),
            told: Mutex::default(),
        };
        if revision != "2026-07-28" {
            let who = json!({ "name": "t", "version": "1" });
            let params =
                json!({ "protocolVersion": revision, "capabilities": capabilities, "clientInfo": who });
            client.request("initialize", params);
            client.send(json!({ "jsonrpc": "2.0", "method": "notifications/initialized" }));
        }
        client
    }

    fn send(&self, message: Value) {
        let text = Bytes::from(message.to_string());
        self.server.engine().receive(&self.peer, &self.sink, text);
    }

    /// Sends a request, and returns its response.
    pub fn request(&self, method: &str, mut params: Value) -> Value {
        if self.revision == "2026-07-28" {
            params["_meta"] = json!({
                "io.modelcontextprotocol/protocolVersion": "2026-07-28",
                "io.modelcontextprotocol/clientCapabilities": {}
            });
        }
        let id = self.id.fetch_add(1, Ordering::Relaxed);
        self.send(json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params }));
        loop {
            let line = self.lines.recv_timeout(LONG).expect("an answer comes");
            if line["id"] == id {
                return line;
            }
            self.told.lock().unwrap().push(line);
        }
    }

    #[track_caller]
    pub fn result(&self, method: &str, params: Value) -> Value {
        let answer = self.request(method, params);
        assert!(answer.get("result").is_some(), "{answer:#}");
        answer["result"].clone()
    }

    #[track_caller]
    pub fn error(&self, method: &str, params: Value) -> Value {
        let answer = self.request(method, params);
        assert!(answer.get("error").is_some(), "{answer:#}");
        answer["error"].clone()
    }

    /// The lists of all pages.
    #[track_caller]
    pub fn pages(&self, method: &str, mut params: Value, member: &str) -> Vec<Vec<Value>> {
        let mut pages = Vec::new();
        loop {
            let result = self.result(method, params.clone());
            pages.push(result[member].as_array().unwrap().clone());
            match result.get("nextCursor") {
                Some(next) => params["cursor"] = next.clone(),
                None => return pages,
            }
        }
    }
}

/// A temporary folder of one test.
pub struct Temporary(PathBuf);

impl Temporary {
    pub fn new(name: &str) -> Temporary {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("tenon-{}-{number}-{name}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Temporary(path)
    }

    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Writes a file, and creates its folders.
    pub fn write(&self, path: &str, bytes: impl AsRef<[u8]>) -> &Temporary {
        let path = self.0.join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
        self
    }

    /// Writes the manifest of a skill.
    pub fn skill(&self, path: &str) -> &Temporary {
        let name = path.rsplit('/').next().unwrap();
        self.write(&format!("{path}/SKILL.md"), manifest(name, "What it is for."))
    }
}

pub fn manifest(name: &str, description: &str) -> String {
    format!("---\nname: {name}\ndescription: {description}\n---\n\n# {name}\n")
}

impl Drop for Temporary {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
