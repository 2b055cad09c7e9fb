//! One request and its response, for a program that polls instead of using futures.

use super::head::RequestHead;
use super::service::{Embedded, EmbeddedBody};
use crate::dispatch::principal::Principal;
use crate::host::{PrincipalRefusal, Wake};
use crate::locks::Mutex;
use crate::runtime::http::connection::deferred_principal::DeferredPrincipal;
use bytes::Bytes;
use http::{HeaderMap, Request, Response, StatusCode, header};
use http_body::{Body, Frame, SizeHint};
use std::collections::VecDeque;
use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

/// One request and its response. The program passes in the head and the pieces of the body. Then it gets the head and
/// the pieces of the response. If the exchange is dropped before [`Step::End`], the client counts as disconnected.
///
/// Every method may be called from any thread, and none blocks. If no output is ready, the result is [`Step::Wait`],
/// and the waker is called when the program should call [`Exchange::step`] again.
pub struct Exchange {
    body: Arc<RequestBody>,
    /// The principal, if the program finds it during the exchange.
    deferred: Option<Arc<DeferredPrincipal>>,
    state: Mutex<State>,
    waker: Waker,
}

/// The next output of an [`Exchange`].
#[derive(Debug)]
pub enum Step {
    /// There is no output yet. The waker will be called.
    Wait,
    /// The head of the response. It comes once, before the body. It contains the length of the body if the length is
    /// known. If it is not, the program decides how to frame the body.
    Head(StatusCode, HeaderMap),
    /// A piece of the response's body, and `true` if it is the last piece. The next piece is made only when the program
    /// calls [`Exchange::step`] again, so a client that does not read uses little memory.
    Data(Bytes, bool),
    /// There is no more output.
    End,
}

struct State {
    now: Progress,
    /// `true` if `step` was called while another thread was in `step`. That thread then checks once more.
    again: bool,
}

enum Progress {
    Answering(Pin<Box<dyn Future<Output = Response<EmbeddedBody>> + Send>>),
    Sending(EmbeddedBody),
    /// A thread has taken the state out, and is in `step`.
    Busy,
    Done,
}

/// The pieces of the request's body that have arrived and were not read yet.
#[derive(Default)]
struct RequestBody(Mutex<Pieces>);

#[derive(Default)]
struct Pieces {
    waiting: VecDeque<Bytes>,
    ended: bool,
    /// `true` if the service reads no more of the body.
    unread: bool,
    reader: Option<Waker>,
}

struct WakeAdapter(Arc<dyn Wake>);

impl std::task::Wake for WakeAdapter {
    fn wake(self: Arc<Self>) {
        self.0.wake();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.0.wake();
    }
}

impl Exchange {
    /// Begins an exchange. `wake` is called when there may be another step. It may be called from any thread, and also
    /// without a new step. It must not block, and must not call the exchange.
    pub fn new(embedded: &Embedded, head: RequestHead, wake: Arc<dyn Wake>) -> Exchange {
        let body: Arc<RequestBody> = Arc::default();
        let deferred = head.0.extensions.get::<Arc<DeferredPrincipal>>().cloned();
        let request = Request::from_parts(head.0, RequestBodyReader(body.clone()));
        let embedded = embedded.clone();
        let answer = Box::pin(async move { embedded.handle(request).await });
        let state = State { now: Progress::Answering(answer), again: false };
        Exchange { body, deferred, state: Mutex::new(state), waker: Arc::new(WakeAdapter(wake)).into() }
    }

    /// Whether the exchange waits for the principal that [`RequestHead::defer_principal`] has announced. Until then it
    /// needs no body. It may become true in [`Exchange::step`], and is false again once the principal was set, or once
    /// the exchange no longer needs it: [`Limits::store_timeout`](crate::Limits::store_timeout) limits the wait.
    pub fn wants_principal(&self) -> bool {
        self.deferred.as_ref().is_some_and(|deferred| deferred.is_wanted())
    }

    /// Sets the principal that the program has found, or why it found none; `None` is an anonymous sender. Call
    /// [`Exchange::step`] afterwards. If the exchange does not want the principal, the call has no effect.
    pub fn set_principal(&self, found: Result<Option<Principal>, PrincipalRefusal>) {
        if let Some(deferred) = &self.deferred {
            deferred.set(found);
        }
    }

