//! Clients that connect too often.

use crate::support::client::Client;
use crate::{TestEnvironment, envelope, request};
use serde_json::json;
use std::io::{ErrorKind, Read};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tenon_mcp::{HttpOptions, Limits, Running, ServeOptions, Server, SseOptions};

/// How many connections of one address are served in a minute.
const MOST: usize = 3;

struct Up {
    running: Running,
    /// The addresses of two listeners.
    addresses: [SocketAddr; 2],
    /// The time in which connections are counted.
    clock: Arc<TestEnvironment>,
}

impl Up {
    fn new() -> Up {
        let (clock, mut limits) = (TestEnvironment::new(), Limits::default());
        limits.max_address_connects = MOST;
        // A connection that is served stays open for longer than a client of a test reads.
        limits.header_timeout = Duration::from_secs(600);
        let server = Server::builder("up", "1").limits(limits).environment(clock.clone()).build().unwrap();
        let options = ServeOptions::new()
            .http(HttpOptions::new("127.0.0.1:0").unwrap())
            .sse(SseOptions::new("127.0.0.1:0").unwrap());
        let running = server.start(options).unwrap();
        let of_sse = running.sse_url().unwrap();
        let of_sse = of_sse.trim_start_matches("http://").split('/').next().unwrap().parse().unwrap();
        let addresses = [running.http_address().unwrap(), of_sse];
        assert_ne!(addresses[0], addresses[1]);
        Up { running, addresses, clock }
    }

    fn client(&self) -> Client {
        Client::new(self.addresses[0])
    }
}

impl Drop for Up {
    fn drop(&mut self) {
        self.running.close();
        self.running.wait_for(Duration::from_secs(30));
    }
}

fn works(client: &mut Client) -> bool {
    client.modern(&request(1, "tools/list", envelope(json!({})))).status == 200
}

/// Waits for the end of a connection on which the client sends nothing. The server sends nothing either.
fn is_closed_at_once(mut client: Client) -> bool {
    match client.stream.read(&mut [0]) {
        Ok(count) => count == 0,
        Err(error) => error.kind() == ErrorKind::ConnectionReset,
    }
}

#[test]
fn one_more_connection_in_a_minute_is_closed_at_once() {
    let up = Up::new();
    let mut first = up.client();
    assert!(works(&mut first));
    // Connections that have ended count, too.
    up.clock.advance(Duration::from_secs(30));
    assert!((1..MOST).all(|_| works(&mut up.client())));
    for address in up.addresses {
        assert!((0..3).all(|_| is_closed_at_once(Client::new(address))), "{address}");
    }
    assert!(works(&mut first), "the connections that were accepted continue");
    assert!(works(&mut Client::from([127, 0, 0, 2], up.addresses[0])), "another address");
    // The minute begins with the first connection, and attempts do not prolong it.
    up.clock.advance(Duration::from_millis(29_999));
    assert!(is_closed_at_once(up.client()));
    up.clock.advance(Duration::from_millis(1));
    assert!((0..MOST).all(|_| works(&mut up.client())));
    assert!(is_closed_at_once(up.client()));
}

/// The listeners of a server count together.
#[test]
fn connections_to_all_listeners_count() {
    let up = Up::new();
    let mut events = Client::new(up.addresses[1]);
    events.path = "/sse".to_owned();
    events.send("GET", &[("accept", "text/event-stream")], b"");
    assert_eq!(events.read_head().unwrap().0, 200);
    assert!((1..MOST).all(|_| works(&mut up.client())));
    assert!(is_closed_at_once(up.client()));
}
