//! Connections, sessions, streams, bytes and the store, as observers see them.

use crate::clients::{WAYS, Way, read_response, send_request};
use crate::recording::sum;
use crate::server::{StartedServer, call, initialize, notification};
use bytes::Bytes;
use http::Request;
use http_body::{Body, Frame};
use serde_json::{Value, json};
use std::convert::Infallible;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};
use tenon_mcp::http::EmbedOptions;
use tenon_mcp::observer::{Event, EventKind, Interests, Observer};
use tenon_mcp::store::{Done, Store, StoreOp};
use tenon_mcp::{Environment, Error, Limits, ServeOptions, Server, SystemEnvironment};

/// The name of the connections of a transport, and whether its clients have addresses.
fn transport(way: Way) -> (&'static str, bool) {
    match way {
        Way::Stdio | Way::StdioLegacy => ("stdio", false),
        Way::Lines => ("lines", false),
        Way::WebSocket => ("websocket", true),
        Way::InProcess => ("in_process", false),
        Way::Sse | Way::HttpModern | Way::HttpLegacy => ("http", true),
    }
}

#[test]
fn connections_open_and_close_and_count_their_bytes() {
    for way in WAYS {
        let (server, mut client) = way.open();
        let (transport, addressed) = transport(way);
        let message = way.message(call(1, "add", json!({ "a": 1, "b": 2 })));
        let (received, sent) = (format!("bytes_received {transport}"), format!("bytes_sent {transport}"));
        let before = (server.recording.sum(&received), server.recording.sum(&sent));
        client.send(&message);
        let answer = client.receive();
        let peer = if addressed { "127.0.0.1" } else { "-" };
        let opened = format!("connection_opened {transport} {peer}");
        assert!(server.recording.count(&opened) > 0, "{way:?}: {:#?}", server.recording.all());
        // A client may read what was written before the observer is told.
        server.recording.wait_until("the report of the bytes", |seen| {
            sum(seen, &received) - before.0 >= message.to_string().len()
                && sum(seen, &sent) - before.1 >= answer.to_string().len()
        });
        drop(client);
        let closed = format!("connection_closed {transport} {peer}");
        server.recording.wait_until("the end of the connections", |seen| {
            let count = |text: &str| seen.iter().filter(|seen| seen.text == text).count();
            count(&opened) == count(&closed)
        });
    }
}

/// A connection that becomes a WebSocket is closed as HTTP.
#[test]
fn an_upgrade_changes_the_transport() {
    let (server, client) = Way::WebSocket.open();
    server.recording.wait_until("the upgrade", |seen| {
        seen.iter().any(|seen| seen.text == "connection_opened websocket 127.0.0.1")
    });
    let texts: Vec<_> = server.recording.all().into_iter().map(|seen| seen.text).collect();
    let place = |text: &str| texts.iter().position(|other| other == text).unwrap();
    assert!(place("connection_opened http 127.0.0.1") < place("connection_closed http 127.0.0.1"));
    assert!(place("connection_closed http 127.0.0.1") < place("connection_opened websocket 127.0.0.1"));
    drop(client);
}

#[test]
fn sessions_begin_and_end() {
    for way in [Way::StdioLegacy, Way::Sse, Way::HttpLegacy] {
        let (server, mut client) = way.open();
        assert_eq!(server.recording.count("session_begun 2025-11-25"), 1, "{way:?}");
        // A second session on the same channel ends the first one.
        if way != Way::HttpLegacy {
            client.send(&initialize("2025-06-18"));
            client.receive();
            assert_eq!(server.recording.count("session_begun 2025-06-18"), 1, "{way:?}");
            assert_eq!(server.recording.count("session_ended"), 1, "{way:?}");
        }
        drop(client);
        // The end of the server ends all sessions; the drop of the server checks that.
    }
}

