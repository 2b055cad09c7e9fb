//! An outgoing request and its response.

use crate::runtime::outgoing::error::{HttpClientError, Progress};
use crate::runtime::outgoing::url::{Url, shown};
use bytes::Bytes;
use http::header::{self, HeaderName};
use http::{HeaderMap, Method, StatusCode};
use std::time::Duration;

/// The most bytes that names and values of request headers may have.
const MAX_REQUEST_HEADERS: usize = 64 << 10;

/// Headers that the client sets itself, or that would change how a message ends.
const RESERVED: [HeaderName; 10] = [
    header::ACCEPT_ENCODING,
    header::CONNECTION,
    header::CONTENT_LENGTH,
    header::EXPECT,
    header::HOST,
    header::PROXY_AUTHORIZATION,
    header::TE,
    header::TRAILER,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
];

/// Who named a URL.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Trust {
    /// The operator's settings named the URL. Each address is allowed, and `http` as well.
    Named,
    /// A peer or a remote document named the URL. Only `https` and public addresses are allowed.
    Discovered,
}

/// A request to send.
#[derive(Clone, Debug)]
pub struct OutgoingRequest {
    /// The method. `CONNECT` is not allowed.
    pub method: Method,
    /// The URL, which begins with `https://` or `http://`.
    pub url: String,
    /// Further headers. The client sets `Host`, `Content-Length` and `Accept-Encoding`.
    pub headers: HeaderMap,
    /// The body; empty if there is none.
    pub body: Bytes,
    /// How long the whole request may take, with its redirects and the time in which it waits for other requests.
    pub timeout: Duration,
    /// The most bytes that the body of the response may have.
    pub max_response_bytes: usize,
    /// Who named the URL.
    pub trust: Trust,
}

impl OutgoingRequest {
    /// A request without headers and body, with a timeout of 10 s and a response of at most 1 MiB.
    pub fn new(method: Method, url: impl Into<String>, trust: Trust) -> OutgoingRequest {
        OutgoingRequest {
            method,
            url: url.into(),
            headers: HeaderMap::new(),
            body: Bytes::new(),
            timeout: Duration::from_secs(10),
            max_response_bytes: 1 << 20,
            trust,
        }
    }

    /// Checks the request. Returns its URL, and the start of its errors.
    pub(super) fn checked(&self) -> Result<(Url, Progress), HttpClientError> {
        let progress = Progress::new(shown(&self.url));
        let url = Url::parse(&self.url).map_err(|reason| progress.invalid(reason))?;
        if self.method == Method::CONNECT {
            return Err(progress.invalid("the method CONNECT is only for proxies"));
        }
        if let Some(name) = RESERVED.iter().find(|name| self.headers.contains_key(*name)) {
            return Err(progress.invalid(format!("remove the header {name}, which the client sets itself")));
        }
        let bytes: usize = self.headers.iter().map(|(name, value)| name.as_str().len() + value.len()).sum();
        if bytes > MAX_REQUEST_HEADERS {
            return Err(
                progress.invalid(format!("the headers have {bytes} bytes, more than {MAX_REQUEST_HEADERS}"))
            );
        }
        Ok((url, progress))
    }

    /// Whether the request may be sent again if it is not known whether the server has received it.
    pub(super) fn is_repeatable(&self) -> bool {
        self.method == Method::GET || self.method == Method::HEAD
    }
}

/// A complete response.
#[derive(Clone, Debug)]
pub struct OutgoingResponse {
    /// The status. Statuses of failure are not errors of the client.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
}
