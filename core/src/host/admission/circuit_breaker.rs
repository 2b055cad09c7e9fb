//! The stage `circuit_breaker`: too many calls of the entry have failed lately, so it is left alone for a time.

use super::interface::{Answer, CallEnd, Held, Selection, Stage, StageCall, Verdict};
use crate::dispatch::log::{self, LogLevel};
use crate::dispatch::policy::{BreakerRules, Change, Ended, Failure, Key, RefusalForm, fill_text};
use crate::host::Registered;
use crate::host::calls::dispatch::ReadyCall;
use crate::host::calls::op::Outcome;
use crate::host::engine_state::Shared;
use crate::host::lanes::port::HostPort;
use crate::json::JsonSlice;
use crate::proto::messages::error::{RpcError, clip, stage};
use std::time::Duration;

pub(super) struct CircuitBreaker;

impl Stage for CircuitBreaker {
    const NAME: &'static str = stage::CIRCUIT_BREAKER;

    #[inline]
    fn selects(call: &Selection<'_>) -> bool {
        call.context.entry.breaker.is_some() && call.is_decided_here()
    }

    fn enter(port: &HostPort, call: &mut ReadyCall) -> Verdict {
        let shared = &port.0;
        let entry = &call.context.entry;
        let Some(breaker) = &entry.breaker else { return Verdict::Pass };
        match breaker.admit(&call.context.facts(&call.input), shared.limits.max_policy_keys, shared.now()) {
            // If the call has ended, its permit is dropped here.
            Ok(permit) => {
                shared.calls.with(call.id, |flight| flight.passage.data_mut().permit = Some(permit));
                Verdict::Pass
            }
            Err(wait) => {
                let is_task = port.is_task(call.id);
                Verdict::Answer(refused(breaker.rules(), (entry, is_task), &call.input, wait))
            }
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
    let failed = |failure| if counts.contains(&failure) { Ended::Failure } else { Ended::Success };
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
    (entry, is_task): (&Registered, bool),
    input: &JsonSlice,
    wait: Duration,
) -> Answer {
    let names = rules.by.iter().filter_map(|key| match key {
        Key::Argument(name) => Some((name.as_str(), shown(input, name))),
        _ => None,
    });
    let names: Vec<_> = names.collect();
    let text = match &rules.text {
        Some(text) => fill_text(text, wait, &names),
        None => {
            let of = names.iter().map(|(name, value)| format!(" with {name} {value:?}")).collect::<String>();
            let default = format!("Calls of {entry}{of} have failed, so none is made; retry in {{wait}} s");
            fill_text(&default, wait, &[])
        }
    };
    match rules.refusal.of(entry.kind, is_task) {
        RefusalForm::Error => {
            let error = RpcError::internal(text).retry_after(wait);
            error.refused_by(CircuitBreaker::NAME, "open").into()
        }
        RefusalForm::Result => Answer::Outcome(Box::new(Outcome::Failed(text)), "open"),
    }
}

/// The value of an argument in a text.
fn shown(input: &JsonSlice, name: &str) -> String {
    let Some(value) = input.member(name) else { return String::new() };
    let text = value.decode_str().map(|text| text.into_owned());
    clip(&text.unwrap_or_else(|| value.as_str().to_owned())).to_owned()
}
