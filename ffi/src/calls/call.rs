//! One call, as its callback uses it.

use crate::abi::fork::Process;
use crate::abi::guard::*;
use crate::abi::handle::Tagged;
use crate::abi::status::*;
use crate::calls::cancel::CancelWatch;
use crate::calls::json_accessors::{Copied, CopiedBytes, Copies, Fields};
use crate::calls::middleware_call::ChainPosition;
use crate::entries::handlers::{Handler, Mode};
use crate::servers::log::LOG_TARGET;
use crate::servers::state::server_state::ServerState;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock, Weak};
use tenon_mcp::locks::Mutex;
use tenon_mcp::{CallContext, CallId, Event, HostCall, HostPort, JsonSlice, Kind, LogLevel, Outcome};

/// One call of an entry's callback, such as the call of a tool or the read of a resource. The callback gets it
/// borrowed: it lives until the callback returns, or longer with tenon_call_retain(). Any thread may use it, also
/// several threads at once.
///
/// The first completion ends the call; the handle stays valid until its release. After the end, a function that acts on
/// the call fails with TENON_ERR_STALE and has no effect. The arguments and the context of the call can still be read.
pub struct tenon_call {
    pub(crate) port: HostPort,
    pub(crate) id: CallId,
    pub(crate) context: Arc<CallContext>,
    pub(crate) arguments: Fields,
    pub(crate) progress: Mutex<Progress>,
    /// Whether `progress` has a reason. Because of this flag, a call without failures need not lock `progress`.
    reasoned: AtomicBool,
    /// How deeply a result may be nested.
    pub(crate) max_depth: usize,
    process: Process,
    pub(crate) inner: Weak<ServerState>,
    pub(crate) mode: Mode,
    /// The functions that run if the call is cancelled.
    pub(crate) watches: OnceLock<Mutex<Vec<Arc<CancelWatch>>>>,
    /// Whether the call continues after its callback has returned.
    pub(crate) outlives: AtomicBool,
    /// Texts that were lent to the program, by name.
    lent: Copies,
    /// Bytes that were lent to the program, by name.
    lent_bytes: CopiedBytes,
    /// The call's place in its chain, if it has middleware.
    pub(crate) position: Option<Box<ChainPosition>>,
    // Last, and never read: it keeps the program's data alive as long as the call.
    _handler: Arc<Handler>,
}

/// A call as the library and the program share it.
pub(crate) type SharedCall = Arc<Tagged<tenon_call>>;

/// The state of the program's work on its call.
#[derive(Default)]
pub(crate) struct Progress {
    pub(crate) completed: bool,
    /// Whether a question was asked. Then the attempt ends with it unless the call is completed.
    pub(crate) suspended: bool,
    retained: bool,
    /// The last failure, because of which the program may be about to return.
    reason: Option<Reason>,
}

impl Progress {
    /// Sets whether the program keeps the call.
    pub(crate) fn keep(&mut self, kept: bool) {
        self.retained = kept;
    }

    pub(crate) fn is_kept(&self) -> bool {
        self.retained
    }
}

/// The outcome of a call if its callback returns because of a failure.
pub(crate) struct Reason {
    pub(crate) outcome: Outcome,
    /// Whether the failure was caused by the program, and not by the client.
    pub(crate) own: bool,
}

impl tenon_call {
    pub(crate) fn new(
        (inner, port): (Weak<ServerState>, HostPort),
        (call, mode): (HostCall, Mode),
        (handler, position): (Arc<Handler>, Option<Box<ChainPosition>>),
        max_depth: usize,
        process: Process,
    ) -> tenon_call {
        tenon_call {
            port,
            id: call.id,
            context: call.context,
            arguments: Fields::new("argument", call.input),
            progress: Mutex::default(),
            reasoned: AtomicBool::new(false),
            max_depth,
            process,
            inner,
            mode,
            watches: OnceLock::new(),
            outlives: AtomicBool::new(false),
            lent: Copies::default(),
            lent_bytes: CopiedBytes::default(),
            position,
            _handler: handler,
        }
    }

    /// The same call for another callback of its chain.
    pub(crate) fn at_position(
        &self,
        input: JsonSlice,
        handler: Arc<Handler>,
        position: Box<ChainPosition>,
    ) -> tenon_call {
        tenon_call {
            port: self.port.clone(),
            id: self.id,
            context: self.context.clone(),
            arguments: Fields::new("argument", input),
            progress: Mutex::default(),
            reasoned: AtomicBool::new(false),
            max_depth: self.max_depth,
            process: self.process,
            inner: self.inner.clone(),
            mode: self.mode,
            watches: OnceLock::new(),
            outlives: AtomicBool::new(false),
            lent: Copies::default(),
            lent_bytes: CopiedBytes::default(),
            position: Some(position),
            _handler: handler,
        }
    }

    /// A failure that names the entry that was called.
    pub(crate) fn named(&self, failure: Failure) -> Failure {
        failure.of(&self.context.entry.to_string())
    }

