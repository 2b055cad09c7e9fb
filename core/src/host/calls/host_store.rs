//! A store that a host runs: each operation is a call in a lane of the host.
//!
//! Such a call has no client. It waits for the start of the server, is not refused by limits of clients, and times out
//! after [`Limits::store_timeout`](crate::Limits::store_timeout). While the server closes, operations still run, until
//! the transports have ended. After that, each operation fails.

use crate::dispatch::calls::table::CallId;
use crate::dispatch::log::{self, LogLevel};
use crate::dispatch::options::Spelling;
use crate::dispatch::registry::entry::Entry;
use crate::dispatch::store::{Done, Store, StoreDone, StoreOp, wire};
use crate::dispatch::validation::arguments::Policy;
use crate::error::Error;
use crate::host::calls::completion::End;
use crate::host::calls::dispatch::Thread;
use crate::host::calls::in_flight::InFlightCall;
use crate::host::calls::op::{CallContext, CancelReason, Outcome};
use crate::host::calls::start::{CallSpec, Role};
use crate::host::delivery::sink::{Delivery, Outgoing, Sink};
use crate::host::engine::{Accepted, Engine};
use crate::host::engine_state::Shared;
use crate::host::session::notifications::anonymous_client;
use crate::host::{Registered, Target};
use crate::json::JsonSlice;
use crate::locks::Mutex;
use crate::proto::catalog::kind::Kind;
use std::any::Any;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock, Weak};
use std::time::Instant;

/// The name of the entry that the operations are calls of.
const NAME: &str = "store.submit";

/// The most operations that may wait at the same time.
const MAX_PENDING: usize = 65_536;

/// A store of a host.
pub(crate) struct HostStore {
    shared: OnceLock<Weak<Shared>>,
    entry: Arc<Registered>,
    spelling: Spelling,
    state: Arc<State>,
}

/// The state of the operations that wait for the host.
pub(in crate::host) struct State {
    /// Whether the server is served, so that the host runs operations.
    open: AtomicBool,
    pending: AtomicUsize,
    /// Called when the last operation has ended.
    idle: Mutex<Option<Arc<dyn Fn() + Send + Sync>>>,
}

/// Counts one operation that waits.
struct Pending(Arc<State>);

impl Pending {
    fn enter(state: &Arc<State>) -> Pending {
        state.pending.fetch_add(1, Ordering::SeqCst);
        Pending(state.clone())
    }
}

impl Drop for Pending {
    fn drop(&mut self) {
        if self.0.pending.fetch_sub(1, Ordering::SeqCst) == 1 {
            let idle = self.0.idle.lock().clone();
            if let Some(idle) = idle {
                idle();
            }
        }
    }
}

impl HostStore {
    /// A store whose operations `target` runs, in the spelling of a language. `kept` is kept as long as the store.
    pub(crate) fn new(
        target: Target,
        spelling: Spelling,
        kept: Option<Arc<dyn Any + Send + Sync>>,
    ) -> Result<HostStore, Error> {
        let entry = Entry::new(Kind::Method, NAME);
        let entry = match kept {
            Some(kept) => entry.keep(kept),
            None => entry,
        };
        Ok(HostStore {
            shared: OnceLock::new(),
            entry: Arc::new(Registered::new(entry, target, Policy::default())?),
            spelling,
            state: Arc::new(State {
                open: AtomicBool::new(false),
                pending: AtomicUsize::new(0),
                idle: Mutex::default(),
            }),
        })
    }

    /// Connects the store with its engine, once.
    pub(crate) fn attach(&self, shared: &Arc<Shared>) {
        let _ = self.shared.set(Arc::downgrade(shared));
    }

    fn start(&self, op: StoreOp, done: Done) {
        let failed = |done: Done, why: &str| done(StoreDone::Unavailable(why.to_owned()));
        let Some(shared) = self.shared.get().and_then(Weak::upgrade) else {
            return failed(done, "its server does not exist any more");
        };
        if !self.state.open.load(Ordering::SeqCst) {
            return failed(done, "the server is not served, so its store is not asked");
        }
        if self.state.pending.load(Ordering::SeqCst) >= MAX_PENDING {
            return failed(done, "too many operations wait for it");
        }
        let input = wire::write_operation(&op, self.spelling);
        let sink = Arc::new(StoreSink {
            shared: Arc::downgrade(&shared),
            op,
            spelling: self.spelling,
            waiting: Mutex::new(Some((done, Pending::enter(&self.state)))),
        });
        let role = Role::Engine { timeout: shared.limits.store_timeout, waits_for_start: true };
        let context = CallContext::of(None, anonymous_client(), self.entry.clone());
        let context = Arc::new(CallContext { of_engine: true, ..context });
        let to: Arc<dyn Sink> = sink.clone();
        let spec = CallSpec { thread: Thread::Other, role, ..CallSpec::of(None, context, input, &to) };
        match Engine(shared.clone()).start(spec) {
            // Checked after the call is in the table: either the thread that ends the server finds it there, or this
            // check sees the end.
            Ok(Accepted::Started(call)) if !self.state.open.load(Ordering::SeqCst) => {
                shared.end(call, End::Closing);
            }
            Ok(_) => {}
            Err(error) => sink.answer(StoreDone::Unavailable(error.message.to_string())),
        }
    }
}

