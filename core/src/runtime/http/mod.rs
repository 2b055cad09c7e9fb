//! Streamable HTTP.

use super::options::HttpOptions;
use crate::error::{Error, ErrorKind};
use crate::host::Engine;
use std::net::SocketAddr;
use std::time::Duration;

/// A started HTTP listener.
pub(crate) struct Listener {
    address: SocketAddr,
}

impl Listener {
    /// Binds and starts to accept: on `handle`, or on a runtime of its own.
    pub(crate) fn start(
        _engine: &Engine,
        options: HttpOptions,
        _handle: Option<tokio::runtime::Handle>,
    ) -> Result<Listener, Error> {
        Err(Error::new(ErrorKind::Address, format!("cannot listen on {}", options.address)))
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// The URL of the endpoint.
    pub(crate) fn url(&self) -> String {
        format!("http://{}/mcp", self.address)
    }

    /// Accepts no more connections; open ones go on.
    pub(crate) fn stop_accepting(&self) {}

    /// Lets open exchanges finish within `deadline`, then ends them. Blocks.
    pub(crate) fn close(&self, _deadline: Duration) {}
}
