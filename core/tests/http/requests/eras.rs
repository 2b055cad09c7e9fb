//! Both eras over real sockets: calls, progress, questions and disconnects.

use crate::support::client::{Client, Reply};
use crate::support::server::{StartedServer, call, legacy_call};
use crate::{envelope, events, notification, request, text};
use serde_json::{Value, json};

#[test]
fn both_eras_share_one_url_and_one_connection() {
    let up = StartedServer::new();
    assert_eq!(up.running.http_url().unwrap(), format!("http://{}/mcp", up.address));
    let mut client = up.client();
    let session = client.open("2025-11-25");
    let head = [("mcp-session-id", session.as_str()), ("mcp-protocol-version", "2025-11-25")];
    for path in ["/mcp", "/mcp/"] {
        client.path = path.into();
        let legacy = client.post(&head, &legacy_call(1, "add", json!({ "a": 1, "b": 2 })));
        assert_eq!((legacy.status, text(&legacy.json())), (200, "3"));
        assert!(legacy.json()["result"].get("resultType").is_none());
        let modern = client.modern(&call(1, "add", json!({ "a": 2, "b": 2 })));
        assert_eq!((modern.status, text(&modern.json())), (200, "4"));
        assert_eq!(modern.json()["result"]["resultType"], "complete");
        assert_eq!(modern.header("mcp-session-id"), None, "MH-7");
    }
    for path in ["/", "/mcp2", "/mcp/x", "/mc", "//mcp"] {
        client.path = path.into();
        assert_eq!(client.post(&[], &crate::initialize("2025-11-25")).status, 404, "{path}");
    }
    client.path = "/mcp?x=1".into();
    assert_eq!(client.modern(&request(1, "server/discover", envelope(json!({})))).status, 200);
}

#[test]
fn the_path_can_be_chosen() {
    let up = StartedServer::with(Default::default(), "127.0.0.1:0/deep/path");
    assert_eq!(up.running.http_url().unwrap(), format!("http://{}/deep/path", up.address));
    let mut client = up.client();
    client.path = "/deep/path/".into();
    client.open("2025-11-25");
    client.path = "/mcp".into();
    assert_eq!(client.post(&[], &crate::initialize("2025-11-25")).status, 404);
}

#[test]
fn progress_makes_a_stream_in_both_eras() {
    let up = StartedServer::new();
    let mut client = up.client();
    let session = client.open("2025-06-18");
    let mut modern = call(5, "count", json!({ "to": 3 }));
    modern["params"]["_meta"]["progressToken"] = json!("p");
    let legacy = legacy_call(5, "count", json!({ "to": 3 }));
    for reply in [client.modern(&modern), client.post(&[("mcp-session-id", &session)], &legacy)] {
        assert!(reply.is_stream());
        let messages = events(&reply.body);
        let progress: Vec<_> = messages[..3].iter().map(|message| &message["params"]["progress"]).collect();
        assert_eq!(progress, [1, 2, 3]);
        assert_eq!((messages.len(), text(&messages[3])), (4, "counted to 3"));
    }
    // Nobody asked for progress: plain JSON.
    assert_eq!(text(&client.modern(&call(6, "count", json!({ "to": 3 }))).json()), "counted to 3");
}

#[test]
fn a_short_time_until_a_slow_answer_streams_is_kept() {
    let mut limits = tenon_mcp::Limits::default();
    limits.stream_after = std::time::Duration::from_millis(100);
    let up = StartedServer::with(limits, "127.0.0.1:0");
    let mut client = up.client();
    let start = std::time::Instant::now();
    client.send_modern(&call(1, "gate", json!({})));
    let (status, headers) = client.read_head().unwrap();
    assert_eq!((status, headers["content-type"].as_str()), (200, "text/event-stream"));
    // Far from the five seconds that the endpoint looks at the clock otherwise.
    assert!(start.elapsed().as_secs() < 4, "{:?}", start.elapsed());
    assert_eq!(client.read_chunk().unwrap(), b": \n\n");
    assert_eq!(up.next(), "started");
    up.gate.add_permits(1);
    assert_eq!(text(&read_events(&mut client, 1)[0]), "through the gate");
    assert_eq!(client.read_chunk(), None);
}

