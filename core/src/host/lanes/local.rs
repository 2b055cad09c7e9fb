//! Handlers written in Rust: they run in the engine's process and do not go through a lane's queue.

use crate::dispatch::calls::ask::AskError;
use crate::dispatch::calls::table::CallId;
use crate::host::calls::op::{CallContext, Outcome, Stale};
use crate::host::calls::state::State;
use crate::host::lanes::port::HostPort;
use crate::host::lanes::wake_batch;
use crate::json::JsonSlice;
use crate::locks::Mutex;
use crate::panics::{Panicked, caught};
use crate::proto::catalog::kind::Kind;
use crate::proto::messages::event::Event;
use crate::proto::question::Answer;
use crate::proto::version::Revision;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context as TaskContext, Poll, Waker};

/// The future of one call.
pub type LocalFuture = Pin<Box<dyn Future<Output = Outcome> + Send>>;

/// A handler written in Rust.
pub trait LocalHandler: Send + Sync {
    /// Starts a call with its [input](crate::host::HostCall::input). If the input is not valid, the future returns
    /// [`Outcome::Failed`].
    fn call(&self, input: JsonSlice, context: Context) -> LocalFuture;
}

/// The executor that local handlers run on; the runtime passes its own.
pub trait Spawn: Send + Sync {
    /// Runs a future to its end.
    fn spawn(&self, future: Pin<Box<dyn Future<Output = ()> + Send>>);

    /// Calls `run` on this thread as if within a task of the executor, so that what it creates belongs to the
    /// executor.
    fn enter(&self, run: &mut dyn FnMut()) {
        run();
    }
}

pub(in crate::host) type Waiter = Box<dyn FnOnce(Result<Answer, AskError>) + Send>;

/// The engine's access to the task of a local call.
#[derive(Default)]
pub(in crate::host) struct LocalState {
    ended: AtomicBool,
    task: Mutex<Option<Waker>>,
}

impl LocalState {
    /// The call is over: the task drops its future at the next poll.
    pub(in crate::host) fn cancel(&self) {
        self.ended.store(true, Ordering::Release);
        self.poll_again();
    }

    /// Polls the task again, because it may have to suspend even if the question came from another task.
    pub(in crate::host) fn poll_again(&self) {
        let waker = self.task.lock().take();
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

/// A call that is about to go to a local handler.
pub(in crate::host) struct LocalCall {
    port: HostPort,
    id: CallId,
    input: JsonSlice,
    context: Arc<CallContext>,
}

impl LocalCall {
    pub(in crate::host) fn new(
        port: HostPort,
        id: CallId,
        input: JsonSlice,
        context: Arc<CallContext>,
    ) -> LocalCall {
        LocalCall { port, id, input, context }
    }
}

/// Starts a call. Its first poll is on this thread if it is `here`.
pub(in crate::host) fn start(
    handler: Arc<dyn LocalHandler>,
    call: LocalCall,
    spawn: Option<Arc<dyn Spawn>>,
    here: bool,
) {
    let Some(spawn) = spawn else {
        let text = "the server has no executor for Rust handlers; it is not running".to_owned();
        let _ = call.port.complete(call.id, Outcome::Failed(text));
        return;
    };
    let LocalCall { port, id, input, context } = call;
    let work = Work::New(handler, input);
    let mut attempt = Attempt { port, id, context, state: Arc::default(), work };
    if here {
        let mut poll = Poll::Pending;
        spawn.enter(&mut || poll = attempt.step(&mut TaskContext::from_waker(Waker::noop())));
        if poll.is_ready() {
            return;
        }
        // An event that occurred meanwhile has woken no task. The new task is polled at least once, and handles the
        // event.
    }
    if attempt.register() {
        spawn.spawn(Box::pin(attempt));
    } else {
        let _ = attempt.drop_handler();
    }
}

/// Runs one attempt. It catches panics, ends when the call has ended, and suspends when a question must be sent with
/// the end of the attempt.
struct Attempt {
    port: HostPort,
    id: CallId,
    context: Arc<CallContext>,
    state: Arc<LocalState>,
    work: Work,
}

/// The remaining part of a handler's run.
enum Work {
    /// The handler has not started.
    New(Arc<dyn LocalHandler>, JsonSlice),
    StartState(LocalFuture),
    Nothing,
}

impl Future for Attempt {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, task: &mut TaskContext<'_>) -> Poll<()> {
        let this = &mut *self;
        if this.state.ended.load(Ordering::Acquire) {
            let _ = this.drop_handler();
            return Poll::Ready(());
        }
        this.step(task)
    }
}

impl Attempt {
    /// Registers this attempt to be notified of the call's end. Returns `false` if the call has already ended.
    fn register(&self) -> bool {
        self.port.0.calls.with(self.id, |flight| flight.handler.local = Some(self.state.clone())).is_some()
    }

