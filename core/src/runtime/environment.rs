//! The real environment: the system's clock and randomness.

use crate::dispatch::environment::Environment;
use crate::error::{Error, ErrorKind};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

/// The environment of a server in production: monotonic and wall-clock time of the system, and its random generator.
pub struct SystemEnvironment;

impl Environment for SystemEnvironment {
    fn now(&self) -> Instant {
        Instant::now()
    }

    fn unix_seconds(&self) -> u64 {
        SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |elapsed| elapsed.as_secs())
    }

    fn random(&self, out: &mut [u8]) -> Result<(), Error> {
        getrandom::fill(out).map_err(|error| {
            Error::new(ErrorKind::Io, format!("the random generator of the system failed: {error}"))
        })
    }
}
