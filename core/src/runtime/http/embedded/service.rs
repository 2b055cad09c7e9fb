//! The embedded endpoint as a function from requests to responses, and its part in the shutdown.

use crate::dispatch::observer::{EventKind, Observers, Transport, observe};
use crate::dispatch::shares::{self, Kind};
use crate::proto::http::Refusal;
use crate::runtime::http::connection::caller::RemoteAddress;
use crate::runtime::http::response::body::ResponseBody;
use crate::runtime::http::response::responses::{drain_and_refuse, refused};
use crate::runtime::http::service::http_service::HttpService;
use crate::runtime::server::running::Running;
use crate::runtime::sockets::client_address::key;
use crate::runtime::sockets::connections::{Connections, Phase, TaskGuard};
use bytes::Bytes;
use http::{Request, Response};
use http_body::{Body, Frame, SizeHint};
use std::convert::Infallible;
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};

/// The MCP endpoint of a running server, for a program that has its own HTTP server. It comes from
/// [`Server::service`](crate::Server::service) or [`Running::embedded`](crate::Running::embedded). Clones are cheap and
/// refer to the same endpoint.
///
/// The endpoint answers every path, so the program's router decides which requests it passes in. It is a hyper service,
/// and with the feature `tower` a tower service, for bodies of any type. It needs no particular executor. Handlers
/// written in Rust run on the tokio runtime in which the server was started.
///
/// When the server is closing, further requests are answered with 503, listen streams end, and calls in flight may
/// finish. If [`Limits::max_connections`](crate::Limits::max_connections) requests are open, further requests are
/// answered with 503 too.
#[derive(Clone)]
pub struct Embedded {
    service: HttpService,
    exchanges: Arc<Connections>,
    /// Closes the server when the last clone is dropped. `None` if the endpoint does not own the server.
    end: Option<Arc<EndOnDrop>>,
}

struct EndOnDrop(Running);

impl Drop for EndOnDrop {
    fn drop(&mut self) {
        self.0.close();
    }
}

impl Embedded {
    pub(super) fn new(service: HttpService, exchanges: Arc<Connections>) -> Embedded {
        Embedded { service, exchanges, end: None }
    }

    /// Makes this endpoint own the server: when its last clone is dropped, the server is closed.
    pub(in crate::runtime) fn owning(mut self, running: Running) -> Embedded {
        self.end = Some(Arc::new(EndOnDrop(running)));
        self
    }

    /// The server, if this endpoint came from [`Server::service`](crate::Server::service).
    pub fn running(&self) -> Option<&Running> {
        self.end.as_ref().map(|end| &end.0)
    }

    /// The number of open legacy sessions that this endpoint knows.
    pub fn sessions(&self) -> usize {
        self.service.sessions()
    }

    pub(super) fn leave_sessions(&self) {
        self.service.session_table().leave_all();
    }

    pub(super) fn end_streams(&self) {
        self.service.end_streams();
    }

