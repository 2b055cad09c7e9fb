//! Tasks as an extension of 2026-07-28.

use super::*;
use std::time::Duration;
use tenon_mcp::{Event, Outcome, RpcError};

#[test]
fn a_call_becomes_a_task_that_is_looked_at_until_it_has_its_result() {
    // T2-3, T2-4, T2-5, T2-19
    let bench = bench();
    let created = bench.ask_for(with_tasks(call(json!("c"), "work", json!({}))));
    let task = &created["result"];
    assert_eq!(created["id"], "c");
    let id = task["taskId"].as_str().unwrap();
    assert!(id.len() >= 22, "ids cannot be guessed: {id}");
    let expected = json!({
        "taskId": id, "status": "working", "resultType": "task",
        "createdAt": "1970-01-12T13:46:40Z", "lastUpdatedAt": "1970-01-12T13:46:40Z",
        "ttlMs": 3_600_000, "pollIntervalMs": 1000, "_meta": task["_meta"],
    });
    assert_eq!(task, &expected);
    // The request is answered: its id is free, and it is not in flight.
    assert_eq!(bench.peer.in_flight(), 0);
    let handler = bench.drain_call();
    assert_eq!(handler.context.task_id.get().map(|id| &**id), Some(id));
    assert_eq!(handler.context.get("task_id").unwrap().as_str(), format!("{id:?}"));
    let mut working = expected;
    working["resultType"] = json!("complete");
    let mut got = bench.get(id);
    assert_eq!(got["_meta"].as_object().unwrap().len(), 1, "nothing but who the server is: {got}");
    got["_meta"] = working["_meta"].clone();
    assert_eq!(got, working);
    bench.advance(Duration::from_secs(5));
    bench.text(handler.id, "done");
    for _ in 0..2 {
        let got = bench.get(id);
        assert_eq!(
            (&got["status"], &got["lastUpdatedAt"]),
            (&json!("completed"), &json!("1970-01-12T13:46:45Z"))
        );
        assert_eq!(got["result"]["content"][0]["text"], "done");
        assert_eq!(got["result"]["resultType"], "complete");
        assert!(got.get("error").is_none() && got.get("inputRequests").is_none(), "{got}");
    }
    bench.assert_settled();
}

#[test]
fn who_cannot_have_tasks_is_answered_at_once_or_told_what_is_missing() {
    // T2-1, T2-2, T2-11, T2-12, EXT-6
    let bench = bench();
    for tool in ["work", "later"] {
        let mut request = modern(call(json!(1), tool, json!({})));
        // What asked for a task in 2025-11-25 means nothing.
        request["params"]["task"] = json!({ "ttl": 5 });
        bench.send(request);
        let handler = bench.drain_call();
        assert_eq!(handler.context.task_id.get(), None);
        assert!(!bench.port.start_task(handler.id).unwrap());
        bench.text(handler.id, "done");
        let answer = bench.sink.one();
        assert_eq!((result_text(&answer), &answer["result"]["resultType"]), ("done", &json!("complete")));
    }
    let required = json!({ "requiredCapabilities": { "extensions": { EXTENSION: {} } } });
    for method in ["tasks/get", "tasks/update", "tasks/cancel"] {
        let refused = bench.ask_for(modern(about(2, method, "x")));
        assert_eq!((error_of(&refused).0, &refused["error"]["data"]), (-32021, &required), "{method}");
    }
    let refused = bench.ask_for(modern(call(json!(3), "must", json!({}))));
    assert_eq!(refused["error"]["data"], required);
    assert_eq!(error_of(&refused).0, -32021);
    // A tool that never is one answers everybody.
    bench.send(with_tasks(call(json!(4), "slow", json!({}))));
    bench.text(bench.drain_call().id, "plain");
    assert_eq!(bench.sink.one()["result"]["resultType"], "complete");
    for method in ["tasks/result", "tasks/list"] {
        assert_eq!(error_of(&bench.ask_for(with_tasks(about(5, method, "x")))).0, -32601);
    }
    bench.assert_settled();
}

#[test]
fn a_server_without_such_tools_has_no_tasks() {
    let bench = Bench::new();
    for method in ["tasks/get", "tasks/update", "tasks/cancel", "tasks/result", "tasks/list"] {
        assert_eq!(error_of(&bench.ask_for(with_tasks(about(1, method, "x")))).0, -32601, "{method}");
    }
    let discover = json!({ "jsonrpc": "2.0", "id": 2, "method": "server/discover", "params": {} });
    assert!(
        bench.ask_for(with_tasks(discover.clone()))["result"]["capabilities"].get("extensions").is_none()
    );
    add_tools(&bench.server);
    let capabilities = &bench.ask_for(with_tasks(discover))["result"]["capabilities"];
    // T2-13
    assert_eq!(capabilities["extensions"], json!({ EXTENSION: {} }));
    assert!(capabilities.get("tasks").is_none());
}