    /// Adds a piece of the request's body. [`Exchange::step`] reads it. A program should call `step` after each piece:
    /// then at most one piece is queued, and the program sees a refusal early. If the response needs no more of the
    /// body, the pieces are dropped.
    pub fn feed(&self, data: Bytes) {
        let reader = {
            let mut pieces = self.body.0.lock();
            if !data.is_empty() && !pieces.unread {
                pieces.waiting.push_back(data);
            }
            pieces.reader.take()
        };
        if let Some(reader) = reader {
            reader.wake();
        }
    }

    /// Ends the request's body. Without this call, the only possible response is a refusal.
    pub fn end(&self) {
        let reader = {
            let mut pieces = self.body.0.lock();
            pieces.ended = true;
            pieces.reader.take()
        };
        if let Some(reader) = reader {
            reader.wake();
        }
    }

    /// Returns the next output. Inline handlers run during this call.
    pub fn step(&self) -> Step {
        let mut now = {
            let mut state = self.state.lock();
            match state.now {
                Progress::Done => return Step::End,
                Progress::Busy => {
                    state.again = true;
                    return Step::Wait;
                }
                Progress::Answering(_) | Progress::Sending(_) => {
                    std::mem::replace(&mut state.now, Progress::Busy)
                }
            }
        };
        let mut task = Context::from_waker(&self.waker);
        loop {
            let step = advance(&mut now, &mut task);
            let mut state = self.state.lock();
            if matches!(step, Step::Wait) && std::mem::take(&mut state.again) {
                continue;
            }
            state.again = false;
            // The exchange was abandoned while this thread was polling.
            if matches!(state.now, Progress::Done) {
                drop(state);
                return Step::End;
            }
            state.now = now;
            return step;
        }
    }

    /// Ends the exchange, because the client has disconnected or the program needs no more of the response. In the
    /// modern era, the request's call is cancelled. The effect is that of dropping the exchange, even if other
    /// references to it exist. There is no more output.
    pub fn abandon(&self) {
        let before = std::mem::replace(&mut self.state.lock().now, Progress::Done);
        drop(before);
    }
}

fn advance(now: &mut Progress, task: &mut Context<'_>) -> Step {
    match now {
        Progress::Answering(answer) => match answer.as_mut().poll(task) {
            Poll::Pending => Step::Wait,
            Poll::Ready(response) => {
                let (mut head, body) = response.into_parts();
                let length = body.size_hint().exact().filter(|_| head.status != StatusCode::NO_CONTENT);
                if let Some(length) = length {
                    head.headers.insert(header::CONTENT_LENGTH, length.into());
                }
                *now = Progress::Sending(body);
                Step::Head(head.status, head.headers)
            }
        },
        Progress::Sending(body) => match Pin::new(&mut *body).poll_frame(task) {
            Poll::Pending => Step::Wait,
            Poll::Ready(frame) => {
                let Ok(frame) = frame.transpose();
                match frame.and_then(|frame| frame.into_data().ok()) {
                    Some(data) => {
                        let last = body.is_end_stream();
                        if last {
                            *now = Progress::Done;
                        }
                        Step::Data(data, last)
                    }
                    None => {
                        *now = Progress::Done;
                        Step::End
                    }
                }
            }
        },
        Progress::Busy | Progress::Done => Step::End,
    }
}

/// Reads the body of the request for the service.
struct RequestBodyReader(Arc<RequestBody>);

impl Drop for RequestBodyReader {
    fn drop(&mut self) {
        let waiting = {
            let mut pieces = self.0.0.lock();
            pieces.unread = true;
            std::mem::take(&mut pieces.waiting)
        };
        drop(waiting);
    }
}

impl Body for RequestBodyReader {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        task: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let mut pieces = self.0.0.lock();
        if let Some(data) = pieces.waiting.pop_front() {
            return Poll::Ready(Some(Ok(Frame::data(data))));
        }
        if pieces.ended {
            return Poll::Ready(None);
        }
        pieces.reader = Some(task.waker().clone());
        Poll::Pending
    }

    fn is_end_stream(&self) -> bool {
        let pieces = self.0.0.lock();
        pieces.ended && pieces.waiting.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        let pieces = self.0.0.lock();
        let here = pieces.waiting.iter().map(|data| data.len() as u64).sum();
        if pieces.ended {
            return SizeHint::with_exact(here);
        }
        let mut hint = SizeHint::new();
        hint.set_lower(here);
        hint
    }
}
