//! Each kind of question in each revision: the request, the refusals and the answer.

use crate::support::*;
use serde_json::{Value, json};
use tenon_mcp::{Action, Answer, Ask, AskError, AskMode, Asked, Context, HostOp, JsonSlice, Outcome, Sample};

const ALL_OF_IT: &str =
    r#"{"elicitation":{"form":{},"url":{}},"sampling":{"tools":{},"context":{}},"roots":{}}"#;

fn everything() -> Value {
    serde_json::from_str(ALL_OF_IT).unwrap()
}

fn page() -> Ask {
    Ask::url("Log in", "https://example.com/login").elicitation_id("e1")
}

fn sample() -> Ask {
    Sample::new(10).user("hi").into()
}

fn message(text: &str) -> Value {
    json!({ "role": "assistant", "model": "m", "stopReason": "endTurn",
        "content": { "type": "text", "text": text } })
}

/// Each kind of question, with the request's method and parameters, and a valid answer.
fn questions() -> Vec<(Ask, &'static str, Value, Value)> {
    let messages = json!([{ "role": "user", "content": { "type": "text", "text": "hi" } }]);
    vec![
        (
            ask("x"),
            "elicitation/create",
            json!({ "mode": "form", "message": "x?", "requestedSchema": form().to_value().unwrap() }),
            accept("1"),
        ),
        (
            page(),
            "elicitation/create",
            json!({ "mode": "url", "message": "Log in", "url": "https://example.com/login", "elicitationId": "e1" }),
            json!({ "action": "accept" }),
        ),
        (
            sample(),
            "sampling/createMessage",
            json!({ "messages": messages, "maxTokens": 10 }),
            message("hello"),
        ),
        (Ask::roots(), "roots/list", json!({}), json!({ "roots": [{ "uri": "file:///a", "name": "A" }] })),
    ]
}

#[track_caller]
fn parked(bench: &Bench) -> Result<Answer, AskError> {
    match bench.drain().pop() {
        Some(HostOp::Answer { answer, .. }) => answer,
        other => panic!("{other:?}"),
    }
}

#[test]
fn every_kind_is_a_request_to_whoever_declares_it_in_every_legacy_revision() {
    // EL-1, EL-3, EL-11, SA-2, RT-1
    for (ask, method, mut params, good) in questions() {
        for revision in ["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25"] {
            let bench = Bench::new();
            bench.initialize_with(revision, everything());
            bench.call(1, "slow");
            let call = bench.drain_call();
            let asked = bench.port.ask(call.id, ask.clone(), AskMode::Park);
            assert!(matches!(asked, Ok(Asked::Waiting(_))), "{method} {revision} {asked:?}");
            let request = bench.sink.one();
            assert_eq!(request["method"], method);
            if revision <= "2025-06-18" && params["mode"] == "form" {
                let mut older = params.clone();
                older.as_object_mut().unwrap().remove("mode");
                assert_eq!(request["params"], older);
            } else {
                assert_eq!(request["params"], params);
            }
            bench.answer(&request, good.clone());
            let answer = parked(&bench).unwrap();
            assert_eq!(answer.action(), Action::Accept);
            assert_eq!(answer.json().to_value().unwrap(), good);
            assert!(bench.text(call.id, "done"));
            bench.sink.take();
            bench.assert_settled();
        }
        params.take();
    }
}

