//! `subscriptions/listen` on a single channel.

use crate::support::{Bench, LANE, Recorder, modern, modern_with};
use serde_json::{Value, json};
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use tenon_mcp::locks::Mutex;
use tenon_mcp::transport::{Delivery, Outgoing, Peer, Sink};
use tenon_mcp::{CancelReason, Entry, HandlerId, HostOp, Kind, Target};

const TICK: Duration = Duration::from_millis(10);
const TARGET: Target = Target::Lane { lane: LANE, handler: HandlerId(2) };
const ID: &str = "io.modelcontextprotocol/subscriptionId";

fn listen(id: Value, notifications: Value) -> Value {
    modern(json!({ "jsonrpc": "2.0", "id": id, "method": "subscriptions/listen",
        "params": { "notifications": notifications } }))
}

/// A bench with a resource, a template and a prompt besides its tools.
fn bench() -> Bench {
    furnished(Bench::new())
}

fn furnished(bench: Bench) -> Bench {
    for (kind, name) in [
        (Kind::Resource, "test://one"),
        (Kind::Resource, "test://two"),
        (Kind::ResourceTemplate, "test://rows/{id}"),
        (Kind::Prompt, "greet"),
    ] {
        bench.server.add(Entry::new(kind, name), TARGET).unwrap();
    }
    bench
}

fn acknowledged(id: Value, notifications: Value) -> Value {
    json!({ "jsonrpc": "2.0", "method": "notifications/subscriptions/acknowledged",
        "params": { "_meta": { ID: id }, "notifications": notifications } })
}

fn told(id: Value, method: &str) -> Value {
    json!({ "jsonrpc": "2.0", "method": method, "params": { "_meta": { ID: id } } })
}

fn updated(id: Value, uri: &str) -> Value {
    let mut told = told(id, "notifications/resources/updated");
    told["params"]["uri"] = json!(uri);
    told
}

/// SU-2, SU-4, SU-5, SU-6, traps 16 to 18.
#[test]
fn each_stream_gets_what_it_asked_for_under_its_own_id() {
    let bench = bench();
    bench.send(listen(json!(7), json!({ "toolsListChanged": true, "promptsListChanged": false })));
    assert_eq!(bench.sink.one(), acknowledged(json!(7), json!({ "toolsListChanged": true })));
    let all = json!({ "toolsListChanged": true, "promptsListChanged": true, "resourcesListChanged": true,
        "resourceSubscriptions": ["test://one", "test://rows/3"] });
    bench.send(listen(json!("7"), all.clone()));
    assert_eq!(bench.sink.one(), acknowledged(json!("7"), all));

    bench.server.disable(Kind::Tool, "fast");
    bench.server.enable(Kind::Tool, "fast");
    bench.server.disable(Kind::Prompt, "greet");
    bench.server.resource_updated("test://rows/3");
    bench.server.resource_updated("test://rows/4");
    bench.server.resource_updated("test://rows/3");
    bench.sink.nothing();
    bench.advance(TICK);
    let tools = "notifications/tools/list_changed";
    assert_eq!(
        bench.sink.take(),
        [
            told(json!(7), tools),
            told(json!("7"), tools),
            told(json!("7"), "notifications/prompts/list_changed"),
            updated(json!("7"), "test://rows/3"),
        ]
    );
    bench.advance(TICK);
    bench.sink.nothing();
    // It is no call.
    assert_eq!((bench.engine.in_flight(), bench.peer.in_flight()), (0, 0));
    bench.assert_settled();
}

