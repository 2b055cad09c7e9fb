//! One run of a start or stop hook, as a call whose end is awaited.

use super::{START, StartState};
use crate::host::Registered;
use crate::host::calls::completion::End;
use crate::host::calls::dispatch::Thread;
use crate::host::calls::op::{CallContext, Outcome};
use crate::host::calls::start::{CallSpec, Role};
use crate::host::delivery::sink::{Delivery, Outgoing, Sink};
use crate::host::engine::{Accepted, Engine};
use crate::host::session::notifications::anonymous_client;
use crate::json::JsonSlice;
use crate::locks::Mutex;
use std::sync::Arc;

impl Engine {
    /// Runs one hook.
    pub(super) fn run_hook(
        &self,
        entry: Arc<Registered>,
        then: impl FnOnce(&Engine, StartState) + Send + 'static,
    ) {
        let limits = self.limits();
        let most = if entry.name == START { limits.start_timeout } else { limits.stop_timeout };
        let timeout = entry.policies.timeout.unwrap_or(most);
        let word = entry.to_string();
        let sink = Arc::new(HookSink {
            engine: self.clone(),
            word: word.clone(),
            failure: Mutex::default(),
            then: Mutex::new(Some(Box::new(then))),
        });
        let context = Arc::new(CallContext::of(None, anonymous_client(), entry));
        let starts = context.entry.name == START;
        let nowhere: Arc<dyn Sink> = sink.clone();
        let spec = CallSpec::of(None, context, JsonSlice::empty_object(), &nowhere);
        let role = Role::Engine { timeout, waits_for_start: false };
        match self.start(CallSpec { thread: Thread::Other, role, ..spec }) {
            // Checked after the call is in the table: either the thread that ends the server finds it there, or this
            // check sees the end.
            Ok(Accepted::Started(call)) if starts => {
                if self.0.life.state.lock().halted {
                    self.0.end(call, End::Closing);
                }
            }
            Ok(_) => {}
            Err(error) => {
                self.0.log_handler_fault(|| format!("{word} was not called: {}", error.message));
                sink.outcome(&Outcome::Failed(error.message.to_string()));
                sink.send(Outgoing::Dropped);
            }
        }
    }
}

type Then = Box<dyn FnOnce(&Engine, StartState) + Send>;

/// Waits for the end of one hook's call.
struct HookSink {
    engine: Engine,
    word: String,
    /// `None` until the handler has ended; then the reason if it failed.
    failure: Mutex<Option<Option<String>>>,
    then: Mutex<Option<Then>>,
}

impl Sink for HookSink {
    fn send(&self, message: Outgoing) -> Delivery {
        // Other messages of the handler have no receiver.
        let Outgoing::Dropped = message else { return Delivery::Gone };
        let then = self.then.lock().take();
        if let Some(then) = then {
            let begun = match self.failure.lock().take() {
                None => StartState::Cut,
                Some(None) => StartState::Started,
                Some(Some(why)) if why.starts_with(&self.word) => StartState::Failed(why),
                Some(Some(why)) => StartState::Failed(format!("{} failed: {why}", self.word)),
            };
            then(&self.engine, begun);
        }
        Delivery::Gone
    }

    fn outcome(&self, outcome: &Outcome) {
        let failure = match outcome {
            Outcome::Failed(why) | Outcome::Exception(why) => Some(why.clone()),
            Outcome::Error(error) => Some(error.to_string()),
            _ => None,
        };
        *self.failure.lock() = Some(failure);
    }
}
