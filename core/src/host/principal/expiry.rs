//! What ends together with the credential of its principal: streams, subscriptions and connections.
//!
//! A credential ends at its expiry, or when its key is removed. Then the function of each entry runs, once.

use crate::dispatch::principal::Principal;
use crate::host::engine::Engine;
use crate::host::engine_state::Shared;
use crate::locks::Mutex;
use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

/// The table of what ends with a credential.
#[derive(Default)]
pub(in crate::host) struct Expirations(Mutex<Table>);

#[derive(Default)]
struct Table {
    next: u64,
    entries: HashMap<u64, Entry>,
    /// The entries with an expiry, by time.
    due: BTreeSet<(Instant, u64)>,
}

struct Entry {
    principal: Principal,
    at: Option<Instant>,
    end: Arc<dyn Fn() + Send + Sync>,
}

/// An entry of the table. Dropping it removes the entry.
pub(crate) struct ExpiryGuard {
    shared: Weak<Shared>,
    key: u64,
}

impl Table {
    fn remove(&mut self, key: u64) -> Option<Entry> {
        let entry = self.entries.remove(&key)?;
        if let Some(at) = entry.at {
            self.due.remove(&(at, key));
        }
        Some(entry)
    }
}

impl Expirations {
    /// The time of the earliest expiry.
    pub(in crate::host) fn next(&self) -> Option<Instant> {
        self.0.lock().due.first().map(|(at, _)| *at)
    }

    fn take_due(&self, now: Instant) -> Vec<Entry> {
        let mut table = self.0.lock();
        let rest = table.due.split_off(&(now, u64::MAX));
        let due = std::mem::replace(&mut table.due, rest);
        due.into_iter().filter_map(|(_, key)| table.entries.remove(&key)).collect()
    }

    fn take_removed(&self) -> Vec<Entry> {
        let mut table = self.0.lock();
        let is_removed = |entry: &Entry| entry.principal.credential().is_some_and(|key| key.is_removed());
        let keys: Vec<u64> =
            table.entries.iter().filter(|(_, entry)| is_removed(entry)).map(|(key, _)| *key).collect();
        keys.into_iter().filter_map(|key| table.remove(key)).collect()
    }
}

impl Drop for ExpiryGuard {
    fn drop(&mut self) {
        if let Some(shared) = self.shared.upgrade() {
            let removed = shared.expirations.0.lock().remove(self.key);
            drop(removed);
        }
    }
}

impl Engine {
    /// Calls `end` when the credential of this principal ends, unless the result is dropped before. `None` if nothing
    /// can end it. `end` may be called before this returns.
    pub(crate) fn until_expiry(
        &self,
        principal: Option<&Principal>,
        end: impl Fn() + Send + Sync + 'static,
    ) -> Option<ExpiryGuard> {
        let shared = &self.0;
        let principal = principal?;
        let (expires_at, credential) = (principal.expires_at(), principal.credential());
        if expires_at.is_none() && credential.is_none() {
            return None;
        }
        let left = expires_at.map(|time| time.saturating_sub(shared.environment.unix_seconds()));
        // An expiry beyond the range of the clock never comes.
        let at = left.and_then(|left| shared.now().checked_add(Duration::from_secs(left)));
        let end: Arc<dyn Fn() + Send + Sync> = Arc::new(end);
        let (key, earliest) = {
            let mut table = shared.expirations.0.lock();
            table.next += 1;
            let key = table.next;
            table.entries.insert(key, Entry { principal: principal.clone(), at, end: end.clone() });
            if let Some(at) = at {
                table.due.insert((at, key));
            }
            (key, table.due.first().is_some_and(|(_, first)| *first == key))
        };
        let guard = ExpiryGuard { shared: Arc::downgrade(shared), key };
        if earliest {
            shared.wake_timer();
        }
        // Checked afterwards: either the thread that removes a key finds the entry, or this check sees the removal.
        if credential.is_some_and(|credential| credential.is_removed()) {
            shared.guard("the end of an expired credential", || end());
        }
        Some(guard)
    }

    /// Ends what belongs to credentials that have expired.
    pub(in crate::host) fn end_expired(&self, now: Instant) {
        self.end_all(self.0.expirations.take_due(now));
    }

    /// Ends what belongs to credentials whose key was removed.
    #[cfg_attr(not(feature = "runtime"), allow(dead_code))]
    pub(crate) fn end_removed(&self) {
        self.end_all(self.0.expirations.take_removed());
    }

    fn end_all(&self, entries: Vec<Entry>) {
        for entry in entries {
            self.0.guard("the end of an expired credential", || (entry.end)());
        }
    }
}
