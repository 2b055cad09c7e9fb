//! A channel to an engine that is served: messages in, messages out.

use crate::error::{Error, ErrorKind};
use crate::host::{CancelReason, Delivery, Engine, Outgoing, Peer, Sink, Wake};
use crate::locks::Mutex;
use crate::server::Server;
use bytes::Bytes;
use std::collections::VecDeque;
use std::sync::{Arc, Weak};

/// A client's channel to a server of the same process: what is sent is taken up at once, by the calling thread, as if it
/// had come over a transport; what the server says waits until it is [received](Exchange::receive).
///
/// The server is being served, on whatever it is ([`ServeOptions::in_process`](crate::ServeOptions::in_process) if on
/// nothing else). Any thread may use it. [Closed](Exchange::close) or dropped, the client is gone.
pub struct Exchange {
    engine: Engine,
    peer: Arc<Peer>,
    queue: Arc<Queue>,
}

/// What the server has said.
struct Queue {
    state: Mutex<State>,
    /// Bytes that may wait before what can be left out is.
    most: usize,
}

#[derive(Default)]
struct State {
    messages: VecDeque<Bytes>,
    bytes: usize,
    ended: bool,
    wake: Option<Arc<dyn Wake>>,
}

impl Exchange {
    /// A channel of a client of its own. `principal` is who it is, as a transport would have found out.
    ///
    /// Fails where the server is not being served.
    pub fn open(server: &Server, principal: Option<Arc<str>>) -> Result<Exchange, Error> {
        let engine = server.engine().clone();
        let queue = Arc::new(Queue { state: Mutex::default(), most: engine.limits().max_outbound_bytes });
        let told: Weak<Queue> = Arc::downgrade(&queue);
        let peer = Peer::of(None, principal);
        peer.set_sink(queue.clone());
        if !engine.attach(told, &peer) {
            return Err(Error::new(ErrorKind::State, "the server is not being served"));
        }
        Ok(Exchange { engine, peer, queue })
    }

    /// Hands a message to the server. Handlers that run inline, and those in Rust that begin so, run before this returns.
    pub fn send(&self, message: impl Into<Bytes>) {
        let sink: Arc<dyn Sink> = self.queue.clone();
        self.engine.receive(&self.peer, &sink, message.into());
    }

    /// The next message of the server's, if one is there.
    pub fn receive(&self) -> Option<Bytes> {
        let mut state = self.queue.state.lock();
        let message = state.messages.pop_front()?;
        state.bytes -= message.len();
        Some(message)
    }

    /// Whether the server is no longer served: what is there may still be received, and nothing follows.
    pub fn has_ended(&self) -> bool {
        self.queue.state.lock().ended
    }

    /// Calls of this client that are in flight.
    pub fn in_flight(&self) -> usize {
        self.peer.in_flight()
    }

    /// Questions of the server's that this client has not answered.
    pub fn questions(&self) -> usize {
        self.peer.questions()
    }

    /// Has `wake` called whenever there is a message, when the last call in flight has ended, and at the end of the server; at once if there is one now. It must not
    /// block, and comes from any thread.
    pub fn on_message(&self, wake: Arc<dyn Wake>) {
        self.peer.on_idle(wake.clone());
        let now = {
            let mut state = self.queue.state.lock();
            state.wake = Some(wake.clone());
            !state.messages.is_empty() || state.ended
        };
        if now {
            wake.wake();
        }
    }
}

impl Exchange {
    /// The client is gone: what it waits for is cancelled. A second time does nothing.
    pub fn close(&self) {
        self.engine.close_peer(&self.peer, CancelReason::Disconnected);
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        self.close();
        let wake = self.queue.state.lock().wake.take();
        drop(wake);
    }
}

impl Queue {
    fn told(&self, change: impl FnOnce(&mut State)) {
        let wake = {
            let mut state = self.state.lock();
            change(&mut state);
            state.wake.clone()
        };
        if let Some(wake) = wake {
            wake.wake();
        }
    }
}

impl Sink for Queue {
    fn send(&self, message: Outgoing) -> Delivery {
        let (body, droppable) = match message {
            Outgoing::Event { body, droppable } => (body, droppable),
            Outgoing::Question { body, .. } | Outgoing::Response { body, .. } => (body, false),
            Outgoing::Dropped => return Delivery::Gone,
        };
        if droppable && self.state.lock().bytes + body.len() > self.most {
            return Delivery::Skipped;
        }
        self.told(|state| {
            state.bytes += body.len();
            state.messages.push_back(body);
        });
        Delivery::Queued
    }
}

/// The server has ended.
impl Wake for Queue {
    fn wake(&self) {
        self.told(|state| state.ended = true);
    }
}
