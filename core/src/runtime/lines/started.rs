//! A line-based transport that has been started, with any number of clients.

use super::client::{Client, ConnectionConfig};
use super::wire::Wire;
use crate::dispatch::shares::{Kind, Share};
use crate::host::Engine;
use crate::proto::results::shape;
use crate::proto::session::version::Revision;
use crate::runtime::server::lifecycle::{FLUSH, Lifecycle};
use crate::runtime::server::transport::{Lines, ServeContext, Serving};
use crate::runtime::sockets::accept::{Serve, accept};
use crate::runtime::sockets::connections::{Connections, Phase, TaskGuard};
use crate::runtime::sockets::io::{Accept, Io};
use crate::runtime::sockets::panic_boundary::{connection, needed};
use crate::runtime::threads::pool::{ReactorHandle, Reactors};
use crate::runtime::threads::wake_queue::Mailbox;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

pub(super) struct StartedLines {
    connections: Arc<Connections>,
    lifecycle: Arc<Lifecycle>,
}

/// Whoever connects.
#[derive(Clone)]
struct AcceptAll(ConnectionConfig);

impl Serve for AcceptAll {
    fn serve(
        self,
        stream: impl Io,
        mailbox: Option<Arc<Mailbox>>,
        guard: TaskGuard,
    ) -> impl Future<Output = ()> + Send {
        let share = guard.idle_state().share().cloned();
        let terms = ConnectionConfig { budget: self.0.budget.of(share.as_ref()), share, ..self.0 };
        Client::new(stream, terms, mailbox).serve(guard)
    }

    fn engine(&self) -> &Engine {
        &self.0.engine
    }

    fn refusal(&self, share: &Share) -> Vec<u8> {
        let mut line =
            shape::error(None, Some(Revision::V2025_11_25), &share.refusal(Kind::Connections)).to_vec();
        line.push(b'\n');
        line
    }
}

/// The end of a channel that has one client: the server ends with the last of them.
struct CloseOnLastChannel(Arc<Lines>, Arc<Lifecycle>);

impl Drop for CloseOnLastChannel {
    fn drop(&mut self) {
        if self.0.leave(false) {
            self.1.close();
        }
    }
}

impl StartedLines {
    fn new(site: &ServeContext) -> StartedLines {
        StartedLines { connections: Arc::default(), lifecycle: site.lifecycle.clone() }
    }

    /// Serves everybody who comes from `acceptor`.
    pub(super) fn listen(
        site: &ServeContext,
        homes: Arc<Reactors>,
        acceptor: impl Accept,
        strict: bool,
    ) -> StartedLines {
        let started = StartedLines::new(site);
        let terms = terms(site, strict);
        // The task that accepts is one of those that are counted.
        let max = terms.engine.limits().max_connections + 1;
        let (guard, handle) = (started.connections.enter(), homes.first().handle.clone());
        let most = (max, terms.engine.0.shares.clone());
        let (engine, all) = (site.engine.clone(), started.connections.clone());
        let accepts = move || accept(AcceptAll(terms), acceptor, homes, all, most, guard);
        handle.spawn(needed(engine, site.lifecycle.clone(), "a listener", accepts));
        started
    }

    /// Serves one client, on `home`.
    pub(super) fn one(site: &ServeContext, home: &ReactorHandle, wire: impl Wire) -> StartedLines {
        let started = StartedLines::new(site);
        let client = Client::new(wire, terms(site, false), home.mailbox.clone());
        let (leave, guard) =
            (CloseOnLastChannel(site.lines.clone(), site.lifecycle.clone()), started.connections.enter());
        let engine = site.engine.clone();
        home.handle.spawn(async move {
            // Its one client cannot come back.
            let lost = || leave.1.fail("the connection of its client panicked".to_owned());
            connection(engine, move || client.serve(guard), lost).await;
            drop(leave);
        });
        started
    }
}

fn terms(site: &ServeContext, strict: bool) -> ConnectionConfig {
    let (engine, drain) = (site.engine.clone(), site.lifecycle.drain());
    ConnectionConfig { budget: site.budget(), share: None, engine, drain, strict }
}

impl Serving for StartedLines {
    fn begin_end(&self) {
        self.lifecycle.on_hurry(self.connections.clone());
        self.connections.advance(Phase::Draining);
    }

    fn drain(&self) {
        self.connections.wait(0, || self.lifecycle.deadline());
    }

    fn flush(&self) {
        self.connections.wait(0, || self.lifecycle.deadline() + FLUSH);
        self.connections.advance(Phase::Dead);
    }

    fn close(&self) {
        // They only have to be polled once more.
        self.connections.wait(0, || self.lifecycle.deadline() + FLUSH + Duration::from_millis(300));
    }
}

impl Drop for StartedLines {
    fn drop(&mut self) {
        self.connections.advance(Phase::Dead);
    }
}
