//! Counts events of clients in fixed windows of time, for a bounded number of clients.

use super::shares::Key;
use crate::locks::Mutex;
use std::collections::{BTreeSet, HashMap};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// How often each client did something in its present window.
pub(crate) struct RateTable {
    most: u64,
    window: Duration,
    /// The most clients. One more replaces the one whose window ends first.
    clients: usize,
    /// Whether anybody was counted since the start.
    is_used: AtomicBool,
    table: Mutex<Table>,
}

#[derive(Default)]
struct Table {
    counts: HashMap<Key, (u64, Instant)>,
    ends: BTreeSet<(Instant, Key)>,
}

impl RateTable {
    pub(crate) fn new(most: usize, window: Duration, clients: usize) -> RateTable {
        RateTable {
            most: most as u64,
            window,
            clients: clients.max(1),
            is_used: AtomicBool::new(false),
            table: Mutex::default(),
        }
    }

    /// How long the client must wait, because it has reached its limit.
    pub(crate) fn blocked(&self, client: Key, now: Instant) -> Option<Duration> {
        // Each request asks, and most servers count nobody.
        if !self.is_used.load(Ordering::Acquire) {
            return None;
        }
        let table = self.table.lock();
        let (count, end) = table.counts.get(&client)?;
        (*count >= self.most && *end > now).then(|| end.saturating_duration_since(now))
    }

    /// Counts one event. Returns `false` if the client has reached its limit.
    pub(crate) fn count(&self, client: Key, now: Instant) -> bool {
        let mut table = self.table.lock();
        table.expire(now);
        if let Some((count, _)) = table.counts.get_mut(&client) {
            *count += 1;
            return *count <= self.most;
        }
        let Some(end) = now.checked_add(self.window) else { return true };
        if table.counts.len() >= self.clients
            && let Some((end, first)) = table.ends.pop_first()
        {
            let _ = end;
            table.counts.remove(&first);
        }
        table.counts.insert(client, (1, end));
        table.ends.insert((end, client));
        self.is_used.store(true, Ordering::Release);
        self.most > 0
    }
}

impl Table {
    /// Removes the windows that have ended.
    fn expire(&mut self, now: Instant) {
        while let Some((end, client)) = self.ends.first().copied().filter(|(end, _)| *end <= now) {
            self.ends.remove(&(end, client));
            self.counts.remove(&client);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn client(last: u8) -> Key {
        Key::V4([10, 0, 0, last])
    }

    #[test]
    fn a_client_is_blocked_until_its_window_ends() {
        let (table, start) = (RateTable::new(2, 10 * SECOND, 100), Instant::now());
        assert!(table.count(client(1), start) && table.blocked(client(1), start).is_none());
        assert!(table.count(client(1), start + SECOND));
        assert_eq!(table.blocked(client(1), start + 4 * SECOND), Some(6 * SECOND));
        assert!(!table.count(client(1), start + 4 * SECOND));
        assert!(table.blocked(client(2), start).is_none(), "another client");
        assert!(table.blocked(client(1), start + 10 * SECOND).is_none());
        assert!(table.count(client(1), start + 10 * SECOND));
    }

    #[test]
    fn the_number_of_clients_is_bounded() {
        let (table, start) = (RateTable::new(1, 10 * SECOND, 3), Instant::now());
        for last in 0..200 {
            table.count(client(last), start + Duration::from_millis(u64::from(last)));
        }
        let inside = table.table.lock();
        assert_eq!((inside.counts.len(), inside.ends.len()), (3, 3));
        drop(inside);
        assert!(table.blocked(client(199), start + SECOND).is_some(), "the newest are kept");
        assert!(table.blocked(client(0), start + SECOND).is_none());
    }
}
