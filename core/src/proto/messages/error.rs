//! Protocol errors: the codes of JSON-RPC and MCP, and the class that determines how a transport reports them.

use crate::json::JsonSlice;
use crate::proto::messages::envelope::Client;
use crate::proto::question::Question;
use crate::proto::version::{Revision, Revisions};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// The JSON-RPC and MCP error codes that the engine sends.
pub mod code {
    /// The text is not JSON.
    pub const PARSE_ERROR: i32 = -32700;
    /// The JSON is not a valid message.
    pub const INVALID_REQUEST: i32 = -32600;
    /// The method is unknown, or requires a capability that the server does not have.
    pub const METHOD_NOT_FOUND: i32 = -32601;
    /// The parameters are not valid for the method.
    pub const INVALID_PARAMS: i32 = -32602;
    /// The server has failed, or has reached a limit.
    pub const INTERNAL_ERROR: i32 = -32603;
    /// No resource has this URI (before 2026-07-28).
    pub const RESOURCE_NOT_FOUND: i32 = -32002;
    /// An HTTP header contradicts the body (2026-07-28).
    pub const HEADER_MISMATCH: i32 = -32020;
    /// The client did not declare a capability that the request needs (2026-07-28).
    pub const MISSING_CLIENT_CAPABILITY: i32 = -32021;
    /// The user must first visit pages (sessions before 2026-07-28).
    pub const URL_ELICITATION_REQUIRED: i32 = -32042;
    /// The server does not support the requested revision.
    pub const UNSUPPORTED_VERSION: i32 = -32022;
}

/// The class of an error, for transports with statuses of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorClass {
    /// The text is not JSON, or not a valid message.
    Malformed,
    /// The request's envelope or headers are wrong.
    Envelope,
    /// The method does not exist.
    Method,
    /// The server has reached a limit. The client may repeat the request later.
    Busy,
    /// The client has reached its own limit. It may repeat the request later.
    TooMany,
    /// The resource does not exist.
    NotFound,
    /// The request has no valid credentials, and needs some.
    Unauthorized,
    /// The credentials do not permit the request.
    Forbidden,
    /// Any other error.
    Other,
}

/// What refuses a request, for observers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Refuser {
    /// The stage in the life of a request.
    pub(crate) stage: &'static str,
    /// The check or the limit within the stage.
    pub(crate) by: &'static str,
}

/// Names of stages that refuse requests.
pub(crate) mod stage {
    /// The text is not a message.
    pub(crate) const MESSAGE: &str = "message";
    /// The envelope, the revision or the headers.
    pub(crate) const ENVELOPE: &str = "envelope";
    /// The session that the request needs.
    pub(crate) const SESSION: &str = "session";
    /// The method, or the entry that the request names.
    pub(crate) const ROUTING: &str = "routing";
    /// The caller's scopes and roles.
    pub(crate) const AUTHORIZATION: &str = "authorization";
    /// The arguments of a call.
    pub(crate) const ARGUMENTS: &str = "arguments";
    /// The other parameters.
    pub(crate) const VALIDATION: &str = "validation";
    /// The rates of calls and requests.
    pub(crate) const RATE_LIMIT: &str = "rate_limit";
    /// Calls that failed before.
    pub(crate) const CIRCUIT_BREAKER: &str = "circuit_breaker";
    /// Another call that produces the same result.
    pub(crate) const CACHE: &str = "cache";
    /// The limits of the server and of its clients.
    pub(crate) const LIMITS: &str = "limits";
    /// The server or the connection is closing, or has not started.
    pub(crate) const LIFECYCLE: &str = "lifecycle";
    /// The store, which a call must wait for.
    pub(crate) const STORE: &str = "store";
}

/// A JSON-RPC error for the client.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct RpcError {
    /// The numeric code.
    pub code: i32,
    /// One short sentence.
    pub message: String,
    /// Optional structured data.
    pub data: Option<JsonSlice>,
    /// The class, from which a transport derives its status.
    pub class: ErrorClass,
    /// In a box, because results that may be an error are moved often, and few have details.
    details: Option<Box<Details>>,
}

/// Why a request is refused, if it is known more precisely than from the class and the code.
#[derive(Clone, Debug, Default)]
struct Details {
    refuser: Option<Refuser>,
    /// The scopes that the request needs, separated by spaces.
    scopes: Option<Arc<str>>,
    /// The time after which the client may repeat the request.
    retry_after: Option<Duration>,
}

/// What a transport must know of an error response.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ResponseError {
    /// The class of the error.
    pub class: ErrorClass,
    /// The scopes that the request needs, separated by spaces, if the caller lacks some.
    pub scopes: Option<Arc<str>>,
    /// The time after which the client may repeat the request, if it is known.
    pub retry_after: Option<Duration>,
}

