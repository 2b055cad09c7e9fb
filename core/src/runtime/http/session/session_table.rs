//! The table of the sessions that one endpoint knows: which are in use, which are idle, and which is removed for a
//! new one.

use crate::dispatch::shrinking_map::shrink;
use crate::runtime::http::session::session::{Lease, Session};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

/// Sessions looked at in one sweep, so that its cost is bounded; the rest waits for the next.
const SWEEP: usize = 1024;

/// What decides who makes room first: sessions that were opened and no more, then those used longest ago.
type EvictionKey = (bool, u64);

struct Entry {
    session: Arc<Session>,
    /// A message came after `initialize`.
    confirmed: bool,
    /// It was opened here, so that its record is this process's to remove.
    own: bool,
    last_used: Instant,
    /// The number of its last use.
    used: u64,
    /// Where it stands in `order`; nowhere while it is known to be in use.
    key: Option<EvictionKey>,
    /// When it is to be looked at next.
    check: Instant,
}

/// Sessions, at most `max` with those being opened.
pub(in crate::runtime::http) struct Table {
    max: usize,
    idle: Duration,
    handshake: Duration,
    entries: HashMap<Arc<str>, Entry>,
    /// Who makes room first. A use does not move a session: it is put right when it comes up, so that what a request
    /// pays does not grow with the number of sessions.
    order: BTreeMap<EvictionKey, Arc<str>>,
    checks: BTreeSet<(Instant, Arc<str>)>,
    uses: u64,
    /// Sessions being opened, for which there is room.
    reserved: usize,
}

/// A session that is known here no longer.
pub(in crate::runtime::http) struct Removed {
    pub(in crate::runtime::http) session: Arc<Session>,
    /// Its record is this process's to remove.
    pub(in crate::runtime::http) own: bool,
}

/// What a sweep found.
#[derive(Default)]
pub(in crate::runtime::http) struct SweepResult {
    /// Sessions that were idle for too long; they are not in the table any more.
    pub(in crate::runtime::http) expired: Vec<Arc<Session>>,
    /// Sessions in use, whose records must not expire.
    pub(in crate::runtime::http) in_use: Vec<Arc<Session>>,
}

/// Every session is in use.
pub(in crate::runtime::http) struct Full;

impl Table {
    pub(in crate::runtime::http) fn new(max: usize, idle: Duration, handshake: Duration) -> Table {
        Table {
            max,
            idle,
            handshake: handshake.min(idle),
            entries: HashMap::new(),
            order: BTreeMap::new(),
            checks: BTreeSet::new(),
            uses: 0,
            reserved: 0,
        }
    }

    pub(in crate::runtime::http) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(in crate::runtime::http) fn sessions(&self) -> Vec<Arc<Session>> {
        self.entries.values().map(|entry| entry.session.clone()).collect()
    }

    /// Notes that a session is used from now on. Nothing ends it before the lease does, but a client's wish.
    pub(in crate::runtime::http) fn lease(&mut self, id: &str, now: Instant) -> Option<Lease> {
        let entry = self.entries.get_mut(id)?;
        self.uses += 1;
        (entry.used, entry.last_used) = (self.uses, now);
        if !entry.confirmed {
            entry.confirmed = true;
            if let Some(key) = &mut entry.key
                && let Some(id) = self.order.remove(key)
            {
                *key = (true, self.uses);
                self.order.insert(*key, id);
            }
        }
        Some(Session::lease(&entry.session))
    }

    /// Keeps a place for a session that is about to be opened. Gives back who had to go for it.
    pub(in crate::runtime::http) fn reserve(&mut self) -> Result<Option<Removed>, Full> {
        let removed = self.make_room()?;
        self.reserved += 1;
        Ok(removed)
    }

    /// Takes a reservation back, or redeems it before [`Table::insert`].
    pub(in crate::runtime::http) fn release_reservation(&mut self) {
        self.reserved -= 1;
    }

    /// Removes the idlest session if there is no room for one more.
    pub(in crate::runtime::http) fn make_room(&mut self) -> Result<Option<Removed>, Full> {
        if self.entries.len() + self.reserved < self.max {
            return Ok(None);
        }
        while let Some((key, id)) = self.order.pop_first() {
            let Some(entry) = self.entries.get_mut(&id) else { continue };
            let real = (entry.confirmed, entry.used);
            if key != real {
                entry.key = Some(real);
                self.order.insert(real, id);
                continue;
            }
            entry.key = None;
            if !entry.session.report_when_idle() {
                return self.remove(&id).map(Some).ok_or(Full);
            }
        }
        Err(Full)
    }

    /// A session in use is in use no longer: it may make room again.
    pub(in crate::runtime::http) fn make_evictable(&mut self, session: &Session) {
        let entry = self.entries.get_mut(&session.id);
        let Some(entry) = entry.filter(|entry| std::ptr::eq(&*entry.session, session)) else { return };
        if entry.key.is_some() || session.in_use() {
            return;
        }
        session.reports_idle.store(false, Ordering::SeqCst);
        self.uses += 1;
        entry.used = self.uses;
        entry.key = Some((entry.confirmed, entry.used));
        self.order.insert((entry.confirmed, entry.used), session.id.clone());
    }

    /// Adds a session; its id must not be known yet. `confirmed` if a message came after `initialize`.
    pub(in crate::runtime::http) fn insert(
        &mut self,
        session: Arc<Session>,
        now: Instant,
        own: bool,
        confirmed: bool,
    ) {
        self.uses += 1;
        let (id, key) = (session.id.clone(), (confirmed, self.uses));
        let check = now + if confirmed { self.idle / 2 } else { self.handshake };
        self.order.insert(key, id.clone());
        self.checks.insert((check, id.clone()));
        let key = Some(key);
        let entry = Entry { session, confirmed, own, last_used: now, used: self.uses, key, check };
        self.entries.insert(id, entry);
    }

    pub(in crate::runtime::http) fn remove(&mut self, id: &str) -> Option<Removed> {
        let entry = self.entries.remove(id)?;
        shrink(&mut self.entries);
        self.checks.remove(&(entry.check, entry.session.id.clone()));
        if let Some(key) = entry.key {
            self.order.remove(&key);
        }
        Some(Removed { session: entry.session, own: entry.own })
    }

    /// Removes sessions that have been idle too long. Removed here and now, so that none of them can be in use.
    pub(in crate::runtime::http) fn sweep(&mut self, now: Instant) -> SweepResult {
        let mut swept = SweepResult::default();
        for _ in 0..SWEEP {
            let Some(first) = self.checks.first().filter(|(check, _)| *check <= now).cloned() else { break };
            let Some(entry) = self.entries.get_mut(&first.1) else {
                self.checks.remove(&first);
                continue;
            };
            let life = if entry.confirmed { self.idle } else { self.handshake };
            // A used session is looked at twice as often as its record could expire.
            let mut next = now + self.idle / 2;
            let session = entry.session.clone();
            if session.in_use() {
                entry.last_used = now;
                swept.in_use.push(session);
            } else if entry.last_used + life <= now {
                self.remove(&first.1);
                swept.expired.push(session);
                continue;
            } else {
                next = next.min(entry.last_used + life);
            }
            self.checks.remove(&first);
            self.checks.insert((next, first.1.clone()));
            if let Some(entry) = self.entries.get_mut(&first.1) {
                entry.check = next;
            }
        }
        swept
    }
}
