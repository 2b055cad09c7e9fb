//! Fixed pages: the paths and the clients for which the listeners answer with them.

use crate::support::client::{Client, Reply};
use crate::{initialize, request};
use serde_json::json;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::net::UnixStream;
use std::time::Duration;
use tenon_mcp::http::{Access, EmbedOptions, HttpService};
use tenon_mcp::{
    ErrorKind, HttpOptions, Limits, Running, ServeOptions, Server, SseOptions, WebSocketOptions,
};

const HTML: &str = "text/html; charset=utf-8";
const PAGE: &str = "<!doctype html><title>Grüße</title>";

fn server() -> Server {
    let server = Server::new("pages", "1.0.0");
    server.page("/", HTML, PAGE).unwrap();
    server
}

fn http(address: &str) -> HttpOptions {
    HttpOptions::new(address).unwrap()
}

fn websocket(address: &str) -> WebSocketOptions {
    WebSocketOptions::new(address).unwrap()
}

/// A server that is closed at the end of the test.
struct StartedServer(Running);

impl StartedServer {
    fn new(server: &Server, options: ServeOptions) -> StartedServer {
        StartedServer(server.start(options).unwrap())
    }

    fn address(&self) -> SocketAddr {
        self.0.http_address().unwrap_or_else(|| {
            let url = self.0.websocket_url().expect("an address");
            url["ws://".len()..].split('/').next().unwrap().parse().unwrap()
        })
    }

    fn client(&self, path: &str) -> Client {
        let mut client = Client::new(self.address());
        client.path = path.into();
        client
    }

    fn get(&self, path: &str, headers: &[(&str, &str)]) -> Reply {
        ask(&mut self.client(path), "GET", headers)
    }
}

impl Drop for StartedServer {
    fn drop(&mut self) {
        self.0.close();
        assert!(self.0.wait_for(Duration::from_secs(30)), "the server ends");
    }
}

fn ask(client: &mut Client, method: &str, headers: &[(&str, &str)]) -> Reply {
    client.send(method, headers, b"");
    client.reply()
}

fn up(server: &Server) -> StartedServer {
    StartedServer::new(server, ServeOptions::new().http(http("0")))
}

#[test]
fn a_page_is_answered_on_the_connection_of_everything_else() {
    let up = up(&server());
    let mut client = up.client("/");
    let page = ask(&mut client, "GET", &[]);
    assert_eq!((page.status, &*page.body), (200, PAGE.as_bytes()));
    assert_eq!(page.header("content-type"), Some(HTML));
    assert_eq!(page.header("content-length"), Some(&*PAGE.len().to_string()));
    assert_eq!(page.header("cache-control"), Some("no-cache"));
    assert_eq!(page.header("x-content-type-options"), Some("nosniff"));
    assert_eq!(page.header("access-control-allow-origin"), None);
    assert_eq!(page.header("transfer-encoding"), None);
    assert!(page.header("connection").is_none() && page.header("date").is_some(), "{page:?}");
    let etag = page.header("etag").unwrap().to_owned();
    assert!(etag.starts_with('"') && etag.ends_with('"') && etag.len() > 12, "{etag}");
    // HEAD has the same head, and nothing behind it.
    client.send("HEAD", &[], b"");
    let (status, mut headers) = client.read_head().unwrap();
    let mut same = page.headers.clone();
    headers.remove("date");
    same.remove("date");
    assert_eq!((status, &headers), (200, &same));
    for tag in [&*etag, &format!("W/{etag}"), "*", &format!("\"other\", {etag}")] {
        for method in ["GET", "HEAD"] {
            client.send(method, &[("if-none-match", tag)], b"");
            let (status, headers) = client.read_head().unwrap();
            assert_eq!((status, headers.get("etag").map(String::as_str)), (304, Some(&*etag)), "{tag}");
            assert_eq!(headers.get("cache-control").map(String::as_str), Some("no-cache"));
            assert!(!headers.contains_key("content-type"), "{headers:?}");
        }
    }
    assert_eq!(ask(&mut client, "GET", &[("if-none-match", "\"other\"")]).status, 200);
    // The query is the page's affair.
    client.path = "/?code=1&state=2".into();
    assert_eq!(ask(&mut client, "GET", &[]).body, PAGE.as_bytes());
    client.path = "http://localhost/".into();
    assert_eq!(ask(&mut client, "GET", &[]).body, PAGE.as_bytes(), "as a proxy asks");
    client.path = "/mcp".into();
    assert_eq!(client.post(&[], &initialize("2025-11-25")).status, 200);
}

