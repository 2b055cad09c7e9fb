//! The stage `rate_limit`: the call is within the rates of its entry.
//!
//! A call that has passed keeps what it took, whatever happens to it later. The rounds of a call with questions take once:
//! the first use of the state that a round carries takes nothing. A state that is used again counts as another call.

use super::chain::{Resumed, StageId};
use super::interface::{Selection, Stage, StageTime, Verdict};
use crate::dispatch::calls::table::CallId;
use crate::dispatch::policy::{CallFacts, CallRates};
use crate::dispatch::store::{Once, consume_once};
use crate::host::calls::dispatch::ReadyCall;
use crate::host::calls::op::CallContext;
use crate::host::calls::start::Role;
use crate::host::engine_state::Shared;
use crate::host::lanes::port::HostPort;
use crate::host::rate_limits::{RateLimiting, Refused, Step, Taking, facts};
use crate::json::JsonSlice;
use crate::proto::messages::error::{RpcError, stage};
use std::sync::Arc;

pub(super) struct RateLimit;

impl Stage for RateLimit {
    const NAME: &'static str = stage::RATE_LIMIT;
    const TIME: StageTime = StageTime::Limited(|limits| limits.store_timeout);

    #[inline]
    fn selects(call: &Selection<'_>) -> bool {
        // A call within middleware was counted with its outer call.
        call.context.entry.rate_limits.is_some() && matches!(call.role, Role::Message)
    }

    fn enter(port: &HostPort, call: &mut ReadyCall) -> Verdict {
        let (shared, id) = (&port.0, call.id);
        let Some(limits) = &call.context.entry.rate_limits else { return Verdict::Pass };
        let round = shared.calls.with(id, |flight| flight.passage.data()?.round_key.take()).flatten();
        let Some(round) = round else { return port.take_call(id, &call.context, &call.input) };
        port.pass_if_late(id, limits);
        let (later, context, input) = (port.clone(), call.context.clone(), call.input.clone());
        let answered = move |once| {
            let verdict = match once {
                Once::First => Verdict::Pass,
                Once::Again | Once::Unknown(_) => later.take_call(id, &context, &input),
            };
            match verdict {
                Verdict::Wait => {}
                Verdict::Pass => {
                    later.resume(StageId::RateLimit, id, later.0.now(), |_| Ok(()));
                }
                Verdict::Answer(answer) => {
                    later.refuse_waiting(StageId::RateLimit, id, answer);
                }
            }
        };
        consume_once(&*shared.store, round, shared.limits.state_lifetime, shared.now(), answered);
        Verdict::Wait
    }

    fn late(_: &CallContext) -> Option<RpcError> {
        Some(Shared::no_store("it did not answer in time"))
    }
}

impl HostPort {
    /// Takes a call from the allowances of its entry.
    fn take_call(&self, id: CallId, context: &Arc<CallContext>, input: &JsonSlice) -> Verdict {
        let Some(limits) = &context.entry.rate_limits else { return Verdict::Pass };
        let facts = CallFacts {
            entry: Some((context.entry.kind, &context.entry.name)),
            session: context.session_id.as_deref(),
            arguments: Some(input),
            ..facts(&context.arrival)
        };
        let RateLimiting { server, .. } = &*self.0.rate_limiting;
        let mut taking = Taking::new(limits, limits.keys(server, &facts));
        match self.0.take_now(&mut taking) {
            Ok(Step::Passes) => Verdict::Pass,
            Err(refused) => Verdict::Answer(refused.of_call(limits, &context.entry)),
            Ok(Step::Asks(op)) => {
                self.pass_if_late(id, limits);
                let later = self.clone();
                let then = move |taking, result| later.taken(id, taking, result);
                self.0.take_later(taking, op, Box::new(then));
                Verdict::Wait
            }
        }
    }

    /// Resumes a call for which the store has answered.
    fn taken(&self, id: CallId, mut taking: Taking, result: Result<(), Refused>) {
        let passes = result.is_ok();
        let resumed = self.resume(StageId::RateLimit, id, self.0.now(), |flight| {
            result.map_err(|refused| refused.of_call(taking.limits(), &flight.context.entry))
        });
        if passes && resumed != Resumed::Passed {
            self.0.give_back(&mut taking);
        }
    }

    /// Lets a call pass if the store does not answer in time, and if its limits permit that.
    fn pass_if_late(&self, id: CallId, limits: &CallRates) {
        if limits.pass_on_failure() {
            let port = self.clone();
            self.0.if_late(id, move |now| {
                port.resume(StageId::RateLimit, id, now, |_| Ok(())) == Resumed::Passed
            });
        }
    }
}
