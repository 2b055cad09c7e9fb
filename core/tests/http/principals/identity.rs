//! Sessions, tasks, cursors, states and listen streams belong to the pair of issuer and subject.

use super::ByHeader;
use crate::support::bench::{Bench, Full, question, whole};
use crate::{MODERN, envelope, initialize, request, schema};
use http::Response;
use serde_json::{Value, json};
use std::sync::Arc;
use tenon_mcp::http::ResponseBody;
use tenon_mcp::{AskMode, HandlerId, HostOp, LaneId, Limits, Outcome, Target, TaskSupport, Tool};

/// Pairs that are equal if they are joined, and the anonymous sender.
const EVERYBODY: [&str; 7] = ["a|bc", "ab|c", "a|", "|a", "|", "host|a", "nobody"];

fn bench(change: impl FnOnce(&mut Limits)) -> Bench {
    let mut limits = Limits::default();
    change(&mut limits);
    Bench::with(limits, |builder| builder.principal_resolver(Arc::<ByHeader>::default()))
}

fn send(bench: &Bench, user: &str, headers: &[(&str, &str)], message: &Value) -> Response<ResponseBody> {
    let headers: Vec<_> = headers.iter().copied().chain([("x-user", user)]).collect();
    let mut asked = bench.post(&headers, message);
    asked.poll().expect("it is answered at once")
}

/// A request of 2026-07-28 of a client that can do tasks.
fn modern(bench: &Bench, user: &str, method: &str, params: Value) -> Full {
    let message = message(method, params);
    let name = message["params"].get("name").or(message["params"].get("taskId")).cloned();
    let name = name.as_ref().and_then(Value::as_str).unwrap_or_default();
    let mut headers = vec![("mcp-protocol-version", MODERN), ("mcp-method", method)];
    headers.extend((!name.is_empty()).then_some(("mcp-name", name)));
    whole(send(bench, user, &headers, &message))
}

fn message(method: &str, params: Value) -> Value {
    let mut message = request(1, method, envelope(params));
    message["params"]["_meta"]["io.modelcontextprotocol/clientCapabilities"]["extensions"] =
        json!({ "io.modelcontextprotocol/tasks": {} });
    message
}

/// Checks that only `owner` gets what `ask` asks for.
fn only(owner: &str, what: &str, mut ask: impl FnMut(&str) -> bool) {
    for other in EVERYBODY.into_iter().filter(|other| *other != owner).chain([owner]) {
        assert_eq!(ask(other), other == owner, "{what} of {owner:?}, asked for by {other:?}");
    }
}

#[test]
fn sessions() {
    let bench = bench(|_| {});
    for owner in EVERYBODY {
        let opened = send(&bench, owner, &[], &initialize("2025-11-25"));
        let session = opened.headers()["mcp-session-id"].to_str().unwrap();
        only(owner, "a session", |user| {
            let headers = [("mcp-session-id", session)];
            send(&bench, user, &headers, &request(1, "ping", json!({}))).status() == 200
        });
        let delete = |user: &str| {
            let headers = [("mcp-session-id", session), ("x-user", user)];
            bench.bare("DELETE", &headers).finish().status
        };
        only(owner, "the end of a session", |user| delete(user) == 204);
    }
}

