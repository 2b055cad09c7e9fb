//! Sockets and streams that the program passes to the server.

use crate::client::{Client, Stream, TestServer, WAIT_LIMIT, close, connect, text};
use serde_json::json;
use std::fs::File;
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::os::fd::OwnedFd;
use std::os::unix::net::{UnixListener, UnixStream};
use std::time::Duration;
use tenon_mcp::{ErrorKind, HttpOptions, ServeOptions};

fn tcp() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    (client, listener.accept().unwrap().0)
}

/// Serves one client on a connection. The server ends when the client ends its input.
fn one<S: Stream>(served: &TestServer, client: S, socket: impl Into<OwnedFd>) {
    let running = served.start(ServeOptions::new().socket(socket));
    let mut client = Client::on(client);
    assert!(client.is_served());
    client.call(1, "gate", json!({}));
    assert!(client.is_served());
    client.stream.end_input();
    served.gate.add_permits(1);
    assert_eq!(client.rest().iter().map(text).collect::<Vec<_>>(), ["through"]);
    assert!(running.wait_for(WAIT_LIMIT), "the server ends with its only client");
}

#[test]
fn a_connected_socket_is_one_client_with_which_the_server_ends() {
    for served in [TestServer::new(), TestServer::new().apart()] {
        let (client, socket) = UnixStream::pair().unwrap();
        one(&served, client, socket);
        let (client, socket) = tcp();
        one(&served, client, socket);
    }
}

#[test]
fn of_several_connections_the_last_one_ends_the_server() {
    let served = TestServer::new().apart();
    let (first, one) = UnixStream::pair().unwrap();
    let (second, two) = UnixStream::pair().unwrap();
    let running = served.start(ServeOptions::new().socket(one).socket(two));
    drop(Client::on(first));
    let mut second = Client::on(second);
    assert!(second.is_served() && !running.is_closed());
    drop(second);
    assert!(running.wait_for(WAIT_LIMIT));
}

#[test]
fn a_listening_socket_serves_whoever_comes_and_its_file_stays() {
    for served in [TestServer::new(), TestServer::new().apart()] {
        let path = served.path();
        let listener = UnixListener::bind(&path).unwrap();
        let addresses = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = addresses.local_addr().unwrap();
        let running = served.start(ServeOptions::new().socket(listener).socket(addresses));
        let mut clients: Vec<Client> = (0..10).map(|_| connect(&path)).collect();
        let mut others: Vec<_> = (0..10).map(|_| Client::on(TcpStream::connect(address).unwrap())).collect();
        assert!(clients.iter_mut().all(Client::is_served));
        assert!(others.iter_mut().all(Client::is_served));
        clients.clear();
        assert!(others.iter_mut().all(Client::is_served) && !running.is_closed());
        close(&running);
        assert!(path.exists() && UnixStream::connect(&path).is_err());
    }
}

/// Each address has a share of the connections for clients over TCP. Clients of a Unix socket have no address.
#[test]
fn an_address_has_a_share_of_a_listening_socket() {
    let served = TestServer::with(|limits| (limits.max_connections, limits.max_address_calls) = (4, 1));
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let path = served.path();
    let unix = UnixListener::bind(&path).unwrap();
    let running = served.start(ServeOptions::new().socket(listener).socket(unix));
    let connect_tcp = || Client::on(TcpStream::connect(address).unwrap());
    let mut clients: Vec<_> = (0..3).map(|_| connect_tcp()).collect();
    assert!(clients.iter_mut().all(Client::is_served));
    let refused = connect_tcp().rest();
    assert_eq!(refused.len(), 1);
    assert!(refused[0].get("id").is_none(), "{refused:?}");
    assert_eq!(refused[0]["error"]["code"], -32603);
    assert!(
        refused[0]["error"]["message"].as_str().unwrap().contains("max_address_connections"),
        "{refused:?}"
    );
    // One call of all three.
    clients[0].call(1, "gate", serde_json::json!({}));
    crate::client::until("it has begun", || served.server.engine().in_flight() == 1);
    clients[1].call(2, "echo", serde_json::json!({ "text": "here" }));
    let refused = clients[1].receive().unwrap();
    assert!(refused["error"]["message"].as_str().unwrap().contains("max_address_calls"), "{refused}");
    let mut local: Vec<Client> = (0..4).map(|_| connect(&path)).collect();
    assert!(local.iter_mut().all(Client::is_served));
    served.gate.add_permits(1);
    assert_eq!(clients[0].receive().unwrap()["id"], 1);
    assert!(clients[1].is_served());
    close(&running);
}

