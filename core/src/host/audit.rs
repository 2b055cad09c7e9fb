//! The audit events of calls of entries with the policy `audit`.
//!
//! A call has one event, however it ends. If it is refused before it starts, the engine looks up its entry again, so that
//! other calls do not pay for events.

use crate::dispatch::audit::{AuditedCall, REFUSED};
use crate::dispatch::observer::{NamedEntry, RequestEnd, observe};
use crate::dispatch::route::named;
use crate::host::Registered;
use crate::host::calls::in_flight::InFlightCall;
use crate::host::calls::op::CallContext;
use crate::host::calls::received::ReceivedRequest;
use crate::host::calls::start::Role;
use crate::host::engine::{Engine, Scope};
use crate::host::engine_state::Shared;
use crate::proto::catalog::kind::Kind;
use crate::proto::messages::error::{Refuser, RpcError};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// What the audit event of a call in flight needs besides the call.
#[derive(Default)]
pub(in crate::host) struct AuditTrail {
    /// The handler has failed, so that its result counts as a failure.
    failed: AtomicBool,
    refuser: Option<Refuser>,
}

/// The arguments that events about this entry record; `None` if there are no events.
#[inline]
fn audited(entry: &Registered) -> Option<&[String]> {
    // The list of a provider is not a call of the resources that it lists.
    entry.audited().filter(|_| entry.kind != Kind::ResourceProvider)
}

impl AuditTrail {
    /// The trail of a new call. `None` if it has no event: a call within middleware belongs to its outer call.
    #[inline]
    pub(in crate::host) fn of(context: &CallContext, role: Role) -> Option<Box<AuditTrail>> {
        let is_call = match role {
            Role::Own(own) => own.may_become_call(),
            role => matches!(role, Role::Message),
        };
        audited(&context.entry).filter(|_| is_call).map(|_| Box::default())
    }
}

impl InFlightCall {
    /// Records that the handler has failed.
    pub(in crate::host) fn fails(&self) {
        self.observed.fails();
        if let Some(trail) = &self.audit {
            trail.failed.store(true, Ordering::Relaxed);
        }
    }

    /// Records that the call ends with an error of the engine, with a response of `output` bytes.
    pub(in crate::host) fn rejected(&mut self, error: &RpcError, output: usize) {
        self.observed.rejected(error, output);
        if let Some(refuser) = error.refuser() {
            self.refused(refuser);
        }
    }

    /// Records that a stage refuses the call with an error.
    pub(in crate::host) fn refused_at(&mut self, stage: &'static str, error: &RpcError) {
        self.observed.refused_at(stage, error);
        let by = error.refuser().map_or("error", |refuser| refuser.by);
        self.refused(Refuser { stage, by });
    }

    /// Records for the audit event what refuses the call, unless that is known.
    pub(in crate::host) fn refused(&mut self, refuser: Refuser) {
        if let Some(trail) = &mut self.audit {
            trail.refuser.get_or_insert(refuser);
        }
    }
}

impl Shared {
    /// Reports the end of a call with a trail.
    #[cold]
    pub(in crate::host) fn audit_ended(&self, flight: &InFlightCall, trail: &AuditTrail, how: RequestEnd) {
        let outcome = match how {
            RequestEnd::Ok if trail.failed.load(Ordering::Relaxed) => RequestEnd::Failed,
            how => how,
        };
        let outcome = if trail.refuser.is_some() { REFUSED } else { outcome.as_str() };
        self.guard("the audit event of a call", || {
            let duration = self.now().saturating_duration_since(flight.began);
            self.audit(&AuditedCall {
                principal: flight.context.arrival.principal(),
                entry: flight.context.entry.entry_name(),
                arguments: &flight.input,
                names: audited(&flight.context.entry).unwrap_or_default(),
                outcome,
                refuser: trail.refuser,
                duration,
            });
        });
    }

    fn audit(&self, call: &AuditedCall<'_>) {
        let record = call.record(&self.audit_key, &*self.environment);
        let (entry, outcome, duration) = (call.entry, call.outcome, call.duration);
        observe!(&self.observers => CallAudited { entry, outcome, duration, record: &record });
        if let Some(this) = self.this.upgrade() {
            Engine(this).hook_audit(record);
        }
    }
}

impl Engine {
    /// Reports a request that was refused before it became a call, if it names an audited entry.
    #[inline]
    pub(in crate::host) fn audit_refused(
        &self,
        scope: &Scope,
        request: &ReceivedRequest<'_>,
        refuser: Option<Refuser>,
    ) {
        if self.0.catalog.audits() {
            self.0.guard("the audit event of a refused request", || {
                self.audit_if_named(scope, request, refuser);
            });
        }
    }

    #[cold]
    fn audit_if_named(&self, scope: &Scope, request: &ReceivedRequest<'_>, refuser: Option<Refuser>) {
        let snapshot = self.0.catalog.snapshot();
        let Some((entry, input)) = named(&request.method, &request.params, &snapshot) else { return };
        let Some(names) = audited(&entry) else { return };
        self.0.audit(&AuditedCall {
            principal: scope.principal().as_deref(),
            entry: entry.entry_name(),
            arguments: &input,
            names,
            outcome: REFUSED,
            refuser,
            duration: Duration::ZERO,
        });
    }
}
