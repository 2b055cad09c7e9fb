//! The memory store's records.

use super::memory::StoreBounds;
use super::op::{Record, StoreDone, Version, When};
use super::table::{NoRoom, StoredEntry, Table, expiry};
use bytes::Bytes;
use std::time::{Duration, Instant};

#[derive(Default)]
pub(super) struct Records(Table<Record>);

impl Records {
    pub(super) fn get(&mut self, key: &str, touch: Option<Duration>, now: Instant) -> StoreDone {
        StoreDone::Value(self.0.get(key, now).map(|held| {
            if let Some(ttl) = touch {
                held.expiry = expiry(now, ttl);
            }
            held.it.clone()
        }))
    }

    pub(super) fn put(
        &mut self,
        key: String,
        (value, version): (Bytes, Version),
        ttl: Duration,
        when: When,
        bounds: &StoreBounds,
        now: Instant,
    ) -> StoreDone {
        if let Some(conflict) = self.conflict(&key, when, now) {
            return conflict;
        }
        let held = StoredEntry { size: value.len(), it: Record { value, version }, expiry: expiry(now, ttl) };
        match self.0.insert(key, held, (bounds.values, bounds.bytes), now) {
            Ok(()) => StoreDone::Stored(version),
            Err(NoRoom) => StoreDone::Full,
        }
    }

    pub(super) fn touch(&mut self, key: &str, ttl: Duration, now: Instant) -> StoreDone {
        StoreDone::Found(self.0.get(key, now).map(|held| held.expiry = expiry(now, ttl)).is_some())
    }

    pub(super) fn delete(&mut self, key: &str, when: When, now: Instant) -> StoreDone {
        match self.conflict(key, when, now) {
            Some(conflict) => conflict,
            None => StoreDone::Found(self.0.remove(key, now).is_some()),
        }
    }

    fn conflict(&mut self, key: &str, when: When, now: Instant) -> Option<StoreDone> {
        if when == When::Always {
            return None;
        }
        let there = self.0.get(key, now).map(|held| &held.it);
        (!when.holds(there.map(|record| record.version))).then(|| StoreDone::Conflict(there.cloned()))
    }
}

#[cfg(test)]
impl Records {
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }
}
