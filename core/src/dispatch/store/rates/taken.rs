//! The result of taking from an allowance, with times in nanoseconds.

use crate::dispatch::store::op::StoreDone;
use crate::dispatch::store::table::CENTURY;
use std::time::Duration;

/// The time to wait for what an allowance never has.
pub(super) const NEVER: u64 = u64::MAX;

pub(super) struct Taken {
    pub(super) taken: bool,
    pub(super) left: u64,
    pub(super) wait: u64,
    pub(super) reset: u64,
}

impl From<Taken> for StoreDone {
    fn from(Taken { taken, left, wait, reset }: Taken) -> StoreDone {
        let time = |nanoseconds| Duration::from_nanos(nanoseconds).min(CENTURY);
        StoreDone::Taken { taken, left, wait: time(wait), reset: time(reset) }
    }
}