#[test]
fn other_methods_are_refused_and_the_connection_stays() {
    let up = up(&server());
    let mut client = up.client("/");
    for method in ["POST", "PUT", "DELETE", "PATCH", "BREW"] {
        let refused = ask(&mut client, method, &[]);
        assert_eq!((refused.status, refused.header("allow")), (405, Some("GET, HEAD, OPTIONS")), "{method}");
    }
    client.send("POST", &[], &[b'x'; 5000]);
    assert_eq!(client.reply().status, 405);
    client.send("GET", &[], b"a body that nobody wants");
    assert_eq!(client.reply().status, 200);
    assert_eq!(ask(&mut client, "GET", &[]).status, 200);
}

#[test]
fn paths_are_exact() {
    let server = server();
    server.page("/a", "text/css", "a{}").unwrap();
    server.page("/caf%C3%A9", "text/plain", "un").unwrap();
    let up = up(&server);
    let mut client = up.client("/a");
    assert_eq!(ask(&mut client, "GET", &[]).header("content-type"), Some("text/css"));
    for path in ["/a/", "/A", "//a", "/a/../a", "/%61", "/ab", "//", "/index.html", "/caf%c3%a9", "*"] {
        client.path = path.into();
        let nothing = ask(&mut client, "GET", &[]);
        assert_eq!((nothing.status, nothing.body.len()), (404, 0), "{path}");
    }
    client.path = "/caf%C3%A9".into();
    assert_eq!(ask(&mut client, "GET", &[]).body, b"un");
}

/// A page whose host name resolves to this machine does not count as a local page.
#[test]
fn hosts_are_those_of_the_endpoint() {
    let local = up(&server());
    for (host, status) in
        [("localhost", 200), ("127.0.0.1:1", 200), ("[::1]", 200), ("evil.example", 403), ("localhost.", 403)]
    {
        assert_eq!(local.get("/", &[("host", host)]).status, status, "{host}");
    }
    let mut client = local.client("/");
    client.send_raw(b"GET / HTTP/1.1\r\n\r\n");
    assert_eq!(client.reply().status, 400, "it names no host");
    client.send_raw(b"GET / HTTP/1.1\r\nhost: localhost\r\nhost: evil.example\r\n\r\n");
    assert_eq!(client.reply().status, 400, "it names two");
    let named =
        StartedServer::new(&server(), ServeOptions::new().http(http("0").allowed_hosts(["mcp.example.com"])));
    assert_eq!(named.get("/", &[("host", "mcp.example.com")]).status, 200);
    assert_eq!(named.get("/", &[("host", "other.example.com")]).status, 403);
    // Whoever comes from elsewhere gets the page, and its script cannot read it.
    let foreign = local.get("/", &[("origin", "https://evil.example")]);
    assert_eq!((foreign.status, foreign.header("access-control-allow-origin")), (200, None));
}

#[test]
fn scripts_of_allowed_origins_may_read_a_page() {
    let page = "https://app.example.com";
    let options = http("0").allowed_origins([page]).allowed_headers(["X-Custom-Auth"]);
    let up = StartedServer::new(&server(), ServeOptions::new().http(options));
    let mut client = up.client("/");
    let read = ask(&mut client, "GET", &[("origin", page)]);
    assert_eq!((read.status, read.header("access-control-allow-origin")), (200, Some(page)));
    // The same address has another answer without the header, so a cache must keep both apart.
    for headers in [&[][..], &[("origin", page)], &[("if-none-match", read.header("etag").unwrap())]] {
        assert_eq!(ask(&mut client, "GET", headers).header("vary"), Some("Origin"), "{headers:?}");
    }
    let asks = [
        ("origin", page),
        ("access-control-request-method", "GET"),
        ("access-control-request-headers", "x-custom-auth"),
    ];
    let preflight = ask(&mut client, "OPTIONS", &asks);
    assert_eq!((preflight.status, preflight.body.len()), (204, 0));
    assert_eq!(preflight.header("access-control-allow-origin"), Some(page));
    assert_eq!(preflight.header("access-control-allow-methods"), Some("GET, HEAD, OPTIONS"));
    let allowed = preflight.header("access-control-allow-headers").unwrap();
    assert!(allowed.split(", ").any(|name| name == "x-custom-auth"), "{allowed}");
    let foreign = ask(&mut client, "OPTIONS", &[("origin", "https://evil.example")]);
    assert_eq!((foreign.status, foreign.header("access-control-allow-origin")), (403, None));
    let bare = ask(&mut client, "OPTIONS", &[]);
    assert_eq!((bare.status, bare.header("allow")), (204, Some("GET, HEAD, OPTIONS")));
    assert_eq!(bare.header("access-control-allow-headers"), None);
}

