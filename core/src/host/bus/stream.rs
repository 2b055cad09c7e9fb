//! One listen stream: its queue of outgoing messages, which keeps them in order.

use crate::dispatch::observer::{RequestScope, StreamScope};
use crate::host::delivery::sink::{Delivery, Outgoing, Sink};
use crate::host::principal::ExpiryGuard;
use crate::host::session::peer::Peer;
use crate::json::JsonSlice;
use crate::locks::Mutex;
use crate::proto::messages::id::RequestId;
use crate::proto::session::subscription;
use crate::proto::session::subscription::Topic;
use std::collections::VecDeque;
use std::sync::Arc;

/// An open listen stream. It is neither a call nor a thread: it is a row in the table, with the sink for its
/// messages.
pub(super) struct Stream {
    /// The id of the request that began the stream, as a copy with its own memory.
    pub(super) id: RequestId,
    /// The client of the channel, if the stream shares a channel with the client's other messages.
    pub(super) peer: Option<Arc<Peer>>,
    sink: Arc<dyn Sink>,
    /// The request for observers.
    pub(super) observed: RequestScope,
    line: Mutex<Line>,
    /// The stream for observers.
    scope: Mutex<StreamScope>,
    /// Ends the stream with the credential of its principal.
    expiry: Mutex<Option<ExpiryGuard>>,
}

/// Messages that wait to be sent. One thread sends at a time, without the lock. It also sends what other threads add
/// meanwhile.
#[derive(Default)]
struct Line {
    waiting: VecDeque<Outgoing>,
    sending: bool,
    over: bool,
}

impl Stream {
    /// A stream on which nothing is sent before [`Stream::open`].
    pub(super) fn new(
        id: RequestId,
        peer: Option<Arc<Peer>>,
        sink: Arc<dyn Sink>,
        observed: RequestScope,
    ) -> Stream {
        let line = Line { sending: true, ..Line::default() };
        Stream {
            id,
            peer,
            sink,
            observed,
            line: Mutex::new(line),
            scope: Mutex::default(),
            expiry: Mutex::default(),
        }
    }

    /// Replaces the stream that observers know of. Dropping the result reports the end.
    pub(super) fn replace_scope(&self, scope: StreamScope) -> StreamScope {
        std::mem::replace(&mut *self.scope.lock(), scope)
    }

    /// Keeps what ends the stream with a credential, as long as the stream.
    pub(super) fn keep_expiry(&self, guard: Option<ExpiryGuard>) {
        *self.expiry.lock() = guard;
    }

    /// Puts the acknowledgement before all messages that are already queued, and sends it (SU-2).
    pub(super) fn open(&self, acknowledgement: Outgoing) -> Delivery {
        {
            let mut line = self.line.lock();
            if line.over {
                return Delivery::Gone;
            }
            line.waiting.push_front(acknowledgement);
        }
        self.flush()
    }

    /// Sends the notification of a change. If the result is not [`Delivery::Queued`], the stream must end.
    pub(super) fn tell(&self, topic: &Topic, detail: Option<&JsonSlice>) -> Delivery {
        let body = topic.notification(detail, Some(&self.id));
        self.say([Outgoing::Event { body, droppable: true }], false)
    }

    /// Ends the stream with the response to its request. On a channel, a cancellation is sent too (AMB-1).
    pub(super) fn finish(&self, answer: Outgoing, reason: &str) {
        let cancelled = self
            .peer
            .is_some()
            .then(|| Outgoing::Event { body: subscription::cancelled(&self.id, reason), droppable: false });
        self.say([answer].into_iter().chain(cancelled), true);
    }

    /// Ends the stream without a message, because its client ended it.
    pub(super) fn abandon(&self) {
        let mut line = self.line.lock();
        line.over = true;
        line.waiting.clear();
    }

    fn say(&self, messages: impl IntoIterator<Item = Outgoing>, last: bool) -> Delivery {
        {
            let mut line = self.line.lock();
            if line.over {
                return Delivery::Gone;
            }
            line.over = last;
            line.waiting.extend(messages);
            if line.sending {
                return Delivery::Queued;
            }
            line.sending = true;
        }
        self.flush()
    }

    fn flush(&self) -> Delivery {
        let mut worst = Delivery::Queued;
        loop {
            let message = {
                let mut line = self.line.lock();
                let message = line.waiting.pop_front();
                line.sending = message.is_some();
                message
            };
            let Some(message) = message else { return worst };
            let delivery = self.sink.send(message);
            if delivery != Delivery::Queued {
                worst = delivery;
            }
        }
    }
}
