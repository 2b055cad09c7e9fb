//! The interface of a stage.

use super::chain::StageSet;
use super::stages::argument_checks::Check;
use crate::dispatch::calls::table::CallId;
use crate::dispatch::limits::Limits;
use crate::dispatch::policy::{Permit, Production, RefusalForm};
use crate::host::calls::dispatch::ReadyCall;
use crate::host::calls::op::{CallContext, Outcome};
use crate::host::calls::start::Role;
use crate::host::engine_state::Shared;
use crate::host::lanes::port::HostPort;
use crate::json::Kind;
use crate::proto::messages::error::{Refuser, RpcError, code};
use std::time::{Duration, Instant};

/// A stage that calls pass before their handler runs.
pub(super) trait Stage {
    /// The name of the stage in messages about it.
    const NAME: &'static str;
    /// How the time counts that a call spends at the stage.
    const TIME: StageTime = StageTime::Continues;

    /// Whether a call passes this stage. This runs for every call, so it must be cheap.
    fn selects(call: &Selection<'_>) -> bool;

    /// Lets a new call pass or answers it, if the stage decides at once. `None`: the call enters the stage, which has taken
    /// nothing for it. The request of the call has no data for its stages.
    fn decide(_port: &HostPort, _call: &ReadyCall, _taken: &mut Taken) -> Option<Verdict> {
        None
    }

    /// Lets a call pass, answers it, or makes it wait. No lock is held. It may change the call on its way.
    fn enter(port: &HostPort, call: &mut ReadyCall) -> Verdict;

    /// Gives back what a call has taken here, after the end of the call.
    fn release(_shared: &Shared, _call: &mut StageCall<'_>, _held: Held) {}

    /// The error for a call whose time passes at this stage. `None` is the error for a handler that is too slow.
    fn late(_context: &CallContext) -> Option<RpcError> {
        None
    }
}

/// The decision of a stage.
pub(in crate::host) enum Verdict {
    /// The call goes on. What the stage took for it is released when the call ends.
    Pass,
    /// The call ends with this answer. The stage has taken nothing for it.
    Answer(Answer),
    /// The stage resumes the call later.
    Wait,
}

/// The answer of a stage to a call whose handler does not run.
pub(in crate::host) enum Answer {
    /// An error of the protocol.
    Error(RpcError),
    /// A result, as if the handler had returned it. The word says what refuses the call.
    Outcome(Box<Outcome>, &'static str),
    /// The outcome of another call, which refuses nothing, and how long it stays fresh.
    Shared(Box<Outcome>, Duration),
}

/// What a call has at a stage when it ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::host) enum Held {
    /// The call has passed the stage.
    Passed,
    /// The call waits, or was about to.
    Waiting,
}

/// How the time counts that a call spends at a stage.
#[derive(Clone, Copy)]
pub(super) enum StageTime {
    /// It counts toward the call's timeout.
    Continues,
    /// The call's timeout limits it. If the call has waited, the timeout starts again afterwards.
    Restarts,
    /// This limits it. The call's timeout starts afterwards.
    Limited(fn(&Limits) -> Duration),
    /// The stage asks the store, and `store_timeout` limits it. The call's timeout starts afterwards. If the store answers at
    /// once, the time counts toward the call's timeout. If the call has to wait all the same, it is limited from then on.
    Store,
}

impl StageTime {
    /// The time that a call may spend at the stage from its start on, if that is limited.
    #[inline]
    pub(super) fn limit(self, shared: &Shared) -> Option<Duration> {
        match self {
            StageTime::Continues | StageTime::Restarts => None,
            StageTime::Limited(limit) => Some(limit(&shared.limits)),
            StageTime::Store if shared.store.answers_at_once() => None,
            StageTime::Store => Some(shared.limits.store_timeout),
        }
    }
}

/// A call whose stages are selected.
pub(in crate::host) struct Selection<'a> {
    pub(super) shared: &'a Shared,
    pub(super) context: &'a CallContext,
    pub(super) role: Role,
    pub(super) data: Option<&'a StageData>,
    /// Whether the response is made from the call's own outcome alone: it continues no former round, and is no part of a
    /// list.
    pub(super) is_whole: bool,
    /// The stages before this one.
    pub(super) before: StageSet,
}

impl Selection<'_> {
    /// Whether the policies of the entry apply to the call. A call within middleware that wraps the same entry was decided
    /// about with its outer call. Middleware around a list has an outer call of another entry.
    #[inline]
    pub(super) fn is_decided_here(&self) -> bool {
        match self.role {
            Role::Message | Role::Renewal => true,
            Role::Inner(outer) => self.has_other_entry(outer),
            Role::Engine { .. } | Role::Own(_) => false,
        }
    }

    /// The same for policies about the caller, who has passed them before a result is renewed.
    #[inline]
    pub(super) fn is_asked_for(&self) -> bool {
        self.role != Role::Renewal && self.is_decided_here()
    }

    #[cold]
    fn has_other_entry(&self, outer: CallId) -> bool {
        let outer = self.shared.calls.with(outer, |flight| flight.context.entry.clone());
        outer.is_some_and(|outer| !std::ptr::eq(&*outer, &*self.context.entry))
    }
}

