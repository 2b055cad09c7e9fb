//! The system's clock and randomness.

use crate::dispatch::environment::Environment;
use crate::error::{Error, ErrorKind};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

/// The environment of a real server.
pub struct SystemEnvironment;

impl Environment for SystemEnvironment {
    fn now(&self) -> Instant {
        Instant::now()
    }

    fn unix_seconds(&self) -> u64 {
        SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |elapsed| elapsed.as_secs())
    }

    fn random(&self, out: &mut [u8]) -> Result<(), Error> {
        aws_lc_rs::rand::fill(out).map_err(|_| Error::new(ErrorKind::Io, "the system gives no randomness"))
    }
}
