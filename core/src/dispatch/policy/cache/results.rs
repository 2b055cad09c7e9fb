//! The results of a cache, bounded in number and in bytes.

use super::{Age, CacheRules};
use crate::dispatch::policy::KeyHash;
use bytes::Bytes;
use foldhash::fast::RandomState;
use lru::LruCache;
use std::fmt;
use std::num::NonZeroUsize;
use std::time::{Duration, Instant};

/// The bytes that a result takes besides its own.
const OVERHEAD: usize = 192;

/// A result as bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct CachedResult {
    pub(crate) form: CachedForm,
    pub(crate) bytes: Bytes,
}

/// What the bytes of a result are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CachedForm {
    /// Text, in UTF-8.
    Text,
    /// A JSON value.
    Json,
    /// Binary data.
    Bytes,
    /// Content blocks as JSON.
    Content,
    /// A whole result as JSON.
    Result,
}

#[derive(Debug)]
struct StoredResult {
    result: CachedResult,
    /// The digest of the address that was read.
    address: u64,
    fresh_until: Instant,
}

/// The results by their keys, the one that was used longest ago first.
pub(super) struct Results {
    kept: LruCache<KeyHash, StoredResult, RandomState>,
    bytes: usize,
}

impl fmt::Debug for Results {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (entries, bytes) = self.usage();
        f.debug_struct("Results").field("entries", &entries).field("bytes", &bytes).finish()
    }
}

fn size(result: &CachedResult) -> usize {
    result.bytes.len() + OVERHEAD
}

impl Results {
    /// At most `most` results, and at least one.
    pub(super) fn new(most: usize) -> Results {
        // A bounded cache takes the memory for all results at once, unless it becomes bounded later.
        let mut kept = LruCache::unbounded_with_hasher(RandomState::default());
        kept.resize(NonZeroUsize::new(most).unwrap_or(NonZeroUsize::MIN));
        Results { kept, bytes: 0 }
    }

    /// The result of a key, unless it is too old for any use.
    pub(super) fn get(
        &mut self,
        key: &KeyHash,
        rules: &CacheRules,
        now: Instant,
    ) -> Option<(CachedResult, Age)> {
        let kept = self.kept.get(key)?;
        let rest = kept.fresh_until.saturating_duration_since(now);
        if !rest.is_zero() {
            return Some((kept.result.clone(), Age::Fresh(rest)));
        }
        let stale = now.saturating_duration_since(kept.fresh_until);
        if stale >= rules.stale_while_revalidate.max(rules.stale_if_error) {
            self.remove(key);
            return None;
        }
        let may_be_used = stale < rules.stale_while_revalidate;
        Some((kept.result.clone(), Age::Stale { may_be_used }))
    }

    /// The result of a key, if it was fresh at most `time` ago.
    pub(super) fn within(&mut self, key: &KeyHash, time: Duration, now: Instant) -> Option<CachedResult> {
        let kept = self.kept.get(key)?;
        (now.saturating_duration_since(kept.fresh_until) < time).then(|| kept.result.clone())
    }

    /// Keeps a result for a time, unless it is too large. `address` is the digest of the address that was read.
    pub(super) fn put(
        &mut self,
        (key, address): (KeyHash, u64),
        result: CachedResult,
        time: Duration,
        rules: &CacheRules,
        now: Instant,
    ) {
        let size = size(&result);
        let Some(fresh_until) = now.checked_add(time).filter(|_| !time.is_zero() && size <= rules.max_bytes)
        else {
            self.remove(&key);
            return;
        };
        self.bytes += size;
        // The former result of the key, or the oldest one, if there are too many.
        if let Some((_, former)) = self.kept.push(key, StoredResult { result, address, fresh_until }) {
            self.bytes -= self::size(&former.result);
        }
        while self.bytes > rules.max_bytes {
            self.remove_oldest();
        }
    }

    /// Removes a result. Returns whether there was one.
    pub(super) fn remove(&mut self, key: &KeyHash) -> bool {
        let Some(kept) = self.kept.pop(key) else { return false };
        self.bytes -= size(&kept.result);
        true
    }

    fn remove_oldest(&mut self) {
        if let Some((_, kept)) = self.kept.pop_lru() {
            self.bytes -= size(&kept.result);
        }
    }

    /// Removes the results of an address, or all of them. Returns what is to be dropped without a lock.
    pub(super) fn clear(&mut self, address: Option<u64>) -> Option<Results> {
        let Some(address) = address else {
            let empty = Results::new(self.kept.cap().get());
            return Some(std::mem::replace(self, empty));
        };
        let of_address = self.kept.iter().filter(|(_, kept)| kept.address == address);
        let keys: Vec<_> = of_address.map(|(key, _)| *key).collect();
        for key in &keys {
            self.remove(key);
        }
        None
    }

    pub(super) fn usage(&self) -> (usize, usize) {
        (self.kept.len(), self.bytes)
    }
}
