//! The endpoint driven by hand: no server, no executor, no clock but the test's. The test also plays the host: it
//! takes each call from its lane and says what becomes of it.

mod http_support;

use bytes::Bytes;
use http::{HeaderMap, Request, Response};
use http_body::{Body, Frame, SizeHint};
use http_support::{MODERN, Virtual, envelope, events, initialize, notification, request, schema, text};
use serde_json::{Value, json};
use std::collections::VecDeque;
use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;
use tenon_mcp::dispatch::store::{Done, MemoryStore, Store, StoreDone, StoreOp};
use tenon_mcp::http::{Access, HttpService, ResponseBody};
use tenon_mcp::{
    AskMode, CallId, CancelReason, Event, HandlerId, HostOp, Lane, LaneId, Limits, Outcome, Server,
    ServerBuilder, Target, Tool,
};

/// A request body that comes in pieces.
struct Chunks {
    pieces: VecDeque<Bytes>,
    declared: Option<u64>,
    taken: Arc<AtomicUsize>,
}

impl Chunks {
    fn of(pieces: impl IntoIterator<Item = Bytes>) -> Chunks {
        Chunks { pieces: pieces.into_iter().collect(), declared: None, taken: Arc::default() }
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
        self.taken.fetch_add(piece.as_ref().map_or(0, Bytes::len), Ordering::Relaxed);
        Poll::Ready(piece.map(|piece| Ok(Frame::data(piece))))
    }

    fn size_hint(&self) -> SizeHint {
        self.declared.map_or_else(SizeHint::default, SizeHint::with_exact)
    }
}

/// Counts wakes.
#[derive(Default)]
struct Woken(AtomicUsize);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

impl Woken {
    fn count(&self) -> usize {
        self.0.swap(0, Ordering::SeqCst)
    }
}

struct NoWake;

impl tenon_mcp::Wake for NoWake {
    fn wake(&self) {}
}

struct Bench {
    service: HttpService,
    server: Server,
    lane: Lane,
    clock: Arc<Virtual>,
}

type Answer = Pin<Box<dyn Future<Output = Response<ResponseBody>>>>;

/// A response whose future is polled by hand.
struct Pending {
    answer: Answer,
    woken: Arc<Woken>,
}

impl Pending {
    fn poll(&mut self) -> Option<Response<ResponseBody>> {
        let waker: Waker = self.woken.clone().into();
        match self.answer.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(response) => Some(response),
            Poll::Pending => None,
        }
    }

    /// The response, which must be ready now, with its whole body.
    fn finish(mut self) -> Full {
        let response = self.poll().expect("the response is ready");
        whole(response)
    }
}

#[derive(Debug)]
struct Full {
    status: u16,
    headers: HeaderMap,
    body: Bytes,
    frames: usize,
}

impl Full {
    fn json(&self) -> Value {
        assert_eq!(self.headers["content-type"], "application/json");
        serde_json::from_slice(&self.body).unwrap()
    }

    fn code(&self) -> i64 {
        self.json()["error"]["code"].as_i64().expect("an error")
    }

    fn is_stream(&self) -> bool {
        self.headers.get("content-type").is_some_and(|form| form == "text/event-stream")
    }
}

enum Part {
    Data(Bytes),
    End,
    Nothing,
}

fn poll_body(body: &mut ResponseBody, woken: &Arc<Woken>) -> Part {
    let waker: Waker = woken.clone().into();
    match Pin::new(body).poll_frame(&mut Context::from_waker(&waker)) {
        Poll::Ready(Some(Ok(frame))) => Part::Data(frame.into_data().unwrap()),
        Poll::Ready(None) => Part::End,
        Poll::Pending => Part::Nothing,
    }
}

