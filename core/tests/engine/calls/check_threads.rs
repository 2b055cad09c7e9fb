//! Argument checks that take too long for the receiving thread, so that they run on check threads.

use crate::support::*;
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::Duration;
use tenon_mcp::locks::Mutex;
use tenon_mcp::transport::{Delivery, Outgoing, Sink};
use tenon_mcp::{HandlerId, HostOp, JsonSlice, Lane, LaneId, Target, Tool, Wake};

const CHECKED: LaneId = LaneId(5);
const WAIT_LIMIT: Duration = Duration::from_secs(60);

/// Sends the name of each thread that puts a call into a lane.
struct Names(Mutex<Sender<String>>);

impl Wake for Names {
    fn wake(&self) {
        let _ = self.0.lock().send(thread::current().name().unwrap_or("none").to_owned());
    }
}

/// A sink that sends responses to the test.
struct Answers(Mutex<Sender<Value>>);

impl Sink for Answers {
    fn send(&self, message: Outgoing) -> Delivery {
        if let Outgoing::Response { body, .. } = message {
            let _ = self.0.lock().send(serde_json::from_slice(&body).unwrap());
        }
        Delivery::Queued
    }
}

struct Checks {
    bench: Bench,
    lane: Lane,
    names: Receiver<String>,
    sink: Arc<dyn Sink>,
    answers: Receiver<Value>,
    /// Locked while a thread receives a call. A new check thread waits for it. If its check ended first, the receiving
    /// thread would put the call into the lane.
    receiving: Arc<Mutex<()>>,
}

impl Checks {
    fn new() -> Checks {
        let receiving = Arc::new(Mutex::new(()));
        let received = receiving.clone();
        let hook = move |_: &str| drop(received.lock());
        let bench = Bench::with_builder(|_| {}, |builder| builder.on_thread_start(hook));
        let numbers = json!({ "type": "array", "items": { "type": "integer" } });
        let slugs = json!({ "type": "array", "items": { "pattern": "^(?!-)[a-z0-9-]+(?<!-)$" } });
        let idle = json!({ "type": "array", "items": { "allOf": vec![json!(true); 20_000] } });
        let names = json!({ "patternProperties": { "^(?!secret)": { "type": "integer" } } });
        for (name, properties) in [
            ("checked", json!({ "numbers": numbers })),
            ("slugs", json!({ "slugs": slugs })),
            ("idle", json!({ "idle": idle })),
            ("names", json!({ "names": names })),
        ] {
            let schema = JsonSlice::from_value(&json!({ "type": "object", "properties": properties }));
            let target = Target::Lane { lane: CHECKED, handler: HandlerId(1) };
            bench.server.add(Tool::new(name).input_schema(schema), target).unwrap();
        }
        let (name, names) = channel();
        let lane = bench.port.lane(CHECKED, Arc::new(Names(Mutex::new(name))));
        let (answer, answers) = channel();
        Checks { bench, lane, names, sink: Arc::new(Answers(Mutex::new(answer))), answers, receiving }
    }

    fn call(&self, id: u64, arguments: Value) {
        let named = |tool: &&str| arguments.get(*tool).is_some();
        let tool = ["slugs", "idle", "names"].into_iter().find(named).unwrap_or("checked");
        let message = modern(call(json!(id), tool, arguments)).to_string();
        let _receiving = self.receiving.lock();
        self.bench.engine.receive(&self.bench.peer, &self.sink, message.into());
    }

    fn drain(&self) -> Vec<HostOp> {
        let mut ops = Vec::new();
        self.lane.drain(64, Duration::MAX, &mut ops);
        ops
    }

    fn answer(&self) -> Value {
        self.answers.recv_timeout(WAIT_LIMIT).expect("an answer comes")
    }
}

/// Arguments with far more numbers than the small check budget allows.
fn many(last: Value) -> Value {
    let mut numbers: Vec<Value> = (0..100_000).map(Value::from).collect();
    numbers.push(last);
    json!({ "numbers": numbers })
}

#[test]
fn a_long_check_leaves_the_thread_that_received_the_call() {
    let checks = Checks::new();
    let own = thread::current().name().unwrap().to_owned();
    checks.call(1, json!({ "numbers": [1, 2, 3] }));
    assert_eq!(checks.names.recv_timeout(WAIT_LIMIT).unwrap(), own);
    checks.drain();
    checks.call(2, many(json!(7)));
    assert_eq!(checks.names.recv_timeout(WAIT_LIMIT).unwrap(), "tenon-check");
    let ops = checks.drain();
    let [HostOp::Call(host)] = ops.as_slice() else { panic!("one call: {}", ops.len()) };
    assert_eq!(host.input.member("numbers").unwrap().to_value().unwrap()[100_000], 7);
    assert!(checks.bench.text(host.id, "done"));
    let answer = checks.answer();
    assert_eq!((&answer["id"], result_text(&answer)), (&json!(2), "done"));
}

