//! Tasks: limits, time to live, principals, and shutdown.

use super::*;
use std::time::Duration;
use tenon_mcp::Outcome;

fn memory() -> Arc<MemoryStore> {
    Arc::new(MemoryStore::new(1000))
}

#[test]
fn a_task_is_of_its_principal_alone() {
    // T1-14, T2-16, trap 39
    let bench = bench();
    let (alice, bob) = (KnownClient::new("alice"), KnownClient::new("bob"));
    let created = alice.ask(&bench, with_tasks(call(json!(1), "work", json!({}))));
    let id = created["result"]["taskId"].as_str().unwrap();
    let handler = bench.drain_call();
    for method in ["tasks/get", "tasks/cancel", "tasks/update"] {
        let mut request = about(2, method, id);
        request["params"]["inputResponses"] = json!({});
        let refused = bob.ask(&bench, with_tasks(request.clone()));
        assert_eq!(
            error_of(&refused),
            (-32602, &*format!("Invalid params: unknown task {id:?}")),
            "{method}"
        );
        assert_eq!(error_of(&bench.ask_for(with_tasks(request))).0, -32602);
    }
    bench.text(handler.id, "done");
    assert_eq!(
        error_of(&bob.ask(&bench, with_tasks(about(3, "tasks/get", id)))).0,
        -32602,
        "nor when it is over"
    );
    let got = alice.ask(&bench, with_tasks(about(3, "tasks/get", id)));
    assert_eq!(got["result"]["status"], "completed");
}

#[test]
fn a_known_principal_lists_its_tasks() {
    // T1-13, T1-14, PG-1
    let bench = bench_with(|limits| limits.page_size = 2, memory());
    let (alice, bob) = (KnownClient::new("alice"), KnownClient::new("bob"));
    for client in [&alice, &bob] {
        let capabilities = client.ask(&bench, initialize(LEGACY))["result"]["capabilities"].clone();
        assert_eq!(capabilities["tasks"]["list"], json!({}));
        client.send(&bench, json!({ "jsonrpc": "2.0", "method": "notifications/initialized" }));
    }
    let mut ids = Vec::new();
    for place in 0..5 {
        let created = alice.ask(&bench, augmented(place, "work", json!({ "ttl": 60_000 * (place + 1) })));
        ids.push(created["result"]["task"]["taskId"].as_str().unwrap().to_owned());
    }
    // Of 2026-07-28, which has no list.
    alice.ask(&bench, with_tasks(call(json!(9), "work", json!({}))));
    let handlers = bench.drain();
    assert_eq!(handlers.len(), 6);
    let list = |client: &KnownClient, cursor: Option<&Value>| {
        let mut request = json!({ "jsonrpc": "2.0", "id": 1, "method": "tasks/list", "params": {} });
        if let Some(cursor) = cursor {
            request["params"]["cursor"] = cursor.clone();
        }
        client.ask(&bench, request)
    };
    let all = |client: &KnownClient| {
        let (mut found, mut cursor) = (Vec::new(), None);
        loop {
            let page = list(client, cursor.as_ref())["result"].clone();
            let tasks = page["tasks"].as_array().unwrap();
            assert!(tasks.len() <= 2);
            found.extend(tasks.iter().map(|task| task["taskId"].as_str().unwrap().to_owned()));
            match page.get("nextCursor") {
                Some(next) => cursor = Some(next.clone()),
                None => return found,
            }
        }
    };
    assert_eq!(all(&alice), ids);
    assert_eq!(all(&bob), [""; 0]);
    let cursor = list(&alice, None)["result"]["nextCursor"].clone();
    assert_eq!(error_of(&list(&bob, Some(&cursor))).0, -32602, "another's cursor");
    assert_eq!(error_of(&list(&alice, Some(&json!("x")))).0, -32602);
    // What has expired is listed no more.
    bench.advance(Duration::from_secs(61));
    assert_eq!(all(&alice), ids[1..]);
}