#[test]
fn a_session_that_its_client_deletes_has_ended() {
    let (server, _client) = Way::HttpLegacy.open();
    let authority = server.running.http_address().unwrap().to_string();
    let head = "content-type: application/json\r\naccept: application/json, text/event-stream\r\n";
    let opened =
        read_response(send_request(&authority, "POST", "/mcp", head, &initialize("2025-11-25").to_string()));
    let session =
        opened.head.lines().find_map(|line| line.strip_prefix("mcp-session-id: ")).unwrap().to_owned();
    assert_eq!((server.recording.count("session_begun"), server.recording.count("session_ended")), (2, 0));
    let headers = format!("mcp-session-id: {session}\r\n");
    // A stream of the session ends with it.
    let listening = format!("{headers}accept: text/event-stream\r\n");
    let stream = read_response(send_request(&authority, "GET", "/mcp", &listening, ""));
    assert_eq!(stream.status, 200);
    server
        .recording
        .wait_until("the stream", |seen| seen.iter().any(|seen| seen.text == "stream_opened get"));
    assert_eq!(read_response(send_request(&authority, "DELETE", "/mcp", &headers, "")).status, 204);
    assert_eq!(server.recording.count("session_ended"), 1);
    server
        .recording
        .wait_until("the end of the stream", |seen| seen.iter().any(|seen| seen.text == "stream_closed get"));
}

#[test]
fn a_stream_that_its_client_resumes_is_another_stream() {
    let (server, _client) = Way::HttpLegacy.open();
    let authority = server.running.http_address().unwrap().to_string();
    let head = "content-type: application/json\r\naccept: application/json, text/event-stream\r\n";
    let opened =
        read_response(send_request(&authority, "POST", "/mcp", head, &initialize("2025-11-25").to_string()));
    let session =
        opened.head.lines().find_map(|line| line.strip_prefix("mcp-session-id: ")).unwrap().to_owned();
    let headers = format!("accept: text/event-stream\r\nmcp-session-id: {session}\r\n");
    let mut first = read_response(send_request(&authority, "GET", "/mcp", &headers, ""));
    // The first event of a stream of 2025-11-25 has an id.
    let id = {
        use std::io::BufRead;
        let mut line = String::new();
        while !line.starts_with("id: ") {
            line.clear();
            assert!(first.body.read_line(&mut line).unwrap() > 0);
        }
        line["id: ".len()..].trim().to_owned()
    };
    drop(first);
    let again = format!("{headers}last-event-id: {id}\r\n");
    let resumed = read_response(send_request(&authority, "GET", "/mcp", &again, ""));
    assert_eq!(resumed.status, 200);
    server
        .recording
        .wait_until("the stream", |seen| seen.iter().any(|seen| seen.text == "stream_opened resumed"));
    assert_eq!(server.recording.count("stream_opened get"), 1);
}

/// A body that arrives at once.
struct OnePiece(Option<Bytes>);

impl Body for OnePiece {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Ready(self.0.take().map(|bytes| Ok(Frame::data(bytes))))
    }
}

/// Requests that the program passes on count the bytes of their bodies.
#[test]
fn embedded_requests_count_bodies() {
    let server = StartedServer::new(ServeOptions::new().in_process());
    let within = Server::builder("embedded", "1").observer(server.recording.clone()).build().unwrap();
    let _entered = server.runtime.enter();
    let service = within.service(EmbedOptions::new()).unwrap();
    let body = call(1, "none", json!({})).to_string();
    let length = body.len();
    let request = Request::post("http://localhost/mcp")
        .header("content-type", "application/json")
        .header("accept", "application/json, text/event-stream")
        .body(OnePiece(Some(body.into())))
        .unwrap();
    let answer = server.runtime.block_on(async {
        let mut body = service.handle(request).await.into_body();
        let mut answer = 0;
        while let Some(Ok(frame)) = poll_fn(|task| Pin::new(&mut body).poll_frame(task)).await {
            answer += frame.into_data().map_or(0, |data| data.len());
        }
        answer
    });
    assert_eq!(server.recording.sum("bytes_received embedded"), length);
    assert_eq!(server.recording.sum("bytes_sent embedded"), answer);
    assert!(server.recording.count("refused session header") > 0);
}

/// A store that forgets every operation.
struct Forgetful;

impl Store for Forgetful {
    fn submit(&self, _: StoreOp, _: Instant, _: Done) {}
}

