//! Attempts to use what belongs to others: sessions, streams, tasks, states, and their identities.

use crate::helpers::door::*;
use crate::helpers::tokens::*;
use crate::support::bench::{Full, question, whole};
use crate::{initialize, request, schema};
use serde_json::{Value, json};
use tenon_mcp::{AskMode, HostOp, Kind, Outcome, Principal, TaskSupport, Tool};

/// Everybody who is not Ann of the issuer `api-keys`.
const STRANGERS: [Option<&str>; 3] = [Some(BOB), Some(OTHER_ANN), None];

/// A server that also allows callers without credentials, who are strangers, too.
fn fixture() -> Door {
    let door = Door::with(Default::default(), everybody(), |b| b.anonymous(tenon_mcp::Anonymous::Allow));
    door.add(Kind::Resource, "a://x", json!({}));
    let tool = Tool::new("job").input_schema(schema(json!({ "type": "object" })));
    door.bench.server.add(tool.task_support(TaskSupport::Optional), LANE).unwrap();
    door
}

/// A request with this token and session.
fn with(door: &Door, method: &str, token: Option<&str>, session: &str, more: &[(&str, &str)]) -> u16 {
    let header = token.map(bearer);
    let mut headers = vec![("mcp-session-id", session), ("accept", "text/event-stream")];
    headers.extend(header.iter().map(|(name, value)| (*name, value.as_str())));
    headers.extend(more);
    door.send(method, &headers, None).status().as_u16()
}

fn post(door: &Door, token: Option<&str>, session: &str, message: &Value) -> Full {
    let header = token.map(bearer);
    let mut headers = vec![("mcp-session-id", session)];
    headers.extend(header.iter().map(|(name, value)| (*name, value.as_str())));
    whole(door.send("POST", &headers, Some(message)))
}

#[test]
fn the_session_of_another() {
    let door = fixture();
    let session = door.session(ANN);
    for token in STRANGERS {
        assert_eq!(
            post(&door, token, &session, &request(1, "tools/list", json!({}))).status,
            404,
            "{token:?}"
        );
    }
    assert_eq!(post(&door, Some(ANN_READS), &session, &request(1, "ping", json!({}))).status, 200);
}

#[test]
fn the_end_of_the_session_of_another() {
    let door = fixture();
    let session = door.session(ANN);
    for token in STRANGERS {
        assert_eq!(with(&door, "DELETE", token, &session, &[]), 404, "{token:?}");
    }
    assert_eq!(post(&door, Some(ANN), &session, &request(1, "ping", json!({}))).status, 200);
}

#[test]
fn a_stream_in_the_session_of_another() {
    let door = fixture();
    let session = door.session(ANN);
    for token in STRANGERS {
        assert_eq!(with(&door, "GET", token, &session, &[]), 404, "{token:?}");
    }
    assert_eq!(with(&door, "GET", Some(ANN), &session, &[]), 200);
}

#[test]
fn the_events_of_the_stream_of_another() {
    let door = fixture();
    let session = door.session(ANN);
    let mut stream = door.listen(ANN, &session, &[]).into_body();
    let first = said(&mut stream).0;
    let id = first.lines().find_map(|line| line.strip_prefix("id: ")).unwrap().to_owned();
    for token in STRANGERS {
        assert_eq!(with(&door, "GET", token, &session, &[("last-event-id", &id)]), 404, "{token:?}");
        // In a session of one's own, the event does not exist either.
        if let Some(token) = token {
            let own = door.session(token);
            let status = with(&door, "GET", Some(token), &own, &[("last-event-id", &id)]);
            assert!(matches!(status, 400 | 404), "{token} {status}");
        }
    }
    assert_eq!(with(&door, "GET", Some(ANN), &session, &[("last-event-id", &id)]), 200);
}

/// An attempt to begin a session with an id of one's choice, which a victim would then use.
#[test]
fn a_session_id_of_ones_own_choice() {
    let door = fixture();
    let (name, value) = bearer(BOB);
    let headers = [(name, value.as_str()), ("mcp-session-id", "chosen-by-bob-0123456789")];
    let opened = door.send("POST", &headers, Some(&initialize("2025-11-25")));
    assert_eq!(opened.status(), 200);
    assert_ne!(opened.headers()["mcp-session-id"], "chosen-by-bob-0123456789");
    let message = request(1, "ping", json!({}));
    assert_eq!(post(&door, Some(BOB), "chosen-by-bob-0123456789", &message).status, 404);
}

