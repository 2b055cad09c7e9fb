//! A server that verifies credentials, without sockets and with a clock that only the test moves.

use super::tokens::{AUDIENCE, ISSUER};
use crate::support::bench::{Bench, Full, Part, Pending, poll_body, whole};
use crate::{MODERN, envelope, initialize, notification, request, schema};
use http::Response;
use serde_json::{Value, json};
use std::cell::RefCell;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::Thread;
use std::time::{Duration, Instant};
use tenon_mcp::http::ResponseBody;
use tenon_mcp::{
    Entry, HandlerId, HostOp, JsonSlice, Kind, LaneId, Limits, Outcome, Principal, ServerBuilder, Spelling,
    Target,
};

pub const LANE: Target = Target::Lane { lane: LaneId(1), handler: HandlerId(7) };
/// The key of Ann, who may read and pay.
pub const ANN: &str = "key-of-ann-0123456789";
/// The key of Bob, who may do nothing in particular.
pub const BOB: &str = "key-of-bob-0123456789";
/// A second key of Ann, which may only read.
pub const ANN_READS: &str = "poor-key-of-ann-0123456789";
/// The key of another Ann, whom another issuer knows.
pub const OTHER_ANN: &str = "key-of-other-ann-0123456789";

/// The options of a verifier of keys: [`ANN`], [`ANN_READS`] and [`BOB`].
pub fn keys() -> Value {
    json!({ "type": "api_keys", "keys": [
        { "subject": "ann", "value": ANN, "scopes": ["read", "pay"] },
        { "subject": "ann", "value": ANN_READS, "scopes": ["read"] },
        { "subject": "bob", "value": BOB },
    ] })
}

/// The options of a verifier of JWT with these keys.
pub fn jwt(keys: Value) -> Value {
    let mut options = json!({ "type": "jwt", "issuer": ISSUER, "audience": AUDIENCE });
    options.as_object_mut().unwrap().extend(keys.as_object().unwrap().clone());
    options
}

/// Settings with both keys and another issuer of keys.
pub fn everybody() -> Value {
    let other = json!({ "type": "api_keys", "issuer": "other",
        "keys": [{ "subject": "ann", "value": OTHER_ANN, "scopes": ["read", "pay"] }] });
    json!({ "auth": [keys(), other] })
}

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

pub struct Door {
    pub bench: Bench,
    /// The principals of the calls that handlers have received.
    pub callers: RefCell<Vec<Option<Principal>>>,
}

/// The header with a bearer token.
pub fn bearer(token: &str) -> (&'static str, String) {
    ("authorization", format!("Bearer {token}"))
}

/// An entry with these policies.
pub fn entry(kind: Kind, name: &str, policies: &Value) -> Entry {
    let mut entry = Entry::new(kind, name);
    if kind == Kind::Tool {
        entry = entry.set("inputSchema", schema(json!({ "type": "object" })));
    }
    entry.set_policies(&JsonSlice::from_value(policies), Spelling::Rust).unwrap();
    entry
}

impl Door {
    pub fn new(settings: Value) -> Door {
        Door::with(Limits::default(), settings, |builder| builder)
    }

    pub fn with(limits: Limits, settings: Value, more: impl FnOnce(ServerBuilder) -> ServerBuilder) -> Door {
        let bench = Bench::with(limits, |mut builder| {
            builder.set_settings(&JsonSlice::from_value(&settings), Spelling::Rust).unwrap();
            more(builder)
        });
        let door = Door { bench, callers: RefCell::default() };
        door.add(Kind::Tool, "pay", json!({ "scopes": ["pay"] }));
        door
    }

    pub fn add(&self, kind: Kind, name: &str, policies: Value) {
        self.bench.server.add(entry(kind, name, &policies), LANE).unwrap();
    }

    /// Polls a request until it is answered. Handlers return `done`.
    pub fn finish(&self, mut pending: Pending) -> Response<ResponseBody> {
        let waker: Waker = Arc::new(Unpark(std::thread::current())).into();
        let start = Instant::now();
        loop {
            if let Poll::Ready(response) = pending.answer.as_mut().poll(&mut Context::from_waker(&waker)) {
                return response;
            }
            if self.run_handlers() == 0 {
                assert!(start.elapsed() < Duration::from_secs(30), "the request is answered");
                std::thread::park_timeout(Duration::from_secs(5));
            }
        }
    }

    /// Completes the calls of handlers, and returns how many there were.
    pub fn run_handlers(&self) -> usize {
        let calls = self.bench.ops().into_iter().filter_map(|op| match op {
            HostOp::Call(call) => {
                self.callers.borrow_mut().push(call.context.arrival.principal.clone());
                Some(call.id)
            }
            _ => None,
        });
        calls.map(|id| _ = self.bench.server.port().complete(id, Outcome::Text("done".into()))).count()
    }

