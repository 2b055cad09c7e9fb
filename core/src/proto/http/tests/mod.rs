//! The rules of Streamable HTTP as tables, row by row.

// Rows of a table are easier to read as tuples.
#![allow(clippy::type_complexity)]

use super::*;
use crate::json::Limits;
use crate::proto::messages::message::Message;
use crate::proto::version::{Revision, Revisions};
use http::{HeaderMap, HeaderName, HeaderValue, Uri};

const VERSION: &str = "io.modelcontextprotocol/protocolVersion";
const MODERN: &str = "2026-07-28";

mod access;
mod content;
mod cors;
mod route;

fn headers(pairs: &[(&str, &str)]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in pairs {
        let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
        headers.append(name, HeaderValue::from_bytes(value.as_bytes()).unwrap());
    }
    headers
}

fn message(text: &str) -> Message {
    Message::decode(text.to_owned().into(), &Limits::default()).expect("a legal message")
}

/// A request with an envelope that names `version`.
fn enveloped(method: &str, version: &str, more: &str) -> Message {
    message(&format!(
        r#"{{"jsonrpc":"2.0","id":7,"method":"{method}","params":{{{more}"_meta":{{"{VERSION}":"{version}","io.modelcontextprotocol/clientCapabilities":{{}}}}}}}}"#
    ))
}

fn bare(method: &str) -> Message {
    message(&format!(r#"{{"jsonrpc":"2.0","id":7,"method":"{method}","params":{{"_meta":{{}}}}}}"#))
}

/// How a message is handled, or the status, code and id of its refusal, as one line.
fn judge(pairs: &[(&str, &str)], message: &Message) -> String {
    match route(&headers(pairs), message, Revisions::default()) {
        Ok(Route::Modern(_)) => "modern".into(),
        Ok(Route::Ignored) => "ignored".into(),
        Ok(Route::Notification(_)) => "notification".into(),
        Ok(Route::Initialize(_)) => "initialize".into(),
        Ok(Route::Session(head)) => format!("session {}", head.id),
        Err(refusal) => show(&refusal),
    }
}

fn show(refusal: &Refusal) -> String {
    let body: serde_json::Value = serde_json::from_slice(&refusal.body).unwrap();
    assert_eq!(body["jsonrpc"], "2.0");
    let id = body.get("id").map(|id| format!(" id {id}")).unwrap_or_default();
    format!("{} {}{id}", refusal.status.as_u16(), body["error"]["code"])
}