impl Store for HostStore {
    fn submit(&self, op: StoreOp, _: Instant, done: Done) {
        self.start(op, done);
    }
}

/// Waits for the outcome of one operation's call.
struct StoreSink {
    shared: Weak<Shared>,
    op: StoreOp,
    spelling: Spelling,
    waiting: Mutex<Option<(Done, Pending)>>,
}

impl StoreSink {
    /// Answers the operation. Only the first answer counts.
    fn answer(&self, result: StoreDone) {
        let Some((done, pending)) = self.waiting.lock().take() else { return };
        done(result);
        drop(pending);
    }

    fn reply(&self, reply: &JsonSlice) -> StoreDone {
        wire::read_reply(&self.op, reply, self.spelling).unwrap_or_else(|why| {
            self.log(|| format!("the store gave an invalid reply to an operation: {why}"));
            StoreDone::Unavailable("it gave an invalid reply".to_owned())
        })
    }

    fn log(&self, text: impl FnOnce() -> String) {
        if let Some(shared) = self.shared.upgrade() {
            shared.observers.diagnose(LogLevel::Error, log::STORE, text);
        }
    }

    /// The text of an exception is for clients only if errors are not masked, because it may contain anything.
    fn exception(&self, text: &str) -> StoreDone {
        let hides = self.shared.upgrade().is_none_or(|shared| shared.masking.hides());
        self.log(|| format!("the store failed: {text}"));
        StoreDone::Unavailable(if hides { "it failed".to_owned() } else { format!("it failed: {text}") })
    }
}

impl Sink for StoreSink {
    fn send(&self, message: Outgoing) -> Delivery {
        // Other messages of the call have no receiver.
        if let Outgoing::Dropped = message {
            self.answer(StoreDone::Unavailable("the server has ended".to_owned()));
        }
        Delivery::Gone
    }

    fn outcome(&self, outcome: &Outcome) {
        let result = match outcome {
            Outcome::Json(reply) | Outcome::Result(reply) => self.reply(reply),
            Outcome::Exception(text) => self.exception(text),
            Outcome::Failed(text) => StoreDone::Unavailable(text.clone()),
            Outcome::Error(error) => StoreDone::Unavailable(error.message.to_string()),
            Outcome::Text(text) => self.reply(&JsonSlice::from_value(&text.as_str().into())),
            Outcome::Bytes(_) | Outcome::Content(_) | Outcome::Suspend => self.reply(&JsonSlice::null()),
        };
        self.answer(result);
    }
}

impl Drop for StoreSink {
    fn drop(&mut self) {
        // A call that is lost must not leave its operation without an answer.
        self.answer(StoreDone::Unavailable(
            "its answer was lost; the server's log has the reason".to_owned(),
        ));
    }
}

impl Engine {
    fn store_state(&self) -> Option<&Arc<State>> {
        self.0.host_store.as_ref().map(|store| &store.state)
    }

    /// Lets operations of a host's store run.
    pub(in crate::host) fn open_store(&self) {
        if let Some(state) = self.store_state() {
            state.open.store(true, Ordering::SeqCst);
        }
    }

    /// Whether no operation of a host's store is waiting.
    pub(crate) fn store_is_idle(&self) -> bool {
        self.store_state().is_none_or(|state| state.pending.load(Ordering::SeqCst) == 0)
    }

    /// Sets a function that is called whenever the last operation of a host's store has ended.
    pub(crate) fn on_store_idle(&self, idle: Arc<dyn Fn() + Send + Sync>) {
        if let Some(state) = self.store_state() {
            *state.idle.lock() = Some(idle);
        }
    }

    /// Fails the operations of a host's store that wait, and all further ones.
    pub(crate) fn close_store(&self) {
        if let Some(state) = self.store_state() {
            state.open.store(false, Ordering::SeqCst);
            let before = state.idle.lock().take();
            drop(before);
        }
        for call in self.0.calls.select(|flight| flight.context.of_engine) {
            self.0.end(call, End::Closing);
        }
    }

    /// Ends a call of the engine's own whose deadline has passed.
    pub(in crate::host) fn own_call_timed_out(&self, call: CallId, flight: InFlightCall) {
        let in_time = format!("in {} ms (store_timeout)", flight.timeout.as_millis());
        let why = if flight.entry().name == NAME {
            let text = || format!("the store did not answer {in_time}");
            self.0.observers.diagnose(LogLevel::Error, log::STORE, text);
            // Clients get this.
            "it did not answer in time".to_owned()
        } else {
            // A function's sink logs the reason.
            format!("it did not answer {in_time}")
        };
        self.0.deliver_outcome(&flight, &Outcome::Failed(why));
        self.0.end_removed(call, flight, End::Silent(CancelReason::TimedOut));
    }
}
