//! Proxies that environment variables name.

use crate::support::authority::Authority;
use crate::support::network::TestNetwork;
use crate::support::peer::{Connection, Peer, ok};
use crate::support::{client, discovered, error, get, options, says, send};
use rustls::{ServerConfig, ServerConnection, Stream};
use std::io::{Read, Write};
use std::process::Command;
use std::sync::Arc;
use tenon_mcp::__private::{HttpClient, HttpClientOptions, SystemNetwork};

const PUBLIC: &str = "93.184.215.14";

/// A proxy that answers a CONNECT, and is then the server itself.
fn tunnelling(config: Arc<ServerConfig>) -> Peer {
    Peer::start(move |connection| {
        if connection.request().is_some() {
            connection.say("HTTP/1.1 200 Connected\r\n\r\n");
            serve_tls(connection, config.clone());
        }
    })
}

fn serve_tls(connection: &mut Connection, config: Arc<ServerConfig>) {
    let mut session = ServerConnection::new(config).unwrap();
    let mut stream = Stream::new(&mut session, connection);
    let mut text = Vec::new();
    let mut byte = [0];
    while stream.read(&mut byte).is_ok_and(|read| read == 1) {
        text.push(byte[0]);
        if text.ends_with(b"\r\n\r\n") {
            let line = String::from_utf8(std::mem::take(&mut text)).unwrap();
            let _ = stream.write_all(ok(line.lines().next().unwrap()).as_bytes());
        }
    }
}

fn network(proxy: &Peer, variable: &str) -> TestNetwork {
    TestNetwork::default().variable(variable, &format!("http://us%40er:sesame@{}", proxy.address))
}

#[test]
fn https_goes_through_a_tunnel() {
    let authority = Authority::new();
    let proxy = tunnelling(authority.server("a.example"));
    let network = network(&proxy, "HTTPS_PROXY").root(authority.root());
    let client = client(network.clone());
    let mut request = get("https://a.example/x?y");
    request.headers.insert("authorization", "secret".parse().unwrap());
    for _ in 0..2 {
        assert_eq!(send(&client, request.clone()).unwrap().body, "GET /x?y HTTP/1.1");
    }
    let connect = proxy.request().to_ascii_lowercase();
    assert!(connect.starts_with("connect a.example:443 http/1.1\r\n"), "{connect}");
    assert!(connect.contains("\r\nhost: a.example:443\r\n"), "{connect}");
    assert!(connect.contains("\r\nproxy-authorization: basic dxnazxi6c2vzyw1l\r\n"), "{connect}");
    assert!(!connect.contains("secret"), "the proxy sees no header of the request");
    assert_eq!(proxy.accepted(), 0, "the tunnel is reused");
    assert_eq!(network.seen(), ["127.0.0.1"], "the proxy resolves the name");
}

#[test]
fn http_is_forwarded() {
    let proxy = Peer::start(|connection| connection.answer_all(&ok("forwarded")));
    let client = client(network(&proxy, "http_proxy"));
    for _ in 0..2 {
        assert_eq!(send(&client, get("http://a.example:81/x?y")).unwrap().body, "forwarded");
        let request = proxy.request().to_ascii_lowercase();
        assert!(request.starts_with("get http://a.example:81/x?y http/1.1\r\n"), "{request}");
        assert!(request.contains("\r\nhost: a.example:81\r\n"), "{request}");
        assert!(request.contains("\r\nproxy-authorization: basic dxnazxi6c2vzyw1l\r\n"), "{request}");
    }
    assert_eq!(proxy.accepted(), 0, "the connection is reused");
}

#[test]
fn no_proxy_goes_directly() {
    let proxy = Peer::start(|connection| connection.answer_all(&ok("proxy")));
    let server = Peer::start(|connection| connection.answer_all(&ok("server")));
    let network = network(&proxy, "ALL_PROXY").variable("NO_PROXY", "127.0.0.0/8,.direct.example");
    let network = network.name("a.direct.example", &[PUBLIC]).route(PUBLIC, server.address);
    let client = client(network);
    for (url, from) in [
        (server.url("/"), "server"),
        ("http://a.direct.example/".to_owned(), "server"),
        ("http://a.example/".to_owned(), "proxy"),
    ] {
        assert_eq!(send(&client, get(&url)).unwrap().body, from, "{url}");
    }
}

#[test]
fn a_proxy_with_tls_is_asked_over_tls() {
    let (outer, inner) = (Authority::new(), Authority::new());
    let config = inner.server("a.example");
    let proxy = Peer::start_tls(outer.server("127.0.0.1"), move |connection| {
        if connection.request().is_some() {
            connection.say("HTTP/1.1 200 Connected\r\n\r\n");
            serve_tls(connection, config.clone());
        }
    });
    let network = TestNetwork::default().variable("HTTPS_PROXY", &format!("https://{}", proxy.address));
    let client = client(network.root(outer.root()).root(inner.root()));
    assert_eq!(send(&client, get("https://a.example/x")).unwrap().body, "GET /x HTTP/1.1");
}

