//! Tasks in the form of 2025-11-25.

use super::*;
use std::time::Duration;
use tenon_mcp::{AskMode, Asked, Event, HostOp, Outcome, RpcError};

const RELATED: &str = "io.modelcontextprotocol/related-task";

fn bench() -> Bench {
    let bench = super::bench();
    bench.initialize(LEGACY);
    bench.peer.set_sink(bench.sink.clone());
    bench
}

/// Begins a task. Returns its id, and the call of its handler.
#[track_caller]
fn begin(bench: &Bench, task: Value) -> (String, HostCall) {
    let created = bench.ask_for(augmented(1, "work", task));
    let id = created["result"]["task"]["taskId"].as_str().unwrap_or_else(|| panic!("{created}"));
    (id.to_owned(), bench.drain_call())
}

#[track_caller]
fn get(bench: &Bench, task: &str) -> Value {
    let answers: Vec<Value> = {
        bench.send(about(90, "tasks/get", task));
        bench.sink.take()
    };
    answers.into_iter().find(|answer| answer["id"] == 90).unwrap()["result"].clone()
}

#[test]
fn a_call_that_asks_for_it_becomes_a_task() {
    // T1-2, T1-5, T1-7, T1-8, T1-10, T1-15
    let bench = bench();
    let created = bench.ask_for(augmented(1, "work", json!({ "ttl": 60_000 })));
    let task = created["result"]["task"].clone();
    let id = task["taskId"].as_str().unwrap();
    let time = "1970-01-12T13:46:40Z";
    let expected = json!({ "taskId": id, "status": "working", "createdAt": time, "lastUpdatedAt": time,
        "ttl": 60_000, "pollInterval": 1000 });
    assert_eq!(created["result"], json!({ "task": expected }));
    let handler = bench.drain_call();
    assert_eq!(bench.ask_for(about(2, "tasks/get", id))["result"], expected);
    bench.send(about(3, "tasks/result", id));
    bench.sink.nothing();
    bench.text(handler.id, "done");
    let sent = bench.sink.take();
    assert_eq!(sent[0]["method"], "notifications/tasks/status");
    assert_eq!(
        (&sent[0]["params"]["taskId"], &sent[0]["params"]["status"]),
        (&json!(id), &json!("completed"))
    );
    let result =
        json!({ "content": [{ "type": "text", "text": "done" }], "_meta": { RELATED: { "taskId": id } } });
    assert_eq!(sent[1], json!({ "jsonrpc": "2.0", "id": 3, "result": result }));
    assert_eq!(sent.len(), 2);
    assert_eq!(bench.ask_for(about(4, "tasks/result", id))["result"], result);
    assert_eq!(bench.ask_for(about(5, "tasks/get", id))["result"]["status"], "completed");
    bench.assert_settled();
}