impl From<ErrorClass> for ResponseError {
    fn from(class: ErrorClass) -> ResponseError {
        ResponseError { class, scopes: None, retry_after: None }
    }
}

impl From<&RpcError> for ResponseError {
    fn from(error: &RpcError) -> ResponseError {
        let details = error.details.as_deref();
        let scopes = details.and_then(|details| details.scopes.clone());
        let retry_after = details.and_then(|details| details.retry_after);
        ResponseError { class: error.class, scopes, retry_after }
    }
}

impl RpcError {
    /// An error without data. The class follows from the code; for most codes it is [`ErrorClass::Other`].
    pub fn new(code: i32, message: impl Into<String>) -> RpcError {
        let class = match code {
            code::METHOD_NOT_FOUND => ErrorClass::Method,
            code::HEADER_MISMATCH | code::MISSING_CLIENT_CAPABILITY | code::UNSUPPORTED_VERSION => {
                ErrorClass::Envelope
            }
            _ => ErrorClass::Other,
        };
        RpcError { code, message: message.into(), data: None, class, details: None }
    }

    /// The same error with another class.
    pub fn with_class(mut self, class: ErrorClass) -> RpcError {
        self.class = class;
        self
    }

    /// The same error with the scopes that the request needs, separated by spaces.
    pub(crate) fn with_scopes(mut self, scopes: String) -> RpcError {
        if !scopes.is_empty() {
            self.details.get_or_insert_default().scopes = Some(scopes.into());
        }
        self
    }

    /// The same error with the time after which the client may repeat the request, which is also its data.
    pub(crate) fn retry_after(mut self, time: Duration) -> RpcError {
        self.details.get_or_insert_default().retry_after = Some(time);
        let ms = u64::try_from(time.as_nanos().div_ceil(1_000_000)).unwrap_or(u64::MAX);
        self.with_data(JsonSlice::from_value(&serde_json::json!({ "retryAfterMs": ms })))
    }

    /// The same error with what refuses the request.
    pub(crate) fn refused_by(mut self, stage: &'static str, by: &'static str) -> RpcError {
        self.details.get_or_insert_default().refuser = Some(Refuser { stage, by });
        self
    }

    /// What refuses the request. `None` if the request is not refused, but has failed.
    pub(crate) fn refuser(&self) -> Option<Refuser> {
        if let Some(refuser) = self.details.as_ref().and_then(|details| details.refuser) {
            return Some(refuser);
        }
        let (stage, by) = match (self.class, self.code) {
            (ErrorClass::Malformed, code::PARSE_ERROR) => (stage::MESSAGE, "json"),
            (ErrorClass::Malformed, _) => (stage::MESSAGE, "request"),
            (_, code::HEADER_MISMATCH) => (stage::ENVELOPE, "headers"),
            (_, code::UNSUPPORTED_VERSION) => (stage::ENVELOPE, "revision"),
            (_, code::MISSING_CLIENT_CAPABILITY) => (stage::ENVELOPE, "client_capability"),
            (ErrorClass::Envelope, _) => (stage::ENVELOPE, "meta"),
            (ErrorClass::Method, _) => (stage::ROUTING, "method"),
            (ErrorClass::NotFound, _) => (stage::ROUTING, "resource"),
            (ErrorClass::Busy, _) => (stage::LIMITS, "server"),
            (ErrorClass::TooMany, _) => (stage::LIMITS, "client"),
            (ErrorClass::Unauthorized, _) => (stage::AUTHORIZATION, "credentials"),
            (ErrorClass::Forbidden, _) => (stage::AUTHORIZATION, "forbidden"),
            (ErrorClass::Other, code::INTERNAL_ERROR) => return None,
            (ErrorClass::Other, _) => (stage::VALIDATION, "params"),
        };
        Some(Refuser { stage, by })
    }

    /// The same error with `data`.
    pub fn with_data(mut self, data: JsonSlice) -> RpcError {
        self.data = Some(data);
        self
    }

    /// -32700.
    pub fn parse(message: impl Into<String>) -> RpcError {
        Self::new(code::PARSE_ERROR, message).with_class(ErrorClass::Malformed)
    }

    /// -32600.
    pub fn invalid_request(message: impl Into<String>) -> RpcError {
        Self::new(code::INVALID_REQUEST, message).with_class(ErrorClass::Malformed)
    }

    /// -32601, with the name of the method.
    pub fn method_not_found(method: &str) -> RpcError {
        Self::new(code::METHOD_NOT_FOUND, format!("Method not found: {}", clip(method)))
    }

