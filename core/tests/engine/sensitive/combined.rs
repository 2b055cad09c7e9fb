//! Audit and confirmation together with tasks, mounts, providers and costly checks of arguments.

use super::*;
use std::sync::mpsc::channel;
use std::time::Duration;
use tenon_mcp::store::{Done, MemoryStore, Store, StoreDone, StoreOp};
use tenon_mcp::transport::{Delivery, Outgoing, Sink};
use tenon_mcp::{CallId, Server};

const TEXT: &str = "Pay?";
const AGREED: &str = r#"{"tenon/confirm":{"action":"accept"}}"#;

fn agreed() -> Value {
    serde_json::from_str(AGREED).unwrap()
}

fn with_state(mut request: Value, answer: &Value) -> Value {
    let state = &answer["result"]["requestState"];
    assert!(state.is_string(), "{answer}");
    request["params"]["requestState"] = state.clone();
    request["params"]["inputResponses"] = agreed();
    request
}

fn finish(bench: &Bench, events: &Events, call: CallId) {
    assert!(bench.text(call, "paid"));
    assert_eq!(events.outcome(), "ok");
}

#[test]
fn a_task_begins_after_the_user_agreed() {
    let policies = json!({ "confirm": TEXT, "audit": true, "task_support": "optional" });
    let (bench, events) = bench_with(policies.clone(), |builder| builder);
    let capabilities = json!({ "elicitation": {}, "extensions": { "io.modelcontextprotocol/tasks": {} } });
    let request = |id| modern_with(pay(id, json!({})), capabilities.clone());
    bench.send(request(1));
    let answer = bench.sink.one();
    assert_eq!(
        (&answer["result"]["resultType"], events.outcome()),
        (&json!("input_required"), "input_required".into())
    );
    bench.send(with_state(request(2), &answer));
    assert_eq!(bench.sink.one()["result"]["resultType"], "task");
    finish(&bench, &events, bench.drain_call().id);

    let (bench, events) = bench_with(policies, |builder| builder);
    bench.initialize(LEGACY);
    let mut request = pay(3, json!({}));
    request["params"]["task"] = json!({});
    bench.send(request);
    let question = bench.sink.one();
    assert_eq!(question["params"]["message"], TEXT);
    bench.answer(&question, json!({ "action": "accept" }));
    assert!(bench.sink.one()["result"]["task"]["taskId"].is_string());
    finish(&bench, &events, bench.drain_call().id);
}

#[test]
fn a_mounted_tool_keeps_its_policies() {
    let (bench, events) = bench_with(json!({}), |builder| builder);
    let part = Server::new("part", "1.0.0");
    let mut entry = Entry::new(Kind::Tool, "move")
        .set("inputSchema", JsonSlice::from_value(&json!({ "type": "object" })));
    let policies = JsonSlice::from_value(&json!({ "confirm": TEXT, "audit": true }));
    entry.set_policies(&policies, Spelling::Rust).unwrap();
    part.add(entry, Target::Lane { lane: LANE, handler: HandlerId(1) }).unwrap();
    bench.server.mount(&part, "bank").unwrap();
    let name = bench.server.entries(Kind::Tool).into_iter().find_map(|(tool, _)| {
        let name = tool.member("name")?.decode_str()?.into_owned();
        name.contains("move").then_some(name)
    });
    let name = name.expect("the tool is mounted");
    let request = |id: u64| modern(call(json!(id), &name, json!({})));
    bench.send(request(1));
    let answer = bench.sink.one();
    assert_eq!(events.one()["name"], name);
    bench.send(with_state(request(2), &answer));
    finish(&bench, &events, bench.drain_call().id);
    // A refusal of a mounted entry has an event too.
    bench.send(modern(call(json!(3), &name, json!(7))));
    assert_eq!(events.outcome(), "refused");
}

/// The list of a provider is neither confirmed nor recorded; what it lists is.
#[test]
fn the_resources_of_a_provider_are_confirmed_and_its_list_is_not() {
    let (bench, events) = bench_with(json!({}), |builder| builder);
    let policies = json!({ "confirm": TEXT, "audit": true });
    let target = Target::Lane { lane: LANE, handler: HandlerId(1) };
    for kind in [Kind::ResourceProvider, Kind::ResourceTemplate] {
        let mut entry = Entry::new(kind, "note://{id}");
        entry.set_policies(&JsonSlice::from_value(&policies), Spelling::Rust).unwrap();
        bench.server.add(entry, target.clone()).unwrap();
    }
    bench.send(modern(json!({ "jsonrpc": "2.0", "id": 1, "method": "resources/list", "params": {} })));
    let list = bench.drain_call();
    assert_eq!(list.context.entry.kind, Kind::ResourceProvider);
    assert!(bench.text(list.id, "[]"));
    assert!(events.take().is_empty());
    bench.sink.take();
    let read =
        json!({ "jsonrpc": "2.0", "id": 2, "method": "resources/read", "params": { "uri": "note://7" } });
    bench.send(modern(read));
    assert_eq!(bench.sink.one()["result"]["resultType"], "input_required");
    assert_eq!(events.one()["name"], "note://{id}");
}

