//! The streams that are open, to be kept alive.

use super::slot::Slot;
use crate::locks::Mutex;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Open event streams. Plain JSON answers never come here.
#[derive(Default)]
pub(super) struct Streams(Mutex<Table>);

#[derive(Default)]
struct Table {
    next: u64,
    open: HashMap<u64, Arc<Slot>>,
}

/// One open stream's place; leaves it when dropped.
pub(super) struct Entry {
    streams: Arc<Streams>,
    key: u64,
}

impl Streams {
    pub(super) fn enter(self: &Arc<Self>, slot: &Arc<Slot>) -> Entry {
        let mut table = self.0.lock();
        table.next += 1;
        let key = table.next;
        table.open.insert(key, slot.clone());
        Entry { streams: self.clone(), key }
    }

    /// Has a comment sent on every stream that was quiet for `quiet`.
    pub(super) fn keep_alive(&self, now: Instant, quiet: Duration) {
        // Waking under the lock would let a stream that ends at once wait for itself.
        let open: Vec<_> = self.0.lock().open.values().cloned().collect();
        for slot in open {
            slot.keep_alive(now, quiet);
        }
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        self.streams.0.lock().open.remove(&self.key);
    }
}
