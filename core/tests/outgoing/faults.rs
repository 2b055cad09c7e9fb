//! Servers that are slow, huge, endless, wrong or gone.

use crate::support::network::TestNetwork;
use crate::support::peer::{Connection, Peer};
use crate::support::{client, error, get, options, request, says, send};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::time::{Duration, Instant};
use tenon_mcp::__private::{HttpClient, HttpClientError, HttpClientOptions, OutgoingRequest, Phase};

const SHORT: Duration = Duration::from_millis(60);

fn short(mut request: OutgoingRequest) -> OutgoingRequest {
    request.timeout = SHORT;
    request
}

/// Fails unless the request times out in this phase.
#[track_caller]
fn times_out(failed: &HttpClientError, expected: Phase) {
    let in_phase = matches!(failed, HttpClientError::Timeout { phase, .. } if *phase == expected);
    assert!(in_phase, "{failed:?}");
    says(failed, &[&format!("timed out after 0.06 s while {expected}")]);
}

/// A listener whose queue is full, so that a further connection gets no answer.
fn full_listener() -> (TcpListener, Vec<TcpStream>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    rustix::net::listen(&listener, 0).unwrap();
    let address = listener.local_addr().unwrap();
    let mut queued = Vec::new();
    while let Ok(stream) = TcpStream::connect_timeout(&address, Duration::from_millis(200)) {
        queued.push(stream);
        assert!(queued.len() < 100, "the queue does not fill up");
    }
    (listener, queued)
}

#[test]
fn a_server_may_be_slow_in_each_phase() {
    let short_connects =
        || HttpClient::new(HttpClientOptions { connect_timeout: SHORT, ..options(TestNetwork::default()) });
    let (listener, _queued) = full_listener();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    times_out(&error(&short_connects(), get(&url)), Phase::Connect);
    times_out(&error(&client(TestNetwork::default()), short(get(&url))), Phase::Connect);

    let silent = Peer::start(Connection::closed);
    let root = crate::support::authority::Authority::new().root();
    let network = || TestNetwork::default().root(root.clone());
    let tls = HttpClient::new(HttpClientOptions { connect_timeout: SHORT, ..options(network()) });
    let failed = error(&tls, get(&format!("https://{}/", silent.address)));
    times_out(&failed, Phase::Tls);
    silent.closed();

    let no_head = Peer::start(|connection| {
        connection.request();
        connection.closed();
    });
    times_out(&error(&client(TestNetwork::default()), short(get(&no_head.url("/")))), Phase::Head);
    no_head.closed();

    let half_body = Peer::start(|connection| {
        connection.request();
        connection.say("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf");
        connection.closed();
    });
    times_out(&error(&client(TestNetwork::default()), short(get(&half_body.url("/")))), Phase::Body);
    half_body.closed();
}

#[test]
fn a_server_that_does_not_read_the_request_times_out() {
    let peer = Peer::start(|connection| {
        // Reads nothing, and keeps the connection open.
        std::thread::park_timeout(crate::support::TEST_TIMEOUT);
        drop(connection.request());
    });
    let mut large = short(request("POST", &peer.url("/")));
    large.body = vec![0; 64 << 20].into();
    times_out(&error(&client(TestNetwork::default()), large), Phase::Head);
}

#[test]
fn trickled_bytes_do_not_prolong_a_request() {
    let peer = Peer::start(|connection| {
        connection.request();
        connection.say("HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n");
        while connection.send("x").is_ok() {
            std::thread::sleep(Duration::from_millis(1));
        }
    });
    let before = Instant::now();
    times_out(&error(&client(TestNetwork::default()), short(get(&peer.url("/")))), Phase::Body);
    assert!(before.elapsed() < 50 * SHORT);
}

/// Fails unless the part is too large, long before the timeout.
fn is_too_large(respond: impl Fn(&mut Connection) + Send + Sync + 'static, part: &str, limit: usize) {
    let peer = Peer::start(move |connection| {
        connection.request();
        respond(connection);
        connection.closed();
    });
    let mut request = get(&peer.url("/x"));
    request.max_response_bytes = 1000;
    let failed = error(&client(TestNetwork::default()), request);
    says(
        &failed,
        &[&format!("the {part} of the response of {} has more than {limit} bytes", peer.url("/x"))],
    );
    // The connection ends although the server has more to say.
    peer.closed();
}

#[test]
fn a_response_beyond_its_bound_ends_at_once() {
    // The claim is enough.
    is_too_large(|to| to.say("HTTP/1.1 200 OK\r\nContent-Length: 1001\r\n\r\n"), "body", 1000);
    is_too_large(|to| to.say("HTTP/1.1 200 OK\r\nContent-Length: 1000000000000\r\n\r\n"), "body", 1000);
    let endless = |to: &mut Connection, start: &str, part: &str| {
        to.say(start);
        while to.send(part).is_ok() {}
    };
    let chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    is_too_large(move |to| endless(to, chunked, "5\r\nabcde\r\n"), "body", 1000);
    is_too_large(move |to| endless(to, "HTTP/1.1 200 OK\r\n\r\n", "abcde"), "body", 1000);
    is_too_large(move |to| endless(to, "HTTP/1.1 200 OK\r\n", "X-Header: value\r\n"), "head", 64 << 10);
    is_too_large(move |to| endless(to, "HTTP/1.1 200 OK\r\nX: ", "valuevalue"), "head", 64 << 10);
}

