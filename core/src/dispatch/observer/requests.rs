//! One request, as observers are told of it: its events come in their order, and exactly one of them is the last.

use super::{EntryName, EventKind, Interests, Observers, RequestEnd, observe};
use crate::dispatch::environment::{Environment, time_of};
use crate::locks::Mutex;
use crate::proto::messages::error::{Refuser, RpcError};
use crate::proto::version::Revision;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

const REQUEST: Interests = Interests::of(&[
    EventKind::RequestReceived,
    EventKind::RequestRefused,
    EventKind::RequestStarted,
    EventKind::StageWaited,
    EventKind::StageDecided,
    EventKind::RequestFinished,
]);

/// Something with the kind and the name of an entry.
pub(crate) trait NamedEntry: Send + Sync {
    fn entry_name(&self) -> EntryName<'_>;
}

/// A request of a client. Clones are the same request. It is empty if no observer wants its events.
///
/// If the last clone is dropped before the request has ended, that is its end: the code that handled it has panicked,
/// or its client has left.
#[derive(Clone, Default)]
pub(crate) struct RequestScope(Option<Arc<Request>>);

struct Request {
    observers: Observers,
    environment: Arc<dyn Environment>,
    number: u64,
    received: Instant,
    input: usize,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// The entry whose handler answers the request.
    entry: Option<Arc<dyn NamedEntry>>,
    started: bool,
    /// The last event is in the queue, or observers have received it.
    over: bool,
    /// The handler has failed, so that its result counts as a failure.
    failed: bool,
    /// The stage that the request waits for, and since when.
    wait: Option<(&'static str, Instant)>,
    /// The events that observers have not received yet. One thread at a time passes them on, without the lock.
    queue: VecDeque<Step>,
    telling: bool,
}

enum Step {
    Started,
    Waited { stage: &'static str, duration: Duration },
    Decided { stage: &'static str, decision: &'static str },
    Refused(Refuser),
    Finished { how: RequestEnd, duration: Duration, output: usize },
}

impl RequestScope {
    /// Whether any observer wants to know of requests.
    #[inline]
    pub(crate) fn is_wanted(observers: &Observers) -> bool {
        observers.wants_any(REQUEST)
    }

    /// Reports that a request was received. `input` is the size of its parameters.
    #[inline]
    pub(crate) fn received<'m>(
        observers: &Observers,
        environment: &Arc<dyn Environment>,
        method: impl FnOnce() -> Option<&'m str>,
        revision: impl FnOnce() -> Option<Revision>,
        input: impl FnOnce() -> usize,
    ) -> RequestScope {
        match RequestScope::is_wanted(observers) {
            false => RequestScope(None),
            true => RequestScope::begin(observers, environment, method(), revision(), input()),
        }
    }

    fn begin(
        observers: &Observers,
        environment: &Arc<dyn Environment>,
        method: Option<&str>,
        revision: Option<Revision>,
        input: usize,
    ) -> RequestScope {
        let Some(received) = time_of(&**environment) else { return RequestScope(None) };
        let number = observers.number();
        observe!(observers => RequestReceived { request: number, method, revision });
        RequestScope(Some(Arc::new(Request {
            observers: observers.clone(),
            environment: environment.clone(),
            number,
            received,
            input,
            state: Mutex::default(),
        })))
    }

    /// Records the entry whose handler will answer the request.
    #[inline]
    pub(crate) fn set_entry(&self, entry: &Arc<impl NamedEntry + 'static>) {
        if let Some(request) = &self.0 {
            request.state.lock().entry = Some(entry.clone());
        }
    }

    /// Reports that the request has passed the checks that need no waiting.
    #[inline]
    pub(crate) fn started(&self) {
        if let Some(request) = &self.0 {
            request.say(State::start);
        }
    }

    /// Reports what a stage has decided.
    #[inline]
    pub(crate) fn decided(&self, stage: &'static str, decision: &'static str) {
        if let Some(request) = &self.0 {
            request.say(|state| {
                state.start();
                state.queue.push_back(Step::Decided { stage, decision });
            });
        }
    }

    /// Records that a stage lets the request wait from now on.
    #[inline]
    pub(crate) fn waits(&self, stage: &'static str) {
        let Some(request) = &self.0 else { return };
        if let Some(now) = time_of(&*request.environment) {
            request.say(|state| {
                state.start();
                state.end_wait(now);
                state.wait = Some((stage, now));
            });
        }
    }

    /// Records that no stage lets the request wait, although [`RequestScope::waits`] was called.
    #[inline]
    pub(crate) fn passes(&self) {
        if let Some(request) = &self.0 {
            request.state.lock().wait = None;
        }
    }

