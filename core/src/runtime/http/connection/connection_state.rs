//! The state that a connection's socket and its current exchange share. The connection's task polls both.

use crate::host::LastVerified;
use crate::locks::Mutex;
use crate::runtime::http::connection::budget::Budget;
use crate::runtime::http::connection::upgrade::Upgrade;
use crate::runtime::http::response::body::ResponseBody;
use crate::runtime::sockets::idle_state::IdleState;
use crate::runtime::threads::wake_queue::WakeQueue;
use http::Response;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering::Relaxed};
use std::time::Instant;

pub(in crate::runtime::http) struct ConnectionState {
    /// The state of the connection that other tasks may read.
    idle_state: Arc<IdleState>,
    /// The byte budget of the client.
    budget: Arc<Budget>,
    last_verified: Arc<LastVerified>,
    /// The queue through which other threads wake the connection's task.
    wake_queue: Option<Arc<WakeQueue>>,
    /// The number of requests whose response has begun.
    answered: AtomicU32,
    /// `true` from the end of a request's head until its response begins.
    in_body: AtomicBool,
    /// `true` while a request waits for more of its response.
    waiting: AtomicBool,
    /// `true` if the socket needs a test write, to detect whether the client still reads.
    probe_requested: AtomicBool,
    /// `true` if the connection must end although the client may still be sending.
    cut: AtomicBool,
    /// `true` if the body of a request did not arrive in time.
    late: AtomicBool,
    /// `true` if all output of hyper was written.
    flushed: AtomicBool,
    /// `true` if `direct` has a response that was not taken.
    has_direct: AtomicBool,
    direct: Mutex<Option<DirectResponse>>,
}

/// A response that is written without hyper.
// The value is moved once per stream, so a box would not be cheaper.
#[allow(clippy::large_enum_variant)]
pub(in crate::runtime::http) enum DirectResponse {
    /// An event stream.
    Stream(Response<ResponseBody>),
    /// Another protocol, which writes the response itself.
    Upgrade(Upgrade),
}

impl ConnectionState {
    pub(in crate::runtime::http) fn new(
        wake_queue: Option<Arc<WakeQueue>>,
        idle_state: &Arc<IdleState>,
        budget: &Arc<Budget>,
    ) -> Arc<ConnectionState> {
        Arc::new(ConnectionState {
            idle_state: idle_state.clone(),
            budget: budget.of(idle_state.share()),
            last_verified: Arc::default(),
            wake_queue,
            answered: AtomicU32::new(0),
            in_body: AtomicBool::new(false),
            waiting: AtomicBool::new(false),
            probe_requested: AtomicBool::new(false),
            cut: AtomicBool::new(false),
            late: AtomicBool::new(false),
            flushed: AtomicBool::new(false),
            has_direct: AtomicBool::new(false),
            direct: Mutex::default(),
        })
    }

    /// The byte budget of the client.
    pub(in crate::runtime::http) fn budget(&self) -> &Arc<Budget> {
        &self.budget
    }

    /// The credentials that were last verified on this connection.
    pub(in crate::runtime::http) fn last_verified(&self) -> &Arc<LastVerified> {
        &self.last_verified
    }

    /// Records that the connection has waited for a request since `since`.
    pub(in crate::runtime::http) fn idle(&self, since: Instant) {
        self.idle_state.idle(since);
    }

    /// Records that the connection does not wait for a request.
    pub(in crate::runtime::http) fn busy(&self) {
        self.idle_state.busy();
    }

    pub(in crate::runtime::http) fn wake_queue(&self) -> Option<&Arc<WakeQueue>> {
        self.wake_queue.as_ref()
    }

    pub(in crate::runtime::http) fn answered(&self) -> u32 {
        self.answered.load(Relaxed)
    }

    /// Records that further input belongs to the body of a request.
    pub(in crate::runtime::http) fn head_read(&self) {
        self.idle_state.busy();
        self.in_body.store(true, Relaxed);
    }

    pub(in crate::runtime::http) fn is_in_body(&self) -> bool {
        self.in_body.load(Relaxed)
    }

    /// Records that a response has begun. Further input belongs to the next request.
    pub(in crate::runtime::http) fn next(&self) {
        self.in_body.store(false, Relaxed);
        self.answered.fetch_add(1, Relaxed);
    }

    pub(in crate::runtime::http) fn is_waiting(&self) -> bool {
        self.waiting.load(Relaxed)
    }

    pub(in crate::runtime::http) fn wait(&self, waiting: bool) {
        self.waiting.store(waiting, Relaxed);
    }

    /// Requests a test write, if the form of the response allows one. The caller must then wake the connection's task.
    pub(in crate::runtime::http) fn request_probe(&self) {
        self.probe_requested.store(true, Relaxed);
    }

    /// Whether a test write is requested. Returns `true` once per request of the socket.
    pub(in crate::runtime::http) fn take_probe_request(&self) -> bool {
        self.probe_requested.load(Relaxed) && self.probe_requested.swap(false, Relaxed)
    }

    /// Sets a response that is written without hyper, after hyper has written everything before it.
    pub(in crate::runtime::http) fn set_direct(&self, stream: DirectResponse) {
        *self.direct.lock() = Some(stream);
        self.flushed.store(false, Relaxed);
        self.has_direct.store(true, Relaxed);
    }

    /// Drops a response that was set and not taken. The response refers to this state, so without this it would never
    /// be dropped.
    pub(in crate::runtime::http) fn discard(&self) {
        let stream = self.direct.lock().take();
        drop(stream);
    }

    pub(in crate::runtime::http) fn flushed(&self) {
        self.flushed.store(true, Relaxed);
    }

    /// Takes the response that was set, if hyper has written everything before it.
    pub(in crate::runtime::http) fn take_direct(&self) -> Option<DirectResponse> {
        if !self.has_direct.load(Relaxed) || !self.flushed.load(Relaxed) {
            return None;
        }
        self.has_direct.store(false, Relaxed);
        self.direct.lock().take()
    }

    /// Records that the body of the request did not arrive in time. The connection ends after the response.
    pub(in crate::runtime::http) fn mark_late(&self) {
        self.late.store(true, Relaxed);
    }

    pub(in crate::runtime::http) fn is_late(&self) -> bool {
        self.late.load(Relaxed)
    }

    pub(in crate::runtime::http) fn mark_cut(&self) {
        self.cut.store(true, Relaxed);
    }

    pub(in crate::runtime::http) fn is_cut(&self) -> bool {
        self.cut.load(Relaxed)
    }
}
