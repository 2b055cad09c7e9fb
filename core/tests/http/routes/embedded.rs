//! Requests that a program's own HTTP server passes in piece by piece.

use crate::support::bench::NoWake;
use crate::{MODERN, envelope, events, initialize, request, schema, text};
use bytes::Bytes;
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;
use tenon_mcp::http::{EmbedOptions, Embedded, Exchange, Ready, RequestHead, Step};
use tenon_mcp::{
    CallId, Event, HandlerId, HostOp, Lane, LaneId, Limits, Outcome, Running, Server, Target, Tool, Wake,
};

const WORK: LaneId = LaneId(1);

struct Program {
    server: Server,
    service: Embedded,
    lane: Lane,
}

/// A waker that reports each wake to the test.
struct WakeSender(Sender<()>);

impl Wake for WakeSender {
    fn wake(&self) {
        let _ = self.0.send(());
    }
}

struct Pending {
    exchange: Exchange,
    rung: Receiver<()>,
}

impl Pending {
    /// Waits for the next step.
    fn step(&self) -> Step {
        loop {
            match self.exchange.step() {
                Step::Wait => self.rung.recv_timeout(Duration::from_secs(30)).expect("a wake comes"),
                step => return step,
            }
        }
    }

    /// Reads the whole response.
    fn whole(&self) -> (u16, http::HeaderMap, Vec<u8>) {
        let Step::Head(status, headers) = self.step() else { panic!("the head comes first") };
        let mut body = Vec::new();
        while let Step::Data(data, _) = self.step() {
            body.extend_from_slice(&data);
        }
        assert!(matches!(self.exchange.step(), Step::End));
        (status.as_u16(), headers, body)
    }

    fn json(&self) -> (u16, Value) {
        let (status, _, body) = self.whole();
        (status, serde_json::from_slice(&body).unwrap_or_default())
    }
}

impl Program {
    fn new(limits: Limits, options: EmbedOptions) -> Program {
        Program::of(Server::builder("embedded", "1.0.0").limits(limits).build().unwrap(), options)
    }

    fn of(server: Server, options: EmbedOptions) -> Program {
        let lane = server.port().lane(WORK, Arc::new(NoWake));
        let target = Target::Lane { lane: WORK, handler: HandlerId(1) };
        server.add(Tool::new("work").input_schema(schema(json!({ "type": "object" }))), target).unwrap();
        let service = server.service(options).unwrap();
        Program { server, service, lane }
    }

    fn begin(
        &self,
        method: &str,
        headers: &[(&str, &str)],
        change: impl FnOnce(&mut RequestHead),
    ) -> Pending {
        let mut head = RequestHead::new(method).unwrap();
        for (name, value) in headers {
            head.header(name, value).unwrap();
        }
        change(&mut head);
        let (ring, rung) = channel();
        Pending { exchange: Exchange::new(&self.service, head, Arc::new(WakeSender(ring))), rung }
    }

    fn post(
        &self,
        headers: &[(&str, &str)],
        message: &Value,
        change: impl FnOnce(&mut RequestHead),
    ) -> Pending {
        let all = [("content-type", "application/json"), ("accept", "application/json, text/event-stream")];
        let all: Vec<_> = all.iter().chain(headers).copied().collect();
        let asked = self.begin("POST", &all, change);
        let text = message.to_string();
        let (first, rest) = text.split_at(text.len() / 2);
        for piece in [first, rest] {
            asked.exchange.feed(Bytes::copy_from_slice(piece.as_bytes()));
            assert!(matches!(asked.exchange.step(), Step::Wait), "the body is not complete");
        }
        asked.exchange.end();
        asked
    }

    fn call(&self, change: impl FnOnce(&mut RequestHead)) -> Pending {
        let headers = [("mcp-protocol-version", MODERN), ("mcp-method", "tools/call"), ("mcp-name", "work")];
        let params = envelope(json!({ "name": "work", "_meta": { "progressToken": 1 } }));
        let asked = self.post(&headers, &request(1, "tools/call", params), change);
        assert!(matches!(asked.exchange.step(), Step::Wait));
        asked
    }

    fn ops(lane: &Lane) -> Vec<HostOp> {
        let mut ops = Vec::new();
        lane.drain(64, Duration::from_secs(1), &mut ops);
        ops
    }

    fn taken(lane: &Lane) -> CallId {
        match &Program::ops(lane)[..] {
            [HostOp::Call(call)] => call.id,
            other => panic!("not one call: {other:?}"),
        }
    }

