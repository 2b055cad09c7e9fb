//! Takes new calls through the stages that decide at once.
//!
//! Such a stage neither makes the call wait nor asks anybody. So no other thread needs to know that the call is there, and the
//! stages that the call has passed are recorded in one step. If the call has ended meanwhile, they are released here.

use super::chain::{StageId, StageSet};
use super::interface::{Answer, Held, Taken, Verdict};
use crate::dispatch::observer::RequestScope;
use crate::host::calls::dispatch::ReadyCall;
use crate::host::calls::in_flight::InFlightCall;
use crate::host::lanes::port::HostPort;
use crate::panics::{Panicked, caught};

/// How far a call has come.
struct Way {
    ahead: StageSet,
    passed: StageSet,
    taken: Taken,
    answer: Option<(StageId, Answer)>,
}

impl HostPort {
    /// Takes a call from the start of its chain to its target. `has_data` says that its request has data for its stages, which
    /// only the call table knows.
    #[inline]
    pub(in crate::host) fn admit_new(&self, call: ReadyCall, ahead: StageSet, has_data: bool) {
        // Observers want to know of each stage by itself.
        let is_plain = !ahead.is_empty() && !has_data && !RequestScope::is_wanted(&self.0.observers);
        let rest = if is_plain { self.pass_at_once(&call, ahead) } else { Some(ahead) };
        if let Some(rest) = rest {
            self.admit(call, rest);
        }
    }

    /// Takes a call through the first stages that decide at once. Returns the stages that remain; `None` if the call has
    /// ended.
    fn pass_at_once(&self, call: &ReadyCall, ahead: StageSet) -> Option<StageSet> {
        let mut way = Way { ahead, passed: StageSet::EMPTY, taken: Taken::default(), answer: None };
        let done = caught(|| self.decide(call, &mut way));
        if way.passed.is_empty() && way.answer.is_none() && done.is_ok() {
            return Some(way.ahead);
        }
        let Way { ahead, mut passed, taken, answer } = way;
        let record = |flight: &mut InFlightCall| {
            flight.passage.pass_at_once(passed, ahead, taken);
        };
        let is_recorded = self.0.calls.with(call.id, record).is_some();
        if let Err(panicked) = &done {
            self.stage_panicked(call, ahead, panicked);
        }
        if !is_recorded {
            while let Some(stage) = passed.take_last() {
                self.0.release_ended(stage, call.id, &call.context, Held::Passed);
            }
            return None;
        }
        match answer {
            Some((stage, answer)) => {
                self.refuse(stage, call.id, answer);
                None
            }
            None => done.ok().map(|()| ahead),
        }
    }

    /// Lets stages decide until one cannot, or answers the call.
    fn decide(&self, call: &ReadyCall, way: &mut Way) {
        while let Some(stage) = way.ahead.first() {
            match stage.decide(self, call, &mut way.taken) {
                Some(Verdict::Pass) => {
                    way.ahead.remove(stage);
                    way.passed.insert(stage);
                }
                Some(Verdict::Answer(answer)) => {
                    way.ahead.remove(stage);
                    way.answer = Some((stage, answer));
                    return;
                }
                Some(Verdict::Wait) | None => return,
            }
        }
    }

    /// Ends a call whose next stage has panicked.
    #[cold]
    fn stage_panicked(&self, call: &ReadyCall, ahead: StageSet, panicked: &Panicked) {
        if let Some(stage) = ahead.first() {
            self.0.release_ended(stage, call.id, &call.context, Held::Waiting);
        }
        self.0.fail_panicked(call.id, panicked);
    }
}
