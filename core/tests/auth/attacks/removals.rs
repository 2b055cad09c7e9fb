//! Attempts to outlive a static key that the operator removes by a reload of the settings file.

use super::transports::{ask, events, post, socket};
use crate::helpers::door::*;
use crate::helpers::reloading::{Reloading, keys};
use crate::support::client::Client;
use crate::support::server::call;
use crate::{initialize, request};
use serde_json::json;
use tenon_mcp::Kind;
use tungstenite::Message;

/// Ann has two keys, of which [`ANN`] is removed.
const ALL: [(&str, &str); 3] = [("ann", ANN), ("ann", ANN_READS), ("bob", BOB)];

/// A server with [`ALL`] keys and two resources.
fn up() -> Reloading {
    let up = Reloading::new(&keys(&ALL), &[]);
    for uri in ["a://x", "a://y"] {
        up.served.server.add(entry(Kind::Resource, uri, &json!({})), LANE).unwrap();
    }
    up
}

/// Opens a GET stream in a session, and returns the client or the status of the refusal.
fn listen(up: &Reloading, token: &str, session: &str, more: &[(&str, &str)]) -> Result<Client, u16> {
    let (name, value) = bearer(token);
    let mut headers =
        vec![(name, value.as_str()), ("mcp-session-id", session), ("accept", "text/event-stream")];
    headers.extend(more);
    let mut client = up.served.client();
    client.send("GET", &headers, b"");
    match client.read_head().unwrap().0 {
        200 => Ok(client),
        status => Err(status),
    }
}

fn subscribe(up: &Reloading, token: &str, session: &str, uri: &str) {
    let message = request(7, "resources/subscribe", json!({ "uri": uri }));
    assert_eq!(up.in_session(token, session, &message).json()["result"], json!({}));
}

/// The next chunk of a stream that has data.
fn next(stream: &mut Client) -> String {
    String::from_utf8(stream.read_chunk().expect("the stream is open")).unwrap()
}

/// The id of an event.
fn id(event: &str) -> String {
    event.lines().find_map(|line| line.strip_prefix("id: ")).expect("an id").to_owned()
}

#[test]
fn a_get_stream_of_a_removed_key() {
    let up = up();
    let [(mut gone, first), (mut same, _), (mut other, _)] = ALL.map(|(_, key)| {
        let session = up.session(key);
        subscribe(&up, key, &session, "a://x");
        (listen(&up, key, &session, &[]).unwrap(), session)
    });
    let last = id(&next(&mut gone));
    up.remove_ann(&ALL);
    assert_eq!(gone.read_chunk(), None, "it has ended");
    let resume = |key| listen(&up, key, &first, &[("last-event-id", &last)]).map(drop);
    assert_eq!((resume(ANN), listen(&up, ANN, &first, &[]).map(drop)), (Err(401), Err(401)));
    // The session belongs to Ann, who has another key.
    assert_eq!(resume(ANN_READS), Ok(()));
    up.served.server.resource_updated("a://x");
    for stream in [&mut same, &mut other] {
        next(stream);
        let event = next(stream);
        assert!(event.contains("notifications/resources/updated"), "{event}");
    }
}

#[test]
fn a_resumed_stream_of_a_removed_key() {
    let up = up();
    let session = up.session(ANN);
    let mut stream = listen(&up, ANN_READS, &session, &[]).unwrap();
    let last = id(&next(&mut stream));
    let mut resumed = listen(&up, ANN, &session, &[("last-event-id", &last)]).unwrap();
    assert_eq!(next(&mut resumed), "retry: 1000\n\n");
    up.remove_ann(&ALL);
    assert_eq!(resumed.read_chunk(), None, "it has ended");
    assert_eq!(listen(&up, ANN, &session, &[("last-event-id", &last)]).map(drop), Err(401));
}

/// The stream belongs to a key that stays, and one of its subscriptions to the removed key. The other subscription was
/// renewed with the key that stays.
#[test]
fn a_subscription_of_a_removed_key() {
    let up = up();
    let session = up.session(ANN_READS);
    ["a://x", "a://y"].iter().for_each(|uri| subscribe(&up, ANN, &session, uri));
    subscribe(&up, ANN_READS, &session, "a://y");
    let mut stream = listen(&up, ANN_READS, &session, &[]).unwrap();
    let first = id(&next(&mut stream));
    let mut updated = || {
        ["a://x", "a://y"].iter().for_each(|uri| up.served.server.resource_updated(uri));
        let mut all = Vec::new();
        while !all.iter().any(|event: &String| event.contains("a://y")) {
            all.push(next(&mut stream));
        }
        all.iter().filter(|event| event.contains("a://x")).count()
    };
    assert_eq!(updated(), 1, "the update that was sent first arrives first");
    up.remove_ann(&ALL);
    assert_eq!((updated(), updated()), (0, 0));
    drop(stream);
    // What was recorded for the stream meanwhile has no update either.
    assert_eq!(listen(&up, ANN, &session, &[("last-event-id", &first)]).map(drop), Err(401));
    let mut again = listen(&up, ANN_READS, &session, &[("last-event-id", &first)]).unwrap();
    let mut all = String::new();
    while all.matches("a://y").count() < 3 {
        all.push_str(&next(&mut again));
    }
    assert_eq!(all.matches("a://x").count(), 1, "{all}");
}

#[test]
fn a_websocket_of_a_removed_key() {
    let up = up();
    let mut sockets = ALL.map(|(_, key)| socket(&up.served, key));
    for socket in &mut sockets {
        assert!(ask(socket, &call(1, "work", json!({})))["result"].is_object());
    }
    up.remove_ann(&ALL);
    let [gone, stay @ ..] = &mut sockets;
    match gone.read().unwrap() {
        Message::Close(frame) => assert_eq!(u16::from(frame.unwrap().code), 1008),
        other => panic!("{other}"),
    }
    for socket in stay {
        assert!(ask(socket, &call(2, "work", json!({})))["result"].is_object());
    }
}

#[test]
fn an_event_stream_of_a_removed_key() {
    let up = up();
    let [(mut gone, address), others @ ..] = ALL.map(|(_, key)| events(&up.served, key));
    up.remove_ann(&ALL);
    assert_eq!(gone.read_chunk(), None, "it has ended");
    let message = initialize("2024-11-05");
    assert_eq!(post(&up.served, &address, Some(ANN), &message), 401);
    assert_eq!(post(&up.served, &address, Some(ANN_READS), &message), 404, "its session has ended");
    for ((mut stream, address), key) in others.into_iter().zip([ANN_READS, BOB]) {
        assert_eq!(post(&up.served, &address, Some(key), &message), 202);
        assert!(next(&mut stream).contains("protocolVersion"));
    }
}
