//! Subscriptions of legacy sessions (RS-8 to RS-10), and notifications to all sessions.

use crate::support::{Bench, LANE, LEGACY, Recorder};
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tenon_mcp::transport::{Delivery, Outgoing, Peer, Sink};
use tenon_mcp::{CancelReason, Entry, Event, HandlerId, HostOp, JsonSlice, Kind, Target};

const TICK: Duration = Duration::from_millis(10);
const TARGET: Target = Target::Lane { lane: LANE, handler: HandlerId(2) };

fn bench() -> Bench {
    bench_with(|_| {})
}

fn bench_with(change: impl FnOnce(&mut tenon_mcp::Limits)) -> Bench {
    let bench = Bench::with(change);
    bench.server.add(Entry::new(Kind::Resource, "test://one"), TARGET).unwrap();
    bench.server.add(Entry::new(Kind::ResourceTemplate, "test://rows/{id}"), TARGET).unwrap();
    bench.initialize(LEGACY);
    bench.peer.set_sink(bench.sink.clone());
    bench
}

fn ask(bench: &Bench, method: &str, uri: &str) -> Value {
    bench.send(json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": { "uri": uri } }));
    bench.sink.one()
}

fn subscribe(bench: &Bench, uri: &str) -> Value {
    ask(bench, "resources/subscribe", uri)
}

fn updates(bench: &Bench) -> Vec<String> {
    let sent = bench.sink.take();
    let update = |message: &Value| {
        assert_eq!(message["method"], "notifications/resources/updated", "{message}");
        assert!(message["params"].get("_meta").is_none(), "META-7: {message}");
        message["params"]["uri"].as_str().unwrap().to_owned()
    };
    sent.iter().map(update).collect()
}

#[test]
fn before_the_start_nobody_is_told_of_a_change() {
    let server = tenon_mcp::Server::new("alone", "1.0.0");
    server.resource_updated("test://one");
    server.list_changed(Kind::Resource).unwrap();
    let bench = Bench::new();
    bench.server.add(Entry::new(Kind::Resource, "test://one"), TARGET).unwrap();
    bench.server.resource_updated("test://one");
    bench.server.resource_updated("test://none");
    bench.initialize(LEGACY);
    let sink = Arc::new(Recorder::default());
    bench.peer.set_sink(sink.clone());
    subscribe(&bench, "test://one");
    bench.advance(TICK);
    sink.nothing();
    bench.assert_settled();
}

/// RS-8, RS-9, RS-10.
#[test]
fn a_session_is_told_of_what_it_subscribed_to_until_it_unsubscribes() {
    let bench = bench();
    for uri in ["test://one", "test://rows/3", "test://one"] {
        assert_eq!(subscribe(&bench, uri)["result"], json!({}));
    }
    for uri in ["test://one", "test://one/part", "test://rows/3", "test://rows/4", "test://one"] {
        bench.server.resource_updated(uri);
    }
    bench.advance(TICK);
    assert_eq!(updates(&bench), ["test://one", "test://rows/3"]);
    for uri in ["test://one", "test://one", "test://never"] {
        assert_eq!(ask(&bench, "resources/unsubscribe", uri)["result"], json!({}));
    }
    bench.server.resource_updated("test://one");
    bench.server.resource_updated("test://rows/3");
    bench.advance(TICK);
    assert_eq!(updates(&bench), ["test://rows/3"]);
    bench.assert_settled();
}

#[test]
fn only_what_can_be_read_can_be_subscribed_to() {
    let bench = bench();
    let answer = subscribe(&bench, "test://none");
    assert_eq!(answer["error"]["code"], -32002, "RS-5: {answer}");
    assert_eq!(answer["error"]["data"]["uri"], "test://none");
    let answer = subscribe(&bench, &format!("test://rows/{}", "1".repeat(9_000)));
    assert_eq!(answer["error"]["code"], -32602);
    for params in [json!({}), json!({ "uri": 7 })] {
        for method in ["resources/subscribe", "resources/unsubscribe"] {
            bench.send(json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params }));
            assert_eq!(bench.sink.one()["error"]["code"], -32602);
        }
    }
    let without = Bench::legacy();
    assert_eq!(subscribe(&without, "test://one")["error"]["code"], -32601, "RS-8");
}

/// RS-8. Only the program knows which resources exist.
#[test]
fn where_the_program_answers_reads_itself_every_address_can_be_subscribed_to() {
    let bench = bench();
    assert_eq!(subscribe(&bench, "own://any")["error"]["code"], -32002);
    bench.server.replace("resources/read", || async { json!({ "contents": [] }) }).unwrap();
    assert_eq!(subscribe(&bench, "own://any")["result"], json!({}));
    bench.server.resource_updated("own://any");
    bench.advance(TICK);
    assert_eq!(updates(&bench), ["own://any"]);
}

#[test]
fn a_sessions_subscriptions_are_bounded() {
    let bench = bench_with(|limits| {
        limits.max_subscriptions = 2;
        limits.max_subscription_bytes = 30;
    });
    assert_eq!(subscribe(&bench, "test://one")["result"], json!({}));
    let long = format!("test://rows/{}", "1".repeat(9));
    assert_eq!(subscribe(&bench, &long)["error"]["code"], -32603);
    assert_eq!(subscribe(&bench, "test://rows/1")["result"], json!({}));
    assert_eq!(subscribe(&bench, "test://rows/2")["error"]["code"], -32603);
    assert_eq!(subscribe(&bench, "test://rows/1")["result"], json!({}), "it is one of those it has");
    ask(&bench, "resources/unsubscribe", "test://one");
    assert_eq!(subscribe(&bench, "test://rows/2")["result"], json!({}));
}

