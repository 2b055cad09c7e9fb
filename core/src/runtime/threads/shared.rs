//! The clock and the reactors that the servers of one process share.
//!
//! A forked child has none of its parent's threads, and a lock that one of these threads held stays locked in the
//! child. So each process in a chain of forks has its own entry. An atomic process number suffices to find the entry.

use crate::error::Error;
use crate::locks::Mutex;
use crate::runtime::threads::clock::Clock;
use crate::runtime::threads::pool::Pool;
use crate::runtime::threads::thread::{Key, Threads};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Weak};
use tenon_crash::process;

/// The number of processes in a chain of forks that can have an entry. Servers of further processes share nothing.
const PROCESSES: usize = 16;

static ENTRIES: [ProcessEntry; PROCESSES] = [const { ProcessEntry::new() }; PROCESSES];

struct ProcessEntry {
    /// The number of the process; 0 means that the entry is unused.
    process: AtomicU64,
    clocks: SharedByKey<Clock>,
    pools: SharedByKey<Pool>,
}

impl ProcessEntry {
    const fn new() -> ProcessEntry {
        ProcessEntry { process: AtomicU64::new(0), clocks: SharedByKey::new(), pools: SharedByKey::new() }
    }

    fn own() -> Option<&'static ProcessEntry> {
        let own = process();
        ENTRIES.iter().find(|entry| {
            let claimed = entry.process.compare_exchange(0, own, Ordering::SeqCst, Ordering::SeqCst);
            claimed.is_ok() || claimed == Err(own)
        })
    }
}

/// Shared objects of one type, one for each set of thread settings.
struct SharedByKey<T>(Mutex<Vec<(Key, Weak<T>)>>);

impl<T> SharedByKey<T> {
    const fn new() -> SharedByKey<T> {
        SharedByKey(Mutex::new(Vec::new()))
    }

    /// Returns the existing object for `key`, or makes a new one.
    fn get(&self, key: Key, make: impl FnOnce() -> Result<T, Error>) -> Result<Arc<T>, Error> {
        let mut shared = self.0.lock();
        shared.retain(|(_, share)| share.strong_count() > 0);
        let found = shared.iter().find(|(other, _)| *other == key);
        if let Some(share) = found.and_then(|(_, share)| share.upgrade()) {
            return Ok(share);
        }
        let made = Arc::new(make()?);
        shared.push((key, Arc::downgrade(&made)));
        Ok(made)
    }
}

/// The clock for servers with equal thread settings. The number of reactors does not count.
pub(in crate::runtime) fn clock(
    threads: &Threads,
    make: impl FnOnce() -> Result<Clock, Error>,
) -> Result<Arc<Clock>, Error> {
    match ProcessEntry::own() {
        Some(entry) => entry.clocks.get(threads.key().any_number(), make),
        None => make().map(Arc::new),
    }
}

/// The reactors for servers with equal thread settings and an equal number of reactors.
pub(in crate::runtime) fn pool(
    threads: &Threads,
    make: impl FnOnce() -> Result<Pool, Error>,
) -> Result<Arc<Pool>, Error> {
    match ProcessEntry::own() {
        Some(entry) => entry.pools.get(threads.key(), make),
        None => make().map(Arc::new),
    }
}
