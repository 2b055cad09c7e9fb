//! The client of a request: its connection, and the limits in which the request counts.

use crate::dispatch::principal::Principal;
use crate::dispatch::shares::{self, Kind, Part, Share};
use crate::host::RequestOrigin;
use crate::proto::http::Refusal;
use crate::runtime::http::connection::budget::Budget;
use crate::runtime::http::connection::connection_state::ConnectionState;
use crate::runtime::http::connection::request_extensions::request_origin;
use http::request::Parts;
use std::net::IpAddr;
use std::sync::Arc;

/// The origin of a request.
#[derive(Clone, Copy)]
pub(in crate::runtime::http) struct Caller<'c> {
    /// The byte budget of this client.
    pub(in crate::runtime::http) budget: &'c Arc<Budget>,
    /// The connection, if it belongs to a listener of the engine.
    pub(in crate::runtime::http) connection: Option<&'c Arc<ConnectionState>>,
    /// The principal, once it is resolved.
    pub(in crate::runtime::http) principal: Option<&'c Principal>,
}

impl<'c> Caller<'c> {
    /// The caller of a request on a connection of the engine.
    pub(in crate::runtime::http) fn on(connection: &'c Arc<ConnectionState>) -> Caller<'c> {
        Caller { budget: connection.budget(), connection: Some(connection), principal: None }
    }

    pub(in crate::runtime::http) fn share(self) -> Option<&'c Arc<Share>> {
        self.budget.client()
    }

    /// Counts a stream in the client's share. Refuses it if the share has no more streams.
    pub(in crate::runtime::http) fn stream(self) -> Result<Option<Part>, Refusal> {
        shares::part(self.share(), Kind::Streams).map_err(|error| Refusal::at_limit(&error))
    }

    /// The origin of the request, with the address of its client if a trusted proxy reports one.
    pub(in crate::runtime::http) fn request_origin(
        self,
        head: &Arc<Parts>,
        address: Option<shares::Key>,
    ) -> RequestOrigin {
        RequestOrigin {
            share: self.share().cloned(),
            address,
            ..request_origin(head, self.principal.cloned())
        }
    }
}

/// The IP address of a request's client: an extension of [`http::Request`] that a program with its own HTTP server can
/// set. The client's usage counts towards the share of this address, such as
/// [`Limits::max_address_calls`](crate::Limits::max_address_calls). Without this extension, only the total limits
/// apply. Behind a proxy, set the client's address that the proxy reports, or set none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RemoteAddress(pub IpAddr);
