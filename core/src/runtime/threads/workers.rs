//! Starts the runtimes of the engine. Either all threads of a runtime start, or the start fails.
//!
//! If the system refuses a thread, tokio panics. The panic waits for the threads that have already started, which would
//! run forever. So each thread waits at its start until all threads are there, and ends if the others do not start in
//! time.

use crate::error::{Error, ErrorKind};
use crate::locks::{Condvar, Mutex};
use crate::panics::caught;
use crate::runtime::threads::thread;
use crate::runtime::threads::thread::Threads;
use std::fmt;
use std::panic::resume_unwind;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::runtime::{Builder, Runtime};

/// The timeout for starting all threads of a runtime. It is long enough for an overloaded machine.
const START_TIMEOUT: Duration = Duration::from_secs(5);

/// Makes the threads of a runtime wait until all of them have started.
#[derive(Default)]
struct StartBarrier {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Clone, Copy, Default, PartialEq)]
enum State {
    #[default]
    Waiting,
    Complete,
    TimedOut,
}

impl StartBarrier {
    /// Waits on a thread of the runtime. Unwinds if the other threads do not start within [`START_TIMEOUT`].
    fn wait(&self) {
        let mut state = self.state.lock();
        let end = Instant::now() + START_TIMEOUT;
        while *state == State::Waiting {
            let rest = end.saturating_duration_since(Instant::now());
            if rest.is_zero() {
                *state = State::TimedOut;
            } else {
                self.changed.wait_for(&mut state, rest);
            }
        }
        if *state == State::TimedOut {
            drop(state);
            // Unwinds without a message, because the caller that starts the runtime gets an error.
            resume_unwind(Box::new("not all threads have started"));
        }
    }

    /// Reports that all threads have started. Returns `false` if a thread has timed out.
    fn complete(&self) -> bool {
        let mut state = self.state.lock();
        if *state == State::Waiting {
            *state = State::Complete;
        }
        self.changed.notify_all();
        *state == State::Complete
    }
}

/// Starts a runtime with `workers` threads named `name`, and calls `on_start` on each thread. `what` describes the
/// threads in the error message.
pub(in crate::runtime) fn start(
    threads: &Threads,
    (workers, name): (usize, &'static str),
    what: &str,
    on_start: impl Fn() + Send + Sync + 'static,
) -> Result<Runtime, Error> {
    let failed =
        |why: &dyn fmt::Display| Error::new(ErrorKind::Io, format!("cannot start the threads {what}: {why}"));
    let (barrier, hook) = (Arc::<StartBarrier>::default(), threads.clone());
    let others = barrier.clone();
    let mut builder = Builder::new_multi_thread();
    builder
        .worker_threads(workers)
        .thread_name(name)
        .thread_stack_size(threads.stack())
        .on_thread_start(move || {
            thread::block_signals();
            others.wait();
            hook.started(name);
            on_start();
        })
        .enable_all();
    let runtime = caught(|| builder.build()).map_err(|panicked| failed(&panicked))?;
    let runtime = runtime.map_err(|error| failed(&error))?;
    if barrier.complete() {
        return Ok(runtime);
    }
    runtime.shutdown_background();
    Err(failed(&format_args!("they took more than {} s", START_TIMEOUT.as_secs())))
}
