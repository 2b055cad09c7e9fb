//! A bounded table whose entries expire.

use crate::dispatch::shrinking_map::shrink;
use std::collections::HashMap;
use std::time::{Duration, Instant};

/// The minimum time between two searches for expired entries while the table is full.
const PAUSE: Duration = Duration::from_millis(100);
/// The minimum number of insertions between two searches, even if the table is small.
const ROUND: usize = 64;

/// The maximum time to live, because a sum beyond the range of the clock would panic.
pub(super) const CENTURY: Duration = Duration::from_secs(100 * 365 * 86_400);

/// The time at which something expires.
pub(super) fn expiry(now: Instant, ttl: Duration) -> Instant {
    now + ttl.min(CENTURY)
}

/// The table. Expired entries stay until a search finds them or the room is needed. The cost of searches is spread
/// over the insertions. Entries are not ordered, so touching an entry costs no more than finding it.
pub(super) struct Table<T> {
    held: HashMap<String, StoredEntry<T>>,
    /// The bytes of keys and values.
    bytes: usize,
    /// Insertions since the last search, and the number of entries that it left.
    inserted: usize,
    left: usize,
    looked: Option<Instant>,
}

/// One entry.
pub(super) struct StoredEntry<T> {
    pub(super) it: T,
    pub(super) expiry: Instant,
    /// The entry's size in bytes, without the key.
    pub(super) size: usize,
}

/// There is no room.
pub(super) struct NoRoom;

impl<T> Default for Table<T> {
    fn default() -> Table<T> {
        Table { held: HashMap::new(), bytes: 0, inserted: 0, left: 0, looked: None }
    }
}

impl<T> Table<T> {
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.held.len()
    }

    /// The entry, if it exists and has not expired.
    pub(super) fn get(&mut self, key: &str, now: Instant) -> Option<&mut StoredEntry<T>> {
        self.held.get_mut(key).filter(|held| held.expiry > now)
    }

    /// Inserts or replaces an entry. If there is no room, only expired entries are removed.
    pub(super) fn insert(
        &mut self,
        key: String,
        held: StoredEntry<T>,
        bounds: (usize, usize),
        now: Instant,
    ) -> Result<(), NoRoom> {
        self.inserted += 1;
        if self.inserted >= self.left.max(ROUND) {
            self.sweep(now);
        }
        if !self.has_room(&key, held.size, bounds) {
            self.look(now);
            if !self.has_room(&key, held.size, bounds) {
                return Err(NoRoom);
            }
        }
        self.bytes += held.size;
        let length = key.len();
        match self.held.insert(key, held) {
            Some(before) => self.bytes -= before.size,
            None => self.bytes += length,
        }
        Ok(())
    }

    fn has_room(&self, key: &str, size: usize, (count, bytes): (usize, usize)) -> bool {
        let (more, freed) = match self.held.get(key) {
            Some(before) => (0, before.size),
            None => (key.len(), 0),
        };
        (more == 0 || self.held.len() < count) && (self.bytes - freed).saturating_add(size + more) <= bytes
    }

    /// Removes an entry, and returns it if it had not expired.
    pub(super) fn remove(&mut self, key: &str, now: Instant) -> Option<StoredEntry<T>> {
        let held = self.held.remove(key)?;
        shrink(&mut self.held);
        self.bytes -= held.size + key.len();
        (held.expiry > now).then_some(held)
    }

    /// Records a new size of an entry.
    pub(super) fn resize(&mut self, key: &str, size: usize) {
        if let Some(held) = self.held.get_mut(key) {
            self.bytes = self.bytes - held.size + size;
            held.size = size;
        }
    }

    /// Searches for expired entries, unless a search has just been made.
    pub(super) fn look(&mut self, now: Instant) {
        if self.looked.is_none_or(|looked| now >= looked + PAUSE) {
            self.sweep(now);
        }
    }

    fn sweep(&mut self, now: Instant) {
        self.held.retain(|key, held| {
            let stays = held.expiry > now;
            if !stays {
                self.bytes -= held.size + key.len();
            }
            stays
        });
        shrink(&mut self.held);
        (self.inserted, self.left, self.looked) = (0, self.held.len(), Some(now));
    }
}
