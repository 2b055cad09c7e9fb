//! A channel to an engine that is served: it sends and receives messages.

use crate::dispatch::observer::{ConnectionScope, Transport, observe};
use crate::dispatch::principal::Principal;
use crate::error::{Error, ErrorKind};
use crate::host::{CancelReason, Delivery, Engine, Outgoing, Parker, Peer, Resolution, Sink, Wake};
use crate::locks::Mutex;
use crate::server::Server;
use bytes::Bytes;
use std::collections::VecDeque;
use std::sync::{Arc, Weak};

/// A client's channel to a server in the same process. The calling thread handles a message that is sent at once, as
/// if a transport had received it. Messages of the server wait until they are [received](Exchange::receive).
///
/// The server must be served; [`ServeOptions::in_process`](crate::ServeOptions::in_process) serves it without a
/// listener. Any thread may use the channel. [`close`](Exchange::close) or a drop disconnects the client.
pub struct Exchange {
    engine: Engine,
    peer: Arc<Peer>,
    queue: Arc<Queue>,
    /// The connection for observers, until it is closed.
    scope: Mutex<ConnectionScope>,
}

/// The messages of the server that wait to be received.
struct Queue {
    state: Mutex<State>,
    /// How many bytes may wait before droppable messages are dropped.
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
    /// Opens a channel for a new client. `principal` is the client's principal, as if a transport had found it.
    ///
    /// # Errors
    /// [`ErrorKind::State`] if the server is not served, or if a [resolver](crate::PrincipalResolver) refuses the client.
    pub fn open(server: &Server, principal: Option<Arc<str>>) -> Result<Exchange, Error> {
        Exchange::open_for(server, principal.map(Principal::from))
    }

    /// Like [`open`](Exchange::open), for a principal of any issuer. If the server has a resolver that takes time, this
    /// blocks until the resolver has ended.
    pub fn open_for(server: &Server, principal: Option<Principal>) -> Result<Exchange, Error> {
        let engine = server.engine().clone();
        let queue = Arc::new(Queue { state: Mutex::default(), most: engine.limits().max_outbound_bytes });
        let told: Weak<Queue> = Arc::downgrade(&queue);
        let peer = Peer::new(None);
        peer.set_sink(queue.clone());
        if !engine.attach(told, &peer) {
            return Err(Error::new(ErrorKind::State, "the server is not being served"));
        }
        let scope = ConnectionScope::open(engine.observers(), Transport::InProcess, || None);
        let exchange = Exchange { engine, peer, queue, scope: Mutex::new(scope) };
        exchange.resolve(Resolution::Ready(Ok(principal)))?;
        Ok(exchange)
    }

    /// Finds the principal of the client.
    fn resolve(&self, attached: Resolution) -> Result<(), Error> {
        let parker = Arc::new(Parker::new());
        // The end of the server wakes the parker.
        self.queue.state.lock().wake = Some(parker.clone());
        let found = self.engine.wait_for_principal(attached, &parker, || self.has_ended());
        self.queue.state.lock().wake = None;
        let refused = |why| Error::new(ErrorKind::State, format!("the client was refused: {why}"));
        match found {
            Some(Ok(principal)) => self.engine.identify(&self.peer, principal),
            Some(Err(refusal)) => return Err(refused(refusal.to_string())),
            None => return Err(refused("the server is no longer served".to_owned())),
        }
        Ok(())
    }

    /// Sends a message to the server. Inline handlers run before this returns, and so do Rust handlers with
    /// [`inline`](crate::Entry::inline) until their first await.
    pub fn send(&self, message: impl Into<Bytes>) {
        let (sink, message): (Arc<dyn Sink>, Bytes) = (self.queue.clone(), message.into());
        observe!(self.engine.observers() => BytesReceived {
            transport: Transport::InProcess,
            bytes: message.len(),
        });
        self.engine.receive(&self.peer, &sink, message);
    }

    /// The next message of the server, if there is one.
    pub fn receive(&self) -> Option<Bytes> {
        let message = {
            let mut state = self.queue.state.lock();
            let message = state.messages.pop_front()?;
            state.bytes -= message.len();
            message
        };
        observe!(self.engine.observers() => BytesSent { transport: Transport::InProcess, bytes: message.len() });
        Some(message)
    }

    /// Whether the server is no longer served. Messages that have arrived can still be received; no more follow.
    pub fn has_ended(&self) -> bool {
        self.queue.state.lock().ended
    }

    /// The number of this client's calls in flight.
    pub fn in_flight(&self) -> usize {
        self.peer.in_flight()
    }

    /// The number of the server's questions that this client has not answered.
    pub fn questions(&self) -> usize {
        self.peer.questions()
    }

    /// Sets `wake` to be called when a message arrives, when the last call in flight ends, and when the server ends.
    /// If there is a message, or the server has ended, it is called at once. It is called from any thread and must not
    /// block.
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
    /// Disconnects the client, and cancels its calls. Calling it again does nothing.
    pub fn close(&self) {
        self.engine.close_peer(&self.peer, CancelReason::Disconnected);
        let scope = std::mem::take(&mut *self.scope.lock());
        drop(scope);
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

/// Called when the server has ended.
impl Wake for Queue {
    fn wake(&self) {
        self.told(|state| state.ended = true);
    }
}
