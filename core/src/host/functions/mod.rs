//! Functions of the program that the engine asks while it decides about requests: who sent a request, whether a call is
//! permitted, and which entries a caller sees.
//!
//! Each question is a call in a lane of the host, as an operation of a host's store is. It has no client, counts toward no
//! limit of calls, and times out after [`Limits::store_timeout`](crate::Limits::store_timeout).

mod authorize;
mod decision;
mod questions;
mod verify;
mod visible;

#[cfg_attr(not(feature = "runtime"), allow(unused_imports))]
pub(crate) use verify::Verified;

pub(in crate::host) use authorize::asks_authorizer;
pub(in crate::host) use decision::undecided;
pub(in crate::host) use questions::Decided;
pub(in crate::host) use visible::Look;

use crate::dispatch::log::{self, LogLevel};
use crate::dispatch::registry::entry::Entry;
use crate::dispatch::timed_cache::{Digest, TimedCache};
use crate::dispatch::validation::arguments::Policy;
use crate::error::{Error, ErrorKind};
use crate::host::calls::dispatch::Thread;
use crate::host::calls::op::{CallContext, Outcome};
use crate::host::calls::start::{CallSpec, Role};
use crate::host::delivery::sink::{Delivery, Outgoing, Sink};
use crate::host::engine::{Accepted, Engine};
use crate::host::engine_state::Shared;
use crate::host::session::notifications::anonymous_client;
use crate::host::{Registered, Target};
use crate::json::JsonSlice;
use crate::locks::Mutex;
use crate::proto::catalog::kind::Kind;
use decision::Decision;
use http::HeaderName;
use std::any::Any;
use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock, Weak};

/// The most questions to one function that may wait at the same time.
const MAX_PENDING: usize = 4096;

/// Which function of the program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum HostFunctionKind {
    /// Finds the principal of credentials.
    Verifier,
    /// Decides whether a call is permitted.
    Authorizer,
    /// Decides whether an entry exists for a caller.
    Visible,
}

impl HostFunctionKind {
    /// The name in the APIs, and the name of the entry that the questions are calls of.
    pub fn as_str(self) -> &'static str {
        match self {
            HostFunctionKind::Verifier => "verifier",
            HostFunctionKind::Authorizer => "authorizer",
            HostFunctionKind::Visible => "visible",
        }
    }

    /// The function in errors, with its article.
    pub fn noun(self) -> &'static str {
        match self {
            HostFunctionKind::Verifier => "the verifier",
            HostFunctionKind::Authorizer => "the authorizer",
            HostFunctionKind::Visible => "the function visible",
        }
    }
}

/// The functions of a server. Each can be set once. Boxed, because few servers have them.
#[derive(Default)]
pub(in crate::host) struct HostFunctions {
    verifier: OnceLock<Box<HostFunction>>,
    authorizer: OnceLock<Box<HostFunction>>,
    visible: OnceLock<Box<HostFunction>>,
}

/// A function of the program.
pub(in crate::host) struct HostFunction {
    entry: Arc<Registered>,
    pending: Arc<AtomicUsize>,
    /// For the verifier, the names of the headers that it reads.
    headers: Vec<HeaderName>,
    /// What it has decided.
    decisions: TimedCache<Digest, Decision>,
    /// Who waits for the answers to questions that are asked now, by the key and the generation of the decisions.
    asked: Mutex<HashMap<(Digest, u64), Vec<decision::OnDecision>>>,
}

/// Why a function gave no answer.
#[derive(Debug)]
pub(crate) enum Failure {
    /// Too many questions wait; the text is for the client.
    Busy(String),
    /// The text is for the log.
    Fault(String),
}

/// Takes the answer of a function.
pub(crate) type Answered = Box<dyn FnOnce(Result<JsonSlice, Failure>) + Send>;

impl HostFunctions {
    fn slot(&self, kind: HostFunctionKind) -> &OnceLock<Box<HostFunction>> {
        match kind {
            HostFunctionKind::Verifier => &self.verifier,
            HostFunctionKind::Authorizer => &self.authorizer,
            HostFunctionKind::Visible => &self.visible,
        }
    }
}

impl Engine {
    /// Sets a function of the program. Its calls go to `target`. `kept` is kept as long as the server.
    pub(crate) fn set_function(
        &self,
        kind: HostFunctionKind,
        target: Target,
        kept: Option<Arc<dyn Any + Send + Sync>>,
        headers: Vec<HeaderName>,
    ) -> Result<(), Error> {
        if kind != HostFunctionKind::Verifier && self.is_mounted() {
            return Err(Error::new(ErrorKind::State, only_served(kind.noun())));
        }
        let entry = Entry::new(Kind::Method, kind.as_str());
        let entry = match kept {
            Some(kept) => entry.keep(kept),
            None => entry,
        };
        let entry = Arc::new(Registered::new(entry, target, Policy::default())?);
        let decisions = TimedCache::new(self.0.limits.max_cached_decisions);
        let function =
            HostFunction { entry, pending: Arc::default(), headers, decisions, asked: Mutex::default() };
        self.0
            .functions
            .slot(kind)
            .set(Box::new(function))
            .map_err(|_| Error::new(ErrorKind::State, format!("the server already has {}", kind.noun())))
    }

