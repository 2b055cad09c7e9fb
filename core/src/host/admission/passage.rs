//! Where a call is in its chain, and which stages it has passed. All changes are made under the call table's lock.

use super::chain::{StageId, StageSet};
use super::interface::{Answer, CallEnd, Held, Late, StageData, Taken, Verdict};
use std::time::Duration;

/// The way of one call through its chain.
pub(in crate::host) struct Passage {
    /// The stages that the call has not entered yet.
    ahead: StageSet,
    /// The stages that the call has passed.
    passed: StageSet,
    position: Position,
    data: Option<Box<StageData>>,
}

/// Where a call is in its chain. It is small, because every call has one.
#[derive(Clone, Copy)]
enum Position {
    /// In no stage.
    Between,
    /// A thread is in the stage's `enter`.
    Entering(StageId),
    /// The stage has let the call pass, and a thread is still in its `enter`.
    Resumed(StageId),
    /// The stage has answered the call, and a thread is still in its `enter`.
    Answered(StageId),
    /// The stage will resume the call.
    Waiting(StageId),
}

/// The result of a stage's `enter`, as recorded.
pub(super) enum Settled {
    /// The call has passed the stage. If the stage resumed it, that may have changed its input.
    Passed {
        ahead: StageSet,
        resumed: bool,
    },
    Answered(Answer),
    Waits,
}

/// The result of a resume, as recorded.
pub(super) enum Continued {
    /// The call has passed the stage. The resuming thread takes it through these.
    Here(StageSet),
    /// The thread that is in the stage's `enter` continues.
    There,
    /// The resuming thread answers the call.
    Answered(Answer),
}

impl Passage {
    pub(in crate::host) fn new(ahead: StageSet, data: Option<Box<StageData>>) -> Passage {
        Passage { ahead, passed: StageSet::EMPTY, position: Position::Between, data }
    }

    /// The data of the call's request for its stages.
    pub(in crate::host) fn data(&mut self) -> Option<&mut StageData> {
        self.data.as_deref_mut()
    }

    /// The data of the call, which is made if the call has none.
    pub(in crate::host) fn data_mut(&mut self) -> &mut StageData {
        self.data.get_or_insert_default()
    }

    /// How long the outcome of another call stays fresh that answers this one.
    pub(in crate::host) fn fresh_for(&self) -> Option<Duration> {
        self.data.as_ref()?.fresh_for
    }

    /// Records how the handler ended, if a stage wants to know.
    pub(in crate::host) fn note_end(&mut self, end: CallEnd) {
        if let Some(data) = &mut self.data {
            data.end = end;
        }
    }

    /// Sets what happens if the call's time passes at its stage.
    pub(in crate::host) fn if_late(&mut self, late: Late) {
        self.data_mut().late = Some(late);
    }

    /// The stage that the call is in.
    pub(in crate::host) fn stage(&self) -> Option<StageId> {
        match self.position {
            Position::Between => None,
            Position::Entering(stage)
            | Position::Resumed(stage)
            | Position::Answered(stage)
            | Position::Waiting(stage) => Some(stage),
        }
    }

    /// Whether the call has passed a stage, and whether it waits there.
    #[cfg(test)]
    pub(super) fn at(&self, stage: StageId) -> (bool, bool) {
        (self.passed.has(stage), matches!(self.position, Position::Waiting(at) if at == stage))
    }

    /// The stages that the call has not entered yet.
    pub(in crate::host) fn ahead(&self) -> StageSet {
        self.ahead
    }

    /// Takes the call back, so that it has `from` and all later stages before it again. Returns those that it had passed,
    /// the last one first.
    pub(in crate::host) fn rewind(&mut self, from: StageId) -> Vec<StageId> {
        let mut passed = Vec::new();
        while let Some(stage) = self.passed.last().filter(|stage| *stage >= from) {
            self.passed.remove(stage);
            self.ahead.insert(stage);
            passed.push(stage);
        }
        passed
    }

    /// Whether the call has not entered a stage yet.
    pub(in crate::host) fn comes_to(&self, stage: StageId) -> bool {
        self.ahead.has(stage)
    }

    /// Whether a resume of this stage would be the first.
    pub(in crate::host) fn awaits(&self, stage: StageId) -> bool {
        matches!(self.position, Position::Entering(at) | Position::Waiting(at) if at == stage)
    }

    /// Records that the call has passed stages which decided at once, and what they have taken.
    pub(super) fn pass_at_once(&mut self, passed: StageSet, ahead: StageSet, taken: Taken) {
        self.passed = passed;
        self.ahead = ahead;
        let Taken { permit, production } = taken;
        if permit.is_some() || production.is_some() {
            let data = self.data_mut();
            (data.permit, data.production) = (permit, production);
        }
    }

    /// Records that a thread is in a stage's `enter`.
    pub(super) fn enter(&mut self, stage: StageId) {
        self.ahead.remove(stage);
        self.position = Position::Entering(stage);
    }

    /// Records what a stage's `enter` has returned.
    pub(super) fn settle(&mut self, stage: StageId, verdict: Verdict) -> Settled {
        let resumed = matches!(self.position, Position::Resumed(_));
        if resumed || matches!(verdict, Verdict::Pass) {
            self.passed.insert(stage);
        }
        self.position = Position::Between;
        match verdict {
            Verdict::Answer(answer) => Settled::Answered(answer),
            Verdict::Wait if !resumed => match self.data.as_mut().and_then(|data| data.answer.take()) {
                Some(answer) => Settled::Answered(*answer),
                None => {
                    self.position = Position::Waiting(stage);
                    Settled::Waits
                }
            },
            Verdict::Pass | Verdict::Wait => Settled::Passed { ahead: self.ahead, resumed },
        }
    }

    /// Records the verdict of a stage that resumes the call. `None` if the call does not wait there.
    pub(super) fn resume(&mut self, stage: StageId, verdict: Result<(), Answer>) -> Option<Continued> {
        match (self.position, verdict) {
            (Position::Entering(at), Ok(())) if at == stage => {
                self.position = Position::Resumed(stage);
                Some(Continued::There)
            }
            (Position::Entering(at), Err(answer)) if at == stage => {
                self.position = Position::Answered(stage);
                self.data.get_or_insert_default().answer = Some(Box::new(answer));
                Some(Continued::There)
            }
            (Position::Waiting(at), Ok(())) if at == stage => {
                self.position = Position::Between;
                self.passed.insert(stage);
                Some(Continued::Here(self.ahead))
            }
            (Position::Waiting(at), Err(answer)) if at == stage => {
                self.position = Position::Between;
                Some(Continued::Answered(answer))
            }
            _ => None,
        }
    }

    /// Whether an ended call has nothing to give back.
    #[inline]
    pub(super) fn is_clear(&self) -> bool {
        self.passed.is_empty() && matches!(self.position, Position::Between)
    }

    /// The next stage to release for a call that has ended: first the one where it waits, and then those it has passed,
    /// the last one first.
    pub(super) fn give_back(&mut self) -> Option<(StageId, Held)> {
        match std::mem::replace(&mut self.position, Position::Between) {
            Position::Waiting(stage) => return Some((stage, Held::Waiting)),
            Position::Resumed(stage) => return Some((stage, Held::Passed)),
            // The thread in the stage's `enter` finds that the call has ended.
            Position::Entering(_) | Position::Answered(_) | Position::Between => {}
        }
        Some((self.passed.take_last()?, Held::Passed))
    }
}
