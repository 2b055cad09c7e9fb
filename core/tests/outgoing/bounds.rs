//! The bounds of a client, and how requests are cancelled.

use crate::support::network::TestNetwork;
use crate::support::peer::{Event, Peer, ok};
use crate::support::{body, client, get, options, says, send, wait};
use std::io;
use std::net::SocketAddr;
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tenon_mcp::__private::{HttpClient, HttpClientError, HttpClientOptions, Network, Phase};

/// A server that answers each connection's requests when the sender says so.
fn held_peer() -> (Peer, Sender<()>) {
    let (go, held) = channel();
    let held = Mutex::new(held);
    let peer = Peer::start(move |connection| {
        while connection.request().is_some() {
            let _ = held.lock().unwrap().recv();
            connection.say(ok("a"));
        }
    });
    (peer, go)
}

#[test]
fn requests_beyond_the_bound_wait_and_further_ones_are_refused() {
    let (peer, go) = held_peer();
    let options = HttpClientOptions { max_in_flight: 2, max_waiting: 1, ..options(TestNetwork::default()) };
    let client = HttpClient::new(options);
    let first = client.send(get(&peer.url("/1")));
    let second = client.send(get(&peer.url("/2")));
    peer.request();
    peer.request();
    let third = client.send(get(&peer.url("/3")));
    let busy = send(&client, get(&peer.url("/4"))).unwrap_err();
    assert!(matches!(busy, HttpClientError::Busy { in_flight: 2, waiting: 1, .. }));
    says(&busy, &["2 outgoing requests are in flight and 1 wait", "retry later"]);
    assert_eq!(peer.events(), [], "the third request waits");
    go.send(()).unwrap();
    assert!(peer.request().starts_with("GET /3 "));
    go.send(()).unwrap();
    go.send(()).unwrap();
    for sending in [first, second, third] {
        assert_eq!(wait(sending).unwrap().body, "a");
    }
    go.send(()).unwrap();
    assert_eq!(body(&client, &peer.url("/5")), "a");
}

#[test]
fn a_request_that_waits_times_out() {
    let (peer, _go) = held_peer();
    let client = HttpClient::new(HttpClientOptions { max_in_flight: 1, ..options(TestNetwork::default()) });
    let _first = client.send(get(&peer.url("/1")));
    peer.request();
    let mut second = get(&peer.url("/2"));
    second.timeout = Duration::from_millis(30);
    let failed = send(&client, second).unwrap_err();
    assert!(matches!(failed, HttpClientError::Timeout { phase: Phase::Waiting, .. }), "{failed}");
    says(&failed, &["timed out after 0.03 s while waiting for requests in flight"]);
}

#[test]
fn dropping_the_future_cancels_the_request() {
    let (peer, go) = held_peer();
    let client = HttpClient::new(HttpClientOptions { max_in_flight: 1, ..options(TestNetwork::default()) });
    for _ in 0..20 {
        let sending = client.send(get(&peer.url("/")));
        peer.request();
        drop(sending);
        go.send(()).unwrap();
        peer.closed();
    }
    // A request that is dropped while it waits is never sent.
    let first = client.send(get(&peer.url("/first")));
    peer.request();
    drop(client.send(get(&peer.url("/dropped"))));
    let last = client.send(get(&peer.url("/last")));
    go.send(()).unwrap();
    go.send(()).unwrap();
    assert_eq!(wait(first).unwrap().body, "a");
    assert_eq!(wait(last).unwrap().body, "a");
    let requests = peer.events();
    let requests = requests.iter().filter(|event| matches!(event, Event::Request(_)));
    assert_eq!(requests.count(), 1);
}

#[test]
fn dropping_a_future_within_a_body_ends_the_connection() {
    let peer = Peer::start(|connection| {
        connection.request();
        connection.say("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf");
        connection.closed();
    });
    let client = client(TestNetwork::default());
    let sending = client.send(get(&peer.url("/")));
    peer.request();
    drop(sending);
    peer.closed();
}

#[test]
fn dropping_the_client_ends_its_requests() {
    let (peer, _go) = held_peer();
    let client = client(TestNetwork::default());
    let sending = client.send(get(&peer.url("/")));
    peer.request();
    drop(client);
    says(&wait(sending).unwrap_err(), &["the HTTP client cannot request", "it was closed"]);
}

/// A name server that does not answer.
struct Silent(Mutex<Option<std::sync::mpsc::Receiver<()>>>);

impl Network for Silent {
    fn resolve(&self, _: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
        let held = self.0.lock().unwrap().take();
        if let Some(held) = held {
            let _ = held.recv();
        }
        Ok(vec![SocketAddr::from(([127, 0, 0, 1], port))])
    }

    fn variable(&self, _: &str) -> Option<String> {
        None
    }
}

#[test]
fn a_lookup_that_hangs_blocks_no_other_request_and_no_end() {
    let peer = Peer::start(|connection| connection.answer_all(&ok("a")));
    let (_never, held) = channel();
    let options = HttpClientOptions {
        network: Arc::new(Silent(Mutex::new(Some(held)))),
        connect_timeout: Duration::from_millis(500),
        ..HttpClientOptions::default()
    };
    let client = HttpClient::new(options);
    let failed = send(&client, get("http://hangs.example/")).unwrap_err();
    assert!(matches!(failed, HttpClientError::Timeout { phase: Phase::Resolve, .. }), "{failed}");
    assert_eq!(body(&client, &format!("http://works.example:{}/", peer.address.port())), "a");
    let before = Instant::now();
    drop(client);
    assert!(before.elapsed() < Duration::from_secs(5));
}

/// Panics where the engine does not expect it.
struct Panics;

impl Network for Panics {
    fn resolve(&self, _: &str, _: u16) -> io::Result<Vec<SocketAddr>> {
        panic!("in the lookup");
    }

    fn route(&self, _: SocketAddr) -> SocketAddr {
        panic!("in the task");
    }

    fn variable(&self, _: &str) -> Option<String> {
        None
    }
}

#[test]
fn a_panic_ends_one_request() {
    let client = client(Panics);
    for _ in 0..3 {
        let failed = send(&client, get("http://a.example/")).unwrap_err();
        says(&failed, &["the lookup of a.example failed", "panicked"]);
        let failed = send(&client, get("http://127.0.0.1:9/")).unwrap_err();
        says(&failed, &["this is a bug of the engine, please report it", "panicked"]);
    }
}
