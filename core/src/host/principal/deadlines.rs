//! The deadlines of pending resolutions. The engine's timer applies them, in virtual time.

use crate::locks::Mutex;
use std::collections::BTreeMap;
use std::task::Waker;
use std::time::Instant;

#[derive(Default)]
pub(in crate::host) struct Deadlines(Mutex<Table>);

#[derive(Default)]
struct Table {
    next: u64,
    /// The resolutions by their deadlines, with the wakers of the tasks that wait for them.
    pending: BTreeMap<Key, Option<Waker>>,
}

/// A deadline, and the number of its resolution.
pub(super) type Key = (Instant, u64);

impl Deadlines {
    /// Adds a deadline. Also returns whether it is the earliest.
    pub(super) fn add(&self, until: Instant) -> (Key, bool) {
        let mut table = self.0.lock();
        table.next += 1;
        let key = (until, table.next);
        table.pending.insert(key, None);
        (key, table.pending.keys().next() == Some(&key))
    }

    /// Whether a deadline has passed. If not, `waker` is called when it does.
    pub(super) fn has_passed(&self, key: Key, waker: &Waker) -> bool {
        // Cloned and dropped without the lock, because a waker may run code of the program.
        let waker = waker.clone();
        let replaced = match self.0.lock().pending.get_mut(&key) {
            None => Err(waker),
            Some(known) => Ok(known.replace(waker)),
        };
        replaced.is_err()
    }

    pub(super) fn remove(&self, key: Key) {
        let waker = self.0.lock().pending.remove(&key);
        drop(waker);
    }

    /// The earliest deadline.
    pub(in crate::host) fn next(&self) -> Option<Instant> {
        self.0.lock().pending.keys().next().map(|(until, _)| *until)
    }

    /// Removes the deadlines that have passed, and returns the wakers of the tasks that wait for them.
    pub(in crate::host) fn expire(&self, now: Instant) -> impl Iterator<Item = Waker> {
        let late = {
            let mut table = self.0.lock();
            let rest = table.pending.split_off(&(now, u64::MAX));
            std::mem::replace(&mut table.pending, rest)
        };
        late.into_values().flatten()
    }
}