#[test]
fn every_kind_suspends_a_modern_attempt_and_all_of_them_go_out_together() {
    // MR-2, MR-3, MR-6
    let bench = Bench::new();
    bench.send(modern_with(call(json!(1), "slow", json!({})), everything()));
    let first = bench.drain_call();
    for (ask, ..) in questions() {
        let key = ask.kind.as_str();
        let asked = bench.port.ask(first.id, ask.key(key), AskMode::Park);
        assert!(matches!(asked, Ok(Asked::Suspended)), "{asked:?}");
    }
    bench.port.complete(first.id, Outcome::Suspend).unwrap();
    let answer = bench.sink.one();
    let requests = &answer["result"]["inputRequests"];
    let mut responses = json!({});
    for (ask, method, mut params, good) in questions() {
        // Only 2025-11-25 names visits.
        params.as_object_mut().unwrap().remove("elicitationId");
        assert_eq!(requests[ask.kind.as_str()], json!({ "method": method, "params": params }));
        responses[ask.kind.as_str()] = good;
    }
    bench.drain();
    let mut retry = modern_with(call(json!(2), "slow", json!({})), everything());
    retry["params"]["requestState"] = answer["result"]["requestState"].clone();
    retry["params"]["inputResponses"] = responses;
    bench.send(retry);
    let second = bench.drain_call();
    for (ask, _, _, good) in questions() {
        let key = ask.kind.as_str();
        match bench.port.ask(second.id, ask.key(key), AskMode::Park) {
            Ok(Asked::Answered(answer)) => assert_eq!(answer.json().to_value().unwrap(), good),
            other => panic!("{other:?}"),
        }
    }
    assert!(bench.text(second.id, "done"));
    assert_eq!(result_text(&bench.sink.one()), "done");
    bench.assert_settled();
}

#[test]
fn what_a_client_did_not_declare_is_not_asked_and_the_error_says_what_to_declare() {
    // MR-4, VER-7, SA-1, SA-3, SA-7
    let with = |name: &str, value: Value| -> Ask { Sample::new(1).user("hi").set(name, value).into() };
    let tool = json!([{ "name": "t", "inputSchema": { "type": "object" } }]);
    let form = json!({ "elicitation": { "form": {} } });
    let cases = [
        (ask("x"), json!({}), form.clone()),
        (ask("x"), json!({ "elicitation": { "url": {} } }), form.clone()),
        (page(), form, json!({ "elicitation": { "url": {} } })),
        (sample(), json!({}), json!({ "sampling": {} })),
        (with("tools", tool), json!({ "sampling": {} }), json!({ "sampling": { "tools": {} } })),
        (
            with("includeContext", json!("allServers")),
            json!({ "sampling": { "tools": {} } }),
            json!({ "sampling": { "context": {} } }),
        ),
        (Ask::roots(), json!({ "sampling": {} }), json!({ "roots": {} })),
    ];
    for (ask, declared, required) in cases {
        let bench = Bench::new();
        bench.initialize_with(LEGACY, declared.clone());
        for modern in [false, true] {
            let request = call(json!(1), "slow", json!({}));
            bench.send(if modern { modern_with(request, declared.clone()) } else { request });
            let call = bench.drain_call();
            let error = bench.port.ask(call.id, ask.clone(), AskMode::Park).unwrap_err();
            bench.sink.nothing();
            let revision = call.context.client.revision;
            bench.port.complete(call.id, error.clone().into_outcome(revision)).unwrap();
            let answer = bench.sink.one();
            if modern {
                assert_eq!(error_of(&answer).0, -32021);
                assert_eq!(answer["error"]["data"]["requiredCapabilities"], required);
            } else {
                assert_eq!(answer["result"]["isError"], true);
                assert_eq!(result_text(&answer), error.to_string());
            }
        }
        bench.assert_settled();
    }
}

#[test]
fn a_wrong_answer_of_any_kind_is_an_error_at_once() {
    // EL-8, SA-6, RT-1
    let wrong = [
        (page(), json!({ "action": "agree" }), "elicitation: the client's answer is not usable: action"),
        (sample(), json!({ "role": "assistant" }), "sampling: the client's answer is not usable: model"),
        (
            Ask::roots(),
            json!({ "roots": [{ "uri": "/a" }] }),
            "roots: the client's answer is not usable: roots",
        ),
        (Ask::roots(), json!([]), "roots: the client's answer is not usable: must be an object"),
    ];
    for (ask, answer, why) in wrong {
        let bench = Bench::new();
        bench.initialize_with(LEGACY, everything());
        bench.call(1, "slow");
        let id = bench.drain_call().id;
        bench.port.ask(id, ask.clone(), AskMode::Park).unwrap();
        bench.answer(&bench.sink.one(), answer.clone());
        match parked(&bench) {
            Err(AskError::Failed(text)) => assert!(text.starts_with(why), "{text}"),
            other => panic!("{other:?}"),
        }
        // MR-12
        let request = modern_with(call(json!(2), "slow", json!({})), everything());
        bench.send(request.clone());
        let id = bench.drain_call().id;
        bench.port.ask(id, ask.key("q"), AskMode::Park).unwrap();
        bench.port.complete(id, Outcome::Suspend).unwrap();
        let mut retry = request;
        retry["params"]["requestState"] = bench.sink.one()["result"]["requestState"].clone();
        retry["params"]["inputResponses"] = json!({ "q": answer });
        bench.send(retry);
        assert_eq!(error_of(&bench.sink.one()).0, -32602);
    }
}

