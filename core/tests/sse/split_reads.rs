//! The responses are the same for each division of a POST into reads.

use crate::client::{Client, JSON, connect, parts};
use crate::server::{StartedServer, call, initialize, limits};
use proptest::prelude::*;
use serde_json::{Value, json};
use std::io::{Read, Write};
use std::sync::{LazyLock, Mutex};

/// The server for all cases, and the URL of its streams.
static UP: LazyLock<(Mutex<StartedServer>, String)> = LazyLock::new(|| {
    let (up, url) = crate::up(limits(|limits| limits.max_message_bytes = 400));
    (Mutex::new(up), url)
});

fn request(path: &str, body: &str, chunked: bool) -> Vec<u8> {
    let head = format!("POST {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n{JSON}");
    if !chunked {
        return format!("{head}content-length: {}\r\n\r\n{body}", body.len()).into_bytes();
    }
    let (first, second) = body.split_at(body.len() / 2);
    let chunk =
        |part: &str| if part.is_empty() { String::new() } else { format!("{:x}\r\n{part}\r\n", part.len()) };
    format!("{head}transfer-encoding: chunked\r\n\r\n{}{}0\r\n\r\n", chunk(first), chunk(second)).into_bytes()
}

/// The response of a session to a body that arrives in parts, and the messages on its stream.
fn said(body: &str, chunked: bool, cuts: impl FnOnce(usize) -> Vec<usize>) -> (String, Vec<Value>) {
    let url = &UP.1;
    let mut client = Client::new(url);
    client.open("2025-03-26");
    let request = request(&client.messages, body, chunked);
    let mut places = cuts(request.len());
    places.extend([0, request.len()]);
    places.sort_unstable();
    let mut stream = connect(&parts(url).0);
    stream.set_nodelay(true).unwrap();
    for ends in places.windows(2) {
        stream.write_all(&request[ends[0]..ends[1]]).unwrap();
    }
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let answer: Vec<&str> = answer.lines().filter(|line| !line.starts_with("date:")).collect();
    let mut events = vec![client.ask(&json!({ "jsonrpc": "2.0", "id": "last", "method": "ping" }))];
    while events.last().unwrap()["id"] != "last" {
        events.push(client.next());
    }
    (answer.join("\n"), events)
}

/// Messages that the engine answers itself, so that the answers are on the stream before the next ones.
fn body() -> impl Strategy<Value = String> {
    let ping = |id: u64| json!({ "jsonrpc": "2.0", "id": id, "method": "ping" });
    prop_oneof![
        (0..9u64).prop_map(move |id| ping(id).to_string()),
        Just(json!({ "jsonrpc": "2.0", "id": "t", "method": "tools/list" }).to_string()),
        Just(call(7, "nope é", json!({})).to_string()),
        Just(initialize("2025-03-26").to_string()),
        Just(json!({ "jsonrpc": "2.0", "method": "notifications/initialized" }).to_string()),
        Just(json!([ping(1), { "jsonrpc": "1.0", "id": 3 }, ping(2)]).to_string()),
        Just(format!("[{}]", "1,".repeat(300))),
        Just("{\"half".to_owned()),
        Just(String::new()),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_message_in_any_parts_comes_to_the_same(
        body in body(), chunked: bool, places in prop::collection::vec(any::<prop::sample::Index>(), 0..20)
    ) {
        let parts = |length| places.iter().map(|place| place.index(length + 1)).collect();
        prop_assert_eq!(said(&body, chunked, parts), said(&body, chunked, |_| Vec::new()));
    }
}

#[test]
fn a_message_comes_byte_by_byte() {
    let body = json!([{ "jsonrpc": "2.0", "id": 1, "method": "ping" }]).to_string();
    let (answer, events) = said(&body, true, |length| (0..length).collect());
    assert!(answer.starts_with("HTTP/1.1 202 "), "{answer}");
    assert_eq!(events[0], json!([{ "jsonrpc": "2.0", "id": 1, "result": {} }]));
    assert_eq!(events.len(), 2);
}
