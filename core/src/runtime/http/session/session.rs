//! One legacy session, and the leases that keep it in use.

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
    /// Exchanges that are open.
    pub(super) leases: AtomicUsize,
    /// GET streams among them.
    pub(super) listens: AtomicUsize,
    /// It was passed over as one in use, and waits for whoever ends that use to say so.
    pub(in crate::runtime::http) reports_idle: AtomicBool,
    pub(super) ended: AtomicBool,
    pub(super) get_streams: Arc<GetStreams>,
    /// Those that may be resumed.
    pub(in crate::runtime::http) streams: SessionStreams,
    pub(super) sessions: Weak<Sessions>,
}

/// An exchange that keeps its session in use.
pub(in crate::runtime::http) struct Lease {
    session: Arc<Session>,
    /// It is a GET stream, and counted as one.
    listens: bool,
}

impl Session {
    /// Marks the session as used for as long as the lease lives. Under the table's lock, so that it cannot be found idle
    /// meanwhile.
    pub(in crate::runtime::http) fn lease(session: &Arc<Session>) -> Lease {
        session.leases.fetch_add(1, Ordering::SeqCst);
        Lease { session: session.clone(), listens: false }
    }

    /// Adds a GET stream.
    pub(in crate::runtime::http) fn listen(&self, channel: &Arc<ResponseChannel>) {
        self.get_streams.add(channel);
    }

    /// An exchange is open, or a call in flight.
    pub(in crate::runtime::http) fn in_use(&self) -> bool {
        self.leases.load(Ordering::SeqCst) > 0 || self.peer.in_flight() > 0
    }

    /// If it is in use, has the end of that use reported to the table.
    pub(in crate::runtime::http) fn report_when_idle(self: &Arc<Self>) -> bool {
        // Both before the look: a lease or a call that ends after it sees them.
        self.reports_idle.store(true, Ordering::SeqCst);
        self.peer.on_idle(Arc::new(IdleWake(Arc::downgrade(self))));
        self.in_use()
    }

    /// A use of it has ended, perhaps the last one: if it is waited for, it may make room again.
    fn used(&self) {
        if self.reports_idle.load(Ordering::SeqCst)
            && let Some(sessions) = self.sessions.upgrade()
        {
            sessions.table.lock().make_evictable(self);
        }
    }

    /// It has ended, although it may still be leased.
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

    /// Counts it as a GET stream, of which the session may have `most`; `false` if it has them already.
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

/// Told when the last call of a waited for session ends, which may be after its last lease: its client has left.
struct IdleWake(Weak<Session>);

impl Wake for IdleWake {
    fn wake(&self) {
        if let Some(session) = self.0.upgrade() {
            session.used();
        }
    }
}
