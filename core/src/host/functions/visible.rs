//! The function `visible`: the program decides which entries exist for a caller. Also asks the authorizer about
//! subscriptions, which are no calls.
//!
//! A request waits until all is decided about the entries that it names or lists. It is performed afterwards, and meanwhile it
//! is a call of the engine's own.

use super::HostFunctionKind;
use super::HostFunctionKind::{Authorizer, Visible};
use super::decision::{Decision, Question, Subject, Topic};
use super::questions::Decided;
use crate::dispatch::access::{Caller, HiddenEntries};
use crate::dispatch::principal::Principal;
use crate::dispatch::registry::catalog::Snapshot;
use crate::dispatch::route::{address, concerned};
use crate::host::calls::dispatch::Thread;
use crate::host::calls::received::ReceivedRequest;
use crate::host::calls::requests::{Continues, Step};
use crate::host::calls::start::Own;
use crate::host::calls::waiting_request::WaitingRequest;
use crate::host::delivery::sink::Sink;
use crate::host::engine::{Accepted, Engine, Scope};
use crate::host::engine_state::Shared;
use crate::host::{Registered, Target};
use crate::json::JsonSlice;
use crate::panics::caught;
use crate::proto::messages::envelope::Client;
use crate::proto::messages::error::{RpcError, stage};
use crate::proto::operation::Op;
use crate::proto::session::subscription::Filter;
use std::sync::Arc;

/// What is known about the entries of a request.
pub(in crate::host) enum Look {
    /// Everything: these do not exist for the caller.
    Hidden(Option<Box<HiddenEntries>>),
    /// These must be asked first.
    Asks(Box<Asked>),
}

/// The questions about one caller that must be asked.
pub(in crate::host) struct Asked {
    subject: Subject,
    questions: Vec<Question>,
}

/// What is asked about one caller.
struct Asking<'a> {
    shared: &'a Shared,
    subject: Subject,
    /// What was decided for this request.
    decided: Option<&'a Decided>,
    missing: Vec<Question>,
}

impl Asking<'_> {
    /// The decision about a topic; `None` if the function must be asked.
    fn ask(&mut self, function: HostFunctionKind, topic: Topic<'_>) -> Option<Decision> {
        if self.shared.functions.slot(function).get().is_none() {
            return Some(Decision::Yes);
        }
        let key = self.subject.key(function, topic);
        let decided = self.decided.and_then(|decided| decided.get(&key).cloned());
        let known = decided.or_else(|| self.shared.known_decision(function, &key));
        if known.is_none() {
            self.missing.push(Question::new(function, key, topic));
        }
        known
    }

    /// Whether the caller may be notified of changes of a resource: it exists for the caller, and could be read. `None` if
    /// a function must be asked. `Ok(false)`: it does not exist.
    fn ask_to_subscribe(
        &mut self,
        entry: &Registered,
        uri: &str,
        variables: &JsonSlice,
    ) -> Option<Result<bool, RpcError>> {
        let seen = self.ask(Visible, Topic { kind: entry.kind, name: &entry.name, arguments: None })?;
        if let Decision::No(_) = seen {
            return Some(Ok(false));
        }
        let read = self.ask(Authorizer, Topic { kind: entry.kind, name: uri, arguments: Some(variables) })?;
        Some(read.permits().map(|()| true))
    }
}

impl Shared {
    /// Whether functions of the program may have to decide before a request is performed.
    #[inline]
    pub(in crate::host) fn looks_first(&self) -> bool {
        self.functions.visible.get().is_some() || self.functions.authorizer.get().is_some()
    }

    /// Whether the same request of two callers may have different answers, whatever entry it is about.
    #[inline]
    pub(in crate::host) fn answers_differ(&self) -> bool {
        self.refuses_anonymous() || self.looks_first()
    }
}

impl Engine {
    /// Which of the entries that a request names or lists do not exist for the caller. The error refuses the request.
    pub(in crate::host) fn look(
        &self,
        request: &ReceivedRequest<'_>,
        caller: Caller<'_>,
        snapshot: &Snapshot<Target>,
        Continues { outer, decided, .. }: Continues<'_>,
    ) -> Result<Look, RpcError> {
        let subscribes = request.method.is(Op::Subscribe);
        // A list with middleware is looked at when the middleware asks for it.
        let later = || request.method.lists() && self.around(request, outer).is_some();
        if !subscribes && self.0.functions.visible.get().is_none() || later() {
            return Ok(Look::Hidden(None));
        }
        let mut hidden = HiddenEntries::default();
        let entries = concerned(&request.method, &request.params, snapshot);
        let subject = Subject::of(caller.principal);
        let mut asking = Asking { shared: &self.0, subject, decided, missing: Vec::new() };
        // An entry that the caller may not use is refused in any case.
        for entry in entries.iter().filter(|entry| entry.permit(caller).is_ok()) {
            let topic = Topic { kind: entry.kind, name: &entry.name, arguments: None };
            if let Some(Decision::No(_)) = asking.ask(Visible, topic) {
                hidden.add(entry.kind, &entry.name);
            }
        }
        if subscribes && asking.missing.is_empty() {
            let uri = address(&request.params)?;
            if let Some((entry, variables)) = snapshot.resource(&uri)
                && entry.permit(caller).is_ok()
                && let Some(answer) = asking.ask_to_subscribe(entry, &uri, &variables)
            {
                answer?;
            }
        }
        Ok(match asking.missing.is_empty() {
            true => Look::Hidden(Some(Box::new(hidden))),
            false => Look::Asks(Box::new(Asked { subject: asking.subject, questions: asking.missing })),
        })
    }
}

