//! The seam behind which lives what must outlive a request: sessions now, more later.
//!
//! A store answers through a callback, so that the memory store can answer at once and a remote one later, without
//! either side knowing which.

use bytes::Bytes;
use parking_lot::Mutex;
use std::collections::HashMap;
use std::time::{Duration, Instant};

/// One operation on a store. Keys are `kind/name`.
#[derive(Clone, Debug)]
pub enum StoreOp {
    /// Reads a value and pushes its expiry out to `touch` from now.
    Get {
        /// The key.
        key: String,
        /// The new time to live.
        touch: Duration,
    },
    /// Writes a value, new or old, that expires after `ttl` without being touched.
    Put {
        /// The key.
        key: String,
        /// The value.
        value: Bytes,
        /// The time to live.
        ttl: Duration,
    },
    /// Removes a value.
    Delete {
        /// The key.
        key: String,
    },
}

/// What an operation came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StoreDone {
    /// The value that was read, or that was there before a write or removal.
    Value(Option<Bytes>),
    /// The store holds its maximum and nothing in it has expired.
    Full,
    /// The store cannot be reached; the text says why.
    Unavailable(String),
}

/// Called exactly once with what an operation came to.
pub type Done = Box<dyn FnOnce(StoreDone) + Send>;

/// A store of short values that expire.
pub trait Store: Send + Sync {
    /// Carries out `op` as of `now`. `done` may be called before this returns, or later on any thread.
    fn submit(&self, op: StoreOp, now: Instant, done: Done);
}

/// The default store: this process's memory, bounded.
pub struct MemoryStore {
    capacity: usize,
    values: Mutex<HashMap<String, (Bytes, Instant)>>,
}

impl MemoryStore {
    /// A store of at most `capacity` values.
    pub fn new(capacity: usize) -> MemoryStore {
        MemoryStore { capacity, values: Mutex::new(HashMap::new()) }
    }

    fn apply(&self, op: StoreOp, now: Instant) -> StoreDone {
        let mut values = self.values.lock();
        match op {
            StoreOp::Get { key, touch } => match values.get_mut(&key) {
                Some((value, expiry)) if *expiry > now => {
                    *expiry = now + touch;
                    StoreDone::Value(Some(value.clone()))
                }
                Some(_) => {
                    values.remove(&key);
                    StoreDone::Value(None)
                }
                None => StoreDone::Value(None),
            },
            StoreOp::Put { key, value, ttl } => {
                if values.len() >= self.capacity && !values.contains_key(&key) {
                    values.retain(|_, (_, expiry)| *expiry > now);
                    if values.len() >= self.capacity {
                        return StoreDone::Full;
                    }
                }
                let old = values.insert(key, (value, now + ttl));
                StoreDone::Value(old.filter(|(_, expiry)| *expiry > now).map(|(value, _)| value))
            }
            StoreOp::Delete { key } => {
                let old = values.remove(&key);
                StoreDone::Value(old.filter(|(_, expiry)| *expiry > now).map(|(value, _)| value))
            }
        }
    }
}

impl Store for MemoryStore {
    fn submit(&self, op: StoreOp, now: Instant, done: Done) {
        let result = self.apply(op, now);
        done(result);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    fn run(store: &MemoryStore, op: StoreOp, now: Instant) -> StoreDone {
        let slot = Arc::new(Mutex::new(None));
        let put = slot.clone();
        store.submit(op, now, Box::new(move |done| *put.lock() = Some(done)));
        slot.lock().take().expect("the memory store answers at once")
    }

    fn put(key: &str, ttl: u64) -> StoreOp {
        StoreOp::Put { key: key.into(), value: Bytes::from_static(b"v"), ttl: Duration::from_secs(ttl) }
    }

    fn get(key: &str) -> StoreOp {
        StoreOp::Get { key: key.into(), touch: Duration::from_secs(10) }
    }

    #[test]
    fn values_expire_unless_touched() {
        let (store, start) = (MemoryStore::new(4), Instant::now());
        let at = |s| start + Duration::from_secs(s);
        run(&store, put("a", 10), at(0));
        assert_eq!(run(&store, get("a"), at(9)), StoreDone::Value(Some(Bytes::from_static(b"v"))));
        assert_eq!(run(&store, get("a"), at(18)), StoreDone::Value(Some(Bytes::from_static(b"v"))));
        assert_eq!(run(&store, get("a"), at(28)), StoreDone::Value(None));
    }

    #[test]
    fn it_is_bounded_and_makes_room_by_expiry() {
        let (store, start) = (MemoryStore::new(1), Instant::now());
        run(&store, put("a", 10), start);
        assert_eq!(run(&store, put("b", 10), start), StoreDone::Full);
        assert_eq!(run(&store, put("b", 10), start + Duration::from_secs(11)), StoreDone::Value(None));
    }
}
