//! A listener: where connections come from, and how all of them end.

use super::connections::{Connections, Phase};
use super::endpoint::{Endpoint, tick};
use super::exchange::HttpService;
use super::io::{self, Accept};
use crate::error::Error;
use crate::proto::http::Access;
use crate::runtime::executor::Homes;
use crate::runtime::lifecycle::{FLUSH, Lifecycle};
use crate::runtime::options::HttpOptions;
use crate::runtime::transport::{Serving, Site, Transport, Turn};
use std::net::SocketAddr;
use std::sync::Arc;

/// A started HTTP listener.
pub(super) struct Listener {
    service: HttpService,
    connections: Arc<Connections>,
    lifecycle: Arc<Lifecycle>,
    named: Option<Named>,
}

/// How it can be reached, where that can be said.
pub(super) struct Named {
    pub(super) address: SocketAddr,
    pub(super) path: String,
}

impl Transport for HttpOptions {
    fn turn(&self) -> Turn {
        Turn::Address
    }

    /// Binds and starts to accept.
    fn start(self: Box<Self>, site: &Site) -> Result<Box<dyn Serving>, Error> {
        let named =
            |access: Access| access.allow_hosts(&self.allowed_hosts).allow_origins(&self.allowed_origins);
        if let Some(problem) = named(Access::public()).problem() {
            return Err(Error::invalid(format!("http {problem}")));
        }
        let homes = site.executor.homes()?;
        let (acceptor, address) = {
            let _entered = homes.first().handle.enter();
            io::bind(&self.address)?
        };
        let access = named(if address.ip().is_loopback() { Access::loopback() } else { Access::public() });
        let named = Named { address, path: self.path.clone() };
        Ok(Box::new(Listener::start(site, homes, acceptor, access, &self.path, Some(named))))
    }
}

impl Listener {
    /// Serves what comes from `acceptor`, whatever that is.
    pub(super) fn start(
        site: &Site,
        homes: Arc<Homes>,
        acceptor: impl Accept,
        access: Access,
        path: &str,
        named: Option<Named>,
    ) -> Listener {
        let service =
            site.http(|| HttpService::with_engine(&site.engine, Access::public())).with_access(access);
        let connections: Arc<Connections> = Arc::default();
        let endpoint =
            Endpoint { service: service.clone(), path: path.into(), connections: connections.clone() };
        let handle = homes.first().handle.clone();
        handle.spawn(tick(service.clone(), connections.enter()));
        handle.spawn(endpoint.accept(acceptor, homes, connections.enter()));
        Listener { service, connections, lifecycle: site.lifecycle.clone(), named }
    }
}

impl Serving for Listener {
    /// Listening streams and idle connections end at once.
    fn begin_end(&self) {
        self.lifecycle.on_hurry(self.connections.clone());
        self.service.end_streams();
        self.connections.advance(Phase::Draining);
    }

    fn drain(&self) {
        // The task that tells the time stays to the last.
        self.connections.wait(1, || self.lifecycle.deadline());
    }

    fn flush(&self) {
        self.connections.wait(1, || self.lifecycle.deadline() + FLUSH);
        self.connections.advance(Phase::Dead);
    }

    fn close(&self) {
        // The others only have to be polled once more.
        self.connections.wait(0, || self.lifecycle.deadline() + 2 * FLUSH);
    }

    fn address(&self) -> Option<SocketAddr> {
        self.named.as_ref().map(|named| named.address)
    }

    fn url(&self) -> Option<String> {
        self.named.as_ref().map(|named| format!("http://{}{}", named.address, named.path))
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.connections.advance(Phase::Dead);
    }
}
