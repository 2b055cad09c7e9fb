//! The server half of the line-based transports: sockets and streams. Descriptors are served by `stdio`.

use super::started::StartedLines;
use super::wire::{self, BoxedStream};
use crate::dispatch::observer::Transport as ObservedTransport;
use crate::error::Error;
use crate::runtime::options::transports::TransportKind;
use crate::runtime::options::unix::UnixTransport;
use crate::runtime::sockets::address::exposed;
use crate::runtime::sockets::inherited_sockets;
use crate::runtime::sockets::inherited_sockets::{Connected, Listening};
use crate::runtime::sockets::observed::Observed;
use crate::runtime::sockets::unix;
use crate::runtime::transport::interface::{ServeContext, ServerTransport, Serving, StartOrder};
use rustix::fd::OwnedFd;
use std::fmt;
use std::pin::Pin;

impl ServerTransport for UnixTransport {
    fn kind(&self) -> TransportKind {
        TransportKind::Unix
    }

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

impl ServerTransport for Socket {
    fn kind(&self) -> TransportKind {
        TransportKind::Socket
    }

    fn check(&self) -> Result<(), Error> {
        inherited_sockets::inspect(&self.0).map(drop)
    }

    fn start_order(&self) -> StartOrder {
        match inherited_sockets::inspect(&self.0) {
            Ok(inherited_sockets::Socket { listens: false, .. }) => StartOrder::Descriptors,
            _ => StartOrder::Address,
        }
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
                    StartedLines::one(context, &reactor, observed(context, stream))
                }
                Connected::Unix(stream) => StartedLines::one(context, &reactor, observed(context, stream)),
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

impl ServerTransport for Stream {
    fn kind(&self) -> TransportKind {
        TransportKind::Stream
    }

    fn start_order(&self) -> StartOrder {
        StartOrder::Descriptors
    }

    fn start(self: Box<Self>, context: &ServeContext) -> Result<Box<dyn Serving>, Error> {
        let reactors = context.executor.reactors()?;
        // The engine cannot know the other end of the stream, so the stream counts as reachable from other machines.
        context.expose(Some("a stream of the program".to_owned()));
        let next = reactors.next();
        Ok(Box::new(StartedLines::one(
            context,
            next.as_ref().unwrap_or_else(|| reactors.first()),
            BoxedStream(Box::pin(observed(context, self.0))),
        )))
    }
}

/// The only connection of a transport, with its reports to observers.
fn observed<S>(context: &ServeContext, io: S) -> Observed<S> {
    Observed::new(context.engine.observers(), ObservedTransport::Lines, None, io)
}
