//! Attempts over WebSocket, HTTP+SSE, and with bodies that do not end.

use crate::helpers::door::*;
use crate::helpers::served::Served;
use crate::helpers::tokens::{SECRET, token};
use crate::support::client::Client;
use crate::support::server::call;
use crate::{initialize, request};
use serde_json::{Value, json};
use std::io::Read;
use std::net::TcpStream;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tungstenite::client::IntoClientRequest;
use tungstenite::{Message, WebSocket};

const UPGRADE: [(&str, &str); 4] = [
    ("connection", "Upgrade"),
    ("upgrade", "websocket"),
    ("sec-websocket-version", "13"),
    ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
];

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

pub(super) fn socket(served: &Served, token: &str) -> WebSocket<TcpStream> {
    let mut request = format!("ws://{}/ws", served.address).into_client_request().unwrap();
    request.headers_mut().insert("authorization", format!("Bearer {token}").parse().unwrap());
    let stream = TcpStream::connect(served.address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    tungstenite::client(request, stream).unwrap().0
}

pub(super) fn ask(socket: &mut WebSocket<TcpStream>, message: &Value) -> Value {
    socket.send(Message::text(message.to_string())).unwrap();
    loop {
        if let Message::Text(text) = socket.read().unwrap() {
            return serde_json::from_str(&text).unwrap();
        }
    }
}

/// The event stream of a client of HTTP+SSE, and its address for messages.
pub(super) fn events(served: &Served, token: &str) -> (Client, String) {
    let mut client = served.client();
    client.path = "/sse".to_owned();
    let (name, value) = bearer(token);
    client.send("GET", &[(name, &value), ("accept", "text/event-stream")], b"");
    assert_eq!(client.read_head().unwrap().0, 200);
    let first = String::from_utf8(client.read_chunk().unwrap()).unwrap();
    let address = first.lines().find_map(|line| line.strip_prefix("data: ")).unwrap().to_owned();
    (client, address)
}

pub(super) fn post(served: &Served, path: &str, token: Option<&str>, message: &Value) -> u16 {
    let mut client = served.client();
    client.path = path.to_owned();
    let header = token.map(bearer);
    let headers: Vec<_> = header.iter().map(|(name, value)| (*name, value.as_str())).collect();
    client.post(&headers, message).status
}

#[test]
fn a_websocket_without_credentials() {
    let served = Served::new(&everybody());
    let refused = served.ask("GET", "/ws", &UPGRADE);
    assert_eq!((refused.status, refused.header("www-authenticate")), (401, Some("Bearer")));
    for (value, status) in [("Bearer", 400), ("Basic YTpi", 401), ("Bearer key-of-nobody-0123456789", 401)] {
        let headers: Vec<_> = UPGRADE.into_iter().chain([("authorization", value)]).collect();
        assert_eq!(served.ask("GET", "/ws", &headers).status, status, "{value}");
    }
}

/// Browsers cannot set headers of a WebSocket, but the places that they can set are no credentials.
#[test]
fn a_websocket_with_a_key_elsewhere() {
    let served = Served::new(&everybody());
    let protocols = format!("mcp, bearer, {ANN}");
    let headers: Vec<_> = UPGRADE.into_iter().chain([("sec-websocket-protocol", &*protocols)]).collect();
    assert_eq!(served.ask("GET", "/ws", &headers).status, 401);
    assert_eq!(served.ask("GET", &format!("/ws?access_token={ANN}"), &UPGRADE).status, 401);
}

#[test]
fn a_forbidden_call_over_a_websocket() {
    let served = Served::new(&everybody());
    let mut socket = socket(&served, BOB);
    let refused = ask(&mut socket, &call(1, "pay", json!({})));
    assert!(refused["error"]["message"].as_str().unwrap().contains("Forbidden"), "{refused}");
    let listed = ask(&mut socket, &request(2, "tools/list", crate::envelope(json!({}))));
    assert!(!listed.to_string().contains("\"pay\""), "{listed}");
    assert_eq!(ask(&mut socket, &call(3, "work", json!({})))["result"]["content"][0]["text"], "done");
}

/// Credentials in a message are not those of the connection.
#[test]
fn credentials_within_a_message_over_a_websocket() {
    let served = Served::new(&everybody());
    let mut socket = socket(&served, BOB);
    let mut message = call(1, "pay", json!({}));
    message["params"]["_meta"]["authorization"] = json!(format!("Bearer {ANN}"));
    message["params"]["_meta"]["principal"] = json!({ "issuer": "api-keys", "subject": "ann" });
    message["principal"] = json!("ann");
    assert!(ask(&mut socket, &message)["error"].is_object());
}

#[test]
fn a_websocket_after_its_token() {
    let mut options = jwt(json!({ "secret": SECRET }));
    options["leeway"] = json!(1);
    let served = Served::new(&json!({ "auth": [options] }));
    let mut socket = socket(&served, &token(SECRET, json!({ "exp": now() + 2 })));
    assert!(ask(&mut socket, &call(1, "work", json!({})))["result"].is_object());
    loop {
        match socket.read() {
            Ok(Message::Close(frame)) => {
                assert_eq!(u16::from(frame.unwrap().code), 1008);
                break;
            }
            Ok(_) => {}
            Err(error) => panic!("{error}"),
        }
    }
}

#[test]
fn an_event_stream_without_credentials() {
    let served = Served::new(&everybody());
    let refused = served.ask("GET", "/sse", &[("accept", "text/event-stream")]);
    assert_eq!((refused.status, refused.header("www-authenticate")), (401, Some("Bearer")));
    assert_eq!(post(&served, "/messages?session=x", None, &initialize("2024-11-05")), 401);
    assert_eq!(post(&served, "/messages", None, &json!("no message")), 401);
}

#[test]
fn messages_for_the_event_stream_of_another() {
    let served = Served::new(&everybody());
    let (mut stream, address) = events(&served, ANN);
    let message = initialize("2024-11-05");
    for (token, status) in [(Some(BOB), 404), (Some(OTHER_ANN), 404), (None, 401)] {
        assert_eq!(post(&served, &address, token, &message), status, "{token:?}");
    }
    assert_eq!(post(&served, &address, Some(ANN), &message), 202);
    assert!(String::from_utf8(stream.read_chunk().unwrap()).unwrap().contains("protocolVersion"));
}

/// The scopes are those of the token that posts, not those of the token that has opened the stream.
#[test]
fn a_poorer_token_on_an_event_stream() {
    let served = Served::new(&everybody());
    let (mut stream, address) = events(&served, ANN);
    post(&served, &address, Some(ANN), &initialize("2025-06-18"));
    stream.read_chunk().unwrap();
    post(&served, &address, Some(ANN), &crate::notification("notifications/initialized", json!({})));
    let message = request(5, "tools/call", json!({ "name": "pay", "arguments": {} }));
    assert_eq!(post(&served, &address, Some(ANN_READS), &message), 202);
    let answer = String::from_utf8(stream.read_chunk().unwrap()).unwrap();
    assert!(answer.contains("Forbidden"), "{answer}");
}

#[test]
fn an_event_stream_after_its_token() {
    let mut options = jwt(json!({ "secret": SECRET }));
    options["leeway"] = json!(1);
    let served = Served::new(&json!({ "auth": [options] }));
    let short = token(SECRET, json!({ "exp": now() + 2 }));
    let (mut stream, address) = events(&served, &short);
    while stream.read_chunk().is_some() {}
    assert_eq!(post(&served, &address, Some(&short), &initialize("2024-11-05")), 401);
    let long = token(SECRET, json!({ "exp": now() + 100 }));
    assert_eq!(post(&served, &address, Some(&long), &initialize("2024-11-05")), 404, "its session has ended");
}

/// The refusal does not wait for a body that never comes.
#[test]
fn a_body_that_stalls() {
    let served = Served::new(&everybody());
    for path in ["/mcp", "/messages?session=x"] {
        for credentials in
            ["", "authorization: Bearer key-of-nobody-0123456789\r\n", "authorization: Basic x\r\n"]
        {
            let mut client = served.client();
            let head = format!(
                "POST {path} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: \
                 1000000\r\n{credentials}\r\n{{\"half\":"
            );
            client.send_raw(head.as_bytes());
            let reply = client.reply();
            assert_eq!(
                (reply.status, reply.header("connection")),
                (401, Some("close")),
                "{path} {credentials}"
            );
            let mut rest = Vec::new();
            assert_eq!(client.stream.read_to_end(&mut rest).unwrap_or(0), 0, "nothing else is answered");
        }
    }
}

/// A second request hides in the body of a first one that is refused.
#[test]
fn a_request_in_the_body_of_another() {
    let served = Served::new(&everybody());
    let hidden = format!(
        "POST /mcp HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {ANN}\r\ncontent-length: 2\r\n\r\n{{}}"
    );
    for framing in [
        format!("content-length: {}", hidden.len()),
        "content-length: 0\r\ntransfer-encoding: chunked".to_owned(),
    ] {
        let mut client = served.client();
        let head = format!(
            "POST /mcp HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n{framing}\r\n\r\n"
        );
        client.send_raw(&[head.as_bytes(), hidden.as_bytes()].concat());
        let reply = client.reply();
        assert!(matches!(reply.status, 400 | 401), "{}", reply.status);
        let mut rest = Vec::new();
        let _ = client.stream.read_to_end(&mut rest);
        assert!(rest.is_empty(), "{}", String::from_utf8_lossy(&rest));
    }
}

/// The next request on a connection needs credentials of its own.
#[test]
fn a_connection_that_was_authenticated_before() {
    let served = Served::new(&everybody());
    let mut client = served.client();
    let (name, value) = bearer(ANN);
    let work = call(1, "work", json!({}));
    let headers =
        [("mcp-protocol-version", crate::MODERN), ("mcp-method", "tools/call"), ("mcp-name", "work")];
    let with: Vec<_> = headers.into_iter().chain([(name, value.as_str())]).collect();
    // From the second request on, the connection knows the credentials.
    for _ in 0..3 {
        assert_eq!(client.post(&with, &work).status, 200);
    }
    assert_eq!(client.post(&headers, &work).status, 401);
}

/// A request with other credentials does not get the principal that its connection knows.
#[test]
fn a_connection_that_knows_other_credentials() {
    let served = Served::new(&everybody());
    // Who may call the tool gets 200, because its arguments are refused and not the caller.
    let pay = request(1, "tools/call", crate::envelope(json!({ "name": "pay", "arguments": 7 })));
    let headers =
        [("mcp-protocol-version", crate::MODERN), ("mcp-method", "tools/call"), ("mcp-name", "pay")];
    let call = |client: &mut Client, values: &[&str]| {
        let credentials = values.iter().map(|value| ("authorization", *value));
        client.post(&headers.into_iter().chain(credentials).collect::<Vec<_>>(), &pay).status
    };
    let of = |key: &str| format!("Bearer {key}");
    let (ann, bob, changed) = (of(ANN), of(BOB), of(&ANN.replace('a', "b")));
    for (wrong, status) in [
        (vec![&*bob], 403),
        (vec![&*changed], 401),
        (vec![&ann[..ann.len() - 1]], 401),
        (vec![""], 400),
        (vec![&*ann, &*ann], 400),
        (vec![&*bob, &*ann], 400),
    ] {
        let mut client = served.client();
        for _ in 0..3 {
            assert_eq!(call(&mut client, &[&ann]), 200);
        }
        assert_eq!(call(&mut client, &wrong), status, "{wrong:?}");
    }
    let mut client = served.client();
    for _ in 0..3 {
        assert_eq!((call(&mut client, &[&ann]), call(&mut client, &[&bob])), (200, 403));
    }
}

/// Whoever has failed too often is refused, also on a connection that knows good credentials.
#[test]
fn a_connection_that_knows_its_credentials_after_many_failures() {
    let mut limits = tenon_mcp::Limits::default();
    limits.max_address_failures = 3;
    let served = Served::with(limits, &everybody());
    let (mut client, work) = (served.client(), call(1, "work", json!({})));
    let (name, value) = bearer(ANN);
    let headers = [
        ("mcp-protocol-version", crate::MODERN),
        ("mcp-method", "tools/call"),
        ("mcp-name", "work"),
        (name, &*value),
    ];
    for _ in 0..3 {
        assert_eq!(client.post(&headers, &work).status, 200);
        assert_eq!(served.call(&[("authorization", "Bearer guess-0123456789")]).status, 401);
    }
    assert_eq!(client.post(&headers, &work).status, 429);
}

#[test]
fn a_connection_that_knows_a_token_after_its_expiry() {
    let mut options = jwt(json!({ "secret": SECRET }));
    options["leeway"] = json!(1);
    let served = Served::new(&json!({ "auth": [options] }));
    let (expires, mut client) = (now() + 2, served.client());
    let (name, value) = bearer(&token(SECRET, json!({ "exp": expires })));
    let headers = [
        ("mcp-protocol-version", crate::MODERN),
        ("mcp-method", "tools/call"),
        ("mcp-name", "work"),
        (name, &*value),
    ];
    let refused = loop {
        match client.post(&headers, &call(1, "work", json!({}))).status {
            200 => assert!(now() < expires + 10, "the token has expired"),
            status => break status,
        }
    };
    assert!(refused == 401 && now() >= expires);
}

/// Line folding and blanks around names, by which proxies and servers read different headers.
#[test]
fn headers_that_are_read_differently() {
    let served = Served::new(&everybody());
    for line in [
        format!("authorization : Bearer {ANN}"),
        format!(" authorization: Bearer {ANN}"),
        format!("x: y\r\n authorization: Bearer {ANN}"),
        format!("authorization:\r\n Bearer {ANN}"),
        format!("x: y\rauthorization: Bearer {ANN}"),
        format!("author\u{0}ization: Bearer {ANN}"),
        format!("authorization: Bearer {ANN}\u{0}"),
    ] {
        let mut client = served.client();
        let head = format!("DELETE /mcp HTTP/1.1\r\nhost: localhost\r\n{line}\r\n\r\n");
        client.send_raw(head.as_bytes());
        let status = client.try_reply().map_or(400, |reply| reply.status);
        assert!(matches!(status, 400 | 401), "{line:?}: {status}");
    }
}
