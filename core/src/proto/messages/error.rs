//! Protocol errors: the codes of JSON-RPC and MCP, and the class that decides how a transport reports them.

use crate::json::JsonSlice;
use crate::proto::messages::envelope::Client;
use crate::proto::question::Question;
use crate::proto::version::{Revision, Revisions};
use std::fmt;

/// JSON-RPC and MCP error codes the engine emits.
pub mod code {
    /// The text is not JSON.
    pub const PARSE_ERROR: i32 = -32700;
    /// The JSON is not a legal message.
    pub const INVALID_REQUEST: i32 = -32600;
    /// Unknown method, or one behind a capability that is not advertised.
    pub const METHOD_NOT_FOUND: i32 = -32601;
    /// Parameters that do not fit the method.
    pub const INVALID_PARAMS: i32 = -32602;
    /// The server could not do its part.
    pub const INTERNAL_ERROR: i32 = -32603;
    /// There is no resource at this address (before 2026-07-28).
    pub const RESOURCE_NOT_FOUND: i32 = -32002;
    /// An HTTP header contradicts the body (2026-07-28).
    pub const HEADER_MISMATCH: i32 = -32020;
    /// The request did not declare a client capability it needs (2026-07-28).
    pub const MISSING_CLIENT_CAPABILITY: i32 = -32021;
    /// The user must visit pages first (sessions before 2026-07-28).
    pub const URL_ELICITATION_REQUIRED: i32 = -32042;
    /// The server does not serve the named revision.
    pub const UNSUPPORTED_VERSION: i32 = -32022;
}

/// What kind of fault an error is, for transports that have statuses of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorClass {
    /// Not JSON, or not a legal message.
    Malformed,
    /// The request's envelope or headers are at fault.
    Envelope,
    /// No such method.
    Method,
    /// The server is at a limit; the request may be sent again later.
    Busy,
    /// The client has as much as one client may have; it may send the request again later.
    TooMany,
    /// There is no such resource.
    NotFound,
    /// Everything else.
    Other,
}

/// A JSON-RPC error to be sent to the peer.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct RpcError {
    /// The numeric code.
    pub code: i32,
    /// One short sentence.
    pub message: String,
    /// Optional structured detail.
    pub data: Option<JsonSlice>,
    /// How a transport with statuses reports it.
    pub class: ErrorClass,
}

impl RpcError {
    /// An error without data, of the class that its code stands for; most codes stand for none.
    pub fn new(code: i32, message: impl Into<String>) -> RpcError {
        let class = match code {
            code::METHOD_NOT_FOUND => ErrorClass::Method,
            code::HEADER_MISMATCH | code::MISSING_CLIENT_CAPABILITY | code::UNSUPPORTED_VERSION => {
                ErrorClass::Envelope
            }
            _ => ErrorClass::Other,
        };
        RpcError { code, message: message.into(), data: None, class }
    }

    /// The same error with another class.
    pub fn with_class(mut self, class: ErrorClass) -> RpcError {
        self.class = class;
        self
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

    /// -32601, naming the method.
    pub fn method_not_found(method: &str) -> RpcError {
        Self::new(code::METHOD_NOT_FOUND, format!("Method not found: {}", clip(method)))
    }

    /// -32602.
    pub fn invalid_params(message: impl Into<String>) -> RpcError {
        Self::new(code::INVALID_PARAMS, message)
    }

    /// -32602 because of the request's envelope.
    pub fn envelope(message: impl Into<String>) -> RpcError {
        Self::new(code::INVALID_PARAMS, message).with_class(ErrorClass::Envelope)
    }

    /// -32603.
    pub fn internal(message: impl Into<String>) -> RpcError {
        Self::new(code::INTERNAL_ERROR, message)
    }

    /// -32603 because a limit is reached.
    pub fn busy(message: impl Into<String>) -> RpcError {
        Self::new(code::INTERNAL_ERROR, message).with_class(ErrorClass::Busy)
    }

    /// -32603 because this client has as much as one client may have.
    pub fn too_many(message: impl Into<String>) -> RpcError {
        Self::new(code::INTERNAL_ERROR, message).with_class(ErrorClass::TooMany)
    }

    /// -32020: a header is missing or contradicts the body.
    pub fn header_mismatch(message: impl Into<String>) -> RpcError {
        Self::new(code::HEADER_MISMATCH, message)
    }

    /// -32022 with the versions that there are.
    pub fn unsupported_version(requested: &str) -> RpcError {
        RpcError::unserved_version(requested, Revisions::default())
    }

    /// -32022 with the versions that are served.
    pub fn unserved_version(requested: &str, served: Revisions) -> RpcError {
        let supported: Vec<_> = served.iter().map(|revision| revision.as_str()).collect();
        let data = serde_json::json!({ "supported": supported, "requested": clip(requested) });
        Self::new(code::UNSUPPORTED_VERSION, format!("Unsupported protocol version: {}", clip(requested)))
            .with_data(JsonSlice::from_value(&data))
    }

    /// There is no resource at this address. The code is the revision's: -32602 from 2026-07-28 on, -32002 before (RS-5).
    pub fn not_found(uri: &str) -> RpcError {
        let data = serde_json::json!({ "uri": uri });
        Self::new(code::INVALID_PARAMS, format!("Resource not found: {}", clip(uri)))
            .with_class(ErrorClass::NotFound)
            .with_data(JsonSlice::from_value(&data))
    }

    /// The same error, of a server that speaks only these revisions (VER-4).
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

    /// The code that `revision` has for it; without one, that of the newest. What says by its class or its code that a
    /// resource does not exist gets the revision's code for that (RS-5).
    pub(crate) fn code_in(&self, revision: Option<Revision>) -> i32 {
        let legacy = revision.is_some_and(|revision| !revision.is_modern());
        match (legacy, self.code) {
            (true, _) if self.class == ErrorClass::NotFound => code::RESOURCE_NOT_FOUND,
            (false, code::RESOURCE_NOT_FOUND) => code::INVALID_PARAMS,
            (_, code) => code,
        }
    }

    /// -32021 with the capability object the request should have declared.
    pub fn missing_capability(message: impl Into<String>, required: JsonSlice) -> RpcError {
        let mut data = crate::json::JsonWriter::new();
        data.begin_object().key("requiredCapabilities").slice(&required).end_object();
        Self::new(code::MISSING_CLIENT_CAPABILITY, message).with_data(data.into_slice())
    }
}

impl RpcError {
    /// Whether this client knows an error of this code: two are of one revision only (digest 1.3). A client that declares
    /// visits to pages in an older revision knows the error that asks for them.
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
