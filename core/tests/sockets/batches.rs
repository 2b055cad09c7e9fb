//! Batches of 2025-03-26 over sockets, streams and pipes.

use crate::client::{Client, Stream, TestServer, call, close, initialize, ping, text};
use serde_json::{Value, json};
use std::net::{TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use tenon_mcp::ServeOptions;

fn ids(answers: &Value) -> Vec<u64> {
    answers.as_array().expect("an array").iter().map(|answer| answer["id"].as_u64().unwrap()).collect()
}

fn legacy(id: u64, tool: &str) -> Value {
    json!({ "jsonrpc": "2.0", "id": id, "method": "tools/call", "params": { "name": tool, "arguments": { "text": "t" } } })
}

/// Checks that a batch gets one error, and that no member runs (BAT-8, BAT-9).
fn is_refused<S: Stream>(client: &mut Client<S>) {
    client.send(&json!([ping(1), ping(2)]));
    client.send(&ping(3));
    let refused = client.receive().unwrap();
    assert!(refused["error"]["code"] == -32600 && refused["id"].is_null(), "{refused}");
    assert_eq!(client.receive().unwrap()["id"], 3);
}

fn all<S: Stream>(served: &TestServer, mut connect: impl FnMut() -> Client<S>) {
    let mut client = connect();
    // BAT-10: nothing is negotiated yet.
    is_refused(&mut client);
    // BAT-3.
    client.send(&json!([initialize("2025-03-26")]));
    assert_eq!(client.receive().unwrap()["error"]["code"], -32600);
    client.initialize("2025-03-26");
    // BAT-2, BAT-7: one array, once the last answer is known; what has no answer has no place.
    let note = json!({ "jsonrpc": "2.0", "method": "notifications/x" });
    client.send(&json!([ping(1), note, legacy(2, "gate"), legacy(3, "echo"), 7]));
    // Others are answered meanwhile.
    client.send(&ping(9));
    assert_eq!(client.receive().unwrap()["id"], 9);
    served.gate.add_permits(1);
    let answers = client.receive().unwrap();
    assert_eq!(ids(&json!(answers.as_array().unwrap()[..3])), [1, 2, 3]);
    assert_eq!((text(&answers[1]), text(&answers[2])), ("through", "t"));
    assert_eq!((answers.as_array().unwrap().len(), &answers[3]["error"]["code"]), (4, &json!(-32600)));
    // BAT-7: bad members are answered, whatever they were meant to be.
    client.send(&json!([{ "foo": "boo" }, note, { "jsonrpc": "2.0", "id": 1, "result": {}, "error": {} }]));
    let answers = client.receive().unwrap();
    let bad = |answer: &Value| answer["error"]["code"] == -32600 && answer.get("id") == Some(&Value::Null);
    assert!(answers.as_array().unwrap().iter().filter(|answer| bad(answer)).count() == 2, "{answers}");
    // Nothing to answer, nothing is said (BAT-5); an empty array is an error.
    client.send(&json!([note]));
    client.send(&json!([]));
    assert_eq!(client.receive().unwrap()["error"]["code"], -32600);
    // BAT-3 within others, and a modern member has no session to be in.
    client.send(&json!([initialize("2025-03-26"), ping(4), call(5, "echo", json!({ "text": "x" }))]));
    let answers = client.receive().unwrap();
    let codes: Vec<_> =
        answers.as_array().unwrap().iter().map(|answer| answer["error"]["code"].as_i64()).collect();
    assert_eq!(codes, [Some(-32600), None, Some(-32600)]);
    for revision in ["2024-11-05", "2025-06-18", "2025-11-25"] {
        let mut client = connect();
        client.initialize(revision);
        is_refused(&mut client);
    }
    // A modern client has no session to negotiate it in.
    let mut client = connect();
    assert!(client.is_served());
    is_refused(&mut client);
}

#[test]
fn over_a_unix_socket() {
    let served = TestServer::new();
    let running = served.up();
    all(&served, || served.client());
    close(&running);
}

#[test]
fn over_given_sockets() {
    let served = TestServer::new();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let (kept, socket) = UnixStream::pair().unwrap();
    let running = served.start(ServeOptions::new().socket(listener).socket(socket));
    all(&served, || Client::on(TcpStream::connect(address).unwrap()));
    let mut one = Client::on(kept);
    is_refused(&mut one);
    one.initialize("2025-03-26");
    one.send(&json!([ping(1), ping(2)]));
    assert_eq!(ids(&one.receive().unwrap()), [1, 2]);
    drop(one);
    close(&running);
}
