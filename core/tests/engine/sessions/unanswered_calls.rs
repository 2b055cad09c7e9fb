//! Notifications and hooks: how many one client may cause, and who learns of their failures.

use crate::sessions::logs::RecordingLog;
use crate::support::*;
use serde_json::json;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tenon_mcp::transport::{Delivery, Outgoing, Peer, Sink};
use tenon_mcp::{Entry, HandlerId, Kind, Outcome, RpcError, Target};

const ON_LANE: Target = Target::Lane { lane: LANE, handler: HandlerId(7) };

fn notify(bench: &Bench, method: &str) {
    bench.send(json!({ "jsonrpc": "2.0", "method": method }));
}

#[test]
fn notifications_of_one_client_leave_room_for_the_calls_of_others() {
    let bench = Bench::legacy_with(|limits| {
        limits.max_peer_calls = 3;
        limits.max_lane_calls = 5;
    });
    bench.server.add(Entry::new(Kind::Notification, "notifications/mine"), ON_LANE).unwrap();
    bench.server.add(Entry::new(Kind::Hook, "roots_changed"), ON_LANE).unwrap();
    bench.server.add(Entry::new(Kind::Hook, "session_end"), ON_LANE).unwrap();
    for _ in 0..10 {
        notify(&bench, "notifications/mine");
        notify(&bench, "notifications/roots/list_changed");
    }
    assert_eq!((bench.peer.in_flight(), bench.engine.in_flight()), (3, 3));
    let (other, sink) = (Peer::new(None), Arc::new(Recorder::default()));
    let as_sink: Arc<dyn Sink> = sink.clone();
    bench.engine.receive(&other, &as_sink, modern(call(json!(1), "slow", json!({}))).to_string().into());
    sink.nothing();
    assert_eq!(other.in_flight(), 1, "another client's call found its place");
    // The end of its session is told however much it has sent.
    bench.engine.end_input(&bench.peer);
    let names: Vec<String> = bench.drain().iter().filter_map(name_of).collect();
    assert_eq!(names.iter().filter(|name| *name == "session_end").count(), 1, "{names:?}");
    bench.engine.cancel_all(tenon_mcp::CancelReason::Closing);
    bench.drain();
    assert_eq!((bench.peer.in_flight(), bench.engine.in_flight()), (0, 0));
}

fn name_of(op: &tenon_mcp::HostOp) -> Option<String> {
    match op {
        tenon_mcp::HostOp::Call(call) => Some(call.context.entry.name.clone()),
        _ => None,
    }
}

#[test]
fn a_failure_that_no_client_is_told_is_logged() {
    let log = Arc::new(RecordingLog::default());
    let bench = Bench::with_builder(|_| {}, |builder| builder.log(log.clone()));
    bench.initialize(LEGACY);
    let entry = Entry::new(Kind::Notification, "notifications/mine").timeout(Duration::from_millis(50));
    bench.server.add(entry, ON_LANE).unwrap();
    let fails = |outcome| {
        notify(&bench, "notifications/mine");
        bench.port.complete(bench.drain_call().id, outcome).unwrap();
        log.one()
    };
    assert!(fails(Outcome::Failed("no disk".into())).contains("\"notifications/mine\" failed: no disk"));
    assert!(fails(Outcome::Error(RpcError::new(7, "no luck"))).contains("no luck (7)"));
    notify(&bench, "notifications/mine");
    bench.drain_call();
    bench.advance(Duration::from_millis(50));
    assert!(log.one().contains("timed out"));
    bench.sink.nothing();
}

#[test]
fn a_version_that_is_not_spoken_is_answered_with_those_that_are() {
    use tenon_mcp::Revision;
    let bench = Bench::with_builder(
        |_| {},
        |builder| builder.revisions([Revision::V2025_11_25, Revision::V2026_07_28]),
    );
    for version in ["2099-01-01", "2025-06-18"] {
        let mut request = modern(call(json!(1), "slow", json!({})));
        request["params"]["_meta"]["io.modelcontextprotocol/protocolVersion"] = json!(version);
        bench.send(request);
        let error = &bench.sink.one()["error"];
        let data = json!({ "supported": ["2026-07-28", "2025-11-25"], "requested": version });
        assert_eq!((&error["code"], &error["data"]), (&json!(-32022), &data), "VER-4");
    }
}

/// A client that does not read while `full` is set. It then accepts only messages that may not be dropped.
#[derive(Default)]
struct SlowSink {
    full: AtomicBool,
    kept: Recorder,
}

impl Sink for SlowSink {
    fn send(&self, message: Outgoing) -> Delivery {
        match message {
            Outgoing::Event { droppable: true, .. } if self.full.load(Ordering::SeqCst) => Delivery::Skipped,
            message => self.kept.send(message),
        }
    }
}

/// TL-27.
#[test]
fn a_client_that_does_not_read_is_told_of_changes_once_when_it_reads_again() {
    let bench = Bench::legacy();
    let slow = Arc::new(SlowSink::default());
    bench.peer.set_sink(slow.clone());
    slow.full.store(true, Ordering::SeqCst);
    for round in 0..200 {
        bench.server.add(tool(&format!("t{round}")), ON_LANE).unwrap();
        bench.server.add(Entry::new(Kind::Prompt, format!("p{round}")), ON_LANE).unwrap();
        bench.advance(Duration::from_millis(10));
    }
    slow.kept.nothing();
    slow.full.store(false, Ordering::SeqCst);
    bench.advance(Duration::from_secs(1));
    let mut told: Vec<String> =
        slow.kept.take().iter().map(|sent| sent["method"].as_str().unwrap().to_owned()).collect();
    told.sort();
    assert_eq!(told, ["notifications/prompts/list_changed", "notifications/tools/list_changed"]);
    bench.advance(Duration::from_secs(10));
    slow.kept.nothing();
    assert_eq!(bench.engine.next_deadline(), None);
}

#[test]
fn a_handler_of_a_notification_sees_who_sent_it() {
    let bench = Bench::new();
    bench.server.add(Entry::new(Kind::Notification, "notifications/mine"), ON_LANE).unwrap();
    bench.server.add(Entry::new(Kind::Hook, "roots_changed"), ON_LANE).unwrap();
    let message = json!({ "jsonrpc": "2.0", "method": "notifications/mine", "params": {} });
    bench.send(modern(message.clone()));
    let call = bench.drain_call();
    assert_eq!(call.context.get("client_info").unwrap().to_value().unwrap()["name"], "bench");
    assert_eq!(call.context.get("protocol_version").unwrap().as_str(), "\"2026-07-28\"");
    bench.port.complete(call.id, Outcome::Text(String::new())).unwrap();
    notify(&bench, "notifications/roots/list_changed");
    assert!(bench.drain().is_empty(), "there is no session");
    bench.initialize(LEGACY);
    bench.send(message);
    assert_eq!(bench.drain_call().context.get("protocol_version").unwrap().as_str(), "\"2025-11-25\"");
}
