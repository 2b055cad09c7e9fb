//! A clock for tests, and the messages of a client.

use serde_json::{Value, json};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tenon_mcp::Environment;
use tenon_mcp::{Error, JsonSlice};

pub(crate) const MODERN: &str = "2026-07-28";

/// A clock that only the test moves, and bytes that never repeat.
pub(crate) struct TestEnvironment {
    start: Instant,
    passed: Mutex<Duration>,
    random: AtomicU64,
}

impl TestEnvironment {
    pub(crate) fn new() -> Arc<TestEnvironment> {
        Arc::new(TestEnvironment {
            start: Instant::now(),
            passed: Mutex::default(),
            random: AtomicU64::new(1),
        })
    }

    /// Makes the bytes differ from those of another environment.
    pub(crate) fn differ(&self) {
        self.random.fetch_add(1 << 32, Ordering::Relaxed);
    }

    pub(crate) fn advance(&self, by: Duration) {
        *self.passed.lock().unwrap() += by;
    }
}

impl Environment for TestEnvironment {
    fn now(&self) -> Instant {
        self.start + *self.passed.lock().unwrap()
    }

    fn unix_seconds(&self) -> u64 {
        1_700_000_000 + self.passed.lock().unwrap().as_secs()
    }

    fn random(&self, out: &mut [u8]) -> Result<(), Error> {
        for chunk in out.chunks_mut(8) {
            let next = self.random.fetch_add(1, Ordering::Relaxed).wrapping_mul(0x9E37_79B9_7F4A_7C15);
            chunk.copy_from_slice(&next.to_le_bytes()[..chunk.len()]);
        }
        Ok(())
    }
}

pub(crate) fn schema(value: Value) -> JsonSlice {
    JsonSlice::from_value(&value)
}

/// Adds the modern envelope to `params`.
pub(crate) fn envelope(mut params: Value) -> Value {
    let meta = params.as_object_mut().unwrap().entry("_meta").or_insert(json!({}));
    meta["io.modelcontextprotocol/protocolVersion"] = json!(MODERN);
    meta["io.modelcontextprotocol/clientCapabilities"] = json!({ "elicitation": {} });
    params
}

pub(crate) fn request(id: u64, method: &str, params: Value) -> Value {
    json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params })
}

pub(crate) fn notification(method: &str, params: Value) -> Value {
    json!({ "jsonrpc": "2.0", "method": method, "params": params })
}

pub(crate) fn initialize(version: &str) -> Value {
    let params = json!({
        "protocolVersion": version,
        "capabilities": { "elicitation": {} },
        "clientInfo": { "name": "test", "version": "1" },
    });
    request(0, "initialize", params)
}

/// The text of a tool's result.
pub(crate) fn text(message: &Value) -> &str {
    message["result"]["content"][0]["text"].as_str().unwrap_or_else(|| panic!("no text in {message}"))
}

/// The messages of an event stream.
pub(crate) fn events(stream: &[u8]) -> Vec<Value> {
    numbered(stream).into_iter().map(|(_, message)| message).collect()
}

/// The messages of an event stream with their ids. Events without data are left out.
pub(crate) fn numbered(stream: &[u8]) -> Vec<(String, Value)> {
    let said = all_events(stream);
    let messages = said.into_iter().filter(|(_, data)| !data.is_empty());
    messages.map(|(id, data)| (id, serde_json::from_slice(&data).expect("a message"))).collect()
}

/// All events of a stream: their ids and their data. In modern streams the ids are empty (MH-45). In a stream of a
/// legacy session, each event has an id, and the ids are consecutive (LH-27).
pub(crate) fn all_events(stream: &[u8]) -> Vec<(String, Vec<u8>)> {
    let mut decoder = tenon_mcp::__private::SseDecoder::new(1 << 24);
    decoder.feed(stream);
    let said: Vec<_> = std::iter::from_fn(|| decoder.next())
        .map(|event| {
            assert_eq!(event.event, None, "no names");
            (event.id.unwrap_or_default(), event.data.to_vec())
        })
        .collect();
    let place = |id: &str| {
        let (stream, number) = id.rsplit_once('.').unwrap_or_default();
        (stream.to_owned(), number.parse().unwrap_or(0u64))
    };
    for pair in said.windows(2) {
        let ((stream, number), next) = (place(&pair[0].0), place(&pair[1].0));
        assert_eq!(next, (stream, if pair[0].0.is_empty() { 0 } else { number + 1 }));
    }
    said
}
