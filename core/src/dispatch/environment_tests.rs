//! The environment of unit tests.

use crate::dispatch::environment::Environment;
use crate::error::Error;
use std::time::Instant;

/// Real time, and random bytes that are all 7.
pub(crate) struct FixedRandom;

impl Environment for FixedRandom {
    fn now(&self) -> Instant {
        Instant::now()
    }

    fn unix_seconds(&self) -> u64 {
        0
    }

    fn random(&self, out: &mut [u8]) -> Result<(), Error> {
        out.fill(7);
        Ok(())
    }
}
