//! Event streams, and the state of their connections afterwards.

use crate::support::client::{Client, Reply};
use crate::support::server::{StartedServer, call};
use crate::{envelope, events, request, text};
use serde_json::{Value, json};
use std::collections::HashMap;
use std::io::Read;

fn list() -> Value {
    request(1, "tools/list", envelope(json!({})))
}

/// A call that reports progress before it waits.
fn gate(id: u64) -> Value {
    let mut message = call(id, "gate", json!({ "report": true }));
    message["params"]["_meta"]["progressToken"] = json!(id);
    message
}

/// The text of a modern request with additional headers.
fn modern(client: &Client, version: &str, message: &Value, more: &[(&str, &str)]) -> String {
    let mut headers = vec![
        ("content-type", "application/json"),
        ("accept", "application/json, text/event-stream"),
        ("mcp-protocol-version", "2026-07-28"),
        ("mcp-method", message["method"].as_str().unwrap()),
    ];
    headers.extend(message["params"]["name"].as_str().map(|name| ("mcp-name", name)));
    headers.extend(more);
    let body = message.to_string();
    client.head("POST", &headers, Some(body.len())).replace("HTTP/1.1", version) + &body
}

/// The messages of a stream until its end.
fn rest(client: &mut Client) -> Vec<Value> {
    let mut body = Vec::new();
    while let Some(chunk) = client.read_chunk() {
        body.extend(chunk);
    }
    events(&body)
}

fn is_through(event: &Value) -> bool {
    text(event) == "through the gate"
}

#[test]
fn a_connection_goes_on_after_its_streams() {
    for up in [StartedServer::new(), StartedServer::apart()] {
        let mut client = up.client();
        for round in 0..3 {
            // Requests that come before the answers: what was read ahead is not lost.
            let requests = [
                modern(&client, "HTTP/1.1", &gate(1), &[("connection", "keep-alive")]),
                modern(&client, "HTTP/1.1", &call(2, "add", json!({ "a": round, "b": 2 })), &[]),
                modern(&client, "HTTP/1.1", &gate(3), &[]),
                modern(&client, "HTTP/1.1", &list(), &[]),
            ];
            client.send_raw(requests.concat().as_bytes());
            for _ in 0..2 {
                assert_eq!(up.next(), "started");
                let (status, headers) = client.read_head().unwrap();
                assert_eq!((status, headers["content-type"].as_str()), (200, "text/event-stream"));
                assert!(!headers.contains_key("connection"), "{headers:?}");
                assert_eq!(events(&client.read_chunk().unwrap())[0]["method"], "notifications/progress");
                up.gate.add_permits(1);
                let ended = rest(&mut client);
                assert!(ended.len() == 1 && is_through(&ended[0]), "{ended:?}");
                assert_eq!(up.next(), "finished");
                let reply = client.reply();
                assert_eq!(reply.status, 200);
                if reply.json()["id"] == 2 {
                    assert_eq!(text(&reply.json()), (round + 2).to_string());
                }
            }
        }
        up.close();
        assert!(client.is_ended());
    }
}

#[test]
fn a_stream_looks_the_same_whether_its_connection_goes_on_or_not() {
    let up = StartedServer::apart();
    let head = |more: &[(&str, &str)]| -> (Client, HashMap<String, String>) {
        let mut client = up.client();
        let request = modern(&client, "HTTP/1.1", &gate(1), more);
        client.send_raw(request.as_bytes());
        assert_eq!(up.next(), "started");
        let (status, mut headers) = client.read_head().unwrap();
        assert_eq!(status, 200);
        let date = headers.remove("date").expect("a date");
        assert!(date.ends_with(" GMT") && date.len() == 29, "{date}");
        (client, headers)
    };
    let (mut stays, ours) = head(&[]);
    let (mut closes, mut theirs) = head(&[("connection", "close")]);
    assert_eq!(theirs.remove("connection").as_deref(), Some("close"));
    assert_eq!(ours, theirs);
    assert_eq!(ours["transfer-encoding"], "chunked");
    up.gate.add_permits(2);
    assert!(rest(&mut closes).last().is_some_and(is_through));
    assert!(closes.is_ended());
    assert!(rest(&mut stays).last().is_some_and(is_through));
    assert_eq!(stays.modern(&list()).status, 200);
}

#[test]
fn a_client_of_http_1_0_reads_its_stream_to_the_end_of_the_connection() {
    let up = StartedServer::apart();
    let mut client = up.client();
    let request = modern(&client, "HTTP/1.0", &gate(1), &[]);
    client.send_raw(request.as_bytes());
    assert_eq!(up.next(), "started");
    let (status, headers) = client.read_head().unwrap();
    assert_eq!((status, headers.get("transfer-encoding")), (200, None));
    up.gate.add_permits(1);
    let mut body = Vec::new();
    client.stream.read_to_end(&mut body).unwrap();
    assert!(events(&body).last().is_some_and(is_through));
}

#[test]
fn a_stream_of_many_events_comes_whole() {
    let up = StartedServer::apart();
    let mut client = up.client();
    let mut message = call(1, "count", json!({ "to": 5_000 }));
    message["params"]["_meta"]["progressToken"] = json!("x".repeat(500));
    let reply: Reply = client.modern(&message);
    let said = events(&reply.body);
    assert!(reply.is_stream() && text(said.last().unwrap()) == "counted to 5000");
    let steps = said[..said.len() - 1].iter().map(|event| event["params"]["progress"].as_f64().unwrap());
    assert!(steps.collect::<Vec<_>>().is_sorted());
    assert_eq!(client.modern(&list()).status, 200);
}

#[test]
fn connections_live_beside_each_other() {
    let up = StartedServer::apart();
    let mut waiting: Vec<_> = (0..8).map(|_| up.client()).collect();
    waiting.iter_mut().for_each(|client| client.send_modern(&call(1, "gate", json!({}))));
    waiting.iter().for_each(|_| assert_eq!(up.next(), "started"));
    for _ in 0..8 {
        assert_eq!(text(&up.client().modern(&call(2, "add", json!({ "a": 1, "b": 2 }))).json()), "3");
    }
    up.gate.add_permits(8);
    assert!(waiting.iter_mut().all(|client| is_through(&client.reply().json())));
}
