//! Serves the connections of one listener. Each connection is a task that uses hyper.

use crate::dispatch::observer::Transport;
use crate::dispatch::shares::{Kind, Share};
use crate::host::Engine;
use crate::proto::http::{self as rules, Refusal};
use crate::runtime::http::connection::connection_state::{ConnectionState, DirectResponse};
use crate::runtime::http::connection::request_body::RequestBody;
use crate::runtime::http::connection::upgrade::Upgraded;
use crate::runtime::http::listener::config::ListenerLimits;
use crate::runtime::http::listener::socket::{MAX_HEAD, Socket};
use crate::runtime::http::listener::streaming::Streaming;
use crate::runtime::http::response::body::ResponseBody;
use crate::runtime::http::response::responses::{drain_and_refuse, empty, refuse_framing};
use crate::runtime::http::routes::route::Answer;
use crate::runtime::http::routes::table::RouteTable;
use crate::runtime::http::service::http_service::HttpService;
use crate::runtime::sockets::accept::Serve;
use crate::runtime::sockets::connections::{Phase, TaskGuard};
use crate::runtime::sockets::io::Io;
use crate::runtime::threads::wake_queue::WakeQueue;
use http::header::{self, HeaderValue};
use http::{Request, Response, StatusCode, Version};
use http_body::Body;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use std::convert::Infallible;
use std::future::{Future, poll_fn};
use std::io::ErrorKind;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::Poll;
use tokio::io::AsyncWrite;

/// Runs the periodic work of the endpoint until the listener ends.
pub(in crate::runtime::http) async fn tick(service: HttpService, routes: Arc<RouteTable>, guard: TaskGuard) {
    loop {
        // Read again each time, because the limits may have changed.
        let mut sleep = pin!(tokio::time::sleep(service.tick_period()));
        let dead = poll_fn(|task| {
            guard.register(task.waker());
            if guard.phase() == Phase::Dead {
                return Poll::Ready(true);
            }
            sleep.as_mut().poll(task).map(|()| false)
        });
        if dead.await {
            return;
        }
        service.engine().0.guard("the endpoint's clock", || routes.tick(service.now()));
    }
}

/// What the connections of a listener share.
#[derive(Clone)]
pub(in crate::runtime::http) struct Endpoint {
    /// The state that all routes share: the engine and the byte budget.
    pub(in crate::runtime::http) service: HttpService,
    pub(in crate::runtime::http) routes: Arc<RouteTable>,
    pub(in crate::runtime::http) limits: ListenerLimits,
}

impl Serve for Endpoint {
    fn engine(&self) -> &Engine {
        self.service.engine()
    }

    async fn serve(self, stream: impl Io, wake_queue: Option<Arc<WakeQueue>>, guard: TaskGuard) {
        let state = ConnectionState::new(wake_queue, guard.idle_state(), self.service.budget());
        let mut socket = Socket::new(stream, state.clone(), &self.limits, state.budget());
        let mut registered = false;
        loop {
            // The future is boxed, so that an open stream does not use the memory that reading needs.
            let (back, stream) = match Box::pin(self.read(socket, &state, &guard, &mut registered)).await {
                ReadEnd::Direct(socket, DirectResponse::Stream(stream)) => (socket, stream),
                ReadEnd::Direct(socket, DirectResponse::Upgrade(upgrade)) => {
                    let (stream, early) = socket.into_stream();
                    let (engine, connection, guard) = (self.service.engine(), &state, &guard);
                    let stream = Box::new(stream);
                    return upgrade(Upgraded { stream, early, engine, connection, guard }).await;
                }
                ReadEnd::Linger(socket) => return Box::pin(linger(socket, &guard)).await,
                ReadEnd::Gone => return,
            };
            let mut streaming = Streaming::new(back, stream, guard.phase() > Phase::Open);
            let end = poll_fn(|task| match guard.phase() {
                Phase::Open | Phase::Draining => streaming.poll(task),
                Phase::Dead => Poll::Ready(Err(ErrorKind::Interrupted.into())),
            });
            if end.await.is_err() {
                return;
            }
            socket = streaming.into_socket();
            if guard.phase() > Phase::Open {
                let _ = poll_fn(|task| Pin::new(&mut socket).poll_shutdown(task)).await;
                return;
            }
        }
    }

    fn transport(&self) -> Transport {
        Transport::Http
    }

    fn refusal(&self, share: &Share) -> Vec<u8> {
        let body = Refusal::at_limit(&share.refusal(Kind::Connections)).body;
        let length = body.len();
        let head = format!(
            "HTTP/1.1 429 Too Many Requests\r\ncontent-type: application/json\r\nretry-after: 1\r\n\
             connection: close\r\ncontent-length: {length}\r\n\r\n"
        );
        [head.as_bytes(), &body].concat()
    }
}

