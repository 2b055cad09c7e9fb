//! The cache of a program: values by keys that the program chooses.

use super::results::{CachedForm, CachedResult, Results};
use super::{Age, CacheRules};
use crate::dispatch::policy::KeyHash;
use crate::dispatch::policy::caller_key::KeyDigest;
use crate::json::JsonSlice;
use crate::locks::Mutex;
use bytes::Bytes;
use std::time::{Duration, Instant};

/// Values by their keys, bounded in number and in bytes. The value that was used longest ago goes first.
#[derive(Debug)]
pub(crate) struct ValueCache {
    rules: CacheRules,
    values: Mutex<Results>,
}

fn digest(key: &str) -> KeyHash {
    let mut digest = KeyDigest::of("value");
    digest.part(key.as_bytes());
    digest.hash()
}

impl ValueCache {
    pub(crate) fn new(max_entries: usize, max_bytes: usize) -> ValueCache {
        let never = Duration::ZERO;
        let rules = CacheRules {
            ttl: never,
            max_entries,
            max_bytes,
            public: true,
            stale_if_error: never,
            stale_while_revalidate: never,
        };
        ValueCache { values: Mutex::new(Results::new(rules.max_entries)), rules }
    }

    /// The value of a key, unless it is too old.
    pub(crate) fn get(&self, key: &str, now: Instant) -> Option<JsonSlice> {
        match self.values.lock().get(&digest(key), &self.rules, now)? {
            (found, Age::Fresh(_)) => Some(JsonSlice::from_trusted(found.bytes)),
            (_, Age::Stale { .. }) => None,
        }
    }

    /// Keeps a value for a time, unless it is larger than the cache. The bytes are copied, because they may be part of a larger
    /// text.
    pub(crate) fn put(&self, key: &str, value: &JsonSlice, time: Duration, now: Instant) {
        let bytes = Bytes::copy_from_slice(value.as_bytes());
        let result = CachedResult { form: CachedForm::Json, bytes };
        self.values.lock().put((digest(key), 0), result, time, &self.rules, now);
    }

    /// Removes the value of a key. Returns whether there was one.
    pub(crate) fn delete(&self, key: &str) -> bool {
        self.values.lock().remove(&digest(key))
    }

    /// Removes all values.
    pub(crate) fn clear(&self) {
        let old = self.values.lock().clear(None);
        drop(old);
    }
}
