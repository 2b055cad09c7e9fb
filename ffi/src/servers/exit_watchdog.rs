//! Ends the process after tenon_server_run() if a callback in TENON_MODE_POLL keeps that function from returning.

use crate::abi::signals;
use crate::abi::signals::RunId;
use crate::abi::thread;
use crate::servers::started::Started;
use crate::servers::state::server_state::ServerState;
use nix::libc;
use std::sync::{Arc, Weak};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use tenon_mcp::locks::{Condvar, Mutex};
use tenon_mcp::{Running, Wake};

/// How long callbacks may run after the end of their server.
const CALLBACK_TIMEOUT: Duration = Duration::from_millis(500);

/// One tenon_server_run() until it returns.
pub(crate) struct ExitWatchdog(Arc<Run>);

struct Run {
    id: RunId,
    inner: Weak<ServerState>,
    running: Running,
    process: u32,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    returned: bool,
    watcher: Option<JoinHandle<()>>,
}

/// The end of the server.
struct EndWake(Arc<Run>);

impl ExitWatchdog {
    pub(crate) fn new(id: RunId, inner: &Arc<ServerState>, running: &Running) -> ExitWatchdog {
        let run = Arc::new(Run {
            id,
            inner: Arc::downgrade(inner),
            running: running.clone(),
            process: std::process::id(),
            state: Mutex::default(),
            changed: Condvar::new(),
        });
        running.on_closed(Arc::new(EndWake(run.clone())));
        ExitWatchdog(run)
    }
}

impl Drop for ExitWatchdog {
    fn drop(&mut self) {
        // A process that was forked in a callback has no watcher, and the lock may never be released there.
        if self.0.process != std::process::id() {
            return;
        }
        let watcher = {
            let mut state = self.0.state.lock();
            state.returned = true;
            state.watcher.take()
        };
        self.0.changed.notify_all();
        if let Some(watcher) = watcher {
            let _ = watcher.join();
        }
    }
}

impl Wake for EndWake {
    fn wake(&self) {
        let run = self.0.clone();
        let mut state = self.0.state.lock();
        if !state.returned {
            // Without a thread the process waits for its callback.
            state.watcher = thread::spawn(None, "tenon-exit".to_owned(), move || run.watch()).ok();
        }
    }
}

impl Run {
    /// Ends the process after the timeout, if a callback keeps the run from returning. It does not do so while the
    /// server of another run still serves.
    fn watch(&self) {
        let mut state = self.state.lock();
        loop {
            let end = Instant::now() + CALLBACK_TIMEOUT;
            while !state.returned && !self.changed.wait_until(&mut state, end).timed_out() {}
            if state.returned || !self.is_for_the_process() {
                return;
            }
            if self.is_delayed() && !signals::others_serve(self.id) {
                // SAFETY: ends the process without running the program's code. The lock is held, so the program cannot
                // have begun anything that comes after the run.
                unsafe { libc::_exit(self.running.exit_code().into()) };
            }
        }
    }

    /// Whether a callback runs. If none runs, the run returns soon.
    fn is_delayed(&self) -> bool {
        self.started(|started| started.poll.is_inside())
    }

    /// Whether the end of the server also ends the process. It does not if the program itself closed the server.
    fn is_for_the_process(&self) -> bool {
        signals::was_signalled(self.id) || self.started(|started| !started.was_closed())
    }

    fn started(&self, ask: impl FnOnce(&Started) -> bool) -> bool {
        self.inner.upgrade().is_some_and(|inner| inner.started().is_ok_and(ask))
    }
}
