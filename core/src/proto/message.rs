//! From text to one JSON-RPC message, in a single pass over the bytes.

// The message itself is larger than the error, so boxing the error would not make results smaller.
#![allow(clippy::result_large_err)]

use super::error::RpcError;
use super::id::RequestId;
use super::method::Method;
use crate::json::{JsonErrorKind, JsonSlice, Kind, Limits, Member, Scan};
use bytes::Bytes;
use std::borrow::Cow;

/// A legal JSON-RPC message from the peer.
#[derive(Debug)]
pub enum Message {
    /// Wants an answer.
    Request(Request),
    /// Is never answered.
    Notification(Notification),
    /// Answers a request of ours (legacy only).
    Response(Response),
}

/// A request: an id, a method, parameters.
#[derive(Debug)]
pub struct Request {
    /// The id to echo.
    pub id: RequestId,
    /// The method.
    pub method: Method,
    /// The parameters, possibly absent.
    pub params: Params,
}

/// A notification: a method and parameters.
#[derive(Debug)]
pub struct Notification {
    /// The method.
    pub method: Method,
    /// The parameters, possibly absent.
    pub params: Params,
}

/// The peer's answer to a request of ours.
#[derive(Debug)]
pub struct Response {
    /// The id of our request.
    pub id: RequestId,
    /// `result`, or `error` as the peer wrote it.
    pub outcome: Result<JsonSlice, JsonSlice>,
}

/// Text that is no legal message.
#[derive(Debug)]
pub struct Malformed {
    /// The id to answer to, when one could be read.
    pub id: Option<RequestId>,
    /// What is wrong.
    pub error: RpcError,
    /// Whether a channel answers it; a malformed notification is dropped (BAD-6).
    pub answer: bool,
}

/// The members of `params` and of `params._meta`, as ranges of the message's text.
#[derive(Debug)]
pub struct Params {
    text: JsonSlice,
    scan: Scan,
}

const CHAIN: [&str; 2] = ["params", "_meta"];

impl Message {
    /// Reads one message. Cost: one pass over the text; it is copied only if it has line breaks.
    pub fn decode(text: Bytes, limits: &Limits) -> Result<Message, Malformed> {
        let (text, scan) = match JsonSlice::parse_scan(text, limits, &CHAIN) {
            Ok(read) => read,
            Err(error) if matches!(error.kind, JsonErrorKind::TooLarge) => {
                return Err(unreadable(RpcError::invalid_request(format!("Message too large: {error}"))));
            }
            Err(error) => return Err(unreadable(RpcError::parse(format!("Parse error: {error}")))),
        };
        match scan.kind {
            Kind::Object => {}
            Kind::Array => {
                return Err(unreadable(RpcError::invalid_request(
                    "Invalid request: batches are not supported; send one message at a time",
                )));
            }
            _ => return Err(unreadable(RpcError::invalid_request("Invalid request: not an object"))),
        }
        classify(Params { text, scan })
    }
}

fn unreadable(error: RpcError) -> Malformed {
    Malformed { id: None, error, answer: true }
}

fn classify(params: Params) -> Result<Message, Malformed> {
    let root = |name: &str| params.scan.get(params.text.as_bytes(), 0, name).cloned();
    let (id_member, method_member) = (root("id"), root("method"));
    let id = match &id_member {
        None => None,
        Some(member) => match RequestId::new(params.value(member)) {
            Some(id) => Some(id),
            None => {
                return Err(unreadable(RpcError::invalid_request(
                    "Invalid request: id must be a string or an integer",
                )));
            }
        },
    };
    let fault = |id: Option<RequestId>, error: RpcError| {
        let answer = id.is_some();
        Err(Malformed { id, error, answer })
    };
    match root("jsonrpc") {
        Some(member) if params.value(&member).as_bytes() == b"\"2.0\"" => {}
        _ => return fault(id, RpcError::invalid_request("Invalid request: jsonrpc must be \"2.0\"")),
    }
    let (result, error) = (root("result"), root("error"));
    let Some(method_member) = method_member else {
        return match (id, result, error) {
            (Some(id), Some(result), None) => {
                Ok(Message::Response(Response { id, outcome: Ok(params.value(&result)) }))
            }
            (Some(id), None, Some(error)) => {
                Ok(Message::Response(Response { id, outcome: Err(params.value(&error)) }))
            }
            (id, ..) => fault(id, RpcError::invalid_request("Invalid request: no method")),
        };
    };
    if result.is_some() || error.is_some() {
        return fault(id, RpcError::invalid_request("Invalid request: both a method and an answer"));
    }
    let method = match params.value(&method_member).decode_str() {
        Some(name) => Method::parse(&name),
        None => return fault(id, RpcError::invalid_request("Invalid request: method must be a string")),
    };
    if root("params").is_some_and(|member| member.kind != Kind::Object) {
        return fault(id, RpcError::invalid_params("Invalid params: params must be an object"));
    }
    Ok(match id {
        Some(id) => Message::Request(Request { id, method, params }),
        None => Message::Notification(Notification { method, params }),
    })
}

impl Params {
    fn value(&self, member: &Member) -> JsonSlice {
        self.text.subslice(member.value.clone())
    }

    fn find(&self, level: usize, name: &str) -> Option<JsonSlice> {
        self.scan.get(self.text.as_bytes(), level, name).map(|member| self.value(member))
    }

    /// Whether the message has `params` at all.
    pub fn present(&self) -> bool {
        self.scan.get(self.text.as_bytes(), 0, "params").is_some()
    }

    /// The member of `params` with this name.
    pub fn get(&self, name: &str) -> Option<JsonSlice> {
        self.find(1, name)
    }

    /// `params._meta` when it is an object.
    pub fn meta(&self) -> Option<JsonSlice> {
        self.get("_meta").filter(|meta| meta.kind() == Kind::Object)
    }

    /// The member of `params._meta` with this name.
    pub fn meta_get(&self, name: &str) -> Option<JsonSlice> {
        self.find(2, name)
    }

    /// The member of `params` with this name, which must be a string if it is there.
    pub fn get_str(&self, name: &str) -> Result<Option<String>, RpcError> {
        match self.get(name) {
            None => Ok(None),
            Some(value) => match value.decode_str() {
                Some(text) => Ok(Some(Cow::into_owned(text))),
                None => Err(RpcError::invalid_params(format!("Invalid params: {name} must be a string"))),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn white_space_and_line_breaks_leave_no_trace() {
        for (end, space) in [("\r\n", " "), ("\n", "\n\t")] {
            let text = format!(
                "{space}{{\"jsonrpc\":{space}\"2.0\",\"id\":7,{space}\"method\":\"ping\",\"params\":{{\"a\":[1,{space}2]}}}}{end}"
            );
            let Ok(Message::Request(request)) = Message::decode(text.into(), &Limits::default()) else {
                panic!("a legal request was refused")
            };
            assert_eq!(request.id.raw().as_str(), "7");
            let a = request.params.get("a").unwrap();
            assert!(!a.as_str().contains('\n') && a.to_value().unwrap() == serde_json::json!([1, 2]), "{a}");
        }
    }
}