#[test]
fn a_user_who_rejects_sampling_is_heard_in_words() {
    // SA-9
    let bench = Bench::new();
    bench.initialize_with(LEGACY, everything());
    bench.call(1, "slow");
    bench.port.ask(bench.drain_call().id, sample(), AskMode::Park).unwrap();
    bench.send(json!({ "jsonrpc": "2.0", "id": bench.sink.one()["id"],
        "error": { "code": -1, "message": "User rejected sampling request" } }));
    match parked(&bench) {
        Err(AskError::Failed(text)) => {
            assert_eq!(text, "sampling: the client failed: User rejected sampling request")
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn wrong_parameters_are_refused_before_they_are_sent() {
    let bench = Bench::new();
    bench.initialize_with(LEGACY, everything());
    bench.call(1, "slow");
    let id = bench.drain_call().id;
    let sampled = |params: Value| Ask::sample(JsonSlice::from_value(&params));
    let wrong = [
        (Ask::url("m", "login.html"), "elicitation: url must be"),
        (sampled(json!([])), "sampling: the parameters must be an object"),
        (sampled(json!({ "messages": [] })), "sampling: maxTokens"),
        (
            sampled(json!({ "messages": [], "maxTokens": 1, "maxtokens": 1 })),
            "sampling: there is no parameter",
        ),
    ];
    for (ask, why) in wrong {
        match bench.port.ask(id, ask, AskMode::Park) {
            Err(AskError::Invalid(text)) => assert!(text.starts_with(why), "{text}"),
            other => panic!("{other:?}"),
        }
        bench.sink.nothing();
    }
}

#[test]
fn a_question_of_another_kind_under_the_same_key_has_changed() {
    let bench = Bench::new();
    bench.initialize_with(LEGACY, everything());
    bench.call(1, "slow");
    let id = bench.drain_call().id;
    bench.port.ask(id, Ask::roots().key("x"), AskMode::Rerun).unwrap();
    bench.port.complete(id, Outcome::Suspend).unwrap();
    bench.answer(&bench.sink.one(), json!({ "roots": [] }));
    bench.drain_call();
    match bench.port.ask(id, sample().key("x"), AskMode::Rerun) {
        Err(AskError::Invalid(text)) => assert!(text.contains("changed"), "{text}"),
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_a_revision_cannot_hold_is_a_failed_result_there() {
    // EL-7
    let bench = Bench::new();
    let executor = std::sync::Arc::new(crate::lanes::local_handlers::Executor::default());
    bench.port.set_spawn(executor.clone());
    let asks = tenon_mcp::handler(|_: Value, context: Context| async move {
        let several = json!({ "type": "array", "items": { "type": "string", "enum": ["a"] } });
        let form = json!({ "type": "object", "properties": { "p": several } });
        context.elicit(Ask::form("?", JsonSlice::from_value(&form))).await.map(|_| ())
    });
    bench.server.tool(tool("local"), asks).unwrap();
    for revision in ["2024-11-05", "2025-03-26", "2025-06-18"] {
        bench.initialize(revision);
        bench.call(1, "local");
        executor.run();
        let answer = bench.sink.one();
        assert_eq!(answer["result"]["isError"], true, "{answer}");
        let text = format!("The client cannot be asked: {revision} has no fields with several choices");
        assert_eq!(result_text(&answer), text);
    }
    bench.assert_settled();
}
