//! The head of a request, which the program passes in step by step.

use crate::dispatch::principal::Principal;
use crate::error::Error;
use crate::host::{Attachment, LaneId};
use crate::runtime::http::connection::caller::RemoteAddress;
use crate::runtime::http::connection::deferred_principal::DeferredPrincipal;
use crate::runtime::http::connection::request_extensions::LaneRedirects;
use http::request::Parts;
use http::{HeaderName, HeaderValue, Method, Request, Uri, Version};
use std::any::Any;
use std::sync::Arc;

/// The head of a request, for [`Exchange::new`](super::Exchange::new). If a value is not valid in HTTP, the method
/// fails, and the error names the value. A program's server should have refused such a request already.
///
/// The program has already decided that the request is for this endpoint, so the path only serves the metadata of a
/// protected resource (RFC 9728) and the challenges that name it. It is the pseudo-header `:path`.
#[derive(Debug)]
pub struct RequestHead(pub(super) Parts);

impl RequestHead {
    /// Creates the head of an HTTP/1.1 request. Fails if `method` is not a valid HTTP method.
    pub fn new(method: &str) -> Result<RequestHead, Error> {
        let (mut head, ()) = Request::new(()).into_parts();
        head.method = Method::from_bytes(method.as_bytes()).map_err(|_| {
            Error::invalid(format!("invalid HTTP method {method:?}: it must be a word such as GET"))
        })?;
        Ok(RequestHead(head))
    }

    /// Sets the major HTTP version of the client: 1, 2 or 3. The default is 1. Only a response to version 1 may
    /// announce that its connection is closed.
    pub fn version(&mut self, major: u8) {
        self.0.version = match major {
            2 => Version::HTTP_2,
            3 => Version::HTTP_3,
            _ => Version::HTTP_11,
        };
    }

    /// Adds a header; several headers may have the same name. The pseudo-header `:authority` of HTTP/2 (RFC 9113,
    /// section 8.3.1) is used as `Host`, and `:path` sets the path in every version of HTTP. Other pseudo-headers are
    /// ignored. Fails if the name or the value is not valid, or if there are too many headers.
    pub fn header(&mut self, name: impl AsRef<[u8]>, value: impl AsRef<[u8]>) -> Result<(), Error> {
        let (name, value) = (name.as_ref(), value.as_ref());
        let shown = || String::from_utf8_lossy(name).into_owned();
        let own = match name {
            b":authority" => http::header::HOST,
            b":path" => {
                self.0.uri = path_of(value);
                return Ok(());
            }
            // The other pseudo-headers of HTTP/2 are passed in elsewhere, or are not needed.
            [b':', ..] => return Ok(()),
            _ => HeaderName::from_bytes(name).map_err(|_| {
                Error::invalid(format!("invalid header name {:?}: use letters, digits and hyphens", shown()))
            })?,
        };
        let value = HeaderValue::from_bytes(value).map_err(|_| {
            Error::invalid(format!("header {:?} has an invalid value: remove control characters", shown()))
        })?;
        let added = self.0.headers.try_append(own, value);
        added.map(drop).map_err(|_| Error::invalid("the request has too many headers"))
    }

    /// Sets the principal of the request, if the program knows it. It must not be empty.
    pub fn principal(&mut self, principal: impl Into<Principal>) {
        self.0.extensions.insert(principal.into());
    }

    /// Declares that the program finds the principal when the exchange asks for it; see
    /// [`Exchange::wants_principal`](super::Exchange::wants_principal).
    pub fn defer_principal(&mut self) {
        self.0.extensions.insert(Arc::<DeferredPrincipal>::default());
    }

    /// Sets the client's IP address, without a port. The client's usage counts towards the share of this address, such
    /// as [`Limits::max_address_calls`](crate::Limits::max_address_calls). Without an address, only the total limits
    /// apply. Fails if `address` is not an IP address.
    pub fn address(&mut self, address: &str) -> Result<(), Error> {
        // A link-local address may contain the name of its interface.
        let plain = address.split_once('%').map_or(address, |(plain, _)| plain);
        let parsed = plain.parse().map_err(|_| {
            Error::invalid(format!(
                "invalid IP address {address:?}: write it like 192.0.2.1 or 2001:db8::1, without a port"
            ))
        })?;
        self.0.extensions.insert(RemoteAddress(parsed));
        Ok(())
    }

    /// Attaches a value to the request. Its calls read the value as the
    /// [`attachment`](crate::RequestOrigin::attachment) of their origin.
    pub fn attach(&mut self, value: impl Any + Send + Sync) {
        self.0.extensions.insert(Attachment::new(value));
    }

    /// Redirects the calls of this request: calls for the first lane of a pair go to the second lane.
    pub fn lanes(&mut self, pairs: Arc<[(LaneId, LaneId)]>) {
        self.0.extensions.insert(LaneRedirects(pairs));
    }
}

/// The path of a request target. A target without a valid path counts as `/`, because only the metadata needs the path.
fn path_of(target: &[u8]) -> Uri {
    let path = target.split(|byte| *byte == b'?').next().unwrap_or_default();
    // Requests through a proxy may have a whole URL.
    let parsed = Uri::try_from(path).ok().and_then(|uri| uri.into_parts().path_and_query);
    parsed.map(Uri::from).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_path_is_that_of_a_valid_target() {
        for (target, path) in [
            ("/mcp", "/mcp"),
            ("/mcp/?a=b#c", "/mcp/"),
            ("http://shop.example/mcp?a", "/mcp"),
            ("*", "*"),
            ("", "/"),
            ("?a", "/"),
            ("mcp", "/"),
            ("/a b", "/"),
            ("/a\n", "/"),
        ] {
            let mut head = RequestHead::new("GET").unwrap();
            head.header(":path", target).unwrap();
            assert_eq!(head.0.uri.path(), path, "{target:?}");
            assert!(head.0.headers.is_empty());
        }
    }
}