#[test]
fn their_number_is_bounded() {
    let bench = bench_with(|limits| (limits.max_tasks, limits.max_principal_tasks) = (3, 2), memory());
    let (alice, bob) = (KnownClient::new("alice"), KnownClient::new("bob"));
    let begin = |client: &KnownClient| client.ask(&bench, with_tasks(call(json!(1), "work", json!({}))));
    begin(&alice);
    begin(&alice);
    let calls = bench.drain();
    assert_eq!(
        error_of(&begin(&alice)).1,
        "Server busy: this client has 2 tasks (max_principal_tasks); retry later"
    );
    begin(&bob);
    assert_eq!(error_of(&begin(&bob)).1, "Server busy: 3 tasks are running (max_tasks); retry later");
    // A task that has come to its end makes room for others, but counts as its principal's.
    let Some(tenon_mcp::HostOp::Call(first)) = calls.into_iter().next() else { panic!() };
    bench.text(first.id, "done");
    assert_eq!(
        error_of(&begin(&alice)).1,
        "Server busy: this client has 2 tasks (max_principal_tasks); retry later"
    );
    assert_eq!(begin(&bob)["result"]["resultType"], "task");
    bench.advance(Duration::from_secs(3600));
    assert_eq!(
        begin(&alice)["result"]["resultType"],
        "task",
        "when it is not kept any more it does not count"
    );
    assert_eq!(bench.drain().into_iter().filter(|op| matches!(op, tenon_mcp::HostOp::Call(_))).count(), 1);
}

#[test]
fn a_result_that_is_too_large_fails_its_task() {
    let bench = bench_with(|limits| limits.max_task_result_bytes = 200, memory());
    let (id, handler) = bench.begin("work");
    bench.text(handler.id, &"x".repeat(300));
    let got = bench.get(&id);
    assert_eq!(got["status"], "failed");
    assert!(got["error"]["message"].as_str().unwrap().contains("the limit is 200"), "{got}");
}

#[test]
fn a_task_has_a_time_of_its_own_and_its_client_sees_when_it_is_over() {
    let bench = bench_with(
        |limits| {
            limits.call_timeout = Duration::from_secs(10);
            limits.task_timeout = Duration::from_secs(100);
        },
        memory(),
    );
    let (id, _) = bench.begin("work");
    bench.advance(Duration::from_secs(50));
    assert_eq!(bench.get(&id)["status"], "working");
    bench.advance(Duration::from_secs(51));
    let got = bench.get(&id);
    assert_eq!((&got["status"], &got["result"]["isError"]), (&json!("completed"), &json!(true)));
    assert!(got["result"]["content"][0]["text"].as_str().unwrap().contains("timed out"), "{got}");
    bench.drain();
    bench.assert_settled();
}

#[test]
fn a_task_that_is_not_kept_any_more_is_unknown_and_works_no_more() {
    // T2-18, T1-16
    let bench = bench_with(
        |limits| {
            limits.default_task_ttl = Duration::from_secs(60);
            limits.task_timeout = Duration::from_secs(600);
        },
        memory(),
    );
    let (finished, handler) = bench.begin("work");
    bench.text(handler.id, "done");
    let (working, handler) = bench.begin("work");
    bench.advance(Duration::from_secs(59));
    assert_eq!(bench.get(&finished)["status"], "completed");
    bench.advance(Duration::from_secs(2));
    for id in [finished, working] {
        assert_eq!(error_of(&bench.ask_for(with_tasks(about(2, "tasks/get", &id)))).0, -32602);
    }
    bench.advance(Duration::from_secs(10));
    assert!(bench.port.is_cancelled(handler.id));
    bench.drain();
    bench.assert_settled();
}

#[test]
fn the_end_of_the_server_is_the_end_of_its_tasks() {
    let bench = bench();
    let (working, handler) = bench.begin("work");
    let (asking, other) = bench.begin("work");
    bench.port.ask(other.id, ask("x"), tenon_mcp::AskMode::Park).unwrap();
    bench.engine.cancel_all(tenon_mcp::CancelReason::Closing);
    assert!(bench.port.complete(handler.id, Outcome::Text("late".into())).is_err());
    for id in [working, asking] {
        let got = bench.get(&id);
        assert_eq!(got["status"], "failed");
        assert_eq!(got["error"]["message"], "The server was shut down before the task ended");
    }
    bench.drain();
    bench.assert_settled();
}
