//! Gives the outcome of a call to the calls that wait for it, and to the cache.

use super::results::{cached, outcome as outcome_of, time_in};
use crate::dispatch::calls::table::CallId;
use crate::host::admission::chain::StageId;
use crate::host::admission::interface::{Answer, CallEnd};
use crate::host::calls::in_flight::InFlightCall;
use crate::host::calls::op::Outcome;
use crate::host::delivery::sink::Outgoing;
use crate::host::engine::Engine;
use crate::host::engine_state::Shared;
use crate::host::lanes::port::HostPort;
use crate::host::lanes::wake_batch;
use crate::panics::caught;
use crate::proto::catalog::kind::Kind;
use crate::proto::messages::error::code;
use std::time::Duration;

/// The calls that waited for one that has ended, which are resumed after its response. The cache has forgotten them before, so
/// that a client which has the response of a failed call can call again at once.
pub(in crate::host) struct Settled {
    waiting: Vec<CallId>,
    /// What the waiting calls get, and how long it stays fresh. `None`: they produce their own results.
    shared: Option<(Outcome, Duration)>,
}

/// How a call has ended that was to produce a result.
pub(in crate::host) struct Ended {
    /// The outcome, unless the engine has failed.
    pub(in crate::host) outcome: Option<Outcome>,
    /// The program's fault.
    pub(in crate::host) wrong: Option<String>,
    pub(in crate::host) end: CallEnd,
}

/// Codes of errors that are for one client only.
const OF_ONE_CLIENT: [i32; 2] = [code::URL_ELICITATION_REQUIRED, code::MISSING_CLIENT_CAPABILITY];

impl Shared {
    /// Gives the outcome of a call to the cache of its entry; `None` if the call was not to produce a result. If an old result
    /// takes the place of a failure, `outgoing` becomes its response.
    pub(in crate::host) fn settle_cache(
        &self,
        flight: &mut InFlightCall,
        ended: Ended,
        outgoing: &mut Outgoing,
    ) -> Option<Settled> {
        let data = flight.passage.data()?;
        let (production, asked) = (data.production.take()?, data.asked);
        let entry = flight.context.entry.clone();
        let cache = entry.cache.as_ref()?;
        let settled =
            |kept, shared| Some(Settled { waiting: cache.finish(&production, kept, self.now()), shared });
        let Ended { outcome, wrong, end } = ended;
        let Some(outcome) = outcome.filter(|_| !asked && flight.task.is_none()) else {
            return settled(None, None);
        };
        if let (CallEnd::Returned, None) = (end, &wrong) {
            let rules = cache.rules();
            let time = time_in(&outcome, rules.public).unwrap_or(rules.ttl).min(rules.ttl);
            let result = cached(&outcome).filter(|_| !time.is_zero());
            return match result {
                Some(result) => settled(Some((result, time)), Some((outcome, time))),
                None => settled(None, None),
            };
        }
        let failed = wrong.is_some()
            || matches!(end, CallEnd::Raised | CallEnd::Error | CallEnd::Failed | CallEnd::TimedOut);
        if failed && let Some(stale) = cache.if_error(&production, self.now()) {
            let stale = outcome_of(&stale);
            flight.passage.data_mut().fresh_for = Some(Duration::ZERO);
            *outgoing = self.shape(flight, &stale, &mut None);
            return settled(None, Some((stale, Duration::ZERO)));
        }
        let shared = match (outcome, wrong) {
            (Outcome::Error(error), _) if OF_ONE_CLIENT.contains(&error.code) => None,
            (Outcome::Error(error), _) => Some(Outcome::Error(error)),
            (Outcome::Failed(text), _) | (_, Some(text)) => Some(Outcome::Failed(text)),
            // A result that says that it is a failure.
            (result, None) => Some(result),
        };
        settled(None, shared.map(|outcome| (outcome, Duration::ZERO)))
    }