/// An anonymous session is nobody's, so a client with credentials must not continue in it, and the reverse.
#[test]
fn a_session_without_credentials() {
    let door = fixture();
    let opened = door.send("POST", &[], Some(&initialize("2025-11-25")));
    let session = opened.headers()["mcp-session-id"].to_str().unwrap().to_owned();
    assert_eq!(post(&door, Some(ANN), &session, &request(1, "ping", json!({}))).status, 404);
    assert_eq!(post(&door, None, &session, &request(1, "ping", json!({}))).status, 200);
}

#[test]
fn a_response_to_the_question_of_another() {
    let door = fixture();
    let session = door.session(ANN);
    let (name, value) = bearer(ANN);
    let call = request(7, "tools/call", json!({ "name": "work" }));
    let mut asked = door.bench.post(&[(name, &value), ("mcp-session-id", &session)], &call);
    assert!(asked.poll().is_none());
    let id = door.bench.take_call();
    let _ = door.bench.server.port().ask(id, question(), AskMode::Park);
    let mut stream = asked.poll().expect("a stream").into_body();
    let question = said(&mut stream).0;
    let data = question.lines().find_map(|line| line.strip_prefix("data: {")).expect("a question");
    let question: Value = serde_json::from_str(&format!("{{{data}")).unwrap();
    let answer =
        json!({ "jsonrpc": "2.0", "id": question["id"], "result": { "action": "accept", "content": {} } });
    for token in STRANGERS {
        assert_eq!(post(&door, token, &session, &answer).status, 404, "{token:?}");
        // The same id in a session of one's own.
        if let Some(token) = token {
            let own = door.session(token);
            post(&door, Some(token), &own, &answer);
        }
    }
    let answered = |door: &Door| door.bench.ops().iter().any(|op| matches!(op, HostOp::Answer { .. }));
    assert!(!answered(&door), "nobody has answered");
    assert_eq!(post(&door, Some(ANN), &session, &answer).status, 202);
    assert!(answered(&door));
    door.bench.complete(id, "over");
}

#[test]
fn the_cancellation_of_the_call_of_another() {
    let door = fixture();
    let session = door.session(ANN);
    let (name, value) = bearer(ANN);
    let call = request(7, "tools/call", json!({ "name": "work" }));
    let mut asked = door.bench.post(&[(name, &value), ("mcp-session-id", &session)], &call);
    assert!(asked.poll().is_none());
    let id = door.bench.take_call();
    let cancel = crate::notification("notifications/cancelled", json!({ "requestId": 7 }));
    for token in STRANGERS {
        assert_eq!(post(&door, token, &session, &cancel).status, 404, "{token:?}");
    }
    let own = door.session(BOB);
    post(&door, Some(BOB), &own, &cancel);
    assert!(!door.bench.ops().iter().any(|op| matches!(op, HostOp::Cancel { .. })));
    door.bench.complete(id, "over");
    assert!(asked.poll().is_some());
}

fn begin_task(door: &Door, token: &str) -> String {
    let created = door.modern(Some(token), "tools/call", json!({ "name": "job" })).json();
    created["result"]["taskId"].as_str().unwrap_or_else(|| panic!("{created}")).to_owned()
}

#[test]
fn the_task_of_another() {
    let door = fixture();
    let task = begin_task(&door, ANN);
    for running in [true, false] {
        for token in STRANGERS {
            for method in ["tasks/get", "tasks/cancel"] {
                let refused = door.modern(token, method, json!({ "taskId": task })).json();
                assert!(refused["error"].is_object(), "{method} {running}: {refused}");
            }
            let answers = json!({ "taskId": task, "inputResponses": {} });
            let refused = door.modern(token, "tasks/update", answers).json();
            assert!(refused["error"].is_object(), "{refused}");
        }
        assert_eq!(door.modern(Some(ANN), "tasks/get", json!({ "taskId": task })).status, 200);
        door.run_handlers();
    }
}

/// What does not exist and what belongs to another must look alike.
#[test]
fn the_difference_between_a_foreign_task_and_none() {
    let door = fixture();
    let task = begin_task(&door, ANN);
    let none = task.chars().rev().collect::<String>();
    let ask = |id: &str| {
        let answer = door.modern(Some(BOB), "tasks/get", json!({ "taskId": id }));
        (answer.status, String::from_utf8_lossy(&answer.body).replace(id, "ID"))
    };
    assert_eq!(ask(&task), ask(&none));
    let session = door.session(ANN);
    let none = session.chars().rev().collect::<String>();
    let ask = |id: &str| {
        let answer = post(&door, Some(BOB), id, &request(1, "ping", json!({})));
        (answer.status, String::from_utf8_lossy(&answer.body).replace(id, "ID"))
    };
    assert_eq!(ask(&session), ask(&none));
}

