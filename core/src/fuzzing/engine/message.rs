//! The messages that the client sends.

use serde_json::{Value, json};

const VERSION: &str = "io.modelcontextprotocol/protocolVersion";
const CAPABILITIES: &str = "io.modelcontextprotocol/clientCapabilities";

/// Makes a request. `which` selects the method; `task` is a task that the client knows.
pub(super) fn request(which: u8, id: u64, task: Option<&Value>) -> Value {
    let call = |name: &str, arguments: Value| json!({ "name": name, "arguments": arguments, "_meta": { "progressToken": id } });
    let hello = |version: &str| {
        json!({ "protocolVersion": version, "capabilities": { "elicitation": {} },
            "clientInfo": { "name": "c", "version": "1" } })
    };
    let (method, params) = match which % 16 {
        0 => ("initialize", hello("2025-03-26")),
        1 => ("initialize", hello("2025-11-25")),
        2 | 3 => ("tools/call", call("work", json!({}))),
        4 => ("tools/call", call("typed", json!({ "a": id }))),
        5 => ("tools/call", call("typed", json!({ "a": "x" }))),
        6 => ("tools/list", json!({})),
        7 => ("ping", json!({})),
        8 => ("resources/read", json!({ "uri": "a://b" })),
        9 => ("server/discover", json!({})),
        10 => ("logging/setLevel", json!({ "level": "debug" })),
        11 => ("no/such", json!({})),
        12 => {
            let tasks = task.map_or(json!([]), |task| json!([task]));
            let wanted =
                json!({ "toolsListChanged": true, "resourceSubscriptions": ["a://b"], "taskIds": tasks });
            ("subscriptions/listen", json!({ "notifications": wanted }))
        }
        13 if id.is_multiple_of(2) => ("resources/unsubscribe", json!({ "uri": "a://b" })),
        13 => ("resources/subscribe", json!({ "uri": "a://b" })),
        14 => {
            let mut params = call(if id.is_multiple_of(2) { "long" } else { "later" }, json!({}));
            params["task"] = json!({ "ttl": 60_000 });
            ("tools/call", params)
        }
        _ => {
            let answers = json!({ "key 0": { "action": "accept", "content": { "a": "x" } } });
            let method = ["tasks/get", "tasks/update", "tasks/cancel", "tasks/result"][id as usize % 4];
            (method, json!({ "taskId": task.unwrap_or(&json!("none")), "inputResponses": answers }))
        }
    };
    let id = if id == 5 { json!("5") } else { json!(id) };
    json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params })
}

/// Makes the same request as a client of 2026-07-28.
pub(super) fn modern(mut request: Value) -> Value {
    let meta = &mut request["params"]["_meta"];
    meta[VERSION] = json!("2026-07-28");
    let tasks = json!({ "io.modelcontextprotocol/tasks": {} });
    meta[CAPABILITIES] = json!({ "elicitation": { "form": {} }, "extensions": tasks });
    request
}

pub(super) fn notification(method: &str, params: Value) -> Vec<u8> {
    json!({ "jsonrpc": "2.0", "method": method, "params": params }).to_string().into()
}
