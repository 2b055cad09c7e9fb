//! The caches of entries: looks results up, shares them between calls, and renews them.

mod results;
mod sharing;

pub(in crate::host) use sharing::Ended;

use crate::dispatch::calls::table::CallId;
use crate::dispatch::policy::{CallKey, Found, Production};
use crate::host::Registered;
use crate::host::admission::chain::{Resumed, StageId};
use crate::host::admission::interface::{Answer, StageData, Taken, Verdict};
use crate::host::calls::dispatch::{ReadyCall, Thread};
use crate::host::calls::in_flight::InFlightCall;
use crate::host::calls::op::{CallContext, Outcome};
use crate::host::calls::request_origin::RequestOrigin;
use crate::host::calls::start::{CallSpec, Role};
use crate::host::delivery::sink::{Delivery, Outgoing, Sink};
use crate::host::engine::Engine;
use crate::host::engine_state::Shared;
use crate::host::lanes::port::HostPort;
use crate::panics::caught;
use crate::proto::messages::error::{RpcError, stage};
use std::sync::Arc;
use std::time::Duration;

/// The receiver of a renewal's result, which only the cache gets.
struct NoClient;

impl Sink for NoClient {
    fn send(&self, _: Outgoing) -> Delivery {
        Delivery::Gone
    }

    fn outcome(&self, _: &Outcome) {}
}

/// The key of a call in the cache of its entry.
fn key_of(call: &ReadyCall) -> Option<CallKey> {
    let cache = call.context.entry.cache.as_ref()?;
    Some(cache.key(&call.context.facts(&call.input), call.context.uri.as_deref()))
}

impl HostPort {
    /// Answers a call from the cache of its entry, lets it produce the result, or makes it wait for the call that does.
    pub(in crate::host) fn look_up(&self, call: &ReadyCall) -> Verdict {
        let (Some(cache), Some(key)) = (&call.context.entry.cache, key_of(call)) else {
            return Verdict::Pass;
        };
        let produces = |flight: &mut StageData| flight.production.is_some();
        let renews = self.0.calls.with(call.id, |flight| flight.passage.data().is_some_and(produces));
        if renews == Some(true) {
            return Verdict::Pass;
        }
        let found = cache.look(&key, call.id, self.0.limits.max_waiting_calls, self.0.now());
        let mut taken = Taken::default();
        let verdict = self.act_on(found, call, &mut taken);
        if let Some(production) = taken.production {
            // If the call has ended, the thread that finds that passes the production on.
            self.0.calls.with(call.id, |flight| flight.passage.data_mut().production = Some(production));
        }
        verdict
    }

    /// The same for a new call, if no other call produces the result.
    pub(in crate::host) fn look_up_at_once(&self, call: &ReadyCall, taken: &mut Taken) -> Option<Verdict> {
        let (cache, key) = (call.context.entry.cache.as_ref()?, key_of(call)?);
        let found = cache.look_at_once(&key, call.id, self.0.now())?;
        Some(self.act_on(found, call, taken))
    }

    /// The verdict of the stage about a call for which the cache has found this.
    fn act_on(&self, found: Found, call: &ReadyCall, taken: &mut Taken) -> Verdict {
        match found {
            Found::Fresh(result, rest) => {
                Verdict::Answer(Answer::Shared(Box::new(results::outcome(&result)), rest))
            }
            Found::Stale(result, renewal) => {
                if let Some(production) = renewal {
                    self.renew(call, production);
                }
                Verdict::Answer(Answer::Shared(Box::new(results::outcome(&result)), Duration::ZERO))
            }
            Found::Produce(production) => {
                taken.production = Some(production);
                Verdict::Pass
            }
            Found::Wait => {
                self.0.return_credit(StageId::CacheLookup, call.id);
                Verdict::Wait
            }
            Found::Full => {
                let (entry, most) = (&call.context.entry, self.0.limits.max_waiting_calls);
                let text =
                    format!("Server busy: {most} calls wait for one result of {entry} (max_waiting_calls)");
                RpcError::busy(text).refused_by(stage::CACHE, "max_waiting_calls").into()
            }
        }
    }

