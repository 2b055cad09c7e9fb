//! Questions that a function of the program answers with yes or no: whether a caller may use an entry, and whether the caller
//! sees it. Answers are kept for a short time.

use super::{Failure, HostFunctionKind};
use crate::dispatch::principal::Principal;
use crate::dispatch::timed_cache::Digest;
use crate::host::engine::Engine;
use crate::host::engine_state::Shared;
use crate::json::{JsonSlice, JsonWriter, Kind};
use crate::proto::catalog::kind::Kind as EntryKind;
use crate::proto::messages::error::{ErrorClass, RpcError, code, stage};
use bytes::Bytes;
use sha2::{Digest as _, Sha256};
use std::time::Duration;

/// The longest reason that a client gets, in bytes.
const MAX_REASON: usize = 1024;

/// Takes a decision, or the error for the client.
pub(in crate::host) type OnDecision = Box<dyn FnOnce(Result<Decision, RpcError>) + Send>;

/// What a function has decided.
#[derive(Clone, Debug)]
pub(in crate::host) enum Decision {
    Yes,
    /// No, perhaps with a reason for the client.
    No(Option<Box<str>>),
}

/// The caller that questions are about.
pub(in crate::host) struct Subject {
    /// The principal as functions get it.
    principal: JsonSlice,
    /// Differs for principals that differ in any fact.
    digest: Digest,
}

/// One question. Equal questions have equal keys. What a function gets is written when it is asked, because many questions may
/// wait.
pub(in crate::host) struct Question {
    function: HostFunctionKind,
    pub(super) key: Digest,
    kind: EntryKind,
    name: Box<str>,
    arguments: Option<JsonSlice>,
}

/// What a question is about.
#[derive(Clone, Copy)]
pub(in crate::host) struct Topic<'a> {
    pub(super) kind: EntryKind,
    /// The name of the entry or the address of the resource.
    pub(super) name: &'a str,
    /// The arguments of the call, for the authorizer.
    pub(super) arguments: Option<&'a JsonSlice>,
}

impl Subject {
    pub(in crate::host) fn of(principal: Option<&Principal>) -> Subject {
        let principal = match principal {
            Some(principal) => principal.to_json(),
            None => JsonSlice::from_trusted(Bytes::from_static(b"null")),
        };
        let digest = Sha256::digest(principal.as_bytes()).into();
        Subject { principal, digest }
    }

    /// The key of a question to a function. The text of the arguments counts, because a program may tell numbers apart that
    /// are the same double.
    pub(super) fn key(&self, function: HostFunctionKind, topic: Topic<'_>) -> Digest {
        let mut digest = Sha256::new();
        digest.update(self.digest);
        digest.update([function as u8, topic.kind.index() as u8]);
        digest.update((topic.name.len() as u64).to_be_bytes());
        digest.update(topic.name);
        if let Some(arguments) = topic.arguments {
            digest.update(arguments.as_bytes());
        }
        digest.finalize().into()
    }

    /// What a function gets.
    fn input(&self, question: &Question) -> JsonSlice {
        let mut out = JsonWriter::new();
        out.begin_object().key("principal").slice(&self.principal);
        out.key("kind").str(question.kind.as_str()).key("name").str(&question.name);
        if let Some(arguments) = &question.arguments {
            out.key("arguments").slice(arguments);
        }
        out.end_object();
        out.into_slice()
    }
}

impl Question {
    pub(super) fn new(function: HostFunctionKind, key: Digest, topic: Topic<'_>) -> Question {
        let Topic { kind, name, arguments } = topic;
        Question { function, key, kind, name: name.into(), arguments: arguments.cloned() }
    }
}

impl Decision {
    /// The error for a caller that is refused.
    pub(in crate::host) fn permits(self) -> Result<(), RpcError> {
        let Decision::No(reason) = self else { return Ok(()) };
        let text = reason.map(|reason| format!("Forbidden: {reason}"));
        Err(RpcError::new(
            code::INVALID_REQUEST,
            text.unwrap_or_else(|| "Forbidden: the call is not permitted".into()),
        )
        .with_class(ErrorClass::Forbidden)
        .refused_by(stage::AUTHORIZATION, HostFunctionKind::Authorizer.as_str()))
    }
}

