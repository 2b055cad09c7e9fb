//! Decodes a text to a JSON-RPC message, in one pass over the bytes.

// A message is larger than the error, so a boxed error would not make results smaller.
#![allow(clippy::result_large_err)]

use crate::json::{JsonError, JsonErrorKind, JsonSlice, Kind, Limits, Member, Scan};
use crate::proto::messages::error::{ErrorClass, RpcError, code};
use crate::proto::messages::id::RequestId;
use crate::proto::operation::{Method, Op};
use bytes::Bytes;
use std::borrow::Cow;
use std::collections::HashSet;

/// A valid JSON-RPC message from the client.
#[derive(Debug)]
pub enum Message {
    /// A request, which gets a response.
    Request(Request),
    /// A notification, which gets no response.
    Notification(Notification),
    /// The response to a request of the engine (legacy only).
    Response(Response),
}

/// A request: an id, a method and parameters.
#[derive(Clone, Debug)]
pub struct Request {
    /// The id, which the response repeats.
    pub id: RequestId,
    /// The method.
    pub method: Method,
    /// The parameters. They may be missing.
    pub params: Params,
}

/// A notification: a method and parameters.
#[derive(Debug)]
pub struct Notification {
    /// The method.
    pub method: Method,
    /// The parameters. They may be missing.
    pub params: Params,
}

/// The client's response to a request of the engine.
#[derive(Debug)]
pub struct Response {
    /// The id of the engine's request.
    pub id: RequestId,
    /// `result`, or `error` as the client wrote it.
    pub outcome: Result<JsonSlice, JsonSlice>,
}

/// A text that is not a valid message.
#[derive(Debug)]
pub struct Malformed {
    /// The id for the error response, if it could be read.
    pub id: Option<RequestId>,
    /// The error.
    pub error: RpcError,
    /// Whether a channel sends an error response. It sends none for a malformed notification (BAD-6).
    pub answer: bool,
    /// The id of the engine's request that it may have been meant to answer. It is set if there is an id and no method.
    pub reply: Option<RequestId>,
}

/// The members of `params` and of `params._meta`, as ranges of the message's text.
#[derive(Clone, Debug)]
pub struct Params {
    text: JsonSlice,
    scan: Scan,
}

const CHAIN: [&str; 2] = ["params", "_meta"];

/// A message, or the reason why a text is not a message.
pub type Decoded = Result<Message, Malformed>;

/// The maximum number of messages in one batch, because each response can be much longer than its request.
const MAX_BATCH: usize = 100;

impl Message {
    /// Decodes one message in one pass over the text. The text is copied only if it has line breaks.
    pub fn decode(text: Bytes, limits: &Limits) -> Decoded {
        let (text, scan) = JsonSlice::parse_scan(text, limits, &CHAIN).map_err(not_json)?;
        match scan.kind {
            Kind::Object => {}
            Kind::Array => {
                return Err(unreadable(RpcError::invalid_request(
                    "Invalid request: only 2025-03-26 has batches; send one message at a time",
                )));
            }
            _ => {
                return Err(unreadable(RpcError::invalid_request(
                    "Invalid request: the message must be an object",
                )));
            }
        }
        classify(Params { text, scan })
    }

    /// Whether the message is a request.
    pub fn is_request(&self) -> bool {
        matches!(self, Message::Request(_))
    }

    /// Whether a text can only be a batch.
    pub fn is_batch(text: &[u8]) -> bool {
        text.trim_ascii_start().first() == Some(&b'[')
    }

    /// Decodes a batch of 2025-03-26. Each member is a message, or malformed by itself (BAT-2, BAT-7).
    pub fn decode_batch(text: Bytes, limits: &Limits) -> Result<Vec<Decoded>, Malformed> {
        let refused = |why: &str| unreadable(RpcError::invalid_request(format!("Invalid request: {why}")));
        let batch = JsonSlice::parse(text, limits).map_err(not_json)?;
        let members: Vec<_> = batch.elements().take(MAX_BATCH + 1).collect();
        match members.len() {
            0 => Err(refused("the batch is empty")),
            count if count > MAX_BATCH => {
                Err(refused(&format!("the batch has more than {MAX_BATCH} messages")))
            }
            _ => {
                let mut seen = HashSet::new();
                let decode = |member| Message::decode_member(member, limits, &mut seen);
                Ok(members.into_iter().map(decode).collect())
            }
        }
    }