/// Reads the events of an open stream until there are `count`.
fn read_events(client: &mut Client, count: usize) -> Vec<Value> {
    let mut found = Vec::new();
    while found.len() < count {
        found.extend(events(&client.read_chunk().expect("the stream goes on")));
    }
    found
}

#[test]
fn legacy_questions_are_requests_answered_by_posts() {
    let up = StartedServer::new();
    let (mut client, mut other) = (up.client(), up.client());
    let session = client.open("2025-11-25");
    let head = [("mcp-session-id", session.as_str())];
    let rows = [
        (json!({ "action": "accept", "content": { "name": "Ada" } }), "Hello, Ada!"),
        (json!({ "action": "decline" }), "No name given (decline)"),
        (json!({ "action": "cancel" }), "No name given (cancel)"),
    ];
    for (answer, expected) in rows {
        client.send_post(&head, &legacy_call(7, "ask_name", json!({})));
        let (status, headers) = client.read_head().unwrap();
        assert_eq!((status, headers["content-type"].as_str()), (200, "text/event-stream"));
        let asked = &read_events(&mut client, 1)[0];
        assert_eq!(asked["method"], "elicitation/create");
        assert_eq!(asked["params"]["message"], "What is your name?");
        let response = json!({ "jsonrpc": "2.0", "id": asked["id"], "result": answer });
        let reply = other.post(&head, &response);
        assert_eq!((reply.status, reply.body.len()), (202, 0));
        let done = read_events(&mut client, 1);
        assert_eq!((&done[0]["id"], text(&done[0])), (&json!(7), expected));
        assert_eq!(client.read_chunk(), None, "LH-25");
    }
    // Two at once, answered the other way round.
    client.send_post(&head, &legacy_call(8, "ask_two", json!({})));
    client.read_head().unwrap();
    let asked = read_events(&mut client, 2);
    for (asked, value) in [(&asked[1], "two"), (&asked[0], "one")] {
        let result = json!({ "action": "accept", "content": { "value": value } });
        let response = json!({ "jsonrpc": "2.0", "id": asked["id"], "result": result });
        assert_eq!(other.post(&head, &response).status, 202);
    }
    assert_eq!(text(&read_events(&mut client, 1)[0]), "one two");
}

/// The retry of a call, with its state and answers.
fn retry(id: u64, name: &str, arguments: Value, state: &Value, responses: Value) -> Value {
    let mut message = call(id, name, arguments);
    message["params"]["requestState"] = state.clone();
    message["params"]["inputResponses"] = responses;
    message
}

fn asked(reply: &Reply) -> (Value, Vec<String>) {
    let result = &reply.json()["result"];
    assert_eq!((reply.status, &result["resultType"]), (200, &json!("input_required")), "{reply:?}");
    let keys = result["inputRequests"].as_object().unwrap().keys().cloned().collect();
    (result["requestState"].clone(), keys)
}

#[test]
fn modern_questions_end_the_call_and_are_answered_by_a_retry() {
    let up = StartedServer::new();
    let mut client = up.client();
    let (state, keys) = asked(&client.modern(&call(1, "ask_name", json!({ "title": "Dr. " }))));
    let accept = json!({ keys[0].as_str(): { "action": "accept", "content": { "name": "Ada" } } });
    // Any connection will do.
    let mut client = up.client();
    let done = client.modern(&retry(2, "ask_name", json!({ "title": "Dr. " }), &state, accept.clone()));
    assert_eq!(text(&done.json()), "Hello, Dr. Ada!");
    let decline = json!({ keys[0].as_str(): { "action": "decline" } });
    let done = client.modern(&retry(3, "ask_name", json!({ "title": "Dr. " }), &state, decline));
    assert_eq!(text(&done.json()), "No name given (decline)");
    // AMB-8: the state belongs to this call and was not touched.
    let mut refused = |message: &Value| {
        let reply = client.modern(message);
        assert_eq!((reply.status, &reply.json()["error"]["code"]), (200, &json!(-32602)), "AMB-8: {reply:?}");
    };
    let mut tampered = state.as_str().unwrap().to_owned();
    let middle = tampered.len() / 2;
    let other = if &tampered[middle..=middle] == "A" { "B" } else { "A" };
    tampered.replace_range(middle..=middle, other);
    refused(&retry(4, "ask_name", json!({ "title": "Dr. " }), &json!(tampered), accept.clone()));
    refused(&retry(5, "ask_name", json!({ "title": "Lady " }), &state, accept.clone()));
    refused(&retry(6, "ask_two", json!({ "title": "Dr. " }), &state, accept.clone()));
    refused(&retry(7, "ask_name", json!({ "title": "Dr. " }), &json!("nonsense"), accept.clone()));
    refused(&retry(8, "ask_name", json!({ "title": "Dr. " }), &json!(17), accept));
}