    /// Answers one request, for any path. Bodies and disconnected clients are handled as in
    /// [`HttpService::handle`](crate::http::HttpService::handle).
    ///
    /// The program can set the principal with an extension [`Principal`](crate::http::Principal) of the request. It must
    /// know it before this call, which reads the body.
    pub async fn handle<B>(&self, request: Request<B>) -> Response<EmbeddedBody>
    where
        B: Body<Data = Bytes>,
    {
        let address = request.extensions().get::<RemoteAddress>();
        let share = address.map(|address| self.service.engine().0.shares.of(key(address.0)));
        let part = match shares::part(share.as_ref(), Kind::Connections) {
            Ok(part) => part,
            Err(error) => {
                let (head, body) = request.into_parts();
                let response = drain_and_refuse(refused(Refusal::at_limit(&error)), &head, pin!(body)).await;
                return response.map(|body| EmbeddedBody { body, guard: None, observers: None });
            }
        };
        let guard = self.exchanges.enter_bounded(self.service.limits().max_connections, share, part);
        let Some(guard) = guard.filter(|guard| guard.phase() == Phase::Open) else {
            let why = match self.exchanges.phase() {
                Phase::Open => "Server busy: too many requests are open (max_connections); retry later",
                _ => "Server busy: the server is shutting down",
            };
            let (head, body) = request.into_parts();
            let response = drain_and_refuse(refused(Refusal::busy(why)), &head, pin!(body)).await;
            return response.map(|body| EmbeddedBody { body, guard: None, observers: None });
        };
        let observers = self.service.engine().observers();
        let (head, body) = request.into_parts();
        let body = CountedBody { body: pin!(body), observers };
        let mut answer = pin!(self.service.handle(Request::from_parts(head, body)));
        let response = poll_fn(|task| {
            if let Poll::Ready(response) = answer.as_mut().poll(task) {
                return Poll::Ready(Some(response));
            }
            guard.register(task.waker());
            match guard.phase() {
                Phase::Open | Phase::Draining => Poll::Pending,
                Phase::Dead => Poll::Ready(None),
            }
        });
        let response = response.await;
        let response =
            response.unwrap_or_else(|| refused(Refusal::busy("Server busy: the server is shutting down")));
        let observers = observers.wants(EventKind::BytesSent).then(|| observers.clone());
        response.map(|body| EmbeddedBody { body, guard: Some(guard), observers })
    }
}

impl<B> hyper::service::Service<Request<B>> for Embedded
where
    B: Body<Data = Bytes> + Send + 'static,
{
    type Response = Response<EmbeddedBody>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response<EmbeddedBody>, Infallible>> + Send>>;

    fn call(&self, request: Request<B>) -> Self::Future {
        let service = self.clone();
        Box::pin(async move { Ok(service.handle(request).await) })
    }
}

/// The body of a request. Its bytes are reported to observers.
struct CountedBody<'b, B> {
    body: Pin<&'b mut B>,
    observers: &'b Observers,
}

impl<B: Body<Data = Bytes>> Body for CountedBody<'_, B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        task: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        let frame = self.body.as_mut().poll_frame(task);
        if let Poll::Ready(Some(Ok(frame))) = &frame
            && let Some(data) = frame.data_ref()
        {
            observe!(self.observers => BytesReceived { transport: Transport::Embedded, bytes: data.len() });
        }
        frame
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// The body of a response: empty, one piece, or an event stream.
///
/// A stream makes progress only when it is polled. It buffers at most
/// [`Limits::max_outbound_bytes`](crate::Limits::max_outbound_bytes) for a client that does not read. If the body is
/// dropped before its end, the client counts as disconnected, and in the modern era its call is cancelled. The body
/// ends early if the server has ended.
pub struct EmbeddedBody {
    body: ResponseBody,
    /// The server's shutdown waits for this guard. It is dropped when there is nothing more to send.
    guard: Option<TaskGuard>,
    /// The observers of sent bytes, if there are any.
    observers: Option<Observers>,
}

impl EmbeddedBody {
    fn is_dead(&self) -> bool {
        self.guard.as_ref().is_some_and(|guard| guard.phase() == Phase::Dead)
    }
}

impl Body for EmbeddedBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        task: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let this = &mut *self;
        let frame = match Pin::new(&mut this.body).poll_frame(task) {
            Poll::Ready(frame) => frame,
            Poll::Pending => {
                if let Some(guard) = &this.guard {
                    guard.register(task.waker());
                }
                if !this.is_dead() {
                    return Poll::Pending;
                }
                None
            }
        };
        if let (Some(Ok(frame)), Some(observers)) = (&frame, &this.observers)
            && let Some(data) = frame.data_ref()
        {
            observe!(observers => BytesSent { transport: Transport::Embedded, bytes: data.len() });
        }
        if frame.is_none() || this.body.is_end_stream() {
            this.guard = None;
        }
        if frame.is_none() {
            // The body is replaced so that a later poll cannot continue a stream that has ended early.
            this.body = ResponseBody::empty();
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
