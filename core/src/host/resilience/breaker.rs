//! The circuit breakers of a program.

use super::Server;
use crate::dispatch::options::CircuitBreaker;
use crate::dispatch::policy::{Breaker, CallFacts, Ended, Permit, PermitNumber, whole_seconds};
use crate::locks::Mutex;
use std::fmt;
use std::time::{Duration, Instant};

/// A breaker has one circuit.
const CIRCUITS: usize = 1;

/// The state of one circuit breaker.
pub(super) struct NamedBreaker {
    breaker: Breaker,
    /// The probes whose permits are numbers, and when they began. If a program forgets one, another probe may run in its place.
    probes: Mutex<Vec<(PermitNumber, Instant)>>,
}

impl NamedBreaker {
    pub(super) fn new(options: &CircuitBreaker) -> NamedBreaker {
        NamedBreaker { breaker: options.breaker(), probes: Mutex::default() }
    }

    fn admit(&self, now: Instant) -> Result<Permit, Duration> {
        self.breaker.admit(&CallFacts::default(), CIRCUITS, now)
    }

    fn admit_numbered(&self, now: Instant) -> Result<u64, Duration> {
        let mut probes = self.probes.lock();
        let forgotten = self.breaker.rules().open_for;
        probes.retain(|(number, since)| {
            let runs = now.saturating_duration_since(*since) < forgotten;
            if !runs {
                drop(self.breaker.permit(*number));
            }
            runs
        });
        let number = self.admit(now)?.into_number();
        if number.is_probe() {
            probes.push((number, now));
        }
        Ok(number.0)
    }

    /// The permit of a number. `None`: it was a probe that has ended.
    fn take(&self, number: PermitNumber) -> Option<Permit> {
        if number.is_probe() {
            let mut probes = self.probes.lock();
            let place = probes.iter().position(|(known, _)| *known == number)?;
            probes.swap_remove(place);
        }
        Some(self.breaker.permit(number))
    }
}

/// A circuit breaker of the program's own, for example around a service that it uses. The state is kept in the process.
///
/// It is cheap to clone, and every method may be called from any thread.
#[derive(Clone)]
pub struct ServerBreaker {
    pub(super) server: Server,
    pub(super) place: usize,
}

/// The permission for one call of what a breaker protects. If it is dropped without a result, the call does not count.
#[derive(Debug)]
#[must_use = "the breaker learns of the result by `record`"]
pub struct BreakerPermit {
    permit: Permit,
    of: ServerBreaker,
}

impl ServerBreaker {
    fn named(&self) -> &NamedBreaker {
        &self.server.resilience.breakers[self.place].1
    }

    /// Lets a call pass, or returns the time until one may pass. Then, nothing is to be called.
    ///
    /// # Errors
    /// The time to wait.
    pub fn allow(&self) -> Result<BreakerPermit, Duration> {
        let permit = self.named().admit(self.server.now())?;
        Ok(BreakerPermit { permit, of: self.clone() })
    }

    /// Calls `run`, unless the circuit is open. An error counts as a failure.
    ///
    /// # Errors
    /// The time to wait if the circuit is open; else what `run` returns is the inner result.
    pub async fn run<T, E>(&self, run: impl AsyncFnOnce() -> Result<T, E>) -> Result<Result<T, E>, Duration> {
        let permit = self.allow()?;
        let result = run().await;
        permit.record(result.is_ok());
        Ok(result)
    }

    /// Like [`allow`](Self::allow), for bindings: the permit is a number for [`record_number`](Self::record_number). A probe whose
    /// number is not recorded in the time `open_for` does not count.
    #[doc(hidden)]
    pub fn allow_number(&self) -> Result<u64, Duration> {
        self.named().admit_numbered(self.server.now())
    }

    /// The text of a refusal, for bindings.
    #[doc(hidden)]
    pub fn refusal(&self, wait: Duration) -> String {
        let name = &self.server.resilience.breakers[self.place].0;
        format!("Circuit breaker open for {name}: try again in {} s", whole_seconds(wait))
    }

    /// Records how the call with this permit ended; `None`: that it does not count.
    #[doc(hidden)]
    pub fn record_number(&self, number: u64, succeeded: Option<bool>) {
        let Some(permit) = self.named().take(PermitNumber(number)) else { return };
        record(permit, succeeded, self.server.now());
    }
}

fn record(permit: Permit, succeeded: Option<bool>, now: Instant) {
    let ended = match succeeded {
        Some(true) => Ended::Success,
        Some(false) => Ended::Failure,
        None => Ended::Uncounted,
    };
    permit.record(ended, CIRCUITS, now);
}

impl BreakerPermit {
    /// Records whether the call succeeded.
    pub fn record(self, succeeded: bool) {
        record(self.permit, Some(succeeded), self.of.server.now());
    }
}

impl fmt::Debug for ServerBreaker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ServerBreaker").field(&self.server.resilience.breakers[self.place].0).finish()
    }
}
