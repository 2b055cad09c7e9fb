//! The client of a request: its connection, and the limits that the request counts to.

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
    /// The count of bytes for this client.
    pub(in crate::runtime::http) budget: &'c Arc<Budget>,
    /// The connection, if it is one of the engine's.
    pub(in crate::runtime::http) connection: Option<&'c Arc<ConnectionState>>,
}

impl<'c> Caller<'c> {
    /// For one of the engine's connections.
    pub(in crate::runtime::http) fn on(connection: &'c Arc<ConnectionState>) -> Caller<'c> {
        Caller { budget: connection.budget(), connection: Some(connection) }
    }

    pub(in crate::runtime::http) fn share(self) -> Option<&'c Arc<Share>> {
        self.budget.client()
    }

    /// Counts a stream to the client's share.
    pub(in crate::runtime::http) fn stream(self) -> Result<Option<Part>, Refusal> {
        shares::part(self.share(), Kind::Streams).map_err(|error| Refusal::at_limit(&error))
    }

    /// The origin of the request, with its principal if the program around the endpoint sets one.
    pub(in crate::runtime::http) fn request_origin(self, head: &Arc<Parts>) -> RequestOrigin {
        RequestOrigin { share: self.share().cloned(), ..request_origin(head) }
    }
}

/// The address that a request came from: an extension of [`http::Request`], for programs that know it. The client's
/// usage counts to the share of this address, such as
/// [`Limits::max_address_calls`](crate::Limits::max_address_calls). Without it only the total limits apply. Behind a
/// proxy, set the address that the proxy names, or leave it out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RemoteAddress(pub IpAddr);
