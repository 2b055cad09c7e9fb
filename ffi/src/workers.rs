//! Worker threads: the default place for callbacks.

use crate::guard::Result;
use crate::inner::Inner;
use crate::thread;
use parking_lot::Mutex;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;
use tenon_mcp::{HostOp, HostPort, Lane, LaneId, Parker};

pub(crate) struct Workers {
    shared: Arc<Shared>,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

struct Shared {
    lane: Lane,
    parker: Arc<Parker>,
}

impl Workers {
    /// No thread yet; calls are queued.
    pub(crate) fn new(port: &HostPort, lane: LaneId) -> Workers {
        let parker = Arc::new(Parker::new());
        let lane = port.lane(lane, parker.clone());
        Workers { shared: Arc::new(Shared { lane, parker }), threads: Mutex::default() }
    }

    /// Starts the threads, once.
    pub(crate) fn ensure(&self, inner: &Arc<Inner>, count: usize) -> Result<()> {
        let mut threads = self.threads.lock();
        while threads.len() < count {
            let (shared, inner) = (self.shared.clone(), inner.clone());
            let name = format!("tenon-worker-{}", threads.len() + 1);
            threads.push(thread::spawn(name, move || shared.work(&inner))?);
        }
        Ok(())
    }

    /// Ends the threads and waits for them.
    pub(crate) fn stop(&self) {
        self.shared.parker.close();
        for thread in std::mem::take(&mut *self.threads.lock()) {
            // A worker catches nothing that could panic; if one did, it has ended.
            let _ = thread.join();
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
                if let HostOp::Call(call) = op {
                    inner.run(call, false);
                }
            }
        }
    }
}
