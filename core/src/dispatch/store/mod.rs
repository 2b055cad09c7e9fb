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
mod rates;
mod records;
mod table;
pub mod wire;

pub(crate) use guarded::GuardedStore;
pub use memory::{MemoryStore, StoreBounds};
pub use once::{Once, consume_once};
pub use op::{Done, Entries, Entry, Keep, Rate, Record, StoreDone, StoreOp, Version, When};

use std::time::Instant;

/// A store of data that must outlive a request: records that expire, logs that are read from a position on, counters, and
/// allowances over time.
///
/// Keys are `kind/name`. The kinds (`session`) are few and come from the engine, never from a peer. Records, logs,
/// counters and allowances with the same key are independent.
///
/// Each operation is atomic, even if others use the store at the same time. If an operation fails, or does not
/// complete within [`Limits::store_timeout`](crate::Limits::store_timeout), the request that needs it fails as busy.
/// A result that arrives later is dropped, although the operation may have taken effect. A value that cannot be read
/// counts as missing.
///
/// Times to live count from `now`, which is the time of the engine that asks. A store that replicas share counts them
/// from the arrival of the operation. Expired data does not exist for any operation.
pub trait Store: Send + Sync {
    /// Performs `op` as of `now`. `done` is called exactly once, before this returns or later on any thread. A store
    /// that does not know an operation returns [`StoreDone::Unsupported`]. It may be called from any thread, and
    /// concurrently.
    fn submit(&self, op: StoreOp, now: Instant, done: Done);

    /// Performs `op` before this returns, and returns its result; or does nothing and returns `None`. In that case
    /// the operation is [submitted](Store::submit). This is for stores that need not wait, so that a request needs no
    /// callback. It may be called from any thread, and concurrently; it must not block. The default implementation
    /// does nothing.
    fn try_now(&self, op: &StoreOp, now: Instant) -> Option<StoreDone> {
        let _ = (op, now);
        None
    }

    /// Whether [`Store::try_now`] answers every operation. If so, the engine saves the work of limiting the time of the store,
    /// unless a call has to wait all the same. It may be called from any thread, and it must not block. The default is `false`.
    fn answers_at_once(&self) -> bool {
        false
    }
}
