//! hyper around the endpoint: sockets, connections, shutdown.

use super::body::ResponseBody;
use super::connections::{Connections, Phase, Place};
use super::exchange::{HttpService, TICK};
use crate::error::{Error, ErrorKind};
use crate::host::Engine;
use crate::proto::http::Access;
use crate::runtime::options::HttpOptions;
use crate::runtime::thread;
use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use parking_lot::Mutex;
use std::convert::Infallible;
use std::future::{Future, poll_fn};
use std::net::{SocketAddr, ToSocketAddrs};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::runtime::{Handle, Runtime};
use tokio::time::Sleep;

/// Longest head of a request; a longer one is answered with 431.
const MAX_HEAD: usize = 64 << 10;
/// A drain without limit is as good as this one, and no sum of times overflows.
const LONGEST_DRAIN: Duration = Duration::from_secs(365 * 24 * 3600);
/// How long the last answers may take to be written once the deadline of a shutdown has passed.
const LAST_ANSWERS: Duration = Duration::from_secs(1);

/// Most bytes read ahead from one connection; more than the head, so that it is the head's bound that is met first.
const MAX_BUFFER: usize = 2 * MAX_HEAD;

/// Connections the system may hold before they are accepted.
const BACKLOG: u32 = 1024;

/// A started HTTP listener.
pub(crate) struct Listener {
    address: SocketAddr,
    path: String,
    service: HttpService,
    connections: Arc<Connections>,
    runtime: Mutex<Option<Runtime>>,
}

impl Listener {
    /// Binds and starts to accept: on `handle`, or on a runtime of its own.
    pub(crate) fn start(
        engine: &Engine,
        options: HttpOptions,
        handle: Option<Handle>,
    ) -> Result<Listener, Error> {
        let (runtime, handle) = match handle {
            Some(handle) => (None, handle),
            None => {
                let runtime = own_runtime()?;
                let handle = runtime.handle().clone();
                (Some(runtime), handle)
            }
        };
        let bound = {
            let _entered = handle.enter();
            bind(&options.address)
        };
        let (socket, address) = match bound {
            Ok(bound) => bound,
            Err(error) => {
                if let Some(runtime) = runtime {
                    runtime.shutdown_background();
                }
                return Err(error);
            }
        };
        let access = if address.ip().is_loopback() { Access::loopback() } else { Access::public() };
        let access = access.allow_hosts(options.allowed_hosts).allow_origins(options.allowed_origins);
        let service = HttpService::with_engine(engine, access);
        let connections: Arc<Connections> = Arc::default();
        let endpoint = Endpoint {
            service: service.clone(),
            path: options.path.as_str().into(),
            connections: connections.clone(),
            max_connections: engine.limits().max_connections.max(1),
            header_timeout: engine.limits().header_timeout,
        };
        handle.spawn(tick(service.clone(), connections.enter(), engine.limits().session_idle / 4));
        handle.spawn(endpoint.accept(socket, connections.enter()));
        Ok(Listener { address, path: options.path, service, connections, runtime: Mutex::new(runtime) })
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// The URL of the endpoint.
    pub(crate) fn url(&self) -> String {
        format!("http://{}{}", self.address, self.path)
    }

    /// Accepts no more connections; open ones go on.
    pub(crate) fn stop_accepting(&self) {
        self.connections.advance(Phase::Deaf);
    }

    /// Lets requests in flight finish within `deadline`, then ends them. Listening streams and idle connections end at
    /// once. Blocks; not to be called on a thread of the runtime it serves on.
    /// `overdue` is called when the deadline has passed, to end what is in flight with an answer.
    pub(crate) fn close(&self, deadline: Duration, overdue: impl FnOnce()) {
        let end = Instant::now() + deadline.min(LONGEST_DRAIN);
        self.service.end_streams();
        self.connections.advance(Phase::Draining);
        // The task that tells the time stays to the last.
        self.connections.wait(1, end);
        overdue();
        self.connections.wait(1, Instant::now() + LAST_ANSWERS);
        self.connections.advance(Phase::Dead);
        // The others only have to be polled once more.
        self.connections.wait(0, Instant::now() + Duration::from_secs(1));
        self.release();
    }

    fn release(&self) {
        if let Some(runtime) = self.runtime.lock().take() {
            runtime.shutdown_background();
        }
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.connections.advance(Phase::Dead);
        self.release();
    }
}

fn own_runtime() -> Result<Runtime, Error> {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(std::thread::available_parallelism().map_or(1, |cores| cores.get().min(4)))
        .thread_name("tenon-http")
        .on_thread_start(thread::block_signals)
        .enable_all()
        .build()
        .map_err(|error| Error::new(ErrorKind::Io, format!("cannot start the HTTP threads: {error}")))
}

fn bind(address: &str) -> Result<(TcpListener, SocketAddr), Error> {
    let failed = |error: std::io::Error| {
        Error::new(ErrorKind::Address, format!("cannot listen on {address}: {error}"))
    };
    let mut last = None;
    for candidate in address.to_socket_addrs().map_err(failed)? {
        let bound = (|| {
            let socket = if candidate.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
            socket.set_reuseaddr(true)?;
            socket.bind(candidate)?;
            let listener = socket.listen(BACKLOG)?;
            let address = listener.local_addr()?;
            Ok((listener, address))
        })();
        match bound {
            Ok(bound) => return Ok(bound),
            Err(error) => last = Some(error),
        }
    }
    Err(failed(last.unwrap_or_else(|| std::io::Error::other("the name has no address"))))
}

/// Drives what depends on time.
async fn tick(service: HttpService, place: Place, at_least: Duration) {
    let period = TICK.min(at_least).max(Duration::from_millis(10));
    loop {
        let mut sleep = pin!(tokio::time::sleep(period));
        let dead = poll_fn(|task| {
            place.register(task.waker());
            if place.phase() == Phase::Dead {
                return Poll::Ready(true);
            }
            sleep.as_mut().poll(task).map(|()| false)
        });
        if dead.await {
            return;
        }
        service.tick();
    }
}

#[derive(Clone)]
struct Endpoint {
    service: HttpService,
    path: Arc<str>,
    connections: Arc<Connections>,
    max_connections: usize,
    header_timeout: Duration,
}

impl Endpoint {
    async fn accept(self, socket: TcpListener, place: Place) {
        loop {
            let accepted = poll_fn(|task| {
                place.register(task.waker());
                let room = self.connections.has_room(self.max_connections, &place);
                if place.phase() > Phase::Open {
                    return Poll::Ready(None);
                }
                if !room {
                    return Poll::Pending;
                }
                socket.poll_accept(task).map(Some)
            })
            .await;
            match accepted {
                None => break,
                Some(Ok((stream, _))) => {
                    let _ = stream.set_nodelay(true);
                    let place = self.connections.enter();
                    tokio::spawn(self.clone().serve(stream, place));
                }
                // Out of descriptors, or the client was gone already: other connections go on.
                Some(Err(_)) => tokio::time::sleep(Duration::from_millis(50)).await,
            }
        }
        // Before the place: whoever waits for it finds the address free.
        drop(socket);
        drop(place);
    }

