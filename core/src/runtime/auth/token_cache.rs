//! Verified credentials by their digest, for a short time.

use crate::dispatch::principal::Principal;
use crate::locks::Mutex;
use std::collections::{HashMap, VecDeque};
use std::time::{Duration, Instant};

/// The digest of the credentials of a request.
pub(super) type Digest = [u8; 32];

/// What is known of credentials.
#[derive(Clone)]
pub(super) enum Known {
    Accepted(Principal),
    /// Refused, with the text for the client.
    Refused(&'static str),
}

/// A bounded table of what is known. All entries live equally long, so the oldest one is replaced.
pub(super) struct TokenCache {
    most: usize,
    table: Mutex<Table>,
}

#[derive(Default)]
struct Table {
    entries: HashMap<Digest, (Known, Instant, u64)>,
    /// The digests in the order in which they were added, with their numbers.
    order: VecDeque<(Digest, u64)>,
    next: u64,
    /// Increases when the cache is emptied, so that a verification that began before is not kept.
    generation: u64,
}

impl TokenCache {
    pub(super) fn new(most: usize) -> TokenCache {
        TokenCache { most, table: Mutex::default() }
    }

    pub(super) fn get(&self, digest: &Digest, now: Instant) -> Option<Known> {
        let table = self.table.lock();
        let (known, until, _) = table.entries.get(digest)?;
        (*until > now).then(|| known.clone())
    }

    /// The present generation, for [`TokenCache::put`].
    pub(super) fn generation(&self) -> u64 {
        self.table.lock().generation
    }

    /// Keeps what is known for `time`, unless the cache was emptied since `generation`.
    pub(super) fn put(&self, digest: Digest, known: Known, time: Duration, now: Instant, generation: u64) {
        let Some(until) = now.checked_add(time).filter(|_| !time.is_zero() && self.most > 0) else { return };
        let mut table = self.table.lock();
        if table.generation != generation {
            return;
        }
        while table.entries.len() >= self.most && !table.entries.contains_key(&digest) {
            table.drop_oldest();
        }
        table.next += 1;
        let number = table.next;
        table.entries.insert(digest, (known, until, number));
        table.order.push_back((digest, number));
        // Digests that were added again stand in the order twice.
        while table.order.len() > 2 * self.most {
            table.drop_oldest();
        }
    }

    /// Forgets everything.
    pub(super) fn clear(&self) {
        let mut table = self.table.lock();
        let generation = table.generation + 1;
        let old = std::mem::replace(&mut *table, Table { generation, ..Table::default() });
        drop(table);
        drop(old);
    }
}

impl Table {
    fn drop_oldest(&mut self) {
        let Some((digest, number)) = self.order.pop_front() else { return };
        if self.entries.get(&digest).is_some_and(|(_, _, own)| *own == number) {
            self.entries.remove(&digest);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn digest(n: u16) -> Digest {
        let mut digest = [0; 32];
        digest[..2].copy_from_slice(&n.to_be_bytes());
        digest
    }

    fn ann() -> Known {
        Known::Accepted(Principal::from("ann"))
    }

    #[test]
    fn what_is_known_is_forgotten_after_its_time_and_when_the_cache_is_emptied() {
        let (cache, start) = (TokenCache::new(10), Instant::now());
        let generation = cache.generation();
        cache.put(digest(1), ann(), SECOND, start, generation);
        assert!(cache.get(&digest(1), start).is_some() && cache.get(&digest(2), start).is_none());
        assert!(cache.get(&digest(1), start + SECOND).is_none());
        cache.put(digest(1), ann(), SECOND, start, generation);
        cache.clear();
        assert!(cache.get(&digest(1), start).is_none());
        // A verification that began before the keys were reloaded.
        cache.put(digest(1), ann(), SECOND, start, generation);
        assert!(cache.get(&digest(1), start).is_none());
        cache.put(digest(1), ann(), Duration::ZERO, start, cache.generation());
        assert!(cache.get(&digest(1), start).is_none());
    }

    #[test]
    fn it_is_bounded_and_the_oldest_goes_first() {
        let (cache, start) = (TokenCache::new(3), Instant::now());
        for n in 0..1000 {
            cache.put(digest(n), ann(), SECOND, start, 0);
            cache.put(digest(n), ann(), SECOND, start, 0);
            let table = cache.table.lock();
            assert!(table.entries.len() <= 3 && table.order.len() <= 6);
        }
        assert!(cache.get(&digest(999), start).is_some() && cache.get(&digest(990), start).is_none());
    }
}