#[test]
fn tasks_and_their_lists() {
    let bench = bench(|limits| limits.max_principal_tasks = 2);
    let target = Target::Lane { lane: LaneId(1), handler: HandlerId(2) };
    let tool = Tool::new("job").input_schema(schema(json!({ "type": "object" })));
    bench.server.add(tool.task_support(TaskSupport::Optional), target).unwrap();
    let begin = |user: &str| modern(&bench, user, "tools/call", json!({ "name": "job" })).json();
    for owner in EVERYBODY {
        let created = begin(owner);
        let task = created["result"]["taskId"].as_str().unwrap_or_else(|| panic!("{created}"));
        let get = |user: &str| modern(&bench, user, "tasks/get", json!({ "taskId": task })).json();
        only(owner, "a task", |user| get(user)["result"]["taskId"] == task);
        // Each principal has its own bound.
        assert!(begin(owner)["error"].is_null());
        assert_eq!(begin(owner)["error"].is_null(), owner == "nobody", "{owner}");
    }
    // The lists of 2025-11-25 show what was begun in that revision.
    for owner in EVERYBODY.into_iter().filter(|owner| *owner != "nobody") {
        let opened = send(&bench, owner, &[], &initialize("2025-11-25"));
        let session = opened.headers()["mcp-session-id"].to_str().unwrap().to_owned();
        let opened = whole(opened).json();
        assert!(opened["result"]["capabilities"]["tasks"]["list"].is_object(), "{owner}: {opened}");
        let list = send(&bench, owner, &[("mcp-session-id", &session)], &request(2, "tasks/list", json!({})));
        let list = whole(list).json();
        assert_eq!(list["result"]["tasks"], json!([]), "{owner}");
    }
    let anonymous = whole(send(&bench, "nobody", &[], &initialize("2025-11-25"))).json();
    assert!(anonymous["result"]["capabilities"]["tasks"]["list"].is_null(), "{anonymous}");
}

#[test]
fn cursors() {
    let bench = bench(|limits| limits.page_size = 1);
    let target = Target::Lane { lane: LaneId(1), handler: HandlerId(2) };
    bench.server.add(Tool::new("second").input_schema(schema(json!({ "type": "object" }))), target).unwrap();
    for owner in EVERYBODY {
        let first = modern(&bench, owner, "tools/list", json!({})).json();
        let cursor = first["result"]["nextCursor"].as_str().unwrap();
        only(owner, "a cursor", |user| {
            let next = modern(&bench, user, "tools/list", json!({ "cursor": cursor })).json();
            next["error"]["code"] != -32602
        });
    }
}

#[test]
fn states_of_questions() {
    let bench = bench(|_| {});
    let ask = |user: &str, params: Value| {
        let headers = [
            ("mcp-protocol-version", MODERN),
            ("mcp-method", "tools/call"),
            ("mcp-name", "work"),
            ("x-user", user),
        ];
        let mut asked = bench.post(&headers, &message("tools/call", params));
        if let Some(refused) = asked.poll() {
            return whole(refused).json();
        }
        let ops = bench.ops();
        let call = ops.iter().find_map(|op| match op {
            HostOp::Call(call) => Some(call.id),
            _ => None,
        });
        let call = call.expect("a call");
        let _ = bench.server.port().ask(call, question(), AskMode::Rerun);
        bench.server.port().complete(call, Outcome::Suspend).unwrap();
        asked.finish().json()
    };
    for owner in EVERYBODY {
        let asked = ask(owner, json!({ "name": "work" }));
        let state = asked["result"]["requestState"].as_str().unwrap_or_else(|| panic!("{asked}"));
        only(owner, "a state", |user| {
            ask(user, json!({ "name": "work", "requestState": state }))["error"].is_null()
        });
    }
}

#[test]
fn listen_streams_are_counted_for_each() {
    let bench = bench(|limits| limits.max_principal_listens = 1);
    let mut open = Vec::new();
    for user in EVERYBODY {
        let headers =
            [("mcp-protocol-version", MODERN), ("mcp-method", "subscriptions/listen"), ("x-user", user)];
        let listen =
            message("subscriptions/listen", json!({ "notifications": { "toolsListChanged": true } }));
        let one = || bench.post(&headers, &listen).poll().expect("it is answered at once");
        let (first, second) = (one(), one());
        let expected = if user == "nobody" { 200 } else { 503 };
        assert_eq!((first.status().as_u16(), second.status().as_u16()), (200, expected), "{user}");
        open.push((first, second));
    }
}
