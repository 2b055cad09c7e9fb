//! The end of a transport's connections: the steps of the shutdown.

use crate::runtime::sockets::connections::{Connections, Phase};
use crate::runtime::transport::lifecycle::{FLUSH_TIMEOUT, Lifecycle};
use std::sync::Arc;

/// The connections of a started transport. When this is dropped, those that are left end at once.
pub(in crate::runtime) struct ServedConnections {
    pub(in crate::runtime) connections: Arc<Connections>,
    lifecycle: Arc<Lifecycle>,
    /// The number of the transport's own tasks that run until the end.
    own_tasks: usize,
}

impl ServedConnections {
    pub(in crate::runtime) fn new(lifecycle: &Arc<Lifecycle>, own_tasks: usize) -> ServedConnections {
        ServedConnections { connections: Arc::default(), lifecycle: lifecycle.clone(), own_tasks }
    }

    /// Stops accepting connections, and ends those without a request in flight.
    pub(in crate::runtime) fn begin_end(&self) {
        self.lifecycle.on_earlier_deadline(self.connections.clone());
        self.connections.advance(Phase::Draining);
    }

    /// Waits until the connections have ended, at most until the deadline.
    pub(in crate::runtime) fn drain(&self) {
        self.connections.wait(self.own_tasks, || self.lifecycle.deadline());
    }

    /// Waits until all output is written, or until shortly after the deadline, and drops the rest.
    pub(in crate::runtime) fn flush(&self) {
        self.connections.wait(self.own_tasks, || self.lifecycle.deadline() + FLUSH_TIMEOUT);
        self.connections.advance(Phase::Dead);
    }

    /// Waits until the tasks have ended. They need only one more poll.
    pub(in crate::runtime) fn close(&self) {
        self.connections.wait(0, || self.lifecycle.deadline() + 2 * FLUSH_TIMEOUT);
    }
}

impl Drop for ServedConnections {
    fn drop(&mut self) {
        self.connections.advance(Phase::Dead);
    }
}
