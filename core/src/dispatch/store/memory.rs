//! The default store, which keeps everything in this process's memory.

use super::Store;
use super::counters::Counters;
use super::logs::Logs;
use super::op::{Done, StoreDone, StoreOp, Version, kind_of};
use super::rates::Rates;
use super::records::Records;
use crate::locks::Mutex;
use std::time::Instant;

/// The limits of a [`MemoryStore`] for each kind of key. They apply separately to its records, its logs, its
/// counters and its allowances.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct StoreBounds {
    /// The maximum number of records, logs, counters or allowances. For a new allowance, the one that has taken least is
    /// removed.
    pub values: usize,
    /// The maximum bytes of them and their keys.
    pub bytes: usize,
    /// The maximum entries of one log. When it is full, a new entry replaces the oldest.
    pub entries: usize,
}

impl Default for StoreBounds {
    fn default() -> StoreBounds {
        let limits = crate::dispatch::limits::Limits::default();
        StoreBounds {
            values: limits.max_store_values,
            bytes: limits.max_store_bytes,
            entries: limits.max_store_entries,
        }
    }
}

/// The default store: this process's memory, with limits. It completes each operation before [`Store::submit`]
/// returns.
///
/// The part of a key before the first `/` is its kind. Each kind has its own room, so that no kind uses that of
/// another.
pub struct MemoryStore {
    bounds: StoreBounds,
    apart: Vec<(&'static str, StoreBounds)>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// There are few kinds, so comparing with each is cheaper than hashing.
    shelves: Vec<(Box<str>, KindData)>,
    /// The last version of any record.
    version: u64,
}

/// The data of one kind of key.
#[derive(Default)]
struct KindData {
    records: Records,
    logs: Logs,
    counters: Counters,
    rates: Rates,
}

impl MemoryStore {
    /// A store of at most `capacity` records, logs, counters and allowances of each kind of key, with the default limits
    /// otherwise.
    pub fn new(capacity: usize) -> MemoryStore {
        MemoryStore::bounded(StoreBounds { values: capacity, ..StoreBounds::default() })
    }

    /// A store with these limits for each kind of key.
    pub fn bounded(bounds: StoreBounds) -> MemoryStore {
        MemoryStore { bounds, apart: Vec::new(), state: Mutex::default() }
    }

    /// Sets different limits for one kind of key.
    pub fn bound_kind(mut self, kind: &'static str, bounds: StoreBounds) -> MemoryStore {
        self.apart.push((kind, bounds));
        self
    }

    fn apply(&self, op: &StoreOp, now: Instant) -> StoreDone {
        let kind = kind_of(op.key());
        let apart = self.apart.iter().find(|(apart, _)| *apart == kind);
        let bounds = apart.map_or(&self.bounds, |(_, bounds)| bounds);
        let State { shelves, version } = &mut *self.state.lock();
        let place = shelves.iter().position(|(of, _)| **of == *kind).unwrap_or_else(|| {
            shelves.push((kind.into(), KindData::default()));
            shelves.len() - 1
        });
        let KindData { records, logs, counters, rates } = &mut shelves[place].1;
        match op {
            StoreOp::Get { key, touch } => records.get(key, *touch, now),
            StoreOp::Put { key, value, ttl, when } => {
                *version += 1;
                records.put(key.clone(), (value.clone(), Version(*version)), *ttl, *when, bounds, now)
            }
            StoreOp::Touch { key, ttl } => records.touch(key, *ttl, now),
            StoreOp::Delete { key, when } => records.delete(key, *when, now),
            StoreOp::Append { key, entry, ttl, keep } => {
                logs.append(key.clone(), entry.clone(), *ttl, *keep, bounds, now)
            }
            StoreOp::Read { key, after, max_entries, max_bytes } => {
                logs.read(key, *after, *max_entries, *max_bytes, now)
            }
            StoreOp::Trim { key, keep } => logs.trim(key, keep, now),
            StoreOp::Expire { key, ttl } => logs.expire(key, *ttl, now),
            StoreOp::Add { key, by, window, most } => {
                counters.add(key.clone(), *by, *window, *most, bounds, now)
            }
            StoreOp::Take { key, by, rate } => rates.take(key, *by, *rate, bounds, now),
        }
    }
}

impl Store for MemoryStore {
    fn submit(&self, op: StoreOp, now: Instant, done: Done) {
        // Called without the lock, because the callback may submit the next operation.
        let result = self.apply(&op, now);
        done(result);
    }

    fn try_now(&self, op: &StoreOp, now: Instant) -> Option<StoreDone> {
        Some(self.apply(op, now))
    }

    fn answers_at_once(&self) -> bool {
        true
    }
}

#[cfg(test)]
mod tests {
    use super::super::op::{Keep, When};
    use super::*;
    use bytes::Bytes;
    use std::sync::Arc;
    use std::time::Duration;

    fn run(store: &MemoryStore, op: StoreOp, now: Instant) -> StoreDone {
        let slot = Arc::new(Mutex::new(None));
        let put = slot.clone();
        store.submit(op, now, Box::new(move |done| *put.lock() = Some(done)));
        slot.lock().take().expect("the memory store answers at once")
    }

    fn put(key: &str, bytes: usize) -> StoreOp {
        StoreOp::Put {
            key: key.into(),
            value: vec![b'v'; bytes].into(),
            ttl: Duration::from_secs(10),
            when: When::Always,
        }
    }

