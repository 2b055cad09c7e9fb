//! The upgrade from HTTP to WebSocket.

use crate::client::{Client, Raw, UPGRADE};
use crate::server::modern;
use crate::up;
use serde_json::json;
use tenon_mcp::Limits;

/// WS-4: an offered sub-protocol is echoed, and its absence is accepted. Compression is not used.
#[test]
fn the_handshake_is_answered() {
    let (_up, url) = up(Limits::default());
    let plain = Raw::new(&url).head("GET", "/ws", &format!("host: localhost\r\n{UPGRADE}"));
    let lines: Vec<_> = plain.lines().collect();
    assert_eq!(lines[0], "HTTP/1.1 101 Switching Protocols");
    assert!(lines.contains(&"sec-websocket-accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo="), "{plain}");
    assert!(!plain.contains("protocol") && !plain.contains("extensions"), "{plain}");
    let more = "sec-websocket-protocol: chat, mcp\r\nsec-websocket-extensions: permessage-deflate\r\n";
    let offered = Raw::new(&url).head("GET", "/ws/", &format!("host: localhost\r\n{UPGRADE}{more}"));
    assert!(offered.contains("\r\nsec-websocket-protocol: mcp\r\n"), "{offered}");
    assert!(!offered.contains("extensions"), "{offered}");
    // Another offers only what is not spoken here, and decides for itself.
    let other = format!("host: localhost\r\n{UPGRADE}sec-websocket-protocol: chat\r\n");
    assert!(!Raw::new(&url).head("GET", "/ws", &other).contains("protocol:"));
}

/// WS-5, MH-2, MH-3: requests from other hosts and origins are refused before the upgrade.
#[test]
fn strangers_are_refused() {
    let (_up, url) = up(Limits::default());
    for who in ["host: evil.example.com\r\n", "host: localhost\r\norigin: http://evil.example.com\r\n"] {
        let mut raw = Raw::new(&url);
        let head = raw.head("GET", "/ws", &format!("{who}{UPGRADE}"));
        assert!(head.starts_with("HTTP/1.1 403 "), "{head}");
    }
    let local = format!("host: localhost\r\norigin: http://localhost:3000\r\n{UPGRADE}");
    assert!(Raw::new(&url).head("GET", "/ws", &local).starts_with("HTTP/1.1 101 "));
}

#[test]
fn what_is_no_upgrade_is_told_what_is() {
    let (_up, url) = up(Limits::default());
    let host = "host: localhost\r\n";
    let status = |method: &str, path: &str, headers: &str| {
        let head = Raw::new(&url).head(method, path, &format!("{host}{headers}"));
        (head.split(' ').nth(1).unwrap().parse::<u16>().unwrap(), head)
    };
    assert_eq!(status("GET", "/mcp", UPGRADE).0, 404);
    assert_eq!(status("POST", "/ws", "content-length: 0\r\n").0, 405);
    let (code, head) = status("GET", "/ws", "");
    assert!(code == 426 && head.to_lowercase().contains("upgrade: websocket"), "{head}");
    assert_eq!(status("GET", "/ws", &UPGRADE.replace("13", "8")).0, 426);
    assert_eq!(status("GET", "/ws", &UPGRADE.replace("sec-websocket-key", "x-key")).0, 400);
    for key in ["dGhlIHNhbXBsZSBub25j", "dGhlIHNhbXBsZSBub25jZQ", "dGhlIHNhbXBsZSBub25jZQA=", "?", ""] {
        let wrong = UPGRADE.replace("dGhlIHNhbXBsZSBub25jZQ==", key);
        assert_eq!(status("GET", "/ws", &wrong).0, 400, "{key:?}");
    }
    let with_body = format!("{UPGRADE}content-length: 2\r\n\r\n{{}}");
    assert_eq!(status("GET", "/ws", &with_body).0, 400);
}

/// Messages that a client sends together with its request, without waiting for the response, are not lost.
#[test]
fn messages_may_come_with_the_request() {
    let (_up, url) = up(Limits::default());
    let mut raw = Raw::new(&url);
    let message =
        crate::client::frame(0x81, modern(1, "add", json!({ "a": 1, "b": 2 })).to_string().as_bytes());
    let head = format!("GET /ws HTTP/1.1\r\nhost: localhost\r\n{UPGRADE}\r\n");
    raw.send(&[head.as_bytes(), &message].concat());
    let mut seen = Vec::new();
    while !seen.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        std::io::Read::read_exact(&mut raw.0, &mut byte).unwrap();
        seen.push(byte[0]);
    }
    let (first, payload) = raw.frame().unwrap();
    assert_eq!(first, 0x81);
    assert!(String::from_utf8(payload).unwrap().contains(r#""text":"3""#));
}

#[test]
fn another_makers_client_is_served() {
    let (_up, url) = up(Limits::default());
    let mut client = Client::with(&url, |request| {
        request.headers_mut().insert("sec-websocket-protocol", "mcp".parse().unwrap());
    });
    client.open("2025-11-25");
    let sum = client.ask(&crate::server::call(1, "add", json!({ "a": 2, "b": 3 })));
    assert_eq!(crate::server::text(&sum), "5");
}