#[test]
fn how_a_tool_may_be_called_is_said_and_kept() {
    // T1-1, T1-3, T1-4, TL-28
    let bench = super::bench();
    let mut request = initialize(LEGACY);
    // T2-13: the extension means nothing here.
    request["params"]["capabilities"] = json!({ "extensions": { EXTENSION: {} } });
    let capabilities = bench.ask_for(request)["result"]["capabilities"].clone();
    assert_eq!(capabilities["tasks"], json!({ "cancel": {}, "requests": { "tools": { "call": {} } } }));
    assert!(capabilities.get("extensions").is_none(), "{capabilities}");
    bench.send(json!({ "jsonrpc": "2.0", "method": "notifications/initialized" }));
    let list = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/list" });
    let support = |tool: &Value| (tool["name"].clone(), tool["execution"]["taskSupport"].clone());
    let tools = bench.ask_for(list.clone())["result"]["tools"].clone();
    let tools: Vec<_> = tools.as_array().unwrap().iter().map(support).collect();
    assert!(tools.contains(&(json!("slow"), json!(null))), "{tools:?}");
    assert!(tools.contains(&(json!("work"), json!("optional"))), "{tools:?}");
    assert!(tools.contains(&(json!("must"), json!("required"))), "{tools:?}");
    let modern_tools =
        bench.ask_for(with_tasks(json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {} })));
    assert!(!modern_tools.to_string().contains("taskSupport"));
    let refused = bench.ask_for(augmented(2, "slow", json!({})));
    assert_eq!(error_of(&refused), (-32601, "Method not found: tool \"slow\" never runs as a task"));
    let refused = bench.ask_for(call(json!(3), "must", json!({})));
    assert_eq!(error_of(&refused).0, -32601);
    bench.call(4, "work");
    bench.text(bench.drain_call().id, "plain");
    assert_eq!(result_text(&bench.sink.one()), "plain");
    // Deferred or not: what asks for a task gets one.
    assert!(bench.ask_for(augmented(5, "later", json!({})))["result"]["task"]["taskId"].is_string());
    let handler = bench.drain_call();
    assert!(bench.port.start_task(handler.id).unwrap());
    bench.sink.nothing();
    for (wrong, text) in [
        (json!(5), "Invalid params: task must be an object"),
        (json!({ "ttl": "5" }), "Invalid params: task.ttl must be a number of milliseconds"),
        (json!({ "ttl": -1 }), "Invalid params: task.ttl must be a number of milliseconds"),
    ] {
        assert_eq!(error_of(&bench.ask_for(augmented(6, "work", wrong))), (-32602, text));
    }
    assert_eq!(error_of(&bench.ask_for(about(7, "tasks/list", "x"))).0, -32601, "nobody is known (T1-14)");
    assert_eq!(error_of(&bench.ask_for(about(7, "tasks/update", "x"))).0, -32601);
}

#[test]
fn without_the_capability_the_member_means_nothing() {
    // T1-3, T1-17
    let bench = Bench::legacy();
    bench.send(augmented(1, "slow", json!({ "ttl": 5 })));
    bench.text(bench.drain_call().id, "plain");
    assert_eq!(result_text(&bench.sink.one()), "plain");
    for revision in ["2024-11-05", "2025-03-26", "2025-06-18"] {
        let bench = super::bench();
        let answer = bench.ask_for(initialize(revision));
        assert!(answer["result"]["capabilities"].get("tasks").is_none(), "{answer}");
        bench.send(json!({ "jsonrpc": "2.0", "method": "notifications/initialized" }));
        bench.send(augmented(1, "work", json!(5)));
        bench.text(bench.drain_call().id, "plain");
        assert_eq!(result_text(&bench.sink.one()), "plain");
        for method in ["tasks/get", "tasks/result", "tasks/cancel", "tasks/list", "tasks/update"] {
            assert_eq!(error_of(&bench.ask_for(about(2, method, "x"))).0, -32601, "{revision} {method}");
        }
        let refused = bench.ask_for(call(json!(3), "must", json!({})));
        assert!(error_of(&refused).1.contains(revision), "{refused}");
        bench.assert_settled();
    }
}

#[test]
fn the_time_that_a_task_is_kept_is_asked_for_within_bounds() {
    // T1-2, T1-16
    let bench = super::bench_with(
        |limits| limits.max_task_ttl = Duration::from_secs(100),
        Arc::new(MemoryStore::new(10)),
    );
    bench.initialize(LEGACY);
    for (asked, given) in [
        (json!({ "ttl": 5000 }), 5000),
        (json!({ "ttl": 0 }), 1000),
        (json!({ "ttl": 1500.5 }), 2000),
        (json!({ "ttl": 1e300 }), 100_000),
        (json!({ "ttl": null }), 100_000),
        (json!({}), 100_000),
    ] {
        let created = bench.ask_for(augmented(1, "work", asked));
        assert_eq!(created["result"]["task"]["ttl"], given, "{created}");
    }
}

