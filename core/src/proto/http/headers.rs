//! Reads single headers.

use super::Refusal;
use crate::proto::messages::error::RpcError;
use crate::proto::messages::message::Message;
use crate::proto::operation::Op;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::StatusCode;
use http::header::{self, HeaderMap};

/// The forms of response that a client accepts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Forms {
    /// One JSON object.
    pub json: bool,
    /// An event stream.
    pub stream: bool,
}

/// Reads `Accept` leniently. Without the header, all forms are accepted (MH-11).
pub fn accepted_forms(headers: &HeaderMap) -> Result<Forms, Refusal> {
    let mut forms = Forms { json: false, stream: false };
    let mut any = false;
    for value in headers.get_all(header::ACCEPT) {
        // The value that every client sends.
        if value.as_bytes() == b"application/json, text/event-stream" {
            return Ok(Forms { json: true, stream: true });
        }
        for item in String::from_utf8_lossy(value.as_bytes()).split(',') {
            let mut parts = item.split(';').map(str::trim);
            let range = parts.next().unwrap_or_default().to_ascii_lowercase();
            if range.is_empty() {
                continue;
            }
            any = true;
            if parts.any(|part| matches!(part, "q=0" | "q=0.0" | "q=0.00" | "q=0.000")) {
                continue;
            }
            match range.as_str() {
                "*/*" => return Ok(Forms { json: true, stream: true }),
                "application/json" | "application/*" => forms.json = true,
                "text/event-stream" | "text/*" => forms.stream = true,
                _ => {}
            }
        }
    }
    match (any, forms.json || forms.stream) {
        (false, _) => Ok(Forms { json: true, stream: true }),
        (true, true) => Ok(forms),
        (true, false) => Err(Refusal::plain(
            StatusCode::NOT_ACCEPTABLE,
            "Not acceptable: accept application/json and text/event-stream",
        )),
    }
}

/// A GET opens a stream, so it must accept event streams (LH-18, LH-38).
pub fn check_listen(headers: &HeaderMap) -> Result<(), Refusal> {
    match accepted_forms(headers) {
        Ok(forms) if forms.stream => Ok(()),
        _ => Err(Refusal::plain(StatusCode::NOT_ACCEPTABLE, "Not acceptable: accept text/event-stream")),
    }
}

/// Whether the response to a request is always a stream. If so, the client must accept streams (SU-14).
pub fn listens(message: &Message, forms: Forms) -> Result<bool, Refusal> {
    match message {
        Message::Request(request) if request.method.is(Op::Listen) => {
            if forms.stream {
                return Ok(true);
            }
            let error = RpcError::invalid_request("Not acceptable: accept text/event-stream");
            Err(Refusal::new(StatusCode::NOT_ACCEPTABLE, Some(&request.id), &error))
        }
        _ => Ok(false),
    }
}

/// The key of a WebSocket handshake. There must be one, with 16 bytes in base64 (RFC 6455, 4.2.1).
pub fn websocket_key(headers: &HeaderMap) -> Result<&[u8], Refusal> {
    let wrong = |message: &str| Refusal::plain(StatusCode::BAD_REQUEST, format!("Bad request: {message}"));
    let mut keys = headers.get_all(header::SEC_WEBSOCKET_KEY).iter();
    let (Some(key), None) = (keys.next(), keys.next()) else {
        return Err(wrong("send one sec-websocket-key"));
    };
    match STANDARD.decode_slice(key.as_bytes(), &mut [0; 18]) {
        Ok(16) => Ok(key.as_bytes()),
        _ => Err(wrong("the sec-websocket-key must be 16 bytes in base64")),
    }
}

/// A header that occurs once, without the white space around it (MH-19). A header that occurs twice is an error, even
/// with equal values, because proxies may have used either of them (MH-20).
pub(super) fn single<'h>(
    headers: &'h HeaderMap,
    name: &'static str,
) -> Result<Option<&'h [u8]>, DuplicateHeader> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (_, Some(_)) => Err(DuplicateHeader(name)),
        (value, None) => Ok(value.map(|value| value.as_bytes().trim_ascii())),
    }
}

/// A header occurs more than once.
pub(super) struct DuplicateHeader(pub(super) &'static str);
