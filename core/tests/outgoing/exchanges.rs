//! Requests, responses and the reuse of connections.

use crate::support::network::TestNetwork;
use crate::support::peer::{Event, Peer, ok};
use crate::support::{body, client, error, get, options, request, says, send, wait};
use std::thread;
use std::time::Duration;
use tenon_mcp::__private::{HttpClient, HttpClientOptions, Phase, SystemNetwork};

#[test]
fn a_request_arrives_as_it_was_made() {
    let peer = Peer::answering("HTTP/1.1 201 Made\r\nX-Own: a\r\nContent-Length: 2\r\n\r\nhi");
    let client = client(TestNetwork::default());
    let mut request = request("POST", &peer.url("/a/b?c=d#e"));
    request.headers.insert("authorization", "Bearer token".parse().unwrap());
    request.body = "body".into();
    let response = send(&client, request).unwrap();
    assert_eq!((response.status.as_u16(), &response.body[..]), (201, &b"hi"[..]));
    assert_eq!(response.headers["x-own"], "a");
    let sent = peer.request().to_ascii_lowercase();
    assert!(sent.starts_with("post /a/b?c=d http/1.1\r\n"), "{sent}");
    let agent = format!("user-agent: tenon/{}", env!("CARGO_PKG_VERSION"));
    for line in [
        &format!("host: {}", peer.address),
        "authorization: bearer token",
        "content-length: 4",
        "accept-encoding: identity",
        &agent,
    ] {
        assert!(sent.contains(&format!("\r\n{line}\r\n")), "no {line} in {sent}");
    }
    assert!(sent.ends_with("\r\n\r\nbody"), "{sent}");
}

#[test]
fn each_framing_of_a_body_is_read() {
    for (response, expected) in [
        ("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc", "abc"),
        (
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n2;x=y\r\nbc\r\n0\r\nT: r\r\n\r\n",
            "abc",
        ),
        ("HTTP/1.1 200 OK\r\nContent-Encoding: identity\r\nContent-Length: 3\r\n\r\nabc", "abc"),
        ("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc", "abc"),
        ("HTTP/1.1 204 No Content\r\n\r\n", ""),
    ] {
        let peer = Peer::answering(response);
        assert_eq!(body(&client(TestNetwork::default()), &peer.url("/")), expected, "{response}");
    }
    let peer = Peer::start(|connection| {
        connection.request();
        connection.say("HTTP/1.0 200 OK\r\n\r\nto the end");
    });
    assert_eq!(body(&client(TestNetwork::default()), &peer.url("/")), "to the end");
    let peer = Peer::answering("HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n");
    let head = send(&client(TestNetwork::default()), request("HEAD", &peer.url("/"))).unwrap();
    assert_eq!(head.headers["content-length"], "1000000000");
    assert!(head.body.is_empty());
}

#[test]
fn a_status_of_failure_is_a_response() {
    for status in [400, 401, 404, 429, 500, 503] {
        let peer = Peer::start(move |connection| {
            connection.answer_all(&format!("HTTP/1.1 {status} No\r\nContent-Length: 0\r\n\r\n"));
        });
        let response = send(&client(TestNetwork::default()), get(&peer.url("/"))).unwrap();
        assert_eq!(response.status.as_u16(), status);
    }
}

#[test]
fn requests_share_a_connection() {
    let peer = Peer::start(|connection| connection.answer_all(&ok("a")));
    let client = client(TestNetwork::default());
    for _ in 0..5 {
        assert_eq!(body(&client, &peer.url("/")), "a");
    }
    assert_eq!(peer.accepted(), 1);
}

#[test]
fn requests_at_the_same_time_have_connections_of_their_own() {
    let peer = Peer::start(|connection| connection.answer_all(&ok("a")));
    let client = client(TestNetwork::default());
    let running: Vec<_> = (0..10).map(|_| client.send(get(&peer.url("/")))).collect();
    for sending in running {
        assert_eq!(wait(sending).unwrap().body, "a");
    }
    assert!((1..=10).contains(&peer.accepted()));
}

#[test]
fn a_connection_that_the_server_ends_is_not_reused() {
    let peer = Peer::start(|connection| {
        connection.request();
        connection.say("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 1\r\n\r\na");
        connection.closed();
    });
    let client = client(TestNetwork::default());
    for _ in 0..3 {
        let mut request = request("POST", &peer.url("/"));
        request.body = "x".into();
        assert_eq!(send(&client, request).unwrap().body, "a");
    }
    assert_eq!(peer.accepted(), 3);
}

/// The server closes a connection at the moment of the second request.
fn closing_peer() -> Peer {
    Peer::start(|connection| {
        connection.request();
        connection.say(ok("a"));
        match connection.number {
            0 => _ = connection.request(),
            _ => connection.answer_all(&ok("a")),
        }
    })
}

#[test]
fn get_is_repeated_if_an_idle_connection_was_closed() {
    let (peer, client) = (closing_peer(), client(TestNetwork::default()));
    assert_eq!(body(&client, &peer.url("/1")), "a");
    assert_eq!(body(&client, &peer.url("/2")), "a");
    assert_eq!(peer.accepted(), 2);
}

