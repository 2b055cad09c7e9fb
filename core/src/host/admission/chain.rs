//! The table of the stages, and how calls go through it.

use super::interface::{
    Answer, CallEnd, Held, Selection, Stage, StageCall, StageData, StageTime, Taken, Verdict,
};
use super::passage::{Continued, Settled};
#[cfg(test)]
use super::probe_tests::Probe;
use super::stages::argument_checks::Arguments;
use super::stages::authorization::Authorization;
use super::stages::cache_lookup::CacheLookup;
use super::stages::circuit_breaker::{CircuitBreaker, CircuitCheck};
use super::stages::concurrency_limit::Concurrency;
use super::stages::confirmation::Confirmation;
use super::stages::once_only::OnceOnly;
use super::stages::rate_limit::RateLimit;
use super::stages::server_start::ServerStart;
use super::stages::task_record::TaskRecord;
use crate::dispatch::calls::table::CallId;
use crate::dispatch::observer::RequestScope;
use crate::host::calls::dispatch::{ReadyCall, Thread};
use crate::host::calls::in_flight::InFlightCall;
use crate::host::calls::op::{CallContext, Outcome};
use crate::host::calls::start::CallSpec;
use crate::host::engine_state::Shared;
use crate::host::lanes::port::HostPort;
use crate::panics::caught;
use crate::proto::messages::error::{Refuser, RpcError};
use std::time::{Duration, Instant};