fn whole(response: Response<ResponseBody>) -> Full {
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
    fn new() -> Bench {
        Bench::with(Limits::default(), |builder| builder)
    }

    fn with(limits: Limits, configure: impl FnOnce(ServerBuilder) -> ServerBuilder) -> Bench {
        let clock = Virtual::new();
        let builder = Server::builder("bench", "1.0.0").limits(limits).environment(clock.clone());
        let server = configure(builder).state_keys([[7; 32]]).build().unwrap();
        let lane = server.port().lane(LaneId(1), Arc::new(NoWake));
        let target = Target::Lane { lane: LaneId(1), handler: HandlerId(1) };
        let any = schema(json!({ "type": "object" }));
        server.add_tool(Tool::new("work").input_schema(any), target).unwrap();
        let service = HttpService::new(&server, Access::loopback());
        Bench { service, server, lane, clock }
    }

    fn submit(&self, method: &str, headers: &[(&str, &str)], body: Chunks) -> Pending {
        let mut builder = Request::builder().method(method).uri("/mcp");
        for (name, value) in [("host", "localhost")].iter().chain(headers) {
            builder = builder.header(*name, *value);
        }
        let request = builder.body(body).unwrap();
        let service = self.service.clone();
        Pending { answer: Box::pin(async move { service.handle(request).await }), woken: Arc::default() }
    }

    /// A POST whose body comes in three pieces.
    fn post(&self, headers: &[(&str, &str)], message: &Value) -> Pending {
        let mut text = Bytes::from(message.to_string());
        let mut rest = text.split_off(text.len() / 2);
        let tail = rest.split_off(1);
        let all = [("content-type", "application/json"), ("accept", "application/json, text/event-stream")];
        let all: Vec<_> =
            all.into_iter().filter(|(name, _)| headers.iter().all(|(other, _)| other != name)).collect();
        let headers: Vec<_> = all.iter().chain(headers).copied().collect();
        self.submit("POST", &headers, Chunks::of([text, rest, tail]))
    }

    fn bare(&self, method: &str, headers: &[(&str, &str)]) -> Pending {
        self.submit(method, headers, Chunks::of([]))
    }

    /// Starts a modern call.
    fn call(&self) -> Pending {
        self.call_with(&[])
    }

    fn call_with(&self, more: &[(&str, &str)]) -> Pending {
        let head = [("mcp-protocol-version", MODERN), ("mcp-method", "tools/call"), ("mcp-name", "work")];
        let headers: Vec<_> = head.iter().chain(more).copied().collect();
        let params = envelope(json!({ "name": "work", "_meta": { "progressToken": 1 } }));
        let mut pending = self.post(&headers, &request(1, "tools/call", params));
        assert!(pending.poll().is_none(), "the call waits for its host");
        pending
    }

    /// Opens a session and returns its id.
    fn open(&self) -> String {
        let reply = self.post(&[], &initialize("2025-11-25")).finish();
        assert_eq!(reply.status, 200, "{reply:?}");
        reply.headers["mcp-session-id"].to_str().unwrap().to_owned()
    }

    /// Starts a call in a session.
    fn session_call(&self, session: &str, id: u64) -> Pending {
        let params = json!({ "name": "work", "_meta": { "progressToken": 1 } });
        let mut pending = self.post(&[("mcp-session-id", session)], &request(id, "tools/call", params));
        assert!(pending.poll().is_none(), "the call waits for its host");
        pending
    }

    fn listen(&self, session: &str) -> ResponseBody {
        let headers = [("mcp-session-id", session), ("accept", "text/event-stream")];
        let response = self.bare("GET", &headers).poll().unwrap();
        assert_eq!(response.status(), 200);
        response.into_body()
    }

    fn ops(&self) -> Vec<HostOp> {
        let mut ops = Vec::new();
        self.lane.drain(64, Duration::from_secs(1), &mut ops);
        ops
    }

    /// The call that has come to the host.
    fn take_call(&self) -> CallId {
        match &self.ops()[..] {
            [HostOp::Call(call)] => call.id,
            other => panic!("not one call: {other:?}"),
        }
    }

    fn complete(&self, call: CallId, text: &str) {
        self.server.port().complete(call, Outcome::Text(text.into())).unwrap();
    }

    fn progress(&self, call: CallId, progress: f64) {
        let event = Event::Progress { progress, total: None, message: None };
        self.server.port().emit(call, event).unwrap();
    }
}

#[test]
fn plain_json_when_nothing_was_emitted() {
    let bench = Bench::new();
    let pending = bench.call();
    let call = bench.take_call();
    assert_eq!(pending.woken.count(), 0);
    bench.complete(call, "done");
    assert_eq!(pending.woken.count(), 1);
    let reply = pending.finish();
    assert_eq!((reply.status, reply.frames), (200, 1));
    assert_eq!(text(&reply.json()), "done");
    assert_eq!(reply.json()["result"]["resultType"], "complete");
    assert!(!reply.headers.contains_key("mcp-session-id"), "MH-7");
}

#[test]
fn the_first_event_makes_it_a_stream() {
    let bench = Bench::new();
    let mut pending = bench.call();
    let call = bench.take_call();
    bench.progress(call, 1.0);
    assert_eq!(pending.woken.count(), 1);
    let (head, mut body) = pending.poll().unwrap().into_parts();
    assert_eq!(head.headers["content-type"], "text/event-stream");
    assert_eq!(head.headers["cache-control"], "no-cache", "MH-42");
    assert_eq!(head.headers["x-accel-buffering"], "no", "MH-42");
    assert_eq!(body.size_hint().exact(), None);
    let woken = Arc::default();
    let Part::Data(first) = poll_body(&mut body, &woken) else { panic!("the event was there") };
    assert_eq!(events(&first)[0]["params"]["progress"], 1);
    assert!(matches!(poll_body(&mut body, &woken), Part::Nothing));
    // What has gathered since the last poll comes in one piece.
    bench.progress(call, 2.0);
    bench.progress(call, 3.0);
    bench.complete(call, "done");
    assert_eq!(woken.count(), 1);
    let Part::Data(rest) = poll_body(&mut body, &woken) else { panic!("the rest was there") };
    let rest = events(&rest);
    assert_eq!((rest.len(), text(&rest[2])), (3, "done"));
    assert!(body.is_end_stream());
    assert!(matches!(poll_body(&mut body, &woken), Part::End), "MH-41");
    drop(body);
    assert!(bench.ops().is_empty(), "a call that has ended is not cancelled");
}

