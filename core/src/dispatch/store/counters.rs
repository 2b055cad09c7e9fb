//! The memory store's counters.

use super::memory::StoreBounds;
use super::op::StoreDone;
use super::table::{NoRoom, StoredEntry, Table, expiry};
use std::time::{Duration, Instant};

#[derive(Default)]
pub(super) struct Counters(Table<i64>);

impl Counters {
    pub(super) fn add(
        &mut self,
        key: String,
        by: i64,
        window: Duration,
        most: Option<i64>,
        bounds: &StoreBounds,
        now: Instant,
    ) -> StoreDone {
        let allowed = |value: i64| by <= 0 || most.is_none_or(|most| value <= most);
        if let Some(held) = self.0.get(&key, now) {
            let value = held.it.saturating_add(by);
            let added = allowed(value);
            if added {
                held.it = value;
            }
            return StoreDone::Count { value: held.it, added, left: held.expiry - now };
        }
        let added = allowed(by);
        if by == 0 || !added {
            return StoreDone::Count { value: 0, added, left: Duration::ZERO };
        }
        let held = StoredEntry { it: by, expiry: expiry(now, window), size: size_of::<i64>() };
        match self.0.insert(key, held, (bounds.values, bounds.bytes), now) {
            Ok(()) => StoreDone::Count { value: by, added: true, left: window },
            Err(NoRoom) => StoreDone::Full,
        }
    }
}
