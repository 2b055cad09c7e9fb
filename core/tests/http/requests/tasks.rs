//! Tasks over real sockets: headers, status codes, and clients that disconnect.

use crate::support::client::Client;
use crate::support::server::{StartedServer, call, legacy_call};
use crate::{envelope, request, text};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

const EXTENSION: &str = "io.modelcontextprotocol/tasks";

/// Adds an envelope that declares tasks.
fn with_tasks(mut message: Value) -> Value {
    message["params"] = envelope(message["params"].take());
    let capabilities = &mut message["params"]["_meta"]["io.modelcontextprotocol/clientCapabilities"];
    capabilities["extensions"] = json!({ EXTENSION: {} });
    message
}

fn about(method: &str, task: &str) -> Value {
    with_tasks(request(9, method, json!({ "taskId": task, "inputResponses": {} })))
}

/// Polls a task until it has this status.
#[track_caller]
fn until(client: &mut Client, task: &str, status: &str) -> Value {
    let start = Instant::now();
    loop {
        let got = client.modern(&about("tasks/get", task)).json();
        if got["result"]["status"] == status {
            return got["result"].clone();
        }
        assert!(start.elapsed() < Duration::from_secs(30), "{got}");
    }
}

#[test]
fn the_name_header_of_a_task_may_be_left_out_but_not_be_another() {
    // MH-16, MH-17, AMB-20
    let up = StartedServer::new();
    let mut client = up.client();
    let created = client.modern(&with_tasks(call(1, "job", json!({}))));
    assert_eq!(created.status, 200);
    let created = created.json();
    let id = created["result"]["taskId"].as_str().unwrap();
    for method in ["tasks/get", "tasks/update", "tasks/cancel"] {
        let post = |client: &mut Client, name: Option<&str>, named: &str| {
            let mut headers = vec![("mcp-protocol-version", crate::MODERN), ("mcp-method", named)];
            headers.extend(name.map(|name| ("mcp-name", name)));
            let reply = client.post(&headers, &about(method, id));
            (reply.status, reply.json()["error"]["code"].clone())
        };
        assert_eq!(post(&mut client, Some(id), method), (200, json!(null)), "{method}");
        assert_eq!(post(&mut client, None, method), (200, json!(null)), "{method}");
        assert_eq!(post(&mut client, Some("another"), method), (400, json!(-32020)), "{method}");
        assert_eq!(post(&mut client, Some(id), "tasks/other"), (400, json!(-32020)), "{method}");
    }
}

#[test]
fn statuses_say_what_is_wrong() {
    // T2-2, T2-11, T2-12
    let up = StartedServer::new();
    let mut client = up.client();
    let refused = client.modern(&call(1, "must", json!({})));
    assert_eq!((refused.status, &refused.json()["error"]["code"]), (400, &json!(-32021)));
    let refused = client.modern(&request(2, "tasks/get", envelope(json!({ "taskId": "x" }))));
    assert_eq!((refused.status, &refused.json()["error"]["code"]), (400, &json!(-32021)));
    for method in ["tasks/result", "tasks/list"] {
        let refused = client.modern(&about(method, "x"));
        assert_eq!((refused.status, &refused.json()["error"]["code"]), (404, &json!(-32601)), "{method}");
    }
    let refused = client.modern(&about("tasks/get", "x"));
    assert_eq!((refused.status, &refused.json()["error"]["code"]), (200, &json!(-32602)));
}

#[test]
fn a_task_goes_on_when_its_client_has_gone() {
    // MH-53
    let up = StartedServer::new();
    let mut client = up.client();
    let created = client.modern(&with_tasks(call(1, "job", json!({})))).json();
    let id = created["result"]["taskId"].as_str().unwrap();
    assert_eq!(up.seen.recv(), Ok("started"));
    drop(client);
    let mut other = up.client();
    until(&mut other, id, "working");
    up.gate.add_permits(1);
    let got = until(&mut other, id, "completed");
    assert_eq!(got["result"]["content"][0]["text"], "through the gate");
    assert_eq!(up.seen.recv(), Ok("finished"));
}

#[test]
fn a_task_outlives_its_session() {
    // T1-8, T1-14
    let up = StartedServer::new();
    let mut client = up.client();
    let session = client.open("2025-11-25");
    let head = [("mcp-session-id", session.as_str()), ("mcp-protocol-version", "2025-11-25")];
    let mut create = legacy_call(1, "job", json!({}));
    create["params"]["task"] = json!({});
    let created = client.post(&head, &create).json();
    let id = created["result"]["task"]["taskId"].as_str().unwrap();
    assert_eq!(up.seen.recv(), Ok("started"));
    client.send("DELETE", &head, b"");
    assert_eq!(client.reply().status, 204);
    let session = client.open("2025-11-25");
    let head = [("mcp-session-id", session.as_str()), ("mcp-protocol-version", "2025-11-25")];
    client.send_post(&head, &request(2, "tasks/result", json!({ "taskId": id })));
    up.gate.add_permits(1);
    let result = client.reply();
    let messages = if result.is_stream() { crate::events(&result.body) } else { vec![result.json()] };
    let answer = messages.iter().find(|message| message["id"] == 2).unwrap();
    assert_eq!(text(answer), "through the gate");
    assert_eq!(answer["result"]["_meta"]["io.modelcontextprotocol/related-task"]["taskId"], id);
}
