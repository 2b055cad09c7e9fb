//! What is known for a short time, by its key.

use crate::locks::Mutex;
use std::collections::{HashMap, VecDeque};
use std::hash::Hash;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// The digest of what is known, as its key.
pub(crate) type Digest = [u8; 32];

/// A bounded table of what is known. All entries live equally long, so the oldest one is replaced.
pub(crate) struct TimedCache<K, V> {
    most: usize,
    /// Increases when the cache is emptied, so that what was asked before is not kept. It changes while the table is locked.
    generation: AtomicU64,
    table: Mutex<Table<K, V>>,
}

struct Table<K, V> {
    entries: HashMap<K, (V, Instant, u64)>,
    /// The keys in the order in which they were added, with their numbers.
    order: VecDeque<(K, u64)>,
    next: u64,
}

impl<K: Clone + Eq + Hash, V: Clone> TimedCache<K, V> {
    pub(crate) fn new(most: usize) -> TimedCache<K, V> {
        TimedCache { most, generation: AtomicU64::new(0), table: Mutex::new(Table::new()) }
    }

    pub(crate) fn get(&self, key: &K, now: Instant) -> Option<V> {
        self.get_until(key, now).map(|(known, _)| known)
    }

    /// What is known, and until when.
    pub(crate) fn get_until(&self, key: &K, now: Instant) -> Option<(V, Instant)> {
        let table = self.table.lock();
        let (known, until, _) = table.entries.get(key)?;
        (*until > now).then(|| (known.clone(), *until))
    }

    /// The present generation, for [`TimedCache::put`].
    pub(crate) fn generation(&self) -> u64 {
        self.generation.load(Ordering::Acquire)
    }

    /// Keeps what is known for `time`, unless the cache was emptied since `generation`.
    pub(crate) fn put(&self, key: K, known: V, time: Duration, now: Instant, generation: u64) {
        let Some(until) = now.checked_add(time).filter(|_| !time.is_zero() && self.most > 0) else { return };
        let mut table = self.table.lock();
        if self.generation() != generation {
            return;
        }
        while table.entries.len() >= self.most && !table.entries.contains_key(&key) {
            table.drop_oldest();
        }
        table.next += 1;
        let number = table.next;
        table.entries.insert(key.clone(), (known, until, number));
        table.order.push_back((key, number));
        // Keys that were added again stand in the order twice.
        while table.order.len() > 2 * self.most {
            table.drop_oldest();
        }
    }

    /// Forgets everything.
    pub(crate) fn clear(&self) {
        let mut table = self.table.lock();
        self.generation.fetch_add(1, Ordering::Release);
        let old = std::mem::replace(&mut *table, Table::new());
        drop(table);
        drop(old);
    }
}

impl<K: Eq + Hash, V> Table<K, V> {
    fn new() -> Table<K, V> {
        Table { entries: HashMap::new(), order: VecDeque::new(), next: 0 }
    }

    fn drop_oldest(&mut self) {
        let Some((key, number)) = self.order.pop_front() else { return };
        if self.entries.get(&key).is_some_and(|(_, _, own)| *own == number) {
            self.entries.remove(&key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn what_is_known_is_forgotten_after_its_time_and_when_the_cache_is_emptied() {
        let (cache, start) = (TimedCache::new(10), Instant::now());
        let generation = cache.generation();
        cache.put(1, "ann", SECOND, start, generation);
        assert!(cache.get(&1, start) == Some("ann") && cache.get(&2, start).is_none());
        assert!(cache.get(&1, start + SECOND).is_none());
        cache.put(1, "ann", SECOND, start, generation);
        cache.clear();
        assert!(cache.get(&1, start).is_none());
        // What was asked before the cache was emptied.
        cache.put(1, "ann", SECOND, start, generation);
        assert!(cache.get(&1, start).is_none());
        cache.put(1, "ann", Duration::ZERO, start, cache.generation());
        assert!(cache.get(&1, start).is_none());
    }

    #[test]
    fn it_is_bounded_and_the_oldest_goes_first() {
        let (cache, start) = (TimedCache::new(3), Instant::now());
        for n in 0..1000 {
            cache.put(n, "ann", SECOND, start, 0);
            cache.put(n, "ann", SECOND, start, 0);
            let table = cache.table.lock();
            assert!(table.entries.len() <= 3 && table.order.len() <= 6);
        }
        assert!(cache.get(&999, start).is_some() && cache.get(&990, start).is_none());
    }
}
