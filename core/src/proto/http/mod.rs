//! The rules of Streamable HTTP, as functions of a request's head and message. They decide which requests are refused,
//! with which status, and which era handles the others.
//!
//! The checks have this order, and each one assumes the checks before it: [`check_framing`], [`verb`],
//! [`Access::check`], [`check_content`] and [`accepted_forms`]. The principal is resolved after [`Access::check`]. Then
//! the body is read, up to its limit, and decoded, and [`route`] decides. GET and DELETE use [`session_request`] instead.

mod access;
mod body;
mod cors;
mod event_id;
mod headers;
mod origin;
mod page;
mod params;
mod route;

pub use access::Access;
pub use body::{check_content, check_framing};
pub use cors::EXPOSED_HEADERS;
pub use event_id::{EventId, last_event_id};
pub use headers::{Forms, accepted_forms, check_listen, listens, websocket_key};
pub use page::has_current;
pub use params::param_fields;
pub(crate) use route::claimed_revision;
pub use route::{Route, SessionHead, batch_session, named_once, route, session_id, session_request};

use crate::proto::messages::error::{ErrorClass, Refuser, RpcError, code, stage};
use crate::proto::messages::id::RequestId;
use crate::proto::messages::message::Malformed;
use crate::proto::results::shape;
use bytes::Bytes;
use http::{Method, StatusCode};

/// The header that names the protocol version.
pub const PROTOCOL_VERSION: &str = "mcp-protocol-version";
/// The header that names a legacy session.
pub const SESSION_ID: &str = "mcp-session-id";
/// The header that repeats the method of a modern request.
pub const METHOD: &str = "mcp-method";
/// The header that repeats the name or URI in a modern request.
pub const NAME: &str = "mcp-name";
/// The header with which a legacy client resumes a stream.
pub const LAST_EVENT_ID: &str = "last-event-id";

/// The methods of the endpoint, for the `Allow` header.
pub const ALLOW: &str = "GET, POST, DELETE, OPTIONS";
/// The methods of a fixed page.
pub const ALLOW_PAGE: &str = "GET, HEAD, OPTIONS";
/// The methods of the event stream of 2024-11-05.
pub const ALLOW_EVENTS: &str = "GET, OPTIONS";
/// The methods of the address to which clients of 2024-11-05 post messages.
pub const ALLOW_MESSAGES: &str = "POST, OPTIONS";

/// The purpose of a request to the endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verb {
    /// The request contains a message.
    Post,
    /// The request opens a stream in a legacy session.
    Get,
    /// The request ends a legacy session.
    Delete,
    /// The request asks which methods are allowed.
    Options,
}

/// The response to a request that is refused.
#[derive(Debug)]
pub struct Refusal {
    /// The status of the response.
    pub status: StatusCode,
    /// The body: a JSON-RPC error. The member `id` is missing if no id is known.
    pub body: Bytes,
    /// The `Allow` header of a 405.
    pub allow: Option<&'static str>,
    /// What refuses the request, for observers. `None` if the server has failed.
    pub(crate) refuser: Option<Refuser>,
}

impl Refusal {
    fn new(status: StatusCode, id: Option<&RequestId>, error: &RpcError) -> Refusal {
        Refusal { status, body: shape::error(id, None, error), allow: None, refuser: error.refuser() }
    }

    /// The same refusal with what refuses the request.
    pub(crate) fn refused_by(mut self, stage: &'static str, by: &'static str) -> Refusal {
        self.refuser = Some(Refuser { stage, by });
        self
    }

    /// A refusal without a code of its own. It has -32600 and no id, so that no client takes it for a response of the
    /// modern era.
    pub fn plain(status: StatusCode, message: impl Into<String>) -> Refusal {
        Refusal::new(status, None, &RpcError::invalid_request(message))
    }

    pub(crate) fn not_allowed(allow: &'static str, message: &str) -> Refusal {
        Refusal { allow: Some(allow), ..Refusal::plain(StatusCode::METHOD_NOT_ALLOWED, message) }
    }

    /// 405, for an address that supports only GET.
    pub fn only_get(message: &str) -> Refusal {
        Refusal::not_allowed("GET", message)
    }

    /// 405, for an address that supports only POST.
    pub fn only_post(message: &str) -> Refusal {
        Refusal::not_allowed(ALLOW_MESSAGES, message)
    }