    /// Runs the handler until it waits or ends.
    fn step(&mut self, task: &mut TaskContext<'_>) -> Poll<()> {
        if let Work::Nothing = self.work {
            return Poll::Ready(());
        }
        // The handler's code before its first await runs here too.
        let outcome = match caught(|| wake_batch::outside(|| self.advance(task))) {
            Ok(Poll::Ready(outcome)) => outcome,
            Ok(Poll::Pending) => {
                let before = self.state.task.lock().replace(task.waker().clone());
                drop(before);
                // Checked after the waker is set: an end that comes later finds the waker.
                if self.state.ended.load(Ordering::Acquire) {
                    let _ = self.drop_handler();
                    return Poll::Ready(());
                }
                if !self.port.must_suspend(self.id) {
                    return Poll::Pending;
                }
                Outcome::Suspend
            }
            Err(panicked) => self.panicked(&panicked),
        };
        // If a handler panics while it is dropped, its outcome does not count.
        let outcome = self.drop_handler().unwrap_or(outcome);
        let _ = self.port.complete(self.id, outcome);
        Poll::Ready(())
    }

    fn advance(&mut self, task: &mut TaskContext<'_>) -> Poll<Outcome> {
        if let Work::New(..) = self.work
            && let Work::New(handler, input) = std::mem::replace(&mut self.work, Work::Nothing)
        {
            let context = Context { port: self.port.clone(), id: self.id, call: self.context.clone() };
            self.work = Work::StartState(handler.call(input, context));
        }
        match &mut self.work {
            Work::StartState(future) => future.as_mut().poll(task),
            _ => Poll::Pending,
        }
    }

    /// Drops the remaining part of the handler. Returns a failure if that panics.
    fn drop_handler(&mut self) -> Option<Outcome> {
        let work = std::mem::replace(&mut self.work, Work::Nothing);
        caught(|| drop(work)).err().map(|panicked| self.panicked(&panicked))
    }

    fn panicked(&self, panicked: &Panicked) -> Outcome {
        self.port.0.log_handler_fault(|| format!("{}: the handler panicked: {panicked}", self.context.entry));
        Outcome::Exception(format!("the handler panicked: {}", panicked.text()))
    }
}

impl Drop for Attempt {
    // An executor drops its tasks when it shuts down. The call must not hang because of that.
    fn drop(&mut self) {
        if let Work::Nothing = self.work {
            return;
        }
        let panicked = self.drop_handler();
        let dropped = panicked.is_none();
        let text = "the handler was dropped";
        let outcome = panicked.unwrap_or_else(|| Outcome::Failed(text.to_owned()));
        if self.port.complete(self.id, outcome).is_ok() && dropped {
            self.port.0.log_handler_fault(|| format!("{}: {text} before it ended", self.context.entry));
        }
    }
}

/// A handler's view of its call.
#[derive(Clone)]
pub struct Context {
    pub(in crate::host) port: HostPort,
    pub(in crate::host) id: CallId,
    call: Arc<CallContext>,
}

impl Context {
    pub(crate) fn call(&self) -> &CallContext {
        &self.call
    }

    /// Identifies the call.
    pub fn call_id(&self) -> CallId {
        self.id
    }

    /// The kind of the handler's entry.
    pub fn kind(&self) -> Kind {
        self.call.entry.kind
    }

    /// The name of the entry: the name of a tool or a prompt, the URI or template of a resource.
    pub fn name(&self) -> &str {
        &self.call.entry.name
    }

    /// The address of the resource that is being read.
    pub fn uri(&self) -> Option<&str> {
        self.call.uri.as_deref()
    }

    /// The negotiated revision.
    pub fn protocol_version(&self) -> Revision {
        self.call.client.revision
    }

    /// The client's `clientInfo`, an object.
    pub fn client_info(&self) -> Option<&JsonSlice> {
        self.call.client.info.as_ref()
    }

    /// The request's `_meta`, as sent.
    pub fn meta(&self) -> Option<&JsonSlice> {
        self.call.meta.as_ref()
    }

    /// Values that the middleware and the handler of this call share, at most one of each type. They are dropped when
    /// the call ends. If the call runs again because a client of 2026-07-28 sent answers, it begins without any.
    ///
    /// ```
    /// # use tenon_mcp::Context;
    /// #[derive(Clone)]
    /// struct User(String);
    ///
    /// async fn whoami(context: Context) -> Option<String> {
    ///     context.state().get().map(|User(name)| name)
    /// }
    /// # let _ = whoami;
    /// ```
    pub fn state(&self) -> &State {
        self.call.state()
    }

    /// Logs why this call's handler failed.
    pub(crate) fn log_handler_fault(&self, why: impl FnOnce() -> String) {
        self.port.0.log_handler_fault(|| format!("{}: {}", self.call.entry, why()));
    }

    /// Whether the call has ended: cancelled, timed out or disconnected. The handler's future is then dropped, so
    /// only blocking code needs to check this.
    pub fn is_cancelled(&self) -> bool {
        self.port.is_cancelled(self.id)
    }

    /// Reports progress; dropped if the client did not ask for it or if `progress` does not increase.
    pub fn progress(&self, progress: f64, total: Option<f64>, message: Option<&str>) {
        let _: Result<(), Stale> = self.port.emit(self.id, Event::progress(progress, total, message));
    }

    /// Ends the HTTP response of this call. The call continues, and the client reconnects to receive the later events.
    /// Returns `false` and does nothing if the client would not reconnect. See [`HostPort::close_stream`].
    pub fn close_stream(&self) -> bool {
        self.port.close_stream(self.id).unwrap_or(false)
    }
}
