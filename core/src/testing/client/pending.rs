//! The requests of a client, as futures.

use super::{EventHandler, Inner};
use crate::json::JsonSlice;
use crate::proto::client::Reply;
use crate::testing::result::{ClientError, ToolReply};
use serde_json::Value;
use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

/// A request. It is sent when it is first awaited. If it is dropped before it ends, it is cancelled.
#[must_use = "a request is sent when it is awaited"]
pub struct Pending<T> {
    pub(super) client: Arc<Inner>,
    pub(super) state: RequestState,
    pub(super) progress: Option<Arc<EventHandler>>,
    pub(super) allow_failure: bool,
    pub(super) of: PhantomData<fn() -> T>,
}

pub(super) enum RequestState {
    Unsent { what: &'static str, given: Vec<(String, JsonSlice)> },
    Sent(u64),
    Done,
}

impl<T> Pending<T> {
    /// Sets the request's `_meta`, an object.
    pub fn meta(mut self, meta: impl Into<JsonSlice>) -> Pending<T> {
        if let RequestState::Unsent { given, .. } = &mut self.state {
            given.push(("_meta".to_owned(), meta.into()));
        }
        self
    }

    /// Calls `hear` with the request's progress: objects with `progress`, and perhaps `total` and `message`.
    pub fn on_progress(mut self, hear: impl Fn(Value) + Send + Sync + 'static) -> Pending<T> {
        self.progress = Some(Arc::new(hear));
        self
    }
}

impl Pending<ToolReply> {
    /// Returns the result even if the tool fails; then [`is_error`](ToolReply::is_error) is `true`.
    pub fn allow_failure(mut self) -> Pending<ToolReply> {
        self.allow_failure = true;
        self
    }
}

impl<T: From<Reply>> Future for Pending<T> {
    type Output = Result<T, ClientError>;

    fn poll(self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        if let RequestState::Unsent { what, given } = &this.state {
            let mut object = crate::json::JsonWriter::new();
            object.begin_object();
            for (name, value) in given {
                object.key(name).slice(value);
            }
            object.end_object();
            let asked = this.client.ask(what, &object.into_slice(), this.progress.clone());
            this.state = match asked {
                Ok(request) => RequestState::Sent(request),
                Err(error) => {
                    this.state = RequestState::Done;
                    return Poll::Ready(Err(error));
                }
            };
        }
        let RequestState::Sent(request) = this.state else { panic!("polled after its end") };
        // Registered before the events are read, so that a later event wakes this task.
        this.client.register(request, task.waker());
        this.client.read_events();
        let Some(outcome) = this.client.outcome(request) else { return Poll::Pending };
        this.state = RequestState::Done;
        Poll::Ready(match outcome? {
            reply if reply.is_error && !this.allow_failure => Err(ClientError::Tool(reply.into())),
            reply => Ok(reply.into()),
        })
    }
}

impl<T> Drop for Pending<T> {
    fn drop(&mut self) {
        if let RequestState::Sent(request) = self.state {
            let wait = self.client.waits.lock().by_request.remove(&request);
            drop(wait);
            self.client.link.cancel(request);
        }
    }
}
