//! Finds the era and the session of a POST.

use super::headers::{DuplicateHeader, single};
use super::{METHOD, NAME, PROTOCOL_VERSION, Refusal, SESSION_ID};
use crate::proto::header_value::decode_value;
use crate::proto::messages::envelope;
use crate::proto::messages::envelope::Client;
use crate::proto::messages::error::{RpcError, clip, stage};
use crate::proto::messages::id::RequestId;
use crate::proto::messages::message::{Message, Params, Request};
use crate::proto::operation::Op;
use crate::proto::version::{Revision, Revisions};
use http::{HeaderMap, StatusCode};
use std::borrow::Cow;

/// How a message is handled.
#[derive(Debug)]
pub enum Route<'h> {
    /// A modern request, with the content of its envelope. Its headers agree with it.
    Modern(Client),
    /// A modern notification with a complete envelope. The protocol has none over HTTP (MH-36), but a program may
    /// define some.
    Notification(Client),
    /// A modern notification without an envelope. It is accepted and ignored.
    Ignored,
    /// The handshake of a new legacy session, with its request id. It is refused if its session header names a session
    /// that exists (VER-19). Any other session header is outdated and ignored (LH-11).
    Initialize(RequestId),
    /// A message of a legacy session.
    Session(SessionHead<'h>),
}

/// The session headers of a legacy request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionHead<'h> {
    /// The session's id, as sent.
    pub id: &'h str,
    /// The version header, if there is one.
    pub revision: Option<Revision>,
}

impl SessionHead<'_> {
    /// Checks that a version header agrees with the negotiated revision (LH-16).
    pub fn check(&self, negotiated: Revision) -> Result<(), Refusal> {
        match self.revision {
            Some(revision) if revision != negotiated => Err(Refusal::plain(
                StatusCode::BAD_REQUEST,
                format!("Bad request: mcp-protocol-version is {revision}, but the session uses {negotiated}"),
            )
            .refused_by(stage::ENVELOPE, "revision")),
            _ => Ok(()),
        }
    }
}

/// The content of the version header.
enum Version<'h> {
    Absent,
    Legacy(Revision),
    Modern,
    Unknown(Cow<'h, str>),
}

fn version(raw: Option<&[u8]>) -> Version<'_> {
    let Some(raw) = raw else { return Version::Absent };
    let text = String::from_utf8_lossy(raw);
    match Revision::parse(&text) {
        Some(revision) if revision.is_modern() => Version::Modern,
        Some(revision) => Version::Legacy(revision),
        None => Version::Unknown(text),
    }
}

/// The value of a query parameter. It is an error if the parameter occurs twice, because proxies may have used either
/// of them.
pub fn named_once<'q>(query: &'q str, name: &str) -> Result<Option<&'q str>, Refusal> {
    let pairs = query.split('&').map(|pair| pair.split_once('=').unwrap_or((pair, "")));
    let mut values = pairs.filter(|(own, _)| is_name(own, name)).map(|(_, value)| value);
    match (values.next(), values.next()) {
        (_, Some(_)) => Err(Refusal::plain(
            StatusCode::BAD_REQUEST,
            format!("Bad request: the URL has the parameter {name:?} more than once"),
        )),
        (value, None) => Ok(value),
    }
}

/// Whether a parameter's name, as it is written in a URL, is this one. Any of its characters may be percent-encoded.
fn is_name(written: &str, name: &str) -> bool {
    let mut rest = written.as_bytes();
    let decoded = std::iter::from_fn(|| {
        let (&first, behind) = rest.split_first()?;
        let code = behind.get(..2).filter(|code| first == b'%' && code.iter().all(u8::is_ascii_hexdigit));
        let code = code.and_then(|code| u8::from_str_radix(std::str::from_utf8(code).ok()?, 16).ok());
        rest = if code.is_some() { &behind[2..] } else { behind };
        Some(code.unwrap_or(first))
    });
    decoded.eq(name.bytes())
}