    fn append(key: &str, bytes: usize) -> StoreOp {
        let entry = Bytes::from(vec![b'e'; bytes]);
        StoreOp::Append { key: key.into(), entry, ttl: Duration::from_secs(10), keep: Keep::default() }
    }

    fn add(key: &str) -> StoreOp {
        StoreOp::Add { key: key.into(), by: 1, window: Duration::from_secs(10), most: None }
    }

    fn lengths(store: &MemoryStore, key: &str, now: Instant) -> Vec<usize> {
        let op = StoreOp::Read { key: key.into(), after: 0, max_entries: 99, max_bytes: 1 << 20 };
        let StoreDone::Entries(read) = run(store, op, now) else { panic!("not entries") };
        read.entries.iter().map(|entry| entry.bytes.len()).collect()
    }

    fn small() -> MemoryStore {
        MemoryStore::bounded(StoreBounds { values: 2, bytes: 1000, entries: 3 })
    }

    #[test]
    fn values_are_bounded_and_make_room_by_expiry() {
        let (store, start) = (small(), Instant::now());
        for op in [put as fn(&str, usize) -> StoreOp, append, |key, _| add(key)] {
            for key in ["a/1", "a/2", "a/2"] {
                assert_ne!(run(&store, op(key, 1), start), StoreDone::Full, "{key}");
            }
            assert_eq!(run(&store, op("a/3", 1), start), StoreDone::Full);
            assert_ne!(run(&store, op("b/1", 1), start), StoreDone::Full, "another kind has its own room");
            let later = start + Duration::from_secs(11);
            assert_ne!(run(&store, op("a/3", 1), later), StoreDone::Full);
        }
    }

    #[test]
    fn bytes_of_records_are_bounded() {
        let (store, now) = (small(), Instant::now());
        assert_eq!(run(&store, put("a/1", 998), now), StoreDone::Full);
        assert!(matches!(run(&store, put("a/1", 997), now), StoreDone::Stored(_)));
        assert_eq!(run(&store, put("a/2", 0), now), StoreDone::Full);
        // An overwrite needs no additional memory, and a smaller value frees memory.
        assert!(matches!(run(&store, put("a/1", 500), now), StoreDone::Stored(_)));
        assert!(matches!(run(&store, put("a/2", 494), now), StoreDone::Stored(_)));
        assert_eq!(run(&store, put("a/2", 495), now), StoreDone::Full);
        let delete = StoreOp::Delete { key: "a/1".into(), when: When::Always };
        assert_eq!(run(&store, delete, now), StoreDone::Found(true));
        assert!(matches!(run(&store, put("a/2", 900), now), StoreDone::Stored(_)));
    }

    #[test]
    fn logs_lose_their_own_oldest_entries_and_no_others() {
        let (store, now) = (small(), Instant::now());
        for size in 1..=5 {
            assert!(matches!(run(&store, append("a/1", size), now), StoreDone::Appended(_)));
        }
        assert_eq!(lengths(&store, "a/1", now), [3, 4, 5]);
        assert!(matches!(run(&store, append("a/1", 600), now), StoreDone::Appended(_)));
        assert!(matches!(run(&store, append("a/1", 700), now), StoreDone::Appended(_)));
        assert_eq!(lengths(&store, "a/1", now), [700]);
        assert_eq!(run(&store, append("a/1", 1000), now), StoreDone::Full);
        assert_eq!(run(&store, append("a/2", 300), now), StoreDone::Full);
        assert_eq!(lengths(&store, "a/1", now), [700], "what is refused costs nothing");
        assert!(matches!(run(&store, append("a/2", 20), now), StoreDone::Appended(_)));
    }

    #[test]
    fn a_kind_may_have_bounds_of_its_own() {
        let wide = StoreBounds { values: 5, ..StoreBounds::default() };
        let (store, now) = (small().bound_kind("wide", wide), Instant::now());
        for name in 0..5 {
            assert_ne!(run(&store, put(&format!("wide/{name}"), 4000), now), StoreDone::Full);
        }
        assert_eq!(run(&store, put("wide/5", 1), now), StoreDone::Full);
    }

    #[test]
    fn a_time_to_live_may_be_endless() {
        let (store, now) = (small(), Instant::now());
        let (key, ttl) = (String::from("a/1"), Duration::MAX);
        let all = Keep::default();
        for op in [
            StoreOp::Put { key: key.clone(), value: Bytes::new(), ttl, when: When::Absent },
            StoreOp::Touch { key: key.clone(), ttl },
            StoreOp::Get { key: key.clone(), touch: Some(ttl) },
            StoreOp::Append { key: key.clone(), entry: Bytes::new(), ttl, keep: all },
            StoreOp::Expire { key: key.clone(), ttl },
            StoreOp::Add { key: key.clone(), by: 1, window: ttl, most: None },
        ] {
            run(&store, op, now);
        }
        let later = now + Duration::from_secs(1 << 30);
        let get = StoreOp::Get { key: key.clone(), touch: None };
        assert!(matches!(run(&store, get, later), StoreDone::Value(Some(_))));
        assert_eq!(lengths(&store, &key, later), [0]);
    }

    #[test]
    fn what_has_expired_does_not_pile_up() {
        let (store, start) = (MemoryStore::new(1 << 20), Instant::now());
        for second in 0..100_000 {
            run(&store, put(&format!("a/{second}"), 1), start + Duration::from_secs(second));
        }
        let state = store.state.lock();
        assert!(state.shelves[0].1.records.len() < 200);
    }
}
