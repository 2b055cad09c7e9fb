//! The panic boundaries of tasks. They cover the work outside of messages, such as reading and writing.

use crate::faults;
use crate::host::Engine;
use crate::panics::{Panicked, caught};
use crate::runtime::transport::lifecycle::Lifecycle;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;

/// Serves a connection to its end. If the task panics, only this connection ends, and `lost` is called. `serve` creates
/// the future here, so that the future is not moved.
pub(in crate::runtime) async fn connection<F: Future<Output = ()>>(
    engine: Engine,
    serve: impl FnOnce() -> F,
    lost: impl FnOnce(),
) {
    let failed = |panicked: &Panicked| {
        engine.0.panicked("a connection", panicked);
        lost();
    };
    bounded(serve(), || faults::pass("connection"), failed).await;
}

/// Runs a task on which all clients of a server depend. If it panics, the server ends with an exit code other than 0.
pub(in crate::runtime) async fn essential_task<F: Future<Output = ()>>(
    engine: Engine,
    lifecycle: Arc<Lifecycle>,
    what: &'static str,
    run: impl FnOnce() -> F,
) {
    let failed = |panicked: &Panicked| {
        engine.0.panicked(what, panicked);
        lifecycle.fail(format!("{what} panicked: {panicked}"));
        lifecycle.close();
    };
    bounded(run(), || (), failed).await;
}

/// Runs a task, and calls `before` in each poll. If the task panics, `failed` is called before the task is dropped.
/// This order matters: a shutdown waits until the task's guard is dropped, and then reads the exit code.
async fn bounded(task: impl Future<Output = ()>, before: impl Fn(), failed: impl FnOnce(&Panicked)) {
    let (mut task, mut failed) = (pin!(task), Some(failed));
    poll_fn(|context| {
        let polled = caught(|| {
            before();
            task.as_mut().poll(context)
        });
        polled.unwrap_or_else(|panicked| {
            if let Some(failed) = failed.take() {
                failed(&panicked);
            }
            Poll::Ready(())
        })
    })
    .await;
}
