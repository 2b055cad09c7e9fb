//! Poll mode: callbacks run on a thread of the program, in its own main loop.

use crate::abi::guard::Result;
use crate::abi::status::Failure;
use crate::calls::cancel::CancelWatch;
use crate::entries::handlers::Mode;
use crate::servers::state::server_state::ServerState;
use crate::transports::pipe::PipeWake;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fd::{AsRawFd, RawFd};
use rustix::io::Errno;
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use tenon_mcp::locks::Mutex;
use tenon_mcp::{HostCall, HostOp, HostPort, Lane, LaneId, Running, Wake};

/// How many callbacks one poll runs by default. It is limited because a main loop has other work.
const BATCH: usize = 64;

pub(crate) struct PollLane {
    lane: Lane,
    wake: Arc<PipeWake>,
    /// How long one poll starts callbacks.
    budget: Duration,
    /// Calls that were drained and not started. Shared, so that a poll inside a callback finds the calls that the outer
    /// one has drained.
    ready: Mutex<VecDeque<HostOp>>,
    /// Cancel functions that are waiting to run.
    cancelled: Mutex<VecDeque<Arc<CancelWatch>>>,
    waiting: AtomicUsize,
    /// The number of callbacks that run now.
    inside: AtomicUsize,
}

/// One piece of work.
enum Work {
    Op(HostOp),
    Cancelled(Arc<CancelWatch>),
}

/// The result of a poll.
pub(crate) enum Polled {
    Handled(usize),
    Ended,
}

impl PollLane {
    pub(crate) fn new(port: &HostPort, lane: LaneId, budget: Duration) -> Result<PollLane> {
        let wake = Arc::new(PipeWake::new()?);
        let lane = port.lane(lane, wake.clone());
        let (waiting, inside) = Default::default();
        let (ready, cancelled) = Default::default();
        Ok(PollLane { lane, wake, budget, ready, cancelled, waiting, inside })
    }

    pub(crate) fn descriptor(&self) -> RawFd {
        self.wake.descriptor().as_raw_fd()
    }

    /// Whether a callback runs now.
    pub(crate) fn is_inside(&self) -> bool {
        self.inside.load(Ordering::Relaxed) > 0
    }

    pub(crate) fn wake(&self) -> Arc<dyn Wake> {
        self.wake.clone()
    }

    /// Drains each time, even if a call is ready. The caller may have consumed the byte that signalled more calls, and
    /// while it is inside a callback no other thread would fetch them.
    fn take(&self) -> Option<Work> {
        if let Some(watch) = self.next_cancelled() {
            return Some(Work::Cancelled(watch));
        }
        let mut ops = Vec::new();
        let mut ready = self.ready.lock();
        self.lane.drain(BATCH, self.budget, &mut ops);
        ready.extend(ops);
        let op = ready.pop_front();
        // Another thread that polls may take the other calls while this one is in a callback.
        if !ready.is_empty() && self.waiting.load(Ordering::SeqCst) > 0 {
            self.wake.wake();
        }
        op.map(Work::Op)
    }

    fn next_cancelled(&self) -> Option<Arc<CancelWatch>> {
        self.cancelled.lock().pop_front()
    }

    /// Notes that a call was cancelled. The next poll runs its cancel function.
    pub(crate) fn cancelled(&self, watch: Arc<CancelWatch>) {
        self.cancelled.lock().push_back(watch);
        self.wake.wake();
    }

    /// Drops the waiting cancel functions, because no thread polls any more.
    pub(crate) fn give_up(&self) {
        while let Some(watch) = self.next_cancelled() {
            watch.give_up();
        }
    }

    /// Does one piece of work.
    fn run(&self, inner: &Arc<ServerState>, work: Work) {
        self.inside.fetch_add(1, Ordering::Relaxed);
        match work {
            Work::Op(op) => inner.take(op, Mode::Poll),
            Work::Cancelled(watch) => inner.run_cancelled(&watch),
        }
        self.inside.fetch_sub(1, Ordering::Relaxed);
    }

