//! Notifications of clients, hooks of the program, and notifications that the program sends to all sessions.

use crate::dispatch::observer::{RequestEnd, RequestScope, SessionScope};
use crate::dispatch::validation::arguments::Unready;
use crate::faults;
use crate::host::Registered;
use crate::host::admission::interface::StageData;
use crate::host::admission::stages::argument_checks::Check;
use crate::host::bus::StreamEnd;
use crate::host::calls::completion::End;
use crate::host::calls::dispatch::Thread;
use crate::host::calls::op::{CallContext, CancelReason};
use crate::host::calls::request_origin::RequestOrigin;
use crate::host::calls::requests::ARGUMENTS;
use crate::host::calls::start::CallSpec;
use crate::host::delivery::sink::{Delivery, Outgoing, null_sink};
use crate::host::engine::{Engine, Scope};
use crate::host::session::peer::Peer;
use crate::json::JsonSlice;
use crate::proto::catalog::header_params::ParamFields;
use crate::proto::catalog::kind::Kind;
use crate::proto::messages::envelope;
use crate::proto::messages::envelope::Client;
use crate::proto::messages::id::RequestId;
use crate::proto::messages::message::Notification;
use crate::proto::operation::{Method, Op, Operation};
use crate::proto::results::shape;
use crate::proto::version::Revision;
use std::sync::Arc;

/// Names of the hooks of an open session: it begins, it ends, or its roots change.
const SESSION_START: &str = "session_start";
pub(in crate::host) const SESSION_END: &str = "session_end";
/// Names of the hooks of a resource: it got its first subscriber, or lost its last one.
pub(in crate::host) const SUBSCRIBE: &str = "subscribe";
pub(in crate::host) const UNSUBSCRIBE: &str = "unsubscribe";
const ROOTS_CHANGED: &str = "roots_changed";
/// Name of the hook for errors: a handler has failed because of its own fault.
const ERROR: &str = "error";
/// Name of the hook for audit events.
const AUDIT: &str = "audit";

/// The client for calls that concern no client.
pub(in crate::host) fn anonymous_client() -> Client {
    Client { revision: Revision::V2026_07_28, info: None, capabilities: JsonSlice::empty_object() }
}

/// For calls that no client has requested.
fn unobserved() -> RequestScope {
    RequestScope::default()
}

impl Engine {
    /// Takes a notification of a client. Ignores a notification that has no meaning here.
    pub(in crate::host) fn notification(
        &self,
        scope: &Scope,
        notification: Notification,
        observed: &RequestScope,
    ) {
        faults::pass("note");
        let Notification { method, params } = notification;
        if let Some(peer) = scope.peer() {
            match &method {
                Method::Known(Operation { op: Op::Initialized, .. })
                    if peer.lifecycle(|lifecycle| lifecycle.initialized()) =>
                {
                    self.0.bus.join(peer);
                    peer.begin();
                    self.hook(scope, SESSION_START);
                }
                Method::Known(Operation { op: Op::Cancelled, .. }) => {
                    let id = params.get("requestId").and_then(RequestId::new);
                    match id.as_ref().map(|id| (peer.call(id), peer.listen(id))) {
                        Some((Some(call), _)) => {
                            let reason = params.get_str("reason").ok().flatten();
                            if !self.0.end(call, End::Silent(CancelReason::Requested(reason)))
                                && let Some(id) = &id
                            {
                                self.0.drop_spaced(peer, id);
                            }
                        }
                        // SU-9.
                        Some((None, Some(listen))) => self.end_stream(listen, StreamEnd::Cancelled),
                        _ => {}
                    }
                }
                // Only sessions have roots that change.
                Method::Known(Operation { op: Op::RootsChanged, .. }) if peer.client().is_some() => {
                    self.hook(scope, ROOTS_CHANGED);
                }
                _ => {}
            }
        }
        let client = || match scope {
            Scope::Channel(_) if envelope::is_modern(&params) => envelope::read(&params).ok(),
            scope => self.client_of(scope),
        };
        let notified = (Kind::Notification, method.as_str());
        if !self.run(scope, notified, client, || params.object(), Thread::Receiver, observed) {
            observed.finished(RequestEnd::Ok, 0);
        }
    }

    fn hook(&self, scope: &Scope, name: &str) {
        // A session may end on any thread, even on a thread that many other calls depend on.
        let thread = if name == SESSION_END { Thread::Other } else { Thread::Receiver };
        self.run(
            scope,
            (Kind::Hook, name),
            || self.client_of(scope),
            JsonSlice::empty_object,
            thread,
            &unobserved(),
        );
    }

    /// Runs the program's hook for an event of a resource, which concerns no client in particular.
    pub(in crate::host) fn hook_resource(&self, name: &str, uri: &str, thread: Thread) {
        let input = || JsonSlice::from_value(&serde_json::json!({ "uri": uri }));
        self.hook_of_nobody(name, input, thread);
    }

    /// Runs the program's error hook, because a handler has failed. If the error hook itself fails, no hook runs.
    pub(in crate::host) fn hook_error(&self, entry: &Registered, why: &str) {
        let snapshot = self.0.catalog.snapshot();
        if snapshot.find(Kind::Hook, ERROR).is_none() || entry.kind == Kind::Hook && entry.name == ERROR {
            return;
        }
        let said = serde_json::json!({ "kind": entry.kind.as_str(), "name": entry.name, "message": why });
        self.hook_of_nobody(ERROR, || JsonSlice::from_value(&said), Thread::Other);
    }

