//! The client of a request: its connection, and the limits that the request counts to.

use crate::dispatch::shares::{self, Kind, Part, Share};
use crate::host::Arrival;
use crate::proto::http::Refusal;
use crate::runtime::http::connection::arrival::arrival;
use crate::runtime::http::connection::budget::Budget;
use crate::runtime::http::connection::connection_state::Link;
use http::request::Parts;
use std::net::IpAddr;
use std::sync::Arc;

/// Where a request came from.
#[derive(Clone, Copy)]
pub(in crate::runtime::http) struct Caller<'c> {
    /// The account of memory, as this client has it.
    pub(in crate::runtime::http) budget: &'c Arc<Budget>,
    /// The connection, if it is one of ours.
    pub(in crate::runtime::http) link: Option<&'c Arc<Link>>,
}

impl<'c> Caller<'c> {
    /// A connection of ours.
    pub(in crate::runtime::http) fn on(link: &'c Arc<Link>) -> Caller<'c> {
        Caller { budget: link.budget(), link: Some(link) }
    }

    pub(in crate::runtime::http) fn share(self) -> Option<&'c Arc<Share>> {
        self.budget.client()
    }

    /// Counts a stream to the client's share.
    pub(in crate::runtime::http) fn stream(self) -> Result<Option<Part>, Refusal> {
        shares::part(self.share(), Kind::Streams).map_err(|error| Refusal::at_limit(&error))
    }

    /// How a request came, and who sent it if the program around the endpoint says so.
    pub(in crate::runtime::http) fn arrival(self, head: &Arc<Parts>) -> Arrival {
        Arrival { share: self.share().cloned(), ..arrival(head) }
    }
}

/// The address that a request came from: an extension of [`http::Request`], for programs that know it. What the client has
/// counts to the share of this address, such as [`Limits::max_address_calls`](crate::Limits::max_address_calls); without it
/// only the totals hold. Behind a proxy it should be the address that the proxy names, or be left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RemoteAddress(pub IpAddr);
