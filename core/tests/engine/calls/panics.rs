//! Panics of handlers and host callbacks. The call gets one error with its id, and other calls continue.

use crate::support::*;
use serde_json::{Value, json};
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tenon_mcp::locks::Mutex;
use tenon_mcp::store::{Done, Store, StoreOp};
use tenon_mcp::{
    Ask, CallId, CancelReason, Context, HandlerId, HostCall, HostOp, InlineHost, LaneId, Log, Outcome,
    Record, ServerBuilder, Spawn, Target, TaskSupport, Wake, code, locate_panics,
};

const INTERNAL: (i64, &str) = (
    code::INTERNAL_ERROR as i64,
    "Internal error: the server failed on this message; the reason is in its log",
);
const INLINE: LaneId = LaneId(7);

/// A host whose callbacks all panic.
struct PanickingHost;

impl InlineHost for PanickingHost {
    fn run(&self, _: HostCall) {
        panic!("a bad handler");
    }
}

impl Wake for PanickingHost {
    fn wake(&self) {
        panic!("a bad wake");
    }
}

impl Spawn for PanickingHost {
    fn spawn(&self, _: Pin<Box<dyn Future<Output = ()> + Send>>) {
        panic!("a bad executor");
    }
}

impl Store for PanickingHost {
    fn submit(&self, _: StoreOp, _: Instant, _: Done) {
        panic!("a bad store");
    }
}

impl Log for PanickingHost {
    fn log(&self, _: &Record<'_>) {
        panic!("a bad log");
    }
}

#[derive(Default)]
struct RecordingLog(Mutex<Vec<String>>);

impl Log for RecordingLog {
    fn log(&self, record: &Record<'_>) {
        self.0.lock().push(record.message.to_owned());
    }
}

impl RecordingLog {
    #[track_caller]
    fn says(&self, part: &str) {
        let said = std::mem::take(&mut *self.0.lock());
        assert!(said.iter().any(|text| text.contains(part)), "{part}: {said:?}");
    }
}

fn bench(configure: impl FnOnce(ServerBuilder) -> ServerBuilder) -> (Bench, Arc<RecordingLog>) {
    locate_panics();
    let log = Arc::new(RecordingLog::default());
    let own = log.clone();
    let bench = Bench::with_builder(|_| {}, move |builder| configure(builder.log(own)));
    bench.initialize(LEGACY);
    let target = Target::Inline { lane: INLINE, handler: HandlerId(5), host: Arc::new(PanickingHost) };
    bench.server.add(tool("inline"), target).unwrap();
    (bench, log)
}

/// Drains the lane, and returns the ids of its calls.
fn started(bench: &Bench) -> Vec<CallId> {
    let ops = bench.drain();
    ops.iter().filter_map(|op| if let HostOp::Call(call) = op { Some(call.id) } else { None }).collect()
}

/// Checks that a new call still completes.
#[track_caller]
fn goes_on(bench: &Bench) {
    bench.call(900, "slow");
    let id = started(bench).pop().unwrap();
    assert!(bench.text(id, "fine"));
    let answer = bench.sink.one();
    assert_eq!((&answer["id"], result_text(&answer)), (&json!(900), "fine"));
    bench.assert_settled();
}

/// A hook that panics with this text.
fn panics(text: &'static str) -> Option<Box<dyn FnOnce() + Send>> {
    Some(Box::new(move || panic!("{text}")))
}

#[test]
fn a_handler_that_panics_where_its_call_came_in_ends_its_call() {
    for send in [Bench::call, Bench::call_modern] {
        let (bench, log) = bench(|builder| builder);
        send(&bench, 1, "inline");
        let answer = bench.sink.one();
        assert_eq!((&answer["id"], error_of(&answer)), (&json!(1), INTERNAL));
        log.says(
            "a panic ended a call of tool \"inline\": a bad handler (at core/tests/engine/calls/panics.rs:",
        );
        goes_on(&bench);
    }
}

#[test]
fn each_member_of_a_batch_has_a_boundary_of_its_own() {
    let bench = Bench::new();
    bench.initialize("2025-03-26");
    let target = Target::Inline { lane: INLINE, handler: HandlerId(5), host: Arc::new(PanickingHost) };
    bench.server.add(tool("inline"), target).unwrap();
    let ping = json!({ "jsonrpc": "2.0", "id": 3, "method": "ping" });
    bench.send(json!([call(json!(1), "inline", json!({})), call(json!(2), "inline", json!({})), ping]));
    let answers = bench.sink.one();
    assert_eq!(answers.as_array().map(Vec::len), Some(3), "{answers}");
    assert_eq!((&answers[0]["id"], error_of(&answers[0])), (&json!(1), INTERNAL));
    assert_eq!((&answers[1]["id"], error_of(&answers[1])), (&json!(2), INTERNAL));
    assert_eq!((&answers[2]["id"], &answers[2]["result"]), (&json!(3), &json!({})));
    goes_on(&bench);
}

