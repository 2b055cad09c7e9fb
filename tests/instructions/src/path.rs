//! The paths, by name.

use crate::c::Call;
use crate::channel::{Complete, Dispatch, Inline, List, Scan};
use crate::http::Exchange;
use crate::schema::Validate;
use serde_json::{Value, json};

/// One path of the engine: only its work is counted.
pub trait Path {
    /// Brings about what the work starts from.
    fn prepare(&mut self) {}
    /// The path itself.
    fn work(&mut self);
    /// Checks what came of it and clears it away.
    fn finish(&mut self);
}

/// The response that every repetition must give. Only the first is parsed: a tree that is torn down each time would leave
/// the allocator in another state for the next.
#[derive(Default)]
pub struct Expected(Option<Vec<u8>>);

impl Expected {
    pub fn check(&mut self, body: &[u8], holds: impl FnOnce(&Value) -> bool) {
        if let Some(first) = &self.0 {
            assert!(body == first, "another response than at first");
            return;
        }
        let message: Value = serde_json::from_slice(body).expect("JSON");
        assert!(holds(&message["result"]), "{message}");
        self.0 = Some(body.to_vec());
    }
}

pub const NAMES: [&str; 13] = [
    "scan",
    "scan-long",
    "validate",
    "validate-fully",
    "dispatch",
    "list",
    "complete",
    "http-legacy",
    "http-modern",
    "http-scopes",
    "rust-inline",
    "c-inline",
    "c-poll",
];

pub fn named(name: &str) -> Option<Box<dyn Path>> {
    Some(match name {
        "scan" => Box::new(Scan::call()),
        "scan-long" => Box::new(Scan::long()),
        "validate" => Box::new(Validate::plain()),
        "validate-fully" => Box::new(Validate::fully()),
        "dispatch" => Box::new(Dispatch::new()),
        "list" => Box::new(List::new()),
        "complete" => Box::new(Complete::new()),
        "http-legacy" => Box::new(Exchange::legacy()),
        "http-modern" => Box::new(Exchange::modern()),
        "http-scopes" => Box::new(Exchange::scopes()),
        "rust-inline" => Box::new(Inline::new()),
        "c-inline" => Box::new(Call::inline()),
        "c-poll" => Box::new(Call::polled()),
        _ => return None,
    })
}

/// What the tools take, plain enough for the short cut past the validator.
pub fn plain_schema() -> Value {
    json!({
        "type": "object",
        "properties": {
            "city": { "type": "string", "description": "Where to look." },
            "days": { "type": "integer", "description": "How many days ahead." },
            "exact": { "type": "boolean" },
            "scale": { "type": "number" },
        },
        "required": ["city", "days"],
        "additionalProperties": false,
    })
}

pub fn arguments() -> Value {
    json!({ "city": "Žilina \"pod Dubňom\"", "days": 7, "exact": true, "scale": 1.25 })
}

/// A call as clients send it; `modern` adds the envelope.
pub fn call(modern: bool) -> Value {
    let meta = if modern {
        json!({
            "progressToken": 41,
            "io.modelcontextprotocol/protocolVersion": "2026-07-28",
            "io.modelcontextprotocol/clientCapabilities": { "elicitation": {} },
            "io.modelcontextprotocol/clientInfo": { "name": "count", "version": "1" },
        })
    } else {
        json!({ "progressToken": 41 })
    };
    let params = json!({ "name": "forecast", "arguments": arguments(), "_meta": meta });
    json!({ "jsonrpc": "2.0", "id": 41, "method": "tools/call", "params": params })
}

pub fn initialize() -> Value {
    let params = json!({
        "protocolVersion": "2025-11-25",
        "capabilities": { "elicitation": {} },
        "clientInfo": { "name": "count", "version": "1" },
    });
    json!({ "jsonrpc": "2.0", "id": 0, "method": "initialize", "params": params })
}

pub fn initialized() -> Value {
    json!({ "jsonrpc": "2.0", "method": "notifications/initialized" })
}