impl Endpoint {
    /// Reads and answers requests until the connection ends, or until the connection
    /// continues as a stream or in another protocol.
    async fn read<S: Io>(
        &self,
        socket: Socket<S>,
        state: &Arc<ConnectionState>,
        guard: &TaskGuard,
        registered: &mut bool,
    ) -> ReadEnd<S> {
        let _discard = DiscardOnDrop(state);
        let service = service_fn(|request: Request<Incoming>| self.answer(request, state));
        let mut connection = http1::Builder::new()
            // The socket enforces this timeout, because hyper would create a timer for each request.
            .header_read_timeout(None)
            .max_header_size(MAX_HEAD)
            .max_buf_size(MAX_HEAD)
            .half_close(true)
            .writev(true)
            .serve_connection(TokioIo::new(socket), service);
        let mut draining = false;
        let end = poll_fn(|task| {
            if !std::mem::replace(registered, true) {
                guard.register(task.waker());
            }
            let mut connection = Pin::new(&mut connection);
            match guard.phase() {
                Phase::Open => {}
                Phase::Draining if !draining => {
                    draining = true;
                    connection.as_mut().graceful_shutdown();
                }
                Phase::Draining => {}
                Phase::Dead => return Poll::Ready((None, None)),
            }
            // The connection was evicted, because another connection needs its place.
            if guard.idle_state().must_end() {
                return Poll::Ready((None, None));
            }
            match connection.poll(task) {
                Poll::Ready(end) => Poll::Ready((Some(end), None)),
                Poll::Pending => match state.take_direct() {
                    Some(stream) => Poll::Ready((None, Some(stream))),
                    None => Poll::Pending,
                },
            }
        })
        .await;
        let lingers = match &end {
            (None, None) => return ReadEnd::Gone,
            (None, Some(_)) => false,
            (Some(Ok(())), _) => state.is_cut(),
            // hyper has answered the request that it could not parse.
            (Some(Err(error)), _) => error.is_parse(),
        };
        if let (None, Some(stream)) = end {
            let parts = connection.into_parts();
            let mut socket = parts.io.into_inner();
            socket.give_back(parts.read_buf);
            return ReadEnd::Direct(socket, stream);
        }
        match lingers {
            true => ReadEnd::Linger(connection.into_parts().io.into_inner()),
            false => ReadEnd::Gone,
        }
    }

    async fn answer(
        &self,
        request: Request<Incoming>,
        state: &Arc<ConnectionState>,
    ) -> Result<Response<ResponseBody>, Infallible> {
        state.head_read();
        let whole = request.body().is_end_stream();
        let keeps_alive = keeps_alive(&request);
        let framing = rules::check_framing(request.headers());
        let request = request.map(|body| RequestBody::new(body, self.limits.header_timeout, state));
        let answer = match self.routes.find(request.uri().path()) {
            _ if let Err(refusal) = framing => Answer::Response(refuse_framing(refusal, request.version())),
            Some(route) => route.answer(request, state).await,
            None => {
                let (head, body) = request.into_parts();
                Answer::Response(drain_and_refuse(empty(StatusCode::NOT_FOUND), &head, pin!(body)).await)
            }
        };
        let response = match answer {
            Answer::Response(response) => response,
            Answer::Upgrade(upgrade) => {
                state.set_direct(DirectResponse::Upgrade(upgrade));
                return std::future::pending().await;
            }
        };
        if !whole && response.headers().contains_key(header::CONNECTION) {
            state.mark_cut();
        }
        state.next();
        if keeps_alive && response.body().is_open() {
            state.set_direct(DirectResponse::Stream(response));
            // This future never continues, because hyper is dropped before the next poll.
            return std::future::pending().await;
        }
        Ok(response)
    }
}

/// The reason why reading from a connection ended.
// The value is moved once per connection or stream, so a box would not be cheaper.
#[allow(clippy::large_enum_variant)]
enum ReadEnd<S> {
    /// The connection is over.
    Gone,
    /// The last response is written, but the client may still be sending.
    Linger(Socket<S>),
    /// The connection continues without hyper, as a stream or in another protocol.
    Direct(Socket<S>, DirectResponse),
}

/// On drop, discards the pending response of a connection that ends before the response is written.
struct DiscardOnDrop<'l>(&'l ConnectionState);

impl Drop for DiscardOnDrop<'_> {
    fn drop(&mut self) {
        self.0.discard();
    }
}

/// Waits until the client has received the last response. See [`Socket::linger`].
async fn linger<S: Io>(socket: Socket<S>, guard: &TaskGuard) {
    let mut rest = pin!(socket.linger());
    poll_fn(|task| match guard.phase() {
        Phase::Open => rest.as_mut().poll(task),
        Phase::Draining | Phase::Dead => Poll::Ready(()),
    })
    .await;
}

/// Whether the connection stays open after the response. Only then may the response become a stream without hyper.
fn keeps_alive(request: &Request<Incoming>) -> bool {
    let closes = |value: &HeaderValue| {
        let words = value.as_bytes().split(|byte| *byte == b',');
        words.into_iter().any(|word| word.trim_ascii().eq_ignore_ascii_case(b"close"))
    };
    request.version() == Version::HTTP_11 && !request.headers().get_all(header::CONNECTION).iter().any(closes)
}