#[test]
fn what_the_looks_at_a_value_do_not_show_leaves_that_thread_too() {
    let own = thread::current().name().unwrap().to_owned();
    let names = |count| {
        let names: serde_json::Map<String, Value> = (0..count).map(|n| (format!("n{n}"), json!(n))).collect();
        json!({ "names": names })
    };
    let slug = |length| json!({ "slugs": ["a".repeat(length)] });
    // Many schemas between two looks; many names, each of which a pattern may go back on; one text, which it may look at as often
    // as that has characters.
    for (id, arguments, thread) in [
        (1, json!({ "idle": [1] }), own.as_str()),
        (2, json!({ "idle": vec![1; 300] }), "tenon-check"),
        (3, names(5), own.as_str()),
        (4, names(300), "tenon-check"),
        (5, json!({ "names": { "n".repeat(1_000): 1 } }), "tenon-check"),
        (6, slug(200), own.as_str()),
        (7, slug(1_000), "tenon-check"),
    ] {
        // Another server for each call, so that no check thread of the call before takes the check.
        let checks = Checks::new();
        checks.call(id, arguments);
        assert_eq!(checks.names.recv_timeout(WAIT_LIMIT).unwrap(), thread, "{id}");
    }
}

#[test]
fn what_a_long_check_refuses_is_refused_like_any_other() {
    let checks = Checks::new();
    checks.call(1, json!({ "numbers": ["x"] }));
    let short = checks.answer();
    checks.call(2, many(json!("x")));
    let long = checks.answer();
    assert_eq!(long["id"], 2);
    let (short, long) = (result_text(&short), result_text(&long));
    assert_eq!(long, short.replace("/numbers/0", "/numbers/100000"));
    // A pattern that goes back as often as it may, on each of a few texts.
    let slug = format!("{}!", "a".repeat(2_000));
    checks.call(3, json!({ "slugs": vec![slug; 20] }));
    let answer = checks.answer();
    assert_eq!(answer["id"], 3);
    assert!(result_text(&answer).contains("takes too many steps"), "{answer}");
    assert!(checks.drain().is_empty());
    assert_eq!(checks.bench.engine.in_flight(), 0);
}

#[test]
fn a_call_that_is_being_checked_is_in_flight() {
    let checks = Checks::new();
    checks.call(1, many(json!(7)));
    // However far the check is: it has its id, and can be cancelled.
    assert_eq!((checks.bench.engine.in_flight(), checks.bench.peer.in_flight()), (1, 1));
    checks.call(1, json!({}));
    let again = checks.answer();
    assert_eq!(error_of(&again).1, "Invalid request: a request with this id is in flight");
    checks.bench.send(modern(json!({ "jsonrpc": "2.0", "method": "notifications/cancelled",
        "params": { "requestId": 1 } })));
    checks.bench.assert_over();
    assert!(!checks.drain().iter().any(|op| matches!(op, HostOp::Call(_))));
    // It has its time.
    checks.call(2, many(json!(7)));
    checks.bench.advance(Duration::from_secs(301));
    let late = checks.answer();
    assert_eq!(late["id"], 2);
    assert!(result_text(&late).contains("timed out"), "{late}");
    checks.bench.assert_over();
}

/// A message that is counted as held until its last part is dropped.
struct CountedMessage {
    text: Vec<u8>,
    _counted: Arc<()>,
}

impl AsRef<[u8]> for CountedMessage {
    fn as_ref(&self) -> &[u8] {
        &self.text
    }
}

#[test]
fn calls_that_are_cancelled_before_their_check_leave_nothing_behind() {
    let checks = Checks::new();
    let held = Arc::new(());
    let slugs = json!({ "slugs": vec![format!("{}!", "a".repeat(2_000)); 20] });
    for id in 0..20 {
        let message = modern(call(json!(id), "slugs", slugs.clone())).to_string();
        let message = CountedMessage { text: message.into_bytes(), _counted: held.clone() };
        checks.bench.engine.receive(&checks.bench.peer, &checks.sink, bytes::Bytes::from_owner(message));
    }
    for id in 0..20 {
        checks.bench.send(modern(json!({ "jsonrpc": "2.0", "method": "notifications/cancelled",
            "params": { "requestId": id } })));
    }
    // There are two threads that may have one each.
    assert!(Arc::strong_count(&held) <= 3, "{}", Arc::strong_count(&held));
    // One of them may be answering just now.
    let begin = std::time::Instant::now();
    while checks.bench.peer.in_flight() > 0 && begin.elapsed() < Duration::from_secs(10) {
        std::thread::yield_now();
    }
    checks.bench.assert_over();
}
