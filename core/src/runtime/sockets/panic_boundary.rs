//! The panic boundaries of tasks. They cover work outside of messages, such as reading and writing them.

use crate::faults;
use crate::host::Engine;
use crate::panics::{Panicked, caught};
use crate::runtime::server::lifecycle::Lifecycle;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;

/// Serves a connection to its end. A panic ends only this connection. The future is created here, so that it is not
/// moved.
pub(in crate::runtime) async fn connection<F: Future<Output = ()>>(
    engine: Engine,
    serve: impl FnOnce() -> F,
) -> Result<(), ()> {
    match bounded(serve(), || faults::pass("connection")).await {
        None => Ok(()),
        Some(panicked) => {
            engine.0.panicked("a connection", &panicked);
            Err(())
        }
    }
}

/// Runs a task that all clients of a server need. If it panics, the server ends with an exit code other than 0.
pub(in crate::runtime) async fn needed<F: Future<Output = ()>>(
    engine: Engine,
    lifecycle: Arc<Lifecycle>,
    what: &'static str,
    run: impl FnOnce() -> F,
) {
    if let Some(panicked) = bounded(run(), || ()).await {
        engine.0.panicked(what, &panicked);
        lifecycle.fail(format!("{what} panicked: {panicked}"));
        lifecycle.close();
    }
}

async fn bounded(task: impl Future<Output = ()>, before: impl Fn()) -> Option<Panicked> {
    let mut task = pin!(task);
    poll_fn(|context| {
        let polled = caught(|| {
            before();
            task.as_mut().poll(context)
        });
        match polled {
            Ok(poll) => poll.map(|()| None),
            Err(panicked) => Poll::Ready(Some(panicked)),
        }
    })
    .await
}
