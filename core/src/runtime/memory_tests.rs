//! A pipe in memory, for tests of transports that do not use a descriptor.

use crate::locks::{Condvar, Mutex};
use crate::runtime::threads::executor::Executor;
use crate::runtime::transport::interface::ServeContext;
use crate::runtime::transport::lifecycle::Lifecycle;
use crate::server::Server;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

const TEST_TIMEOUT: Duration = Duration::from_secs(10);

/// One direction of the pipe.
#[derive(Default)]
pub(super) struct Pipe {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    bytes: Vec<u8>,
    ended: bool,
    waker: Option<Waker>,
}

impl Pipe {
    pub(super) fn write(&self, bytes: &[u8]) {
        self.change(|state| state.bytes.extend_from_slice(bytes));
    }

    /// Marks the end of the pipe: nothing more is written.
    pub(super) fn end(&self) {
        self.change(|state| state.ended = true);
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        let waker = {
            let mut state = self.state.lock();
            change(&mut state);
            state.waker.take()
        };
        self.changed.notify_all();
        waker.into_iter().for_each(Waker::wake);
    }

    /// Waits for bytes. Returns `true` if there are bytes to read, and `false` at the end of the pipe.
    pub(super) fn poll_sent(&self, task: &Context<'_>) -> Poll<bool> {
        let mut state = self.state.lock();
        if state.bytes.is_empty() && !state.ended {
            state.waker = Some(task.waker().clone());
            return Poll::Pending;
        }
        Poll::Ready(!state.bytes.is_empty())
    }

    /// Takes at most `most` of the bytes that are there, without waiting. Returns nothing at the end of the pipe.
    pub(super) fn take(&self, most: usize) -> Vec<u8> {
        let mut state = self.state.lock();
        let count = state.bytes.len().min(most);
        state.bytes.drain(..count).collect()
    }

    /// Waits until there are bytes, and takes at most `most` of them. Returns nothing at the end of the pipe.
    pub(super) fn wait(&self, most: usize) -> Vec<u8> {
        self.wait_for(|bytes| !bytes.is_empty());
        self.take(most)
    }

    /// Blocks until `enough` returns `true` for the unread bytes, or until the end of the pipe.
    pub(super) fn wait_for(&self, enough: impl Fn(&[u8]) -> bool) {
        let mut state = self.state.lock();
        while !state.ended && !enough(&state.bytes) {
            assert!(!self.changed.wait_for(&mut state, TEST_TIMEOUT).timed_out(), "nothing more comes");
        }
    }

    /// Waits for the end of the pipe, and takes all bytes.
    pub(super) fn rest(&self) -> Vec<u8> {
        self.wait_for(|_| false);
        self.take(usize::MAX)
    }
}

/// The context for the transports of a server that has one client.
pub(super) fn context(server: &Server) -> ServeContext {
    let engine = server.engine();
    let lifecycle = Lifecycle::new(Duration::from_secs(1));
    let context = ServeContext::new(engine, lifecycle, Executor::new(engine, None));
    context.channels.set_count(1, true);
    context
}

pub(super) type Shared = Arc<Pipe>;
