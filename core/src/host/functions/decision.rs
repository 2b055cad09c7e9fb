//! Questions that a function of the program answers with yes or no: whether a caller may use an entry, and whether the caller
//! sees it. Answers are kept for a short time.

use super::{HostFunction, HostFunctionKind};
use crate::dispatch::principal::Principal;
use crate::dispatch::timed_cache::Digest;
use crate::host::engine::Engine;
use crate::host::engine_state::Shared;
use crate::json::{self, JsonSlice, JsonWriter, Kind};
use crate::proto::catalog::kind::Kind as EntryKind;
use crate::proto::messages::error::{ErrorClass, RpcError, code, stage};
use bytes::Bytes;
use sha2::{Digest as _, Sha256};
use std::time::Duration;

/// The longest reason that a client gets, in bytes.
const MAX_REASON: usize = 1024;

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

/// One question. Equal questions have equal keys.
pub(in crate::host) struct Question {
    function: HostFunctionKind,
    pub(super) key: Digest,
    input: JsonSlice,
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

    /// The key of a question to a function.
    pub(super) fn key(&self, function: HostFunctionKind, topic: Topic<'_>) -> Digest {
        let mut digest = Sha256::new();
        digest.update(self.digest);
        digest.update([function as u8, topic.kind.index() as u8]);
        digest.update((topic.name.len() as u64).to_be_bytes());
        digest.update(topic.name);
        if let Some(arguments) = topic.arguments {
            json::canonical(arguments, &mut |bytes| digest.update(bytes));
        }
        digest.finalize().into()
    }

    pub(super) fn question(&self, function: HostFunctionKind, topic: Topic<'_>) -> Question {
        let mut out = JsonWriter::new();
        out.begin_object().key("principal").slice(&self.principal);
        out.key("kind").str(topic.kind.as_str()).key("name").str(topic.name);
        if let Some(arguments) = topic.arguments {
            out.key("arguments").slice(arguments);
        }
        out.end_object();
        Question { function, key: self.key(function, topic), input: out.into_slice() }
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
fn no_decision(function: HostFunctionKind) -> RpcError {
    undecided(match function {
        HostFunctionKind::Authorizer => "cannot decide about this call",
        _ => "cannot decide what the caller may see",
    })
}

/// The error of a server that could not decide. `what` completes "the server".
#[cold]
pub(in crate::host) fn undecided(what: &str) -> RpcError {
    RpcError::internal(format!("Internal error: the server {what}"))
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
    /// Asks a function. If there is no such function, the decision is yes. `Err` has the error for the client.
    pub(super) fn decide(
        &self,
        question: Question,
        decided: impl FnOnce(Result<Decision, RpcError>) + Send + 'static,
    ) {
        let Question { function, key, input } = question;
        let Some(HostFunction { decisions, .. }) = self.0.functions.slot(function).get() else {
            return decided(Ok(Decision::Yes));
        };
        let generation = decisions.generation();
        let engine = self.clone();
        let answered = Box::new(move |answer: Result<JsonSlice, String>| {
            let decision = match answer {
                Ok(value) => engine.decision(function, &value),
                Err(_) => Err(no_decision(function)),
            };
            let shared = &engine.0;
            if let (Ok(decision), Some(own)) = (&decision, shared.functions.slot(function).get()) {
                let time = shared.decision_time(function);
                own.decisions.put(key, decision.clone(), time, shared.now(), generation);
            }
            decided(decision);
        });
        self.ask_function(function, input, answered);
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
                Err(no_decision(function))
            }
        }
    }
}
