//! A call in flight: the entry of a call in the call table.

use crate::dispatch::calls::ask::AskId;
use crate::dispatch::calls::ask_replay::Asks;
use crate::dispatch::calls::table::CallId;
use crate::dispatch::observer::RequestScope;
use crate::dispatch::shares::Part as ClientPart;
use crate::host::Registered;
use crate::host::admission::chain::StageSet;
use crate::host::admission::passage::Passage;
use crate::host::audit::AuditTrail;
use crate::host::builtin::listing::Part;
use crate::host::calls::dispatch::{ReadyCall, Thread};
use crate::host::calls::op::CallContext;
use crate::host::calls::start::{CallSpec, Role};
use crate::host::delivery::outbox::Outbox;
use crate::host::delivery::sink::{Outgoing, Sink};
use crate::host::lanes::lane::LaneQueue;
use crate::host::lanes::local::{LocalState, Waiter};
use crate::host::middleware::Following;
use crate::host::session::peer::Peer;
use crate::host::tasks::Live;
use crate::json::JsonSlice;
use crate::proto::messages::id::RequestId;
use crate::proto::version::Revision;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// A call in flight.
pub(in crate::host) struct InFlightCall {
    pub(in crate::host) context: Arc<CallContext>,
    pub(in crate::host) input: JsonSlice,
    pub(in crate::host) sink: Arc<dyn Sink>,
    pub(in crate::host) peer: Option<Arc<Peer>>,
    /// The number of the request's session; the peer counts its sessions.
    pub(in crate::host) session: u64,
    /// Holds the call's credit.
    pub(in crate::host) lane: Arc<LaneQueue>,
    /// The part of the client's share that the call uses.
    pub(in crate::host) part: Option<ClientPart>,
    pub(in crate::host) timeout: Duration,
    pub(in crate::host) began: Instant,
    /// Whether the sink has been notified that the call is slow.
    pub(in crate::host) notified_slow: bool,
    pub(in crate::host) asks: Asks,
    /// The request carried answers, or the state of an earlier round.
    pub(in crate::host) retried: bool,
    /// The list that the response is a part of.
    pub(in crate::host) listing: Option<Box<Part>>,
    /// The task that the call is.
    pub(in crate::host) task: Option<Arc<Live>>,
    /// Whether the call becomes a task when its handler starts the task.
    pub(in crate::host) may_be_task: bool,
    pub(in crate::host) role: Role,
    /// The inner call that this call's middleware waits for.
    pub(in crate::host) following: Option<Box<Following>>,
    pub(in crate::host) passage: Passage,
    pub(in crate::host) handler: HandlerRun,
    pub(in crate::host) sent: SentMessages,
    /// The request for observers.
    pub(in crate::host) observed: RequestScope,
    /// What the call's audit event needs, if it has one.
    pub(in crate::host) audit: Option<Box<AuditTrail>>,
}

/// The run of a call's handler, as far as the engine sees it.
#[derive(Default)]
pub(in crate::host) struct HandlerRun {
    /// The host has seen the call, so it must be notified of its end.
    pub(in crate::host) delivered: bool,
    /// The handler returned and will be run again once its questions are answered.
    pub(in crate::host) parked: bool,
    pub(in crate::host) local: Option<Arc<LocalState>>,
    /// Answers that a local handler awaits.
    pub(in crate::host) waiters: Vec<(AskId, Waiter)>,
    /// Callbacks to run if the call ends before its handler completes it.
    pub(in crate::host) on_cancel: Vec<OnCancel>,
}

/// What was sent for a call before its response.
#[derive(Default)]
pub(in crate::host) struct SentMessages {
    /// Created when the call sends something before its response. From then on, everything is sent through it.
    pub(in crate::host) outbox: Option<Arc<Outbox>>,
    pub(in crate::host) last_progress: Option<f64>,
    /// The time of the last message that the client may lose if it reads the message together with the response.
    pub(in crate::host) progress_at: Option<Instant>,
}

/// A callback to run if a call ends before its handler completes it.
pub(in crate::host) type OnCancel = Box<dyn FnOnce() + Send>;

/// What a call uses while it is in flight.
pub(in crate::host) struct CallUsage {
    /// The lane that gave the call a credit.
    pub(in crate::host) lane: Arc<LaneQueue>,
    pub(in crate::host) part: Option<ClientPart>,
}

impl InFlightCall {
    /// A new call, with its peer and the number of its session, and with the time at which it began and its timeout. It
    /// takes from `spec` what is not needed to pass the call on.
    // It has two callers, and a function of its own would copy the call, which is large.
    #[inline(always)]
    pub(in crate::host) fn new(
        spec: &mut CallSpec,
        (peer, session): (Option<Arc<Peer>>, u64),
        usage: CallUsage,
        (began, timeout): (Instant, Duration),
        ahead: StageSet,
    ) -> InFlightCall {
        InFlightCall {
            context: spec.context.clone(),
            input: spec.input.clone(),
            sink: spec.sink.clone(),
            peer,
            session,
            lane: usage.lane,
            part: usage.part,
            timeout,
            began,
            notified_slow: false,
            asks: std::mem::take(&mut spec.asks),
            retried: spec.retried,
            listing: spec.listing.take(),
            task: None,
            may_be_task: spec.may_be_task,
            role: spec.role,
            following: None,
            passage: Passage::new(ahead, spec.stage_data.take()),
            handler: HandlerRun::default(),
            sent: SentMessages::default(),
            observed: spec.observed.clone(),
            audit: AuditTrail::of(&spec.context, spec.role),
        }
    }

    /// The call on its way to its target, which this thread passes on.
    pub(in crate::host) fn ready(&self, id: CallId, thread: Thread) -> ReadyCall {
        ReadyCall { id, input: self.input.clone(), context: self.context.clone(), thread }
    }

    /// Queues a message. [`HostPort::flush`](crate::host::HostPort) sends it after the table's lock is released.
    pub(in crate::host) fn queue(&mut self, message: Outgoing) -> Arc<Outbox> {
        let new = || Arc::new(Outbox::new(self.sink.clone(), self.peer.clone(), self.session));
        let outbox = self.sent.outbox.get_or_insert_with(new);
        outbox.queue(message);
        outbox.clone()
    }

    pub(in crate::host) fn revision(&self) -> Revision {
        self.context.client.revision
    }

    pub(in crate::host) fn id(&self) -> Option<&RequestId> {
        self.context.request_id.as_ref()
    }

    pub(in crate::host) fn entry(&self) -> &Registered {
        &self.context.entry
    }

    /// The outer call, if this call runs within one.
    pub(in crate::host) fn outer(&self) -> Option<CallId> {
        self.role.outer()
    }
}