/// A site that shows the page in a frame could make its visitor click something that the visitor does not see.
#[test]
fn frames_are_for_those_who_may_call() {
    let policy = |http: HttpOptions| {
        let up = StartedServer::new(&server(), ServeOptions::new().http(http));
        up.get("/", &[("host", "localhost")]).header("content-security-policy").map(str::to_owned)
    };
    let own = "frame-ancestors 'self'".to_owned();
    let local = "http://localhost:* https://localhost:* http://127.0.0.1:* https://127.0.0.1:*";
    assert_eq!(policy(http("127.0.0.1:0")), Some(format!("{own} {local}")));
    assert_eq!(policy(http("0.0.0.0:0")), Some(own.clone()));
    let named = ["https://a.example:8443", "null"];
    assert_eq!(policy(http("0.0.0.0:0").allowed_origins(named)), Some(format!("{own} {}", named[0])));
    assert_eq!(policy(http("0.0.0.0:0").allowed_origins(["*"])), None);
}

#[test]
fn pages_change_while_they_are_served() {
    let server = server();
    let up = up(&server);
    let mut client = up.client("/");
    let first = ask(&mut client, "GET", &[]).header("etag").unwrap().to_owned();
    server.page("/", HTML, "two").unwrap();
    let second = ask(&mut client, "GET", &[("if-none-match", &first)]);
    assert_eq!((second.status, &*second.body), (200, &b"two"[..]));
    server.page("/", "text/plain", "two").unwrap();
    assert_ne!(
        ask(&mut client, "GET", &[]).header("etag"),
        second.header("etag"),
        "another type is another page"
    );
    assert!(server.remove_page("/") && !server.remove_page("/"));
    assert_eq!(ask(&mut client, "GET", &[]).status, 404);
    server.page("/later", "application/octet-stream", vec![0, 255]).unwrap();
    client.path = "/later".into();
    assert_eq!(ask(&mut client, "GET", &[]).body, [0, 255]);
    server.page("/later", HTML, "").unwrap();
    let empty = ask(&mut client, "GET", &[]);
    assert_eq!((empty.status, empty.header("content-length")), (200, Some("0")));
}

