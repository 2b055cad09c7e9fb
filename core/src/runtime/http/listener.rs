//! A listener: where connections come from, and how all of them end.

use super::endpoint::{Endpoint, tick};
use super::exchange::HttpService;
use crate::error::{Error, ErrorKind};
use crate::proto::http::Access;
use crate::runtime::accept::accept;
use crate::runtime::connections::{Connections, Phase};
use crate::runtime::executor::Homes;
use crate::runtime::given::{self, Listening};
use crate::runtime::io::{self, Accept};
use crate::runtime::lifecycle::{FLUSH, Lifecycle};
use crate::runtime::options::{HttpOptions, Place};
use crate::runtime::transport::{Serving, Site, Transport, Turn};
use crate::runtime::unix;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

/// Its tasks besides the connections: one accepts, one tells the time.
const OWN_TASKS: usize = 2;

/// A started HTTP listener.
pub(super) struct Listener {
    service: HttpService,
    connections: Arc<Connections>,
    lifecycle: Arc<Lifecycle>,
    named: Option<Named>,
}

/// How it can be reached, where that can be said.
pub(super) struct Named {
    /// Where it is TCP.
    address: Option<SocketAddr>,
    url: String,
}

impl Named {
    fn tcp(address: SocketAddr, path: &str) -> Named {
        Named { address: Some(address), url: format!("http://{address}{path}") }
    }

    /// The form in which [`HttpOptions::new`] takes it.
    fn unix(file: &Path, path: &str) -> Named {
        Named { address: None, url: format!("unix:{}:{path}", file.display()) }
    }
}

impl Transport for HttpOptions {
    fn check(&self) -> Result<(), Error> {
        match &self.place {
            Place::Address(_) => Ok(()),
            Place::Unix(unix) => unix::check_mode(unix.mode),
            Place::Socket(socket) => given::look(socket).map(drop),
        }
    }

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
        let home = homes.first().handle.clone();
        let _entered = home.enter();
        let path = &*self.path;
        let tcp = |homes, acceptor, address: SocketAddr| {
            let access = if address.ip().is_loopback() { Access::loopback() } else { Access::public() };
            Listener::start(site, homes, acceptor, named(access), path, Some(Named::tcp(address, path)))
        };
        // What a page can reach it through is a proxy that others can reach.
        let access = || named(Access::public());
        let listener = match &self.place {
            Place::Address(address) => {
                let (acceptor, address) = io::bind(address)?;
                tcp(homes, acceptor, address)
            }
            Place::Unix(unix) => {
                let name = Named::unix(&unix.path, path);
                let bound = unix::bind(&unix.path, unix.mode)?;
                Listener::start(site, homes, bound, access(), path, Some(name))
            }
            Place::Socket(socket) => {
                let io = |error| Error::new(ErrorKind::Io, format!("socket: {error}"));
                match given::listening(socket.try_clone().map_err(io)?)? {
                    Listening::Tcp(listener) => {
                        let address = listener.local_addr().map_err(io)?;
                        tcp(homes, listener, address)
                    }
                    Listening::Unix(listener) => {
                        let address = listener.local_addr().map_err(io)?;
                        let name = address.as_pathname().map(|file| Named::unix(file, path));
                        Listener::start(site, homes, listener, access(), path, name)
                    }
                }
            }
        };
        Ok(Box::new(listener))
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
        let endpoint = Endpoint { service: service.clone(), path: path.into() };
        let handle = homes.first().handle.clone();
        handle.spawn(tick(service.clone(), connections.enter()));
        let (place, max) = (connections.enter(), service.limits().max_connections + OWN_TASKS);
        handle.spawn(accept(endpoint, acceptor, homes, connections.clone(), max, place));
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
        self.named.as_ref()?.address
    }

    fn url(&self) -> Option<String> {
        self.named.as_ref().map(|named| named.url.clone())
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.connections.advance(Phase::Dead);
    }
}
