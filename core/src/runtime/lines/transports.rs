//! The line-based transports other than descriptors.

use super::started::StartedLines;
use super::wire::{self, Any};
use crate::dispatch::limits::Limits;
use crate::error::Error;
use crate::runtime::server::options::UnixOptions;
use crate::runtime::server::transport::{ServeContext, Serving, StartOrder, Transport};
use crate::runtime::sockets::address::exposed;
use crate::runtime::sockets::inherited_sockets;
use crate::runtime::sockets::inherited_sockets::{Connected, Listening};
use crate::runtime::sockets::unix;
use rustix::fd::OwnedFd;
use std::fmt;
use std::pin::Pin;
use std::time::Duration;

impl Transport for UnixOptions {
    fn check(&self) -> Result<(), Error> {
        unix::check_mode(self.mode)
    }

    fn turn(&self) -> StartOrder {
        StartOrder::Address
    }

    fn start(self: Box<Self>, site: &ServeContext) -> Result<Box<dyn Serving>, Error> {
        let homes = site.executor.homes()?;
        let bound = {
            let _entered = homes.first().handle.enter();
            unix::bind(&self.path, self.mode)?
        };
        Ok(Box::new(StartedLines::listen(site, homes, bound, false)))
    }
}

/// A socket of the program's, which listens or is connected.
#[derive(Debug)]
pub(crate) struct Socket(pub(crate) OwnedFd);

impl Transport for Socket {
    fn check(&self) -> Result<(), Error> {
        inherited_sockets::look(&self.0).map(drop)
    }

    fn turn(&self) -> StartOrder {
        match inherited_sockets::look(&self.0) {
            Ok(inherited_sockets::Socket { listens: false, .. }) => StartOrder::Descriptors,
            _ => StartOrder::Address,
        }
    }

    fn drain_timeout(&self, limits: &Limits) -> Duration {
        drain_timeout(self.turn(), limits)
    }

    fn start(self: Box<Self>, site: &ServeContext) -> Result<Box<dyn Serving>, Error> {
        let homes = site.executor.homes()?;
        let home = homes.first().clone();
        let _entered = home.handle.enter();
        let started = match self.turn() {
            StartOrder::Address | StartOrder::Path => match inherited_sockets::listening(self.0)? {
                Listening::Tcp(listener) => {
                    site.expose(listener.local_addr().ok().and_then(exposed));
                    StartedLines::listen(site, homes, listener, true)
                }
                Listening::Unix(listener) => StartedLines::listen(site, homes, listener, false),
            },
            StartOrder::Descriptors => match inherited_sockets::connected(self.0)? {
                Connected::Tcp(stream) => {
                    site.expose(stream.local_addr().ok().and_then(exposed));
                    StartedLines::one(site, &home, stream)
                }
                Connected::Unix(stream) => StartedLines::one(site, &home, stream),
            },
        };
        Ok(Box::new(started))
    }
}

/// A stream of the program's, of whatever kind.
pub(crate) struct Stream(Pin<Box<dyn wire::Stream>>);

impl Stream {
    pub(in crate::runtime) fn new(stream: impl wire::Stream + 'static) -> Stream {
        Stream(Box::pin(stream))
    }
}

impl fmt::Debug for Stream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Stream")
    }
}

impl Transport for Stream {
    fn turn(&self) -> StartOrder {
        StartOrder::Descriptors
    }

    fn drain_timeout(&self, limits: &Limits) -> Duration {
        drain_timeout(self.turn(), limits)
    }

    fn start(self: Box<Self>, site: &ServeContext) -> Result<Box<dyn Serving>, Error> {
        let homes = site.executor.homes()?;
        // Where it leads is not known.
        site.expose(Some("a stream of the program's".to_owned()));
        let next = homes.next();
        Ok(Box::new(StartedLines::one(site, next.as_ref().unwrap_or_else(|| homes.first()), Any(self.0))))
    }
}

/// One client's channel ends as stdio does.
fn drain_timeout(turn: StartOrder, limits: &Limits) -> Duration {
    match turn {
        StartOrder::Descriptors => limits.drain_timeout.min(limits.stdio_drain_timeout),
        StartOrder::Address | StartOrder::Path => limits.drain_timeout,
    }
}