#[test]
fn every_listener_has_them_whatever_it_speaks() {
    let folder = std::env::temp_dir().join(format!("tenon-pages-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let path = folder.join("socket");
    let (unix, sse) = (http(&format!("unix:{}", path.display())), SseOptions::new("127.0.0.1:0").unwrap());
    let options = ServeOptions::new().http(http("0")).http(unix).websocket(websocket("0")).sse(sse);
    let up = StartedServer::new(&server(), options);
    let addresses: Vec<_> = [up.0.http_url(), up.0.websocket_url(), up.0.sse_url()]
        .into_iter()
        .map(|url| url.unwrap().split('/').nth(2).unwrap().to_owned())
        .collect();
    assert!(addresses[0] != addresses[1] && addresses[1] != addresses[2]);
    let head = "GET / HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n";
    let read = |mut stream: Box<dyn ReadWrite>| {
        stream.write_all(head.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    };
    for address in addresses {
        let answer = read(Box::new(TcpStream::connect(&address).unwrap()));
        assert!(answer.starts_with("HTTP/1.1 200 ") && answer.ends_with(PAGE), "{address}: {answer}");
    }
    let answer = read(Box::new(UnixStream::connect(&path).unwrap()));
    assert!(answer.starts_with("HTTP/1.1 200 ") && answer.ends_with(PAGE), "{answer}");
    drop(up);
    std::fs::remove_dir_all(folder).unwrap();
}

trait ReadWrite: Read + Write {}
impl<T: Read + Write> ReadWrite for T {}

#[test]
fn paths_of_transports_are_refused() {
    let start = |paths: &[&str], options: ServeOptions| {
        let server = Server::new("pages", "1.0.0");
        paths.iter().for_each(|path| server.page(path, HTML, PAGE).unwrap());
        server.start(options).map(StartedServer).err().map(|error| (error.kind(), error.to_string()))
    };
    let all = || {
        let sse = SseOptions::new("/v1/sse").unwrap();
        ServeOptions::new().http(http("127.0.0.1:0/v1/mcp")).websocket(websocket("/ws")).sse(sse)
    };
    for (path, what) in [
        ("/v1/mcp", "Streamable HTTP"),
        ("/v1/mcp/", "Streamable HTTP"),
        ("/ws", "WebSocket"),
        ("/ws/", "WebSocket"),
        ("/v1/sse", "HTTP+SSE"),
        ("/v1/messages", "HTTP+SSE"),
    ] {
        let (kind, said) = start(&["/", path], all()).expect("it cannot start");
        assert_eq!(kind, ErrorKind::Invalid);
        assert!(said.contains(&format!("page {path:?}: {what} is served at ")), "{said}");
    }
    assert_eq!(start(&["/", "/mcp", "/v1", "/sse"], all()), None);
    let (_, said) = start(&["/"], ServeOptions::new().http(http("127.0.0.1:0/"))).expect("it cannot start");
    assert!(said.contains("page \"/\": Streamable HTTP is served at /;"), "{said}");
    // Told at once where it is known, and forgotten with the end.
    let server = server();
    let running = StartedServer::new(&server, all());
    let refused = server.page("/ws", HTML, PAGE).unwrap_err().to_string();
    assert!(refused.contains("page \"/ws\": WebSocket is served at /ws;"), "{refused}");
    server.page("/mcp", HTML, PAGE).unwrap();
    drop(running);
    server.page("/ws", HTML, PAGE).unwrap();
    // A start that failed has left nothing behind.
    assert!(server.start(all()).is_err());
    assert!(server.remove_page("/ws"));
    assert_eq!(StartedServer::new(&server, all()).get("/mcp", &[]).body, PAGE.as_bytes());
}

#[test]
fn what_is_no_page_is_refused() {
    let limits = |change: fn(&mut Limits)| {
        let mut limits = Limits::default();
        change(&mut limits);
        Server::builder("pages", "1.0.0").limits(limits).build().unwrap()
    };
    let server = limits(|limits| (limits.max_pages, limits.max_page_bytes) = (1, 4));
    let refused = |path: &str, media: &str, body: &'static str| {
        let error = server.page(path, media, body).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid);
        error.to_string()
    };
    assert!(
        refused("index.html", HTML, "").contains("page \"index.html\": invalid path: it must begin with /")
    );
    assert!(refused("/a?b", HTML, "").contains("? or #"));
    assert!(refused("/a\r\n", HTML, "").contains("control"));
    assert!(refused("/", "html", "").contains("page \"/\": invalid content type \"html\""));
    assert!(refused("/", "text/html\r\nset-cookie: a=b", "").contains("content type"));
    assert!(refused("/", HTML, "12345").contains("5 bytes, more than max_page_bytes (4)"));
    server.page("/", HTML, "1234").unwrap();
    assert!(refused("/a", HTML, "").contains("max_pages (1)"));
    server.page("/", HTML, "").unwrap();
    let none = limits(|limits| limits.max_pages = 0);
    assert!(none.page("/", HTML, "").is_err());
}

/// A large page reaches a client that reads slowly, and does not use the budget of requests.
#[test]
fn a_page_takes_no_room_of_requests() {
    let mut limits = Limits::default();
    limits.max_buffered_bytes = 1;
    let server = Server::builder("pages", "1.0.0").limits(limits).build().unwrap();
    let body = vec![b'x'; 4 << 20];
    server.page("/", "text/plain", body.clone()).unwrap();
    let up = up(&server);
    let mut slow: Vec<_> = (0..8).map(|_| up.client("/")).collect();
    slow.iter_mut().for_each(|client| client.send("GET", &[], b""));
    let mut client = up.client("/mcp");
    assert_eq!(
        client.post(&[], &request(1, "ping", json!({}))).status,
        400,
        "it has no session, and was read"
    );
    for client in &mut slow {
        assert!(client.reply().body == body);
    }
}

/// There, the program owns the paths.
#[test]
fn an_embedded_endpoint_and_an_outer_server_have_none() {
    let inner = server();
    let outer = Server::new("outer", "1.0.0");
    outer.mount(&inner, "in").unwrap();
    assert_eq!(up(&outer).get("/", &[]).status, 404);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let get = || http::Request::get("/").header("host", "localhost").body(String::new()).unwrap();
        let embedded = inner.service(EmbedOptions::new()).unwrap();
        assert_eq!(embedded.handle(get()).await.status(), 400, "a session is missing");
        let service = HttpService::new(&inner, Access::public());
        assert_eq!(service.handle(get()).await.status(), 400);
    });
}