fn twice(DuplicateHeader(name): DuplicateHeader) -> RpcError {
    RpcError::header_mismatch(format!("Header mismatch: {name} occurs more than once"))
}

/// Decides by the envelope, then by the version header, then by the session header (ERA-1 to ERA-13). `served` are the
/// revisions that a refusal may name.
pub fn route<'h>(headers: &'h HeaderMap, message: &Message, served: Revisions) -> Result<Route<'h>, Refusal> {
    let (id, params) = match message {
        Message::Request(request) => (Some(&request.id), Some(&request.params)),
        Message::Notification(notification) => (None, Some(&notification.params)),
        Message::Response(_) => (None, None),
    };
    let refuse = |error: RpcError| Refusal::for_request(id, &error.limited_to(served));
    let named = single(headers, PROTOCOL_VERSION).map_err(twice).map_err(refuse)?;
    if let Some(params) = params.filter(|params| envelope::is_modern(params)) {
        return modern(headers, message, params, named).map_err(refuse);
    }
    let revision = match (version(named), message) {
        (Version::Modern, Message::Request(request)) => {
            return Err(refuse(match envelope::claimed_version(&request.params) {
                Err(error) => error,
                Ok(_) => RpcError::internal("the envelope is missing"),
            }));
        }
        (Version::Modern, Message::Notification(_)) => {
            check_method(headers, message).map_err(refuse)?;
            return Ok(Route::Ignored);
        }
        (Version::Modern, Message::Response(_)) => {
            return Err(refuse(RpcError::invalid_request(
                "Invalid request: a client of 2026-07-28 must not send responses",
            )));
        }
        // The version is negotiated in the body of the handshake, whatever the header contains (LH-17).
        (_, Message::Request(request)) if request.method.is(Op::Initialize) => {
            return Ok(Route::Initialize(request.id.clone()));
        }
        (Version::Unknown(text), _) => return Err(refuse(RpcError::unsupported_version(&text))),
        (Version::Legacy(revision), _) => Some(revision),
        (Version::Absent, _) => None,
    };
    session(headers, revision).map(Route::Session)
}

/// The revision that the version header names, for observers.
pub(crate) fn claimed_revision(headers: &HeaderMap) -> Option<Revision> {
    Revision::parse(std::str::from_utf8(single(headers, PROTOCOL_VERSION).ok()??).ok()?)
}

/// The session that a request names, if there is one.
pub fn session_id(headers: &HeaderMap) -> Option<&str> {
    single(headers, SESSION_ID).ok()?.and_then(|raw| std::str::from_utf8(raw).ok())
}

/// The session of a batch. Only a session can have negotiated the revision with batches (BAT-10). Without a session, a
/// batch is refused as an invalid message.
pub fn batch_session(headers: &HeaderMap) -> Option<SessionHead<'_>> {
    session_request(headers, Revisions::default()).ok()
}

/// The session of a GET or DELETE. Neither a modern client (MH-6) nor a server without sessions (MH-5) has these
/// requests.
pub fn session_request(headers: &HeaderMap, served: Revisions) -> Result<SessionHead<'_>, Refusal> {
    if served.iter().all(Revision::is_modern) {
        return Err(Refusal::not_allowed("POST", "Method not allowed: this server has no sessions"));
    }
    let named =
        single(headers, PROTOCOL_VERSION).map_err(|error| Refusal::for_request(None, &twice(error)))?;
    let revision = match version(named) {
        Version::Modern => {
            return Err(Refusal::not_allowed("POST", "Method not allowed: 2026-07-28 uses only POST"));
        }
        Version::Unknown(text) => {
            return Err(Refusal::for_request(None, &RpcError::unserved_version(&text, served)));
        }
        Version::Legacy(revision) => Some(revision),
        Version::Absent => None,
    };
    session(headers, revision)
}

