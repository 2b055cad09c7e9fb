//! The table of the sessions that one endpoint knows: which are in use, which are idle, and which one is removed when
//! the table is full.

use crate::dispatch::shrinking_map::shrink;
use crate::runtime::http::session::legacy_session::{Lease, Session};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

/// The maximum number of sessions that one sweep checks. The others wait for the next sweep.
const SWEEP: usize = 1024;

/// The order in which sessions are removed. Sessions without a message after `initialize` come first, and then the
/// least recently used ones.
type EvictionKey = (bool, u64);

struct Entry {
    session: Arc<Session>,
    /// `true` if a message came after `initialize`.
    confirmed: bool,
    /// `true` if the session was opened in this process, which then also deletes its record.
    own: bool,
    last_used: Instant,
    /// The number of the last use.
    used: u64,
    /// The session's key in `order`; `None` while the session is known to be in use.
    key: Option<EvictionKey>,
    /// The time of the next check.
    check: Instant,
}

/// The sessions, at most `max` together with those that are being opened.
pub(in crate::runtime::http) struct Table {
    max: usize,
    idle: Duration,
    handshake: Duration,
    entries: HashMap<Arc<str>, Entry>,
    /// The order of removal. A use of a session does not change this map. The session's key is corrected when it
    /// becomes the first one, so the cost of a request does not grow with the number of sessions.
    order: BTreeMap<EvictionKey, Arc<str>>,
    checks: BTreeSet<(Instant, Arc<str>)>,
    uses: u64,
    /// The number of places that are reserved for sessions that are being opened.
    reserved: usize,
}

/// A session that was removed from the table.
pub(in crate::runtime::http) struct Removed {
    pub(in crate::runtime::http) session: Arc<Session>,
    /// Whether this process must delete the record.
    pub(in crate::runtime::http) own: bool,
}

/// The result of a sweep.
#[derive(Default)]
pub(in crate::runtime::http) struct SweepResult {
    /// Sessions that were idle for too long. They were removed from the table.
    pub(in crate::runtime::http) expired: Vec<Arc<Session>>,
    /// Sessions that are in use, so their records must not expire.
    pub(in crate::runtime::http) in_use: Vec<Arc<Session>>,
}

/// The table is full, and every session is in use.
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

    /// Marks a session as in use. While the lease exists, only the client can end the session.
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

    /// Reserves a place for a session that is being opened. Returns the session that was removed for it. Fails if all
    /// sessions are in use.
    pub(in crate::runtime::http) fn reserve(&mut self) -> Result<Option<Removed>, Full> {
        let removed = self.make_room()?;
        self.reserved += 1;
        Ok(removed)
    }

    /// Releases a reserved place. Also called directly before [`Table::insert`].
    pub(in crate::runtime::http) fn release_reservation(&mut self) {
        self.reserved -= 1;
    }

    /// Removes the least recently used session if the table is full. Fails if all sessions are in use.
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

    /// Records that a session is no longer in use, so that it may be removed.
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

    /// Adds a session whose id is not in the table. `confirmed` says that a message came after `initialize`.
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

    /// Removes sessions that were idle for too long. The caller holds the lock, so none of them can come into use.
    pub(in crate::runtime::http) fn sweep(&mut self, now: Instant) -> SweepResult {
        let mut swept = SweepResult::default();
        for _ in 0..SWEEP {
            let Some(first) = self.checks.first().filter(|(check, _)| *check <= now).cloned() else { break };
            let Some(entry) = self.entries.get_mut(&first.1) else {
                self.checks.remove(&first);
                continue;
            };
            let life = if entry.confirmed { self.idle } else { self.handshake };
            // A session in use is checked twice within the lifetime of its record, so that the record does not expire.
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