/// SU-4: a capability that the server does not have is left out. SU-12: the stream exists nevertheless.
#[test]
fn what_the_server_has_not_is_left_out() {
    let bench = Bench::new();
    let asked = json!({ "toolsListChanged": true, "promptsListChanged": true, "resourcesListChanged": true,
        "resourceSubscriptions": ["test://one"], "taskIds": ["t"], "nobodyKnows": 7 });
    bench.send(listen(json!(1), asked));
    assert_eq!(bench.sink.one(), acknowledged(json!(1), json!({ "toolsListChanged": true })));
    bench.send(listen(json!(2), json!({})));
    assert_eq!(bench.sink.one(), acknowledged(json!(2), json!({})));
    let bench = furnished(bench);
    bench.send(listen(json!(3), json!({ "resourceSubscriptions": ["test://none", "test://two"] })));
    let honoured = json!({ "resourceSubscriptions": ["test://two"] });
    assert_eq!(bench.sink.one(), acknowledged(json!(3), honoured));
    bench.server.resource_updated("test://none");
    bench.advance(TICK);
    bench.sink.nothing();
}

/// SU-13.
#[test]
fn a_filter_of_a_wrong_type_is_refused_and_nothing_is_left() {
    let bench = bench();
    for wrong in [json!({ "toolsListChanged": "yes" }), json!({ "resourceSubscriptions": [1] }), json!([])] {
        bench.send(listen(json!(1), wrong));
        let answer = bench.sink.one();
        assert_eq!((&answer["error"]["code"], &answer["id"]), (&json!(-32602), &json!(1)), "{answer}");
    }
    bench.server.disable(Kind::Tool, "fast");
    bench.advance(TICK);
    bench.sink.nothing();
    // The id is free.
    bench.send(listen(json!(1), json!({})));
    assert_eq!(bench.sink.one(), acknowledged(json!(1), json!({})));
}

/// SU-9: nothing more is sent for the stream.
#[test]
fn a_client_ends_a_stream_with_a_cancellation() {
    let bench = bench();
    for id in [1, 2] {
        bench.send(listen(json!(id), json!({ "toolsListChanged": true })));
    }
    bench.sink.take();
    bench.cancel(1);
    bench.server.disable(Kind::Tool, "fast");
    bench.advance(TICK);
    assert_eq!(bench.sink.one(), told(json!(2), "notifications/tools/list_changed"));
    bench.cancel(1);
    bench.sink.nothing();
    // Its id is free, that of the other is not (RPC-8).
    bench.send(listen(json!(1), json!({})));
    assert_eq!(bench.sink.one(), acknowledged(json!(1), json!({})));
    for request in [listen(json!(2), json!({})), modern(crate::support::call(json!(2), "slow", json!({})))] {
        bench.send(request);
        assert_eq!(bench.sink.one()["error"]["code"], -32600);
    }
    bench.call_modern(3, "slow");
    bench.send(listen(json!(3), json!({})));
    assert_eq!(bench.sink.one()["error"]["code"], -32600);
    let call = bench.drain_call();
    bench.text(call.id, "done");
    assert_eq!(bench.sink.one()["id"], 3);
}

/// SU-7, SU-8, AMB-1: on a channel, the response comes first, and then the cancellation.
#[test]
fn the_server_ends_its_streams_with_an_answer() {
    let bench = bench();
    bench.send(listen(json!("a"), json!({ "toolsListChanged": true })));
    bench.sink.take();
    bench.engine.close_peer(&bench.peer, CancelReason::Closing);
    let sent = bench.sink.take();
    assert_eq!(sent.len(), 2, "{sent:#?}");
    let result = json!({ "resultType": "complete", "_meta": { ID: "a",
        "io.modelcontextprotocol/serverInfo": { "name": "bench", "version": "1.0.0" } } });
    assert_eq!(sent[0], json!({ "jsonrpc": "2.0", "id": "a", "result": result }));
    assert_eq!(sent[1]["method"], "notifications/cancelled");
    assert_eq!(sent[1]["params"]["requestId"], "a");
    bench.server.disable(Kind::Tool, "fast");
    bench.advance(TICK);
    bench.sink.nothing();
    bench.send(listen(json!(2), json!({})));
    assert_eq!(bench.sink.one()["error"]["code"], -32600);
}

#[test]
fn a_client_that_is_gone_leaves_nothing() {
    let bench = bench();
    bench.send(listen(json!(1), json!({ "resourceSubscriptions": ["test://one"] })));
    bench.sink.take();
    bench.engine.close_peer(&bench.peer, CancelReason::Disconnected);
    bench.server.resource_updated("test://one");
    bench.advance(TICK);
    bench.sink.nothing();
}

