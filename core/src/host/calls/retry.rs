//! Runs the handler of a call again after it has failed.
//!
//! The call stays in the call table, with its id, its place with its client and its lane's credit. Between two attempts it holds
//! no permit of its entry, and its circuit breaker knows of the failure. Its deadline stays what it was.

use crate::dispatch::calls::table::CallId;
use crate::dispatch::policy::{Failure, RetryRules};
use crate::host::admission::chain::StageId;
use crate::host::admission::interface::{CallEnd, StageData};
use crate::host::calls::dispatch::Thread;
use crate::host::calls::in_flight::InFlightCall;
use crate::host::calls::op::{CallContext, Outcome};
use crate::host::calls::start::Role;
use crate::host::lanes::port::HostPort;
use std::mem::take;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

/// The name of the wait between two attempts in reports.
const WAIT: &str = "retry";

/// What is to be done between two attempts.
struct Plan {
    context: Arc<CallContext>,
    /// The stages to release, and what the call has there.
    release: Vec<StageId>,
    held: StageData,
    wait: Duration,
}

/// Whether an outcome may count as a failure, for any entry.
fn is_failure(outcome: &Outcome) -> bool {
    match outcome {
        Outcome::Failed(_) | Outcome::Exception(_) | Outcome::Error(_) => true,
        Outcome::Result(result) => result.member("isError").is_some(),
        _ => false,
    }
}

/// Whether an outcome counts as a failure.
fn counts(rules: &RetryRules, end: CallEnd) -> bool {
    let failure = match end {
        CallEnd::Raised => Failure::Exceptions,
        CallEnd::Error => Failure::Errors,
        CallEnd::Failed => Failure::Failed,
        CallEnd::Returned | CallEnd::TimedOut | CallEnd::Unknown => return false,
    };
    rules.counts.contains(&failure)
}

impl HostPort {
    /// Lets a call whose handler has failed run again, if its entry has such a policy. Returns whether it does; then the outcome
    /// is not used.
    #[inline]
    pub(in crate::host) fn retries(&self, id: CallId, outcome: &Outcome) -> bool {
        self.0.catalog.retries() && is_failure(outcome) && self.retry(id, outcome)
    }

    fn retry(&self, id: CallId, outcome: &Outcome) -> bool {
        if self.0.closing.load(Ordering::Acquire) {
            return false;
        }
        let now = self.0.now();
        let mut random = [0; 4];
        // Without randomness the times are merely not spread.
        let _ = self.0.environment.random(&mut random);
        let random = u32::from_ne_bytes(random);
        let mut former = None;
        let plan = self.0.with_deadline(id, |flight, deadline| {
            let plan = plan(flight, outcome, *deadline, now, random)?;
            former = Some((take(&mut flight.handler), flight.following.take()));
            Some(plan)
        });
        // What the attempt leaves behind is ended without a lock.
        if let Some((handler, following)) = former {
            following.iter().for_each(|following| self.0.end_following(following));
            drop(handler);
        }
        let Some(Plan { context, release, mut held, wait }) = plan.flatten() else { return false };
        for stage in release {
            self.0.release_early(stage, id, &context, &mut held);
        }
        let entry = &context.entry;
        let facts = || {
            let input = self.0.calls.with(id, |flight| flight.input.clone());
            input.and_then(|input| entry.breaker.as_ref()?.wait(&context.facts(&input), now))
        };
        // The failure itself says more than that the circuit is open.
        if facts().is_some_and(|open| open > wait) {
            entry.retry.iter().for_each(|rules| rules.budget.give_back());
            return false;
        }
        if let Some(state) = context.state.get() {
            state.clear();
        }
        let observed = self.0.observed(id);
        observed.decided(WAIT, "retried");
        observed.waits(WAIT);
        let again = self.clone();
        self.0.with_deadline(id, |flight, deadline| {
            flight.passage.data_mut().until = *deadline;
            flight.passage.if_late(Box::new(move |_| again.run_again(id)));
            *deadline = now.checked_add(wait);
        });
        true
    }

    /// Takes a call to its next attempt.
    fn run_again(&self, id: CallId) -> bool {
        let ready = self.0.with_deadline(id, |flight, deadline| {
            *deadline = flight.passage.data_mut().until.take();
            flight.asks.restart();
            (flight.ready(id, Thread::Other), flight.passage.ahead())
        });
        if let Some((call, ahead)) = ready {
            self.0.observed(id).continues();
            self.admit(call, ahead);
        }
        true
    }
}

impl InFlightCall {
    /// Counts the call for the budget of its entry's retries, at its end. A call whose handler did not run does not count.
    #[inline]
    pub(in crate::host) fn counts_for_retries(&self) {
        if let Some(rules) = &self.context.entry.retry
            && self.passage.fresh_for().is_none()
            && matches!(self.role, Role::Message | Role::Renewal)
        {
            rules.budget.add_call();
        }
    }
}

/// Plans another attempt, if there may be one.
fn plan(
    flight: &mut InFlightCall,
    outcome: &Outcome,
    deadline: Option<Instant>,
    now: Instant,
    random: u32,
) -> Option<Plan> {
    let context = flight.context.clone();
    let rules = context.entry.retry.as_ref()?;
    let may =
        matches!(flight.role, Role::Message | Role::Renewal) && !flight.retried && !flight.asks.has_asked();
    let end = CallEnd::of(outcome, &context);
    if !may || !counts(rules, end) {
        return None;
    }
    let data = flight.passage.data_mut();
    let attempts = data.attempts + 1;
    let wait = rules.wait(attempts, random);
    let rest = deadline.map(|deadline| deadline.saturating_duration_since(now));
    let has_time = rest.is_none_or(|rest| wait < rest);
    if attempts >= rules.attempts || !has_time || !rules.budget.take() {
        return None;
    }
    data.attempts = attempts;
    let held = StageData { permit: data.permit.take(), end, ..StageData::default() };
    // A permit that the call waits for must not give it new time.
    flight.timeout = rest.map_or(flight.timeout, |rest| rest - wait);
    let release = flight.passage.rewind(StageId::Concurrency);
    Some(Plan { context, release, held, wait })
}
