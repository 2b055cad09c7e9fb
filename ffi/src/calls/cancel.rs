//! Cancel callbacks, which run if a call ends before the program completes it, and the thread that runs them.

use crate::abi::guard::*;
use crate::abi::status::*;
use crate::abi::thread;
use crate::calls::call::tenon_call;
use crate::calls::reentrancy::Inside;
use crate::entries::handlers::{Mode, UserData, tenon_destroy_fn};
use crate::servers::state::server_state::ServerState;
use std::collections::VecDeque;
use std::ffi::c_void;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Weak};
use std::thread::JoinHandle;
use tenon_mcp::locks::{Condvar, Mutex};
use tenon_mcp::{Parker, Threads, Wake};

/// A function that runs if a call ends before the program completes it. `user_data` is the pointer that
/// tenon_call_on_cancel() got.
pub type tenon_cancel_fn = Option<unsafe extern "C" fn(user_data: *mut c_void)>;

/// Registers `callback`, which runs once if the call ends before the program completes it: the client cancels it or
/// disconnects, it times out, or the server closes. It can wake a callback that waits for something else. A result that
/// this callback then completes the call with is dropped. A call may have several such functions; they run in order.
///
/// `callback` runs on a thread that the library uses only for such functions, concurrently with the call's own
/// callback. If the call's own callback is in TENON_MODE_POLL, it runs only in tenon_server_poll(), tenon_server_run()
/// and tenon_server_exchange(). It should be short, because the functions of other calls wait for it. If the call was
/// cancelled before, it runs at once, inside this function. It does not run if the program completes the call, or if
/// its attempt ends with a question.
///
/// `callback` does not start or run once the library has noticed that the call's own callback has returned. The
/// exceptions are a call that is kept by tenon_call_retain(), and a call that waits for the outcome of
/// tenon_call_next(). But local variables of the call's own callback are gone a moment earlier, when `callback` may
/// still run. So `user_data` must not be one of them, nor refer to them. It must live until `destroy`.
///
/// `destroy` runs exactly once in every case: after `callback`, as soon as `callback` cannot run any more, or at once
/// if this function fails. Both `user_data` and `destroy` may be NULL.
///
/// Fails with TENON_ERR_STALE if the program has completed the call, and with TENON_ERR_IO if the thread cannot be
/// started.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tenon_call_on_cancel(
    call: *mut tenon_call,
    callback: tenon_cancel_fn,
    user_data: *mut c_void,
    destroy: tenon_destroy_fn,
) -> tenon_status {
    entry!(data = user_data(user_data, destroy), call = object(call) => {
        let function = callback.ok_or_else(|| Failure::null("callback"))?;
        call.on_cancel(CancelCallback { function, data })?;
        Ok(TENON_OK)
    })
}

/// The program's function with its data.
struct CancelCallback {
    function: unsafe extern "C" fn(*mut c_void),
    data: UserData,
}

impl CancelCallback {
    fn run(self) {
        // SAFETY: the program passed this function, of this type, with `data`, which is not destroyed before the end.
        unsafe { (self.function)(self.data.pointer) };
    }
}

/// A function that runs if its call is cancelled. The engine runs it or drops it. The call drops it when its callback
/// returns.
pub(crate) struct CancelWatch {
    state: Mutex<State>,
    over: Condvar,
}

enum State {
    Waiting(CancelCallback),
    Running,
    Done,
}

impl CancelWatch {
    fn new(callback: CancelCallback) -> Arc<CancelWatch> {
        Arc::new(CancelWatch { state: Mutex::new(State::Waiting(callback)), over: Condvar::new() })
    }

    /// Takes the function out if it still waits, and replaces it by `then`.
    fn take(&self, then: State) -> Option<CancelCallback> {
        let mut state = self.state.lock();
        if !matches!(*state, State::Waiting(_)) {
            return None;
        }
        match std::mem::replace(&mut *state, then) {
            State::Waiting(callback) => Some(callback),
            State::Running | State::Done => None,
        }
    }

    fn run(&self) {
        if let Some(callback) = self.take(State::Running) {
            callback.run();
            *self.state.lock() = State::Done;
            self.over.notify_all();
        }
    }

    /// Prevents it from starting.
    pub(crate) fn give_up(&self) {
        // `destroy` runs here, outside of the lock.
        drop(self.take(State::Done));
    }

    /// Prevents it from starting, and waits until it has finished.
    fn end(&self) {
        self.give_up();
        let mut state = self.state.lock();
        while matches!(*state, State::Running) {
            self.over.wait(&mut state);
        }
    }
}

/// The engine's reference to a watch. It drops the function unless it fires.
struct EngineWatch {
    watch: Option<Arc<CancelWatch>>,
    inner: Weak<ServerState>,
    mode: Mode,
}

