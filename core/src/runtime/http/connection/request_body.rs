//! The body of a request on one of the engine's connections.

use crate::runtime::http::connection::connection_state::ConnectionState;
use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use std::error::Error;
use std::future::Future;
use std::io::ErrorKind;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::time::Sleep;

/// A request body that fails if no data arrives for longer than `timeout`.
pub(in crate::runtime::http) struct RequestBody<'l> {
    body: Incoming,
    timeout: Duration,
    sleep: Option<Pin<Box<Sleep>>>,
    /// The connection, which records that the body timed out.
    state: &'l ConnectionState,
}

/// The body timed out, ended too early, or is malformed.
pub(in crate::runtime::http) struct BodyError;

impl RequestBody<'_> {
    pub(in crate::runtime::http) fn new(
        body: Incoming,
        timeout: Duration,
        state: &ConnectionState,
    ) -> RequestBody<'_> {
        RequestBody { body, timeout, sleep: None, state }
    }
}

/// Whether reading a body failed because of a timeout.
fn is_late(error: &hyper::Error) -> bool {
    let cause = error.source().and_then(|cause| cause.downcast_ref::<std::io::Error>());
    cause.is_some_and(|cause| cause.kind() == ErrorKind::TimedOut)
}

impl Body for RequestBody<'_> {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        task: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let this = &mut *self;
        if let Poll::Ready(frame) = Pin::new(&mut this.body).poll_frame(task) {
            this.sleep = None;
            return Poll::Ready(frame.map(|frame| {
                frame.map_err(|error| {
                    if is_late(&error) {
                        this.state.mark_late();
                    }
                    BodyError
                })
            }));
        }
        // A timer is created only if the body does not arrive together with the head.
        let timeout = this.timeout;
        let sleep = this.sleep.get_or_insert_with(|| Box::pin(tokio::time::sleep(timeout)));
        sleep.as_mut().poll(task).map(|()| {
            this.state.mark_late();
            Some(Err(BodyError))
        })
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
