//! Asks a store whether something happens for the first time, such as the use of a state.

use super::Store;
use super::op::{StoreDone, StoreOp, When};
use bytes::Bytes;
use std::time::{Duration, Instant};

/// Whether something happens for the first time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Once {
    /// This is the first time. No other caller gets this result until the time has passed.
    First,
    /// This has happened before.
    Again,
    /// The store cannot determine it; the text gives the reason. The store may have recorded it nevertheless.
    Unknown(String),
}

/// Consumes `key` like a nonce: the first caller gets `First`, every later one `Again`, until `ttl` has passed.
pub fn consume_once(
    store: &dyn Store,
    key: String,
    ttl: Duration,
    now: Instant,
    done: impl FnOnce(Once) + Send + 'static,
) {
    let op = StoreOp::Put { key, value: Bytes::new(), ttl, when: When::Absent };
    let read = |done| match done {
        StoreDone::Stored(_) => Once::First,
        StoreDone::Conflict(_) => Once::Again,
        StoreDone::Full => Once::Unknown("the store is full".into()),
        other => Once::Unknown(other.failure().unwrap_or("it returned an unexpected reply").into()),
    };
    store.submit(op, now, Box::new(move |answer| done(read(answer))));
}
