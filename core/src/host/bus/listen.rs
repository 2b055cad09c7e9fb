//! `subscriptions/listen`: the streams on which clients of 2026-07-28 receive changes (SU-1 to SU-16).

use super::stream::Stream;
use super::table::{Added, Bounds, Full};
use super::{Bus, Subscriber};
use crate::dispatch::observer::{RequestEnd, StreamKind, StreamScope};
use crate::dispatch::shares;
use crate::host::calls::dispatch::Thread;
use crate::host::calls::received::ReceivedRequest;
use crate::host::calls::request_origin::RequestOrigin;
use crate::host::calls::start::in_flight;
use crate::host::delivery::sink::{Delivery, Outgoing, Sink};
use crate::host::engine::{Engine, Scope};
use crate::host::session::notifications::{SUBSCRIBE, UNSUBSCRIBE};
use crate::host::session::peer::Untracked;
use crate::proto::messages::envelope::Client;
use crate::proto::messages::error::{RpcError, stage};
use crate::proto::session::capability::Capability;
use crate::proto::session::subscription::{Filter, Topic};
use crate::proto::session::task;
use crate::proto::version::Revision;
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// Identifies an open listen stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ListenId(pub(super) u64);

/// The reason why the server ends a stream, as the client reads it on a channel.
const CLOSING: &str = "the server is shutting down";
const EXPIRED: &str = "the credentials have expired";
const OVERFLOW: &str = "the client does not read fast enough";

/// How a stream ends.
#[derive(Clone, Copy)]
pub enum StreamEnd {
    /// The client ended the stream.
    Cancelled,
    /// The client has disconnected.
    Disconnected,
    /// The server is closing.
    Closing,
    /// The client does not read.
    Overflow,
    /// The credential of the client has ended.
    Expired,
}

impl Bus {
    fn bounds(&self, engine: &Engine) -> Bounds {
        let limits = engine.limits();
        Bounds { names: limits.max_subscriptions, bytes: limits.max_subscription_bytes }
    }
}

impl Engine {
    pub(in crate::host) fn listen(
        &self,
        scope: &Scope,
        request: &ReceivedRequest<'_>,
        client: &Client,
        sink: &Arc<dyn Sink>,
    ) -> Result<ListenId, RpcError> {
        let (shared, limits) = (&self.0, self.limits());
        let filter = Filter::read(&request.params)?;
        let (names, bytes) = filter.size();
        if names > limits.max_subscriptions || bytes > limits.max_subscription_bytes {
            return Err(RpcError::invalid_params(format!(
                "Invalid params: notifications has {names} resources and tasks with {bytes} bytes; max_subscriptions \
                 is {}, max_subscription_bytes {}",
                limits.max_subscriptions, limits.max_subscription_bytes
            )));
        }
        let names_tasks = filter.tasks.is_some() && shared.abilities().0.has(Capability::Tasks);
        let watch = shared.bus.task_watch().filter(|_| names_tasks).cloned();
        if watch.is_some() && !task::is_declared_by(client) {
            return Err(task::undeclared("notifications.taskIds"));
        }
        if shared.closing.load(Ordering::Acquire) {
            return Err(shared.shutting_down());
        }
        let RequestOrigin { principal, share, .. } = scope.arrival();
        // Over HTTP, the stream's own response is counted instead.
        let share = share.filter(|_| matches!(scope, Scope::Channel(_)));
        let part = shares::part(share.as_ref(), shares::Kind::Streams)?;
        let (id, peer) = (request.id.detached(), scope.peer().cloned());
        let stream = Arc::new(Stream::new(id.clone(), peer.clone(), sink.clone(), request.observed.clone()));
        let key = {
            let mut table = shared.bus.table.lock();
            let key = table.key();
            let most = (limits.max_listens, limits.max_principal_listens);
            let entered =
                table.enter(key, Subscriber::Stream(stream.clone()), (principal.clone(), part), most);
            entered.map(|()| key).map_err(|full| match full {
                Full::Streams => shared.busy("listen streams are open", "max_listens", limits.max_listens),
                Full::Principal => shared.busy(
                    "listen streams of this client are open",
                    "max_principal_listens",
                    limits.max_principal_listens,
                ),
            })?
        };
        if let Some(peer) = &peer
            && let Err(untracked) = peer.add_listen(&id, key, limits.max_peer_listens)
        {
            shared.bus.table.lock().remove(key);
            return Err(match untracked {
                Untracked::InFlight => in_flight(),
                Untracked::Closed => RpcError::invalid_request("Invalid request: the connection is closing")
                    .refused_by(stage::LIFECYCLE, "closing"),
                _ => shared.busy(
                    "listen streams of this client are open",
                    "max_peer_listens",
                    limits.max_peer_listens,
                ),
            });
        }
        let engine = self.clone();
        let expired = move || engine.end_stream(key, StreamEnd::Expired);
        stream.keep_expiry(self.until_expiry(principal.as_ref(), expired));
        request.observed.started();
        drop(stream.replace_scope(StreamScope::open(self.observers(), StreamKind::Listen)));
        let supported = Filter { lists: filter.lists.among(shared.abilities().0), ..filter };
        let (engine, owner) = (self.clone(), principal.clone());
        let opens = move |filter: Filter, thread: Thread| match (watch, &filter.tasks) {
            (Some(watch), Some(tasks)) => {
                let tasks = tasks.clone();
                // The watch may end on any thread.
                let done = move |tasks| {
                    engine.open(key, &stream, Filter { tasks: Some(tasks), ..filter }, Thread::Other);
                };
                watch.watch(tasks, owner.as_ref(), Box::new(done));
            }
            _ => engine.open(key, &stream, Filter { tasks: None, ..filter }, thread),
        };
        // Clients are not notified of what they may not read, or of what the server does not support (SU-4).
        let waits = Arc::downgrade(shared);
        let is_wanted =
            move || waits.upgrade().is_some_and(|shared| shared.bus.table.lock().has_subscriber(key));
        self.readable(supported, principal, is_wanted, opens);
        Ok(ListenId(key))
    }