    /// Gives the outcome of a call to the calls that waited for it.
    pub(in crate::host) fn share(&self, Settled { waiting, shared }: Settled) {
        self.resume_waiting(waiting, &|| match &shared {
            Some((outcome, fresh)) => Err(Answer::Shared(Box::new(outcome.clone()), *fresh)),
            None => Ok(()),
        });
    }

    /// Resumes calls that waited for another one.
    pub(super) fn resume_waiting(&self, waiting: Vec<CallId>, decide: &dyn Fn() -> Result<(), Answer>) {
        if waiting.is_empty() {
            return;
        }
        let Some(this) = self.this.upgrade() else { return };
        // The thread that writes the responses is woken once.
        let _turn = wake_batch::batch();
        let port = HostPort(this);
        for id in waiting {
            let resumed = caught(|| match decide() {
                Ok(()) => port.resume_with_credit(StageId::CacheLookup, id, self.now(), |_| Ok(())),
                Err(answer) => port.resume(StageId::CacheLookup, id, self.now(), |_| Err(answer)),
            });
            if let Err(panicked) = resumed {
                self.fail_panicked(id, &panicked);
            }
        }
    }

    /// An old result instead of a refusal, if the call was to produce a result and an old one is kept.
    pub(in crate::host) fn stale_instead(&self, id: CallId, answer: Answer) -> Answer {
        if matches!(answer, Answer::Shared(..)) {
            return answer;
        }
        let found = self
            .calls
            .with(id, |flight| Some((flight.context.entry.clone(), flight.passage.data()?.production?)));
        let Some((entry, production)) = found.flatten() else { return answer };
        let Some(cache) = &entry.cache else { return answer };
        let Some(stale) = cache.if_error(&production, self.now()) else { return answer };
        self.calls.with(id, |flight| flight.passage.data()?.production.take());
        let outcome = outcome_of(&stale);
        let shared = Some((outcome.clone(), Duration::ZERO));
        self.share(Settled { waiting: cache.finish(&production, None, self.now()), shared });
        Answer::Shared(Box::new(outcome), Duration::ZERO)
    }

    /// An old result for a call that was removed from the table because its time is over, and what its waiting calls get.
    pub(in crate::host) fn stale_of(&self, flight: &mut InFlightCall) -> Option<(Outcome, Settled)> {
        let entry = flight.context.entry.clone();
        let cache = entry.cache.as_ref()?;
        let data = flight.passage.data()?;
        let production = data.production?;
        let stale = outcome_of(&cache.if_error(&production, self.now())?);
        (data.production, data.fresh_for) = (None, Some(Duration::ZERO));
        let shared = Some((stale.clone(), Duration::ZERO));
        Some((stale, Settled { waiting: cache.finish(&production, None, self.now()), shared }))
    }

    /// Records that the outcome of a call is for its client alone, because the call asks its client or becomes a task. The
    /// calls that wait for it go on.
    pub(in crate::host) fn stands_alone(&self, call: CallId) {
        let mut next = Some(call);
        while let Some(id) = next {
            let found = self.calls.with(id, |flight| {
                let production = flight.passage.data().and_then(|data| {
                    data.asked = true;
                    data.production
                });
                (flight.outer(), production.map(|production| (flight.context.entry.clone(), production)))
            });
            let Some((outer, production)) = found else { return };
            if let Some((entry, production)) = production
                && let Some(cache) = &entry.cache
            {
                self.resume_waiting(cache.release_waiting(&production), &|| Ok(()));
            }
            next = outer;
        }
    }
}

impl Engine {
    /// Removes the results that caches keep for a resource.
    pub(in crate::host) fn forget_results(&self, address: &str) {
        if !self.0.catalog.caches() {
            return;
        }
        // Hidden entries too, because they may be shown again.
        if let Some(cache) = self.0.catalog.get(Kind::Resource, address).and_then(|entry| entry.cache.clone())
        {
            cache.clear(None);
        }
        for (entry, _) in self.0.catalog.all(Kind::ResourceTemplate) {
            if let Some(cache) = &entry.cache
                && let Some(variables) = entry.variables(address)
            {
                cache.clear(Some(&variables));
            }
        }
    }
}