#[test]
fn a_proxy_that_fails_is_named() {
    for (answer, part) in [
        ("HTTP/1.1 407 No\r\nContent-Length: 0\r\n\r\n", "it requires a user and a password"),
        ("HTTP/1.1 502 <b>\r\nContent-Length: 0\r\n\r\n", "it answered 502 to CONNECT"),
        ("HTTP/1.1 302 F\r\nLocation: /\r\nContent-Length: 0\r\n\r\n", "it answered 302 to CONNECT"),
        ("SSH-2.0\r\n", "invalid"),
        ("", "closed"),
    ] {
        let proxy = Peer::start(move |connection| {
            connection.request();
            connection.say(answer);
        });
        let network = network(&proxy, "HTTPS_PROXY").root(Authority::new().root());
        let failed = error(&client(network), get("https://a.example/"));
        let start = format!("failed while connecting through the proxy: proxy http://{}: ", proxy.address);
        says(&failed, &["https://a.example/", &start, part]);
        assert!(!failed.to_string().contains("sesame"), "{failed}");
    }
    let gone = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let network = TestNetwork::default().variable("http_proxy", &gone.to_string());
    says(&error(&client(network), get("http://a.example/")), &["proxy http://127.0.0.1", "refused"]);
    let wrong = TestNetwork::default().variable("http_proxy", "socks5://u:secret@127.0.0.1:1");
    let failed = error(&client(wrong), get("http://127.0.0.1:1/"));
    says(&failed, &["variable http_proxy", "unsupported scheme socks5"]);
}

#[test]
fn a_slow_proxy_times_out() {
    let proxy = Peer::start(|connection| {
        connection.request();
        connection.closed();
    });
    let network = network(&proxy, "HTTPS_PROXY").root(Authority::new().root());
    let connect_timeout = std::time::Duration::from_millis(60);
    let client = HttpClient::new(HttpClientOptions { connect_timeout, ..options(network) });
    says(
        &error(&client, get("https://a.example/")),
        &["timed out after 0.06 s while connecting through the proxy"],
    );
    proxy.closed();
}

#[test]
fn a_url_of_a_peer_is_checked_before_the_proxy_is_asked() {
    let authority = Authority::new();
    let proxy = tunnelling(authority.server("a.example"));
    let network = network(&proxy, "HTTPS_PROXY").root(authority.root());
    let network = network.name("a.example", &[PUBLIC]).name("b.example", &["10.0.0.1"]);
    let client = client(network);
    for url in ["https://b.example/", "https://127.0.0.1/", "https://[::1]/", "https://169.254.169.254/"] {
        says(&error(&client, discovered(url)), &["is refused"]);
    }
    assert_eq!(proxy.accepted(), 0);
    assert_eq!(send(&client, discovered("https://a.example/")).unwrap().body, "GET / HTTP/1.1");
    assert_eq!(proxy.accepted(), 1);
}

/// The name of the variable that makes this program the child of the next test.
const CHILD: &str = "TENON_OUTGOING_CHILD";

#[test]
fn the_environment_of_the_process_is_read() {
    if let Ok(url) = std::env::var(CHILD) {
        let client = client(SystemNetwork);
        assert_eq!(send(&client, get("http://a.example/")).unwrap().body, "proxy");
        assert_eq!(send(&client, get(&url)).unwrap().body, "server");
        let failed = error(&client, get(&url.replace("http:", "https:")));
        says(&failed, &["no root certificate was found in SSL_CERT_FILE=/nowhere/roots.pem", "No such file"]);
        return;
    }
    let proxy = Peer::start(|connection| connection.answer_all(&ok("proxy")));
    let server = Peer::start(|connection| connection.answer_all(&ok("server")));
    let mut child = Command::new(std::env::current_exe().unwrap());
    child.args(["--exact", "proxies::the_environment_of_the_process_is_read", "--nocapture"]);
    for name in [
        "HTTP_PROXY",
        "HTTPS_PROXY",
        "https_proxy",
        "all_proxy",
        "NO_PROXY",
        "REQUEST_METHOD",
        "SSL_CERT_DIR",
    ] {
        child.env_remove(name);
    }
    child.env("http_proxy", proxy.address.to_string()).env("no_proxy", "127.0.0.1");
    child.env("SSL_CERT_FILE", "/nowhere/roots.pem").env(CHILD, server.url("/"));
    let done = child.output().unwrap();
    assert!(
        done.status.success(),
        "{}{}",
        String::from_utf8_lossy(&done.stdout),
        String::from_utf8_lossy(&done.stderr)
    );
    assert!(String::from_utf8_lossy(&done.stdout).contains("1 passed"), "the child has run the test");
}