#[test]
fn a_host_that_panics_when_it_is_woken_ends_the_call() {
    let (bench, log) = bench(|builder| builder);
    let lane = bench.port.lane(OTHER_LANE, Arc::new(PanickingHost));
    bench.call(1, "other");
    let answer = bench.sink.one();
    assert_eq!((&answer["id"], error_of(&answer)), (&json!(1), INTERNAL));
    log.says("a bad wake");
    let mut ops = Vec::new();
    lane.drain(8, Duration::MAX, &mut ops);
    assert!(ops.is_empty(), "{ops:?}");
    goes_on(&bench);
}

#[test]
fn an_executor_that_panics_ends_the_call() {
    let (bench, log) = bench(|builder| builder);
    bench.port.set_spawn(Arc::new(PanickingHost));
    bench.server.tool(tool("local"), async |_: Value, _: Context| "never").unwrap();
    bench.call(1, "local");
    let answer = bench.sink.one();
    assert_eq!(answer["id"], 1, "{answer}");
    log.says("a bad executor");
    goes_on(&bench);
}

#[test]
fn a_clock_that_panics_ends_the_request_and_leaves_no_credit_behind() {
    let (bench, log) = bench(|builder| builder);
    *bench.environment.at_next_look.lock() = Some(Box::new(|| panic!("a bad clock")));
    bench.call(1, "slow");
    let answer = bench.sink.one();
    assert_eq!((&answer["id"], error_of(&answer)), (&json!(1), INTERNAL));
    log.says("a panic ended the request tools/call with id 1: a bad clock (at ");
    goes_on(&bench);
}

/// Starts a call of a 2026-07-28 client that has asked a question.
fn asking(bench: &Bench, request: Value) -> CallId {
    bench.send(modern_with(request, json!({ "elicitation": {} })));
    let id = started(bench).pop().unwrap();
    let asked = bench.port.ask(id, ask("k"), tenon_mcp::AskMode::Rerun);
    assert!(asked.is_ok(), "{asked:?}");
    id
}

#[test]
fn a_panic_while_questions_are_sealed_is_answered() {
    let (bench, log) = bench(|builder| builder);
    let id = asking(&bench, call(json!(1), "slow", json!({})));
    *bench.environment.at_next_date.lock() = panics("a bad date");
    assert!(bench.port.complete(id, Outcome::Suspend).is_ok());
    let answer = bench.sink.one();
    assert_eq!((&answer["id"], error_of(&answer)), (&json!(1), INTERNAL));
    log.says("a panic ended the questions of tool \"slow\": a bad date (at ");
    goes_on(&bench);
}

#[test]
fn a_panic_while_questions_are_opened_is_answered() {
    let (bench, log) = bench(|builder| builder);
    let mut request = call(json!(1), "slow", json!({}));
    let id = asking(&bench, request.clone());
    assert!(bench.port.complete(id, Outcome::Suspend).is_ok());
    request["params"]["requestState"] = bench.sink.one()["result"]["requestState"].clone();
    request["params"]["inputResponses"] = json!({ "k": accept("x") });
    *bench.environment.at_next_date.lock() = panics("a bad date");
    let request = modern_with(request, json!({ "elicitation": {} }));
    bench.send(request.clone());
    let answer = bench.sink.one();
    assert_eq!((&answer["id"], error_of(&answer)), (&json!(1), INTERNAL));
    log.says("a panic ended the request tools/call with id 1: a bad date (at ");
    // The state is still good.
    bench.send(request);
    assert!(bench.text(started(&bench).pop().unwrap(), "done"));
    assert_eq!(result_text(&bench.sink.one()), "done");
    goes_on(&bench);
}

#[test]
fn a_clock_that_panics_at_the_turn_of_a_call_ends_that_call_alone() {
    let (bench, log) = bench(|builder| builder);
    let one = tool("one").max_concurrency(1);
    bench.server.add(one, Target::Lane { lane: LANE, handler: HandlerId(1) }).unwrap();
    for id in 1..=3 {
        bench.call(id, "one");
    }
    let first = started(&bench).pop().unwrap();
    *bench.environment.at_next_look.lock() = panics("a bad clock");
    assert!(bench.text(first, "done"));
    let answers = bench.sink.take();
    assert_eq!(answers.len(), 2, "{answers:?}");
    assert_eq!((&answers[0]["id"], error_of(&answers[0])), (&json!(2), INTERNAL));
    assert_eq!((&answers[1]["id"], result_text(&answers[1])), (&json!(1), "done"));
    log.says("a panic ended a call of tool \"one\": a bad clock (at ");
    assert!(bench.text(started(&bench).pop().unwrap(), "done"));
    assert_eq!(bench.sink.one()["id"], 3);
    goes_on(&bench);
}

