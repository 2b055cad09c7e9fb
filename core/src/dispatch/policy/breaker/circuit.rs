//! The circuit of one key: closed, open, or half-open.

use super::counts::Counts;
use super::{BreakerRules, Ended};
use std::time::{Duration, Instant};

/// The time to wait while probes run, which decide soon.
const PROBING: Duration = Duration::from_secs(1);

/// Lets calls pass while they succeed. After too many failures it refuses them for a time. Then it lets a few calls pass
/// as probes, which decide what follows.
#[derive(Debug, Default)]
pub(super) struct Circuit {
    state: State,
    /// The number of its last opening; 0 if it was never open. Openings are numbered over all circuits of a breaker.
    opening: u64,
}

#[derive(Debug)]
enum State {
    Closed {
        /// The number of failures without a success between them.
        failures: u32,
        counts: Counts,
    },
    Open {
        until: Instant,
    },
    HalfOpen {
        /// The number of probes that run, and of those that succeeded.
        running: u32,
        succeeded: u32,
    },
}

/// The permission for one call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Ticket {
    /// For a probe, the opening that it ends. For any other call, the latest opening when the call began.
    opening: u64,
    is_probe: bool,
}

impl Ticket {
    /// For a call that is no probe.
    pub(super) fn of_call(latest: u64) -> Ticket {
        Ticket { opening: latest, is_probe: false }
    }

    pub(super) fn is_probe(self) -> bool {
        self.is_probe
    }

    pub(super) fn number(self) -> u64 {
        self.opening << 1 | u64::from(self.is_probe)
    }

    pub(super) fn numbered(number: u64) -> Ticket {
        Ticket { opening: number >> 1, is_probe: number & 1 == 1 }
    }
}

/// A change of a circuit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    /// It refuses calls from now on.
    Opened,
    /// It lets calls pass again.
    Closed,
}

impl Default for State {
    fn default() -> State {
        State::Closed { failures: 0, counts: Counts::default() }
    }
}

impl Circuit {
    /// The time until a call may pass, if none may pass now.
    pub(super) fn wait(&self, rules: &BreakerRules, now: Instant) -> Option<Duration> {
        match &self.state {
            State::Open { until } if now < *until => Some(until.saturating_duration_since(now)),
            State::HalfOpen { running, succeeded } if *running + *succeeded >= rules.probes => Some(PROBING),
            State::Closed { .. } | State::Open { .. } | State::HalfOpen { .. } => None,
        }
    }

    /// Lets a call pass, or returns the time until one may pass. `latest` is the number of the breaker's latest opening.
    pub(super) fn admit(
        &mut self,
        rules: &BreakerRules,
        latest: u64,
        now: Instant,
    ) -> Result<Ticket, Duration> {
        if let Some(wait) = self.wait(rules, now) {
            return Err(wait);
        }
        if let State::Open { .. } = self.state {
            self.state = State::HalfOpen { running: 0, succeeded: 0 };
        }
        match &mut self.state {
            State::HalfOpen { running, .. } => {
                *running += 1;
                Ok(Ticket { opening: self.opening, is_probe: true })
            }
            State::Closed { .. } | State::Open { .. } => Ok(Ticket::of_call(latest)),
        }
    }

    /// Records how a call ended. The result of a call that began before the circuit opened does not count.
    pub(super) fn record(
        &mut self,
        ticket: Ticket,
        ended: Ended,
        rules: &BreakerRules,
        latest: &mut u64,
        now: Instant,
    ) -> Option<Change> {
        if ended == Ended::Uncounted {
            self.leave(ticket);
            return None;
        }
        let opens = match &mut self.state {
            State::Closed { failures, counts } if !ticket.is_probe && ticket.opening >= self.opening => {
                let failed = ended == Ended::Failure;
                *failures = if failed { failures.saturating_add(1) } else { 0 };
                let too_many = rules.failures.is_some_and(|most| *failures >= most);
                let too_often = rules.rate.is_some_and(|rate| counts.count(failed, &rate, now));
                failed && (too_many || too_often)
            }
            State::HalfOpen { running, succeeded } if ticket.is_probe && ticket.opening == self.opening => {
                *running -= 1;
                *succeeded += u32::from(ended == Ended::Success);
                if *succeeded >= rules.probes {
                    self.state = State::default();
                    return Some(Change::Closed);
                }
                ended == Ended::Failure
            }
            _ => false,
        };
        if !opens {
            return None;
        }
        *latest += 1;
        self.opening = *latest;
        // Checked when the entry is added: the clock can hold the time.
        let until = now.checked_add(rules.open_for).unwrap_or(now);
        self.state = State::Open { until };
        Some(Change::Opened)
    }

    /// Records that a call ended without a result. Another probe may take its turn.
    pub(super) fn leave(&mut self, ticket: Ticket) {
        if let State::HalfOpen { running, .. } = &mut self.state
            && ticket.is_probe
            && ticket.opening == self.opening
        {
            *running -= 1;
        }
    }

    /// Whether it refuses calls, or lets only probes pass.
    pub(super) fn is_open(&self) -> bool {
        !matches!(self.state, State::Closed { .. })
    }

    /// Whether a new circuit would do the same. One that was open knows which calls began before that.
    pub(super) fn is_unused(&mut self, rules: &BreakerRules, now: Instant) -> bool {
        if self.opening > 0 {
            return false;
        }
        match &mut self.state {
            State::Closed { failures, counts } => {
                *failures == 0 && rules.rate.is_none_or(|rate| counts.is_empty(&rate, now))
            }
            _ => false,
        }
    }
}
