//! The endpoint of Streamable HTTP: its state, and the handler for each request.

use super::metadata;
use super::post::readable;
use crate::dispatch::limits::Limits;
use crate::host::Engine;
use crate::proto::http::{self as rules, Access, Verb};
use crate::runtime::http::connection::budget::Budget;
use crate::runtime::http::connection::caller::{Caller, RemoteAddress};
use crate::runtime::http::connection::forwarded::Proxies;
use crate::runtime::http::response::body::ResponseBody;
use crate::runtime::http::response::panic_boundary::bounded;
use crate::runtime::http::response::responses::{
    add_cors, drain_and_refuse, empty, refuse_framing, refuse_unread, refused,
};
use crate::runtime::http::resumption::open_streams::OpenStreams;
use crate::runtime::http::session::sessions::Sessions;
use crate::runtime::sockets::client_address::key;
use crate::server::Server;
use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body::Body;
use std::pin::pin;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

/// The MCP endpoint of a server as a function from requests to responses, for a program that has its own HTTP server.
/// Clones are cheap and refer to the same endpoint.
///
/// The program's HTTP server must limit the number and the duration of connections. Bytes that are buffered for clients
/// count in [`Limits::max_buffered_bytes`](crate::Limits::max_buffered_bytes) here too.
///
/// The endpoint needs no particular executor, and uses only the server's clock. All work that depends on time is in
/// [`tick`](HttpService::tick), so the program must call that method.
///
/// ```
/// use tenon_mcp::{Server, http::{Access, HttpService}};
///
/// let server = Server::new("demo", "1.0.0");
/// let service = HttpService::new(&server, Access::public().allow_hosts(["mcp.example.com"]));
/// // For each request of a server of one's own, `http::Request<impl Body<Data = Bytes>>`:
/// // let response = service.handle(request).await;
/// # let _ = service;
/// ```
#[derive(Clone)]
pub struct HttpService(pub(super) Arc<Inner>);

pub(super) struct Inner {
    pub(super) engine: Engine,
    pub(super) access: Access,
    pub(super) sessions: Arc<Sessions>,
    pub(super) streams: Arc<OpenStreams>,
    pub(super) budget: Arc<Budget>,
    pub(super) proxies: Arc<Proxies>,
}

/// The maximum time between two outputs on a stream, so that no proxy closes the stream as idle.
pub(in crate::runtime::http) const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// The maximum time between two calls of [`HttpService::tick`].
pub(in crate::runtime::http) const TICK: Duration = Duration::from_secs(5);

impl HttpService {
    /// Creates the endpoint of `server`. `access` defines the hosts and origins that are accepted.
    pub fn new(server: &Server, access: Access) -> HttpService {
        if !access.is_local() || access.public_host().is_some() {
            server.engine().expose("the program's own HTTP server");
        }
        HttpService::with_engine(server.engine(), access)
    }

    pub(in crate::runtime) fn with_engine(engine: &Engine, access: Access) -> HttpService {
        HttpService(Arc::new(Inner {
            engine: engine.clone(),
            access,
            sessions: Sessions::new(engine.clone()),
            streams: Arc::default(),
            budget: Budget::new(engine.limits().max_buffered_bytes),
            // The builder has checked them.
            proxies: Arc::new(Proxies::parse(&engine.0.trusted_proxies).unwrap_or_default()),
        }))
    }

    /// The same endpoint with other rules for hosts and origins. Both share the sessions, the streams and the byte
    /// budget.
    pub(in crate::runtime::http) fn with_access(&self, access: Access) -> HttpService {
        let Inner { engine, sessions, streams, budget, proxies, .. } = &*self.0;
        HttpService(Arc::new(Inner {
            engine: engine.clone(),
            access,
            sessions: sessions.clone(),
            streams: streams.clone(),
            budget: budget.clone(),
            proxies: proxies.clone(),
        }))
    }

    /// Answers one request, for any path. The caller has already decided that the request is for this endpoint. Below
    /// `/.well-known/oauth-protected-resource` it answers with the metadata of the endpoint whose path follows (RFC 9728),
    /// if a verifier names an authorization server.
    ///
    /// If the future is dropped before it is ready, or the response's body before its end, the client counts as
    /// disconnected. In the modern era its call is cancelled. A call of a legacy session continues.
    ///
    /// The body of an `initialize` may have at most 16 KiB, because its content is stored with the session. A longer
    /// body is answered with 413.
    ///
    /// A body over [`Limits::max_message_bytes`](crate::Limits::max_message_bytes) is answered with 413 (RFC 9110,
    /// section 15.5.14). The service reads and discards up to four times that limit, so that the connection stays
    /// usable. If the body is even longer, the response has `Connection: close`. If a request is refused because of its
    /// head, up to 64 KiB of its body are read and discarded.
    pub async fn handle<B>(&self, request: Request<B>) -> Response<ResponseBody>
    where
        B: Body<Data = Bytes>,
    {
        if let Err(refusal) = rules::check_framing(request.headers()) {
            return refuse_framing(refusal, request.version());
        }
        let address = request.extensions().get::<RemoteAddress>();
        let share = address.map(|address| self.0.engine.0.shares.of(key(address.0)));
        let budget = self.0.budget.of(share.as_ref());
        self.handle_for(request, Caller { budget: &budget, connection: None, principal: None }).await
    }