#[test]
fn a_complete_stream_leaves_in_one_piece() {
    let bench = Bench::new();
    let mut pending = bench.call();
    let call = bench.take_call();
    bench.progress(call, 1.0);
    bench.complete(call, "done");
    let response = pending.poll().unwrap();
    assert!(response.body().size_hint().exact().is_some());
    let reply = whole(response);
    assert!(reply.is_stream());
    assert_eq!((reply.frames, events(&reply.body).len()), (1, 2));
}

#[test]
fn a_modern_client_that_leaves_cancels() {
    let bench = Bench::new();
    let cancelled = |call: CallId| {
        assert!(bench.server.port().is_cancelled(call));
        match &bench.ops()[..] {
            [HostOp::Cancel { call: ended, reason: CancelReason::Disconnected }] => assert_eq!(*ended, call),
            other => panic!("not one cancellation: {other:?}"),
        }
    };
    // MH-51: before the head of the response.
    let pending = bench.call();
    let call = bench.take_call();
    drop(pending);
    cancelled(call);
    // MH-50: while it streams.
    let mut pending = bench.call();
    let call = bench.take_call();
    bench.progress(call, 1.0);
    let response = pending.poll().unwrap();
    drop(pending);
    assert!(!bench.server.port().is_cancelled(call));
    drop(response);
    cancelled(call);
}

#[test]
fn a_legacy_client_that_leaves_does_not_cancel() {
    // MH-52, LH-26.
    let bench = Bench::new();
    let session = bench.open();
    let pending = bench.session_call(&session, 1);
    let first = bench.take_call();
    drop(pending);
    let mut pending = bench.session_call(&session, 2);
    let second = bench.take_call();
    bench.progress(second, 1.0);
    drop(pending.poll().unwrap());
    assert!(bench.ops().is_empty());
    bench.progress(second, 2.0);
    bench.complete(first, "late");
    bench.complete(second, "late");
    assert_eq!(bench.server.engine().in_flight(), 0);
}

#[test]
fn a_cancelled_legacy_call_ends_its_response() {
    let bench = Bench::new();
    let session = bench.open();
    let cancel = |id: u64| {
        let message = notification("notifications/cancelled", json!({ "requestId": id }));
        let reply = bench.post(&[("mcp-session-id", &session)], &message).finish();
        assert_eq!((reply.status, reply.body.len()), (202, 0), "LH-3");
    };
    let pending = bench.session_call(&session, 1);
    bench.take_call();
    cancel(1);
    let reply = pending.finish();
    assert!(reply.is_stream() && reply.body.is_empty());
    let mut pending = bench.session_call(&session, 2);
    let ops = bench.ops();
    let Some(HostOp::Call(call)) = ops.last() else { panic!("no call in {ops:?}") };
    bench.progress(call.id, 1.0);
    let (_, mut body) = pending.poll().unwrap().into_parts();
    let woken = Arc::default();
    assert!(matches!(poll_body(&mut body, &woken), Part::Data(_)));
    assert!(matches!(poll_body(&mut body, &woken), Part::Nothing));
    cancel(2);
    assert_eq!(woken.count(), 1);
    assert!(matches!(poll_body(&mut body, &woken), Part::End));
}

#[test]
fn quiet_streams_are_kept_alive() {
    let bench = Bench::new();
    let session = bench.open();
    let mut listening = bench.listen(&session);
    let woken = Arc::default();
    assert!(matches!(poll_body(&mut listening, &woken), Part::Nothing));
    let mut comments = 0;
    for _ in 0..12 {
        bench.clock.advance(Duration::from_secs(5));
        bench.service.tick();
        if woken.count() > 0 {
            let Part::Data(data) = poll_body(&mut listening, &woken) else { panic!("woken for nothing") };
            assert!(data.starts_with(b":") && data.ends_with(b"\n\n"), "MH-43: {data:?}");
            assert!(matches!(poll_body(&mut listening, &woken), Part::Nothing));
            comments += 1;
        }
    }
    assert_eq!(comments, 4, "MH-43: one every 15 s for a minute");
    // A stream that carries messages needs none.
    let mut pending = bench.call();
    let call = bench.take_call();
    bench.progress(call, 1.0);
    let mut body = pending.poll().unwrap().into_body();
    for step in 2..20 {
        let Part::Data(data) = poll_body(&mut body, &woken) else { panic!("progress was reported") };
        assert_eq!(events(&data).len(), 1);
        bench.clock.advance(Duration::from_secs(5));
        bench.service.tick();
        bench.progress(call, f64::from(step));
    }
}