    /// Runs the program's hook for an audit event.
    pub(in crate::host) fn hook_audit(&self, record: String) {
        let event = || JsonSlice::from_trusted(record.into_bytes().into());
        self.hook_of_nobody(AUDIT, event, Thread::Other);
    }

    /// Runs the program's hook for an event that concerns no client in particular.
    fn hook_of_nobody(&self, name: &str, input: impl FnOnce() -> JsonSlice, thread: Thread) {
        let scope = Scope::Stateless {
            client: anonymous_client(),
            params: ParamFields::default(),
            arrival: RequestOrigin::default(),
        };
        self.run(&scope, (Kind::Hook, name), || None, input, thread, &unobserved());
    }

    fn client_of(&self, scope: &Scope) -> Option<Client> {
        match scope {
            Scope::Stateless { client, .. } => Some(client.clone()),
            Scope::Channel(peer) | Scope::Session { peer, .. } | Scope::NewSession { peer, .. } => {
                peer.client()
            }
        }
    }

    /// Runs the handler of a notification or a hook, if there is one. It is a call of its own, whose response is
    /// dropped. Returns whether the call was started.
    fn run(
        &self,
        scope: &Scope,
        (kind, name): (Kind, &str),
        client: impl FnOnce() -> Option<Client>,
        input: impl FnOnce() -> JsonSlice,
        thread: Thread,
        observed: &RequestScope,
    ) -> bool {
        let snapshot = self.0.catalog.snapshot();
        if !snapshot.has(kind) {
            return false;
        }
        let Some(entry) = snapshot.find(kind, name).cloned() else { return false };
        // A hook is no entry that a client uses.
        if kind != Kind::Hook
            && let Err(error) = entry.permit(self.0.caller(scope.principal().as_deref()))
        {
            observed.rejected(&error, 0);
            return true;
        }
        let (input, check) = match entry.prepare_quickly(input()) {
            Ok(input) => (input, None),
            Err(Unready::Costly(input)) => (input, Some(Box::new(Check { params: None }))),
            Err(Unready::Refused(reason)) => {
                observed.refused(ARGUMENTS);
                self.0.log_handler_fault(|| format!("{entry} was not called: {reason}"));
                return false;
            }
        };
        let client = client();
        if client.as_ref().is_some_and(|client| !self.revisions().has(client.revision)) {
            return false;
        }
        let client = client.unwrap_or_else(anonymous_client);
        let context = Arc::new(CallContext {
            meta: input.member("_meta"),
            ..CallContext::of(Some(scope), client, entry)
        });
        let entry = context.entry.clone();
        let stage_data =
            check.map(|check| Box::new(StageData { check: Some(check), ..StageData::default() }));
        let spec = CallSpec::of(scope.peer(), context, input, &null_sink());
        if let Err(error) = self.start(CallSpec { thread, stage_data, observed: observed.clone(), ..spec }) {
            observed.rejected(&error, 0);
            self.0.log_handler_fault(|| format!("{entry} was not called: {}", error.message));
            return false;
        }
        true
    }

    /// Runs the program's hook for the end of a legacy session, once.
    pub(in crate::host) fn session_ends(&self, peer: &Arc<Peer>) {
        if peer.leave() {
            let scope = Scope::Session { peer: peer.clone(), arrival: RequestOrigin::default() };
            self.hook(&scope, SESSION_END);
        }
    }

    /// Adds a session that began elsewhere to the event bus. It is notified of changes from now on.
    pub(crate) fn joins(&self, peer: &Arc<Peer>) {
        if let Some(revision) = peer.revision() {
            drop(peer.replace_scope(SessionScope::begin(
                self.observers(),
                peer.session_id(),
                revision,
                true,
            )));
        }
        self.0.bus.join(peer);
    }

    /// Reports to observers that a session ends in this process.
    pub(crate) fn leaves(&self, peer: &Peer) {
        drop(peer.replace_scope(SessionScope::default()));
    }

    /// Runs the program's hook for the end of every session, because the server is ending. Returns the sessions whose
    /// hook is still running.
    pub(crate) fn end_sessions(&self) -> Vec<Arc<Peer>> {
        if self.0.catalog.snapshot().find(Kind::Hook, SESSION_END).is_none() {
            return Vec::new();
        }
        let mut peers = self.0.bus.everybody();
        peers.iter().for_each(|peer| self.session_ends(peer));
        peers.retain(|peer| peer.in_flight() > 0);
        peers
    }

    /// Sends a notification of the program's own to every legacy session. Returns how many sessions can be reached.
    pub(crate) fn notify(&self, method: &str, params: &JsonSlice) -> usize {
        let body = shape::notification(method, Some(params));
        let tell = |peer: &Arc<Peer>| {
            peer.send(Outgoing::Event { body: body.clone(), droppable: true }) != Delivery::Gone
        };
        self.0.bus.everybody().iter().filter(|peer| tell(peer)).count()
    }
}
