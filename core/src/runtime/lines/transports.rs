//! The line-based transports for sockets and streams. Descriptors are served by `stdio`.

use super::started::StartedLines;
use super::wire::{self, BoxedStream};
use crate::dispatch::limits::Limits;
use crate::error::Error;
use crate::runtime::options::unix::UnixTransport;
use crate::runtime::sockets::address::exposed;
use crate::runtime::sockets::inherited_sockets;
use crate::runtime::sockets::inherited_sockets::{Connected, Listening};
use crate::runtime::sockets::unix;
use crate::runtime::transport::interface::{ServeContext, Serving, StartOrder, Transport};
use rustix::fd::OwnedFd;
use std::fmt;
use std::pin::Pin;
use std::time::Duration;

impl Transport for UnixTransport {
    fn check(&self) -> Result<(), Error> {
        unix::check_mode(self.mode)
    }

    fn start_order(&self) -> StartOrder {
        StartOrder::Address
    }

    fn start(self: Box<Self>, context: &ServeContext) -> Result<Box<dyn Serving>, Error> {
        let reactors = context.executor.reactors()?;
        let bound = {
            let _entered = reactors.first().handle.enter();
            unix::bind(&self.path, self.mode)?
        };
        Ok(Box::new(StartedLines::listen(context, reactors, bound, false)))
    }
}

/// A socket of the program that listens or is connected.
#[derive(Debug)]
pub(crate) struct Socket(pub(crate) OwnedFd);

impl Transport for Socket {
    fn check(&self) -> Result<(), Error> {
        inherited_sockets::inspect(&self.0).map(drop)
    }

    fn start_order(&self) -> StartOrder {
        match inherited_sockets::inspect(&self.0) {
            Ok(inherited_sockets::Socket { listens: false, .. }) => StartOrder::Descriptors,
            _ => StartOrder::Address,
        }
    }

    fn drain_timeout(&self, limits: &Limits) -> Duration {
        drain_timeout(self.start_order(), limits)
    }

    fn start(self: Box<Self>, context: &ServeContext) -> Result<Box<dyn Serving>, Error> {
        let reactors = context.executor.reactors()?;
        let reactor = reactors.first().clone();
        let _entered = reactor.handle.enter();
        let started = match self.start_order() {
            StartOrder::Address | StartOrder::Path => match inherited_sockets::listening(self.0)? {
                Listening::Tcp(listener) => {
                    context.expose(listener.local_addr().ok().and_then(exposed));
                    StartedLines::listen(context, reactors, listener, true)
                }
                Listening::Unix(listener) => StartedLines::listen(context, reactors, listener, false),
            },
            StartOrder::Descriptors => match inherited_sockets::connected(self.0)? {
                Connected::Tcp(stream) => {
                    context.expose(stream.local_addr().ok().and_then(exposed));
                    StartedLines::one(context, &reactor, stream)
                }
                Connected::Unix(stream) => StartedLines::one(context, &reactor, stream),
            },
        };
        Ok(Box::new(started))
    }
}

/// A stream of the program, of any type.
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
    fn start_order(&self) -> StartOrder {
        StartOrder::Descriptors
    }

    fn drain_timeout(&self, limits: &Limits) -> Duration {
        drain_timeout(self.start_order(), limits)
    }

    fn start(self: Box<Self>, context: &ServeContext) -> Result<Box<dyn Serving>, Error> {
        let reactors = context.executor.reactors()?;
        // The engine cannot know the other end of the stream, so the stream counts as reachable from other machines.
        context.expose(Some("a stream of the program".to_owned()));
        let next = reactors.next();
        Ok(Box::new(StartedLines::one(
            context,
            next.as_ref().unwrap_or_else(|| reactors.first()),
            BoxedStream(self.0),
        )))
    }
}

/// The drain timeout of a transport. A channel with one client has the timeout of stdio.
fn drain_timeout(order: StartOrder, limits: &Limits) -> Duration {
    match order {
        StartOrder::Descriptors => limits.drain_timeout.min(limits.stdio_drain_timeout),
        StartOrder::Address | StartOrder::Path => limits.drain_timeout,
    }
}
