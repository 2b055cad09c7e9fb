//! The interface to the store, which keeps what outlives a request: sessions, and everything else that replicas
//! share.
//!
//! A store answers through a callback. So the memory store can answer at once and a remote store later, and the
//! caller needs to know neither. In some places an immediate answer is worth an extra call; there, the engine first
//! asks the store whether it has one.

mod counters;
mod guarded;
mod logs;
mod memory;
mod once;
mod op;
mod records;
mod table;

pub(crate) use guarded::GuardedStore;
pub use memory::{MemoryStore, StoreBounds};
pub use once::{Once, consume_once};
pub use op::{Done, Entries, Entry, Keep, Record, StoreDone, StoreOp, Version, When};

use std::time::Instant;

/// A store of what must outlive a request: records that expire, logs that are read from a position on, counters.
///
/// Keys are `kind/name`; the kinds (`session`) are few and the engine's, never a peer's. Records, logs and counters with
/// the same key know nothing of each other.
///
/// An operation takes effect as a whole and at one point in time, whoever else uses the store. One that fails, or has not
/// answered after [`Limits::store_timeout`](crate::Limits::store_timeout), makes the request that needs it fail as busy;
/// an answer that comes later is dropped, although what was asked for may have happened. A value that cannot be read
/// counts as missing.
///
/// Times to live count from `now`, which is the time of the engine that asks; a store that replicas share counts them from
/// when the operation reaches it. What has expired is not there for any operation.
pub trait Store: Send + Sync {
    /// Carries out `op` as of `now`. `done` is called exactly once, before this returns or later on any thread; a store
    /// that does not know an operation says [`StoreDone::Unsupported`]. May be called from any thread, several at a time.
    fn submit(&self, op: StoreOp, now: Instant, done: Done);

    /// Carries out `op` before this returns and says what it came to, or does nothing: then it is
    /// [submitted](Store::submit). For stores that need not wait for anything: a request then pays for no callback. May be
    /// called from any thread, several at a time; it must not block. By default nothing is carried out.
    fn try_now(&self, op: &StoreOp, now: Instant) -> Option<StoreDone> {
        let _ = (op, now);
        None
    }
}