#[test]
fn a_response_of_the_largest_size_is_read() {
    let body = "x".repeat(100_000);
    let peer = Peer::start(move |connection| connection.answer_all(&crate::support::peer::ok(&body)));
    for (limit, fits) in [(100_000, true), (99_999, false)] {
        let mut request = get(&peer.url("/"));
        request.max_response_bytes = limit;
        assert_eq!(send(&client(TestNetwork::default()), request).is_ok(), fits);
    }
}

/// The error after a server sends this and closes the connection.
fn after(response: &'static [u8]) -> HttpClientError {
    let peer = Peer::start(move |connection| {
        connection.request();
        connection.say(response);
    });
    let client = client(TestNetwork::default());
    let failed = error(&client, get(&peer.url("/")));
    // The client works as before.
    let good = Peer::answering("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\na");
    assert_eq!(crate::support::body(&client, &good.url("/")), "a");
    failed
}

#[test]
fn a_server_that_closes_early_is_an_error() {
    for response in ["", "HTTP/1.1 2", "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n"] {
        says(&after(response.as_bytes()), &["failed while waiting for the head of the response"]);
    }
    for response in [
        "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n",
    ] {
        says(&after(response.as_bytes()), &["failed while reading the body of the response"]);
    }
}

#[test]
fn rubbish_is_an_error() {
    for response in [
        &b"SSH-2.0-OpenSSH_9.6\r\n"[..],
        b"\x16\x03\x01\x00\xf4\x01\x00\x00\xf0\x03\x03",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"HTTP/3.0 200 OK\r\n\r\n",
        b"HTTP/1.1 xyz OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX: \0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
        b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999999\r\n\r\n",
        b"\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0",
    ] {
        says(&after(response), &["failed while waiting for the head of the response"]);
    }
    for response in [
        &b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\nab\r\n0\r\n\r\n"[..],
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\nab\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\nab\r\n0\r\n\r\n",
    ] {
        says(&after(response), &["failed while reading the body of the response"]);
    }
}

#[test]
fn encodings_that_were_not_asked_for_are_refused() {
    for (response, name) in [
        (
            &b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 3\r\n\r\nabc"[..],
            "content-encoding \"gzip\"",
        ),
        (
            b"HTTP/1.1 200 OK\r\nContent-Encoding: identity, br\r\nContent-Length: 3\r\n\r\nabc",
            "content-encoding",
        ),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", "transfer-encoding"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\nabc", "transfer-encoding"),
    ] {
        says(&after(response), &["the response has the", name, "is accepted"]);
    }
}

#[test]
fn what_comes_after_a_response_is_not_the_next_response() {
    let peer = Peer::start(|connection| {
        connection.request();
        connection.say(
            "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\naHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nb",
        );
        connection.answer_all("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nc");
    });
    let client = client(TestNetwork::default());
    for _ in 0..3 {
        assert_eq!(crate::support::body(&client, &peer.url("/")), "a");
    }
    assert_eq!(peer.accepted(), 3, "each response has its own connection");
}

#[test]
fn interim_responses_without_end_time_out() {
    let peer = Peer::start(|connection| {
        connection.request();
        while connection.send("HTTP/1.1 103 Early\r\nX: y\r\n\r\n").is_ok() {}
    });
    times_out(&error(&client(TestNetwork::default()), short(get(&peer.url("/")))), Phase::Head);
}

#[test]
fn a_change_of_protocol_is_no_body() {
    let peer = Peer::start(|connection| {
        connection.request();
        connection.say("HTTP/1.1 101 Switching Protocols\r\nUpgrade: other\r\nConnection: upgrade\r\n\r\n");
        connection.closed();
    });
    let response = send(&client(TestNetwork::default()), short(get(&peer.url("/"))));
    assert!(response.is_err() || response.is_ok_and(|response| response.body.is_empty()));
}

#[test]
fn addresses_that_do_not_answer_are_overtaken() {
    let (listener, _queued) = full_listener();
    let peer =
        Peer::start(|connection| connection.answer_all("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\na"));
    let full: SocketAddr = listener.local_addr().unwrap();
    let network = TestNetwork::default().name("half.example", &["192.0.2.1", "192.0.2.2"]);
    let network = network.route("192.0.2.1", full).route("192.0.2.2", peer.address);
    let options = HttpClientOptions { connect_timeout: crate::support::TEST_TIMEOUT, ..options(network) };
    assert_eq!(crate::support::body(&HttpClient::new(options), "http://half.example/"), "a");
}
