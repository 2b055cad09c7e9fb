//! Length and encoding of bodies: what is refused before the body is read, and whether the connection stays open.

use crate::support::bench::{Bench, Chunks, NoWake};
use crate::support::client::Client;
use crate::support::server::{StartedServer, call};
use crate::{initialize, text};
use bytes::Bytes;
use serde_json::json;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use tenon_mcp::http::{EmbedOptions, Exchange, RequestHead, Step};
use tenon_mcp::{ServeOptions, Server};

const JSON: (&str, &str) = ("content-type", "application/json");

/// Requests that are refused because of their headers, with the status.
const REFUSED: &[(&[(&str, &str)], u16)] = &[
    (&[("content-type", "text/plain")], 415),
    (&[("content-type", "application/json; charset=latin1")], 415),
    (&[("content-type", "application/json; charset=\"utf-16\"")], 415),
    (&[JSON, ("content-encoding", "gzip")], 415),
    (&[JSON, ("content-encoding", "identity, br")], 415),
    (&[JSON, ("accept", "text/html")], 406),
];

#[test]
fn what_the_head_rules_out_is_refused_before_the_body_is_read() {
    let bench = Bench::new();
    for (headers, status) in REFUSED {
        let mut body = Chunks::of([Bytes::from_static(&[b' '; 100])]);
        (body.declared, body.stalls) = (Some(1 << 20), true);
        let taken = body.taken.clone();
        let reply = bench.submit("POST", headers, body).finish();
        assert_eq!((reply.status, reply.code()), (*status, -32600), "{headers:?}");
        assert_eq!(taken.load(Ordering::Relaxed), 0, "{headers:?}");
        assert_eq!(reply.headers["connection"], "close", "the rest would be taken for a request");
    }
}

#[test]
fn what_is_understood_is_read() {
    let bench = Bench::new();
    for headers in [
        [("content-type", "application/json; Charset=UTF-8"), ("content-encoding", "Identity")],
        [("content-type", "Application/JSON;charset=\"utf-8\""), ("transfer-encoding", "Chunked")],
    ] {
        let body = Chunks::of([Bytes::from(initialize("2025-11-25").to_string())]);
        assert_eq!(bench.submit("POST", &headers, body).finish().status, 200, "{headers:?}");
    }
}

#[test]
fn a_refused_head_leaves_a_connection_as_usable_as_its_body_allows() {
    let up = StartedServer::new();
    for (headers, status) in REFUSED {
        // The body is not waited for.
        let mut client = up.client();
        let head = client.head("POST", headers, Some(4 << 20));
        client.send_raw(head.as_bytes());
        let reply = client.reply();
        assert_eq!((reply.status, reply.header("connection")), (*status, Some("close")), "{headers:?}");
        assert!(client.is_ended());
        // A small one is thrown away, and the next request is answered.
        let mut client = up.client();
        client.send("POST", headers, b"{}");
        let reply = client.reply();
        assert_eq!((reply.status, reply.header("connection")), (*status, None), "{headers:?}");
        client.open("2025-11-25");
    }
}

/// Sends a request with this text after its head.
fn raw(up: &StartedServer, headers: &[(&str, &str)], body: &str) -> Client {
    let mut client = up.client();
    let head = client.head("POST", headers, None);
    client.send_raw(format!("{head}{body}").as_bytes());
    client
}

#[test]
fn a_body_whose_end_is_in_doubt_ends_the_connection() {
    let up = StartedServer::new();
    let te = "transfer-encoding";
    let rows: [&[(&str, &str)]; 6] = [
        &[JSON, (te, "gzip, chunked")],
        &[JSON, (te, "chunked, chunked")],
        &[JSON, (te, "chunked"), (te, "chunked")],
        &[JSON, (te, "identity, chunked")],
        &[JSON, (te, "chunked, gzip")],
        &[JSON, (te, "identity")],
    ];
    // The second is never taken for a request.
    let smuggled = "0\r\n\r\nGET /mcp HTTP/1.1\r\nhost: localhost\r\n\r\n";
    for headers in rows {
        for path in ["/mcp", "/elsewhere"] {
            let mut client = up.client();
            client.path = path.into();
            let head = client.head("POST", headers, None);
            client.send_raw(format!("{head}{smuggled}").as_bytes());
            assert_eq!(client.reply().status, 400, "{headers:?}");
            assert!(client.is_ended(), "{headers:?}");
        }
    }
    let mut client = raw(&up, &[JSON, (te, "Chunked")], "");
    let message = initialize("2025-11-25").to_string();
    client.send_raw(format!("{:x}\r\n{message}\r\n0\r\n\r\n", message.len()).as_bytes());
    assert_eq!(client.reply().status, 200);
    assert_eq!(text(&client.modern(&call(1, "add", json!({ "a": 1, "b": 2 }))).json()), "3");
}

#[test]
fn a_malformed_chunk_is_a_bad_request() {
    let up = StartedServer::new();
    for body in ["zz\r\n{}\r\n", "2\r\n{}xx", "-1\r\n", "ffffffffffffffffff\r\n", "2;\n\r\n{}"] {
        let mut client = raw(&up, &[JSON, ("transfer-encoding", "chunked")], body);
        let reply = client.reply();
        assert_eq!((reply.status, reply.header("connection")), (400, Some("close")), "{body:?}");
        assert!(client.is_ended(), "{body:?}");
    }
    // A body that ends too early came in time.
    let mut client = raw(&up, &[JSON, ("transfer-encoding", "chunked")], "5\r\n{}");
    client.stream.get_ref().shutdown(std::net::Shutdown::Write).unwrap();
    assert_eq!(client.reply().status, 400);
}

#[test]
fn embedded_endpoints_look_at_the_head_first() {
    let server = Server::new("embedded", "1.0.0");
    let running = server.start(ServeOptions::new().embedded(EmbedOptions::new())).unwrap();
    let endpoint = running.embedded().unwrap();
    let rows = REFUSED.iter().copied().chain([(&[JSON, ("transfer-encoding", "gzip, chunked")][..], 400)]);
    for (headers, status) in rows {
        let mut head = RequestHead::new("POST").unwrap();
        for (name, value) in headers.iter().chain(&[("host", "localhost"), ("expect", "100-continue")]) {
            head.header(name, value).unwrap();
        }
        let exchange = Exchange::new(&endpoint, head, Arc::new(NoWake));
        // No piece of the body was handed in, and its end neither.
        match exchange.step() {
            Step::Head(got, head) => {
                assert_eq!(
                    (got.as_u16(), &head["connection"]),
                    (status, &"close".parse().unwrap()),
                    "{headers:?}"
                );
            }
            other => panic!("{headers:?}: {other:?}"),
        }
    }
    running.close();
}
