//! Drives the endpoint without a server, an executor and a real clock. It is also the host, which takes calls from the
//! lane and completes them.

use crate::{MODERN, TestEnvironment, envelope, initialize, notification, request, schema};
use bytes::Bytes;
use http::{HeaderMap, Request, Response};
use http_body::{Body, Frame, SizeHint};
use serde_json::{Value, json};
use std::cell::Cell;
use std::collections::VecDeque;
use std::convert::Infallible;
use std::future::Future;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;
use tenon_mcp::http::{Access, HttpService, RemoteAddress, ResponseBody};
use tenon_mcp::{
    CallId, Event, HandlerId, HostOp, Lane, LaneId, Limits, Outcome, Server, ServerBuilder, Target, Tool,
};
/// A request body that arrives in pieces.
pub struct Chunks {
    pub pieces: VecDeque<Bytes>,
    pub declared: Option<u64>,
    pub taken: Arc<AtomicUsize>,
    /// If set, the body does not end after the last piece, but nothing more arrives.
    pub stalls: bool,
}

impl Chunks {
    pub fn of(pieces: impl IntoIterator<Item = Bytes>) -> Chunks {
        Chunks { pieces: pieces.into_iter().collect(), declared: None, taken: Arc::default(), stalls: false }
    }
}

impl Body for Chunks {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let piece = self.pieces.pop_front();
        if piece.is_none() && self.stalls {
            return Poll::Pending;
        }
        self.taken.fetch_add(piece.as_ref().map_or(0, Bytes::len), Ordering::Relaxed);
        Poll::Ready(piece.map(|piece| Ok(Frame::data(piece))))
    }

    fn size_hint(&self) -> SizeHint {
        self.declared.map_or_else(SizeHint::default, SizeHint::with_exact)
    }
}

/// Counts wakes.
#[derive(Default)]
pub struct WakeCount(AtomicUsize);

impl Wake for WakeCount {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

impl WakeCount {
    pub fn count(&self) -> usize {
        self.0.swap(0, Ordering::SeqCst)
    }
}

pub struct NoWake;

impl tenon_mcp::Wake for NoWake {
    fn wake(&self) {}
}

pub struct Bench {
    pub service: HttpService,
    pub server: Server,
    pub lane: Lane,
    pub clock: Arc<TestEnvironment>,
    /// The client address of requests, if there is one.
    pub address: Cell<Option<IpAddr>>,
}

pub type Answer = Pin<Box<dyn Future<Output = Response<ResponseBody>>>>;

/// A response whose future the test polls.
pub struct Pending {
    pub answer: Answer,
    pub woken: Arc<WakeCount>,
}

impl Pending {
    pub fn poll(&mut self) -> Option<Response<ResponseBody>> {
        let waker: Waker = self.woken.clone().into();
        match self.answer.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(response) => Some(response),
            Poll::Pending => None,
        }
    }

    /// The response with its whole body. It must be ready now.
    pub fn finish(mut self) -> Full {
        let response = self.poll().expect("the response is ready");
        whole(response)
    }
}

#[derive(Debug)]
pub struct Full {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Bytes,
    pub frames: usize,
}

impl Full {
    pub fn json(&self) -> Value {
        assert_eq!(self.headers["content-type"], "application/json");
        serde_json::from_slice(&self.body).unwrap()
    }

    pub fn code(&self) -> i64 {
        self.json()["error"]["code"].as_i64().expect("an error")
    }

    pub fn is_stream(&self) -> bool {
        self.headers.get("content-type").is_some_and(|form| form == "text/event-stream")
    }
}

pub enum Part {
    Data(Bytes),
    End,
    Nothing,
}

pub fn poll_body(body: &mut ResponseBody, woken: &Arc<WakeCount>) -> Part {
    let waker: Waker = woken.clone().into();
    match Pin::new(body).poll_frame(&mut Context::from_waker(&waker)) {
        Poll::Ready(Some(Ok(frame))) => Part::Data(frame.into_data().unwrap()),
        Poll::Ready(None) => Part::End,
        Poll::Pending => Part::Nothing,
    }
}

pub fn whole(response: Response<ResponseBody>) -> Full {
    let (head, mut body) = response.into_parts();
    let (mut bytes, mut frames, woken) = (Vec::new(), 0, Arc::default());
    let exact = body.size_hint().exact();
    while !body.is_end_stream() {
        match poll_body(&mut body, &woken) {
            Part::Data(data) => {
                bytes.extend(data);
                frames += 1;
            }
            Part::End => break,
            Part::Nothing => panic!("the body is not complete"),
        }
    }
    assert!(exact.is_none_or(|exact| exact == bytes.len() as u64));
    Full { status: head.status.as_u16(), headers: head.headers, body: bytes.into(), frames }
}

impl Bench {
    pub fn new() -> Bench {
        Bench::with(Limits::default(), |builder| builder)
    }

    pub fn with(limits: Limits, configure: impl FnOnce(ServerBuilder) -> ServerBuilder) -> Bench {
        let clock = TestEnvironment::new();
        let builder = Server::builder("bench", "1.0.0").limits(limits).environment(clock.clone());
        let server = configure(builder).state_keys([[7; 32]]).build().unwrap();
        let lane = server.port().lane(LaneId(1), Arc::new(NoWake));
        let target = Target::Lane { lane: LaneId(1), handler: HandlerId(1) };
        let any = schema(json!({ "type": "object" }));
        server.add(Tool::new("work").input_schema(any), target).unwrap();
        let service = HttpService::new(&server, Access::loopback());
        Bench { service, server, lane, clock, address: Cell::default() }
    }

