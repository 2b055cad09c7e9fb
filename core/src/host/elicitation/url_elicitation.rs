//! Remembers which client was asked to visit a page, so that the same client can be notified when the visit ends
//! (EL-12).

use crate::host::delivery::sink::{Delivery, Outgoing};
use crate::host::session::peer::Peer;
use crate::locks::Mutex;
use crate::proto::question;
use std::collections::VecDeque;
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

/// The visits that have not ended yet, oldest first.
pub(in crate::host) struct UrlElicitations {
    most: usize,
    lifetime: Duration,
    asked: Mutex<VecDeque<UrlElicitation>>,
}

struct UrlElicitation {
    id: String,
    peer: Weak<Peer>,
    until: Option<Instant>,
}

impl UrlElicitations {
    pub(in crate::host) fn new(most: usize, lifetime: Duration) -> UrlElicitations {
        UrlElicitations { most, lifetime, asked: Mutex::default() }
    }

    /// Remembers a visit. If the limit is reached, it replaces the oldest one.
    pub(in crate::host) fn remember(&self, id: String, peer: &Arc<Peer>, now: Instant) {
        let visit = UrlElicitation { id, peer: Arc::downgrade(peer), until: now.checked_add(self.lifetime) };
        let mut asked = self.asked.lock();
        while asked.front().is_some_and(|first| first.is_over(now)) || asked.len() >= self.most {
            asked.pop_front();
        }
        asked.push_back(visit);
    }

    /// Forgets the visits that a session was asked for, because the session has ended.
    pub(in crate::host) fn forget(&self, peer: &Arc<Peer>) {
        self.asked.lock().retain(|visit| !std::ptr::eq(visit.peer.as_ptr(), Arc::as_ptr(peer)));
    }

    /// Notifies the client that was asked for this visit of its end. Returns `false` if no client can be notified.
    pub(in crate::host) fn complete(&self, id: &str, now: Instant) -> bool {
        let found = {
            let asked = self.asked.lock();
            let mut newest = asked.iter().rev();
            newest.find(|visit| visit.id == id && !visit.is_over(now)).and_then(|visit| visit.peer.upgrade())
        };
        let Some(peer) = found else { return false };
        let told = Outgoing::Event { body: question::complete(id), droppable: false };
        if peer.send(told) == Delivery::Gone {
            return false;
        }
        self.asked.lock().retain(|visit| visit.id != id);
        true
    }
}

impl UrlElicitation {
    fn is_over(&self, now: Instant) -> bool {
        self.until.is_some_and(|until| until <= now) || self.peer.strong_count() == 0
    }
}
