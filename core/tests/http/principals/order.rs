//! What a resolver refuses, before the body is read and before a session is looked up.

use super::ByHeader;
use crate::support::bench::{Bench, Chunks, Full};
use crate::{initialize, request};
use bytes::Bytes;
use serde_json::json;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Instant;
use tenon_mcp::store::{Done, MemoryStore, Store, StoreOp};
use tenon_mcp::{Limits, Log, Principal, Record, http as tenon_http};

/// Counts operations.
struct CountingStore(MemoryStore, AtomicUsize);

impl Store for CountingStore {
    fn submit(&self, op: StoreOp, now: Instant, done: Done) {
        self.1.fetch_add(1, Ordering::SeqCst);
        self.0.submit(op, now, done);
    }
}

#[derive(Default)]
struct Lines(Mutex<Vec<String>>);

impl Log for Lines {
    fn log(&self, record: &Record<'_>) {
        self.0.lock().unwrap().push(record.message.to_owned());
    }
}

struct Fixture {
    bench: Bench,
    resolver: Arc<ByHeader>,
    store: Arc<CountingStore>,
    log: Arc<Lines>,
}

impl Fixture {
    fn new(mask: bool) -> Fixture {
        let resolver = Arc::<ByHeader>::default();
        let store = Arc::new(CountingStore(MemoryStore::new(10), AtomicUsize::new(0)));
        let log = Arc::<Lines>::default();
        let bench = Bench::with(Limits::default(), |builder| {
            let builder = builder.principal_resolver(resolver.clone()).store(store.clone()).log(log.clone());
            builder.mask_errors(mask)
        });
        Fixture { bench, resolver, store, log }
    }

    /// Sends a request whose body is never read, for a session that does not exist.
    fn unread(&self, method: &str, user: &str, more: &[(&str, &str)]) -> Full {
        let body = Chunks::of([Bytes::from_static(b"{}")]);
        let taken = body.taken.clone();
        let headers = [
            ("x-user", user),
            ("mcp-session-id", "unknown"),
            ("content-type", "application/json"),
            ("accept", "application/json, text/event-stream"),
        ];
        let headers: Vec<_> = headers.iter().chain(more).copied().collect();
        let mut asked = self.bench.submit(method, &headers, body);
        let response = (0..3).find_map(|_| asked.poll()).expect("it is refused");
        assert_eq!(taken.load(Ordering::SeqCst), 0, "the body of {user} was read");
        assert_eq!(self.store.1.load(Ordering::SeqCst), 0, "a session was looked up for {user}");
        assert!(self.bench.ops().is_empty());
        crate::support::bench::whole(response)
    }
}

#[test]
fn a_refusal_comes_before_the_body_and_the_session() {
    let fixture = Fixture::new(true);
    for method in ["POST", "GET", "DELETE"] {
        for (user, status, code) in [
            ("refused", 401, -32600),
            ("forbidden", 403, -32600),
            ("down", 503, -32603),
            ("failed", 500, -32603),
            ("panics", 500, -32603),
            ("panics later", 500, -32603),
        ] {
            let refused = fixture.unread(method, user, &[]);
            assert_eq!((refused.status, refused.code()), (status, code), "{method} {user}");
            // What follows on the connection would be the unread body.
            assert_eq!(refused.headers["connection"], "close", "{method} {user}");
            let challenges: Vec<_> = refused.headers.get_all("www-authenticate").iter().collect();
            let expected: &[&str] =
                if user == "refused" { &["Bearer realm=\"one\"", "Basic realm=\"two\""] } else { &[] };
            assert_eq!(challenges, expected, "{method} {user}");
        }
    }
    let refused = fixture.unread("POST", "refused", &[]).json();
    assert_eq!(refused["error"]["message"], "Unauthorized: send a token");
    assert!(refused.get("id").is_none());
}

#[test]
fn what_a_failed_resolver_says_is_for_the_log() {
    for mask in [true, false] {
        let fixture = Fixture::new(mask);
        for user in ["failed", "panics", "panics later"] {
            let message = fixture.unread("POST", user, &[]).json()["error"]["message"].to_string();
            assert_eq!(message.contains("hunter2"), !mask, "{message}");
            let log = std::mem::take(&mut *fixture.log.0.lock().unwrap());
            assert!(log.len() == 1 && log[0].contains("hunter2"), "{log:?}");
            if mask {
                let reference = message.trim_end_matches('"').rsplit(' ').next().unwrap();
                assert!(log[0].contains(reference) && reference.len() == 16, "{message} {log:?}");
            }
        }
    }
}

