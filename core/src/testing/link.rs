//! The part that the clients of all languages share: requests by name, and events.

use super::exchange::Exchange;
use super::options::ClientOptions;
use crate::error::{Error, ErrorKind};
use crate::host::{Engine, Wake};
use crate::json::JsonSlice;
use crate::locks::{Condvar, Mutex};
use crate::proto::client::{ClientEvent, Conversation, Step};
use crate::proto::question::Question;
use crate::server::Server;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// A client of a server in the same process. It sends requests by name and receives events, in the same way for both
/// eras.
///
/// Any thread may use it. Events are in the order in which the server sent them.
pub struct Link {
    exchange: Exchange,
    engine: Engine,
    state: Mutex<State>,
    signal: Arc<EventSignal>,
}

struct State {
    conversation: Conversation,
    events: VecDeque<ClientEvent>,
    /// [`ClientEvent::Ended`] has been returned.
    told: bool,
}

/// Signals that there may be an event, to waiting threads and to a host's waker.
#[derive(Default)]
struct EventSignal {
    state: Mutex<SignalState>,
    changed: Condvar,
}

#[derive(Default)]
struct SignalState {
    count: u64,
    closed: bool,
    wake: Option<Arc<dyn Wake>>,
}

impl Link {
    /// Connects a new client.
    ///
    /// # Errors
    /// An option is invalid, or the server is not served.
    pub fn open(server: &Server, options: &ClientOptions) -> Result<Link, Error> {
        let settings = options
            .settings(server.engine().revisions())
            .map_err(|reason| Error::invalid(format!("client: {reason}")))?;
        let exchange = Exchange::open_for(server, options.principal.clone())?;
        let (conversation, steps) = Conversation::new(settings, server.engine().limits().json());
        let state = State { conversation, events: VecDeque::new(), told: false };
        let engine = server.engine().clone();
        let link = Link { exchange, engine, state: Mutex::new(state), signal: Arc::default() };
        link.exchange.on_message(link.signal.clone());
        link.take(steps);
        Ok(link)
    }

    /// Returns an unused request number. So a program can prepare for the response before it sends the request.
    pub fn number(&self) -> u64 {
        self.state.lock().conversation.number()
    }

    /// Sends a request: `call_tool`, `list_tools`, `read_resource`, `list_resources`, `list_resource_templates`,
    /// `get_prompt`, `list_prompts`, `complete`, `ping`, or `request` for any method. `given` is an object of
    /// parameters, with the protocol's names. The parameters of `complete` are `prompt` or `template`, `argument`,
    /// `value` and `arguments`; those of `request` are `method` and `params`. With `progress`, the client asks for
    /// progress notifications.
    ///
    /// The request has its own [number](Link::number) and ends with [`ClientEvent::Answered`]. Inline handlers run
    /// before this returns. For a list, all pages are requested.
    ///
    /// # Errors
    /// The server has ended ([`ErrorKind::State`]), or the request is invalid.
    pub fn ask(&self, request: u64, what: &str, given: &JsonSlice, progress: bool) -> Result<(), Error> {
        if self.exchange.has_ended() {
            return Err(Error::new(ErrorKind::State, "the server has ended"));
        }
        let steps = {
            let mut state = self.state.lock();
            let wraps = |tool: &str| self.engine.wraps(tool);
            state.conversation.ask(request, what, given, progress, wraps).map_err(Error::invalid)?
        };
        self.take(steps);
        Ok(())
    }

    /// Answers a question. For an elicitation, the answer is an object with the form's content, or `true`, `false`,
    /// `"accept"`, `"decline"` or `"cancel"`. For sampling, it is a text or a complete result. For roots, it is an
    /// array of addresses or roots. An error fails the question; in the modern era, it fails the request that asked.
    ///
    /// # Errors
    /// The answer does not match this kind of question.
    pub fn answer(
        &self,
        question: u64,
        kind: Question,
        answer: Result<&JsonSlice, &str>,
    ) -> Result<(), Error> {
        let steps = {
            let mut state = self.state.lock();
            state.conversation.answer(question, kind, answer).map_err(Error::invalid)?
        };
        self.take(steps);
        Ok(())
    }

    /// Cancels a request: the server is notified, and no event follows.
    pub fn cancel(&self, request: u64) {
        let steps = self.state.lock().conversation.cancel(request);
        self.take(steps);
    }

    /// Sends a notification.
    pub fn notify(&self, method: &str, params: &JsonSlice) {
        let steps = self.state.lock().conversation.notify(method, params);
        self.take(steps);
    }

    /// The next event, if there is one.
    pub fn event(&self) -> Option<ClientEvent> {
        loop {
            // `has_ended` is read first, because messages that arrived before the end must be returned before it.
            let ended = self.exchange.has_ended();
            let steps = {
                let mut state = self.state.lock();
                if let Some(event) = state.events.pop_front() {
                    return Some(event);
                }
                match self.exchange.receive() {
                    Some(message) => state.conversation.receive(message),
                    None if ended && !std::mem::replace(&mut state.told, true) => {
                        return Some(ClientEvent::Ended);
                    }
                    None => return None,
                }
            };
            self.take(steps);
        }
    }

    /// Waits for the next event. Returns `None` after `timeout`, or when the client is [closed](Link::close).
    pub fn wait(&self, timeout: Duration) -> Option<ClientEvent> {
        let until = Instant::now().checked_add(timeout);
        loop {
            let seen = {
                let state = self.signal.state.lock();
                if state.closed {
                    return None;
                }
                state.count
            };
            if let Some(event) = self.event() {
                return Some(event);
            }
            let mut state = self.signal.state.lock();
            while state.count == seen && !state.closed {
                match until {
                    Some(until) => {
                        if self.signal.changed.wait_until(&mut state, until).timed_out() {
                            return None;
                        }
                    }
                    None => self.signal.changed.wait(&mut state),
                }
            }
        }
    }

    /// Sets `wake` to be called whenever there may be an event, and calls it once now. It is called from any thread
    /// and must not block.
    pub fn on_event(&self, wake: Arc<dyn Wake>) {
        let before = self.signal.state.lock().wake.replace(wake.clone());
        drop(before);
        wake.wake();
    }

    /// Disconnects the client for good. All waits end, and its calls are cancelled.
    pub fn close(&self) {
        let before = {
            let mut state = self.signal.state.lock();
            state.closed = true;
            state.wake.take()
        };
        self.signal.changed.notify_all();
        drop(before);
        self.exchange.close();
    }

    /// Performs the steps of the conversation without holding its lock, because handlers may run here and may use this
    /// client.
    fn take(&self, steps: Vec<Step>) {
        let mut told = false;
        for step in steps {
            match step {
                Step::Send(message) => self.exchange.send(message),
                Step::Tell(event) => {
                    self.state.lock().events.push_back(event);
                    told = true;
                }
            }
        }
        if told {
            self.signal.wake();
        }
    }
}

impl Wake for EventSignal {
    fn wake(&self) {
        let wake = {
            let mut state = self.state.lock();
            state.count += 1;
            state.wake.clone()
        };
        self.changed.notify_all();
        if let Some(wake) = wake {
            wake.wake();
        }
    }
}