#[test]
fn what_a_task_comes_to_decides_its_status() {
    // T2-6
    let bench = bench();
    let (id, handler) = bench.begin("must");
    bench.port.complete(handler.id, Outcome::Failed("bad luck".into())).unwrap();
    let got = bench.get(&id);
    assert_eq!((&got["status"], &got["result"]["isError"]), (&json!("completed"), &json!(true)));
    let (id, handler) = bench.begin("must");
    bench.port.complete(handler.id, Outcome::Error(RpcError::new(-5, "no"))).unwrap();
    let got = bench.get(&id);
    assert_eq!((&got["status"], &got["error"]), (&json!("failed"), &json!({ "code": -5, "message": "no" })));
    assert!(got.get("result").is_none());
    assert_eq!(got["statusMessage"], "no");
    bench.assert_settled();
}

#[test]
fn a_task_is_cancelled_and_stays_so() {
    // T2-9, CN-3
    let bench = bench();
    let (id, handler) = bench.begin("work");
    let acknowledged = bench.ask_for(with_tasks(about(2, "tasks/cancel", &id)));
    assert_eq!(acknowledged["result"].as_object().unwrap().len(), 2, "{acknowledged}");
    assert_eq!(acknowledged["result"]["resultType"], "complete");
    assert_eq!(bench.drain().len(), 1, "the host is told");
    assert!(bench.port.is_cancelled(handler.id));
    assert!(!bench.text(handler.id, "late"));
    // Once more changes nothing, nor does what has come to its end otherwise.
    bench.ask_for(with_tasks(about(3, "tasks/cancel", &id)));
    assert_eq!(bench.get(&id)["status"], "cancelled");
    let (id, handler) = bench.begin("work");
    bench.text(handler.id, "done");
    let acknowledged = bench.ask_for(with_tasks(about(4, "tasks/cancel", &id)));
    assert_eq!(acknowledged["result"]["resultType"], "complete");
    assert_eq!(bench.get(&id)["status"], "completed");
    bench.assert_settled();
}

#[test]
fn the_client_of_a_task_may_go() {
    // MH-53
    let bench = bench();
    let (id, handler) = bench.begin("work");
    bench.cancel(1);
    assert!(!bench.engine.cancel(handler.id, tenon_mcp::CancelReason::Disconnected));
    bench.engine.end_input(&bench.peer);
    bench.engine.close_peer(&bench.peer, tenon_mcp::CancelReason::Disconnected);
    bench.text(handler.id, "done");
    let other = KnownClient { peer: Peer::new(None), sink: Arc::default() };
    let got = other.ask(&bench, with_tasks(about(1, "tasks/get", &id)));
    assert_eq!(got["result"]["status"], "completed");
}

#[test]
fn unknown_tasks_and_wrong_parameters_are_refused() {
    // T2-10, T1-13
    let bench = bench();
    for method in ["tasks/get", "tasks/cancel", "tasks/update"] {
        let ask = |params: Value| {
            let mut request = about(1, method, "x");
            request["params"] = params;
            request["params"]["inputResponses"] = json!({});
            let answer = bench.ask_for(with_tasks(request));
            let (code, text) = error_of(&answer);
            assert_eq!(code, -32602, "{method}");
            text.to_owned()
        };
        assert_eq!(ask(json!({ "taskId": "x" })), "Invalid params: unknown task \"x\"");
        assert_eq!(ask(json!({})), "Invalid params: taskId is missing");
        assert_eq!(ask(json!({ "taskId": 7 })), "Invalid params: taskId must be a string");
    }
    let (id, _) = bench.begin("work");
    for wrong in [json!([]), json!(null), json!("x")] {
        let mut update = about(1, "tasks/update", &id);
        update["params"]["inputResponses"] = wrong;
        let answer = bench.ask_for(with_tasks(update));
        assert_eq!(error_of(&answer), (-32602, "Invalid params: inputResponses must be an object"));
    }
    assert_eq!(error_of(&bench.ask_for(with_tasks(about(1, "tasks/update", &id)))).0, -32602);
}

#[test]
fn a_task_says_what_it_does_and_nothing_else_is_heard_of_it() {
    // PGR-6, T2-15
    let bench = bench();
    let mut request = with_tasks(call(json!(1), "work", json!({})));
    request["params"]["_meta"]["progressToken"] = json!("p");
    request["params"]["_meta"]["io.modelcontextprotocol/logLevel"] = json!("debug");
    let id = bench.ask_for(request)["result"]["taskId"].as_str().unwrap().to_owned();
    let handler = bench.drain_call();
    let data = tenon_mcp::JsonSlice::from_value(&json!("x"));
    for event in
        [Event::progress(1.0, None, None), Event::log("error", None, &data), Event::status("halfway")]
    {
        bench.port.emit(handler.id, event).unwrap();
    }
    bench.sink.nothing();
    assert_eq!(bench.get(&id)["statusMessage"], "halfway");
    bench.text(handler.id, "done");
    bench.sink.nothing();
    // What a call says of its status that is no task goes nowhere.
    bench.call_modern(2, "slow");
    let plain = bench.drain_call();
    bench.port.emit(plain.id, Event::status("x")).unwrap();
    bench.sink.nothing();
    bench.text(plain.id, "done");
    bench.sink.one();
    bench.assert_settled();
}