#[test]
fn other_checks_of_the_head_come_before_or_behind_it() {
    let fixture = Fixture::new(true);
    let asked = || fixture.resolver.asked.swap(0, Ordering::SeqCst);
    // Framing, method, host and origin are checked before the resolver is asked.
    for (method, headers, status) in [
        ("POST", [("transfer-encoding", "gzip"), ("x-user", "refused")], 400),
        ("PUT", [("x-none", ""), ("x-user", "refused")], 405),
        ("POST", [("origin", "http://evil.example"), ("x-user", "refused")], 403),
        ("OPTIONS", [("x-none", ""), ("x-user", "refused")], 204),
    ] {
        let refused = fixture.bench.bare(method, &headers).finish();
        assert_eq!((refused.status, asked()), (status, 0), "{method} {headers:?}");
    }
    // The others are checked after it, so an unauthorized client learns that first.
    for (method, headers, status, known) in [
        ("POST", [("content-type", "text/plain"), ("accept", "application/json")], 401, 415),
        ("GET", [("x-none", ""), ("accept", "application/json")], 401, 400),
    ] {
        for (user, status) in [("refused", status), ("a|b", known)] {
            let headers: Vec<_> = headers.iter().copied().chain([("x-user", user)]).collect();
            assert_eq!(fixture.bench.bare(method, &headers).finish().status, status, "{method} {user}");
            assert_eq!(asked(), 1);
        }
    }
}

#[test]
fn who_has_a_principal_is_served() {
    let fixture = Fixture::new(true);
    for user in ["a|b", "later a|b", "nobody", "a|"] {
        let mut opening = fixture.bench.post(&[("x-user", user)], &initialize("2025-11-25"));
        let opened = (0..3).find_map(|_| opening.poll()).unwrap();
        let session = opened.headers()["mcp-session-id"].to_str().unwrap();
        let ping = |user| {
            let headers = [("x-user", user), ("mcp-session-id", session)];
            let mut asked = fixture.bench.post(&headers, &request(1, "ping", json!({})));
            (0..3).find_map(|_| asked.poll()).unwrap().status().as_u16()
        };
        assert_eq!((ping(user), ping("other|b")), (200, 404), "{user}");
    }
}

/// What the program attaches is what a resolver gets, and the principal without one.
#[test]
fn the_program_may_attach_a_principal() {
    let attach = |bench: &Bench, extensions: http::Extensions, session: Option<&str>| {
        let message =
            if session.is_some() { request(1, "ping", json!({})) } else { initialize("2025-11-25") };
        let mut request = http::Request::post("/mcp").header("host", "localhost");
        for (name, value) in
            [("content-type", "application/json"), ("accept", "application/json, text/event-stream")]
        {
            request = request.header(name, value);
        }
        if let Some(session) = session {
            request = request.header("mcp-session-id", session);
        }
        let mut request = request.body(message.to_string()).unwrap();
        *request.extensions_mut() = extensions;
        let answer = std::pin::pin!(bench.service.handle(request));
        match answer.poll(&mut std::task::Context::from_waker(std::task::Waker::noop())) {
            std::task::Poll::Ready(response) => response,
            std::task::Poll::Pending => panic!("the response is ready"),
        }
    };
    let string = |subject: &str| {
        let mut extensions = http::Extensions::new();
        extensions.insert(tenon_http::Principal(subject.into()));
        extensions
    };
    let pair = |issuer: &str, subject: &str| {
        let mut extensions = http::Extensions::new();
        extensions.insert(Principal::new(issuer, subject));
        extensions
    };
    for bench in [Bench::new(), Fixture::new(true).bench] {
        let opened = attach(&bench, string("ann"), None);
        let session = opened.headers()["mcp-session-id"].to_str().unwrap();
        let status = |extensions| attach(&bench, extensions, Some(session)).status().as_u16();
        assert_eq!(status(string("ann")), 200);
        assert_eq!(status(pair("host", "ann")), 200);
        assert_eq!(status(pair("other", "ann")), 404);
        assert_eq!(status(http::Extensions::new()), 404);
        // An empty string is most likely a missing user.
        assert_eq!(status(string("")), 500);
        assert_eq!(status(pair("other", "")), 404);
    }
}