    pub fn pass(&self, seconds: u64) {
        self.bench.clock.advance(Duration::from_secs(seconds));
        self.bench.service.tick();
    }

    pub fn send(
        &self,
        method: &str,
        headers: &[(&str, &str)],
        message: Option<&Value>,
    ) -> Response<ResponseBody> {
        match message {
            Some(message) => self.finish(self.bench.post(headers, message)),
            None => self.finish(self.bench.bare(method, headers)),
        }
    }

    /// The response to a request of 2026-07-28.
    pub fn open_modern(
        &self,
        headers: &[(&str, &str)],
        method: &str,
        params: Value,
    ) -> Response<ResponseBody> {
        self.finish(self.begin_modern(headers, method, params))
    }

    /// A request of 2026-07-28 that the test polls.
    pub fn begin_modern(&self, headers: &[(&str, &str)], method: &str, params: Value) -> Pending {
        let mut message = request(1, method, envelope(params));
        message["params"]["_meta"]["io.modelcontextprotocol/clientCapabilities"]["extensions"] =
            json!({ "io.modelcontextprotocol/tasks": {} });
        let params = &message["params"];
        let name = ["name", "uri", "taskId"].into_iter().find_map(|name| params.get(name)?.as_str());
        let name = name.unwrap_or_default().to_owned();
        let mut all = vec![("mcp-protocol-version", MODERN), ("mcp-method", method)];
        all.extend((!name.is_empty()).then_some(("mcp-name", &*name)));
        all.extend(headers);
        self.bench.post(&all, &message)
    }

    pub fn modern(&self, token: Option<&str>, method: &str, params: Value) -> Full {
        let header = token.map(bearer);
        let headers: Vec<_> = header.iter().map(|(name, value)| (*name, value.as_str())).collect();
        whole(self.open_modern(&headers, method, params))
    }

    /// The status of a call of the tool `work` with these headers.
    pub fn knock(&self, headers: &[(&str, &str)]) -> u16 {
        whole(self.open_modern(headers, "tools/call", json!({ "name": "work" }))).status
    }

    /// The status of a call of the tool `work` with a bearer token.
    pub fn status(&self, token: &str) -> u16 {
        self.call(Some(token), "work")
    }

    /// The status of a call of a tool.
    pub fn call(&self, token: Option<&str>, tool: &str) -> u16 {
        self.modern(token, "tools/call", json!({ "name": tool })).status
    }

    /// Opens a session of 2025-11-25, and returns its id.
    pub fn session(&self, token: &str) -> String {
        let (name, value) = bearer(token);
        let opened = self.send("POST", &[(name, &value)], Some(&initialize("2025-11-25")));
        assert_eq!(opened.status(), 200);
        let session = opened.headers()["mcp-session-id"].to_str().unwrap().to_owned();
        let initialized = notification("notifications/initialized", json!({}));
        self.send("POST", &[(name, &value), ("mcp-session-id", &session)], Some(&initialized));
        session
    }

    /// A request in a session.
    pub fn in_session(&self, token: &str, session: &str, method: &str, params: Value) -> Full {
        let (name, value) = bearer(token);
        static NEXT: AtomicU64 = AtomicU64::new(100);
        let id = NEXT.fetch_add(1, Ordering::Relaxed);
        let headers = [(name, value.as_str()), ("mcp-session-id", session)];
        whole(self.send("POST", &headers, Some(&request(id, method, params))))
    }

    /// GET with these headers in a session.
    pub fn listen(&self, token: &str, session: &str, more: &[(&str, &str)]) -> Response<ResponseBody> {
        let (name, value) = bearer(token);
        let mut headers =
            vec![(name, value.as_str()), ("mcp-session-id", session), ("accept", "text/event-stream")];
        headers.extend(more);
        self.send("GET", &headers, None)
    }
}

/// What a stream has said since it was last read, and whether it has ended.
pub fn said(body: &mut ResponseBody) -> (String, bool) {
    let mut all = String::new();
    loop {
        match poll_body(body, &Arc::default()) {
            Part::Data(data) => all.push_str(&String::from_utf8_lossy(&data)),
            Part::Nothing => return (all, false),
            Part::End => return (all, true),
        }
    }
}

/// The value of `WWW-Authenticate`.
pub fn challenge(full: &Full) -> &str {
    full.headers.get("www-authenticate").map_or("", |value| value.to_str().unwrap())
}