impl Engine {
    /// Asks questions, and then performs a request.
    #[inline(never)]
    pub(in crate::host) fn perform_later(
        &self,
        (scope, request): (&Scope, &ReceivedRequest<'_>),
        client: Client,
        sink: &Arc<dyn Sink>,
        continues: Continues<'_>,
        asked: Asked,
    ) -> Result<Step, RpcError> {
        let begun = (scope, request);
        let waiting = match (continues.outer, continues.own) {
            (None, None) => WaitingRequest::begin(self, begun, client, sink, Own::Deciding)?,
            // The outer call can be cancelled instead.
            (Some(outer), _) => WaitingRequest::new(self, begun, client, sink, (Some(outer), None)),
            (None, before @ Some(_)) => {
                let own = (before, Own::Deciding);
                let own = self.own_call_again(scope, request, client.clone(), own, sink)?;
                WaitingRequest::new(self, begun, client, sink, (None, Some(own)))
            }
        };
        request.observed.waits(stage::AUTHORIZATION);
        let (own, shared) = (waiting.own(), self.0.clone());
        let call = own.or(continues.outer);
        let is_wanted = move || call.is_none_or(|call| shared.calls.with(call, |_| ()).is_some());
        let decided = continues.decided.cloned().unwrap_or_default();
        let Asked { subject, questions } = asked;
        let then = move |decided| waiting.perform(decided);
        // The request is a call already, which must be answered once.
        let asking = caught(|| self.ask_all(subject, questions, decided, is_wanted, then));
        if let (Err(panicked), Some(own)) = (asking, own) {
            self.0.fail_panicked(own, &panicked);
        }
        Ok(Step::Started(own.map_or(Accepted::Answered, Accepted::Started)))
    }

    /// Passes on the resources of a filter that the caller may be notified of. Those that nothing could be decided about are
    /// not among them.
    pub(in crate::host) fn readable(
        &self,
        filter: Filter,
        principal: Option<Principal>,
        is_wanted: impl Fn() -> bool + Send + Sync + 'static,
        then: impl FnOnce(Filter, Thread) + Send + 'static,
    ) {
        let wanted = Arc::new(is_wanted);
        let round = Readable { engine: self.clone(), principal, wanted, then };
        round.look(filter, Decided::default(), Thread::Receiver);
    }
}

/// A filter of which functions decide what the caller may be notified of.
struct Readable<W, T> {
    engine: Engine,
    principal: Option<Principal>,
    wanted: Arc<W>,
    then: T,
}

impl<W, T> Readable<W, T>
where
    W: Fn() -> bool + Send + Sync + 'static,
    T: FnOnce(Filter, Thread) + Send + 'static,
{
    /// Asks what is not decided yet, and looks again afterwards. Each question is asked once.
    fn look(self, mut filter: Filter, decided: Decided, thread: Thread) {
        let Asked { subject, questions } = self.retain(&mut filter, &decided, true);
        if questions.is_empty() {
            return (self.then)(filter, thread);
        }
        let (engine, wanted) = (self.engine.clone(), self.wanted.clone());
        engine.ask_all(
            subject,
            questions,
            decided,
            move || wanted(),
            move |decided| match decided {
                Ok(decided) => self.look(filter, decided, Thread::Other),
                Err(_) => {
                    self.retain(&mut filter, &Decided::default(), false);
                    (self.then)(filter, Thread::Other);
                }
            },
        );
    }

    /// Removes what the caller may not be notified of. What is not decided stays if `undecided` is set.
    fn retain(&self, filter: &mut Filter, decided: &Decided, undecided: bool) -> Asked {
        let shared = &self.engine.0;
        let subject = Subject::of(self.principal.as_ref());
        let mut asking = Asking { shared, subject, decided: Some(decided), missing: Vec::new() };
        if !filter.resources.is_empty() {
            let (snapshot, looks) = (shared.catalog.snapshot(), shared.looks_first());
            let caller = shared.caller(self.principal.as_ref());
            filter.resources.retain(|uri| {
                let Some((entry, variables)) = snapshot.resource(uri) else { return false };
                let asks = entry.permit(caller).is_ok() && looks;
                match if asks { asking.ask_to_subscribe(entry, uri, &variables) } else { None } {
                    Some(answer) => matches!(answer, Ok(true)),
                    None if asks => undecided,
                    None => entry.permit(caller).is_ok(),
                }
            });
        }
        Asked { subject: asking.subject, questions: asking.missing }
    }
}