    /// Acknowledges a stream, and subscribes it to its topics from then on.
    fn open(&self, key: u64, stream: &Arc<Stream>, filter: Filter, thread: Thread) {
        let bus = &self.0.bus;
        let mut first = Vec::new();
        {
            let bounds = bus.bounds(self);
            let mut table = bus.table.lock();
            for topic in filter.topics() {
                if table.add(key, topic.clone(), bounds) == Added::First {
                    first.push(topic);
                }
            }
        }
        let body = filter.acknowledgement(&stream.id);
        // Messages that are published between `add` and `open` are sent after the acknowledgement.
        let delivery = stream.open(Outgoing::Event { body, droppable: false });
        self.told(key, delivery);
        self.hook_each(SUBSCRIBE, &first, thread);
        // Checked after the stream is in the table: either the thread that closes the server finds it, or this check
        // sees the close.
        if self.0.closing.load(Ordering::Acquire) {
            self.end_stream(key, StreamEnd::Closing);
        }
    }

    /// Ends a stream that could not take a notification: a slow client is better served by a new stream (SU-15).
    pub(super) fn told(&self, key: u64, delivery: Delivery) {
        match delivery {
            Delivery::Queued => {}
            Delivery::Skipped => self.end_stream(key, StreamEnd::Overflow),
            Delivery::Gone => self.end_stream(key, StreamEnd::Disconnected),
        }
    }

    /// Ends a listen stream whose client has disconnected.
    pub(crate) fn unlisten(&self, listen: ListenId) {
        self.end_stream(listen.0, StreamEnd::Disconnected);
    }

    /// Ends a listen stream with its response, because its server is closing.
    pub(crate) fn end_listen(&self, listen: ListenId) {
        self.end_stream(listen.0, StreamEnd::Closing);
    }

    /// Ends, with their responses, the listen streams that have their own HTTP response: the server is closing.
    pub(crate) fn end_listens(&self) {
        let keys = self.0.bus.table.lock().streams(|stream| stream.peer.is_none());
        for key in keys {
            self.end_stream(key, StreamEnd::Closing);
        }
    }

    pub(in crate::host) fn end_stream(&self, key: u64, end: StreamEnd) {
        let removed = self.0.bus.table.lock().remove(key);
        let Some((Subscriber::Stream(stream), last)) = removed else { return };
        if let Some(peer) = &stream.peer {
            peer.forget_listen(&stream.id, key);
        }
        let (how, reason) = match end {
            StreamEnd::Cancelled => (RequestEnd::Cancelled, None),
            StreamEnd::Disconnected => (RequestEnd::Disconnected, None),
            StreamEnd::Closing => (RequestEnd::Closing, Some(CLOSING)),
            StreamEnd::Expired => (RequestEnd::Closing, Some(EXPIRED)),
            StreamEnd::Overflow => (RequestEnd::Error, Some(OVERFLOW)),
        };
        match reason {
            Some(reason) => {
                let body = self.0.shaper.listened(&stream.id, Revision::V2026_07_28);
                stream.observed.finished(how, body.len());
                stream.finish(Outgoing::Response { body, error: None }, reason);
            }
            None => {
                stream.observed.finished(how, 0);
                stream.abandon();
            }
        }
        drop(stream.replace_scope(StreamScope::default()));
        self.hook_each(UNSUBSCRIBE, &last, Thread::Other);
    }

    /// Runs the program's hook for each resource that got its first subscriber or lost its last one.
    pub(super) fn hook_each(&self, name: &str, topics: &[Topic], thread: Thread) {
        for topic in topics {
            if let Topic::Resource(uri) = topic {
                self.hook_resource(name, uri, thread);
            }
        }
    }
}