    /// Fails if the other server has a function that decides about requests, or limits of requests, because they would be
    /// lost by mounting the server here.
    pub(in crate::host) fn check_functions(&self, other: &Engine) -> Result<(), Error> {
        let deciding = [HostFunctionKind::Authorizer, HostFunctionKind::Visible];
        let function = deciding.into_iter().find(|kind| other.0.functions.slot(*kind).get().is_some());
        let reason = match function {
            Some(kind) => only_served(kind.noun()),
            None if other.0.rate_limiting.requests.is_some() => only_served("the setting rate_limit"),
            None => return Ok(()),
        };
        Err(Error::new(ErrorKind::State, format!("mount: {reason}")))
    }

    /// Asks a function. If there is none, `answered` is dropped, and the result is `false`.
    pub(in crate::host) fn ask_function(
        &self,
        kind: HostFunctionKind,
        input: JsonSlice,
        answered: Answered,
    ) -> bool {
        let shared = &self.0;
        let Some(function) = shared.functions.slot(kind).get() else { return false };
        let pending = Pending::enter(&function.pending);
        if function.pending.load(Ordering::SeqCst) > MAX_PENDING {
            answered(Err(Failure::Busy(format!(
                "more than {MAX_PENDING} questions to {} wait",
                kind.noun()
            ))));
            return true;
        }
        let sink = Arc::new(FunctionSink {
            shared: Arc::downgrade(shared),
            kind,
            waiting: Mutex::new(Some((answered, pending))),
        });
        let role = Role::Engine { timeout: shared.limits.store_timeout, waits_for_start: true };
        let context = CallContext::of(None, anonymous_client(), function.entry.clone());
        let context = Arc::new(CallContext { of_engine: true, ..context });
        let to: Arc<dyn Sink> = sink.clone();
        let spec = CallSpec { thread: Thread::Other, role, ..CallSpec::of(None, context, input, &to) };
        match self.start(spec) {
            Ok(Accepted::Started(_) | Accepted::Answered | Accepted::NoReply | Accepted::Listening(_)) => {}
            Err(error) => sink.answer(Err(Failure::Fault(error.message.clone()))),
        }
        true
    }
}

fn only_served(noun: &str) -> String {
    format!(
        "{noun} belongs to the server that is served, not to a mounted one; set it in the server that is served"
    )
}

/// Counts one question that waits.
struct Pending(Arc<AtomicUsize>);

impl Pending {
    fn enter(pending: &Arc<AtomicUsize>) -> Pending {
        pending.fetch_add(1, Ordering::SeqCst);
        Pending(pending.clone())
    }
}

impl Drop for Pending {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

/// Waits for the outcome of one question.
struct FunctionSink {
    shared: Weak<Shared>,
    kind: HostFunctionKind,
    waiting: Mutex<Option<(Answered, Pending)>>,
}

impl FunctionSink {
    /// Passes on the answer. Only the first one counts.
    fn answer(&self, answer: Result<JsonSlice, Failure>) {
        let Some((answered, pending)) = self.waiting.lock().take() else { return };
        if let (Err(Failure::Fault(why)), Some(shared)) = (&answer, self.shared.upgrade()) {
            let noun = self.kind.noun();
            shared.observers.diagnose(LogLevel::Error, log::AUTH, || format!("{noun} failed: {why}"));
        }
        drop(pending);
        answered(answer);
    }
}

impl Sink for FunctionSink {
    fn send(&self, message: Outgoing) -> Delivery {
        // Other messages of the call have no receiver.
        if let Outgoing::Dropped = message {
            self.answer(Err(Failure::Fault("the server has ended".to_owned())));
        }
        Delivery::Gone
    }

    fn outcome(&self, outcome: &Outcome) {
        self.answer(match outcome {
            Outcome::Json(value) | Outcome::Result(value) => Ok(value.clone()),
            Outcome::Text(text) => Ok(JsonSlice::from_value(&text.as_str().into())),
            Outcome::Exception(text) | Outcome::Failed(text) => Err(Failure::Fault(text.clone())),
            Outcome::Error(error) => Err(Failure::Fault(error.message.clone())),
            Outcome::Bytes(_) | Outcome::Content(_) | Outcome::Suspend => {
                Err(Failure::Fault("it returned something that is no answer".to_owned()))
            }
        });
    }
}

impl Drop for FunctionSink {
    fn drop(&mut self) {
        // A call that is lost must not leave its question without an answer.
        self.answer(Err(Failure::Fault("its answer was lost; the server's log has the reason".to_owned())));
    }
}