#[test]
fn streams_and_what_they_name_are_bounded() {
    let bench = furnished(Bench::with(|limits| {
        limits.max_listens = 3;
        limits.max_peer_listens = 2;
        limits.max_subscriptions = 2;
        limits.max_subscription_bytes = 26;
    }));
    let rows = |count: usize| (0..count).map(|row| format!("test://rows/{row}")).collect::<Vec<_>>();
    for too_much in [rows(3), vec![format!("test://rows/{}", "1".repeat(15))]] {
        bench.send(listen(json!(1), json!({ "resourceSubscriptions": too_much })));
        assert_eq!(bench.sink.one()["error"]["code"], -32602);
    }
    for id in [1, 2] {
        bench.send(listen(json!(id), json!({ "resourceSubscriptions": rows(2) })));
        assert_eq!(bench.sink.one(), acknowledged(json!(id), json!({ "resourceSubscriptions": rows(2) })));
    }
    bench.send(listen(json!(3), json!({})));
    let answer = bench.sink.one();
    assert_eq!((&answer["error"]["code"], &answer["id"]), (&json!(-32603), &json!(3)), "{answer}");
    let sink: Arc<dyn Sink> = bench.sink.clone();
    let other = Peer::new(None);
    for (id, error) in [(1, Value::Null), (2, json!(-32603))] {
        bench.engine.receive(&other, &sink, listen(json!(id), json!({})).to_string().into());
        assert_eq!(bench.sink.one()["error"]["code"], error);
    }
    // One that ends makes room.
    bench.cancel(2);
    bench.engine.receive(&other, &sink, listen(json!(2), json!({})).to_string().into());
    assert_eq!(bench.sink.one(), acknowledged(json!(2), json!({})));
}

/// A sink that accepts `room` droppable events, and all messages that may not be dropped.
struct SlowSink {
    room: Mutex<usize>,
    sent: Recorder,
}

impl Sink for SlowSink {
    fn send(&self, message: Outgoing) -> Delivery {
        if let Outgoing::Event { droppable: true, .. } = &message {
            let mut room = self.room.lock();
            if *room == 0 {
                return Delivery::Skipped;
            }
            *room -= 1;
        }
        self.sent.send(message)
    }
}

/// SU-15.
#[test]
fn a_slow_subscriber_is_ended_and_others_get_everything() {
    let bench = bench();
    let slow = Arc::new(SlowSink { room: Mutex::new(1), sent: Recorder::default() });
    let sink: Arc<dyn Sink> = slow.clone();
    let peer = Peer::new(None);
    let all = json!({ "toolsListChanged": true });
    bench.engine.receive(&peer, &sink, listen(json!(1), all.clone()).to_string().into());
    bench.send(listen(json!(1), all));
    slow.sent.take();
    bench.sink.take();
    for round in 0..3 {
        bench.server.list_changed(Kind::Tool).unwrap();
        bench.advance(TICK);
        assert_eq!(bench.sink.one(), told(json!(1), "notifications/tools/list_changed"));
        let sent = slow.sent.take();
        let methods: Vec<_> =
            sent.iter().map(|message| message["method"].as_str().unwrap_or("answer")).collect();
        match round {
            0 => assert_eq!(methods, ["notifications/tools/list_changed"]),
            1 => assert_eq!(methods, ["answer", "notifications/cancelled"]),
            _ => assert!(methods.is_empty(), "{methods:?}"),
        }
    }
}