#[test]
fn a_listen_stream_for_the_task_of_another() {
    let door = fixture();
    let task = begin_task(&door, ANN);
    let (name, value) = bearer(BOB);
    let params = json!({ "notifications": { "taskIds": [task] } });
    let mut stream = door.open_modern(&[(name, &value)], "subscriptions/listen", params).into_body();
    door.run_handlers();
    door.pass(1);
    let all = said(&mut stream).0;
    assert!(!all.contains(&task), "{all}");
}

#[test]
fn the_state_of_the_question_of_another() {
    let door = fixture();
    let ask = |token: Option<&str>, params: Value| {
        let header = token.map(bearer);
        let headers: Vec<_> = header.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let mut asked = door.begin_modern(&headers, "tools/call", params);
        if let Some(refused) = asked.poll() {
            return whole(refused).json();
        }
        let call = door.bench.ops().into_iter().find_map(|op| match op {
            HostOp::Call(call) => Some(call.id),
            _ => None,
        });
        let call = call.expect("a call");
        let _ = door.bench.server.port().ask(call, question(), AskMode::Rerun);
        door.bench.server.port().complete(call, Outcome::Suspend).unwrap();
        asked.finish().json()
    };
    let asked = ask(Some(ANN), json!({ "name": "work" }));
    let state = asked["result"]["requestState"].clone();
    assert!(state.is_string(), "{asked}");
    for token in STRANGERS {
        let refused = ask(token, json!({ "name": "work", "requestState": state }));
        assert!(refused["error"].is_object(), "{token:?}: {refused}");
    }
    // It is of this tool only, even for its owner.
    let refused = ask(Some(ANN), json!({ "name": "pay", "requestState": state }));
    assert!(refused["error"].is_object(), "{refused}");
    assert!(ask(Some(ANN), json!({ "name": "work", "requestState": state }))["error"].is_null());
}

/// The state was made with a scope that the token does not have any more.
#[test]
fn ones_own_state_with_a_poorer_token() {
    let door = fixture();
    let (name, value) = bearer(ANN);
    let mut asked = door.begin_modern(&[(name, &value)], "tools/call", json!({ "name": "pay" }));
    assert!(asked.poll().is_none());
    let call = door.bench.take_call();
    let _ = door.bench.server.port().ask(call, question(), AskMode::Rerun);
    door.bench.server.port().complete(call, Outcome::Suspend).unwrap();
    let state = asked.finish().json()["result"]["requestState"].clone();
    let params = json!({ "name": "pay", "requestState": state });
    assert_eq!(door.modern(Some(ANN_READS), "tools/call", params).status, 403);
}

/// The issuer of tokens may not name the principals of the program.
#[test]
fn an_issuer_that_is_named_like_the_host() {
    let door = Door::new(json!({ "auth": [jwt(json!({ "secret": SECRET }))] }));
    for issuer in ["host", "api-keys", ""] {
        assert_eq!(door.status(&token(SECRET, json!({ "iss": issuer }))), 401, "{issuer:?}");
    }
}

/// Pairs of issuer and subject that are equal if they are joined.
#[test]
fn names_that_are_equal_when_joined() {
    let keys = |issuer: &str, subject: &str, value: &str| json!({ "type": "api_keys", "issuer": issuer, "keys": [{ "subject": subject, "value": value }] });
    let door = Door::new(json!({ "auth": [
        keys("a", "bc", "key-one-0123456789ab"),
        keys("ab", "c", "key-two-0123456789ab"),
        keys("a", "b\u{0}c", "key-three-0123456789"),
    ] }));
    let session = door.session("key-one-0123456789ab");
    let ping = |token: &str| door.in_session(token, &session, "ping", json!({})).status;
    assert_eq!(ping("key-one-0123456789ab"), 200);
    assert_eq!((ping("key-two-0123456789ab"), ping("key-three-0123456789")), (404, 404));
}

/// A session id proves nothing, so a login over HTTP would give the session to whoever knows its id.
#[test]
fn a_login_over_http() {
    let door = fixture();
    let session = door.session(BOB);
    let (name, value) = bearer(BOB);
    let call = request(7, "tools/call", json!({ "name": "work" }));
    let mut in_session = door.bench.post(&[(name, &value), ("mcp-session-id", &session)], &call);
    let mut modern = door.begin_modern(&[(name, &value)], "tools/call", json!({ "name": "work" }));
    for asked in [&mut in_session, &mut modern] {
        assert!(asked.poll().is_none());
        let id = door.bench.take_call();
        let refused = door.bench.server.port().login(id, Principal::new("api-keys", "ann")).unwrap_err();
        assert!(refused.to_string().contains("over HTTP"), "{refused}");
        door.bench.complete(id, "over");
        assert!(asked.poll().is_some());
    }
    assert_eq!(door.in_session(BOB, &session, "ping", json!({})).status, 200, "it is still Bob's");
}
