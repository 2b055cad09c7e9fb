//! The keys, with what they have taken, and the room that they need.

use super::order::OrderKey;
use super::usage::Usage;
use crate::dispatch::shrinking_map::{FastMap, shrink};
use crate::dispatch::store::memory::StoreBounds;
use std::sync::Arc;

/// The approximate bytes of a key besides its name: in two tables and in two orders.
const AROUND: usize = size_of::<Held>() + 160;

/// The keys. Each has a number that no other key has had.
#[derive(Default)]
pub(super) struct Keys {
    ids: FastMap<Arc<str>, u64>,
    held: FastMap<u64, Held>,
    last: u64,
    bytes: usize,
}

pub(super) struct Held {
    key: Arc<str>,
    pub(super) usage: Usage,
    pub(super) order_key: OrderKey,
    size: usize,
}

impl Keys {
    /// The bytes that a key needs.
    pub(super) fn size_of(key: &str, usage: &Usage) -> usize {
        AROUND + key.len() + usage.size()
    }

    pub(super) fn len(&self) -> usize {
        self.held.len()
    }

    pub(super) fn find(&self, key: &str) -> Option<u64> {
        self.ids.get(key).copied()
    }

    pub(super) fn get(&self, id: u64) -> Option<&Held> {
        self.held.get(&id)
    }

    pub(super) fn get_mut(&mut self, id: u64) -> Option<&mut Held> {
        self.held.get_mut(&id)
    }

    /// Whether so many more keys and bytes fit.
    pub(super) fn has_room(&self, (keys, bytes): (usize, usize), bounds: &StoreBounds) -> bool {
        self.len() + keys <= bounds.values && self.bytes.saturating_add(bytes) <= bounds.bytes
    }

    /// The number of the next key.
    pub(super) fn next(&self) -> u64 {
        self.last + 1
    }

    pub(super) fn insert(&mut self, key: &str, usage: Usage, order_key: OrderKey) {
        let (key, size): (Arc<str>, usize) = (key.into(), Keys::size_of(key, &usage));
        self.last = self.next();
        self.bytes += size;
        self.ids.insert(key.clone(), self.last);
        self.held.insert(self.last, Held { key, usage, order_key, size });
    }

    pub(super) fn remove(&mut self, id: u64) {
        let Some(held) = self.held.remove(&id) else { return };
        self.bytes -= held.size;
        self.ids.remove(&*held.key);
        shrink(&mut self.held);
        shrink(&mut self.ids);
    }

    /// Notes what a key needs now.
    pub(super) fn measure(&mut self, id: u64) {
        if let Some(held) = self.held.get_mut(&id) {
            let size = Keys::size_of(&held.key, &held.usage);
            self.bytes = self.bytes - held.size + size;
            held.size = size;
        }
    }

    #[cfg(test)]
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    #[cfg(test)]
    pub(super) fn capacity(&self) -> usize {
        self.ids.capacity().max(self.held.capacity())
    }
}
