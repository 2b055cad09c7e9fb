//! The interface for time and randomness. The engine takes both from outside, so that tests can control them.

use crate::error::Error;
use crate::panics::caught;
use std::time::Instant;

/// The time and the randomness of one engine.
pub trait Environment: Send + Sync {
    /// Monotonic time, for deadlines.
    fn now(&self) -> Instant;
    /// Seconds since 1970, for data that expires across processes.
    fn unix_seconds(&self) -> u64;
    /// Fills `out` with unpredictable bytes.
    fn random(&self, out: &mut [u8]) -> Result<(), Error>;
}

/// The time for observers; `None` if the program's clock panics.
pub(crate) fn time_of(environment: &dyn Environment) -> Option<Instant> {
    caught(|| environment.now()).ok()
}
