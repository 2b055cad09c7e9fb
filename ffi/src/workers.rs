//! Worker threads: the default place for callbacks.

use crate::guard::Result;
use crate::handlers::Mode;
use crate::inner::Inner;
use crate::thread;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;
use tenon_mcp::locks::Mutex;
use tenon_mcp::{HostCall, HostOp, HostPort, Lane, Parker, Wake};

pub(crate) struct Workers {
    shared: Arc<Shared>,
    threads: Mutex<Threads>,
}

#[derive(Default)]
struct Threads {
    running: Vec<JoinHandle<()>>,
    stopped: bool,
}

struct Shared {
    mode: Mode,
    lane: Lane,
    parker: Arc<Parker>,
}

impl Workers {
    /// No thread yet; calls are queued, and wake what `wake` makes of the threads' parker.
    pub(crate) fn new(
        port: &HostPort,
        mode: Mode,
        wake: impl FnOnce(Arc<Parker>) -> Arc<dyn Wake>,
    ) -> Workers {
        let parker = Arc::new(Parker::new());
        let lane = port.lane(mode.lane(), wake(parker.clone()));
        Workers { shared: Arc::new(Shared { mode, lane, parker }), threads: Mutex::default() }
    }

    /// Starts threads until there are so many.
    pub(crate) fn ensure(&self, inner: &Arc<Inner>, count: usize) -> Result<()> {
        let mut threads = self.threads.lock();
        while threads.running.len() < count && !threads.stopped {
            let (shared, inner) = (self.shared.clone(), inner.clone());
            let name = format!("tenon-worker-{}", threads.running.len() + 1);
            threads.running.push(thread::spawn(name, move || shared.work(&inner))?);
        }
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
            // A worker catches nothing that could panic; if one did, it has ended.
            let _ = thread.join();
        }
    }

    /// Hands what is queued to `refuse`.
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
    /// One call at a time, so that a callback that blocks holds up no other; what is left wakes the next worker.
    fn work(&self, inner: &Arc<Inner>) {
        let mut ops = Vec::new();
        while self.parker.park() {
            loop {
                self.lane.drain(1, Duration::ZERO, &mut ops);
                let Some(op) = ops.pop() else { break };
                inner.take(op, self.mode);
            }
        }
    }
}