#[test]
fn a_panic_at_an_answer_in_a_batch_leaves_the_other_members() {
    let (bench, log) = bench(|builder| builder);
    bench.initialize_with("2025-03-26", json!({ "roots": {} }));
    bench.call(1, "slow");
    let id = started(&bench).pop().unwrap();
    let asked = bench.port.ask(id, Ask::roots(), tenon_mcp::AskMode::Park);
    assert!(asked.is_ok(), "{asked:?}");
    let question = bench.sink.one();
    *bench.environment.at_next_look.lock() = panics("a bad clock");
    let malformed = json!({ "jsonrpc": "2.0", "id": question["id"], "result": {}, "error": {} });
    bench.send(json!([malformed, { "jsonrpc": "2.0", "id": 3, "method": "ping" }]));
    let answers = bench.sink.take();
    let with = |id: u64| {
        answers
            .iter()
            .flat_map(|answer| answer.as_array().cloned().unwrap_or(vec![answer.clone()]))
            .find(|answer| answer["id"] == id)
    };
    assert_eq!(with(1).map(|answer| answer["error"]["code"].clone()), Some(json!(INTERNAL.0)), "{answers:?}");
    assert_eq!(with(3).map(|answer| answer["result"].clone()), Some(json!({})), "{answers:?}");
    log.says("a bad clock");
    goes_on(&bench);
}

#[test]
fn a_panic_at_the_delivery_of_an_answer_is_no_second_answer() {
    let (bench, log) = bench(|builder| builder);
    let bad = || -> Option<Box<dyn FnOnce() + Send>> { Some(Box::new(|| panic!("a bad sink"))) };
    *bench.sink.at_next_response.lock() = bad();
    bench.send(json!({ "jsonrpc": "2.0", "id": 1, "method": "ping" }));
    bench.sink.nothing();
    log.says("a bad sink");
    bench.call(2, "slow");
    *bench.sink.at_next_response.lock() = bad();
    let call = bench.drain_call();
    assert!(bench.text(call.id, "lost"));
    bench.sink.nothing();
    log.says("a bad sink");
    goes_on(&bench);
}

#[test]
fn a_store_that_panics_is_a_store_that_fails() {
    let (bench, log) = bench(|builder| builder.store(Arc::new(PanickingHost)));
    let task = tool("task").task_support(TaskSupport::Required);
    bench.server.add(task, Target::Lane { lane: LANE, handler: HandlerId(1) }).unwrap();
    let mut request = call(json!(1), "task", json!({}));
    request["params"]["task"] = json!({});
    bench.send(request);
    let answer = bench.sink.one();
    assert_eq!(answer["id"], 1);
    assert!(error_of(&answer).1.contains("the store is unavailable: it panicked"), "{answer}");
    log.says("the store panicked: a bad store (at ");
    goes_on(&bench);
}

#[test]
fn a_log_that_panics_changes_nothing() {
    let bench = Bench::with_builder(|_| {}, |builder| builder.log(Arc::new(PanickingHost)));
    bench.initialize(LEGACY);
    let target = Target::Inline { lane: INLINE, handler: HandlerId(5), host: Arc::new(PanickingHost) };
    bench.server.add(tool("inline"), target).unwrap();
    bench.call(1, "inline");
    let answer = bench.sink.one();
    assert_eq!((&answer["id"], error_of(&answer)), (&json!(1), INTERNAL));
    goes_on(&bench);
}

#[test]
fn whoever_panics_at_the_end_of_a_call_keeps_no_other_from_ending() {
    let (bench, log) = bench(|builder| builder);
    bench.call(1, "fast");
    bench.call(2, "fast");
    for id in started(&bench) {
        assert!(bench.port.on_cancel(id, Box::new(|| panic!("a bad on_cancel"))).is_ok());
    }
    bench.advance(Duration::from_millis(60));
    let answers = bench.sink.take();
    assert_eq!(answers.len(), 2, "{answers:?}");
    log.says("a bad on_cancel");
    goes_on(&bench);
}

#[test]
fn a_panic_in_a_notification_or_at_an_answer_stays_there() {
    let (bench, log) = bench(|builder| builder);
    // A cancellation that runs into a panic.
    bench.call(1, "slow");
    let id = bench.drain_call().id;
    bench.port.on_cancel(id, Box::new(|| panic!("a bad on_cancel"))).map_err(drop).unwrap();
    bench.cancel(1);
    bench.sink.nothing();
    log.says("a bad on_cancel");
    // An answer whose host panics when it is woken for it.
    bench.call(2, "slow");
    let id = started(&bench).pop().unwrap();
    let asked = bench.port.ask(id, ask("k"), tenon_mcp::AskMode::Park);
    assert!(asked.is_ok());
    let question: Value = bench.sink.one();
    *bench.environment.at_next_look.lock() = Some(Box::new(|| panic!("a bad clock")));
    bench.answer(&question, accept("x"));
    let answer = bench.sink.one();
    assert_eq!((&answer["id"], error_of(&answer)), (&json!(2), INTERNAL));
    assert!(bench.port.complete(id, Outcome::Text("late".into())).is_err());
    goes_on(&bench);
}

#[test]
fn the_end_of_a_client_survives_a_panic() {
    let (bench, _) = bench(|builder| builder);
    bench.call(1, "slow");
    bench.call(2, "slow");
    for id in started(&bench) {
        bench.port.on_cancel(id, Box::new(|| panic!("a bad on_cancel"))).map_err(drop).unwrap();
    }
    bench.engine.close_peer(&bench.peer, CancelReason::Disconnected);
    bench.assert_over();
}