/// A call that has passed a stage or waits there, and has ended.
pub(super) struct StageCall<'a> {
    pub(super) id: CallId,
    pub(super) context: &'a CallContext,
    /// The data of the call; `None` if it has none, or if the call ended before it passed the stage.
    pub(super) data: Option<&'a mut StageData>,
    pub(super) end: CallEnd,
}

/// What stages have taken for a call that is not recorded with it yet.
#[derive(Default)]
pub(in crate::host) struct Taken {
    /// The permission of the entry's circuit breaker.
    pub(in crate::host) permit: Option<Permit>,
    /// The result that the call produces for the cache of its entry.
    pub(in crate::host) production: Option<Production>,
}

/// Which round a call continues.
pub(in crate::host) enum Round {
    /// One whose state is used once, as a later stage checks.
    Once,
    /// One whose state has this key in the store. If the state is used again, that is another call.
    Key(String),
}

/// Lets a call continue whose time has passed.
pub(in crate::host) type Late = Box<dyn FnOnce(Instant) -> bool + Send>;

/// How a call ended, for what is recorded about its entry.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::host) enum CallEnd {
    /// The handler returned a result.
    Returned,
    /// The handler raised an exception, or its result is not valid.
    Raised,
    /// The handler returned an error of the protocol.
    Error,
    /// The handler returned a failed result.
    Failed,
    /// The handler took too long.
    TimedOut,
    /// The handler did not run, or its end is not known: the call was cancelled, refused or suspended, or it asked for what
    /// does not exist.
    #[default]
    Unknown,
}

/// The codes of errors that are no fault of the handler: the call asks for what does not exist, its parameters are wrong, or its
/// client lacks a capability or must visit a page first.
const BLAMELESS: [i32; 4] = [
    code::INVALID_PARAMS,
    code::RESOURCE_NOT_FOUND,
    code::MISSING_CLIENT_CAPABILITY,
    code::URL_ELICITATION_REQUIRED,
];

impl CallEnd {
    /// How a handler ended that returned this.
    pub(in crate::host) fn of(outcome: &Outcome, context: &CallContext) -> CallEnd {
        match outcome {
            Outcome::Exception(_) => CallEnd::Raised,
            // The call asked for what does not exist, or its arguments are wrong.
            Outcome::Failed(_) if context.is_clients_fault() => CallEnd::Unknown,
            Outcome::Failed(_) => CallEnd::Failed,
            Outcome::Error(error) if BLAMELESS.contains(&error.code) => CallEnd::Unknown,
            Outcome::Error(_) => CallEnd::Error,
            Outcome::Result(result) if result.member("isError").is_some_and(|is| is.kind() == Kind::True) => {
                CallEnd::Failed
            }
            Outcome::Suspend => CallEnd::Unknown,
            Outcome::Text(_)
            | Outcome::Json(_)
            | Outcome::Bytes(_)
            | Outcome::Content(_)
            | Outcome::Result(_) => CallEnd::Returned,
        }
    }
}

/// The data of one call for its stages. Most calls have none.
#[derive(Default)]
pub(in crate::host) struct StageData {
    /// The check of the arguments, if it is too costly for the thread that received the call.
    pub(in crate::host) check: Option<Box<Check>>,
    /// The store's key for the request's state, which may be used only once.
    pub(in crate::host) state_key: Option<String>,
    /// The call continues a former round, so it takes nothing from the rates of the entry.
    pub(in crate::host) round: Option<Round>,
    /// The permission of the entry's circuit breaker.
    pub(in crate::host) permit: Option<Permit>,
    /// How the handler ended.
    pub(in crate::host) end: CallEnd,
    /// The result that the call produces for the cache of its entry.
    pub(in crate::host) production: Option<Production>,
    /// How often the handler has run and failed.
    pub(in crate::host) attempts: u32,
    /// The deadline of the call, while it waits for its next attempt.
    pub(in crate::host) until: Option<Instant>,
    /// Whether the call has asked its client.
    pub(in crate::host) asked: bool,
    /// How long the outcome of another call stays fresh that answers this one.
    pub(in crate::host) fresh_for: Option<Duration>,
    /// Lets the call continue if its time passes. It returns whether the call continues.
    pub(in crate::host) late: Option<Late>,
    /// The call is a task; the duration is how long to keep it, if the client gives one.
    pub(in crate::host) task: Option<Option<Duration>>,
    /// The answer of a stage that has answered before its `enter` returned.
    pub(in crate::host) answer: Option<Box<Answer>>,
}

impl Answer {
    /// The answer to a call that may be repeated after the time `wait`. Over HTTP an error has no status of its own: some
    /// clients end their session after such a status, and read no error in the response.
    pub(in crate::host) fn retry_later(
        form: RefusalForm,
        text: String,
        wait: Duration,
        refuser: Refuser,
    ) -> Answer {
        match form {
            RefusalForm::Error => {
                RpcError::internal(text).retry_after(wait).refused_by(refuser.stage, refuser.by).into()
            }
            RefusalForm::Result => Answer::Outcome(Box::new(Outcome::Failed(text)), refuser.by),
        }
    }
}

impl From<RpcError> for Answer {
    fn from(error: RpcError) -> Answer {
        Answer::Error(error)
    }
}

impl From<RpcError> for Verdict {
    fn from(error: RpcError) -> Verdict {
        Verdict::Answer(Answer::Error(error))
    }
}