    /// Decodes one member. `seen` has the ids of the earlier requests, because each response must identify its request
    /// (RPC-6).
    fn decode_member(member: JsonSlice, limits: &Limits, seen: &mut HashSet<Bytes>) -> Decoded {
        let refused = |id, why: &str| {
            let error = RpcError::invalid_request(format!("Invalid request: {why}"));
            Err(Malformed { id: Some(id), error, answer: true, reply: None })
        };
        let message = match member.kind() {
            Kind::Object => Message::decode(member.into_bytes(), limits).map_err(bad_member)?,
            _ => {
                return Err(unreadable(RpcError::invalid_request(
                    "Invalid request: the message must be an object",
                )));
            }
        };
        match message {
            Message::Request(request) if !seen.insert(request.id.key().clone()) => {
                refused(request.id, "another request of the batch has this id")
            }
            Message::Request(request) if crate::proto::messages::envelope::is_modern(&request.params) => {
                refused(request.id, "2026-07-28 has no batches")
            }
            Message::Request(request) if request.method.is(Op::Initialize) => {
                refused(request.id, "initialize cannot be in a batch")
            }
            message => Ok(message),
        }
    }
}

fn not_json(error: JsonError) -> Malformed {
    unreadable(match error.kind {
        JsonErrorKind::TooLarge => RpcError::invalid_request(format!("Message too large: {error}")),
        _ => RpcError::parse(format!("Parse error: {error}")),
    })
}

/// Each malformed member of a batch gets one error, even if the same text outside of a batch would get none (BAT-7).
/// The client sees no HTTP status for a member, so it would not learn of the error otherwise.
fn bad_member(mut malformed: Malformed) -> Malformed {
    if malformed.id.is_none() && malformed.error.code == code::INVALID_PARAMS {
        let message = malformed.error.message.replacen("Invalid params", "Invalid request", 1);
        malformed.error = RpcError::invalid_request(message);
    }
    malformed.answer = true;
    malformed
}

fn unreadable(error: RpcError) -> Malformed {
    Malformed { id: None, error, answer: true, reply: None }
}

/// The members of a message itself.
#[derive(Default)]
struct Roots {
    jsonrpc: Option<Member>,
    id: Option<Member>,
    method: Option<Member>,
    params: Option<Member>,
    result: Option<Member>,
    error: Option<Member>,
}

impl Roots {
    /// Finds them in one pass. The scan has refused names that occur twice.
    fn of(scan: &Scan, text: &[u8]) -> Roots {
        let mut roots = Roots::default();
        for member in scan.level(0) {
            let place = match &*member.name_bytes(text) {
                b"jsonrpc" => &mut roots.jsonrpc,
                b"id" => &mut roots.id,
                b"method" => &mut roots.method,
                b"params" => &mut roots.params,
                b"result" => &mut roots.result,
                b"error" => &mut roots.error,
                _ => continue,
            };
            *place = Some(*member);
        }
        roots
    }
}

fn classify(params: Params) -> Decoded {
    let roots = Roots::of(&params.scan, params.text.as_bytes());
    let Roots { id: id_member, method: method_member, result, error, .. } = roots;
    let has_method = method_member.is_some();
    let is_response = !has_method && (result.is_some() || error.is_some());
    let id = match &id_member {
        None => None,
        Some(member) => match RequestId::new(params.value(member)) {
            Some(id) => Some(id),
            None => {
                let error = RpcError::invalid_request("Invalid request: id must be a string or an integer");
                return Err(Malformed { id: None, error, answer: !is_response, reply: None });
            }
        },
    };
    let fault = |id: Option<RequestId>, error: RpcError| {
        let reply = id.clone().filter(|_| !has_method);
        // The id of a response is one of the engine's. If the error repeated it, the client would treat the error as
        // the response to one of its own requests.
        let id = id.filter(|_| !is_response);
        Err(Malformed { answer: id.is_some(), id, error, reply })
    };
    match roots.jsonrpc.map(|member| params.value(&member)) {
        Some(version) if version.as_bytes() == b"\"2.0\"" => {}
        Some(version) if version.decode_str().is_some_and(|version| version == "2.0") => {}
        _ => return fault(id, RpcError::invalid_request("Invalid request: jsonrpc must be \"2.0\"")),
    }
    let Some(method_member) = method_member else {
        return match (id, result, error) {
            (Some(id), Some(result), None) => {
                Ok(Message::Response(Response { id, outcome: Ok(params.value(&result)) }))
            }
            (Some(id), None, Some(error)) => {
                Ok(Message::Response(Response { id, outcome: Err(params.value(&error)) }))
            }
            (id, Some(_), Some(_)) => fault(
                id,
                RpcError::invalid_request("Invalid request: the response has both a result and an error"),
            ),
            (id, None, None) => fault(id, RpcError::invalid_request("Invalid request: method is missing")),
            (None, ..) => fault(None, RpcError::invalid_request("Invalid request: the response has no id")),
        };
    };
    if result.is_some() || error.is_some() {
        return fault(
            id,
            RpcError::invalid_request("Invalid request: the message has both a method and a result or error"),
        );
    }
    let method = match params.value(&method_member).decode_str() {
        Some(name) => Method::parse(name),
        None => return fault(id, RpcError::invalid_request("Invalid request: method must be a string")),
    };
    if roots.params.is_some_and(|member| member.kind != Kind::Object) {
        let error = RpcError::invalid_params("Invalid params: params must be an object");
        return fault(id, error.with_class(ErrorClass::Malformed));
    }
    Ok(match id {
        Some(id) => Message::Request(Request { id, method, params }),
        None => Message::Notification(Notification { method, params }),
    })
}

