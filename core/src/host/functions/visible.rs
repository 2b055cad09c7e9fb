//! The function `visible`: the program decides which entries exist for a caller. Also asks the authorizer about
//! subscriptions, which are no calls.
//!
//! A request waits until all is decided about the entries that it names or lists. It is performed afterwards, and meanwhile it
//! is a call of the engine's own.

use super::HostFunctionKind;
use super::HostFunctionKind::{Authorizer, Visible};
use super::decision::{Decision, Question, Subject, Topic};
use super::gather::Decided;
use crate::dispatch::access::{Caller, HiddenEntries};
use crate::dispatch::calls::table::CallId;
use crate::dispatch::observer::RequestScope;
use crate::dispatch::principal::Principal;
use crate::dispatch::registry::catalog::Snapshot;
use crate::dispatch::route::{address, concerned};
use crate::host::Target;
use crate::host::calls::dispatch::Thread;
use crate::host::calls::received::ReceivedRequest;
use crate::host::calls::requests::{Continues, Step};
use crate::host::calls::start::Own;
use crate::host::delivery::sink::{Outgoing, Sink};
use crate::host::engine::{Accepted, Engine, Scope};
use crate::host::engine_state::Shared;
use crate::panics::caught;
use crate::proto::messages::envelope::Client;
use crate::proto::messages::error::{RpcError, stage};
use crate::proto::messages::message::Request;
use crate::proto::operation::Op;
use crate::proto::session::subscription::Filter;
use std::sync::Arc;

/// What is known about the entries of a request.
pub(in crate::host) enum Look {
    /// Everything: these do not exist for the caller.
    Hidden(Option<HiddenEntries>),
    /// These must be asked first.
    Asks(Vec<Question>),
}

/// Questions about one caller.
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
            self.missing.push(self.subject.question(function, topic));
        }
        known
    }
}

impl Shared {
    /// Whether functions of the program may have to decide before a request is performed.
    #[inline]
    pub(in crate::host) fn looks_first(&self) -> bool {
        self.functions.visible.get().is_some() || self.functions.authorizer.get().is_some()
    }

