//! The head of a request that a program passes in piece by piece.

use crate::error::Error;
use crate::host::{Attachment, LaneId};
use crate::runtime::http::connection::caller::RemoteAddress;
use crate::runtime::http::connection::request_extensions::{LaneRedirects, Principal};
use http::request::Parts;
use http::{HeaderName, HeaderValue, Method, Request, Version};
use std::any::Any;
use std::sync::Arc;

/// The head of a request, for [`Exchange::new`](super::Exchange::new). Data that HTTP does not allow gives an error
/// that names it; the program's server should have refused it.
///
/// The path does not matter, because the program has decided that the request is for the endpoint.
#[derive(Debug)]
pub struct RequestHead(pub(super) Parts);

impl RequestHead {
    /// An HTTP/1.1 request with this method.
    pub fn new(method: &str) -> Result<RequestHead, Error> {
        let (mut head, ()) = Request::new(()).into_parts();
        head.method = Method::from_bytes(method.as_bytes()).map_err(|_| {
            Error::invalid(format!("invalid HTTP method {method:?}: it must be a word such as GET"))
        })?;
        Ok(RequestHead(head))
    }

    /// The major HTTP version of the client. Only a response to version 1 may announce the end of its connection.
    pub fn version(&mut self, major: u8) {
        self.0.version = match major {
            2 => Version::HTTP_2,
            3 => Version::HTTP_3,
            _ => Version::HTTP_11,
        };
    }

    /// Adds a header, which may exist already. HTTP/2's `:authority` is used as `Host`.
    pub fn header(&mut self, name: impl AsRef<[u8]>, value: impl AsRef<[u8]>) -> Result<(), Error> {
        let (name, value) = (name.as_ref(), value.as_ref());
        let shown = || String::from_utf8_lossy(name).into_owned();
        let own = match name {
            b":authority" => http::header::HOST,
            // The other pseudo-headers of HTTP/2 are known already, or do not matter.
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

    /// Sets the principal, if the program knows it.
    pub fn principal(&mut self, principal: &str) {
        self.0.extensions.insert(Principal(principal.into()));
    }

    /// Sets the client's IP address, without port, if the program knows it. The client's usage counts to the share of
    /// this address, such as [`Limits::max_address_calls`](crate::Limits::max_address_calls). Without it, only the
    /// total limits apply.
    pub fn address(&mut self, address: &str) -> Result<(), Error> {
        // A link-local address may name its interface.
        let plain = address.split_once('%').map_or(address, |(plain, _)| plain);
        let parsed = plain.parse().map_err(|_| {
            Error::invalid(format!(
                "invalid IP address {address:?}: write it like 192.0.2.1 or 2001:db8::1, without a port"
            ))
        })?;
        self.0.extensions.insert(RemoteAddress(parsed));
        Ok(())
    }

    /// Attaches a value, which its calls get as the [`attachment`](crate::RequestOrigin::attachment) of their arrival.
    pub fn attach(&mut self, value: impl Any + Send + Sync) {
        self.0.extensions.insert(Attachment::new(value));
    }

    /// Makes calls for the first lane of each pair go to the second.
    pub fn lanes(&mut self, pairs: Arc<[(LaneId, LaneId)]>) {
        self.0.extensions.insert(LaneRedirects(pairs));
    }
}
