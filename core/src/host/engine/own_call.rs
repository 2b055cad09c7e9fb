//! Requests that the engine answers itself, but later. Each is a call in the call table. So it can be cancelled and can time
//! out like any other call. It is a call of the entry that the request names, or of an entry without a handler.

use super::{Accepted, Engine, Scope};
use crate::dispatch::calls::table::CallId;
use crate::dispatch::registry::entry::Entry;
use crate::dispatch::route::named;
use crate::dispatch::validation::arguments::Policy;
use crate::host::admission::chain::StageSet;
use crate::host::calls::dispatch::{ReadyCall, Thread};
use crate::host::calls::in_flight::{CallUsage, InFlightCall};
use crate::host::calls::op::{CallContext, Outcome};
use crate::host::calls::received::ReceivedRequest;
use crate::host::calls::start::{CallSpec, Own, Role};
use crate::host::delivery::sink::{Outgoing, Sink};
use crate::host::engine_state::Shared;
use crate::host::lanes::local::{Context, LocalFuture, LocalHandler};
use crate::host::lanes::port::HostPort;
use crate::host::{Registered, Target};
use crate::json::JsonSlice;
use crate::proto::catalog::kind::Kind;
use crate::proto::messages::envelope::Client;
use crate::proto::messages::error::RpcError;
use crate::proto::messages::id::RequestId;
use crate::proto::version::Revision;
use bytes::Bytes;
use std::sync::Arc;

/// The handler of these calls. It never runs.
struct UnusedHandler;

impl LocalHandler for UnusedHandler {
    fn call(&self, _: JsonSlice, _: Context) -> LocalFuture {
        Box::pin(async { Outcome::Failed("the engine answers this method itself".into()) })
    }
}

impl Engine {
    /// Registers a request that the engine answers itself later.
    // Not inlined, because it is large and has several callers.
    #[inline(never)]
    pub(in crate::host) fn own_call(
        &self,
        scope: &Scope,
        request: &ReceivedRequest<'_>,
        client: Client,
        own: Own,
        sink: &Arc<dyn Sink>,
    ) -> Result<CallId, RpcError> {
        // Its audit event names the entry.
        let named = own
            .may_become_call()
            .then(|| named(&request.method, &request.params, &self.0.catalog.snapshot()))
            .flatten();
        let (entry, input) = match (named, self.0.own_entry.get()) {
            (Some(named), _) => named,
            (None, Some(entry)) => (entry.clone(), JsonSlice::empty_object()),
            (None, None) => {
                let target = Target::Local(Arc::new(UnusedHandler));
                let made = Registered::new(Entry::new(Kind::Method, "engine"), target, Policy::default())
                    .map_err(|error| RpcError::internal(error.to_string()))?;
                let entry = self.0.own_entry.get_or_init(|| Arc::new(made)).clone();
                (entry, JsonSlice::empty_object())
            }
        };
        let context = Arc::new(CallContext {
            request_id: Some(request.id.clone()),
            ..CallContext::of(Some(scope), client, entry)
        });
        let spec = CallSpec::of(scope.peer(), context, input, sink);
        let observed = request.observed.clone();
        match self.start(CallSpec { role: Role::Own(own), observed, ..spec })? {
            Accepted::Started(call) => Ok(call),
            _ => Err(RpcError::internal("The request was answered already")),
        }
    }

    /// Registers a request that the engine answers itself later, or lets one that waited wait for something else. If it waits
    /// for the same once more, its time continues.
    pub(in crate::host) fn own_call_again(
        &self,
        scope: &Scope,
        request: &ReceivedRequest<'_>,
        client: Client,
        (before, own): (Option<CallId>, Own),
        sink: &Arc<dyn Sink>,
    ) -> Result<CallId, RpcError> {
        let Some(call) = before else { return self.own_call(scope, request, client, own, sink) };
        let role = Role::Own(own);
        let until = role.time(self.0.limits.store_timeout, &self.0.limits);
        let until = until.and_then(|time| self.0.now().checked_add(time));
        self.0.with_deadline(call, |flight, deadline| {
            if flight.role != role {
                (flight.role, *deadline) = (role, until);
            }
        });
        Ok(call)
    }

    /// Lets a request that the engine has not answered yet continue as a call of a handler. The call keeps its id, its
    /// place with its peer and its part of the client's share.
    #[inline(never)]
    pub(in crate::host) fn continue_own(&self, id: CallId, mut spec: CallSpec) -> Result<Accepted, RpcError> {
        let shared = &self.0;
        let now = shared.now();
        let lane = self.take_lane(&spec)?;
        let ahead = StageSet::of(shared, &spec);
        let timeout = spec.role.timeout(&spec.context.entry.policies, &shared.limits);
        spec.observed.set_entry(&spec.context.entry);
        let replaced = shared.with_deadline(id, |flight, deadline| {
            let origin = (flight.peer.take(), flight.session);
            let usage = CallUsage { lane: lane.clone(), part: flight.part.take() };
            let mut next = InFlightCall::new(&mut spec, origin, usage, (now, timeout), ahead);
            (next.began, next.notified_slow) = (flight.began, flight.notified_slow);
            *deadline = now.checked_add(timeout);
            std::mem::replace(flight, next)
        });
        match replaced {
            Some(before) => {
                before.lane.release();
                let CallSpec { context, input, .. } = spec;
                self.port().admit(ReadyCall { id, input, context, thread: Thread::Other }, ahead);
            }
            // The request has ended meanwhile.
            None => lane.release(),
        }
        Ok(Accepted::Started(id))
    }
}

impl HostPort {
    /// Answers a request that the engine answers itself, unless its call has ended.
    pub(in crate::host) fn reply_own(
        &self,
        call: CallId,
        body: impl FnOnce(&Shared, &RequestId, Revision) -> Result<Bytes, RpcError>,
    ) {
        let Some(mut flight) = self.0.calls.remove(call) else { return };
        let context = flight.context.clone();
        let revision = context.client.revision;
        let outgoing = match &context.request_id {
            None => Outgoing::Dropped,
            Some(id) => match body(&self.0, id, revision) {
                Ok(body) => Outgoing::Response { body, error: None },
                Err(error) => self.0.error(Some(id), Some(revision), &error),
            },
        };
        self.0.finish(call, &mut flight, outgoing, None);
    }
}
