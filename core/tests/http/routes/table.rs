//! The table of a listener's routes: which route answers a path, and which routes cannot be together.

use crate::initialize;
use crate::support::client::Client;
use std::net::SocketAddr;
use std::time::Duration;
use tenon_mcp::{ErrorKind, HttpOptions, Running, ServeOptions, Server, SseOptions, WebSocketOptions};

const HTML: &str = "text/html; charset=utf-8";

fn http(address: &str) -> HttpOptions {
    HttpOptions::new(address).unwrap()
}

fn websocket(address: &str) -> WebSocketOptions {
    WebSocketOptions::new(address).unwrap()
}

fn sse(address: &str) -> SseOptions {
    SseOptions::new(address).unwrap()
}

/// A server that is closed at the end of the test.
struct StartedServer(Running);

impl StartedServer {
    fn new(server: &Server, options: ServeOptions) -> StartedServer {
        StartedServer(server.start(options).unwrap())
    }

    fn address(&self) -> SocketAddr {
        self.0.http_address().expect("HTTP is served")
    }

    /// The status of the response, its body, and its header `Allow`.
    fn ask(&self, method: &str, path: &str, headers: &[(&str, &str)]) -> (u16, String, Option<String>) {
        let mut client = Client::new(self.address());
        client.path = path.into();
        client.send(method, headers, b"");
        let reply = client.reply();
        let allow = reply.header("allow").map(str::to_owned);
        (reply.status, String::from_utf8(reply.body).unwrap(), allow)
    }

    /// Whether the endpoint of Streamable HTTP answers at this path.
    fn is_endpoint(&self, path: &str) -> bool {
        let mut client = Client::new(self.address());
        client.path = path.into();
        client.post(&[], &initialize("2025-11-25")).status == 200
    }
}

impl Drop for StartedServer {
    fn drop(&mut self) {
        self.0.close();
        assert!(self.0.wait_for(Duration::from_secs(30)), "the server ends");
    }
}

#[test]
fn two_routes_with_one_path_are_refused_by_their_names() {
    let options = |path: &str| ServeOptions::new().http(http(&format!("127.0.0.1:0{path}")));
    for (options, path, names) in [
        (options("/a").websocket(websocket("/a")), "/a", ["Streamable HTTP", "WebSocket"]),
        (options("/a").sse(sse("/a")), "/a", ["Streamable HTTP", "HTTP+SSE"]),
        (options("/a").websocket(websocket("/b")).websocket(websocket("/b")), "/b", ["WebSocket"; 2]),
        // The second path of HTTP+SSE, to which messages are posted.
        (options("/v1/messages").sse(sse("/v1/sse")), "/v1/messages", ["Streamable HTTP", "HTTP+SSE"]),
        (
            options("/a").sse(sse("/x/b")).websocket(websocket("/x/messages")),
            "/x/messages",
            ["HTTP+SSE", "WebSocket"],
        ),
    ] {
        let error = Server::new("twice", "1").start(options).err().expect("a path is used twice");
        assert_eq!(error.kind(), ErrorKind::Invalid);
        let said = error.message();
        let wanted = format!("{path} is used twice, by {} and by {}:", names[0], names[1]);
        assert!(said.starts_with("http://127.0.0.1:") && said.contains(&wanted), "{said}");
    }
}

#[test]
fn an_exact_path_is_preferred_to_the_prefix_of_the_pages() {
    let server = Server::new("table", "1");
    server.page("/mcp/more", HTML, "more").unwrap();
    server.page("/mcpx", HTML, "beside").unwrap();
    server.page("/", HTML, "root").unwrap();
    let up = StartedServer::new(&server, ServeOptions::new().http(http("0")));
    assert!(up.is_endpoint("/mcp") && up.is_endpoint("/mcp/"));
    for (path, body) in [("/mcp/more", "more"), ("/mcpx", "beside"), ("/", "root")] {
        assert_eq!(up.ask("GET", path, &[]).1, body, "{path}");
    }
    for path in ["/mcp//", "/mcp/more/", "/MCP", "/other", "//"] {
        assert_eq!(up.ask("GET", path, &[]).0, 404, "{path}");
    }
}

#[test]
fn an_endpoint_at_the_root_leaves_other_paths_to_the_pages() {
    let server = Server::new("table", "1");
    server.page("/a", HTML, "page").unwrap();
    let up = StartedServer::new(&server, ServeOptions::new().http(http("127.0.0.1:0/")));
    assert!(up.is_endpoint("/"));
    assert_eq!(up.ask("GET", "/a", &[]).1, "page");
    assert_eq!(up.ask("GET", "/b", &[]).0, 404);
}

#[test]
fn the_order_of_the_options_does_not_matter() {
    let server = |options: ServeOptions| StartedServer::new(&Server::new("table", "1"), options);
    let (mcp, ws, events) = (http("0"), websocket("/mcp/ws"), sse("/mcp/sse"));
    for up in [
        server(ServeOptions::new().http(mcp.clone()).websocket(ws.clone()).sse(events.clone())),
        server(ServeOptions::new().sse(events).websocket(ws).http(mcp)),
    ] {
        assert!(up.is_endpoint("/mcp") && !up.is_endpoint("/mcp/ws") && !up.is_endpoint("/mcp/sse"));
        assert_eq!(up.ask("GET", "/mcp/ws", &[]).0, 426);
        assert_eq!(up.ask("GET", "/mcp/ws/", &[]).0, 426);
        assert_eq!(up.ask("POST", "/mcp/sse", &[]).2.as_deref(), Some("GET, OPTIONS"));
        assert_eq!(up.ask("GET", "/mcp/messages", &[]).2.as_deref(), Some("POST, OPTIONS"));
    }
}

#[test]
fn methods_that_a_route_does_not_have_are_refused() {
    let server = Server::new("table", "1");
    server.page("/page", HTML, "page").unwrap();
    let options = ServeOptions::new().http(http("0")).websocket(websocket("/ws")).sse(sse("/sse"));
    let up = StartedServer::new(&server, options);
    for (path, method, allowed, what) in [
        ("/ws", "POST", "GET", "open a WebSocket with GET"),
        ("/ws", "OPTIONS", "GET", "open a WebSocket with GET"),
        ("/mcp", "PUT", "GET, POST, DELETE, OPTIONS", "use POST, GET or DELETE"),
        ("/sse", "PUT", "GET, OPTIONS", "open the event stream with GET"),
        ("/messages", "GET", "POST, OPTIONS", "send messages with POST"),
        ("/page", "POST", "GET, HEAD, OPTIONS", "use GET or HEAD"),
    ] {
        let (status, body, allow) = up.ask(method, path, &[]);
        assert_eq!((status, allow.as_deref()), (405, Some(allowed)), "{method} {path}");
        assert!(body.contains("Method not allowed") && body.contains(what), "{method} {path}: {body}");
    }
    // The method of a WebSocket is checked before the origin, and that of HTTP+SSE after it.
    let foreign = [("origin", "https://app.example.com")];
    assert_eq!(up.ask("POST", "/ws", &foreign).0, 405);
    assert_eq!(up.ask("GET", "/ws", &foreign).0, 403);
    assert_eq!(up.ask("PUT", "/sse", &foreign).0, 403);
}

#[test]
fn a_target_that_is_no_path_is_not_found() {
    let up = StartedServer::new(&Server::new("table", "1"), ServeOptions::new().http(http("0")));
    assert_eq!(up.ask("OPTIONS", "*", &[]).0, 404);
}