    /// Whether the cache, which comes later, has a result for a call: now, or if the call fails.
    pub(in crate::host) fn may_be_kept(&self, call: &ReadyCall) -> bool {
        let Some(cache) = &call.context.entry.cache else { return false };
        let looks = self.0.calls.with(call.id, |flight| flight.passage.comes_to(StageId::CacheLookup));
        looks == Some(true) && key_of(call).is_some_and(|key| cache.would_answer(&key.key, self.0.now()))
    }

    /// Runs the handler once more, to renew a result.
    fn renew(&self, call: &ReadyCall, production: Production) {
        let context = Arc::new(call.context.for_renewal());
        let sink: Arc<dyn Sink> = Arc::new(NoClient);
        let data = StageData { production: Some(production), ..StageData::default() };
        let spec = CallSpec {
            role: Role::Renewal,
            thread: Thread::Other,
            stage_data: Some(Box::new(data)),
            ..CallSpec::of(None, context, call.input.clone(), &sink)
        };
        // If there is no room for the call, the next one that finds the old result tries again.
        match caught(|| Engine(self.0.clone()).start(spec)) {
            Ok(Ok(_)) => {}
            Ok(Err(_)) => self.0.let_alone(&call.context.entry, &production),
            Err(panicked) => {
                self.0.panicked("the start of a renewal", &panicked);
                self.0.let_alone(&call.context.entry, &production);
            }
        }
    }

    /// Answers a call with the outcome of another one.
    pub(in crate::host) fn answer_shared(&self, id: CallId, answer: Answer) {
        let Answer::Shared(outcome, fresh_for) = answer else { return };
        self.0.calls.with(id, |flight| flight.passage.data_mut().fresh_for = Some(fresh_for));
        if let Err(panicked) = caught(|| self.0.answer_by_stage(id, *outcome)) {
            self.0.panicked("the answer of a call from a cache", &panicked);
        }
    }
}

impl CallContext {
    /// The context of a call of the engine's own with the same caller, which renews the result of this call.
    fn for_renewal(&self) -> CallContext {
        CallContext {
            client: self.client.clone(),
            session_id: self.session_id.clone(),
            uri: self.uri.clone(),
            // What the program has attached belongs to the request, which ends before.
            arrival: RequestOrigin { attachment: None, ..self.arrival.clone() },
            around: self.around.as_ref().and_then(|around| around.again()).map(Box::new),
            ..CallContext::of(None, self.client.clone(), self.entry.clone())
        }
    }
}

impl Shared {
    /// Passes on what a call was to produce, at the end of the call, whichever stage it has reached.
    #[inline]
    pub(in crate::host) fn release_production(&self, flight: &mut InFlightCall) {
        let Some(data) = flight.passage.data() else { return };
        if let Some(production) = data.production.take() {
            self.pass_on(&flight.context.entry, production);
        }
    }

    /// Gives what a call was to produce to a call that waits for it, because the call has ended without a result.
    pub(in crate::host) fn pass_on(&self, entry: &Arc<Registered>, production: Production) {
        let (Some(cache), Some(this)) = (&entry.cache, self.this.upgrade()) else { return };
        let port = HostPort(this);
        let mut next = cache.pass_on(&production);
        while let Some(id) = next {
            let resumed = caught(|| {
                port.resume_with_credit(StageId::CacheLookup, id, self.now(), |flight| {
                    flight.passage.data_mut().production = Some(production);
                    Ok(())
                })
            });
            if let Err(panicked) = &resumed {
                self.fail_panicked(id, panicked);
            }
            next = cache.passed_on(&production, matches!(resumed, Ok(Resumed::Passed)));
        }
    }

    /// Lets the calls that wait for a production go on without it.
    pub(in crate::host) fn let_alone(&self, entry: &Registered, production: &Production) {
        let Some(cache) = &entry.cache else { return };
        let waiting = cache.finish(production, None, self.now());
        self.resume_waiting(waiting, &|| Ok(()));
    }
}