/// Each address has a share of the listen streams too.
#[test]
fn an_address_has_a_share_of_the_listen_streams() {
    let served = TestServer::with(|limits| limits.max_address_streams = 1);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let path = served.path();
    let unix = UnixListener::bind(&path).unwrap();
    let running = served.start(ServeOptions::new().socket(listener).socket(unix));
    let connect_tcp = || Client::on(TcpStream::connect(address).unwrap());
    let listen = |id: u64| {
        let mut request = crate::client::call(id, "none", serde_json::json!({}));
        request["method"] = "subscriptions/listen".into();
        request["params"]["notifications"] = serde_json::json!({ "toolsListChanged": true });
        request
    };
    let (mut one, mut two) = (connect_tcp(), connect_tcp());
    one.send(&listen(1));
    assert_eq!(one.receive().unwrap()["method"], "notifications/subscriptions/acknowledged");
    two.send(&listen(2));
    let refused = two.receive().unwrap();
    assert!(refused["error"]["message"].as_str().unwrap().contains("max_address_streams"), "{refused}");
    let mut local: Client = connect(&path);
    for id in 1..=2 {
        local.send(&listen(id));
        assert_eq!(local.receive().unwrap()["method"], "notifications/subscriptions/acknowledged");
    }
    // It is given back with the connection.
    drop(one);
    crate::client::until("there is room", || {
        two.send(&listen(3));
        two.receive().unwrap()["method"] == "notifications/subscriptions/acknowledged"
    });
    close(&running);
}

#[test]
fn http_is_served_on_a_listening_socket() {
    let served = TestServer::new();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let path = served.path();
    let unix = UnixListener::bind(&path).unwrap();
    let options = ServeOptions::new()
        .http(HttpOptions::socket(listener).path("/here").unwrap())
        .http(HttpOptions::socket(unix));
    let running = served.start(options);
    assert_eq!(running.http_addresses().collect::<Vec<_>>(), [address]);
    let urls: Vec<_> = running.http_urls().collect();
    assert_eq!(urls, [format!("http://{address}/here"), format!("unix:{}:/mcp", path.display())]);
    let (status, _) = crate::http::post(TcpStream::connect(address).unwrap(), "/here", "localhost", "");
    assert_eq!(status, 200);
    let (status, _) = crate::http::post(UnixStream::connect(&path).unwrap(), "/mcp", "localhost", "");
    assert_eq!(status, 200);
    close(&running);
    assert!(path.exists());
}

#[test]
fn what_cannot_be_served_is_told() {
    let served = TestServer::new();
    let refused = |options: ServeOptions, what: &str| {
        let error = served.refused(options);
        assert_eq!(error.kind(), ErrorKind::Invalid, "{error}");
        assert!(error.to_string().contains(what), "{error}");
    };
    let lines = |socket: OwnedFd| ServeOptions::new().socket(socket);
    let http = |socket: OwnedFd| ServeOptions::new().http(HttpOptions::socket(socket));
    refused(lines(File::open("/dev/null").unwrap().into()), "not a socket");
    refused(http(File::open("/dev/null").unwrap().into()), "not a socket");
    refused(lines(UdpSocket::bind("127.0.0.1:0").unwrap().into()), "not a stream socket");
    refused(http(UnixStream::pair().unwrap().0.into()), "it is connected");
    let bound =
        rustix::net::socket(rustix::net::AddressFamily::INET, rustix::net::SocketType::STREAM, None).unwrap();
    refused(lines(bound), "neither connected nor listening");
    assert!(HttpOptions::new("8000").unwrap().path("mcp").is_err());
}

#[test]
fn over_tcp_a_page_in_a_browser_calls_nothing() {
    // What a page can send anywhere is HTTP, with lines in its body.
    let served = TestServer::new();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let running = served.start(ServeOptions::new().socket(listener));
    let mut page = Client::on(TcpStream::connect(address).unwrap());
    let call = crate::client::call(1, "never", json!({}));
    page.send_bytes(format!("POST / HTTP/1.1\r\nhost: {address}\r\n\r\n{call}\n").as_bytes());
    let rest = page.rest();
    assert!(rest.len() <= 1 && rest.iter().all(|answer| answer["error"]["code"] == -32700), "{rest:?}");
    assert!(served.seen.try_recv().is_err() && served.server.engine().in_flight() == 0);
    // A client whose first message is faulty in another way is told (BAD-1).
    let mut client = Client::on(TcpStream::connect(address).unwrap());
    client.send_bytes(b"  {\"half\n");
    assert_eq!(client.receive().unwrap()["error"]["code"], -32700);
    assert!(client.is_served());
    // Later lines may be anything, and on Unix sockets the first one too.
    client.send_bytes(b"nonsense\n");
    assert_eq!(client.receive().unwrap()["error"]["code"], -32700);
    assert!(client.is_served());
    running.close_within(Duration::ZERO);
    assert!(running.wait_for(WAIT_LIMIT));
}
