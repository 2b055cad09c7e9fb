//! Idle connections, bounded in number and time.

use crate::locks::Mutex;
use crate::runtime::outgoing::connection::Connection;
use crate::runtime::outgoing::request::Trust;
use crate::runtime::outgoing::url::Origin;
use std::sync::{Arc, Weak};
use std::time::Duration;
use tokio::time::Instant;

/// What a connection may be reused for. A connection to an address that only the operator may name must not serve a URL
/// that a peer gave, so the trust is a part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Key {
    pub(super) origin: Origin,
    pub(super) trust: Trust,
}

pub(super) struct Pool {
    max_idle: usize,
    idle_timeout: Duration,
    state: Mutex<State>,
    /// The pool itself, for the task that closes old connections.
    this: Weak<Pool>,
}

#[derive(Default)]
struct State {
    /// The oldest first.
    idle: Vec<Idle>,
    /// Whether a task closes old connections. There is one while connections are idle.
    expiring: bool,
}

struct Idle {
    key: Key,
    connection: Connection,
    until: Instant,
}

impl Pool {
    pub(super) fn new(max_idle: usize, idle_timeout: Duration) -> Arc<Pool> {
        Arc::new_cyclic(|this| Pool { max_idle, idle_timeout, state: Mutex::default(), this: this.clone() })
    }

    /// Takes the connection that was used last.
    pub(super) fn take(&self, key: &Key) -> Option<Connection> {
        let now = Instant::now();
        let mut state = self.state.lock();
        state.idle.retain(|idle| idle.connection.is_ready() && idle.until > now);
        let place = state.idle.iter().rposition(|idle| idle.key == *key)?;
        Some(state.idle.remove(place).connection)
    }

    /// Keeps a connection. If there are too many, the oldest one is closed.
    pub(super) fn put(&self, key: Key, connection: Connection) {
        let Some(until) = Instant::now().checked_add(self.idle_timeout) else { return };
        let mut state = self.state.lock();
        if self.max_idle == 0 {
            return;
        }
        if state.idle.len() >= self.max_idle {
            state.idle.remove(0);
        }
        state.idle.push(Idle { key, connection, until });
        if !std::mem::replace(&mut state.expiring, true) {
            tokio::spawn(expire(self.this.clone()));
        }
    }

    /// Closes connections that were idle for too long. Returns when the next one is due.
    fn expired(&self) -> Option<Instant> {
        let now = Instant::now();
        let mut state = self.state.lock();
        state.idle.retain(|idle| idle.connection.is_ready() && idle.until > now);
        let next = state.idle.first().map(|idle| idle.until);
        state.expiring = next.is_some();
        next
    }
}

/// Closes old connections until none is idle.
async fn expire(pool: Weak<Pool>) {
    while let Some(next) = pool.upgrade().and_then(|pool| pool.expired()) {
        tokio::time::sleep_until(next).await;
    }
}