    /// Runs the waiting callbacks. If there is none, waits for one.
    pub(crate) fn poll(
        &self,
        inner: &Arc<ServerState>,
        running: &Running,
        max: usize,
        timeout: Option<Duration>,
    ) -> Result<Polled> {
        let max = if max == 0 { BATCH } else { max };
        let end = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
        loop {
            self.wake.reset();
            let closed = running.is_closed();
            let begin = Instant::now();
            let mut handled = 0;
            while let Some(work) = self.take() {
                let work = match work {
                    Work::Op(op) if !matches!(op, HostOp::Call(_) | HostOp::Next { .. }) => {
                        inner.handle_other(op);
                        continue;
                    }
                    work => work,
                };
                handled += 1;
                self.run(inner, work);
                if handled == max || begin.elapsed() >= self.budget {
                    // There may be more work, and the reset has consumed the byte that signalled it.
                    self.wake.wake();
                    break;
                }
            }
            if closed {
                // The descriptor stays readable, so that a main loop polls again and notices the end.
                self.wake.wake();
            }
            if handled > 0 {
                return Ok(Polled::Handled(handled));
            }
            if closed {
                return Ok(Polled::Ended);
            }
            let left = end.map(|end| end.saturating_duration_since(Instant::now()));
            if left.is_some_and(|left| left.is_zero()) || !self.wait(left)? {
                return Ok(Polled::Handled(0));
            }
        }
    }

    /// Runs callbacks until `done` returns true. Returns `false` if `end` passes before that. A thread that changes the
    /// result of `done` must wake `news`. Several threads may wait on the same `news`.
    pub(crate) fn until(
        &self,
        inner: &Arc<ServerState>,
        news: &PipeWake,
        end: Option<Instant>,
        done: impl Fn() -> bool,
    ) -> Result<bool> {
        let outcome = loop {
            news.reset();
            if done() {
                // Wakes the other threads that wait for the same news.
                news.wake();
                break Ok(true);
            }
            self.wake.reset();
            if let Some(work) = self.take() {
                self.run(inner, work);
                self.wake.wake();
                continue;
            }
            let left = end.map(|end| end.saturating_duration_since(Instant::now()));
            if left.is_some_and(|left| left.is_zero()) {
                break Ok(false);
            }
            if let Err(failure) = self.wait_for(left, Some(news)) {
                break Err(failure);
            }
        };
        // The byte may also have signalled a call or the end to another thread that polls.
        self.wake.wake();
        outcome
    }

    /// Waits for work. Returns `false` if a signal handler ran meanwhile.
    fn wait(&self, timeout: Option<Duration>) -> Result<bool> {
        self.wait_for(timeout, None)
    }

    /// Waits for work or for news.
    fn wait_for(&self, timeout: Option<Duration>, news: Option<&PipeWake>) -> Result<bool> {
        let timeout = timeout.map(|timeout| Timespec {
            tv_sec: timeout.as_secs().try_into().unwrap_or(i64::MAX),
            tv_nsec: timeout.subsec_nanos().into(),
        });
        self.waiting.fetch_add(1, Ordering::SeqCst);
        // Another thread may have drained calls and not started them before it saw this thread waiting.
        if !self.ready.lock().is_empty() || !self.cancelled.lock().is_empty() {
            self.wake.wake();
        }
        let watched = |wake| PollFd::new(PipeWake::descriptor(wake), PollFlags::IN);
        let mut descriptors = [watched(&self.wake), watched(news.unwrap_or(&self.wake))];
        let count = if news.is_some() { 2 } else { 1 };
        let result = poll(&mut descriptors[..count], timeout.as_ref());
        self.waiting.fetch_sub(1, Ordering::SeqCst);
        match result {
            Ok(_) => Ok(true),
            Err(Errno::INTR) => Ok(false),
            Err(error) => Err(Failure::io("poll", error)),
        }
    }

    /// Passes incoming calls to `refuse`. Returns `true` until the server has ended.
    pub(crate) fn wait_closed(&self, running: &Running, refuse: impl Fn(HostCall)) -> bool {
        self.wake.reset();
        let closed = running.is_closed();
        while let Some(work) = self.take() {
            match work {
                Work::Op(HostOp::Call(call)) => refuse(call),
                Work::Op(_) => {}
                Work::Cancelled(watch) => watch.give_up(),
            }
        }
        if closed {
            // Wakes threads that poll although they must not, so that they return.
            self.wake.wake();
        } else {
            // A signal or a spurious wake only causes another round.
            let _ = self.wait(None);
        }
        !closed
    }
}