/// Makes the table of the stages, in the order in which calls pass them.
macro_rules! stages {
    ($($(#[cfg($cfg:meta)])? $id:ident => $stage:ty,)*) => {
        /// Identifies a stage. An earlier stage is less than a later one.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        #[repr(u8)]
        pub(in crate::host) enum StageId {
            $($(#[cfg($cfg)])? $id,)*
        }

        const STAGES: &[(StageId, Row)] = &[$($(#[cfg($cfg)])? (StageId::$id, Row::of::<$stage>()),)*];

        impl StageSet {
            #[inline]
            fn select(mut call: Selection<'_>) -> StageSet {
                $(
                    $(#[cfg($cfg)])?
                    if <$stage>::selects(&call) {
                        call.before.insert(StageId::$id);
                    }
                )*
                call.before
            }
        }
    };
}

stages! {
    #[cfg(test)] ProbeFirst => Probe<0>,
    Arguments => Arguments,
    Authorization => Authorization,
    CircuitCheck => CircuitCheck,
    RateLimit => RateLimit<false>,
    CacheLookup => CacheLookup,
    MissLimit => RateLimit<true>,
    OnceOnly => OnceOnly,
    Confirmation => Confirmation,
    #[cfg(test)] ProbeMiddle => Probe<1>,
    TaskRecord => TaskRecord,
    ServerStart => ServerStart,
    #[cfg(test)] ProbeBefore => Probe<2>,
    Concurrency => Concurrency,
    CircuitBreaker => CircuitBreaker,
    #[cfg(test)] ProbeLast => Probe<3>,
}

/// A row of the table.
struct Row {
    name: &'static str,
    time: StageTime,
    decide: fn(&HostPort, &ReadyCall, &mut Taken) -> Option<Verdict>,
    enter: fn(&HostPort, &mut ReadyCall) -> Verdict,
    release: fn(&Shared, &mut StageCall<'_>, Held),
    late: fn(&CallContext) -> Option<RpcError>,
}

impl Row {
    const fn of<S: Stage>() -> Row {
        Row {
            name: S::NAME,
            time: S::TIME,
            decide: S::decide,
            enter: S::enter,
            release: S::release,
            late: S::late,
        }
    }
}

impl StageId {
    fn row(self) -> &'static Row {
        &STAGES[self as usize].1
    }

    /// The name of the stage in messages about it.
    pub(in crate::host) fn name(self) -> &'static str {
        self.row().name
    }

    /// Lets a new call pass or answers it, if the stage decides at once.
    #[inline]
    pub(super) fn decide(self, port: &HostPort, call: &ReadyCall, taken: &mut Taken) -> Option<Verdict> {
        (self.row().decide)(port, call, taken)
    }

    /// The error for a call whose time passes at this stage. `None` is the error for a handler that is too slow.
    pub(in crate::host) fn late(self, context: &CallContext) -> Option<RpcError> {
        (self.row().late)(context)
    }
}

/// A set of stages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::host) struct StageSet(u16);

const _: () = assert!(STAGES.len() <= u16::BITS as usize);

impl StageSet {
    pub(super) const EMPTY: StageSet = StageSet(0);

    /// The chain of a call.
    #[inline]
    pub(in crate::host) fn of(shared: &Shared, spec: &CallSpec) -> StageSet {
        let CallSpec { context, role, stage_data, .. } = spec;
        let (role, data) = (*role, stage_data.as_deref());
        let is_whole = !spec.retried && spec.listing.is_none();
        StageSet::select(Selection { shared, context, role, data, is_whole, before: StageSet::EMPTY })
    }

    #[inline]
    pub(in crate::host) fn is_empty(self) -> bool {
        self.0 == 0
    }

    pub(super) fn insert(&mut self, stage: StageId) {
        self.0 |= 1 << stage as u16;
    }

    pub(super) fn remove(&mut self, stage: StageId) {
        self.0 &= !(1 << stage as u16);
    }

    pub(super) fn has(self, stage: StageId) -> bool {
        self.0 & 1 << stage as u16 != 0
    }

    pub(super) fn first(self) -> Option<StageId> {
        STAGES.get(self.0.trailing_zeros() as usize).map(|(stage, _)| *stage)
    }

    /// Removes the last stage, and returns it.
    pub(super) fn take_last(&mut self) -> Option<StageId> {
        let last = self.last()?;
        self.remove(last);
        Some(last)
    }

    pub(super) fn last(self) -> Option<StageId> {
        let place = u16::BITS.checked_sub(self.0.leading_zeros() + 1)?;
        STAGES.get(place as usize).map(|(stage, _)| *stage)
    }
}

/// The result of resuming a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::host) enum Resumed {
    /// The call has passed the stage, and holds what the stage has taken for it.
    Passed,
    /// The call ends with the stage's answer.
    Answered,
    /// The call does not wait at the stage: it has ended, or has been resumed already.
    NotWaiting,
}

impl HostPort {
    /// Takes a call through its stages, and then hands it to its target.
    pub(in crate::host) fn admit(&self, mut call: ReadyCall, mut ahead: StageSet) {
        while let Some(stage) = ahead.first() {
            match self.pass(stage, &mut call) {
                Some(rest) => ahead = rest,
                None => return,
            }
        }
        self.dispatch_to_target(call);
    }

    /// Takes a call through one stage. Returns the stages that follow; `None` if the call waits or has ended.
    fn pass(&self, stage: StageId, call: &mut ReadyCall) -> Option<StageSet> {
        // Recorded before another thread can resume the call.
        let observed = self.0.observed(call.id);
        observed.waits(stage.name());
        let mut entered = None;
        let done = caught(|| {
            let limit = stage.row().time.limit(&self.0);
            let begun = self.begin(stage, call.id, limit);
            if begun {
                entered = Some((stage.row().enter)(self, call));
            }
            // A store that says that it answers at once may be wrong.
            let needs_time = limit.is_some()
                || matches!((stage.row().time, &entered), (StageTime::Store, Some(Verdict::Wait)));
            // If a panic of the clock prevents the call from passing, this releases what it has taken.
            begun.then(|| needs_time.then(|| self.0.now()))
        });
        match (done, entered) {
            (Ok(Some(now)), Some(verdict)) => self.settle(stage, call, verdict, now, &observed),
            (Ok(_), _) => None,
            (Err(panicked), entered) => {
                let held = if let Some(Verdict::Pass) = entered { Held::Passed } else { Held::Waiting };
                self.0.release_ended(stage, call.id, &call.context, held);
                self.0.fail_panicked(call.id, &panicked);
                None
            }
        }
    }

    /// Records that a call enters a stage. Returns `false` if the call has ended.
    fn begin(&self, stage: StageId, id: CallId, limit: Option<Duration>) -> bool {
        let until = limit.map(|limit| self.0.now().checked_add(limit));
        let begun = self.0.with_deadline(id, |flight, deadline| {
            flight.passage.enter(stage);
            if let Some(until) = until {
                *deadline = until;
            }
        });
        begun.is_some()
    }

    /// Records the verdict of a stage. If the call has ended meanwhile, this gives back what the stage took for it.
    fn settle(
        &self,
        stage: StageId,
        call: &mut ReadyCall,
        verdict: Verdict,
        now: Option<Instant>,
        observed: &RequestScope,
    ) -> Option<StageSet> {
        let held = match &verdict {
            Verdict::Pass => Some(Held::Passed),
            Verdict::Wait => Some(Held::Waiting),
            Verdict::Answer(_) => None,
        };
        let settled = self.0.with_deadline(call.id, |flight, deadline| {
            let settled = flight.passage.settle(stage, verdict);
            match (&settled, stage.row().time) {
                (Settled::Passed { resumed, .. }, _) => {
                    if let Some(now) = now {
                        *deadline = now.checked_add(flight.timeout);
                    }
                    if *resumed {
                        call.input = flight.input.clone();
                    }
                }
                (Settled::Waits, StageTime::Store) => {
                    let until = now.and_then(|now| now.checked_add(self.0.limits.store_timeout));
                    *deadline = (*deadline).into_iter().chain(until).min();
                }
                _ => {}
            }
            settled
        });
        match settled {
            Some(Settled::Passed { ahead, .. }) => {
                observed.passes();
                observed.decided(stage.name(), "passed");
                Some(ahead)
            }
            Some(Settled::Waits) => {
                observed.decided(stage.name(), "waits");
                None
            }
            Some(Settled::Answered(answer)) => {
                observed.passes();
                self.refuse(stage, call.id, answer);
                None
            }
            None => {
                if let Some(held) = held {
                    self.0.release_ended(stage, call.id, &call.context, held);
                }
                None
            }
        }
    }

    /// Resumes a call that waits at a stage. `decide` may change the call; it runs under the call table's lock. If the
    /// result is not [`Resumed::Passed`], the stage keeps what it has taken for the call.
    pub(in crate::host) fn resume(
        &self,
        stage: StageId,
        id: CallId,
        now: Instant,
        decide: impl FnOnce(&mut InFlightCall) -> Result<(), Answer>,
    ) -> Resumed {
        let mut decide = Some(decide);
        self.resume_with(stage, id, now, &mut |flight| decide.take().map_or(Ok(()), |decide| decide(flight)))
    }

    /// One function for all stages, because it is large.
    #[inline(never)]
    fn resume_with(
        &self,
        stage: StageId,
        id: CallId,
        now: Instant,
        decide: &mut dyn FnMut(&mut InFlightCall) -> Result<(), Answer>,
    ) -> Resumed {
        let continued = self.0.with_deadline(id, |flight, deadline| {
            if !flight.passage.awaits(stage) {
                return None;
            }
            let decided = decide(flight);
            let result = if decided.is_ok() { Resumed::Passed } else { Resumed::Answered };
            let continued = flight.passage.resume(stage, decided)?;
            let call = matches!(continued, Continued::Here(_)).then(|| {
                if !matches!(stage.row().time, StageTime::Continues) {
                    *deadline = now.checked_add(flight.timeout);
                }
                flight.ready(id, Thread::Other)
            });
            Some((result, continued, call))
        });
        let Some((result, continued, call)) = continued.flatten() else { return Resumed::NotWaiting };
        match (continued, call) {
            (Continued::Here(ahead), Some(call)) => {
                let observed = self.0.observed(id);
                observed.continues();
                observed.decided(stage.name(), "passed");
                self.admit(call, ahead);
            }
            (Continued::Answered(answer), _) => self.refuse(stage, id, answer),
            _ => {}
        }
        result
    }

    /// Ends a call that waits at a stage. Returns `false` if it does not wait there.
    pub(in crate::host) fn refuse_waiting(&self, stage: StageId, id: CallId, answer: Answer) -> bool {
        let continued = self.0.calls.with(id, |flight| flight.passage.resume(stage, Err(answer))).flatten();
        let waited = continued.is_some();
        if let Some(Continued::Answered(answer)) = continued {
            self.refuse(stage, id, answer);
        }
        waited
    }

    /// Ends a call with the answer of a stage. All calls that a stage refuses end here.
    pub(in crate::host) fn refuse(&self, stage: StageId, id: CallId, answer: Answer) {
        let answer = self.0.stale_instead(id, answer);
        let by = match &answer {
            Answer::Error(error) => error.refuser().map_or("error", |refuser| refuser.by),
            Answer::Outcome(_, by) => by,
            Answer::Shared(_, fresh) => {
                let decision = if fresh.is_zero() { "shared" } else { "cached" };
                self.0.observed(id).decided(stage.name(), decision);
                return self.answer_shared(id, answer);
            }
        };
        let refuser = Refuser { stage: stage.name(), by };
        let observed = self.0.observed(id);
        observed.decided(stage.name(), "refused");
        observed.refused(refuser);
        self.0.calls.with(id, |flight| flight.refused(refuser));
        let refused = caught(|| match answer {
            Answer::Error(error) => self.0.fail(id, &error),
            Answer::Outcome(outcome, _) | Answer::Shared(outcome, _) => self.0.answer_by_stage(id, *outcome),
        });
        if let Err(panicked) = refused {
            self.0.panicked(format_args!("the end of a call at its stage {}", stage.name()), &panicked);
        }
    }
}

impl Shared {
    /// Ends a call with an outcome that is not its handler's. So it is neither retried nor counted.
    pub(in crate::host) fn answer_by_stage(&self, id: CallId, outcome: Outcome) {
        if let Some(flight) = self.calls.remove(id) {
            self.end_with(id, flight, outcome, false);
        }
    }

    /// Lets a call continue if its time passes at the stage where it is. `late` returns whether the call continues.
    pub(in crate::host) fn if_late(&self, id: CallId, late: impl FnOnce(Instant) -> bool + Send + 'static) {
        self.calls.with(id, |flight| flight.passage.if_late(Box::new(late)));
    }

    /// Releases the stages of a call that has ended, the last one first.
    #[inline]
    pub(in crate::host) fn release_stages(&self, id: CallId, flight: &mut InFlightCall) {
        if !flight.passage.is_clear() {
            self.release_all(id, flight);
        }
    }

    fn release_all(&self, id: CallId, flight: &mut InFlightCall) {
        while let Some((stage, held)) = flight.passage.give_back() {
            let data = flight.passage.data();
            let end = data.as_ref().map_or(CallEnd::Unknown, |data| data.end);
            self.release_stage(stage, StageCall { id, context: &flight.context, data, end }, held);
        }
    }

    /// Gives back what a call has at a stage, if the call ended while a thread was there.
    pub(super) fn release_ended(&self, stage: StageId, id: CallId, context: &CallContext, held: Held) {
        self.release_stage(stage, StageCall { id, context, data: None, end: CallEnd::Unknown }, held);
    }

    /// Gives back what a call has at a stage, before its end. `data` has what the stage put there.
    pub(in crate::host) fn release_early(
        &self,
        stage: StageId,
        id: CallId,
        context: &CallContext,
        data: &mut StageData,
    ) {
        let end = data.end;
        self.release_stage(stage, StageCall { id, context, data: Some(data), end }, Held::Passed);
    }

    /// Gives back what an ended call has at one stage.
    fn release_stage(&self, stage: StageId, mut call: StageCall<'_>, held: Held) {
        if let Err(panicked) = caught(|| (stage.row().release)(self, &mut call, held)) {
            self.panicked(format_args!("the release of a call's stage {}", stage.name()), &panicked);
        }
    }
}