    /// Whether what a caller sees depends on a function of the program.
    #[inline]
    pub(in crate::host) fn has_visible(&self) -> bool {
        self.functions.visible.get().is_some()
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
        if !subscribes && !self.0.has_visible() || later() {
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
        if subscribes && !entries.is_empty() && asking.missing.is_empty() {
            let uri = address(&request.params)?;
            if let Some((entry, variables)) = snapshot.resource(&uri)
                && entry.permit(caller).is_ok()
                && !hidden.has(entry.kind, &entry.name)
            {
                let topic = Topic { kind: entry.kind, name: &uri, arguments: Some(&variables) };
                if let Some(decision) = asking.ask(Authorizer, topic) {
                    decision.permits()?;
                }
            }
        }
        Ok(match asking.missing.is_empty() {
            true => Look::Hidden(Some(hidden)),
            false => Look::Asks(asking.missing),
        })
    }
}

/// A request that waits for functions of the program.
struct Waiting {
    engine: Engine,
    scope: Scope,
    request: Request,
    observed: RequestScope,
    client: Client,
    sink: Arc<dyn Sink>,
    /// The call of the middleware that makes the request.
    outer: Option<CallId>,
    /// The call that the request is meanwhile.
    own: Option<CallId>,
}

impl Engine {
    /// Asks questions, and then performs a request.
    pub(in crate::host) fn perform_later(
        &self,
        (scope, request): (&Scope, &ReceivedRequest<'_>),
        client: Client,
        sink: &Arc<dyn Sink>,
        continues: Continues<'_>,
        questions: Vec<Question>,
    ) -> Result<Step, RpcError> {
        let own = match (continues.outer, continues.own) {
            // The outer call can be cancelled instead.
            (Some(_), _) => None,
            (None, Some(own)) => Some(own),
            (None, None) => Some(self.own_call(scope, request, client.clone(), Own::Deciding, sink)?),
        };
        request.observed.waits(stage::AUTHORIZATION);
        let waiting = Waiting {
            engine: self.clone(),
            scope: scope.clone(),
            request: request.request.clone(),
            observed: request.observed.clone(),
            client,
            sink: sink.clone(),
            outer: continues.outer,
            own,
        };
        let shared = self.0.clone();
        let call = own.or(continues.outer);
        let is_wanted = move || call.is_none_or(|call| shared.calls.with(call, |_| ()).is_some());
        let decided = continues.decided.cloned().unwrap_or_default();
        self.gather(questions, decided, is_wanted, move |decided| waiting.perform(decided));
        Ok(Step::Started(own.map_or(Accepted::Answered, Accepted::Started)))
    }

    /// The resources of a filter that the caller may be notified of. Those that nothing could be decided about are not
    /// among them.
    pub(in crate::host) fn readable(
        &self,
        filter: Filter,
        principal: Option<&Principal>,
        is_wanted: impl Fn() -> bool + Send + Sync + 'static,
        then: impl FnOnce(Filter, Thread) + Send + 'static,
    ) {
        match self.readable_now(filter, principal, None) {
            (filter, missing) if missing.is_empty() => then(filter, Thread::Receiver),
            (filter, missing) => {
                let (engine, principal) = (self.clone(), principal.cloned());
                self.gather(missing, Decided::default(), is_wanted, move |decided| {
                    let decided = decided.unwrap_or_default();
                    let (filter, _) = engine.readable_now(filter, principal.as_ref(), Some(&decided));
                    then(filter, Thread::Other);
                });
            }
        }
    }

    /// The same, as far as it is known. If `decided` is given, nothing more is asked.
    fn readable_now(
        &self,
        mut filter: Filter,
        principal: Option<&Principal>,
        decided: Option<&Decided>,
    ) -> (Filter, Vec<Question>) {
        if filter.resources.is_empty() {
            return (filter, Vec::new());
        }
        let snapshot = self.0.catalog.snapshot();
        let caller = self.0.caller(principal);
        let looks = self.0.looks_first();
        let mut asking =
            Asking { shared: &self.0, subject: Subject::of(principal), decided, missing: Vec::new() };
        filter.resources.retain(|uri| {
            let Some((entry, variables)) = snapshot.resource(uri) else { return false };
            if entry.permit(caller).is_err() {
                return false;
            }
            if !looks {
                return true;
            }
            let sees = Topic { kind: entry.kind, name: &entry.name, arguments: None };
            let reads = Topic { kind: entry.kind, name: uri, arguments: Some(&variables) };
            let answers = [asking.ask(Visible, sees), asking.ask(Authorizer, reads)];
            // What is not known is kept until it is.
            answers.iter().all(|answer| match answer {
                Some(decision) => matches!(decision, Decision::Yes),
                None => decided.is_none(),
            })
        });
        (filter, asking.missing)
    }
}

impl Waiting {
    fn perform(self, decided: Result<Decided, RpcError>) {
        let Waiting { engine, scope, request, observed, client, sink, outer, own } = &self;
        observed.continues();
        let request = ReceivedRequest { request, observed: observed.clone() };
        let step = decided.and_then(|decided| {
            let continues = Continues { outer: *outer, own: *own, decided: Some(&decided) };
            caught(|| engine.perform(scope, &request, client.clone(), sink, continues)).unwrap_or_else(
                |panicked| {
                    let doing = format_args!("the request {}", request.method.as_str());
                    Err(engine.0.panicked(doing, &panicked))
                },
            )
        });
        let body = match step {
            Ok(Step::Started(_)) => return,
            Ok(Step::Answer(body)) => Ok(body),
            Err(error) => {
                if error.refuser().is_some() {
                    observed.rejected(&error, 0);
                }
                if outer.is_none() {
                    engine.audit_refused(scope, &request, error.refuser());
                }
                Err(error)
            }
        };
        match own {
            Some(own) => engine.port().reply_own(*own, |_, _, _| body),
            None => {
                let outgoing = match body {
                    Ok(body) => Outgoing::Response { body, error: None },
                    Err(error) => engine.0.error(Some(&request.id), Some(client.revision), &error),
                };
                sink.send(outgoing);
            }
        }
    }
}
