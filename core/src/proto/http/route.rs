//! Which era, and which session, a POST belongs to.

use super::headers::{DuplicateHeader, single};
use super::{METHOD, NAME, PROTOCOL_VERSION, Refusal, SESSION_ID};
use crate::proto::header_value::decode_value;
use crate::proto::messages::envelope;
use crate::proto::messages::envelope::Client;
use crate::proto::messages::error::{RpcError, clip};
use crate::proto::messages::id::RequestId;
use crate::proto::messages::message::{Message, Params, Request};
use crate::proto::operation::Op;
use crate::proto::version::{Revision, Revisions};
use http::{HeaderMap, StatusCode};
use std::borrow::Cow;

/// Where a message goes.
#[derive(Debug)]
pub enum Route<'h> {
    /// A request that stands alone, with what its envelope says; its headers agree with it.
    Modern(Client),
    /// A modern notification with its whole envelope: the protocol has none over HTTP (MH-36), but a program may.
    Notification(Client),
    /// One without, which is accepted and forgotten.
    Ignored,
    /// The handshake that opens a legacy session, with its id. The header of a session that goes on refuses it (VER-19); any
    /// other is stale and ignored (LH-11).
    Initialize(RequestId),
    /// A message of a legacy session.
    Session(SessionHead<'h>),
}

/// What a request's head says about its legacy session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionHead<'h> {
    /// The session's id, as sent.
    pub id: &'h str,
    /// The version header, if there is one.
    pub revision: Option<Revision>,
}

impl SessionHead<'_> {
    /// A version header must agree with what the session negotiated (LH-16).
    pub fn check(&self, negotiated: Revision) -> Result<(), Refusal> {
        match self.revision {
            Some(revision) if revision != negotiated => Err(Refusal::plain(
                StatusCode::BAD_REQUEST,
                format!("Bad request: mcp-protocol-version is {revision}, but the session uses {negotiated}"),
            )),
            _ => Ok(()),
        }
    }
}

/// What the version header says.
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

/// The value of a parameter that an address has once. The error says that it is there again: who looked at which one is
/// anybody's guess.
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

/// Whether the name of a parameter, as an address has it, is this one: any of its characters may be percent-encoded.
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

/// Decides by the envelope first, then by the version header, then by the session header (ERA-1 to ERA-13). `served` are
/// the revisions that a refusal may name.
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
        // The handshake negotiates the version in its body, whatever the header says (LH-17).
        (_, Message::Request(request)) if request.method.is(Op::Initialize) => {
            return Ok(Route::Initialize(request.id.clone()));
        }
        (Version::Unknown(text), _) => return Err(refuse(RpcError::unsupported_version(&text))),
        (Version::Legacy(revision), _) => Some(revision),
        (Version::Absent, _) => None,
    };
    session(headers, revision).map(Route::Session)
}

/// The session that a request names, if it names one.
pub fn session_id(headers: &HeaderMap) -> Option<&str> {
    single(headers, SESSION_ID).ok()?.and_then(|raw| std::str::from_utf8(raw).ok())
}

/// The session of a batch. Only a session can have negotiated the revision that has them (BAT-10); elsewhere a batch is
/// refused as the message it is not.
pub fn batch_session(headers: &HeaderMap) -> Option<SessionHead<'_>> {
    session_request(headers, Revisions::default()).ok()
}

/// The session of a GET or DELETE. A modern client has neither (MH-6), nor has a server without sessions (MH-5).
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
    let plain = |message: &str| Refusal::plain(StatusCode::BAD_REQUEST, message);
    match single(headers, SESSION_ID) {
        Err(_) => Err(plain("Bad request: mcp-session-id occurs more than once")),
        Ok(None) => Err(plain("Bad request: mcp-session-id is missing; send initialize first")),
        // What is no text cannot be the id of a session either.
        Ok(Some(raw)) => std::str::from_utf8(raw)
            .map(|id| SessionHead { id, revision })
            .map_err(|_| Refusal::no_session(None)),
    }
}

/// A message with the modern envelope: its headers must repeat what its body says (MH-13 to MH-21).
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
        // What a notification must carry is not defined (AMB-14).
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

/// `Mcp-Method` repeats the method, exactly (MH-14, MH-18); a notification may leave it out (MH-21).
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

/// `Mcp-Name` repeats what the request is about, where its method has that (MH-15, MH-17).
fn check_name(headers: &HeaderMap, request: &Request) -> Result<(), RpcError> {
    let Some(member) = request.method.target() else { return Ok(()) };
    let target = request.params.get(member);
    // Without a legal target it is the method that has to say so, unless the header names one.
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
