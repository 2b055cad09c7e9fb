//! The stage `rate_limit`: the call is within the rates of its entry.
//!
//! A call that has passed keeps what it took, whatever happens to it later. The rounds of a call with questions take once:
//! the first use of the state that a round carries takes nothing. A state that is used again counts as another call.

use crate::dispatch::calls::table::CallId;
use crate::dispatch::policy::CallRates;
use crate::dispatch::store::{Once, consume_once};
use crate::host::admission::chain::{Resumed, StageId};
use crate::host::admission::interface::{Round, Selection, Stage, StageData, StageTime, Taken, Verdict};
use crate::host::calls::dispatch::ReadyCall;
use crate::host::calls::op::CallContext;
use crate::host::engine_state::Shared;
use crate::host::lanes::port::HostPort;
use crate::host::rate_limits::{PassedLate, Refused, Step, Taking};
use crate::json::JsonSlice;
use crate::proto::messages::error::{RpcError, stage};
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// One stage counts all calls; the other one, after the cache, those for which no result is kept.
pub(in crate::host::admission) struct RateLimit<const MISSES: bool>;

/// The rates of one stage.
fn rates_of(context: &CallContext, misses: bool) -> Option<&CallRates> {
    if misses { context.entry.miss_limits.as_ref() } else { context.entry.rate_limits.as_ref() }
}

fn stage_of(misses: bool) -> StageId {
    if misses { StageId::MissLimit } else { StageId::RateLimit }
}

impl<const MISSES: bool> Stage for RateLimit<MISSES> {
    const NAME: &'static str = stage::RATE_LIMIT;
    const TIME: StageTime = StageTime::Store;

    #[inline]
    fn selects(call: &Selection<'_>) -> bool {
        rates_of(call.context, MISSES).is_some()
            && if MISSES { call.is_decided_here() } else { call.is_asked_for() }
    }

    fn decide(port: &HostPort, call: &ReadyCall, _: &mut Taken) -> Option<Verdict> {
        port.take_at_once(call, MISSES)
    }

    fn enter(port: &HostPort, call: &mut ReadyCall) -> Verdict {
        port.enter_rates(call, MISSES)
    }

    fn late(_: &CallContext) -> Option<RpcError> {
        Some(Shared::no_store("it did not answer in time"))
    }
}

impl HostPort {
    fn enter_rates(&self, call: &ReadyCall, misses: bool) -> Verdict {
        let id = call.id;
        let round = self.0.calls.with(id, |flight| flight.passage.data()?.round.take()).flatten();
        match round {
            None => match self.take_call((id, misses), &call.context, &call.input, None) {
                None => Verdict::Wait,
                Some((_, Ok(()))) => Verdict::Pass,
                Some((taking, Err(refused))) => {
                    Verdict::Answer(refused.of_call(taking.limits(), &call.context.entry, self.is_task(id)))
                }
            },
            Some(Round::Once) => {
                self.continues_round(id);
                Verdict::Pass
            }
            Some(Round::Key(key)) => {
                self.continue_round((id, misses), key, call);
                Verdict::Wait
            }
        }
    }

    /// Takes a new call from the allowances of its entry, if the store answers at once.
    fn take_at_once(&self, call: &ReadyCall, misses: bool) -> Option<Verdict> {
        if !self.0.store.answers_at_once() {
            return None;
        }
        let mut taking = self.taking(rates_of(&call.context, misses)?, &call.context, &call.input, None);
        match self.0.take_now(&mut taking) {
            Ok(Step::Passes) => Some(Verdict::Pass),
            Ok(Step::Asks(_)) => {
                self.0.give_back(&mut taking);
                None
            }
            Err(refused) => {
                Some(Verdict::Answer(refused.of_call(taking.limits(), &call.context.entry, false)))
            }
        }
    }

    /// What a call takes of the allowances of its entry.
    fn taking(
        &self,
        limits: &CallRates,
        context: &CallContext,
        input: &JsonSlice,
        late: Option<PassedLate>,
    ) -> Taking {
        let epoch = context.entry.rate_epoch.load(Ordering::Acquire);
        Taking::new(limits, limits.keys(&self.0.rate_limiting.server, epoch, &context.facts(input)), late)
    }

    /// Records for a later stage that the call continues a round.
    fn continues_round(&self, id: CallId) {
        self.0.calls.with(id, |flight| flight.passage.data_mut().round = Some(Round::Once));
    }

    /// Resumes a call that continues a former round, unless the state of that round was used before.
    fn continue_round(&self, (id, misses): (CallId, bool), key: String, call: &ReadyCall) {
        let shared = &self.0;
        let late = PassedLate::default();
        if let Some(limits) = rates_of(&call.context, misses) {
            self.pass_if_late((id, misses), limits, late.clone());
        }
        let (later, context, input) = (self.clone(), call.context.clone(), call.input.clone());
        let answered = move |once| match once {
            Once::First => {
                later.resume(stage_of(misses), id, later.0.now(), |flight| {
                    flight.passage.data_mut().round = Some(Round::Once);
                    Ok(())
                });
            }
            Once::Again | Once::Unknown(_) => {
                if let Some((taking, result)) = later.take_call((id, misses), &context, &input, Some(late)) {
                    later.taken((id, misses), taking, result);
                }
            }
        };
        consume_once(&*shared.store, key, shared.limits.state_lifetime, shared.now(), answered);
    }

    /// Takes a call from the allowances of its entry. `None`: the store answers later, and the call is resumed then.
    fn take_call(
        &self,
        (id, misses): (CallId, bool),
        context: &Arc<CallContext>,
        input: &JsonSlice,
        late: Option<PassedLate>,
    ) -> Option<(Taking, Result<(), Refused>)> {
        let none = CallRates::default();
        let limits = rates_of(context, misses).unwrap_or(&none);
        let mut taking = self.taking(limits, context, input, late);
        match self.0.take_now(&mut taking) {
            Ok(Step::Passes) => Some((taking, Ok(()))),
            Err(refused) => Some((taking, Err(refused))),
            Ok(Step::Asks(op)) => {
                self.pass_if_late((id, misses), limits, taking.late());
                let later = self.clone();
                let then = move |taking, result| later.taken((id, misses), taking, result);
                self.0.take_later(taking, op, Box::new(then));
                None
            }
        }
    }

    /// Resumes a call for which the store has answered.
    fn taken(&self, (id, misses): (CallId, bool), mut taking: Taking, result: Result<(), Refused>) {
        let (passes, is_task) = (result.is_ok(), self.is_task(id));
        let resumed = self.resume(stage_of(misses), id, self.0.now(), |flight| {
            result.map_err(|refused| refused.of_call(taking.limits(), &flight.context.entry, is_task))
        });
        if passes && resumed != Resumed::Passed {
            self.0.give_back(&mut taking);
        }
    }

    /// Lets a call pass if the store does not answer in time, and if its limits permit that.
    fn pass_if_late(&self, (id, misses): (CallId, bool), limits: &CallRates, late: PassedLate) {
        if limits.pass_on_failure() {
            let port = self.clone();
            self.0.if_late(id, move |now| {
                let resumed = port.resume(stage_of(misses), id, now, |_| {
                    late.note();
                    Ok(())
                });
                resumed == Resumed::Passed
            });
        }
    }

    /// Whether a call is a task from its start, and so cannot be answered with a result.
    pub(in crate::host) fn is_task(&self, id: CallId) -> bool {
        let is_task = |data: &mut StageData| data.task.is_some();
        self.0.calls.with(id, |flight| flight.passage.data().is_some_and(is_task)).unwrap_or(false)
    }
}
