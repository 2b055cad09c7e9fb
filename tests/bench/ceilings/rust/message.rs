//! What both ceilings do with a message.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use serde_json::{Number, Value};

const INITIALIZED: &str = r#"{"protocolVersion":"2025-11-25","capabilities":{"tools":{}},"serverInfo":{"name":"ceiling","version":"1.0.0"}}"#;

#[derive(Deserialize)]
struct Request<'a> {
    id: Option<Number>,
    method: &'a str,
    #[serde(borrow)]
    params: Option<Params<'a>>,
}

#[derive(Deserialize)]
struct Params<'a> {
    #[serde(borrow)]
    arguments: Option<Arguments<'a>>,
}

#[derive(Deserialize)]
struct Arguments<'a> {
    #[serde(borrow)]
    text: Cow<'a, str>,
}

#[derive(Serialize)]
struct Reply<R> {
    jsonrpc: &'static str,
    id: Number,
    result: R,
}

#[derive(Serialize)]
struct CallResult<'a> {
    content: [Block<'a>; 1],
}

#[derive(Serialize)]
struct Block<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    text: &'a str,
}

/// Appends the answer to `message`; a notification has none.
pub fn answer(message: &[u8], out: &mut Vec<u8>) -> serde_json::Result<()> {
    let request: Request = serde_json::from_slice(message)?;
    let Some(id) = request.id else { return Ok(()) };
    if request.method == "initialize" {
        let result = serde_json::from_str::<Value>(INITIALIZED)?;
        return serde_json::to_writer(out, &Reply { jsonrpc: "2.0", id, result });
    }
    let arguments = request.params.and_then(|params| params.arguments);
    let text = arguments.as_ref().map_or("", |arguments| &arguments.text);
    let result = CallResult { content: [Block { kind: "text", text }] };
    serde_json::to_writer(out, &Reply { jsonrpc: "2.0", id, result })
}