    /// -32602.
    pub fn invalid_params(message: impl Into<String>) -> RpcError {
        Self::new(code::INVALID_PARAMS, message)
    }

    /// -32602, for an error in the request's envelope.
    pub fn envelope(message: impl Into<String>) -> RpcError {
        Self::new(code::INVALID_PARAMS, message).with_class(ErrorClass::Envelope)
    }

    /// -32603.
    pub fn internal(message: impl Into<String>) -> RpcError {
        Self::new(code::INTERNAL_ERROR, message)
    }

    /// -32603, because the server has reached a limit.
    pub fn busy(message: impl Into<String>) -> RpcError {
        Self::new(code::INTERNAL_ERROR, message).with_class(ErrorClass::Busy)
    }

    /// -32603, because the client has reached its own limit.
    pub fn too_many(message: impl Into<String>) -> RpcError {
        Self::new(code::INTERNAL_ERROR, message).with_class(ErrorClass::TooMany)
    }

    /// -32020: a header is missing or contradicts the body.
    pub fn header_mismatch(message: impl Into<String>) -> RpcError {
        Self::new(code::HEADER_MISMATCH, message)
    }

    /// -32022, with all versions that the engine supports.
    pub fn unsupported_version(requested: &str) -> RpcError {
        RpcError::unserved_version(requested, Revisions::default())
    }

    /// -32022, with the versions that the server supports.
    pub fn unserved_version(requested: &str, served: Revisions) -> RpcError {
        let supported: Vec<_> = served.iter().map(|revision| revision.as_str()).collect();
        let data = serde_json::json!({ "supported": supported, "requested": clip(requested) });
        Self::new(code::UNSUPPORTED_VERSION, format!("Unsupported protocol version: {}", clip(requested)))
            .with_data(JsonSlice::from_value(&data))
    }

    /// No resource has this URI. The code depends on the revision: -32602 from 2026-07-28 on, -32002 before (RS-5).
    pub fn not_found(uri: &str) -> RpcError {
        let data = serde_json::json!({ "uri": uri });
        Self::new(code::INVALID_PARAMS, format!("Resource not found: {}", clip(uri)))
            .with_class(ErrorClass::NotFound)
            .with_data(JsonSlice::from_value(&data))
    }

    /// The same error for a server that supports only these revisions (VER-4).
    pub(crate) fn limited_to(mut self, served: Revisions) -> RpcError {
        let requested = self.data.as_ref().and_then(|data| data.member("requested"));
        if let (code::UNSUPPORTED_VERSION, Some(requested)) = (self.code, requested) {
            let mut data = crate::json::JsonWriter::new();
            data.begin_object().key("supported").begin_array();
            for revision in served.iter() {
                data.str(revision.as_str());
            }
            data.end_array().key("requested").slice(&requested).end_object();
            self.data = Some(data.into_slice());
        }
        self
    }

    /// The code of the error in `revision`, or in the newest one if there is no revision. If the class or the code
    /// means that a resource does not exist, the result is the revision's code for that (RS-5).
    pub(crate) fn code_in(&self, revision: Option<Revision>) -> i32 {
        let legacy = revision.is_some_and(|revision| !revision.is_modern());
        match (legacy, self.code) {
            (true, _) if self.class == ErrorClass::NotFound => code::RESOURCE_NOT_FOUND,
            (false, code::RESOURCE_NOT_FOUND) => code::INVALID_PARAMS,
            (_, code) => code,
        }
    }

    /// -32021, with the capabilities that the client should have declared.
    pub fn missing_capability(message: impl Into<String>, required: JsonSlice) -> RpcError {
        let mut data = crate::json::JsonWriter::new();
        data.begin_object().key("requiredCapabilities").slice(&required).end_object();
        Self::new(code::MISSING_CLIENT_CAPABILITY, message).with_data(data.into_slice())
    }
}

impl RpcError {
    /// Whether this client knows an error with this code. Two codes belong to one revision each (digest 1.3). A client
    /// of an older revision that declares URL elicitation knows the error for it.
    pub(crate) fn exists_for(&self, client: &Client) -> bool {
        let revision = client.revision;
        match self.code {
            code::MISSING_CLIENT_CAPABILITY => revision.is_modern(),
            code::URL_ELICITATION_REQUIRED => {
                revision == Revision::V2025_11_25
                    || !revision.is_modern() && Question::ElicitUrl.is_declared_by(client)
            }
            _ => true,
        }
    }
}

impl fmt::Display for RpcError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.message, self.code)
    }
}

impl std::error::Error for RpcError {}

pub(crate) use tenon_schema::clip;
