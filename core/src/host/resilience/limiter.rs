//! The limiters of a program.

use super::Server;
use crate::dispatch::options::RateLimit;
use crate::dispatch::policy::{UpstreamLimit, UpstreamReport};
use crate::dispatch::store::{MemoryStore, Rate, Store, StoreDone, StoreOp};
use crate::error::Error;
use crate::json::JsonSlice;
use crate::locks::Mutex;
use std::fmt;
use std::time::{Duration, Instant};

/// The key of the allowance in a store that has no other.
const KEY: &str = "limiter";

/// The state of one limiter.
pub(super) struct NamedLimiter {
    rate: Rate,
    allowance: MemoryStore,
    upstream: Mutex<UpstreamLimit>,
}

impl NamedLimiter {
    pub(super) fn new(limit: &RateLimit) -> NamedLimiter {
        NamedLimiter { rate: limit.limit().rate, allowance: MemoryStore::new(1), upstream: Mutex::default() }
    }

    fn acquire(&self, now: Instant) -> Result<(), Duration> {
        let mut upstream = self.upstream.lock();
        if let Some(wait) = upstream.wait(self.rate.period, now) {
            return Err(wait);
        }
        let op = StoreOp::Take { key: KEY.to_owned(), by: 1, rate: self.rate };
        match self.allowance.try_now(&op, now) {
            Some(StoreDone::Taken { taken: false, wait, .. }) => Err(wait),
            _ => {
                upstream.take();
                Ok(())
            }
        }
    }
}

/// A limit of the program's own, for example of the calls of a service that it uses. The state is kept in the process.
///
/// It is cheap to clone, and every method may be called from any thread.
#[derive(Clone)]
pub struct ServerLimiter {
    pub(super) server: Server,
    pub(super) place: usize,
}

impl ServerLimiter {
    fn named(&self) -> &NamedLimiter {
        &self.server.resilience.limiters[self.place].1
    }

    /// Takes one call from the allowance, or returns the time until one can be taken.
    ///
    /// # Errors
    /// The time to wait.
    pub fn try_acquire(&self) -> Result<(), Duration> {
        self.named().acquire(self.server.now())
    }

    /// Tells the limiter what the service says about its own limit: the headers of a response, an object of names and values.
    /// These headers count, in any case, and also without `X-`:
    ///
    /// - `X-RateLimit-Remaining`: the calls that are left until the reset. If none is left, no call is made until then.
    /// - `X-RateLimit-Reset`: when that changes, in seconds from now or as a time since 1970. Without it, that is after the time
    ///   of the limiter.
    /// - `X-RateLimit-Limit`: the calls that the service allows after the reset.
    /// - `Retry-After`: seconds, or a date. No call is made until then.
    ///
    /// Other headers, and values that cannot be understood, are ignored. No header stops calls for more than a day.
    ///
    /// # Errors
    /// If `headers` is not an object.
    pub fn feed(&self, headers: impl Into<JsonSlice>) -> Result<(), Error> {
        let environment = &self.server.environment;
        let report = UpstreamReport::read(&headers.into(), environment.unix_seconds());
        let report = report.ok_or_else(|| Error::invalid("headers must be an object of names and values"))?;
        let limiter = self.named();
        limiter.upstream.lock().note(&report, limiter.rate.period, self.server.now());
        Ok(())
    }
}

impl fmt::Debug for ServerLimiter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ServerLimiter").field(&self.server.resilience.limiters[self.place].0).finish()
    }
}
