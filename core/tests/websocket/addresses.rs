//! WebSocket at its own address, and at the address of HTTP.

use crate::client::{Client, Raw, UPGRADE};
use crate::server::{StartedServer, call, modern, text};
use serde_json::json;
use std::net::TcpListener;
use tenon_mcp::{ErrorKind, HttpOptions, Limits, ServeOptions, Server, SseOptions, WebSocketOptions};

fn http(address: &str) -> HttpOptions {
    HttpOptions::new(address).unwrap()
}

fn websocket(address: &str) -> WebSocketOptions {
    WebSocketOptions::new(address).unwrap()
}

fn start_error(options: ServeOptions) -> tenon_mcp::Error {
    Server::new("wrong", "1").start(options).err().expect("a wrong option")
}

/// A path alone is a path on the HTTP address, in any order of the options.
#[test]
fn a_path_joins_the_http_address() {
    let sse = SseOptions::new("/sse").unwrap();
    let options = ServeOptions::new().websocket(websocket("/chat")).sse(sse).http(http("0"));
    let up = StartedServer::start(options, Limits::default());
    let address = up.running.http_address().unwrap();
    assert_eq!(up.running.http_urls().collect::<Vec<_>>(), [format!("http://{address}/mcp")]);
    let url = format!("ws://{address}/chat");
    assert_eq!(up.running.websocket_urls().collect::<Vec<_>>(), [&*url]);
    assert_eq!(up.running.sse_url(), Some(format!("http://{address}/sse")));
    let mut client = Client::new(&url);
    assert_eq!(text(&client.ask(&modern(1, "add", json!({ "a": 1, "b": 2 })))), "3");
    let mut raw = Raw::new(&url);
    let head = raw.head("GET", "/mcp", &format!("host: localhost\r\n{UPGRADE}"));
    assert!(head.starts_with("HTTP/1.1 400 "), "the endpoint is no WebSocket: {head}");
}

/// If both transports name the same address, they share it. A port that the system chooses is a new one each time.
#[test]
fn one_address_is_shared() {
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let options = ServeOptions::new().http(http(&free)).websocket(websocket(&free));
    let up = StartedServer::start(options, Limits::default());
    assert_eq!(up.running.http_url(), Some(format!("http://{free}/mcp")));
    assert_eq!(up.running.websocket_url(), Some(format!("ws://{free}/ws")));
    let mut client = Client::new(&up.running.websocket_url().unwrap());
    client.open("2025-11-25");
    assert_eq!(text(&client.ask(&call(1, "add", json!({ "a": 1, "b": 2 })))), "3");
    drop(up);
    let up = StartedServer::start(
        ServeOptions::new().http(http("0")).websocket(websocket("0")),
        Limits::default(),
    );
    let (http, websocket) = (up.running.http_url().unwrap(), up.running.websocket_url().unwrap());
    assert_ne!(http[4..].split('/').nth(2), websocket[2..].split('/').nth(2));
}

/// The hosts and origins are those of the address, unless the transport has its own.
#[test]
fn a_shared_address_shares_whom_it_answers() {
    let page = "https://app.example.com";
    let own = websocket("/own").allowed_origins(["https://other.example.com"]);
    let options = ServeOptions::new()
        .http(http("0").allowed_origins([page]))
        .websocket(websocket("/ws"))
        .websocket(own);
    let up = StartedServer::start(options, Limits::default());
    let url = up.running.websocket_url().unwrap();
    let status = |path: &str, origin: &str| {
        let head =
            Raw::new(&url).head("GET", path, &format!("host: localhost\r\norigin: {origin}\r\n{UPGRADE}"));
        head.split(' ').nth(1).unwrap().to_owned()
    };
    assert_eq!((status("/ws", page), status("/own", page)), ("101".into(), "403".into()));
    assert_eq!(status("/own", "https://other.example.com"), "101");
}

#[test]
fn wrong_places_are_errors_that_say_what_is_wrong() {
    let said = |options: ServeOptions| {
        let error = start_error(options);
        assert_eq!(error.kind(), ErrorKind::Invalid);
        error.message().to_owned()
    };
    let alone = said(ServeOptions::new().websocket(websocket("/ws")));
    assert!(alone.contains("websocket") && alone.contains("/ws") && alone.contains("host:port"), "{alone}");
    let twice = said(ServeOptions::new().http(http("0")).websocket(websocket("/mcp")));
    assert!(twice.contains("/mcp") && twice.contains("twice"), "{twice}");
    let origin = said(ServeOptions::new().websocket(websocket("0").allowed_origins(["app.example.com"])));
    assert!(origin.contains("websocket allowed origins"), "{origin}");
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    // What began before is given back.
    let options = ServeOptions::new().http(http("0")).websocket(websocket(&address));
    let error = start_error(options);
    assert_eq!(error.kind(), ErrorKind::Address);
    assert!(error.message().contains(&address), "{error}");
}