/// Two subscribers to one resource are one subscription for the program.
#[test]
fn the_program_hears_of_the_first_subscriber_and_of_the_last() {
    let bench = bench();
    for hook in ["subscribe", "unsubscribe"] {
        bench.server.add(Entry::new(Kind::Hook, hook), TARGET).unwrap();
    }
    let hooks = || {
        let mut heard = Vec::new();
        for op in bench.drain() {
            let HostOp::Call(call) = op else { panic!("{op:?}") };
            let uri = call.input.member("uri").unwrap();
            heard.push(format!("{} {}", call.context.entry.name, uri.decode_str().unwrap()));
            bench.text(call.id, "");
        }
        heard
    };
    bench.send(listen(json!(1), json!({ "resourceSubscriptions": ["test://one", "test://two"] })));
    assert_eq!(hooks(), ["subscribe test://one", "subscribe test://two"]);
    bench.send(listen(json!(2), json!({ "resourceSubscriptions": ["test://one"] })));
    assert!(hooks().is_empty());
    bench.cancel(1);
    assert_eq!(hooks(), ["unsubscribe test://two"]);
    bench.engine.close_peer(&bench.peer, CancelReason::Disconnected);
    assert_eq!(hooks(), ["unsubscribe test://one"]);
}

/// An update is sent only to the streams that subscribe to it.
#[test]
fn an_update_reaches_one_of_many() {
    let bench = furnished(Bench::with(|limits| limits.max_peer_listens = 1_000));
    for row in 0..1_000 {
        bench.send(listen(json!(row), json!({ "resourceSubscriptions": [format!("test://rows/{row}")] })));
    }
    assert_eq!(bench.sink.take().len(), 1_000);
    for row in [3, 999] {
        bench.server.resource_updated(&format!("test://rows/{row}"));
    }
    bench.server.resource_updated("test://rows/1000");
    bench.advance(TICK);
    assert_eq!(bench.sink.take(), [3, 999].map(|row| updated(json!(row), &format!("test://rows/{row}"))));
}

/// The methods of the other era do not exist in this one.
#[test]
fn legacy_subscriptions_do_not_exist_here() {
    let bench = bench();
    for method in ["resources/subscribe", "resources/unsubscribe"] {
        let request =
            json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": { "uri": "test://one" } });
        bench.send(modern_with(request, json!({})));
        assert_eq!(bench.sink.one()["error"]["code"], -32601);
    }
    let bench = furnished(Bench::legacy());
    bench.sink.take();
    let mut request = listen(json!(1), json!({}));
    request["params"].as_object_mut().unwrap().remove("_meta");
    bench.send(request);
    assert_eq!(bench.sink.one()["error"]["code"], -32601);
}

/// Entries are added, removed and updated at random. Each subscriber is notified of exactly the changes to which it
/// subscribes at that time.
#[test]
fn random_streams_agree_with_a_model() {
    let bench = furnished(Bench::with(|limits| limits.max_peer_listens = 1_000));
    let mut model: HashMap<u64, Vec<u64>> = HashMap::new();
    let mut state = 7_u64;
    let mut random = move |below: u64| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % below
    };
    for step in 0..2_000 {
        match random(4) {
            0 | 1 if model.len() < 20 => {
                let rows: Vec<_> = (0..random(5)).map(|_| random(6)).collect();
                let uris: Vec<_> = rows.iter().map(|row| format!("test://rows/{row}")).collect();
                bench.send(listen(json!(step), json!({ "resourceSubscriptions": uris })));
                model.insert(step, rows);
                assert_eq!(bench.sink.take().len(), 1);
            }
            0 | 1 => {
                let id = *model.keys().min().unwrap();
                bench.cancel(id);
                model.remove(&id);
            }
            2 => {
                if let Some(id) = model.keys().copied().max() {
                    bench.cancel(id);
                    model.remove(&id);
                }
            }
            _ => {
                let row = random(6);
                bench.server.resource_updated(&format!("test://rows/{row}"));
                bench.advance(TICK);
                let mut got: Vec<_> = bench
                    .sink
                    .take()
                    .iter()
                    .map(|told| told["params"]["_meta"][ID].as_u64().unwrap())
                    .collect();
                let mut wanted: Vec<_> =
                    model.iter().filter(|(_, rows)| rows.contains(&row)).map(|(id, _)| *id).collect();
                got.sort_unstable();
                wanted.sort_unstable();
                assert_eq!(got, wanted, "step {step}");
            }
        }
    }
}