#[test]
fn a_client_that_does_not_read_loses_progress_but_not_the_answer() {
    let bench = Bench::with(
        {
            let mut limits = Limits::default();
            limits.max_outbound_bytes = 1000;
            limits
        },
        |builder| builder,
    );
    let mut pending = bench.call();
    let call = bench.take_call();
    for step in 0..1000 {
        bench.progress(call, f64::from(step));
    }
    let response = pending.poll().unwrap();
    bench.complete(call, "done");
    let reply = events(&whole(response).body);
    assert!((5..30).contains(&reply.len()), "{}", reply.len());
    assert_eq!(text(reply.last().unwrap()), "done");
}

#[test]
fn the_answer_has_a_form_the_client_accepts() {
    let bench = Bench::new();
    // MH-11: JSON alone: progress is left out.
    let mut pending = bench.call_with(&[("accept", "application/json")]);
    let call = bench.take_call();
    bench.progress(call, 1.0);
    assert!(pending.poll().is_none());
    bench.complete(call, "done");
    assert_eq!(text(&pending.finish().json()), "done");
    // A stream alone: the answer is an event.
    let pending = bench.call_with(&[("accept", "text/event-stream")]);
    bench.complete(bench.take_call(), "done");
    let reply = pending.finish();
    assert!(reply.is_stream());
    assert_eq!(text(&events(&reply.body)[0]), "done");
    let reply = bench.post(&[("accept", "text/html")], &initialize("2025-11-25")).finish();
    assert_eq!((reply.status, reply.code()), (406, -32600));
    // A question cannot be left out, whatever the client accepts.
    let session = bench.open();
    let params = json!({ "name": "work" });
    let headers = [("mcp-session-id", session.as_str()), ("accept", "application/json")];
    let mut pending = bench.post(&headers, &request(1, "tools/call", params));
    assert!(pending.poll().is_none());
    let call = bench.take_call();
    bench.server.port().ask(call, question(), AskMode::Park).unwrap();
    assert_eq!(pending.poll().unwrap().headers()["content-type"], "text/event-stream");
}

fn question() -> tenon_mcp::Ask {
    let form = json!({ "type": "object", "properties": { "name": { "type": "string" } } });
    tenon_mcp::Ask { key: None, message: "Who?".into(), schema: schema(form) }
}

