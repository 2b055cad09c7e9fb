//! What clients in every language are made of: requests by words, and events.

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

/// A client of a server in the same process: it asks by words, hears events, and knows how either era does both.
///
/// Any thread may use it. Events come in the order in which the server said what they tell.
pub struct Link {
    exchange: Exchange,
    engine: Engine,
    state: Mutex<State>,
    signal: Arc<EventSignal>,
}

struct State {
    conversation: Conversation,
    events: VecDeque<ClientEvent>,
    /// The end has been told.
    told: bool,
}

/// Says that there may be an event, to a thread that waits and to a host that does not.
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
    /// A client of its own, with the beginning of its conversation. Fails where the server is not being served, and for
    /// options that are wrong.
    pub fn open(server: &Server, options: &ClientOptions) -> Result<Link, Error> {
        let settings = options
            .settings(server.engine().revisions())
            .map_err(|reason| Error::invalid(format!("client: {reason}")))?;
        let exchange = Exchange::open(server, options.principal.clone())?;
        let (conversation, steps) = Conversation::new(settings, server.engine().limits().json());
        let state = State { conversation, events: VecDeque::new(), told: false };
        let engine = server.engine().clone();
        let link = Link { exchange, engine, state: Mutex::new(state), signal: Arc::default() };
        link.exchange.on_message(link.signal.clone());
        link.take(steps);
        Ok(link)
    }

    /// A number for a request, so that a program can be ready for its end before it is sent.
    pub fn number(&self) -> u64 {
        self.state.lock().conversation.number()
    }

    /// Asks for something: `call_tool`, `list_tools`, `read_resource`, `list_resources`, `list_resource_templates`,
    /// `get_prompt`, `list_prompts`, `complete`, `ping`, or `request` for any method. `given` is an object of parameters as
    /// the protocol names them; those of `complete` are `prompt` or `template`, `argument`, `value` and `arguments`, those of
    /// `request` are `method` and `params`. With `progress` the client wants to be told how far it is.
    ///
    /// The request has a [number](Link::number) of its own and ends with [`ClientEvent::Answered`]. Handlers that run inline
    /// run before this returns. Lists are read to their end.
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

    /// Answers a question: of an elicitation with the form's content, `true`, `false`, `"accept"`, `"decline"` or
    /// `"cancel"`; of sampling with a text or a whole result; of roots with an array of addresses or roots. An error fails
    /// the question, and in the modern era the request that it belongs to.
    ///
    /// Fails for what is no answer to a question of this kind.
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

    /// Gives a request up: the server is told, and no event follows.
    pub fn cancel(&self, request: u64) {
        let steps = self.state.lock().conversation.cancel(request);
        self.take(steps);
    }

    /// Sends a notification.
    pub fn notify(&self, method: &str, params: &JsonSlice) {
        let steps = self.state.lock().conversation.notify(method, params);
        self.take(steps);
    }

    /// The next event, if one is there.
    pub fn event(&self) -> Option<ClientEvent> {
        loop {
            // Looked at first: what is said before the end is told before it.
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

    /// The next event; nothing after `timeout`, or once the client is [closed](Link::close). Blocks.
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

    /// Has `wake` called whenever there may be an event. It must not block, and comes from any thread.
    pub fn on_event(&self, wake: Arc<dyn Wake>) {
        let before = self.signal.state.lock().wake.replace(wake.clone());
        drop(before);
        wake.wake();
    }

    /// The client is gone, for good: all waits end, and what it asks still is cancelled.
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

    /// Does what the conversation wants, without its lock: handlers may run here, and be clients themselves.
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