#[test]
fn post_is_not_repeated() {
    let (peer, client) = (closing_peer(), client(TestNetwork::default()));
    assert_eq!(body(&client, &peer.url("/1")), "a");
    let failed = error(&client, request("POST", &peer.url("/2")));
    says(&failed, &["/2 failed while waiting for the head of the response"]);
    let requests = peer.events().iter().filter(|event| matches!(event, Event::Request(_))).count();
    assert_eq!(requests, 2, "each request was sent once");
}

#[test]
fn idle_connections_are_closed_after_their_time() {
    let peer = Peer::start(|connection| connection.answer_all(&ok("a")));
    let options =
        HttpClientOptions { idle_timeout: Duration::from_millis(20), ..options(TestNetwork::default()) };
    let client = HttpClient::new(options);
    for _ in 0..3 {
        assert_eq!(body(&client, &peer.url("/")), "a");
        peer.closed();
    }
}

#[test]
fn the_oldest_idle_connection_gives_way() {
    let peers = [(); 3].map(|()| Peer::start(|connection| connection.answer_all(&ok("a"))));
    let client = HttpClient::new(HttpClientOptions { max_idle: 2, ..options(TestNetwork::default()) });
    for peer in &peers {
        assert_eq!(body(&client, &peer.url("/")), "a");
    }
    peers[0].closed();
    for peer in &peers[1..] {
        assert_eq!(body(&client, &peer.url("/")), "a");
        assert_eq!(peer.accepted(), 1, "the connection is still there");
    }
}

#[test]
fn a_request_that_cannot_be_sent_says_why() {
    let client = client(TestNetwork::default());
    for (url, parts) in [
        ("http://user:secret@127.0.0.1/", &["cannot request http://127.0.0.1/", "user or a password"][..]),
        ("ftp://127.0.0.1/?secret", &["cannot request ftp://127.0.0.1/", "ftp"]),
        ("/jwks?secret", &["/jwks", "must begin with https://"]),
    ] {
        let failed = error(&client, get(url));
        says(&failed, parts);
        assert!(!failed.to_string().contains("secret"), "{failed}");
    }
    for name in ["host", "content-length", "transfer-encoding", "connection", "accept-encoding"] {
        let mut request = get("http://127.0.0.1/");
        request.headers.insert(name, "1".parse().unwrap());
        says(&error(&client, request), &["remove the header", name]);
    }
    let mut large = get("http://127.0.0.1/");
    large.headers.insert("x", "a".repeat(70_000).parse().unwrap());
    says(&error(&client, large), &["the headers have 70001 bytes"]);
    says(&error(&client, request("CONNECT", "http://127.0.0.1/")), &["CONNECT"]);
}

#[test]
fn the_system_resolves_names() {
    let peer = Peer::start(|connection| connection.answer_all(&ok("a")));
    let url = format!("http://localhost:{}/", peer.address.port());
    let proxies = ["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"];
    if proxies.iter().all(|name| std::env::var_os(name).is_none()) {
        assert_eq!(body(&client(SystemNetwork), &url), "a");
    }
    let failed = error(&client(TestNetwork::default()), get("http://unknown.example/"));
    says(&failed, &["failed while resolving the host: cannot resolve unknown.example"]);
}

#[test]
fn a_refused_connection_names_its_address() {
    let address = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let failed = error(&client(TestNetwork::default()), get(&format!("http://{address}/a?secret")));
    says(&failed, &[&format!("http://{address}/a failed while connecting: {address}: "), "refused"]);
    assert_eq!(failed, error(&client(TestNetwork::default()), get(&format!("http://{address}/a"))));
}

#[test]
fn the_next_address_is_tried() {
    let peer = Peer::start(|connection| connection.answer_all(&ok("a")));
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let network = TestNetwork::default().name("twice.example", &["192.0.2.1", "192.0.2.2"]);
    let network = network.route("192.0.2.1", closed).route("192.0.2.2", peer.address);
    assert_eq!(body(&client(network.clone()), "http://twice.example/"), "a");
    assert_eq!(network.seen(), ["twice.example?", "192.0.2.1", "192.0.2.2"]);
}

#[test]
fn futures_work_on_threads_of_the_program_and_of_tokio() {
    let peer = Peer::start(|connection| connection.answer_all(&ok("a")));
    let (client, url) = (client(TestNetwork::default()), peer.url("/"));
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| assert_eq!(body(&client, &url), "a"));
        }
    });
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    assert_eq!(runtime.block_on(client.send(get(&peer.url("/")))).unwrap().body, "a");
    // A future may move to another thread after its first poll.
    let mut sending = Box::pin(client.send(get(&peer.url("/"))));
    let waker = std::task::Waker::noop();
    let first = sending.as_mut().poll(&mut std::task::Context::from_waker(waker));
    if first.is_pending() {
        thread::spawn(move || assert_eq!(wait(sending).unwrap().body, "a")).join().unwrap();
    }
}

#[test]
fn the_phase_is_a_part_of_the_error() {
    let failed = error(&client(TestNetwork::default()), get("http://unknown.example/"));
    assert!(matches!(failed, tenon_mcp::__private::HttpClientError::Failed { phase: Phase::Resolve, .. }));
}