impl Params {
    fn value(&self, member: &Member) -> JsonSlice {
        self.text.subslice(member.value)
    }

    fn find(&self, level: usize, name: &str) -> Option<JsonSlice> {
        self.scan.get(self.text.as_bytes(), level, name).map(|member| self.value(member))
    }

    /// Whether the message has `params`.
    pub fn present(&self) -> bool {
        self.scan.get(self.text.as_bytes(), 0, "params").is_some()
    }

    /// `params`, or an empty object if there are none.
    pub fn object(&self) -> JsonSlice {
        let member = self.scan.get(self.text.as_bytes(), 0, "params");
        member.map_or_else(JsonSlice::empty_object, |member| self.value(member))
    }

    /// The member of `params` with this name.
    pub fn get(&self, name: &str) -> Option<JsonSlice> {
        self.find(1, name)
    }

    /// `params._meta`, if it is an object.
    pub fn meta(&self) -> Option<JsonSlice> {
        self.get("_meta").filter(|meta| meta.kind() == Kind::Object)
    }

    /// The member of `params._meta` with this name.
    pub fn meta_get(&self, name: &str) -> Option<JsonSlice> {
        self.find(2, name)
    }

    /// The member of `params` with this name. If it is present, it must be a string.
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

    fn malformed(text: &str) -> Malformed {
        Message::decode(Bytes::copy_from_slice(text.as_bytes()), &Limits::default()).expect_err(text)
    }

    #[test]
    fn a_malformed_response_is_never_answered() {
        for text in [
            r#"{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"Parse error"}}"#,
            r#"{"jsonrpc":"2.0","id":1.5,"result":{}}"#,
            r#"{"jsonrpc":"2.0","id":1,"result":{},"error":{}}"#,
            r#"{"jsonrpc":"1.0","id":1,"result":{}}"#,
            r#"{"jsonrpc":"2.0","error":{}}"#,
        ] {
            let malformed = malformed(text);
            assert!(!malformed.answer && malformed.id.is_none(), "{text}");
            assert!(!malformed.error.message.contains("method is missing"), "{text}: {}", malformed.error);
        }
        // The question that it was meant to answer is known nevertheless.
        let reply = malformed(r#"{"jsonrpc":"2.0","id":1,"result":{},"error":{}}"#).reply;
        assert_eq!(reply.unwrap().raw().as_str(), "1");
        for text in [
            r#"{"jsonrpc":"2.0","id":null,"method":"ping"}"#,
            r#"{"jsonrpc":"2.0","id":null}"#,
            r#"{"jsonrpc":"2.0","id":1,"method":"ping","result":{}}"#,
            r#"{"jsonrpc":"1.0","id":1,"method":"ping"}"#,
        ] {
            assert!(malformed(text).answer, "{text}");
        }
    }

    #[test]
    fn the_members_of_a_batch_are_read_one_by_one() {
        let read = |text: &str| {
            assert!(Message::is_batch(text.as_bytes()), "{text}");
            Message::decode_batch(Bytes::copy_from_slice(text.as_bytes()), &Limits::default())
        };
        assert!(!Message::is_batch(br#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#));
        let members = read(
            r#" [{"jsonrpc":"2.0","id":1,"method":"ping"},7,{"jsonrpc":"2.0","method":"x"},[],
                {"jsonrpc":"2.0","id":2,"method":"initialize"}]"#,
        );
        let members = members.unwrap();
        assert!(matches!(&members[0], Ok(Message::Request(request)) if request.id.raw().as_str() == "1"));
        assert!(matches!(&members[1], Err(malformed) if malformed.answer && malformed.id.is_none()));
        assert!(matches!(&members[2], Ok(Message::Notification(_))));
        assert!(matches!(&members[3], Err(malformed) if malformed.answer));
        assert!(matches!(&members[4], Err(malformed) if malformed.id.is_some()));
        let members = read(
            r#"[{"foo":"boo"},{"jsonrpc":"1.0","method":"notifications/x"},{"jsonrpc":"2.0","method":5},
                {"jsonrpc":"2.0","id":1,"result":{},"error":{}},{"jsonrpc":"2.0","method":"x","params":[]}]"#,
        );
        for member in members.unwrap() {
            let malformed = member.unwrap_err();
            assert!(malformed.answer && malformed.id.is_none(), "{malformed:?}");
            assert_eq!(malformed.error.code, code::INVALID_REQUEST, "{malformed:?}");
        }
        for refused in ["[]", "[1", &format!("[{}1]", "1,".repeat(MAX_BATCH))] {
            assert!(read(refused).is_err(), "{refused}");
        }
    }

    #[test]
    fn the_version_may_be_escaped() {
        assert!(
            Message::decode(r#"{"jsonrpc":"\u0032.0","id":1,"method":"ping"}"#.into(), &Limits::default())
                .is_ok()
        );
    }

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