#[test]
fn modern_questions_to_a_client_without_forms() {
    // VER-7.
    let up = StartedServer::new();
    let mut message = call(1, "ask_name", json!({}));
    message["params"]["_meta"]["io.modelcontextprotocol/clientCapabilities"] = json!({});
    let reply = up.client().modern(&message);
    let error = &reply.json()["error"];
    assert_eq!((reply.status, &error["code"]), (400, &json!(-32021)));
    assert!(error["data"]["requiredCapabilities"]["elicitation"].is_object());
}

#[test]
fn modern_questions_asked_at_once_go_out_together() {
    let up = StartedServer::new();
    let mut client = up.client();
    let (state, mut keys) = asked(&client.modern(&call(1, "ask_two", json!({}))));
    keys.sort();
    assert_eq!(keys, ["first", "second"]);
    let answer = |value: &str| json!({ "action": "accept", "content": { "value": value } });
    let both = json!({ "second": answer("two"), "first": answer("one") });
    let done = client.modern(&retry(2, "ask_two", json!({}), &state, both));
    assert_eq!(text(&done.json()), "one two");
}

#[test]
fn a_disconnect_cancels_in_the_modern_era() {
    let up = StartedServer::new();
    // MH-51: no byte of the response has been sent.
    let mut client = up.client();
    client.send_modern(&call(1, "gate", json!({})));
    assert_eq!(up.next(), "started");
    drop(client);
    assert_eq!(up.next(), "dropped");
    // MH-50: the stream is open.
    let mut client = up.client();
    let mut message = call(1, "gate", json!({ "report": true }));
    message["params"]["_meta"]["progressToken"] = json!(1);
    client.send_modern(&message);
    assert_eq!(up.next(), "started");
    assert_eq!(client.read_head().unwrap().1["content-type"], "text/event-stream");
    read_events(&mut client, 1);
    drop(client);
    assert_eq!(up.next(), "dropped");
}

#[test]
fn a_disconnect_does_not_cancel_in_the_legacy_era() {
    let up = StartedServer::new();
    let session = up.client().open("2025-11-25");
    let head = [("mcp-session-id", session.as_str())];
    for (id, report) in [(1, false), (2, true)] {
        let mut client = up.client();
        client.send_post(&head, &legacy_call(id, "gate", json!({ "report": report })));
        assert_eq!(up.next(), "started");
        drop(client);
        // The server notices the end of that connection no later than it serves this one.
        assert_eq!(up.client().post(&head, &request(9, "ping", json!({}))).status, 200);
        up.gate.add_permits(1);
        assert_eq!(up.next(), "finished", "MH-52");
    }
    // What cancels is the message.
    let mut client = up.client();
    client.send_post(&head, &legacy_call(3, "gate", json!({})));
    assert_eq!(up.next(), "started");
    let cancel = notification("notifications/cancelled", json!({ "requestId": 3 }));
    assert_eq!(up.client().post(&head, &cancel).status, 202);
    assert_eq!(up.next(), "dropped");
    let reply = client.reply();
    assert_eq!((reply.status, reply.body.len()), (200, 0));
}

#[test]
fn the_listening_stream_is_open_until_the_session_ends() {
    let up = StartedServer::new();
    let mut client = up.client();
    let session = client.open("2025-03-26");
    let head = [("mcp-session-id", session.as_str()), ("accept", "text/event-stream")];
    let mut listener = up.client();
    listener.send("GET", &head, b"");
    let (status, headers) = listener.read_head().unwrap();
    assert_eq!((status, headers["content-type"].as_str()), (200, "text/event-stream"), "LH-18");
    client.send("DELETE", &head, b"");
    assert_eq!(client.reply().status, 204);
    assert_eq!(listener.read_chunk(), None);
    client.send("GET", &head, b"");
    assert_eq!(client.reply().status, 404, "LH-8");
}