    /// Answers a request of a known caller. The framing of the body was checked already.
    pub(in crate::runtime::http) async fn handle_for<B>(
        &self,
        request: Request<B>,
        caller: Caller<'_>,
    ) -> Response<ResponseBody>
    where
        B: Body<Data = Bytes>,
    {
        let (head, body) = request.into_parts();
        let head = Arc::new(head);
        let body = pin!(body);
        let checked = rules::verb(&head.method)
            .and_then(|verb| Ok((verb, self.0.access.check(&head.uri, &head.headers)?)));
        let (verb, origin) = match checked {
            // The document is public, so no host and no origin is refused. A listener has a route for it.
            _ if caller.connection.is_none() && metadata::is_named(self, &head.uri) => {
                return drain_and_refuse(metadata::of_service(self, &head, caller), &head, body).await;
            }
            Ok(checked) => checked,
            Err(refusal) => {
                return drain_and_refuse(refused(refusal), &head, body).await;
            }
        };
        let named = OnceLock::new();
        let answer = pin!(async {
            let principal = match verb {
                // Browsers send these requests without credentials.
                Verb::Options => None,
                Verb::Post | Verb::Get | Verb::Delete => match self.principal(&head, caller).await {
                    Ok(principal) => principal,
                    Err(refusal) => return Ok(refuse_unread(refusal, &head, &*body)),
                },
            };
            let caller = Caller { principal: principal.as_ref(), ..caller };
            match verb {
                Verb::Post => match readable(&head) {
                    Ok(forms) => self.post(&head, body, forms, caller, &named).await,
                    Err(refusal) => Ok(drain_and_refuse(refused(refusal), &head, body).await),
                },
                Verb::Get => self.get(&head, caller).await,
                Verb::Delete => self.delete(&head, caller).await,
                Verb::Options => {
                    let mut response = empty(StatusCode::NO_CONTENT);
                    *response.headers_mut() = self.0.access.preflight(rules::ALLOW, &head.headers, origin);
                    Ok(response)
                }
            }
        });
        let answer = bounded(&self.0.engine, &named, answer).await;
        let mut response = answer.unwrap_or_else(refused);
        self.challenge(&head, caller, &mut response);
        add_cors(origin, &mut response);
        response
    }

    /// Runs the work that depends on time: changes slow responses to streams, sends keep-alive comments, ends idle
    /// sessions, fails late store queries, and applies call timeouts. Call it every five seconds, or more often if a
    /// limit is less than twenty seconds. If the program does not also [start](crate::Server::start) the server, whose
    /// timer is exact, it must call this every second.
    pub fn tick(&self) {
        let engine = &self.0.engine;
        let now = engine.now();
        if engine.next_deadline().is_some_and(|next| next <= now) {
            engine.handle_timeout(now);
        }
        engine.start_streaming_slow_calls(now, engine.limits().stream_after);
        self.0.streams.keep_alive(now, KEEP_ALIVE - TICK);
        self.0.sessions.sweep(now);
    }

    pub(in crate::runtime::http) fn session_table(&self) -> &Arc<Sessions> {
        &self.0.sessions
    }

    pub(in crate::runtime) fn budget(&self) -> &Arc<Budget> {
        &self.0.budget
    }

    pub(in crate::runtime::http) fn engine(&self) -> &Engine {
        &self.0.engine
    }

    pub(in crate::runtime::http) fn now(&self) -> Instant {
        self.0.engine.now()
    }

    pub(in crate::runtime::http) fn limits(&self) -> &Limits {
        self.0.engine.limits()
    }

    /// The interval for [`HttpService::tick`] with which each timeout is at most a quarter late.
    pub(in crate::runtime::http) fn tick_period(&self) -> Duration {
        let limits = self.0.engine.limits();
        let shortest = limits
            .session_idle
            .min(limits.handshake_timeout)
            .min(limits.store_timeout)
            .min(limits.stream_after)
            .min(limits.resume_timeout);
        (shortest / 4).clamp(Duration::from_millis(10), TICK)
    }

    /// The number of open legacy sessions that this endpoint knows.
    pub fn sessions(&self) -> usize {
        self.0.sessions.len()
    }

    /// Ends all listen streams and refuses new ones, because the server is closing. Calls in flight continue.
    pub fn end_streams(&self) {
        self.0.streams.end();
        self.0.engine.end_listens();
        self.0.sessions.end_streams();
    }
}
