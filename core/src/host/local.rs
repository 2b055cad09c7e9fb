//! Handlers written in Rust, in process: they skip the queue.

use super::op::{AskMode, CallContext, Event, Outcome, Stale};
use super::port::HostPort;
use crate::dispatch::asks::{Answer, Ask, AskError, Asked};
use crate::dispatch::calls::CallId;
use crate::json::JsonSlice;
use crate::proto::version::Revision;
use parking_lot::Mutex;
use std::any::Any;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context as TaskContext, Poll, Waker};

/// The future of one call.
pub type LocalFuture = Pin<Box<dyn Future<Output = Outcome> + Send>>;

/// A handler written in Rust.
pub trait LocalHandler: Send + Sync {
    /// Starts a call. Argument errors come out of the future as [`Outcome::Failed`].
    fn call(&self, arguments: JsonSlice, context: Context) -> LocalFuture;
}

/// The executor that local handlers run on; the runtime passes its own.
pub trait Spawn: Send + Sync {
    /// Runs a future to its end.
    fn spawn(&self, future: Pin<Box<dyn Future<Output = ()> + Send>>);
}

pub(super) type Waiter = Box<dyn FnOnce(Result<Answer, AskError>) + Send>;

/// How the engine reaches the task of a local call.
#[derive(Default)]
pub(super) struct LocalState {
    ended: AtomicBool,
    task: Mutex<Option<Waker>>,
}

impl LocalState {
    /// The call is over: the task drops its future at the next poll.
    pub(super) fn cancel(&self) {
        self.ended.store(true, Ordering::Release);
        self.poll_again();
    }

    /// Has the task polled again: it may have to suspend although the question came from a task of its own.
    pub(super) fn poll_again(&self) {
        let waker = self.task.lock().take();
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

/// A call on its way to a local handler.
pub(super) struct LocalCall {
    port: HostPort,
    id: CallId,
    arguments: JsonSlice,
    context: Arc<CallContext>,
    state: Arc<LocalState>,
}

impl LocalCall {
    pub(super) fn new(
        port: HostPort,
        id: CallId,
        arguments: JsonSlice,
        context: Arc<CallContext>,
        state: Arc<LocalState>,
    ) -> LocalCall {
        LocalCall { port, id, arguments, context, state }
    }
}

pub(super) fn start(handler: Arc<dyn LocalHandler>, call: LocalCall, spawn: Option<Arc<dyn Spawn>>) {
    let Some(spawn) = spawn else {
        let text = "the server has no executor for Rust handlers; it is not running".to_owned();
        let _ = call.port.complete(call.id, Outcome::Failed(text));
        return;
    };
    let LocalCall { port, id, arguments, context, state } = call;
    let handle = Context { port: port.clone(), id, call: context };
    // Made inside the task, so that a handler that works before its first await does not hold up the reader.
    let future = Box::pin(async move { handler.call(arguments, handle).await });
    spawn.spawn(Box::pin(Attempt { port, id, state, future: Some(future) }));
}

/// Runs one attempt: catches panics, ends when the call has ended, suspends when a question must be carried away.
struct Attempt {
    port: HostPort,
    id: CallId,
    state: Arc<LocalState>,
    future: Option<LocalFuture>,
}

impl Future for Attempt {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, task: &mut TaskContext<'_>) -> Poll<()> {
        let this = &mut *self;
        *this.state.task.lock() = Some(task.waker().clone());
        if this.state.ended.load(Ordering::Acquire) {
            this.future = None;
            return Poll::Ready(());
        }
        let Some(future) = &mut this.future else { return Poll::Ready(()) };
        let outcome = match catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(task))) {
            Ok(Poll::Ready(outcome)) => outcome,
            Ok(Poll::Pending) if this.port.must_suspend(this.id) => Outcome::Suspend,
            Ok(Poll::Pending) => return Poll::Pending,
            Err(panic) => Outcome::Failed(format!("the handler panicked: {}", panic_text(&*panic))),
        };
        this.future = None;
        let _ = this.port.complete(this.id, outcome);
        Poll::Ready(())
    }
}

impl Drop for Attempt {
    // An executor that shuts down drops its tasks; the call must not hang because of that.
    fn drop(&mut self) {
        if self.future.take().is_some() {
            let _ = self.port.complete(self.id, Outcome::Failed("the handler was dropped".to_owned()));
        }
    }
}

fn panic_text(panic: &(dyn Any + Send)) -> &str {
    panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("no message")
}

/// A handler's view of its call.
#[derive(Clone)]
pub struct Context {
    port: HostPort,
    id: CallId,
    call: Arc<CallContext>,
}

impl Context {
    /// Names the call.
    pub fn call_id(&self) -> CallId {
        self.id
    }

    /// The name of the tool that is called.
    pub fn tool_name(&self) -> &str {
        &self.call.tool.name
    }

    /// The revision in force.
    pub fn revision(&self) -> Revision {
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

    /// Whether the call has ended: cancelled, timed out, disconnected. The handler's future is dropped then, so only
    /// blocking code needs to look.
    pub fn is_cancelled(&self) -> bool {
        self.port.is_cancelled(self.id)
    }

    /// Reports progress; dropped if the client did not ask for it or if `progress` does not increase.
    pub fn progress(&self, progress: f64, total: Option<f64>, message: Option<&str>) {
        let event = Event::Progress { progress, total, message: message.map(str::to_owned) };
        let _: Result<(), Stale> = self.port.emit(self.id, event);
    }

    /// Asks the user behind the client to fill in a form.
    ///
    /// In a legacy session this waits for the answer. In the modern era the call ends here and runs again from its top
    /// with the answer, so what a handler does before asking must be harmless to repeat. Questions asked at once (with
    /// `join!`) go out together; give each a key if their order may vary.
    pub async fn elicit(&self, ask: Ask) -> Result<Answer, AskError> {
        let slot = Arc::new(Mutex::new((None, None::<Waker>)));
        let filled = slot.clone();
        let waiter: Waiter = Box::new(move |answer| {
            let waker = {
                let mut slot = filled.lock();
                slot.0 = Some(answer);
                slot.1.take()
            };
            if let Some(waker) = waker {
                waker.wake();
            }
        });
        match self.port.ask_with(self.id, ask, AskMode::Park, Some(waiter))? {
            Asked::Answered(answer) => Ok(answer),
            // Where the attempt ends because of the question, nothing comes but the end.
            Asked::Suspended | Asked::Waiting(_) => {
                std::future::poll_fn(|task| {
                    let mut slot = slot.lock();
                    match slot.0.take() {
                        Some(answer) => Poll::Ready(answer),
                        None => {
                            slot.1 = Some(task.waker().clone());
                            Poll::Pending
                        }
                    }
                })
                .await
            }
        }
    }
}