/// A sink that sends responses to the test.
struct Answers(Mutex<std::sync::mpsc::Sender<Value>>);

impl Sink for Answers {
    fn send(&self, message: Outgoing) -> Delivery {
        if let Outgoing::Response { body, .. } = message {
            let _ = self.0.lock().send(serde_json::from_slice(&body).unwrap());
        }
        Delivery::Queued
    }
}

#[test]
fn arguments_that_are_costly_to_check_are_checked_before_the_question() {
    let (bench, events) = bench_with(json!({}), |builder| builder);
    let numbers = json!({ "type": "array", "items": { "type": "integer" } });
    let schema = json!({ "type": "object", "properties": { "numbers": numbers } });
    let mut entry = Entry::new(Kind::Tool, "sum").set("inputSchema", JsonSlice::from_value(&schema));
    let policies = JsonSlice::from_value(&json!({ "confirm": TEXT, "audit": ["numbers"] }));
    entry.set_policies(&policies, Spelling::Rust).unwrap();
    bench.server.add(entry, Target::Lane { lane: LANE, handler: HandlerId(1) }).unwrap();
    let (answer, answers) = channel();
    let sink: Arc<dyn Sink> = Arc::new(Answers(Mutex::new(answer)));
    let send = |request: Value| bench.engine.receive(&bench.peer, &sink, modern(request).to_string().into());
    let next = || answers.recv_timeout(Duration::from_secs(60)).expect("an answer comes");
    let request = |id: u64, last: Value| {
        let mut all: Vec<Value> = (0..100_000).map(Value::from).collect();
        all.push(last);
        call(json!(id), "sum", json!({ "numbers": all }))
    };
    send(request(1, json!("x")));
    let refused = next();
    assert_eq!(refused["result"]["isError"], true, "{refused}");
    assert_eq!(events.one()["stage"], "arguments");
    send(request(2, json!(1)));
    let answer = next();
    assert_eq!(events.one()["omitted"], json!(["numbers"]), "a long value is only named");
    send(with_state(request(3, json!(1)), &answer));
    let mut ops = bench.drain();
    while ops.is_empty() {
        std::thread::yield_now();
        ops = bench.drain();
    }
    let [tenon_mcp::HostOp::Call(call)] = &ops[..] else { panic!("{}", ops.len()) };
    finish(&bench, &events, call.id);
    assert_eq!(result_text(&next()), "paid");
    send(with_state(request(4, json!(1)), &answer));
    assert_eq!(error_of(&next()).1, "Invalid params: requestState was already used");
}

/// A store that answers when the test says so.
#[derive(Default)]
struct Late(Mutex<Vec<(StoreDone, Done)>>, Mutex<Option<MemoryStore>>);

impl Store for Late {
    fn submit(&self, op: StoreOp, now: std::time::Instant, done: Done) {
        let reply = Arc::new(Mutex::new(None));
        let place = reply.clone();
        let mut store = self.1.lock();
        let store = store.get_or_insert_with(|| MemoryStore::new(16));
        store.submit(op, now, Box::new(move |answer| *place.lock() = Some(answer)));
        self.0.lock().push((reply.lock().take().unwrap(), done));
    }
}

#[test]
fn a_call_runs_after_a_slow_store_has_used_up_its_agreement() {
    let store = Arc::new(Late::default());
    let (bench, events) =
        bench_with(json!({ "confirm": TEXT, "audit": true }), |builder| builder.store(store.clone()));
    bench.send(modern(pay(1, json!({}))));
    let answer = bench.sink.one();
    events.take();
    // Two requests with one agreement, at the same time.
    bench.send(with_state(modern(pay(2, json!({}))), &answer));
    bench.send(with_state(modern(pay(3, json!({}))), &answer));
    assert!(bench.drain().is_empty(), "no handler runs before the store has answered");
    let replies = std::mem::take(&mut *store.0.lock());
    assert_eq!(replies.len(), 2);
    replies.into_iter().for_each(|(reply, done)| done(reply));
    let call = bench.drain_call();
    assert_eq!(error_of(&bench.sink.one()).1, "Invalid params: requestState was already used");
    assert_eq!(events.outcome(), "refused");
    finish(&bench, &events, call.id);
    // A store that does not answer in time.
    bench.sink.take();
    bench.send(modern(pay(4, json!({}))));
    let answer = bench.sink.one();
    events.take();
    bench.send(with_state(modern(pay(5, json!({}))), &answer));
    bench.advance(bench.engine.limits().store_timeout);
    assert!(error_of(&bench.sink.one()).1.contains("did not answer in time"));
    assert_eq!(events.one()["by"], "unavailable");
    assert!(bench.drain().is_empty());
    bench.assert_settled();
}