/// The error if a function gives no usable answer.
#[cold]
fn no_decision(function: HostFunctionKind, failure: &Failure) -> RpcError {
    if let Failure::Busy(text) = failure {
        return RpcError::busy(format!("Server busy: {text}; retry later"));
    }
    match function {
        HostFunctionKind::Authorizer => {
            RpcError::internal(format!("{UNDECIDED} cannot decide about this call"))
        }
        _ => undecided("cannot decide what the caller may see"),
    }
}

const UNDECIDED: &str = "Internal error: the server";

/// The error of a server that could not decide what a caller sees. `what` completes "the server".
#[cold]
pub(in crate::host) fn undecided(what: &str) -> RpcError {
    RpcError::internal(format!("{UNDECIDED} {what}"))
        .refused_by(stage::AUTHORIZATION, HostFunctionKind::Visible.as_str())
}

impl Shared {
    /// How long decisions of a function are kept.
    fn decision_time(&self, function: HostFunctionKind) -> Duration {
        match function {
            HostFunctionKind::Verifier => Duration::ZERO,
            HostFunctionKind::Authorizer => self.limits.authorizer_cache_time,
            HostFunctionKind::Visible => self.limits.visible_cache_time,
        }
    }

    /// What a function has decided a short time ago.
    pub(super) fn known_decision(&self, function: HostFunctionKind, key: &Digest) -> Option<Decision> {
        if self.decision_time(function).is_zero() {
            return None;
        }
        self.functions.slot(function).get()?.decisions.get(key, self.now())
    }

    /// Forgets all decisions.
    pub(in crate::host) fn forget_decisions(&self) {
        for kind in [HostFunctionKind::Authorizer, HostFunctionKind::Visible] {
            if let Some(function) = self.functions.slot(kind).get() {
                function.decisions.clear();
            }
        }
    }
}

impl Engine {
    /// Forgets the decisions of this server, and of those that it is mounted in.
    pub(crate) fn forget_decisions_above(&self) {
        self.here_and_above().iter().for_each(|engine| engine.0.forget_decisions());
    }

    /// Asks a function. If there is no such function, the decision is yes. `Err` has the error for the client. Equal
    /// questions that wait at the same time are asked once, unless the function decides about each call.
    pub(super) fn decide(&self, subject: &Subject, question: &Question, decided: OnDecision) {
        let (kind, key) = (question.function, question.key);
        let Some(function) = self.0.functions.slot(kind).get() else { return decided(Ok(Decision::Yes)) };
        let generation = function.decisions.generation();
        let joins = kind == HostFunctionKind::Visible || !self.0.decision_time(kind).is_zero();
        let mut alone = Some(decided);
        if joins {
            let mut asked = function.asked.lock();
            if let Some(waiting) = asked.get_mut(&(key, generation)) {
                waiting.extend(alone.take());
                return;
            }
            asked.insert((key, generation), alone.take().into_iter().collect());
        }
        let engine = self.clone();
        let answered = Box::new(move |answer: Result<JsonSlice, Failure>| {
            let decision = match answer {
                Ok(value) => engine.decision(kind, &value),
                Err(failure) => Err(no_decision(kind, &failure)),
            };
            let shared = &engine.0;
            let Some(own) = shared.functions.slot(kind).get() else { return };
            if let Ok(decision) = &decision {
                own.decisions.put(
                    key,
                    decision.clone(),
                    shared.decision_time(kind),
                    shared.now(),
                    generation,
                );
            }
            let waiting = if joins { own.asked.lock().remove(&(key, generation)) } else { None };
            for decided in waiting.into_iter().flatten().chain(alone) {
                decided(decision.clone());
            }
        });
        self.ask_function(kind, subject.input(question), answered);
    }

    fn decision(&self, function: HostFunctionKind, value: &JsonSlice) -> Result<Decision, RpcError> {
        let takes_reasons = function == HostFunctionKind::Authorizer;
        match value.kind() {
            Kind::True => Ok(Decision::Yes),
            Kind::False => Ok(Decision::No(None)),
            Kind::String if takes_reasons => {
                let mut reason = value.decode_str().unwrap_or_default().into_owned();
                reason.truncate(reason.floor_char_boundary(MAX_REASON));
                Ok(Decision::No(Some(reason.into())))
            }
            _ => {
                let what = match takes_reasons {
                    true => "true, false, or the reason of a refusal as a text",
                    false => "true or false",
                };
                self.0.log_handler_fault(|| format!("{} must return {what}", function.noun()));
                Err(no_decision(function, &Failure::Fault(String::new())))
            }
        }
    }
}
