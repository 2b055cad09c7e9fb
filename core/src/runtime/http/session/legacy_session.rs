//! One legacy session, and the leases that mark it as in use.

use crate::host::{Peer, Wake};
use crate::runtime::http::response::response_channel::ResponseChannel;
use crate::runtime::http::resumption::get_stream::GetStreams;
use crate::runtime::http::resumption::resumable_streams::SessionStreams;
use crate::runtime::http::session::sessions::Sessions;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Weak};

/// One session as this process sees it.
pub(in crate::runtime::http) struct Session {
    pub(in crate::runtime::http) id: Arc<str>,
    pub(in crate::runtime::http) peer: Arc<Peer>,
    /// The number of open exchanges.
    pub(super) leases: AtomicUsize,
    /// The number of GET streams among the open exchanges.
    pub(super) listens: AtomicUsize,
    /// `true` if the session was in use when the table searched for a session to remove. The end of that use must be
    /// reported to the table.
    pub(in crate::runtime::http) reports_idle: AtomicBool,
    pub(super) ended: AtomicBool,
    pub(super) get_streams: Arc<GetStreams>,
    /// The resumable streams of the session.
    pub(in crate::runtime::http) streams: SessionStreams,
    pub(super) sessions: Weak<Sessions>,
}

/// An exchange that keeps its session in use.
pub(in crate::runtime::http) struct Lease {
    session: Arc<Session>,
    /// `true` if the exchange is a GET stream, and is counted as one.
    listens: bool,
}

impl Session {
    /// Marks the session as in use while the lease exists. Called under the table's lock, so that the session cannot be
    /// removed as idle at the same time.
    pub(in crate::runtime::http) fn lease(session: &Arc<Session>) -> Lease {
        session.leases.fetch_add(1, Ordering::SeqCst);
        Lease { session: session.clone(), listens: false }
    }

    /// Adds a GET stream.
    pub(in crate::runtime::http) fn listen(&self, channel: &Arc<ResponseChannel>) {
        self.get_streams.add(channel);
    }

    /// Whether an exchange is open, or a call is in flight.
    pub(in crate::runtime::http) fn in_use(&self) -> bool {
        self.leases.load(Ordering::SeqCst) > 0 || self.peer.in_flight() > 0
    }

    /// Makes the session report the end of its use to the table. Returns whether the session is in use now.
    pub(in crate::runtime::http) fn report_when_idle(self: &Arc<Self>) -> bool {
        // Both are set before the check, so that a lease or a call that ends after the check reports it.
        self.reports_idle.store(true, Ordering::SeqCst);
        self.peer.on_idle(Arc::new(IdleWake(Arc::downgrade(self))));
        self.in_use()
    }

    /// Called when a use of the session has ended. If the table waits for that, it is told that the session may be
    /// removed.
    fn used(&self) {
        if self.reports_idle.load(Ordering::SeqCst)
            && let Some(sessions) = self.sessions.upgrade()
        {
            sessions.table.lock().make_evictable(self);
        }
    }

    /// Whether the session has ended. A lease may still exist.
    pub(in crate::runtime::http) fn has_ended(&self) -> bool {
        self.ended.load(Ordering::Acquire)
    }
}

impl Lease {
    pub(in crate::runtime::http) fn session(&self) -> &Arc<Session> {
        &self.session
    }

    pub(in crate::runtime::http) fn peer(&self) -> &Arc<Peer> {
        &self.session.peer
    }

    /// Counts the exchange as a GET stream. Returns `false` if the session already has `most` GET streams.
    pub(in crate::runtime::http) fn listens(&mut self, most: usize) -> bool {
        let one_more = |open: usize| (open < most).then_some(open + 1);
        let listens = &self.session.listens;
        self.listens |= listens.fetch_update(Ordering::AcqRel, Ordering::Acquire, one_more).is_ok();
        self.listens
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        if self.listens {
            self.session.listens.fetch_sub(1, Ordering::AcqRel);
        }
        if self.session.leases.fetch_sub(1, Ordering::SeqCst) == 1 {
            self.session.used();
        }
    }
}

/// Is woken when the last call of a session ends. This may be after the session's last lease has ended.
struct IdleWake(Weak<Session>);

impl Wake for IdleWake {
    fn wake(&self) {
        if let Some(session) = self.0.upgrade() {
            session.used();
        }
    }
}