fn session(headers: &HeaderMap, revision: Option<Revision>) -> Result<SessionHead<'_>, Refusal> {
    let plain =
        |message: &str| Refusal::plain(StatusCode::BAD_REQUEST, message).refused_by(stage::SESSION, "header");
    match single(headers, SESSION_ID) {
        Err(_) => Err(plain("Bad request: mcp-session-id occurs more than once")),
        Ok(None) => Err(plain("Bad request: mcp-session-id is missing; send initialize first")),
        // A value that is not UTF-8 cannot be the id of a session.
        Ok(Some(raw)) => std::str::from_utf8(raw)
            .map(|id| SessionHead { id, revision })
            .map_err(|_| Refusal::no_session(None)),
    }
}

/// A message with the modern envelope. Its headers must repeat its body (MH-13 to MH-21).
fn modern(
    headers: &HeaderMap,
    message: &Message,
    params: &Params,
    named: Option<&[u8]>,
) -> Result<Route<'static>, RpcError> {
    let claimed = envelope::claimed_version(params)?;
    match named {
        Some(named) if named == claimed.as_bytes() => {}
        Some(named) => {
            return Err(RpcError::header_mismatch(format!(
                "Header mismatch: mcp-protocol-version is {:?}, but the body has {:?}",
                clip(&String::from_utf8_lossy(named)),
                clip(&claimed)
            )));
        }
        // The specification does not define the headers of a notification (AMB-14).
        None if matches!(message, Message::Notification(_)) => {}
        None => {
            return Err(RpcError::header_mismatch("Header mismatch: mcp-protocol-version is missing"));
        }
    }
    let Message::Request(request) = message else {
        check_method(headers, message)?;
        return Ok(envelope::read(params).map_or(Route::Ignored, Route::Notification));
    };
    let client = envelope::read(params)?;
    check_method(headers, message)?;
    check_name(headers, request)?;
    Ok(Route::Modern(client))
}

/// `Mcp-Method` must repeat the method exactly (MH-14, MH-18). It may be missing for a notification (MH-21).
fn check_method(headers: &HeaderMap, message: &Message) -> Result<(), RpcError> {
    let (method, required) = match message {
        Message::Request(request) => (request.method.as_str(), true),
        Message::Notification(notification) => (notification.method.as_str(), false),
        Message::Response(_) => return Ok(()),
    };
    match single(headers, METHOD).map_err(twice)? {
        Some(named) if named == method.as_bytes() => Ok(()),
        Some(named) => Err(RpcError::header_mismatch(format!(
            "Header mismatch: mcp-method is {:?}, but the body has {:?}",
            clip(&String::from_utf8_lossy(named)),
            clip(method)
        ))),
        None if required => Err(RpcError::header_mismatch("Header mismatch: mcp-method is missing")),
        None => Ok(()),
    }
}

/// `Mcp-Name` must repeat the requested name or URI, if the method has one (MH-15, MH-17).
fn check_name(headers: &HeaderMap, request: &Request) -> Result<(), RpcError> {
    let Some(member) = request.method.target() else { return Ok(()) };
    let target = request.params.get(member);
    // If the target is not valid, the method reports that, unless the header names a target.
    let target = target.as_ref().and_then(|target| target.decode_str());
    let (named, target) = match (single(headers, NAME).map_err(twice)?, target) {
        (Some(named), target) => (named, target),
        (None, Some(_)) if request.method.may_be_unnamed() => return Ok(()),
        (None, Some(_)) => return Err(RpcError::header_mismatch("Header mismatch: mcp-name is missing")),
        (None, None) => return Ok(()),
    };
    let named = decode_value(named)
        .map_err(|what| RpcError::header_mismatch(format!("Header mismatch: mcp-name {what}")))?;
    match target {
        Some(target) if target == named => Ok(()),
        Some(target) => Err(RpcError::header_mismatch(format!(
            "Header mismatch: mcp-name is {:?}, but params.{member} is {:?}",
            clip(&named),
            clip(&target)
        ))),
        None => Err(RpcError::header_mismatch(format!(
            "Header mismatch: mcp-name is {:?}, but params.{member} is missing",
            clip(&named)
        ))),
    }
}