#[test]
fn a_question_goes_out_on_the_call_and_comes_back_in_another_post() {
    // LH-23.
    let bench = Bench::new();
    let session = bench.open();
    let mut pending = bench.session_call(&session, 1);
    let call = bench.take_call();
    bench.server.port().ask(call, question(), AskMode::Park).unwrap();
    let mut body = pending.poll().unwrap().into_body();
    let woken = Arc::default();
    let Part::Data(data) = poll_body(&mut body, &woken) else { panic!("the question was asked") };
    let asked = &events(&data)[0];
    assert_eq!(asked["method"], "elicitation/create");
    let answer = json!({
        "jsonrpc": "2.0", "id": asked["id"],
        "result": { "action": "accept", "content": { "name": "Ada" } },
    });
    // Another session cannot answer it.
    let other = bench.open();
    let reply = bench.post(&[("mcp-session-id", &other)], &answer).finish();
    assert_eq!((reply.status, reply.body.len()), (202, 0), "BAD-9");
    assert!(bench.ops().is_empty());
    let reply = bench.post(&[("mcp-session-id", &session)], &answer).finish();
    assert_eq!((reply.status, reply.body.len()), (202, 0), "LH-3");
    match &bench.ops()[..] {
        [HostOp::Answer { call: answered, answer: Ok(answer), .. }] => {
            assert_eq!(*answered, call);
            assert_eq!(answer.content.as_ref().unwrap().as_str(), r#"{"name":"Ada"}"#);
        }
        other => panic!("not one answer: {other:?}"),
    }
    bench.complete(call, "Hello");
    let Part::Data(data) = poll_body(&mut body, &woken) else { panic!("the call is done") };
    assert_eq!(text(&events(&data)[0]), "Hello");
    assert!(body.is_end_stream(), "LH-25");
}

#[test]
fn sessions_end_by_delete() {
    let bench = Bench::new();
    let session = bench.open();
    assert!(session.len() >= 22 && session.bytes().all(|byte| (0x21..=0x7E).contains(&byte)), "LH-5");
    assert_ne!(session, bench.open(), "LH-5");
    let head = [("mcp-session-id", session.as_str())];
    let list = request(1, "tools/list", json!({}));
    assert_eq!(bench.post(&head, &list).finish().status, 200);
    let mut first = bench.listen(&session);
    let mut second = bench.listen(&session);
    let woken = Arc::default();
    assert!(matches!(poll_body(&mut first, &woken), Part::Nothing), "LH-22");
    assert!(matches!(poll_body(&mut second, &woken), Part::Nothing), "LH-22");
    let pending = bench.session_call(&session, 2);
    let call = bench.take_call();
    let reply = bench.bare("DELETE", &head).finish();
    assert_eq!((reply.status, reply.body.len()), (204, 0), "LH-10");
    assert_eq!(woken.count(), 2);
    assert!(matches!(poll_body(&mut first, &woken), Part::End));
    assert!(matches!(poll_body(&mut second, &woken), Part::End));
    assert!(bench.server.port().is_cancelled(call));
    assert!(pending.finish().body.is_empty());
    // LH-8.
    for reply in [bench.post(&head, &list), bench.bare("DELETE", &head), bench.bare("GET", &head)] {
        let reply = reply.finish();
        assert_eq!((reply.status, reply.code()), (404, -32600));
    }
}

#[test]
fn statuses_of_sessions() {
    let bench = Bench::new();
    let session = bench.open();
    let s = ("mcp-session-id", session.as_str());
    let v = "mcp-protocol-version";
    let list = request(1, "tools/list", json!({}));
    let rows: &[(&str, Full, u16)] = &[
        ("LH-13", bench.post(&[s, (v, "2025-11-25")], &list).finish(), 200),
        ("LH-14", bench.post(&[s], &list).finish(), 200),
        ("LH-16", bench.post(&[s, (v, "2025-06-18")], &list).finish(), 400),
        ("LH-15", bench.post(&[s, (v, "1999-01-01")], &list).finish(), 400),
        ("LH-7", bench.post(&[], &list).finish(), 400),
        ("LH-8", bench.post(&[("mcp-session-id", "nope")], &list).finish(), 404),
        ("MH-35", bench.post(&[s], &request(1, "no/such", json!({}))).finish(), 200),
        ("MH-35", bench.post(&[s], &request(1, "tools/call", json!({ "name": "nope" }))).finish(), 200),
        ("VER-20", bench.post(&[s], &request(1, "ping", json!({}))).finish(), 200),
        ("LH-18", bench.bare("GET", &[s, ("accept", "application/json")]).finish(), 406),
        ("LH-34", bench.bare("GET", &[s, ("last-event-id", "7")]).finish(), 400),
        ("LH-16", bench.bare("GET", &[s, (v, "2025-06-18")]).finish(), 400),
        ("MH-6", bench.bare("GET", &[s, (v, MODERN)]).finish(), 405),
        ("MH-6", bench.bare("DELETE", &[s, (v, MODERN)]).finish(), 405),
        ("AMB-12", bench.bare("GET", &[]).finish(), 400),
        ("AMB-12", bench.bare("DELETE", &[]).finish(), 400),
        ("LH-8", bench.bare("GET", &[("mcp-session-id", "nope")]).finish(), 404),
    ];
    for (row, reply, status) in rows {
        assert_eq!(reply.status, *status, "{row}: {reply:?}");
        if *status >= 400 {
            assert!(reply.json()["error"]["code"] != -32601, "ERA-4: {row}");
        }
    }
}

#[test]
fn handshakes() {
    let bench = Bench::new();
    for (asked, answered) in [
        ("2025-03-26", "2025-03-26"),
        ("2025-06-18", "2025-06-18"),
        (MODERN, "2025-11-25"),
        ("x", "2025-11-25"),
    ] {
        let reply = bench.post(&[("mcp-session-id", "stale")], &initialize(asked)).finish();
        assert_eq!(reply.json()["result"]["protocolVersion"], answered, "VER-13, LH-11");
        assert_ne!(reply.headers["mcp-session-id"], "stale");
    }
    let known = bench.service.sessions();
    let reply =
        bench.post(&[], &request(1, "initialize", json!({ "protocolVersion": "2025-11-25" }))).finish();
    assert_eq!((reply.status, reply.code()), (200, -32602));
    assert!(!reply.headers.contains_key("mcp-session-id"));
    let mut long = initialize("2025-11-25");
    long["params"]["clientInfo"]["title"] = "x".repeat(70_000).into();
    assert_eq!(bench.post(&[], &long).finish().status, 413);
    assert_eq!(bench.service.sessions(), known);
}

fn idle_after(idle: u64) -> Limits {
    let mut limits = Limits::default();
    limits.session_idle = Duration::from_secs(idle);
    limits.call_timeout = Duration::from_secs(3600);
    limits
}

#[test]
fn idle_sessions_expire_and_used_ones_do_not() {
    // LH-39.
    let bench = Bench::with(idle_after(100), |builder| builder);
    let list = request(1, "tools/list", json!({}));
    let alive = |session: &str| bench.post(&[("mcp-session-id", session)], &list).finish().status == 200;
    let pass = |seconds: u64| {
        for _ in 0..seconds / 5 {
            bench.clock.advance(Duration::from_secs(5));
            bench.service.tick();
        }
    };
    let idle = bench.open();
    let asked = bench.open();
    let listening = bench.open();
    let calling = bench.open();
    let left = bench.open();
    let stream = bench.listen(&listening);
    let call = bench.session_call(&calling, 1);
    let abandoned = bench.session_call(&left, 1);
    drop(abandoned);
    assert_eq!(bench.service.sessions(), 5);
    pass(95);
    assert!(alive(&asked));
    pass(10);
    // Found by the sweep, without a request.
    assert_eq!(bench.service.sessions(), 4);
    assert!(!alive(&idle), "expired");
    pass(85);
    assert!(alive(&asked));
    pass(500);
    assert!(!alive(&asked), "expired after its last request");
    assert!(alive(&listening) && alive(&calling), "an open response is use");
    assert!(alive(&left), "so is a call that goes on without its client");
    drop((stream, call));
    for op in bench.ops() {
        if let HostOp::Call(call) = op {
            bench.complete(call.id, "done");
        }
    }
    pass(110);
    assert_eq!(bench.service.sessions(), 0);
}

#[test]
fn the_store_limits_sessions() {
    let mut limits = idle_after(100);
    limits.max_sessions = 2;
    let bench = Bench::with(limits, |builder| builder);
    let first = bench.open();
    bench.open();
    let reply = bench.post(&[], &initialize("2025-11-25")).finish();
    assert_eq!((reply.status, reply.code()), (503, -32603));
    assert_eq!(reply.headers["retry-after"], "1");
    assert!(!reply.headers.contains_key("mcp-session-id"));
    bench.bare("DELETE", &[("mcp-session-id", &first)]).finish();
    bench.open();
    // Without a sweep, too, what has expired makes room.
    bench.clock.advance(Duration::from_secs(101));
    bench.open();
}

/// A store that answers when the test says so, if at all.
struct Slow {
    memory: MemoryStore,
    waiting: std::sync::Mutex<Vec<(StoreOp, std::time::Instant, Done)>>,
}

impl Slow {
    fn new() -> Arc<Slow> {
        Arc::new(Slow { memory: MemoryStore::new(10), waiting: Default::default() })
    }

    fn answer(&self) {
        for (op, now, done) in std::mem::take(&mut *self.waiting.lock().unwrap()) {
            self.memory.submit(op, now, done);
        }
    }
}

impl Store for Slow {
    fn submit(&self, op: StoreOp, now: std::time::Instant, done: Done) {
        self.waiting.lock().unwrap().push((op, now, done));
    }
}

#[test]
fn a_store_may_answer_later_or_never() {
    let store = Slow::new();
    let bench = Bench::with(Limits::default(), |builder| builder.store(store.clone()));
    let mut pending = bench.post(&[], &initialize("2025-11-25"));
    assert!(pending.poll().is_none());
    store.answer();
    assert_eq!(pending.woken.count(), 1);
    let reply = pending.finish();
    let session = reply.headers["mcp-session-id"].to_str().unwrap();
    let ping = request(1, "ping", json!({}));
    let mut pending = bench.post(&[("mcp-session-id", session)], &ping);
    assert!(pending.poll().is_none());
    store.answer();
    assert_eq!(pending.finish().status, 200);
    // A store that loses the question.
    let mut pending = bench.post(&[("mcp-session-id", session)], &ping);
    assert!(pending.poll().is_none());
    store.waiting.lock().unwrap().clear();
    let reply = pending.finish();
    assert_eq!((reply.status, reply.code()), (503, -32603));
    // The modern era needs no store.
    let head = [("mcp-protocol-version", MODERN), ("mcp-method", "tools/list")];
    assert_eq!(bench.post(&head, &request(1, "tools/list", envelope(json!({})))).finish().status, 200);
}

struct Down;

impl Store for Down {
    fn submit(&self, _: StoreOp, _: std::time::Instant, done: Done) {
        done(StoreDone::Unavailable("no route to the store".into()));
    }
}

#[test]
fn without_its_store_there_are_no_sessions() {
    let bench = Bench::with(Limits::default(), |builder| builder.store(Arc::new(Down)));
    for reply in [
        bench.post(&[], &initialize("2025-11-25")).finish(),
        bench.post(&[("mcp-session-id", "x")], &request(1, "ping", json!({}))).finish(),
        bench.bare("DELETE", &[("mcp-session-id", "x")]).finish(),
    ] {
        // Not 404, at which clients would throw their session away.
        assert_eq!((reply.status, reply.code()), (503, -32603));
        assert!(reply.json()["error"]["message"].as_str().unwrap().contains("no route to the store"));
    }
}

#[test]
fn replicas_share_sessions_through_the_store() {
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new(10));
    let replica = || Bench::with(idle_after(100), |builder| builder.store(store.clone()));
    let (one, two) = (replica(), replica());
    let reply = one.post(&[], &initialize("2025-06-18")).finish();
    let session = reply.headers["mcp-session-id"].to_str().unwrap();
    let head = [("mcp-session-id", session), ("mcp-protocol-version", "2025-06-18")];
    let list = request(1, "tools/list", json!({}));
    assert_eq!(two.post(&head, &list).finish().status, 200);
    let wrong = [("mcp-session-id", session), ("mcp-protocol-version", "2025-11-25")];
    assert_eq!(two.post(&wrong, &list).finish().status, 400, "the revision came along");
    // So did the capabilities: the client can be asked.
    let mut pending = two.session_call(session, 5);
    let call = two.take_call();
    two.server.port().ask(call, question(), AskMode::Park).unwrap();
    assert!(whole_events(pending.poll().unwrap())[0]["method"] == "elicitation/create");
    // Ended on one, it is gone on the other: its calls as well, at the next sight of it.
    assert_eq!(one.bare("DELETE", &[("mcp-session-id", session)]).finish().status, 204);
    assert_eq!(two.post(&head, &list).finish().status, 404);
    assert!(two.server.port().is_cancelled(call));
    assert_eq!((one.service.sessions(), two.service.sessions()), (0, 0));
}