    fn open(&self, who: &str) -> String {
        let asked = self.post(&[], &initialize("2025-11-25"), |head| head.principal(who));
        let (status, headers, _) = asked.whole();
        assert_eq!(status, 200);
        headers["mcp-session-id"].to_str().unwrap().to_owned()
    }
}

/// Bytes that report when they are dropped.
struct DropNotice(Sender<()>);

impl AsRef<[u8]> for DropNotice {
    fn as_ref(&self) -> &[u8] {
        b"piece"
    }
}

impl Drop for DropNotice {
    fn drop(&mut self) {
        let _ = self.0.send(());
    }
}

#[test]
fn a_body_that_is_not_wanted_is_let_go_of() {
    let program = Program::new(Limits::default(), EmbedOptions::new());
    let (gone, told) = channel();
    let piece = || Bytes::from_owner(DropNotice(gone.clone()));
    // It would be asked to send on otherwise.
    let asked = program.begin("PUT", &[("expect", "100-continue")], |_| {});
    for _ in 0..3 {
        asked.exchange.feed(piece());
    }
    assert!(told.try_recv().is_err());
    let Step::Head(status, _) = asked.step() else { panic!("the head comes first") };
    assert_eq!(status, 405);
    assert_eq!(told.try_iter().count(), 3);
    asked.exchange.feed(piece());
    assert_eq!(told.try_iter().count(), 1);
}

#[test]
fn pieces_go_in_and_pieces_come_out() {
    let program = Program::new(Limits::default(), EmbedOptions::new());
    let asked = program.call(|_| {});
    let call = Program::taken(&program.lane);
    program.server.port().emit(call, Event::progress(1.0, None, None)).unwrap();
    let Step::Head(status, headers) = asked.step() else { panic!("the event made it a stream") };
    assert_eq!((status.as_u16(), headers["content-type"].to_str().unwrap()), (200, "text/event-stream"));
    let Step::Data(first, false) = asked.step() else { panic!("the event was there") };
    assert_eq!(events(&first)[0]["params"]["progress"], 1);
    assert!(matches!(asked.exchange.step(), Step::Wait));
    program.server.port().complete(call, Outcome::Text("done".into())).unwrap();
    let Step::Data(rest, true) = asked.step() else { panic!("the answer was there") };
    assert_eq!(text(&events(&rest)[0]), "done");
    assert!(matches!(asked.step(), Step::End));
    assert!(Program::ops(&program.lane).is_empty(), "nothing is cancelled");
}

#[test]
fn who_goes_away_cancels_the_call() {
    let program = Program::new(Limits::default(), EmbedOptions::new());
    for given_up in [true, false] {
        let asked = program.call(|_| {});
        let call = Program::taken(&program.lane);
        if given_up {
            asked.exchange.abandon();
            assert!(matches!(asked.exchange.step(), Step::End));
        } else {
            drop(asked);
        }
        let ops = Program::ops(&program.lane);
        assert!(matches!(&ops[..], [HostOp::Cancel { call: id, .. }] if *id == call), "MH-50: {ops:?}");
    }
}

