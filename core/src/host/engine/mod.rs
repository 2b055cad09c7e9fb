//! The engine's interface for transports: it takes received messages, starts calls, and cancels or times them out.

mod end;
mod own_call;
mod receive;
mod scope;
mod timeout;

use crate::dispatch::limits::Limits;
pub use crate::host::engine::scope::{Accepted, Scope};
use crate::host::engine_state::{Attached, Shared};
use crate::host::lanes::port::HostPort;
use crate::host::lanes::threads::Threads;
use crate::host::lanes::wake::Wake;
use crate::host::session::peer::Peer;
use crate::proto::version::Revisions;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Weak};
use std::time::Instant;

/// The transports' interface of the engine. It is cheap to clone. Every method may be called from any thread, and
/// none waits for a host.
#[derive(Clone)]
pub struct Engine(pub(crate) Arc<Shared>);

impl Engine {
    /// Marks the engine as served. Returns `false` if it already was.
    pub(crate) fn begin_serving(&self) -> bool {
        !self.0.serving.swap(true, Ordering::AcqRel)
    }

    /// Makes the engine refuse further calls, because the server is closing. Calls in flight continue.
    pub(crate) fn begin_closing(&self) {
        self.0.closing.store(true, Ordering::Release);
    }

    /// Marks the engine as no longer served, so that it may be served again.
    pub(crate) fn end_serving(&self) {
        self.close_store();
        self.end_life();
        #[cfg(feature = "runtime")]
        self.0.pages.release();
        let attached = {
            let mut attached = self.0.attached.lock();
            self.0.closing.store(false, Ordering::Release);
            // This happens under the lock: a client that attaches from now on belongs to the next start.
            self.0.serving.store(false, Ordering::Release);
            std::mem::take(&mut *attached)
        };
        attached.iter().filter_map(|one| one.who.upgrade()).for_each(|who| who.wake());
    }

    /// The in-process clients that have calls in flight.
    #[cfg(feature = "runtime")]
    pub(crate) fn attached(&self) -> Vec<Arc<Peer>> {
        let mut peers: Vec<Arc<Peer>> =
            self.0.attached.lock().iter().filter_map(|one| one.peer.upgrade()).collect();
        peers.retain(|peer| peer.in_flight() > 0);
        peers
    }

    /// Attaches an in-process client. `who` is called once, when the engine stops serving. Returns `false` if the
    /// engine is not serving now.
    pub(crate) fn attach(&self, who: Weak<dyn Wake>, peer: &Arc<Peer>) -> bool {
        let mut attached = self.0.attached.lock();
        // Checked under the lock: the thread that ends serving reads the list afterwards.
        if !self.0.serving.load(Ordering::Acquire) {
            return false;
        }
        if attached.len() == attached.capacity() {
            attached.retain(|one| one.who.strong_count() > 0);
        }
        attached.push(Attached { peer: Arc::downgrade(peer), who });
        true
    }

    /// Registers `who` to be notified of the threads that inline handlers occupy.
    #[cfg(feature = "runtime")]
    pub(crate) fn set_occupancy_listener(&self, who: std::sync::Weak<dyn crate::host::Occupancy>) {
        self.0.occupied.tell(who);
    }

    /// The settings of the engine's threads, for a host that starts threads of its own.
    pub fn threads(&self) -> &Threads {
        &self.0.threads
    }

    /// Whether both are the same engine.
    pub fn is(&self, other: &Engine) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    /// The limits in force.
    pub fn limits(&self) -> &Limits {
        &self.0.limits
    }

    /// The present time, by the engine's clock.
    pub fn now(&self) -> Instant {
        self.0.now()
    }

    /// Whether the output schema of a tool allows a result that is not an object, so that the result must be wrapped.
    pub(crate) fn wraps(&self, tool: &str) -> bool {
        self.0.catalog.get(crate::proto::catalog::kind::Kind::Tool, tool).is_some_and(|entry| entry.wraps)
    }

    /// The revisions that the engine supports.
    pub(crate) fn revisions(&self) -> Revisions {
        self.0.shaper.revisions()
    }

    /// The environment that the engine was created with.
    pub(crate) fn environment(&self) -> &Arc<dyn crate::dispatch::environment::Environment> {
        &self.0.environment
    }

    /// The store, which keeps what outlives a request. If a host runs it, it answers only while the server is served.
    pub fn store(&self) -> &Arc<dyn crate::dispatch::store::Store> {
        &self.0.store
    }

    /// The server's observers, for what clients do not receive.
    pub(crate) fn observers(&self) -> &crate::dispatch::observer::Observers {
        &self.0.observers
    }

    /// The interface of this engine for hosts.
    pub fn port(&self) -> HostPort {
        HostPort(self.0.clone())
    }

    /// The number of calls in flight in the whole server.
    pub fn in_flight(&self) -> usize {
        self.0.calls.len()
    }

    /// Sets `wake` to be called whenever [`Engine::next_deadline`] becomes earlier.
    pub fn set_timer(&self, wake: Arc<dyn Wake>) {
        let before = self.0.timer.lock().replace(wake);
        drop(before);
    }
}