impl EngineWatch {
    /// The call was cancelled. This may run on any thread of the engine, so another thread runs the function.
    fn fire(mut self) {
        if let Some(inner) = self.inner.upgrade()
            && let Some(watch) = self.watch.take()
        {
            inner.cancelled(self.mode, watch);
        }
    }
}

impl Drop for EngineWatch {
    fn drop(&mut self) {
        if let Some(watch) = &self.watch {
            watch.give_up();
        }
    }
}

impl tenon_call {
    fn on_cancel(&self, callback: CancelCallback) -> Result<()> {
        self.check_fork()?;
        self.clear_reason();
        let inner = self.inner.upgrade();
        if let Some(inner) = &inner {
            inner.prepare_cancel(self.mode)?;
        }
        let watch = CancelWatch::new(callback);
        // This comes first, because the watch may fire at once, and the call must have it before.
        self.watches.get_or_init(Mutex::default).lock().push(watch.clone());
        let engine_watch =
            EngineWatch { watch: Some(watch.clone()), inner: self.inner.clone(), mode: self.mode };
        let Err(refused) = self.port.on_cancel(self.id, Box::new(move || engine_watch.fire())) else {
            return Ok(());
        };
        if self.was_completed() {
            return Err(Failure::stale());
        }
        // The function is run here, and not dropped with `refused`.
        let callback = watch.take(State::Done);
        drop(refused);
        if let Some(callback) = callback {
            let _inside = inner.map(|inner| Inside::enter(inner.address(), Inside::is_inline()));
            callback.run();
        }
        Ok(())
    }

    /// Reports that the callback has returned. Unless the call is kept, its functions no longer start, and this waits
    /// for those that are running.
    pub(crate) fn end_watches(&self) {
        if let Some(watches) = self.watches.get()
            && !self.outlives.load(Ordering::Acquire)
        {
            let watches = std::mem::take(&mut *watches.lock());
            watches.iter().for_each(|watch| watch.end());
        }
    }
}

/// The thread that runs the cancel functions of worker and inline callbacks.
#[derive(Default)]
pub(crate) struct CancelThread {
    waiting: Mutex<VecDeque<Arc<CancelWatch>>>,
    parker: Parker,
    thread: Mutex<Thread>,
}

#[derive(Default)]
enum Thread {
    #[default]
    None,
    Running(JoinHandle<()>),
    /// The server has ended, and with it all its calls.
    Stopped,
}

impl CancelThread {
    /// Starts the thread if it is not running. Most servers never need it.
    pub(crate) fn ensure(self: &Arc<Self>, inner: &Arc<ServerState>, threads: &Threads) -> Result<()> {
        let mut thread = self.thread.lock();
        if matches!(*thread, Thread::None) {
            let (cancels, inner) = (self.clone(), inner.clone());
            let work = move || cancels.work(&inner);
            *thread = Thread::Running(thread::spawn(Some(threads), "tenon-cancel".to_owned(), work)?);
        }
        Ok(())
    }

    pub(crate) fn push(&self, watch: Arc<CancelWatch>) {
        self.waiting.lock().push_back(watch);
        self.parker.wake();
    }

    fn work(&self, inner: &ServerState) {
        loop {
            let open = self.parker.park();
            // This is a separate statement, so that no lock is held while the function runs.
            while let Some(watch) = self.next() {
                inner.run_cancelled(&watch);
            }
            if !open {
                return;
            }
        }
    }

    fn next(&self) -> Option<Arc<CancelWatch>> {
        self.waiting.lock().pop_front()
    }

    /// Runs the waiting functions, and ends the thread.
    pub(crate) fn stop(&self) {
        self.parker.close();
        let thread = std::mem::replace(&mut *self.thread.lock(), Thread::Stopped);
        if let Thread::Running(thread) = thread {
            let _ = thread.join();
        }
        while let Some(watch) = self.next() {
            watch.give_up();
        }
    }
}

impl ServerState {
    /// Starts the thread that runs cancel functions of calls in this mode, if it does not exist.
    fn prepare_cancel(self: &Arc<Self>, mode: Mode) -> Result<()> {
        match mode {
            Mode::Poll => Ok(()),
            Mode::Worker | Mode::Inline | Mode::Store | Mode::Access => self
                .started()
                .and_then(|started| started.cancel_thread.ensure(self, started.server.engine().threads())),
        }
    }

    fn cancelled(&self, mode: Mode, watch: Arc<CancelWatch>) {
        match (self.started(), mode) {
            (Err(_), _) => watch.give_up(),
            (Ok(started), Mode::Poll) => started.poll.cancelled(watch),
            (Ok(started), _) => started.cancel_thread.push(watch),
        }
    }

    /// Runs a function whose call was cancelled.
    pub(crate) fn run_cancelled(&self, watch: &CancelWatch) {
        match self.enter() {
            Some(_guard) => {
                let _inside = Inside::enter(self.address(), false);
                watch.run();
            }
            None => watch.give_up(),
        }
    }
}