    /// 426, for an address with another protocol.
    pub fn upgrade(message: &str) -> Refusal {
        Refusal::plain(StatusCode::UPGRADE_REQUIRED, message)
    }

    fn for_request(id: Option<&RequestId>, error: &RpcError) -> Refusal {
        Refusal::new(status(error.class, true), id, error)
    }

    /// 400 in both eras, for a body that is not a valid message (BAD-6, BAD-8). It is 500 if the engine panicked while it
    /// read the body.
    pub fn malformed(malformed: &Malformed) -> Refusal {
        let status = match malformed.error.code {
            code::INTERNAL_ERROR => StatusCode::INTERNAL_SERVER_ERROR,
            _ => StatusCode::BAD_REQUEST,
        };
        Refusal::new(status, malformed.id.as_ref(), &malformed.error)
    }

    /// A batch without messages (BAT-7).
    pub fn no_messages() -> Refusal {
        Refusal::plain(StatusCode::BAD_REQUEST, "Invalid request: the batch contains no valid message")
    }

    /// The body has more than `max` bytes (BAD-5).
    pub fn too_large(max: usize) -> Refusal {
        let message = format!("Payload too large: the body has more than {max} bytes");
        Refusal::plain(StatusCode::PAYLOAD_TOO_LARGE, message).refused_by(stage::LIMITS, "max_message_bytes")
    }

    /// The server has failed (RPC-14).
    pub fn internal(id: Option<&RequestId>, error: &RpcError) -> Refusal {
        Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, id, error)
    }

    /// The server has reached a limit. The client may repeat the request later.
    pub fn busy(message: impl Into<String>) -> Refusal {
        Refusal::new(StatusCode::SERVICE_UNAVAILABLE, None, &RpcError::busy(message))
    }

    /// The server or the client has reached a limit; the error names it.
    pub fn at_limit(error: &RpcError) -> Refusal {
        Refusal::for_request(None, error)
    }

    /// 503 for a request whose id is known (RPC-14).
    pub fn unavailable(id: Option<&RequestId>, message: impl Into<String>) -> Refusal {
        Refusal::new(StatusCode::SERVICE_UNAVAILABLE, id, &RpcError::busy(message))
    }

    /// An `initialize` with the header of a session (VER-19).
    pub fn initialized(id: &RequestId) -> Refusal {
        let why = "Invalid request: the session is initialized; send initialize without mcp-session-id to open another one";
        Refusal::for_request(Some(id), &RpcError::invalid_request(why))
            .refused_by(stage::SESSION, "initialized")
    }

    /// The session does not exist or has ended (LH-8). The error is not -32601, which has another meaning.
    pub fn no_session(id: Option<&RequestId>) -> Refusal {
        let error = RpcError::invalid_request("Session not found; send initialize to open a new one");
        Refusal::new(StatusCode::NOT_FOUND, id, &error).refused_by(stage::SESSION, "unknown")
    }
}

/// The purpose of a request by its method, or 405 (MH-8).
pub fn verb(method: &Method) -> Result<Verb, Refusal> {
    match *method {
        Method::POST => Ok(Verb::Post),
        Method::GET => Ok(Verb::Get),
        Method::DELETE => Ok(Verb::Delete),
        Method::OPTIONS => Ok(Verb::Options),
        _ => Err(Refusal::not_allowed(ALLOW, "Method not allowed: use POST, GET or DELETE")),
    }
}

/// The status of a response with an error of this class (MH-33, MH-35, MH-37).
pub fn status(class: ErrorClass, modern: bool) -> StatusCode {
    match class {
        ErrorClass::Malformed | ErrorClass::Envelope => StatusCode::BAD_REQUEST,
        // In a session, 404 would mean that the session has ended.
        ErrorClass::Method if modern => StatusCode::NOT_FOUND,
        ErrorClass::Method | ErrorClass::NotFound | ErrorClass::Other => StatusCode::OK,
        ErrorClass::Busy => StatusCode::SERVICE_UNAVAILABLE,
        // Not 503, because a load balancer would then remove the server for all clients.
        ErrorClass::TooMany => StatusCode::TOO_MANY_REQUESTS,
        // AU-3.
        ErrorClass::Unauthorized => StatusCode::UNAUTHORIZED,
        ErrorClass::Forbidden => StatusCode::FORBIDDEN,
    }
}

#[cfg(test)]
mod tests;
