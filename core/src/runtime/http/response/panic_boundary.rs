//! The panic boundary of a request. It covers the work outside of the request's message, such as queries to the session
//! store.

use crate::host::Engine;
use crate::panics::caught;
use crate::proto::http::Refusal;
use crate::proto::messages::id::RequestId;
use crate::runtime::http::response::body::ResponseBody;
use http::Response;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::OnceLock;
use std::task::Poll;

type Answer = Result<Response<ResponseBody>, Refusal>;

/// Runs `answer`. If it panics, the response has the error -32603, with the id that was put into `named` before. The
/// future is borrowed, because it is large and each move would copy it.
pub(in crate::runtime::http) async fn bounded(
    engine: &Engine,
    named: &OnceLock<RequestId>,
    mut answer: Pin<&mut impl Future<Output = Answer>>,
) -> Answer {
    poll_fn(|task| match caught(|| answer.as_mut().poll(task)) {
        Ok(poll) => poll,
        Err(panicked) => {
            let error = engine.0.panicked("an HTTP request", &panicked);
            Poll::Ready(Err(Refusal::internal(named.get(), &error)))
        }
    })
    .await
}