    async fn serve(self, stream: TcpStream, place: Place) {
        let timeout = self.header_timeout;
        let service = service_fn(|request: Request<Incoming>| self.answer(request));
        let mut connection = pin!(
            http1::Builder::new()
                .timer(TokioTimer::new())
                .header_read_timeout(timeout)
                .max_header_size(MAX_HEAD)
                .max_buf_size(MAX_BUFFER)
                .writev(true)
                .serve_connection(TokioIo::new(stream), service)
        );
        let (mut registered, mut draining) = (false, false);
        // What ends a connection early is the client's business, or the end of the server.
        poll_fn(|task| {
            if !std::mem::replace(&mut registered, true) {
                place.register(task.waker());
            }
            match place.phase() {
                Phase::Open | Phase::Deaf => {}
                Phase::Draining if !draining => {
                    draining = true;
                    connection.as_mut().graceful_shutdown();
                }
                Phase::Draining => {}
                Phase::Dead => return Poll::Ready(()),
            }
            connection.as_mut().poll(task).map(drop)
        })
        .await;
    }

    async fn answer(&self, request: Request<Incoming>) -> Result<Response<ResponseBody>, Infallible> {
        if !self.serves(request.uri().path()) {
            let mut response = Response::new(ResponseBody::empty());
            *response.status_mut() = StatusCode::NOT_FOUND;
            return Ok(response);
        }
        let timeout = self.header_timeout;
        Ok(self.service.handle(request.map(|body| Timed { body, timeout, sleep: None })).await)
    }

    /// The path itself, or with a slash at its end.
    fn serves(&self, path: &str) -> bool {
        let own = &*self.path;
        path == own || path.strip_suffix('/').is_some_and(|path| path == own)
    }
}

/// A body that must not pause for longer than the head was allowed to take.
struct Timed {
    body: Incoming,
    timeout: Duration,
    sleep: Option<Pin<Box<Sleep>>>,
}

/// The body paused for too long, or broke off.
struct Stalled;

impl Body for Timed {
    type Data = Bytes;
    type Error = Stalled;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        task: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Stalled>>> {
        let this = &mut *self;
        if let Poll::Ready(frame) = Pin::new(&mut this.body).poll_frame(task) {
            this.sleep = None;
            return Poll::Ready(frame.map(|frame| frame.map_err(|_| Stalled)));
        }
        // Only a body that does not come along with its head costs a timer.
        let timeout = this.timeout;
        let sleep = this.sleep.get_or_insert_with(|| Box::pin(tokio::time::sleep(timeout)));
        sleep.as_mut().poll(task).map(|()| Some(Err(Stalled)))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
