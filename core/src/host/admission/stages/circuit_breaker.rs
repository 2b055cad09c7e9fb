//! The stage `circuit_breaker`: too many calls of the entry have failed lately, so it is left alone for a time.

use crate::dispatch::log::{self, LogLevel};
use crate::dispatch::policy::{Breaker, BreakerRules, Change, Ended, Failure, Key, refusal_text};
use crate::host::admission::interface::{
    Answer, CallEnd, Held, Selection, Stage, StageCall, StageData, Taken, Verdict,
};
use crate::host::calls::dispatch::ReadyCall;
use crate::host::calls::op::CallContext;
use crate::host::engine_state::Shared;
use crate::host::lanes::port::HostPort;
use crate::json::JsonSlice;
use crate::proto::messages::error::{Refuser, clip, stage};
use std::time::{Duration, Instant};

pub(in crate::host::admission) struct CircuitBreaker;

/// The same before the stages that ask somebody or take something: a call that would be refused is refused at once.
pub(in crate::host::admission) struct CircuitCheck;

impl Stage for CircuitCheck {
    const NAME: &'static str = stage::CIRCUIT_BREAKER;

    #[inline]
    fn selects(call: &Selection<'_>) -> bool {
        // Most breakers have nothing to refuse. If that changes meanwhile, the later stage refuses the call.
        call.context.entry.breaker.as_ref().is_some_and(Breaker::may_refuse) && call.is_decided_here()
    }

    fn enter(port: &HostPort, call: &mut ReadyCall) -> Verdict {
        let Some(breaker) = &call.context.entry.breaker else { return Verdict::Pass };
        match breaker.wait(&call.context.facts(&call.input), port.0.now()) {
            None => Verdict::Pass,
            // The cache comes later, and may have a result that answers the call.
            Some(_) if port.may_be_kept(call) => Verdict::Pass,
            Some(wait) => {
                let is_task = port.is_task(call.id);
                Verdict::Answer(refused(breaker.rules(), &call.context, &call.input, (wait, is_task)))
            }
        }
    }
}

/// Takes the permission of the breaker for a call, or returns its answer. A call that has waited for its permit of the
/// entry's concurrency limit gets both together.
pub(in crate::host) fn admit(
    shared: &Shared,
    context: &CallContext,
    input: &JsonSlice,
    data: &mut StageData,
    now: Instant,
) -> Result<(), Answer> {
    let (Some(breaker), None) = (&context.entry.breaker, &data.permit) else { return Ok(()) };
    match breaker.admit(&context.facts(input), shared.limits.max_policy_keys, now) {
        Ok(permit) => {
            data.permit = Some(permit);
            Ok(())
        }
        Err(wait) => Err(refused(breaker.rules(), context, input, (wait, data.task.is_some()))),
    }
}

impl Stage for CircuitBreaker {
    const NAME: &'static str = stage::CIRCUIT_BREAKER;

    #[inline]
    fn selects(call: &Selection<'_>) -> bool {
        call.context.entry.breaker.is_some() && call.is_decided_here()
    }

    fn decide(_: &HostPort, call: &ReadyCall, taken: &mut Taken) -> Option<Verdict> {
        let breaker = call.context.entry.breaker.as_ref()?;
        taken.permit = Some(breaker.admit_at_once(&call.context.facts(&call.input))?);
        Some(Verdict::Pass)
    }

    fn enter(port: &HostPort, call: &mut ReadyCall) -> Verdict {
        let shared = &port.0;
        let breaker = call.context.entry.breaker.as_ref();
        if let Some(permit) =
            breaker.and_then(|breaker| breaker.admit_at_once(&call.context.facts(&call.input)))
        {
            // A call that has waited at the concurrency limit may have a permit already.
            shared.calls.with(call.id, |flight| _ = flight.passage.data_mut().permit.get_or_insert(permit));
            return Verdict::Pass;
        }
        let now = shared.now();
        let admitted = shared.calls.with(call.id, |flight| {
            admit(shared, &call.context, &call.input, flight.passage.data_mut(), now)
        });
        match admitted {
            // If the call has ended, it needs no permission.
            None | Some(Ok(())) => Verdict::Pass,
            Some(Err(answer)) => Verdict::Answer(answer),
        }
    }

    fn release(shared: &Shared, call: &mut StageCall<'_>, _: Held) {
        let entry = &call.context.entry;
        let (Some(breaker), Some(permit)) =
            (&entry.breaker, call.data.as_mut().and_then(|data| data.permit.take()))
        else {
            return;
        };
        let ended = ended(&breaker.rules().counts, call.end);
        let Err(permit) = permit.record_at_once(ended) else { return };
        match permit.record(ended, shared.limits.max_policy_keys, shared.now()) {
            Some(Change::Opened) => {
                let seconds = breaker.rules().open_for.as_secs_f64();
                shared.observers.diagnose(LogLevel::Warn, log::CALL, || {
                    format!(
                        "the circuit breaker of {entry} is open for {seconds} s, because calls have failed"
                    )
                });
            }
            Some(Change::Closed) => {
                let text = || format!("the circuit breaker of {entry} is closed again");
                shared.observers.diagnose(LogLevel::Info, log::CALL, text);
            }
            None => {}
        }
    }
}

/// How a call ended, for the breaker.
fn ended(counts: &[Failure], end: CallEnd) -> Ended {
    // What does not count as a failure is no success either.
    let failed = |failure| if counts.contains(&failure) { Ended::Failure } else { Ended::Uncounted };
    match end {
        CallEnd::Returned => Ended::Success,
        CallEnd::Raised => failed(Failure::Exceptions),
        CallEnd::TimedOut => failed(Failure::Timeouts),
        CallEnd::Error => failed(Failure::Errors),
        CallEnd::Failed => failed(Failure::Failed),
        CallEnd::Unknown => Ended::Uncounted,
    }
}

/// The answer to a call that the breaker refuses.
fn refused(
    rules: &BreakerRules,
    context: &CallContext,
    input: &JsonSlice,
    (wait, is_task): (Duration, bool),
) -> Answer {
    let entry = &context.entry;
    let names: Vec<_> =
        rules.by.iter().filter_map(Key::argument).map(|name| (name, shown(input, name))).collect();
    let text = refusal_text(rules.text.as_deref(), wait, &names, || {
        let of = names.iter().map(|(name, value)| format!(" with {name} {value:?}")).collect::<String>();
        format!("Calls of {entry}{of} have failed, so none is made")
    });
    let refuser = Refuser { stage: CircuitBreaker::NAME, by: "open" };
    Answer::retry_later(rules.refusal.of(entry.kind, is_task), text, wait, refuser)
}

/// The value of an argument in a text.
fn shown(input: &JsonSlice, name: &str) -> String {
    let Some(value) = input.member(name) else { return String::new() };
    let text = value.decode_str().map(|text| text.into_owned());
    clip(&text.unwrap_or_else(|| value.as_str().to_owned())).to_owned()
}