/// RS-10, and the subscription hooks.
#[test]
fn subscriptions_end_with_their_session() {
    let bench = bench();
    for hook in ["subscribe", "unsubscribe"] {
        bench.server.add(Entry::new(Kind::Hook, hook), TARGET).unwrap();
    }
    let hooks = || {
        let mut heard = Vec::new();
        for op in bench.drain() {
            let HostOp::Call(call) = op else { panic!("{op:?}") };
            heard.push(format!("{} {}", call.context.entry.name, call.input));
            bench.text(call.id, "");
        }
        heard
    };
    subscribe(&bench, "test://one");
    subscribe(&bench, "test://rows/1");
    assert_eq!(hooks(), [r#"subscribe {"uri":"test://one"}"#, r#"subscribe {"uri":"test://rows/1"}"#]);
    subscribe(&bench, "test://one");
    ask(&bench, "resources/unsubscribe", "test://one");
    ask(&bench, "resources/unsubscribe", "test://one");
    assert_eq!(hooks(), [r#"unsubscribe {"uri":"test://one"}"#]);
    bench.engine.close_peer(&bench.peer, CancelReason::Disconnected);
    assert_eq!(hooks(), [r#"unsubscribe {"uri":"test://rows/1"}"#]);
    bench.server.resource_updated("test://rows/1");
    bench.advance(TICK);
    bench.sink.nothing();
}

/// A session that does not read is notified later, once per change. The other sessions are notified at once.
#[test]
fn who_does_not_read_is_told_once_and_later() {
    struct FullSink(Recorder, std::sync::atomic::AtomicBool);
    impl Sink for FullSink {
        fn send(&self, message: Outgoing) -> Delivery {
            match message {
                Outgoing::Event { droppable: true, .. } if self.1.load(Ordering::SeqCst) => Delivery::Skipped,
                message => self.0.send(message),
            }
        }
    }
    let bench = bench();
    subscribe(&bench, "test://one");
    let full = Arc::new(FullSink(Recorder::default(), true.into()));
    let sink: Arc<dyn Sink> = full.clone();
    let slow = Peer::new(None);
    slow.set_sink(sink.clone());
    for message in [
        crate::support::initialize(LEGACY),
        json!({ "jsonrpc": "2.0", "method": "notifications/initialized" }),
        json!({ "jsonrpc": "2.0", "id": 1, "method": "resources/subscribe", "params": { "uri": "test://one" } }),
    ] {
        bench.engine.receive(&slow, &sink, message.to_string().into());
    }
    full.0.take();
    for _ in 0..3 {
        bench.server.resource_updated("test://one");
        bench.server.list_changed(Kind::Tool).unwrap();
        bench.advance(TICK);
        assert_eq!(bench.sink.take().len(), 2);
    }
    assert!(full.0.take().is_empty());
    full.1.store(false, Ordering::SeqCst);
    bench.advance(Duration::from_secs(1));
    let methods: Vec<_> = full.0.take().iter().map(|message| message["method"].to_string()).collect();
    assert_eq!(methods, [r#""notifications/resources/updated""#, r#""notifications/tools/list_changed""#]);
    bench.sink.nothing();
}

/// LG-7 for the program's own notifications: in either era they come on the stream of their call, before its response.
#[test]
fn a_programs_own_notifications_come_on_the_stream_of_their_call() {
    let bench = bench();
    let params = JsonSlice::from_value(&json!({ "n": 1 }));
    for modern in [false, true] {
        if modern {
            bench.call_modern(5, "slow");
        } else {
            bench.call(5, "slow");
        }
        let call = bench.drain_call();
        bench.port.emit(call.id, Event::notification("example/told", &params).unwrap()).unwrap();
        assert_eq!(
            bench.sink.one(),
            json!({ "jsonrpc": "2.0", "method": "example/told", "params": { "n": 1 } })
        );
        let mut forged = Event::notification("example/told", &params).unwrap();
        forged.params = JsonSlice::from_value(&json!({ "method": "notifications/cancelled", "params": {} }));
        bench.port.emit(call.id, forged).unwrap();
        bench.sink.nothing();
        bench.text(call.id, "done");
        assert_eq!(bench.sink.one()["id"], 5);
        assert!(bench.port.emit(call.id, Event::notification("example/told", &params).unwrap()).is_err());
    }
    assert!(bench.server.notify("notifications/resources/updated", &params).is_err());
    assert!(bench.server.notify("example/all", &JsonSlice::null()).is_err());
    assert_eq!(bench.server.notify("example/all", &params).unwrap(), 1);
    assert_eq!(bench.sink.one()["method"], "example/all");
}

#[test]
fn what_clients_have_no_list_of_has_no_changes() {
    let bench = bench();
    for kind in [Kind::Completion, Kind::Method, Kind::Notification, Kind::Hook] {
        let error = bench.server.list_changed(kind).unwrap_err();
        assert!(error.to_string().contains(kind.as_str()), "{error}");
    }
    for kind in [Kind::Resource, Kind::ResourceTemplate, Kind::ResourceProvider] {
        bench.server.list_changed(kind).unwrap();
    }
    bench.advance(TICK);
    assert_eq!(bench.sink.one()["method"], "notifications/resources/list_changed");
}

#[test]
fn nothing_of_a_session_is_left_when_it_is_closed() {
    let bench = bench();
    subscribe(&bench, "test://one");
    bench.server.resource_updated("test://one");
    bench.advance(TICK);
    assert!(Arc::weak_count(&bench.peer) > 0, "it is told of changes");
    bench.engine.close_peer(&bench.peer, CancelReason::Disconnected);
    // A weak reference would keep the peer's memory for as long as the server lives.
    assert_eq!(Arc::weak_count(&bench.peer), 0);
}