#[test]
fn a_call_becomes_a_task_when_its_handler_says_so() {
    // T2-8, T2-17
    let bench = bench();
    let mut request = with_tasks(call(json!(1), "later", json!({})));
    bench.send(request.clone());
    let handler = bench.drain_call();
    assert!(matches!(
        bench.port.ask(handler.id, ask("x"), tenon_mcp::AskMode::Park),
        Ok(tenon_mcp::Asked::Suspended)
    ));
    // What waits for an answer cannot go on as a task.
    assert!(bench.port.start_task(handler.id).unwrap_err().to_string().contains("waits for its answer"));
    bench.port.complete(handler.id, Outcome::Suspend).unwrap();
    bench.drain();
    let asked = bench.sink.one();
    assert_eq!(asked["result"]["resultType"], "input_required");
    assert!(asked["result"].get("taskId").is_none());
    request["params"]["requestState"] = asked["result"]["requestState"].clone();
    request["params"]["inputResponses"] = json!({ "x": accept("1") });
    bench.send(request);
    let handler = bench.drain_call();
    assert!(matches!(
        bench.port.ask(handler.id, ask("x"), tenon_mcp::AskMode::Park),
        Ok(tenon_mcp::Asked::Answered(_))
    ));
    assert!(bench.port.start_task(handler.id).unwrap());
    assert!(bench.port.start_task(handler.id).unwrap(), "it is one already");
    let created = bench.sink.one();
    assert_eq!(created["result"]["resultType"], "task");
    assert!(
        created["result"].get("requestState").is_none() && created["result"].get("inputRequests").is_none()
    );
    assert_eq!(bench.peer.in_flight(), 0);
    let id = created["result"]["taskId"].as_str().unwrap();
    assert!(matches!(
        bench.port.ask(handler.id, ask("y"), tenon_mcp::AskMode::Park),
        Ok(tenon_mcp::Asked::Waiting(_))
    ));
    assert_eq!(bench.get(id)["status"], "input_required");
    bench.ask_for(with_tasks(about(5, "tasks/cancel", id)));
    // One that needs no task is answered at once.
    bench.drain();
    bench.send(with_tasks(call(json!(2), "later", json!({}))));
    bench.text(bench.drain_call().id, "done");
    assert_eq!(result_text(&bench.sink.one()), "done");
    bench.assert_settled();
}

#[test]
fn listen_streams_are_told_of_their_tasks() {
    // T2-11, T2-15, SU-4, SU-5
    let bench = bench();
    let (id, handler) = bench.begin("work");
    let (other, _) = bench.begin("work");
    let listen = |tasks: Value| {
        json!({ "jsonrpc": "2.0", "id": "l", "method": "subscriptions/listen",
            "params": { "notifications": { "taskIds": tasks } } })
    };
    let refused = bench.ask_for(modern(listen(json!([id]))));
    assert_eq!(error_of(&refused).0, -32021);
    let stranger = KnownClient::new("alice");
    let acknowledged = stranger.ask(&bench, with_tasks(listen(json!([id]))));
    assert_eq!(acknowledged["params"]["notifications"], json!({}), "another's");
    let acknowledged = bench.ask_for(with_tasks(listen(json!([id, "nobody"]))));
    assert_eq!(acknowledged["params"]["notifications"]["taskIds"], json!([id]));
    bench.port.emit(handler.id, Event::status("halfway")).unwrap();
    bench.advance(Duration::from_millis(10));
    let told = bench.sink.one();
    assert_eq!(told["method"], "notifications/tasks");
    assert_eq!(
        (&told["params"]["taskId"], &told["params"]["statusMessage"]),
        (&json!(id), &json!("halfway"))
    );
    assert_eq!(told["params"]["_meta"]["io.modelcontextprotocol/subscriptionId"], "l");
    assert!(told["params"].get("resultType").is_none());
    bench.text(handler.id, "done");
    bench.ask_for(with_tasks(about(5, "tasks/cancel", &other)));
    bench.advance(Duration::from_millis(10));
    let told = bench.sink.one();
    assert_eq!(told["params"]["status"], "completed");
    assert_eq!(told["params"]["result"]["content"][0]["text"], "done");
    stranger.sink.nothing();
}