#[test]
fn the_store_is_observed() {
    let (server, _client) = Way::HttpLegacy.open();
    assert_eq!(server.recording.count("store_asked put session stored"), 1);
    assert!(server.recording.count("store_asked get session value") > 0);
    let limits = |limits: &mut Limits| limits.store_timeout = Duration::from_millis(10);
    let options = ServeOptions::new().http(tenon_mcp::HttpOptions::new("127.0.0.1:0").unwrap());
    let server = StartedServer::with(options, limits, |builder| builder.store(Arc::new(Forgetful)));
    let authority = server.running.http_address().unwrap().to_string();
    let head = "content-type: application/json\r\naccept: application/json, text/event-stream\r\n";
    let reply =
        read_response(send_request(&authority, "POST", "/mcp", head, &initialize("2025-11-25").to_string()));
    assert_eq!(reply.status, 503);
    assert_eq!(server.recording.count("store_asked put session no_answer"), 1);
    // The client has got no session.
    assert_eq!(server.recording.count("session_begun"), 0);
    let ends = server.recording.take_requests();
    assert_eq!(ends, [["received initialize -", "refused store unavailable"]]);
}

/// An observer that panics at every event.
struct Panicking;

impl Observer for Panicking {
    fn observe(&self, _: &Event<'_>) {
        panic!("not today");
    }
}

#[test]
fn a_panic_of_an_observer_disturbs_nobody() {
    let options = ServeOptions::new().in_process();
    let server = StartedServer::with(options, |_| (), |builder| builder.observer(Panicking));
    let exchange = tenon_mcp::testing::Exchange::open(&server.server, None).unwrap();
    for id in 0..3 {
        exchange.send(crate::server::modern(call(id, "none", json!({}))).to_string());
        let answer: Value = serde_json::from_slice(&exchange.receive().unwrap()).unwrap();
        assert_eq!(answer["id"], id);
    }
    drop(exchange);
    assert_eq!(server.recording.count("diagnostic an observer panicked"), 1);
}

/// A clock that counts how often it is read.
#[derive(Default)]
struct CountingClock(AtomicUsize);

impl Environment for CountingClock {
    fn now(&self) -> Instant {
        self.0.fetch_add(1, Ordering::SeqCst);
        SystemEnvironment.now()
    }

    fn unix_seconds(&self) -> u64 {
        SystemEnvironment.unix_seconds()
    }

    fn random(&self, out: &mut [u8]) -> Result<(), Error> {
        SystemEnvironment.random(out)
    }
}

/// An observer of some kinds of events, which counts them.
struct Counting(Interests, Arc<AtomicUsize>);

impl Observer for Counting {
    fn interests(&self) -> Interests {
        self.0
    }

    fn observe(&self, _: &Event<'_>) {
        self.1.fetch_add(1, Ordering::SeqCst);
    }
}

/// How often the clock is read for one call that is refused and one list, and how many events there are.
fn costs(interests: Option<Interests>) -> (usize, usize) {
    use tenon_mcp::transport::{Delivery, Outgoing, Peer, Sink};
    struct NullSink;
    impl Sink for NullSink {
        fn send(&self, _: Outgoing) -> Delivery {
            Delivery::Queued
        }
    }
    let (clock, events) = (Arc::<CountingClock>::default(), Arc::<AtomicUsize>::default());
    let mut builder = Server::builder("costs", "1").environment(clock.clone());
    if let Some(interests) = interests {
        builder = builder.observer(Counting(interests, events.clone()));
    }
    let server = builder.build().unwrap();
    let (peer, sink): (_, Arc<dyn Sink>) = (Peer::new(None), Arc::new(NullSink));
    let before = clock.0.load(Ordering::SeqCst);
    let messages = [
        initialize("2025-11-25"),
        notification("notifications/initialized", json!({})),
        call(1, "none", json!({})),
        crate::server::request(2, "tools/list", json!({})),
    ];
    for message in messages {
        server.engine().receive(&peer, &sink, message.to_string().into());
    }
    (clock.0.load(Ordering::SeqCst) - before, events.load(Ordering::SeqCst))
}

#[test]
fn without_an_observer_nothing_is_computed() {
    let nobody = costs(None);
    assert_eq!(nobody, (0, 0), "the engine answers without a clock");
    // Events of other kinds cost nothing either.
    assert_eq!(costs(Some(Interests::of(&[EventKind::BytesSent, EventKind::StoreAsked]))), (0, 0));
    let all = costs(Some(Interests::of(&[EventKind::RequestFinished, EventKind::RequestRefused])));
    assert_eq!(all, (8, 4), "the beginning and the end of each request");
}