    fn extensions(&self) -> http::Extensions {
        let mut extensions = http::Extensions::new();
        if let Some(address) = self.address.get() {
            extensions.insert(RemoteAddress(address));
        }
        extensions
    }

    pub fn submit(&self, method: &str, headers: &[(&str, &str)], body: Chunks) -> Pending {
        self.submit_at("/mcp", method, headers, body)
    }

    /// Passes a request for any path to the service.
    pub fn submit_at(&self, path: &str, method: &str, headers: &[(&str, &str)], body: Chunks) -> Pending {
        let mut builder = Request::builder().method(method).uri(path);
        let has_host = headers.iter().any(|(name, _)| *name == "host");
        for (name, value) in [("host", "localhost")].iter().filter(|_| !has_host).chain(headers) {
            builder = builder.header(*name, *value);
        }
        let mut request = builder.body(body).unwrap();
        request.extensions_mut().extend(self.extensions());
        let service = self.service.clone();
        Pending { answer: Box::pin(async move { service.handle(request).await }), woken: Arc::default() }
    }

    /// Sends a POST whose body arrives in three pieces.
    pub fn post(&self, headers: &[(&str, &str)], message: &Value) -> Pending {
        let mut text = Bytes::from(message.to_string());
        let mut rest = text.split_off(text.len() / 2);
        let tail = rest.split_off(1);
        let all = [("content-type", "application/json"), ("accept", "application/json, text/event-stream")];
        let all: Vec<_> =
            all.into_iter().filter(|(name, _)| headers.iter().all(|(other, _)| other != name)).collect();
        let headers: Vec<_> = all.iter().chain(headers).copied().collect();
        self.submit("POST", &headers, Chunks::of([text, rest, tail]))
    }

    pub fn bare(&self, method: &str, headers: &[(&str, &str)]) -> Pending {
        self.submit(method, headers, Chunks::of([]))
    }

    /// Starts a modern call.
    pub fn call(&self) -> Pending {
        self.call_with(&[])
    }

    pub fn call_with(&self, more: &[(&str, &str)]) -> Pending {
        let head = [("mcp-protocol-version", MODERN), ("mcp-method", "tools/call"), ("mcp-name", "work")];
        let headers: Vec<_> = head.iter().chain(more).copied().collect();
        let params = envelope(json!({ "name": "work", "_meta": { "progressToken": 1 } }));
        let mut pending = self.post(&headers, &request(1, "tools/call", params));
        assert!(pending.poll().is_none(), "the call waits for its host");
        pending
    }

    /// Opens a session and returns its id.
    pub fn open(&self) -> String {
        let reply = self.post(&[], &initialize("2025-11-25")).finish();
        assert_eq!(reply.status, 200, "{reply:?}");
        let session = reply.headers["mcp-session-id"].to_str().unwrap().to_owned();
        let initialized = notification("notifications/initialized", json!({}));
        let reply = self.post(&[("mcp-session-id", &session)], &initialized).finish();
        assert_eq!((reply.status, reply.body.len()), (202, 0), "VER-14");
        session
    }

    /// Starts a call in a session.
    pub fn session_call(&self, session: &str, id: u64) -> Pending {
        let params = json!({ "name": "work", "_meta": { "progressToken": 1 } });
        let mut pending = self.post(&[("mcp-session-id", session)], &request(id, "tools/call", params));
        assert!(pending.poll().is_none(), "the call waits for its host");
        pending
    }

    pub fn listen(&self, session: &str) -> ResponseBody {
        let headers = [("mcp-session-id", session), ("accept", "text/event-stream")];
        let response = self.bare("GET", &headers).poll().unwrap();
        assert_eq!(response.status(), 200);
        let mut body = response.into_body();
        match poll_body(&mut body, &Arc::default()) {
            Part::Data(first) => assert!(crate::numbered(&first).is_empty(), "only what primes (LH-30)"),
            Part::Nothing => {}
            Part::End => panic!("the stream ended"),
        }
        body
    }

    pub fn ops(&self) -> Vec<HostOp> {
        let mut ops = Vec::new();
        self.lane.drain(64, Duration::from_secs(1), &mut ops);
        ops
    }

    /// The only call that the host has received.
    pub fn take_call(&self) -> CallId {
        match &self.ops()[..] {
            [HostOp::Call(call)] => call.id,
            other => panic!("not one call: {other:?}"),
        }
    }

    pub fn complete(&self, call: CallId, text: &str) {
        self.server.port().complete(call, Outcome::Text(text.into())).unwrap();
    }

    pub fn progress(&self, call: CallId, progress: f64) {
        let event = Event::progress(progress, None, None);
        self.server.port().emit(call, event).unwrap();
    }
}

pub fn question() -> tenon_mcp::Ask {
    let form = json!({ "type": "object", "properties": { "name": { "type": "string" } } });
    tenon_mcp::Ask::form("Who?", schema(form))
}