#[test]
fn a_result_that_says_it_is_an_error_is_a_failure_and_an_error_comes_as_one() {
    // T1-8, T1-9
    let bench = bench();
    let (id, handler) = begin(&bench, json!({}));
    bench.port.complete(handler.id, Outcome::Failed("bad luck".into())).unwrap();
    bench.sink.take();
    assert_eq!(get(&bench, &id)["status"], "failed");
    let result = bench.ask_for(about(3, "tasks/result", &id));
    assert_eq!(result["result"]["isError"], true);
    let (id, handler) = begin(&bench, json!({}));
    bench.port.complete(handler.id, Outcome::Error(RpcError::new(-5, "no"))).unwrap();
    bench.sink.take();
    assert_eq!(get(&bench, &id)["status"], "failed");
    let result = bench.ask_for(about(4, "tasks/result", &id));
    assert_eq!(result["error"], json!({ "code": -5, "message": "no" }));
    bench.assert_settled();
}

#[test]
fn cancelling_answers_with_the_task_once() {
    // T1-6, T1-12, trap 38
    let bench = bench();
    let (id, handler) = begin(&bench, json!({}));
    bench.send(about(2, "tasks/result", &id));
    bench.send(about(3, "tasks/cancel", &id));
    let sent = bench.sink.take();
    let answer = |id: u64| sent.iter().find(|sent| sent["id"] == id).unwrap_or_else(|| panic!("{sent:#?}"));
    assert_eq!(
        (&answer(3)["result"]["status"], &answer(3)["result"]["taskId"]),
        (&json!("cancelled"), &json!(id))
    );
    assert_eq!(error_of(answer(2)), (-32603, "The task was cancelled"));
    assert!(bench.port.is_cancelled(handler.id));
    let again = bench.ask_for(about(4, "tasks/cancel", &id));
    assert_eq!(error_of(&again), (-32602, "Invalid params: the task is already cancelled"));
    assert_eq!(get(&bench, &id)["status"], "cancelled");
    bench.drain();
    bench.assert_settled();
}

#[test]
fn questions_are_asked_where_the_result_is_waited_for() {
    // T1-10, T1-11
    let bench = bench();
    let (id, handler) = begin(&bench, json!({}));
    assert!(matches!(bench.port.ask(handler.id, ask("x"), AskMode::Park), Ok(Asked::Waiting(_))));
    let told = bench.sink.one();
    assert_eq!(
        (&told["method"], &told["params"]["status"]),
        (&json!("notifications/tasks/status"), &json!("input_required"))
    );
    assert!(told["params"].get("inputRequests").is_none());
    bench.send(about(2, "tasks/result", &id));
    let question = bench.sink.one();
    assert_eq!(question["method"], "elicitation/create");
    assert_eq!(question["params"]["_meta"][RELATED], json!({ "taskId": id }));
    // Who waits anew is asked anew, and the first question is withdrawn.
    bench.send(about(3, "tasks/result", &id));
    let sent = bench.sink.take();
    assert_eq!(sent[0]["method"], "notifications/cancelled");
    assert_eq!(sent[0]["params"]["requestId"], question["id"]);
    let again = &sent[1];
    assert_eq!(again["params"], question["params"]);
    bench.answer(again, accept("1"));
    let told = bench.sink.one();
    assert_eq!(told["params"]["status"], "working");
    assert!(matches!(bench.drain().pop(), Some(HostOp::Answer { .. })));
    // Asked while somebody waits.
    bench.port.ask(handler.id, ask("y"), AskMode::Park).unwrap();
    let sent = bench.sink.take();
    assert_eq!(
        (&sent[0]["params"]["status"], &sent[1]["method"]),
        (&json!("input_required"), &json!("elicitation/create"))
    );
    bench.text(handler.id, "done");
    let sent = bench.sink.take();
    let withdrawn = sent.iter().filter(|sent| sent["method"] == "notifications/cancelled").count();
    let answered: Vec<_> = sent.iter().filter_map(|sent| sent["id"].as_u64()).collect();
    assert_eq!((withdrawn, answered), (1, vec![2, 3]), "{sent:#?}");
    bench.assert_settled();
}

