//! The embedded endpoint as a function from requests to responses, with a shutdown.

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

/// The MCP endpoint of a running server, for a program that has its own HTTP server:
/// [`Server::service`](crate::Server::service) or [`Running::embedded`](crate::Running::embedded). It is cheap to
/// clone; clones are the same endpoint.
///
/// Every path is answered; the program's router decides which requests come here. It is a hyper service, and with the
/// feature `tower` a tower service, with bodies of any kind. It needs no particular executor. Rust handlers run on
/// the tokio runtime in which the server was started.
///
/// When the server is closing, further requests get 503, listening streams end, and calls in flight may finish.
/// Requests beyond [`Limits::max_connections`](crate::Limits::max_connections) at a time are refused in the same way.
#[derive(Clone)]
pub struct Embedded {
    service: HttpService,
    exchanges: Arc<Connections>,
    /// Closes the server when the last clone is dropped, if the service owns the server.
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

    /// The same, with a last clone that closes the server.
    pub(in crate::runtime) fn owning(mut self, running: Running) -> Embedded {
        self.end = Some(Arc::new(EndOnDrop(running)));
        self
    }

    /// The server, if this came from [`Server::service`](crate::Server::service).
    pub fn running(&self) -> Option<&Running> {
        self.end.as_ref().map(|end| &end.0)
    }

    /// The number of legacy sessions that this endpoint knows.
    pub fn sessions(&self) -> usize {
        self.service.sessions()
    }

    pub(super) fn end_streams(&self) {
        self.service.end_streams();
    }

    /// Answers one request, whatever its path. The rules of [`HttpService::handle`](crate::http::HttpService::handle)
    /// for bodies and for disconnected clients apply here.
    ///
    /// An extension [`Principal`](crate::http::Principal) of the request sets the principal.
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
                return response.map(|body| EmbeddedBody { body, guard: None });
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
            return response.map(|body| EmbeddedBody { body, guard: None });
        };
        let mut answer = pin!(self.service.handle(request));
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
        response.map(|body| EmbeddedBody { body, guard: Some(guard) })
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

/// The body of a response: nothing, one piece, or an event stream.
///
/// A stream progresses only when it is polled. It holds at most
/// [`Limits::max_outbound_bytes`](crate::Limits::max_outbound_bytes) for a client that does not read. Dropping it
/// means that the client has disconnected: in the modern era that cancels the call. It ends early if the server has
/// ended.
pub struct EmbeddedBody {
    body: ResponseBody,
    /// The server's shutdown waits for this. It is given back when there is nothing more to send.
    guard: Option<TaskGuard>,
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
        if frame.is_none() || this.body.is_end_stream() {
            this.guard = None;
        }
        if frame.is_none() {
            // A later poll must not continue a stream that was cut off.
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