    /// Reports how long a stage let the request wait, if one did.
    #[inline]
    pub(crate) fn continues(&self) {
        let Some(request) = &self.0 else { return };
        if let Some(now) = time_of(&*request.environment) {
            request.say(|state| state.end_wait(now));
        }
    }

    /// Records that the handler has failed.
    #[inline]
    pub(crate) fn fails(&self) {
        if let Some(request) = &self.0 {
            request.state.lock().failed = true;
        }
    }

    /// Reports that the request ends with an error of the engine: an internal error is its end, any other error refuses
    /// it.
    pub(crate) fn rejected(&self, error: &RpcError, output: usize) {
        let Some(request) = &self.0 else { return };
        match error.refuser() {
            Some(refuser) => request.end(|_| Step::Refused(refuser)),
            None => request.finish(RequestEnd::Error, output),
        }
    }

    /// Reports that a stage refuses the request with an error.
    pub(crate) fn refused_at(&self, stage: &'static str, error: &RpcError) {
        let by = error.refuser().map_or("error", |refuser| refuser.by);
        self.refused(Refuser { stage, by });
    }

    /// Reports what refuses the request, or that the server has failed.
    pub(crate) fn rejected_by(&self, refuser: Option<Refuser>) {
        match refuser {
            Some(refuser) => self.refused(refuser),
            None => self.finished(RequestEnd::Error, 0),
        }
    }

    /// Reports what refuses the request.
    pub(crate) fn refused(&self, refuser: Refuser) {
        if let Some(request) = &self.0 {
            request.end(|_| Step::Refused(refuser));
        }
    }

    /// Reports that the request has ended, with a response of `output` bytes.
    #[inline]
    pub(crate) fn finished(&self, how: RequestEnd, output: usize) {
        if let Some(request) = &self.0 {
            request.finish(how, output);
        }
    }
}

impl State {
    fn start(&mut self) {
        if !std::mem::replace(&mut self.started, true) {
            self.queue.push_back(Step::Started);
        }
    }

    fn end_wait(&mut self, now: Instant) {
        if let Some((stage, since)) = self.wait.take() {
            self.queue.push_back(Step::Waited { stage, duration: now.saturating_duration_since(since) });
        }
    }
}

impl Request {
    fn finish(&self, how: RequestEnd, output: usize) {
        self.end(|duration| Step::Finished { how, duration, output });
    }

    /// Adds the last event, unless there is one. `step` gets the time since the request was received.
    fn end(&self, step: impl FnOnce(Duration) -> Step) {
        let now = time_of(&*self.environment).unwrap_or(self.received);
        let mut step = step(now.saturating_duration_since(self.received));
        self.say(|state| {
            if let Step::Finished { how, .. } = &mut step {
                state.start();
                if state.failed && *how == RequestEnd::Ok {
                    *how = RequestEnd::Failed;
                }
            }
            state.end_wait(now);
            state.queue.push_back(step);
            state.over = true;
        });
    }

    /// Adds events, unless the last one was added.
    fn say(&self, add: impl FnOnce(&mut State)) {
        {
            let mut state = self.state.lock();
            if state.over {
                return;
            }
            add(&mut state);
        }
        self.tell();
    }

    /// Passes the queued events to observers. If another thread does so, that thread also passes these on.
    fn tell(&self) {
        loop {
            let (step, entry) = {
                let mut state = self.state.lock();
                if state.telling {
                    return;
                }
                let Some(step) = state.queue.pop_front() else { return };
                state.telling = true;
                (step, state.entry.clone())
            };
            let (observers, request) = (&self.observers, self.number);
            let entry = entry.as_deref().map(NamedEntry::entry_name);
            match step {
                Step::Started => observe!(observers => RequestStarted { request, entry }),
                Step::Waited { stage, duration } => {
                    observe!(observers => StageWaited { request, stage, duration })
                }
                Step::Decided { stage, decision } => {
                    observe!(observers => StageDecided { request, stage, decision })
                }
                Step::Refused(Refuser { stage, by }) => {
                    observe!(observers => RequestRefused { request, stage, by })
                }
                Step::Finished { how, duration, output } => {
                    let input = self.input;
                    observe!(observers => RequestFinished { request, how, duration, input, output, entry });
                }
            }
            self.state.lock().telling = false;
        }
    }
}

impl Drop for Request {
    fn drop(&mut self) {
        if !self.state.get_mut().over {
            let lost = if std::thread::panicking() { RequestEnd::Error } else { RequestEnd::Disconnected };
            self.finish(lost, 0);
        }
    }
}
