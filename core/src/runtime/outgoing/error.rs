//! What can go wrong with an outgoing request, and in which phase.

use crate::locks::Mutex;
use std::error::Error;
use std::fmt;
use std::time::Duration;

/// The phases of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Other requests are in flight, and this one waits for its turn.
    Waiting,
    /// The name of the host is resolved.
    Resolve,
    /// TCP connects, to the host or to a proxy.
    Connect,
    /// The proxy connects to the host.
    Proxy,
    /// The root certificates are read, and TLS is negotiated.
    Tls,
    /// The request is sent, and the head of the response is awaited.
    Head,
    /// The body of the response is read.
    Body,
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Phase::Waiting => "waiting for requests in flight",
            Phase::Resolve => "resolving the host",
            Phase::Connect => "connecting",
            Phase::Proxy => "connecting through the proxy",
            Phase::Tls => "negotiating TLS",
            Phase::Head => "waiting for the head of the response",
            Phase::Body => "reading the body of the response",
        })
    }
}

/// An outgoing request that has no response. Each `url` is without user info and query, which may contain secrets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HttpClientError {
    /// The request cannot be sent as it is.
    Invalid {
        /// The URL of the request.
        url: String,
        /// What is wrong, and what to do.
        reason: String,
    },
    /// The rules for URLs that a peer gave forbid this request.
    Refused {
        /// The URL of the request.
        url: String,
        /// The rule, and what to do.
        reason: String,
    },
    /// Too many requests are in flight and waiting.
    Busy {
        /// The URL of the request.
        url: String,
        /// How many requests may be in flight.
        in_flight: usize,
        /// How many further requests may wait.
        waiting: usize,
    },
    /// A phase took too long.
    Timeout {
        /// The URL of the request.
        url: String,
        /// The phase in which the time ended.
        phase: Phase,
        /// The time that the request, or its connection, was allowed to take.
        after: Duration,
    },
    /// A phase failed.
    Failed {
        /// The URL of the request.
        url: String,
        /// The phase that failed.
        phase: Phase,
        /// Why.
        cause: String,
    },
    /// The response is larger than allowed.
    TooLarge {
        /// The URL of the request.
        url: String,
        /// [`Phase::Head`] or [`Phase::Body`].
        phase: Phase,
        /// The limit in bytes.
        limit: usize,
    },
    /// The response is a redirect that is not followed.
    Redirect {
        /// The URL that was redirected.
        url: String,
        /// Why the redirect is not followed, with the origin of its target.
        reason: String,
    },
    /// The client itself cannot work.
    Unavailable {
        /// The URL of the request.
        url: String,
        /// Why.
        reason: String,
    },
}

impl fmt::Display for HttpClientError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Invalid { url, reason } => write!(f, "cannot request {url}: {reason}"),
            Self::Refused { url, reason } => write!(f, "the request to {url} is refused: {reason}"),
            Self::Busy { url, in_flight, waiting } => write!(
                f,
                "cannot request {url} now: {in_flight} outgoing requests are in flight and {waiting} wait; retry later"
            ),
            Self::Timeout { url, phase, after } => {
                write!(f, "the request to {url} timed out after {} s while {phase}", after.as_secs_f32())
            }
            Self::Failed { url, phase, cause } => {
                write!(f, "the request to {url} failed while {phase}: {cause}")
            }
            Self::TooLarge { url, phase, limit } => {
                let part = if *phase == Phase::Head { "head" } else { "body" };
                write!(
                    f,
                    "the {part} of the response of {url} has more than {limit} bytes or too many headers"
                )
            }
            Self::Redirect { url, reason } => {
                write!(f, "the redirect of {url} is not followed: {reason}")
            }
            Self::Unavailable { url, reason } => {
                write!(f, "the HTTP client cannot request {url}: {reason}")
            }
        }
    }
}

impl Error for HttpClientError {}

/// The URL and the phase of a request, for its errors.
#[derive(Debug)]
pub(super) struct Progress {
    url: String,
    phase: Mutex<Phase>,
}

impl Progress {
    pub(super) fn new(url: String) -> Progress {
        Progress { url, phase: Mutex::new(Phase::Waiting) }
    }

    pub(super) fn enter(&self, phase: Phase) {
        *self.phase.lock() = phase;
    }

    pub(super) fn phase(&self) -> Phase {
        *self.phase.lock()
    }

    fn url(&self) -> String {
        self.url.clone()
    }

    pub(super) fn invalid(&self, reason: impl Into<String>) -> HttpClientError {
        HttpClientError::Invalid { url: self.url(), reason: reason.into() }
    }

    pub(super) fn refused(&self, reason: impl Into<String>) -> HttpClientError {
        HttpClientError::Refused { url: self.url(), reason: reason.into() }
    }

    pub(super) fn failed(&self, cause: impl Into<String>) -> HttpClientError {
        HttpClientError::Failed { url: self.url(), phase: self.phase(), cause: cause.into() }
    }

    pub(super) fn timeout(&self, after: Duration) -> HttpClientError {
        HttpClientError::Timeout { url: self.url(), phase: self.phase(), after }
    }

    pub(super) fn too_large(&self, phase: Phase, limit: usize) -> HttpClientError {
        HttpClientError::TooLarge { url: self.url(), phase, limit }
    }

    pub(super) fn redirect(&self, reason: impl Into<String>) -> HttpClientError {
        HttpClientError::Redirect { url: self.url(), reason: reason.into() }
    }

    pub(super) fn unavailable(&self, reason: impl Into<String>) -> HttpClientError {
        HttpClientError::Unavailable { url: self.url(), reason: reason.into() }
    }

    pub(super) fn busy(&self, in_flight: usize, waiting: usize) -> HttpClientError {
        HttpClientError::Busy { url: self.url(), in_flight, waiting }
    }
}

/// An error with its causes, each text once.
pub(super) fn with_causes(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text = format!("{text}: {cause_text}");
        }
        next = cause.source();
    }
    text
}