/// The events that are there now.
fn whole_events(response: Response<ResponseBody>) -> Vec<Value> {
    let mut body = response.into_body();
    match poll_body(&mut body, &Arc::default()) {
        Part::Data(data) => events(&data),
        _ => Vec::new(),
    }
}

#[test]
fn bodies_over_the_limit() {
    let mut limits = Limits::default();
    limits.max_message_bytes = 1000;
    let bench = Bench::with(limits, |builder| builder);
    let post = |pieces: usize, declared: bool| {
        let mut body = Chunks::of(std::iter::repeat_n(Bytes::from_static(&[b' '; 100]), pieces));
        body.declared = declared.then_some(pieces as u64 * 100);
        let taken = body.taken.clone();
        let reply = bench.submit("POST", &[("content-type", "application/json")], body).finish();
        let closes = reply.headers.get("connection").is_some_and(|value| value == "close");
        (reply.status, taken.load(Ordering::Relaxed), closes)
    };
    for declared in [false, true] {
        assert_eq!(post(10, declared), (400, 1000, false), "white space is no message");
        assert_eq!(post(11, declared), (413, 1100, false), "BAD-5");
        assert_eq!(post(40, declared), (413, 4000, false), "BAD-5");
    }
    assert_eq!(post(41, true), (413, 0, true), "more than is worth reading");
    assert_eq!(post(100, false), (413, 4100, true), "BAD-5");
}

