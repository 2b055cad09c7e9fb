//! Legacy sessions: how they begin and end, and where they are stored.

use crate::support::bench::{Bench, Part, poll_body, question};
use crate::{MODERN, envelope, events, initialize, request, text};
use http::Response;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;
use tenon_mcp::http::ResponseBody;
use tenon_mcp::store::{Done, MemoryStore, Store, StoreDone, StoreOp};
use tenon_mcp::{AskMode, CancelReason, HostOp, Limits};

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
    assert_eq!(bench.service.sessions(), known);
}

#[test]
fn a_session_is_initialized_once() {
    // VER-19: without the header it is another session, and the first one goes on.
    let bench = Bench::new();
    let session = bench.open();
    let head = [("mcp-session-id", session.as_str())];
    let mut pending = bench.session_call(&session, 1);
    assert!(pending.poll().is_none());
    let reply = bench.post(&head, &initialize("2025-06-18")).finish();
    assert_eq!(
        (reply.status, reply.code(), &reply.json()["id"]),
        (400, -32600, &initialize("")["id"]),
        "{reply:?}"
    );
    let other = bench.post(&[], &initialize("2025-06-18")).finish();
    assert_ne!(other.headers["mcp-session-id"], session.as_str());
    bench.complete(bench.take_call(), "done");
    assert_eq!(text(&pending.finish().json()), "done");
}

/// An `initialize` of this many bytes.
fn initialize_of(bytes: usize) -> serde_json::Value {
    let mut message = initialize("2025-11-25");
    message["params"]["clientInfo"]["title"] = "".into();
    let title = "x".repeat(bytes - message.to_string().len());
    message["params"]["clientInfo"]["title"] = title.into();
    message
}

#[test]
fn an_initialize_beyond_16_kib_is_refused() {
    let bench = Bench::new();
    for bytes in [(16 << 10) + 1, 17 << 10, 64_000] {
        let reply = bench.post(&[], &initialize_of(bytes)).finish();
        assert_eq!(reply.status, 413, "{bytes}");
        assert!(!reply.headers.contains_key("mcp-session-id"));
    }
    assert_eq!(bench.service.sessions(), 0);
    assert_eq!(bench.post(&[], &initialize_of(16 << 10)).finish().status, 200);
}

pub fn idle_after(idle: u64) -> Limits {
    let mut limits = Limits::default();
    limits.session_idle = Duration::from_secs(idle);
    limits.call_timeout = Duration::from_secs(3600);
    limits
}

#[test]
fn idle_sessions_expire_and_used_ones_do_not() {
    // LH-39.
    let bench = Bench::with(idle_after(100), |builder| builder);
    let list = request(9, "tools/list", json!({}));
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

/// A store that replies when the test says so, if at all.
pub struct SlowStore {
    memory: MemoryStore,
    pub waiting: std::sync::Mutex<Vec<(StoreOp, std::time::Instant, Done)>>,
}

impl SlowStore {
    pub fn new() -> Arc<SlowStore> {
        Arc::new(SlowStore { memory: MemoryStore::new(10), waiting: Default::default() })
    }

    pub fn answer(&self) {
        for (op, now, done) in std::mem::take(&mut *self.waiting.lock().unwrap()) {
            self.memory.submit(op, now, done);
        }
    }
}

impl Store for SlowStore {
    fn submit(&self, op: StoreOp, now: std::time::Instant, done: Done) {
        self.waiting.lock().unwrap().push((op, now, done));
    }
}

#[test]
fn a_store_may_answer_later_or_never() {
    let store = SlowStore::new();
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

/// A log that records what the engine reports about its store.
#[derive(Default)]
struct StoreLog(std::sync::Mutex<Vec<String>>);

impl tenon_mcp::Log for StoreLog {
    fn log(&self, record: &tenon_mcp::Record<'_>) {
        assert_eq!((record.level, record.target), (tenon_mcp::LogLevel::Error, "tenon_mcp::store"));
        self.0.lock().unwrap().push(record.message.to_owned());
    }
}

#[test]
fn a_store_that_fails_is_logged() {
    let log = Arc::new(StoreLog::default());
    let bench =
        Bench::with(Limits::default(), |builder| builder.store(Arc::new(UnavailableStore)).log(log.clone()));
    assert_eq!(bench.post(&[], &initialize("2025-11-25")).finish().status, 503);
    assert_eq!(*log.0.lock().unwrap(), ["the store failed: no route to the store"]);
}

struct UnavailableStore;

impl Store for UnavailableStore {
    fn submit(&self, _: StoreOp, _: std::time::Instant, done: Done) {
        done(StoreDone::Unavailable("no route to the store".into()));
    }
}

#[test]
fn without_its_store_there_are_no_sessions() {
    let bench = Bench::with(Limits::default(), |builder| builder.store(Arc::new(UnavailableStore)));
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

/// The events that the body has now.
fn whole_events(response: Response<ResponseBody>) -> Vec<Value> {
    let mut body = response.into_body();
    match poll_body(&mut body, &Arc::default()) {
        Part::Data(data) => events(&data),
        _ => Vec::new(),
    }
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
