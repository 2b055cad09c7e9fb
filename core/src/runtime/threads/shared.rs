//! What the servers of one process share for as long as any of them needs it: the clock and the reactors.
//!
//! A forked child has none of its parent's threads, and a lock that one of them held stays locked there. So each process
//! in a line of forks has a place of its own, which nothing but an atomic number leads to.

use crate::error::Error;
use crate::locks::Mutex;
use crate::runtime::threads::clock::Clock;
use crate::runtime::threads::pool::Pool;
use crate::runtime::threads::thread::{Key, Threads};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Weak};
use tenon_crash::process;

/// Processes of one line of forks that can share something; the servers of further ones have everything of their own.
const PROCESSES: usize = 16;

static ENTRIES: [ProcessEntry; PROCESSES] = [const { ProcessEntry::new() }; PROCESSES];

struct ProcessEntry {
    /// Whose it is; 0 for nobody's.
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

/// Things of one kind, one for each way to start threads.
struct SharedByKey<T>(Mutex<Vec<(Key, Weak<T>)>>);

impl<T> SharedByKey<T> {
    const fn new() -> SharedByKey<T> {
        SharedByKey(Mutex::new(Vec::new()))
    }

    /// The one there is, or a new one.
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

/// The clock of servers whose threads start alike.
pub(in crate::runtime) fn clock(
    threads: &Threads,
    make: impl FnOnce() -> Result<Clock, Error>,
) -> Result<Arc<Clock>, Error> {
    match ProcessEntry::own() {
        Some(entry) => entry.clocks.get(threads.key().any_number(), make),
        None => make().map(Arc::new),
    }
}

/// The reactors of servers that want as many, and whose threads start alike.
pub(in crate::runtime) fn pool(
    threads: &Threads,
    make: impl FnOnce() -> Result<Pool, Error>,
) -> Result<Arc<Pool>, Error> {
    match ProcessEntry::own() {
        Some(entry) => entry.pools.get(threads.key(), make),
        None => make().map(Arc::new),
    }
}