#[test]
fn a_waiting_client_may_go_without_harm() {
    let bench = bench();
    let (id, handler) = begin(&bench, json!({}));
    bench.send(about(2, "tasks/result", &id));
    bench.cancel(2);
    bench.sink.nothing();
    bench.port.ask(handler.id, ask("x"), AskMode::Park).unwrap();
    bench.sink.one();
    let second = KnownClient { peer: Peer::new(None), sink: Arc::default() };
    second.ask(&bench, initialize(LEGACY));
    second.send(&bench, json!({ "jsonrpc": "2.0", "method": "notifications/initialized" }));
    second.send(&bench, about(1, "tasks/result", &id));
    let question = second.sink.one();
    bench.engine.close_peer(&bench.peer, tenon_mcp::CancelReason::Disconnected);
    let answer = json!({ "jsonrpc": "2.0", "id": question["id"], "result": accept("1") });
    second.send(&bench, answer);
    bench.text(handler.id, "done");
    assert_eq!(result_text(&second.sink.one()), "done");
}

#[test]
fn progress_goes_on_for_as_long_as_the_task_works() {
    // PGR-5, T1-10
    let bench = bench();
    let mut request = augmented(1, "work", json!({}));
    request["params"]["_meta"] = json!({ "progressToken": "p" });
    let id = bench.ask_for(request)["result"]["task"]["taskId"].as_str().unwrap().to_owned();
    let handler = bench.drain_call();
    bench.port.emit(handler.id, Event::progress(1.0, None, None)).unwrap();
    let progress = bench.sink.one();
    assert_eq!(
        (&progress["method"], &progress["params"]["progressToken"]),
        (&json!("notifications/progress"), &json!("p"))
    );
    assert_eq!(progress["params"]["_meta"][RELATED]["taskId"], id);
    bench.send(about(2, "tasks/result", &id));
    let data = tenon_mcp::JsonSlice::from_value(&json!("x"));
    bench.port.emit(handler.id, Event::log("error", None, &data)).unwrap();
    assert_eq!(bench.sink.one()["params"]["_meta"][RELATED]["taskId"], id);
    bench.text(handler.id, "done");
    assert!(bench.port.emit(handler.id, Event::progress(2.0, None, None)).is_err());
    bench.sink.take();
    bench.assert_settled();
}

#[test]
fn each_form_knows_its_own_tasks_only() {
    // Trap 38
    let bench = bench();
    let (old, _) = begin(&bench, json!({}));
    let (new, _) = bench.begin("work");
    assert_eq!(error_of(&bench.ask_for(with_tasks(about(2, "tasks/get", &old)))).0, -32602);
    assert_eq!(error_of(&bench.ask_for(about(2, "tasks/get", &new))).0, -32602);
}

#[test]
fn a_task_outlives_its_session_and_the_next_one_can_look_at_it() {
    // VER-19
    let bench = bench();
    let (task, handler) = begin(&bench, json!({}));
    bench.send(about(2, "tasks/result", &task));
    bench.port.ask(handler.id, ask("a"), AskMode::Park).unwrap();
    let is_question = |message: &Value| message["method"] == "elicitation/create";
    let old = bench.sink.take().into_iter().find(is_question).unwrap();
    bench.send(initialize(LEGACY));
    let sent = bench.sink.take();
    let withdrawn = sent.iter().find(|message| message["method"] == "notifications/cancelled").unwrap();
    assert_eq!(withdrawn["params"]["requestId"], old["id"]);
    assert_eq!(sent.last().unwrap()["id"], "init");
    bench.send(json!({ "jsonrpc": "2.0", "method": "notifications/initialized" }));
    // Nobody tells this client of it, since it knows nothing of it yet.
    bench.port.emit(handler.id, Event::status("halfway")).unwrap();
    bench.sink.nothing();
    assert_eq!(get(&bench, &task)["status"], "input_required");
    bench.send(about(2, "tasks/result", &task));
    let new = bench.sink.take().into_iter().find(is_question).unwrap();
    bench.answer(&old, accept("late"));
    bench.answer(&new, accept("now"));
    let answers: Vec<_> =
        bench.drain().into_iter().filter(|op| matches!(op, HostOp::Answer { .. })).collect();
    assert_eq!(answers.len(), 1);
    bench.text(handler.id, "done");
    assert_eq!(result_text(bench.sink.take().last().unwrap()), "done");
    bench.assert_settled();
}
