//! The outgoing messages of one call. They stay in order, and no lock is held while they are sent.

use crate::host::delivery::sink::{Delivery, Outgoing, Sink, Unread};
use crate::host::session::peer::Peer;
use crate::panics::{Panicked, caught};
use crate::sync::Mutex;
use bytes::Bytes;
use std::collections::VecDeque;
use std::sync::Arc;

/// The messages of one call before its response, and then the response itself.
///
/// [`Outbox::queue`] adds a message, under the lock that decides the order. [`Outbox::flush`] sends it without that
/// lock. One thread sends at a time, and also sends what other threads queue meanwhile. So a sink may call the engine
/// back.
pub(in crate::host) struct Outbox {
    sink: Arc<dyn Sink>,
    pub(in crate::host) peer: Option<Arc<Peer>>,
    /// The number of the request's session; the peer counts its sessions.
    pub(in crate::host) session: u64,
    state: Mutex<State>,
}

struct State {
    waiting: VecDeque<Outgoing>,
    sending: bool,
}

/// An event that the sending thread must handle.
pub(in crate::host) enum Sent {
    /// The call's last message has been sent.
    End,
    /// This sink cannot deliver the question.
    UndeliveredRequest(u64, Bytes),
    /// A waker panicked during a message. The message counts as sent.
    Panicked(Panicked),
}

impl Outbox {
    pub(in crate::host) fn new(sink: Arc<dyn Sink>, peer: Option<Arc<Peer>>, session: u64) -> Outbox {
        Outbox { sink, peer, session, state: Mutex::new(State { waiting: VecDeque::new(), sending: false }) }
    }

    /// How much of these messages the peer has not read yet.
    pub(in crate::host) fn unread(&self) -> Unread {
        self.sink.unread()
    }

    /// Queues a message.
    pub(in crate::host) fn queue(&self, message: Outgoing) {
        self.state.lock().waiting.push_back(message);
    }

    /// Sends the queued messages. If another thread is sending, that thread sends these too.
    pub(in crate::host) fn flush(&self, mut see_to: impl FnMut(Sent)) {
        let mut sending = false;
        loop {
            let message = {
                let mut state = self.state.lock();
                if state.sending && !sending {
                    return;
                }
                let message = state.waiting.pop_front();
                sending = message.is_some();
                state.sending = sending;
                message
            };
            let Some(message) = message else { return };
            let ends = matches!(message, Outgoing::Response { .. } | Outgoing::Dropped);
            match caught(|| self.send(message)) {
                Ok(Some(sent)) => see_to(sent),
                Ok(None) => {}
                Err(panicked) => see_to(Sent::Panicked(panicked)),
            }
            if ends {
                see_to(Sent::End);
            }
        }
    }

    fn send(&self, message: Outgoing) -> Option<Sent> {
        match message {
            Outgoing::Question { body, id } => {
                let delivery = self.sink.send(Outgoing::Question { body: body.clone(), id });
                (delivery == Delivery::Gone).then_some(Sent::UndeliveredRequest(id, body))
            }
            end @ (Outgoing::Response { .. } | Outgoing::Dropped) => {
                self.sink.send(end);
                None
            }
            event @ Outgoing::Event { .. } => {
                self.sink.send(event);
                None
            }
        }
    }
}
