//! The interface of resolvers: what they get, and what they return.

use super::last_verified::LastVerified;
use crate::dispatch::principal::Principal;
use crate::dispatch::shares::Key;
use http::HeaderValue;
use http::request::Parts;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

/// Finds the principal of each HTTP request, and of each connection without HTTP. [`ServerBuilder::principal_resolver`]
/// sets one. Without one, the principal is what the program attached.
///
/// Over HTTP, it is called after the checks of the framing, the method, the host and the origin. The body is not read
/// and no session is looked up before it has returned. A WebSocket has the principal of its upgrade request. On
/// standard input and output, on sockets with lines and in process, it is called once when a connection opens.
///
/// If it panics, the request is refused with 500.
///
/// ```
/// use std::sync::Arc;
/// use tenon_mcp::{Principal, PrincipalRefusal, PrincipalRequest, PrincipalResolver, Resolution, Server};
///
/// struct ApiKeys;
///
/// impl PrincipalResolver for ApiKeys {
///     fn resolve(&self, request: PrincipalRequest) -> Resolution {
///         let key = request.head.as_ref().and_then(|head| head.headers.get("x-api-key"));
///         Resolution::Ready(match key.map(|key| key.as_bytes()) {
///             Some(b"secret of ann") => Ok(Some(Principal::new("api-keys", "ann"))),
///             Some(_) => Err(PrincipalRefusal::unauthorized("Unauthorized: the API key is not known")),
///             None => Ok(None),
///         })
///     }
/// }
///
/// let server = Server::builder("demo", "1.0.0").principal_resolver(Arc::new(ApiKeys)).build().unwrap();
/// # let _ = server;
/// ```
///
/// [`ServerBuilder::principal_resolver`]: crate::ServerBuilder::principal_resolver
pub trait PrincipalResolver: Send + Sync {
    /// Finds the principal. It must not block; what takes time is a future. An empty string is no principal: the request
    /// is refused with 500.
    ///
    /// The future is dropped if the client disconnects. A client that only ends its own output on a listener may still
    /// read, so its future continues. If the future takes longer than
    /// [`Limits::store_timeout`](crate::Limits::store_timeout), it is dropped, and the request is refused as busy.
    fn resolve(&self, request: PrincipalRequest) -> Resolution;
}

/// What a resolver gets.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct PrincipalRequest {
    /// The head of the HTTP request. `None` for a connection without HTTP.
    pub head: Option<Arc<Parts>>,
    /// The client's address, as far as it counts for limits.
    pub(crate) client: Option<Key>,
    /// The credentials that were last verified on the connection.
    pub(crate) last: Option<Arc<LastVerified>>,
    /// The principal that the program attached: an extension of the request, or the option of a client in the process.
    pub attached: Option<Principal>,
}

/// The client and the connection of a request. Without HTTP, neither is known.
#[derive(Clone, Copy, Default)]
pub(crate) struct Sender<'c> {
    /// The client's address, as far as it counts for limits.
    pub(crate) client: Option<Key>,
    /// The credentials that were last verified on the connection, if it belongs to a listener of the engine.
    pub(crate) last: Option<&'c Arc<LastVerified>>,
}

/// A future of a resolver. `None` means that the sender is anonymous.
pub type PrincipalFuture = Pin<Box<dyn Future<Output = Result<Option<Principal>, PrincipalRefusal>> + Send>>;

/// What a resolver returns. `None` means that the sender is anonymous.
pub enum Resolution {
    /// The result is known.
    Ready(Result<Option<Principal>, PrincipalRefusal>),
    /// The result takes time.
    Pending(PrincipalFuture),
}

impl fmt::Debug for Resolution {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Resolution::Ready(result) => f.debug_tuple("Ready").field(result).finish(),
            Resolution::Pending(_) => f.write_str("Pending"),
        }
    }
}

/// Why a request is refused before it is handled. A connection without HTTP is closed instead, and the log has the reason.
#[derive(Debug)]
pub struct PrincipalRefusal {
    pub(crate) kind: RefusalKind,
    /// For the client, unless the resolver has failed.
    pub(crate) message: String,
    pub(crate) challenges: Vec<HeaderValue>,
    /// The word for the reason in the challenge of the server (RFC 6750, section 3.1).
    pub(crate) error: Option<&'static str>,
    /// The time after which the client may try again.
    pub(crate) retry_after: Option<Duration>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RefusalKind {
    Unauthorized,
    Forbidden,
    Malformed,
    TooMany,
    Unavailable,
    Failed,
}

impl PrincipalRefusal {
    fn new(kind: RefusalKind, message: impl Into<String>) -> PrincipalRefusal {
        PrincipalRefusal {
            kind,
            message: message.into(),
            challenges: Vec::new(),
            error: None,
            retry_after: None,
        }
    }

    /// 401: the request has no valid credentials. The client gets the message.
    pub fn unauthorized(message: impl Into<String>) -> PrincipalRefusal {
        PrincipalRefusal::new(RefusalKind::Unauthorized, message)
    }

    /// The same, for a token that is not valid: the challenge says so.
    pub fn invalid_token(message: impl Into<String>) -> PrincipalRefusal {
        PrincipalRefusal { error: Some("invalid_token"), ..PrincipalRefusal::unauthorized(message) }
    }

    /// 400: the credentials are not well formed. The client gets the message.
    pub fn malformed(message: impl Into<String>) -> PrincipalRefusal {
        PrincipalRefusal {
            error: Some("invalid_request"),
            ..PrincipalRefusal::new(RefusalKind::Malformed, message)
        }
    }

    /// 429: the sender has failed too often. The client gets the message, and may retry after this time.
    pub fn too_many(message: impl Into<String>, retry_after: Duration) -> PrincipalRefusal {
        PrincipalRefusal {
            retry_after: Some(retry_after),
            ..PrincipalRefusal::new(RefusalKind::TooMany, message)
        }
    }

    /// 403: the credentials are valid, but not sufficient. The client gets the message.
    pub fn forbidden(message: impl Into<String>) -> PrincipalRefusal {
        PrincipalRefusal::new(RefusalKind::Forbidden, message)
    }

    /// 503: the principal cannot be found now. The client gets the message, and may retry.
    pub fn unavailable(message: impl Into<String>) -> PrincipalRefusal {
        PrincipalRefusal::new(RefusalKind::Unavailable, message)
    }

    /// 500: the resolver has failed. The log gets the reason. If errors are masked, the client gets a reference instead.
    pub fn failed(reason: impl Into<String>) -> PrincipalRefusal {
        PrincipalRefusal::new(RefusalKind::Failed, reason)
    }

    /// Adds a `WWW-Authenticate` header to the response.
    pub fn challenge(mut self, value: HeaderValue) -> PrincipalRefusal {
        self.challenges.push(value);
        self
    }
}

impl fmt::Display for PrincipalRefusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for PrincipalRefusal {}