#[test]
fn bad_messages() {
    let bench = Bench::new();
    let post = |text: &'static str| {
        let body = Chunks::of([Bytes::from_static(text.as_bytes())]);
        let reply = bench.submit("POST", &[("content-type", "application/json")], body).finish();
        (reply.status, reply.code(), reply.json().get("id").cloned())
    };
    assert_eq!(post("{\"jsonrpc\""), (400, -32700, None), "BAD-8");
    assert_eq!(post("17"), (400, -32600, None), "BAD-8");
    assert_eq!(post("[]"), (400, -32600, None), "BAD-9");
    assert_eq!(post(r#"[{"jsonrpc":"2.0","id":1,"method":"ping"}]"#), (400, -32600, None), "BAT-9");
    assert_eq!(post(r#"{"jsonrpc":"2.0","id":1.5,"method":"ping"}"#), (400, -32600, None), "RPC-4");
    assert_eq!(post(r#"{"jsonrpc":"1.0","id":1,"method":"ping"}"#), (400, -32600, Some(json!(1))), "RPC-1");
    assert_eq!(post(""), (400, -32700, None), "BAD-8");
    let body = Chunks::of([Bytes::from_static(b"{}")]);
    let reply = bench.submit("POST", &[("content-type", "text/plain")], body).finish();
    assert_eq!((reply.status, reply.code()), (415, -32600), "MH-12");
    for method in ["HEAD", "PUT", "PATCH"] {
        let reply = bench.bare(method, &[]).finish();
        assert_eq!(
            (reply.status, &reply.headers["allow"]),
            (405, &"GET, POST, DELETE, OPTIONS".parse().unwrap())
        );
    }
}

#[test]
fn modern_statuses() {
    let bench = Bench::new();
    let post = |method: &str, name: Option<&str>, params: Value| {
        let mut headers = vec![("mcp-protocol-version", MODERN), ("mcp-method", method)];
        headers.extend(name.map(|name| ("mcp-name", name)));
        let reply = bench.post(&headers, &request(7, method, params)).finish();
        let json = reply.json();
        assert_eq!(json["id"], 7, "MH-33");
        (reply.status, json["error"]["code"].as_i64())
    };
    assert_eq!(post("server/discover", None, envelope(json!({}))), (200, None));
    assert_eq!(post("tools/list", None, envelope(json!({}))), (200, None));
    for method in ["initialize", "ping", "logging/setLevel", "resources/subscribe", "no/such"] {
        assert_eq!(post(method, None, envelope(json!({}))), (404, Some(-32601)), "ERA-6: {method}");
    }
    assert_eq!(post("tools/list", None, json!({})), (400, Some(-32602)), "VER-3");
    let call = |name: &str| envelope(json!({ "name": name }));
    assert_eq!(post("tools/call", Some("nope"), call("nope")), (200, Some(-32602)), "MH-37");
    assert_eq!(post("tools/call", Some("other"), call("work")), (400, Some(-32020)), "MH-15");
    let mut unknown = envelope(json!({}));
    unknown["_meta"]["io.modelcontextprotocol/protocolVersion"] = json!("2099-01-01");
    assert_eq!(post("tools/list", None, unknown), (400, Some(-32020)), "AMB-2");
    let list = envelope(json!({ "cursor": "x" }));
    assert_eq!(post("tools/list", None, list), (200, Some(-32602)), "AMB-5");
    let head = [("mcp-protocol-version", "2099-01-01")];
    let reply = bench.post(&head, &request(7, "tools/list", json!({}))).finish();
    assert_eq!((reply.status, reply.code()), (400, -32022), "ERA-13");
    let supported = &reply.json()["error"]["data"]["supported"];
    assert_eq!(supported[0], MODERN, "VER-23");
    // A modern notification is accepted; a modern response is not.
    let head = [("mcp-protocol-version", MODERN)];
    let reply =
        bench.post(&head, &notification("notifications/cancelled", json!({ "requestId": 7 }))).finish();
    assert_eq!((reply.status, reply.body.len()), (202, 0), "MH-31, MH-36");
    let reply = bench.post(&head, &json!({ "jsonrpc": "2.0", "id": 1, "result": {} })).finish();
    assert_eq!(reply.status, 400, "MH-32");
}

#[test]
fn a_server_at_its_limit_says_so() {
    let mut limits = Limits::default();
    limits.max_lane_calls = 1;
    let bench = Bench::with(limits, |builder| builder);
    let session = bench.open();
    let pending = bench.call();
    let head = [("mcp-protocol-version", MODERN), ("mcp-method", "tools/call"), ("mcp-name", "work")];
    let params = json!({ "name": "work" });
    for reply in [
        bench.post(&head, &request(2, "tools/call", envelope(params.clone()))).finish(),
        bench.post(&[("mcp-session-id", &session)], &request(2, "tools/call", params)).finish(),
    ] {
        assert_eq!((reply.status, reply.code()), (503, -32603));
        assert_eq!((&reply.json()["id"], &reply.headers["retry-after"]), (&json!(2), &"1".parse().unwrap()));
    }
    bench.complete(bench.take_call(), "done");
    assert_eq!(pending.finish().status, 200);
}

#[test]
fn equal_ids_of_different_clients_do_not_meet() {
    // RPC-8.
    let bench = Bench::new();
    let (first, second) = (bench.call(), bench.call());
    let calls: Vec<_> = bench
        .ops()
        .into_iter()
        .map(|op| match op {
            HostOp::Call(call) => call.id,
            other => panic!("not a call: {other:?}"),
        })
        .collect();
    bench.complete(calls[1], "second");
    bench.complete(calls[0], "first");
    assert_eq!(text(&first.finish().json()), "first");
    assert_eq!(text(&second.finish().json()), "second");
}

#[test]
fn pages_of_allowed_origins_may_read_the_answers() {
    let bench = Bench::new();
    let origin = ("origin", "http://localhost:3000");
    let reply = bench.post(&[origin], &initialize("2025-11-25")).finish();
    assert_eq!(reply.headers["access-control-allow-origin"], origin.1, "MH-8");
    assert_eq!(reply.headers["vary"], "Origin");
    let exposed = reply.headers["access-control-expose-headers"].to_str().unwrap();
    for name in ["WWW-Authenticate", "Mcp-Session-Id", "MCP-Protocol-Version"] {
        assert!(exposed.contains(name), "MH-8");
    }
    // Refusals too, or the page could not see why.
    let reply = bench.post(&[origin], &request(1, "tools/list", json!({}))).finish();
    assert_eq!(
        (reply.status, &reply.headers["access-control-allow-origin"]),
        (400, &origin.1.parse().unwrap())
    );
    let reply = bench.bare("OPTIONS", &[origin, ("access-control-request-method", "POST")]).finish();
    assert_eq!(
        (reply.status, &reply.headers["access-control-allow-origin"]),
        (204, &origin.1.parse().unwrap())
    );
    assert!(reply.headers.contains_key("access-control-allow-headers"));
    let evil = ("origin", "http://evil.example.com");
    for reply in [
        bench.post(&[evil], &initialize("2025-11-25")),
        bench.bare("OPTIONS", &[evil]),
        bench.bare("GET", &[evil]),
        bench.bare("DELETE", &[evil]),
    ] {
        let reply = reply.finish();
        assert_eq!(reply.status, 403, "MH-2");
        assert!(!reply.headers.contains_key("access-control-allow-origin"));
    }
    assert_eq!(bench.service.sessions(), 1);
}

#[test]
fn listening_streams_end_with_the_server() {
    let bench = Bench::new();
    let session = bench.open();
    let mut listening = bench.listen(&session);
    let pending = bench.session_call(&session, 1);
    bench.service.end_streams();
    assert!(matches!(poll_body(&mut listening, &Arc::default()), Part::End));
    let mut late = bench.listen(&session);
    assert!(matches!(poll_body(&mut late, &Arc::default()), Part::End));
    // Calls go on until they are cancelled.
    bench.complete(bench.take_call(), "done");
    assert_eq!(text(&pending.finish().json()), "done");
    let modern = bench.call();
    bench.server.engine().cancel_all(CancelReason::Closing);
    let reply = modern.finish();
    assert_eq!((reply.status, reply.code()), (503, -32603));
}
