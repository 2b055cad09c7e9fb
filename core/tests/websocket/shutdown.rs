//! Clients that disconnect, and the shutdown of the server.

use crate::client::{Client, Raw, frame};
use crate::server::{call, enveloped, limits, modern, request, text};
use crate::up;
use serde_json::{Value, json};
use std::time::Duration;
use tenon_mcp::Limits;

/// WS-8: when a connection ends, all calls and streams of its client end, in either era.
#[test]
fn the_end_of_a_connection_cancels_its_calls() {
    let (up, url) = up(Limits::default());
    for legacy in [false, true] {
        for graceful in [false, true] {
            let mut client = Client::new(&url);
            if legacy {
                client.open("2025-11-25");
                client.send(&call(1, "gate", json!({})));
            } else {
                client.send(&modern(1, "gate", json!({})));
            }
            assert_eq!(up.next(), "started");
            if graceful {
                client.0.close(None).unwrap();
                assert_eq!(client.closed_by_peer(), 1000);
            } else {
                drop(client);
            }
            assert_eq!(up.next(), "dropped", "legacy: {legacy}, graceful: {graceful}");
        }
    }
}

impl Client {
    /// The code with which the server answers the client's close frame. It is 1000 if the server's frame has no code.
    fn closed_by_peer(&mut self) -> u16 {
        let mut code = 1000;
        while let Ok(message) = self.0.read() {
            if let tungstenite::Message::Close(Some(frame)) = message {
                code = frame.code.into();
            }
        }
        code
    }
}

/// WS-3: at shutdown, calls may finish, new ones are refused, and the close code is 1001.
#[test]
fn the_end_of_the_server_lets_calls_finish() {
    let (up, url) = up(Limits::default());
    let mut idle = Client::new(&url);
    idle.open("2025-11-25");
    let mut busy = Client::new(&url);
    busy.send(&modern(1, "gate", json!({})));
    assert_eq!(up.next(), "started");
    assert!(up.running.close());
    assert_eq!(idle.closed(), 1001);
    let late = busy.ask(&modern(2, "add", json!({ "a": 1, "b": 2 })));
    assert!(late["error"].is_object(), "{late}");
    up.gate.add_permits(1);
    assert_eq!(text(&busy.next()), "through the gate");
    assert_eq!(busy.closed(), 1001);
    up.close();
}

/// A call that takes too long is answered with an error before the close frame.
#[test]
fn calls_that_do_not_finish_in_time_are_answered() {
    let (up, url) = up(limits(|limits| limits.drain_timeout = Duration::from_millis(50)));
    let mut client = Client::new(&url);
    client.send(&modern(1, "gate", json!({})));
    assert_eq!(up.next(), "started");
    up.running.close();
    let cut = client.next();
    assert!(cut["id"] == 1 && cut["error"].is_object(), "{cut}");
    assert_eq!(client.closed(), 1001);
    assert_eq!(up.next(), "dropped");
    up.close();
}

/// A client that answers nothing does not delay the shutdown.
#[test]
fn a_client_that_says_nothing_does_not_keep_the_server() {
    let (up, url) = up(Limits::default());
    let mut raw = Raw::open(&url);
    up.close();
    assert_eq!(raw.frame(), Some((0x88, vec![0x03, 0xE9])));
    assert_eq!(raw.frame(), None);
}

/// An incomplete message has no effect.
#[test]
fn a_connection_that_breaks_off_leaves_nothing() {
    let (up, url) = up(Limits::default());
    let mut raw = Raw::open(&url);
    let message = frame(0x81, modern(1, "gate", json!({})).to_string().as_bytes());
    raw.send(&message[..message.len() - 1]);
    drop(raw);
    let mut client = Client::new(&url);
    client.send(&modern(1, "gate", json!({})));
    up.gate.add_permits(1);
    assert_eq!(text(&client.next()), "through the gate");
    assert_eq!((up.next(), up.next()), ("started", "finished"));
}

/// WS-9, SU-8, AMB-1: two listen streams share the connection, and differ by their ids. At shutdown each stream gets
/// its result, and then a cancellation, before the close frame. The end of the connection ends both streams.
#[test]
fn listen_streams_share_the_connection() {
    let (up, url) = up(Limits::default());
    let listen = |id: u64, list: &str| {
        enveloped(request(id, "subscriptions/listen", json!({ "notifications": { list: true } })))
    };
    let of = |message: &Value| message["params"]["_meta"]["io.modelcontextprotocol/subscriptionId"].clone();
    let gone = {
        let mut client = Client::new(&url);
        client.ask(&listen(1, "toolsListChanged"))
    };
    assert_eq!(gone["method"], "notifications/subscriptions/acknowledged");
    let mut client = Client::new(&url);
    for (id, list) in [(1, "toolsListChanged"), (2, "promptsListChanged"), (3, "toolsListChanged")] {
        let told = client.ask(&listen(id, list));
        assert_eq!(
            (told["method"].as_str(), of(&told)),
            (Some("notifications/subscriptions/acknowledged"), id.into())
        );
    }
    assert!(up.server.remove(tenon_mcp::Kind::Tool, "blow").is_some());
    let mut told = [client.next(), client.next()];
    told.sort_by_key(|message| of(message).as_u64());
    for (message, id) in told.iter().zip([1, 3]) {
        assert_eq!(
            (message["method"].as_str(), of(message)),
            (Some("notifications/tools/list_changed"), id.into())
        );
    }
    up.running.close();
    let mut ends: Vec<Value> = (0..6).map(|_| client.next()).collect();
    for id in [1, 2, 3] {
        let place = ends.iter().position(|end| end["id"] == id).expect("a result");
        assert_eq!(ends[place]["result"]["resultType"], "complete", "{}", ends[place]);
        let cancelled = ends.iter().position(|end| end["params"]["requestId"] == id).expect("a notification");
        assert!(place < cancelled && ends[cancelled]["method"] == "notifications/cancelled");
        ends[place] = Value::Null;
    }
    assert_eq!(client.closed(), 1001);
    up.close();
}
