//! A line-based transport that has been started, with any number of clients.

use super::connection::{ClientConnection, ConnectionConfig};
use super::wire::Wire;
use crate::dispatch::observer::Transport;
use crate::dispatch::shares::{Kind, Share};
use crate::host::Engine;
use crate::proto::results::shape;
use crate::proto::version::Revision;
use crate::runtime::sockets::accept::{Serve, accept};
use crate::runtime::sockets::connections::TaskGuard;
use crate::runtime::sockets::io::{Accept, Io};
use crate::runtime::sockets::panic_boundary::{connection, essential_task};
use crate::runtime::sockets::served_connections::ServedConnections;
use crate::runtime::threads::pool::{ReactorHandle, Reactors};
use crate::runtime::threads::wake_queue::WakeQueue;
use crate::runtime::transport::interface::{ServeContext, Serving, SingleClientChannels};
use crate::runtime::transport::lifecycle::Lifecycle;
use std::future::Future;
use std::sync::Arc;

pub(super) struct StartedLines(ServedConnections);

/// Serves every client that connects.
#[derive(Clone)]
struct AcceptAll(ConnectionConfig);

impl Serve for AcceptAll {
    fn serve(
        self,
        stream: impl Io,
        wake_queue: Option<Arc<WakeQueue>>,
        guard: TaskGuard,
    ) -> impl Future<Output = ()> + Send {
        let share = guard.idle_state().share().cloned();
        let config = ConnectionConfig { budget: self.0.budget.of(share.as_ref()), share, ..self.0 };
        ClientConnection::new(stream, config, wake_queue).serve(guard)
    }

    fn engine(&self) -> &Engine {
        &self.0.engine
    }

    fn transport(&self) -> Transport {
        Transport::Lines
    }

    fn refusal(&self, share: &Share) -> Vec<u8> {
        let mut line =
            shape::error(None, Some(Revision::V2025_11_25), &share.refusal(Kind::Connections)).to_vec();
        line.push(b'\n');
        line
    }
}

/// Records the end of a channel with one client when it is dropped. The server ends with the last such channel.
struct CloseOnLastChannel(Arc<SingleClientChannels>, Arc<Lifecycle>);

impl Drop for CloseOnLastChannel {
    fn drop(&mut self) {
        if self.0.end_one(false) {
            self.1.close();
        }
    }
}

impl StartedLines {
    fn new(context: &ServeContext) -> StartedLines {
        StartedLines(ServedConnections::new(&context.lifecycle, 0))
    }

    /// Serves all connections that `acceptor` accepts.
    pub(super) fn listen(
        context: &ServeContext,
        reactors: Arc<Reactors>,
        acceptor: impl Accept,
        strict: bool,
    ) -> StartedLines {
        let started = StartedLines::new(context);
        let config = config(context, strict);
        // The accepting task counts too.
        let max = config.engine.limits().max_connections + 1;
        let (guard, handle) = (started.0.connections.enter(), reactors.first().handle.clone());
        let most = (max, config.engine.0.shares.clone());
        let (engine, all) = (context.engine.clone(), started.0.connections.clone());
        let accepts = move || accept(AcceptAll(config), acceptor, reactors, all, most, guard);
        handle.spawn(essential_task(engine, context.lifecycle.clone(), "a listener", accepts));
        started
    }

    /// Serves one client on `reactor`.
    pub(super) fn one(context: &ServeContext, reactor: &ReactorHandle, wire: impl Wire) -> StartedLines {
        let started = StartedLines::new(context);
        let client = ClientConnection::new(wire, config(context, false), reactor.wake_queue.clone());
        let (leave, guard) = (
            CloseOnLastChannel(context.channels.clone(), context.lifecycle.clone()),
            started.0.connections.enter(),
        );
        let engine = context.engine.clone();
        reactor.handle.spawn(async move {
            // If this connection is lost, its client cannot reconnect, so the failure is reported.
            let lost = || leave.1.fail("the connection of its client panicked".to_owned());
            connection(engine, move || client.serve(guard), lost).await;
            drop(leave);
        });
        started
    }
}

fn config(context: &ServeContext, strict: bool) -> ConnectionConfig {
    let (engine, drain) = (context.engine.clone(), context.lifecycle.drain());
    ConnectionConfig { budget: context.budget(), share: None, engine, drain, strict }
}

impl Serving for StartedLines {
    fn begin_end(&self) {
        self.0.begin_end();
    }

    fn drain(&self) {
        self.0.drain();
    }

    fn flush(&self) {
        self.0.flush();
    }

    fn close(&self) {
        self.0.close();
    }
}
