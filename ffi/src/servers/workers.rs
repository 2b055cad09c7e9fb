//! Worker threads: the default place for callbacks.

use crate::abi::guard::Result;
use crate::abi::thread;
use crate::entries::handlers::Mode;
use crate::servers::state::server_state::ServerState;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Weak};
use std::thread::JoinHandle;
use std::time::Duration;
use tenon_mcp::__private::pass_fault;
use tenon_mcp::locks::Mutex;
use tenon_mcp::{HostCall, HostOp, HostPort, Lane, Parker, Threads, Wake};

pub(crate) struct Workers {
    shared: Arc<Shared>,
    threads: Mutex<Running>,
    settings: Threads,
    most: AtomicUsize,
    started: AtomicUsize,
}

#[derive(Default)]
struct Running {
    running: Vec<JoinHandle<()>>,
    stopped: bool,
}

struct Shared {
    port: HostPort,
    mode: Mode,
    lane: Lane,
    parker: Arc<Parker>,
    /// The number of threads that run a call.
    busy: AtomicUsize,
}

/// Wakes a worker, and starts one more if all are busy.
pub(crate) struct WorkerWake {
    pub(crate) inner: Weak<ServerState>,
    pub(crate) parker: Arc<Parker>,
    /// Whether there was work, perhaps before the server had started.
    pub(crate) woken: Arc<AtomicBool>,
}

impl Wake for WorkerWake {
    fn wake(&self) {
        self.woken.store(true, Ordering::SeqCst);
        self.parker.wake();
        if let Some(inner) = self.inner.upgrade() {
            inner.grow_workers();
        }
    }
}

impl Workers {
    /// Starts no thread yet. Calls are queued, and wake the waker that `wake` makes from the threads' parker.
    pub(crate) fn new(
        port: &HostPort,
        mode: Mode,
        settings: &Threads,
        wake: impl FnOnce(Arc<Parker>) -> Arc<dyn Wake>,
    ) -> Workers {
        let parker = Arc::new(Parker::new());
        let lane = port.lane(mode.lane(), wake(parker.clone()));
        let shared = Arc::new(Shared { port: port.clone(), mode, lane, parker, busy: AtomicUsize::new(0) });
        let (threads, most, started) = Default::default();
        Workers { shared, threads, settings: settings.clone(), most, started }
    }

    /// Allows up to `most` threads from now on. They start as calls need them.
    pub(crate) fn allow(&self, most: usize) {
        self.most.fetch_max(most, Ordering::SeqCst);
    }

    /// Starts one more thread if all are busy. Fails if there is no thread and none can be started.
    pub(crate) fn grow(&self, inner: &Arc<ServerState>) -> Result<()> {
        let enough = |started| {
            started >= self.most.load(Ordering::SeqCst)
                || started > 0 && self.shared.busy.load(Ordering::SeqCst) < started
        };
        if enough(self.started.load(Ordering::SeqCst)) {
            return Ok(());
        }
        let mut threads = self.threads.lock();
        // A thread that was just started may be busy already.
        let started = threads.running.len();
        if threads.stopped || enough(started) {
            return Ok(());
        }
        let grown = self.start(inner, &mut threads);
        if started > 0 { Ok(()) } else { grown }
    }

    /// Starts threads until there are `count`.
    pub(crate) fn ensure(&self, inner: &Arc<ServerState>, count: usize) -> Result<()> {
        let mut threads = self.threads.lock();
        while threads.running.len() < count && !threads.stopped {
            self.start(inner, &mut threads)?;
        }
        Ok(())
    }

    fn start(&self, inner: &Arc<ServerState>, threads: &mut Running) -> Result<()> {
        let (shared, inner) = (self.shared.clone(), inner.clone());
        let name = match self.shared.mode {
            Mode::Store => "tenon-store".to_owned(),
            Mode::Inline => "tenon-inline".to_owned(),
            Mode::Access => format!("tenon-access-{}", threads.running.len() + 1),
            _ => format!("tenon-worker-{}", threads.running.len() + 1),
        };
        threads.running.push(thread::spawn(Some(&self.settings), name, move || shared.work(&inner))?);
        self.started.store(threads.running.len(), Ordering::SeqCst);
        Ok(())
    }

    /// Ends the threads and waits for them.
    pub(crate) fn stop(&self) {
        self.shared.parker.close();
        let running = {
            let mut threads = self.threads.lock();
            threads.stopped = true;
            std::mem::take(&mut threads.running)
        };
        for thread in running {
            // Panics are caught in the worker; if one was not, the thread has ended.
            let _ = thread.join();
        }
    }

    /// Passes the queued calls to `refuse`.
    pub(crate) fn drain(&self, refuse: impl Fn(HostCall)) {
        let mut ops = Vec::new();
        self.shared.lane.drain(usize::MAX, Duration::MAX, &mut ops);
        for op in ops {
            if let HostOp::Call(call) = op {
                refuse(call);
            }
        }
    }
}

impl Shared {
    /// Takes one call at a time, so that a callback that blocks delays no other call. If calls are left, the next
    /// worker is woken.
    fn work(&self, inner: &Arc<ServerState>) {
        let mut ops = Vec::new();
        while self.parker.park() {
            self.busy.fetch_add(1, Ordering::SeqCst);
            loop {
                self.lane.drain(1, Duration::ZERO, &mut ops);
                let Some(op) = ops.pop() else { break };
                let lost = op.awaited_by();
                let take = || {
                    pass_fault("take");
                    inner.take(op, self.mode);
                };
                // If a panic ended the thread, it would still be counted as busy.
                self.port.guard("the start of a call", take, || lost.into_iter().collect());
            }
            self.busy.fetch_sub(1, Ordering::SeqCst);
        }
    }
}