#[test]
fn bodies_are_bounded_while_they_come_in() {
    let mut limits = Limits::default();
    limits.max_message_bytes = 4096;
    let program = Program::new(limits, EmbedOptions::new());
    let asked = program.begin("POST", &[("content-type", "application/json")], |_| {});
    // Refused before its end: what goes beyond four times the limit is not even thrown away.
    let mut fed = 0;
    let status = loop {
        asked.exchange.feed(Bytes::from_static(&[b' '; 1024]));
        fed += 1024;
        match asked.exchange.step() {
            Step::Wait => assert!(fed < 32_768, "BAD-5"),
            Step::Head(status, _) => break status.as_u16(),
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(status, 413);
}

#[test]
fn sessions_belong_to_the_principal_that_the_program_names() {
    let program = Program::new(Limits::default(), EmbedOptions::new());
    let session = program.open("ann");
    let ping = request(1, "ping", json!({}));
    let ask = |who: &str| {
        let named = [("mcp-session-id", session.as_str()), ("mcp-protocol-version", "2025-11-25")];
        program.post(&named, &ping, |head| head.principal(who)).json().0
    };
    assert_eq!((ask("ann"), ask("bob")), (200, 404));
    assert_eq!(program.service.sessions(), 1);
}

#[test]
fn calls_have_what_was_put_with_their_request() {
    let program = Program::new(Limits::default(), EmbedOptions::new());
    let (gone, told) = channel();
    let asked = ["ann", "bob"].map(|who| program.call(|head| head.attach((who, DropNotice(gone.clone())))));
    let calls = Program::ops(&program.lane);
    for (op, who) in calls.iter().zip(["ann", "bob"]) {
        let HostOp::Call(call) = op else { panic!("{op:?}") };
        let attachment = call.context.arrival.attachment.as_ref().expect("it was put there");
        assert_eq!(attachment.get::<(&str, DropNotice)>().expect("it is of this type").0, who);
        assert!(attachment.get::<String>().is_none());
        assert!(!call.context.arrival.holds_attachment_alone());
        program.server.port().complete(call.id, Outcome::Text(who.into())).unwrap();
    }
    assert_eq!(asked.map(|asked| text(&asked.json().1).to_owned()), ["ann", "bob"]);
    assert!(told.try_recv().is_err());
    for op in &calls {
        assert!(matches!(op, HostOp::Call(call) if call.context.arrival.holds_attachment_alone()), "{op:?}");
    }
    // A call that goes on as a task may outlive its request.
    drop(calls);
    assert_eq!(told.try_iter().count(), 2);
}

#[test]
fn calls_go_to_the_lane_of_their_request() {
    let program = Program::new(Limits::default(), EmbedOptions::new());
    let other = program.server.port().lane(LaneId(5), Arc::new(NoWake));
    let asked = program.call(|head| head.lanes([(WORK, LaneId(5))].into()));
    assert!(Program::ops(&program.lane).is_empty());
    let call = Program::taken(&other);
    program.server.port().complete(call, Outcome::Text("there".into())).unwrap();
    assert_eq!(text(&asked.json().1), "there");
    // What ends is told where it runs.
    let asked = program.call(|head| head.lanes([(WORK, LaneId(5))].into()));
    Program::taken(&other);
    drop(asked);
    assert!(matches!(&Program::ops(&other)[..], [HostOp::Cancel { .. }]));
    assert!(Program::ops(&program.lane).is_empty());
}

#[test]
fn hosts_and_origins_are_the_programs_business_but_pages_are_not() {
    let status = |options: EmbedOptions, headers: &[(&str, &str)]| {
        let program = Program::new(Limits::default(), options);
        program.post(headers, &initialize("2025-11-25"), |_| {}).json().0
    };
    let rebound = [("host", "evil.example"), ("origin", "http://evil.example")];
    assert_eq!(status(EmbedOptions::new(), &rebound), 403, "MH-2");
    assert_eq!(status(EmbedOptions::new(), &[("host", "mcp.example.com")]), 200);
    let beside = [("host", "localhost:8000"), ("origin", "http://127.0.0.1:6274")];
    assert_eq!(status(EmbedOptions::new(), &beside), 200);
    assert_eq!(status(EmbedOptions::new(), &[("origin", "http://127.0.0.1:6274")]), 403);
    let named =
        || EmbedOptions::new().allowed_hosts(["mcp.example.com"]).allowed_origins(["https://app.example"]);
    assert_eq!(status(named(), &[("host", "evil.example")]), 403, "MH-3");
    assert_eq!(status(named(), &[("host", "mcp.example.com"), ("origin", "https://app.example")]), 200);
    let program = Program::new(Limits::default(), named().allowed_headers(["x-custom-auth"]));
    let asks = [
        ("host", "mcp.example.com"),
        ("origin", "https://app.example"),
        ("access-control-request-headers", "x-custom-auth"),
    ];
    let preflight = program.begin("OPTIONS", &asks, |_| {});
    preflight.exchange.end();
    let Step::Head(_, headers) = preflight.step() else { panic!("a head comes first") };
    let allowed = headers["access-control-allow-headers"].to_str().unwrap();
    assert!(allowed.ends_with(", x-custom-auth"), "{allowed}");
    let wrong = Server::new("demo", "1").service(EmbedOptions::new().allowed_headers([""]));
    assert!(wrong.err().unwrap().to_string().contains("allowed headers"));
    let wrong = Server::new("demo", "1").service(EmbedOptions::new().allowed_hosts(["http://x"]));
    assert!(wrong.err().unwrap().to_string().contains("allowed hosts"));
}

#[test]
fn the_end_lets_calls_finish_and_ends_streams() {
    let program = Program::new(Limits::default(), EmbedOptions::new());
    let running: Running = program.service.running().unwrap().clone();
    let session = program.open("ann");
    let named = [
        ("mcp-session-id", session.as_str()),
        ("mcp-protocol-version", "2025-11-25"),
        ("accept", "text/event-stream"),
    ];
    let listening = program.begin("GET", &named, |head| head.principal("ann"));
    listening.exchange.end();
    assert!(matches!(listening.step(), Step::Head(..)));
    let asked = program.call(|_| {});
    let call = Program::taken(&program.lane);
    running.close();
    while !matches!(listening.step(), Step::End) {}
    // Whoever comes now is refused, and the call still runs.
    let late = program.begin("POST", &[], |_| {});
    late.exchange.end();
    assert_eq!(late.json().0, 503);
    assert!(!running.is_closed());
    program.server.port().complete(call, Outcome::Text("done".into())).unwrap();
    assert_eq!(text(&asked.json().1), "done");
    assert!(running.wait_for(Duration::from_secs(30)));
    // It can be served again.
    let again = program.server.service(EmbedOptions::new()).unwrap();
    let closed = again.running().unwrap().clone();
    drop(again);
    assert!(closed.wait_for(Duration::from_secs(30)), "the last clone ends it");
}

#[test]
fn what_a_program_leaves_open_does_not_keep_the_server() {
    let mut limits = Limits::default();
    limits.drain_timeout = Duration::from_millis(50);
    let program = Program::new(limits, EmbedOptions::new());
    let running = program.service.running().unwrap().clone();
    let asked = program.call(|_| {});
    running.close();
    assert!(running.wait_for(Duration::from_secs(30)));
    assert_eq!(asked.json().0, 503);
}

#[test]
fn requests_at_a_time_are_bounded() {
    let mut limits = Limits::default();
    limits.max_connections = 2;
    let program = Program::new(limits, EmbedOptions::new());
    let first = program.call(|_| {});
    let _second = program.call(|_| {});
    let third = program.begin("POST", &[], |_| {});
    third.exchange.end();
    assert_eq!(third.json().0, 503);
    drop(first);
    program.call(|_| {});
}

#[test]
fn a_loop_is_woken_once_for_all_that_is_ready() {
    struct Count(AtomicUsize);
    impl Wake for Count {
        fn wake(&self) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }
    let count = Arc::new(Count(AtomicUsize::new(0)));
    let ready = Ready::new(count.clone());
    let (seven, eight) = (ready.waker(7), ready.waker(8));
    seven.wake();
    eight.wake();
    seven.wake();
    assert_eq!((ready.take(), count.0.load(Ordering::SeqCst)), (vec![7, 8], 1));
    seven.wake();
    assert_eq!((ready.take(), count.0.load(Ordering::SeqCst)), (vec![7], 2));
    assert!(ready.take().is_empty());
}

#[test]
fn what_cannot_stand_in_http_is_named() {
    assert!(RequestHead::new("GE T").is_err());
    let mut head = RequestHead::new("GET").unwrap();
    let said = head.header("x y", "1").unwrap_err().to_string();
    assert!(said.contains("x y"), "{said}");
    assert!(head.header("x", "a\nb").is_err());
    head.header(":authority", "localhost").unwrap();
}

/// The log's records about the addresses of the server.
#[derive(Default)]
struct AddressLog(std::sync::Mutex<Vec<String>>);

impl tenon_mcp::Log for AddressLog {
    fn log(&self, record: &tenon_mcp::Record<'_>) {
        if record.target == "tenon_mcp::server" {
            self.0.lock().unwrap().push(format!("{}: {}", record.level.as_str(), record.message));
        }
    }
}

#[test]
fn exceptions_are_masked_where_the_address_is_not_known_unless_the_program_says_otherwise() {
    for (setting, told) in [(None, None), (Some(true), None), (Some(false), Some("password is 1234"))] {
        let log = Arc::new(AddressLog::default());
        let builder = Server::builder("embedded", "1.0.0").log(log.clone());
        let builder = match setting {
            Some(mask) => builder.mask_errors(mask),
            None => builder,
        };
        let program = Program::of(builder.build().unwrap(), EmbedOptions::new());
        let asked = program.call(|_| {});
        let id = Program::taken(&program.lane);
        program.server.port().complete(id, Outcome::Exception("password is 1234".into())).unwrap();
        let (_, answer) = asked.json();
        let text = answer["result"]["content"][0]["text"].as_str().unwrap();
        match told {
            Some(told) => assert_eq!(text, told),
            None => assert!(!text.contains("1234"), "{setting:?}: {text}"),
        }
        let said = log.0.lock().unwrap().clone();
        match setting {
            Some(true) => assert!(said.is_empty(), "{said:?}"),
            Some(false) => assert!(said[0].contains("error masking is off"), "{said:?}"),
            None => assert!(
                said[0].starts_with("warn: the server is served at the program's own HTTP server")
                    && said.len() == 1,
                "{said:?}"
            ),
        }
    }
}
