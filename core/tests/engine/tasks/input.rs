//! Tasks that ask the client questions while they run.

use super::*;
use std::time::Duration;
use tenon_mcp::{Ask, AskMode, Asked, HostOp, Outcome};

fn update(bench: &Bench, task: &str, answers: Value) -> Value {
    let mut request = about(70, "tasks/update", task);
    request["params"]["inputResponses"] = answers;
    bench.ask_for(with_tasks(request))
}

#[track_caller]
fn acknowledged(answer: &Value) {
    assert_eq!(answer["result"]["resultType"], "complete", "{answer}");
    assert!(answer["result"].get("taskId").is_none());
}

#[track_caller]
fn answered(bench: &Bench) -> Value {
    match bench.drain().pop() {
        Some(HostOp::Answer { answer, .. }) => answer.unwrap().json().to_value().unwrap(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn questions_stand_in_the_task_until_all_have_their_answers() {
    // T2-5, T2-7, T2-8
    let bench = bench();
    let (id, handler) = bench.begin("work");
    for key in ["a", "b"] {
        assert!(matches!(bench.port.ask(handler.id, ask(key), AskMode::Park), Ok(Asked::Waiting(_))));
    }
    let got = bench.get(&id);
    assert_eq!(got["status"], "input_required");
    assert_eq!(got["inputRequests"].as_object().unwrap().len(), 2);
    assert_eq!(got["inputRequests"]["a"]["method"], "elicitation/create");
    assert_eq!(got["inputRequests"]["a"]["params"]["message"], "a?");
    assert!(got["inputRequests"]["a"].get("id").is_none());
    // Unknown keys are ignored; what is no answer is refused as a whole, and nothing is lost.
    acknowledged(&update(&bench, &id, json!({ "c": accept("1") })));
    let refused = update(&bench, &id, json!({ "a": accept("1"), "b": 12345 }));
    let (code, text) = error_of(&refused);
    assert!(code == -32602 && text.contains("inputResponses[\"b\"]"), "{text}");
    assert_eq!(bench.get(&id)["inputRequests"].as_object().unwrap().len(), 2);
    acknowledged(&update(&bench, &id, json!({ "a": accept("1") })));
    assert_eq!(answered(&bench), accept("1"));
    let got = bench.get(&id);
    assert_eq!(got["status"], "input_required");
    assert_eq!(got["inputRequests"].as_object().unwrap().keys().collect::<Vec<_>>(), ["b"]);
    // Answered already.
    acknowledged(&update(&bench, &id, json!({ "a": accept("2"), "b": { "action": "decline" } })));
    assert_eq!(answered(&bench), json!({ "action": "decline" }));
    let got = bench.get(&id);
    assert_eq!(got["status"], "working");
    assert!(got.get("inputRequests").is_none());
    // A key names one question for as long as the task lives.
    assert!(
        bench.port.ask(handler.id, ask("a"), AskMode::Park).unwrap_err().to_string().contains("used twice")
    );
    bench.text(handler.id, "done");
    acknowledged(&update(&bench, &id, json!({ "b": accept("3") })));
    assert_eq!(bench.get(&id)["status"], "completed");
    bench.assert_settled();
}

#[test]
fn a_handler_that_is_run_again_finds_its_answers() {
    let bench = bench();
    let (id, handler) = bench.begin("work");
    assert!(matches!(bench.port.ask(handler.id, ask("x"), AskMode::Rerun), Ok(Asked::Suspended)));
    bench.port.complete(handler.id, Outcome::Suspend).unwrap();
    assert_eq!(bench.get(&id)["status"], "input_required");
    acknowledged(&update(&bench, &id, json!({ "x": accept("1") })));
    let again = bench.drain_call();
    assert_eq!(again.id, handler.id);
    assert!(matches!(bench.port.ask(again.id, ask("x"), AskMode::Rerun), Ok(Asked::Answered(_))));
    assert_eq!(bench.get(&id)["status"], "working");
    bench.text(again.id, "done");
    assert_eq!(bench.get(&id)["status"], "completed");
    bench.assert_settled();
}

#[test]
fn a_page_that_must_be_visited_first_is_asked_for_under_a_key_of_its_own_each_time() {
    // T2-8
    let bench = bench();
    let capabilities = json!({ "elicitation": { "url": {} }, "extensions": { EXTENSION: {} } });
    let created = bench.ask_for(modern_with(call(json!(1), "work", json!({})), capabilities));
    let id = created["result"]["taskId"].as_str().unwrap();
    let mut keys = Vec::new();
    for _ in 0..3 {
        let handler = bench.drain_call();
        let page = Ask::url("Log in", "https://example.com").key("login");
        assert!(matches!(bench.port.require_urls(handler.id, [page]), Ok(Asked::Suspended)));
        bench.port.complete(handler.id, Outcome::Suspend).unwrap();
        let asked = bench.get(id)["inputRequests"].as_object().unwrap().keys().next().unwrap().clone();
        assert!(!keys.contains(&asked), "{asked}");
        acknowledged(&update(&bench, id, json!({ asked.as_str(): { "action": "accept" } })));
        keys.push(asked);
    }
    bench.text(bench.drain_call().id, "done");
    assert_eq!(bench.get(id)["status"], "completed");
    bench.assert_settled();
}

#[test]
fn a_question_that_nobody_answers_ends_the_task() {
    let bench = super::bench_with(
        |limits| limits.ask_timeout = Duration::from_secs(60),
        Arc::new(MemoryStore::new(10)),
    );
    let (id, handler) = bench.begin("work");
    bench.port.ask(handler.id, ask("x"), AskMode::Park).unwrap();
    bench.advance(Duration::from_secs(61));
    let got = bench.get(&id);
    assert_eq!((&got["status"], &got["result"]["isError"]), (&json!("completed"), &json!(true)));
    assert!(got["result"]["content"][0]["text"].as_str().unwrap().contains("got no answer"), "{got}");
    bench.assert_settled();
}

#[test]
fn a_client_that_cannot_be_asked_is_not_asked_in_a_task_either() {
    // MR-4
    let bench = bench();
    let capabilities = json!({ "extensions": { EXTENSION: {} } });
    bench.ask_for(modern_with(call(json!(1), "work", json!({})), capabilities));
    let handler = bench.drain_call();
    let error = bench.port.ask(handler.id, ask("x"), AskMode::Park).unwrap_err();
    assert_eq!(error.rpc().unwrap().code, -32021);
}