    /// Whether the client waits for the result.
    fn is_awaited(&self) -> bool {
        !matches!(self.context.entry.kind, Kind::Notification | Kind::Hook)
    }

    /// Text that lives as long as the call, made once for each name.
    pub(crate) fn lend(&self, name: &str, make: impl FnOnce() -> Result<JsonSlice>) -> Result<&[u8]> {
        self.lent.get(name, || Ok(Copied::new(name, make()?.as_str()))).map(str::as_bytes)
    }

    /// Bytes among the arguments. They live as long as the call.
    pub(crate) fn argument_bytes(&self, name: &str) -> Result<&[u8]> {
        self.lent_bytes.get(name, || self.arguments.bytes(name))
    }

    pub(crate) fn check_fork(&self) -> Result<()> {
        if self.process.is_this() {
            return Ok(());
        }
        Err(Failure::new(
            TENON_ERR_FORKED,
            "the call belongs to the parent process; a forked child cannot use it",
        ))
    }

    pub(crate) fn complete(&self, outcome: Outcome) -> Result<tenon_status> {
        self.check_fork()?;
        let first = !std::mem::replace(&mut self.progress.lock().completed, true);
        if first && self.end(outcome).is_ok() {
            return Ok(TENON_OK);
        }
        Err(Failure::stale())
    }

    /// Whether the program has ended the call, here or in another callback of its chain.
    pub(crate) fn was_completed(&self) -> bool {
        self.progress.lock().completed
            || self.position.as_ref().is_some_and(|position| position.was_completed())
    }

    /// Passes on the result of a step. A failure is stored as the reason, in case the callback returns because of it. A
    /// later success removes the reason.
    pub(crate) fn record_failure<T>(&self, result: Result<T>) -> Result<T> {
        match &result {
            Ok(_) => self.clear_reason(),
            Err(failure) if matches!(failure.status, TENON_ERR_STALE | TENON_ERR_FORKED) => {}
            Err(failure) => {
                self.set_reason(Reason { outcome: Outcome::Exception(failure.message.clone()), own: true });
            }
        }
        result
    }

    /// Removes the failure of an earlier step.
    pub(crate) fn clear_reason(&self) {
        if self.reasoned.load(Ordering::Relaxed) {
            self.reasoned.store(false, Ordering::Relaxed);
            self.progress.lock().reason = None;
        }
    }

    pub(crate) fn set_reason(&self, reason: Reason) {
        self.progress.lock().reason = Some(reason);
        self.reasoned.store(true, Ordering::Relaxed);
    }

    pub(crate) fn retain(&self) {
        self.clear_reason();
        self.outlives.store(true, Ordering::Release);
        self.progress.lock().retained = true;
    }

    pub(crate) fn report(&self, event: Event) -> Result<()> {
        self.check_fork()?;
        self.clear_reason();
        self.port.emit(self.id, event).map_err(|_| Failure::stale())
    }

    pub(crate) fn close_stream(&self) -> Result<bool> {
        self.check_fork()?;
        self.clear_reason();
        self.port.close_stream(self.id).map_err(|_| Failure::stale())
    }

    pub(crate) fn has_ended(&self) -> bool {
        self.check_fork().is_err() || self.port.is_cancelled(self.id)
    }
}

impl Drop for tenon_call {
    fn drop(&mut self) {
        self.end_uncompleted();
        // The call's callback has ended earlier.
        if *self.outlives.get_mut()
            && self.process.is_this()
            && let Some(inner) = self.inner.upgrade()
        {
            inner.drop_unmounted();
        }
    }
}

impl tenon_call {
    /// Ends a call that was not completed.
    fn end_uncompleted(&mut self) {
        let awaited = self.is_awaited();
        let progress = self.progress.get_mut();
        if progress.completed || !self.process.is_this() {
            return;
        }
        let (suspended, retained, reason) = (progress.suspended, progress.retained, progress.reason.take());
        let entry = &self.context.entry;
        if suspended {
            let _ = self.end(Outcome::Suspend);
            return;
        }
        if let (None, Some(rest_outcome)) =
            (&reason, self.position.as_ref().and_then(|position| position.rest_outcome()))
        {
            let _ = self.end(rest_outcome);
            return;
        }
        if reason.is_none() && !awaited {
            let _ = self.end(Outcome::Text(String::new()));
            return;
        }
        let Reason { outcome, own } = reason.unwrap_or_else(|| {
            let why = if retained {
                format!("the call of {entry} was released without being completed")
            } else {
                format!("the handler of {entry} returned without completing the call")
            };
            Reason { outcome: Outcome::Exception(why), own: true }
        });
        let message = match &outcome {
            Outcome::Failed(why) | Outcome::Exception(why) if own => Some(format!("{entry}: {why}")),
            _ => None,
        };
        if self.end(outcome).is_ok()
            && let Some(message) = message
        {
            self.port.log(LogLevel::Error, LOG_TARGET, &message);
        }
    }
}
