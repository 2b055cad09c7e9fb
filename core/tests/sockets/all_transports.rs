//! One server with every transport at once.

use crate::client::{Client, Stream, TestServer, WAIT_LIMIT, connect};
use serde_json::json;
use std::net::{TcpListener, TcpStream};
use std::os::unix::net::{UnixListener, UnixStream};
use std::time::Duration;
use tenon_mcp::transport::memory;
use tenon_mcp::{HttpOptions, ServeOptions, UnixOptions};

fn talks<S: Stream>(client: &mut Client<S>) {
    for _ in 0..20 {
        assert!(client.is_served());
    }
}

#[test]
fn all_are_served_at_once_and_end_together() {
    for served in [TestServer::new(), TestServer::new().apart()] {
        let file = |name: &str| served.directory.file(name);
        let (given, web) =
            (UnixListener::bind(file("given")).unwrap(), TcpListener::bind("127.0.0.1:0").unwrap());
        let addresses = (TcpListener::bind("127.0.0.1:0").unwrap(), web.local_addr().unwrap());
        let tcp = addresses.0.local_addr().unwrap();
        let (pair, socket) = UnixStream::pair().unwrap();
        let (pipes, ends) = UnixStream::pair().unwrap();
        let (mut within, stream) = memory();
        let unix = |name: &str| UnixOptions::new(file(name)).unwrap();
        let running = served.start(
            ServeOptions::new()
                .unix(unix("lines"))
                .unix(unix("more"))
                .http(HttpOptions::unix(unix("http")))
                .http(HttpOptions::new("0").unwrap())
                .http(HttpOptions::socket(web))
                .socket(given)
                .socket(addresses.0)
                .socket(socket)
                .stream(stream)
                .descriptors(ends.try_clone().unwrap().into(), ends.into()),
        );
        std::thread::scope(|scope| {
            for name in ["lines", "more", "given"] {
                let path = file(name);
                scope.spawn(move || talks(&mut connect(&path)));
            }
            scope.spawn(|| talks(&mut Client::on(TcpStream::connect(tcp).unwrap())));
            scope.spawn(|| talks(&mut Client::on(pair.try_clone().unwrap())));
            scope.spawn(|| talks(&mut Client::on(pipes.try_clone().unwrap())));
            for address in [running.http_address().unwrap(), addresses.1] {
                scope.spawn(move || {
                    for _ in 0..20 {
                        let stream = TcpStream::connect(address).unwrap();
                        assert_eq!(crate::http::post(stream, "/mcp", "localhost", "").0, 200);
                    }
                });
            }
            let path = file("http");
            scope.spawn(move || {
                for _ in 0..20 {
                    let stream = UnixStream::connect(&path).unwrap();
                    assert_eq!(crate::http::post(stream, "/mcp", "localhost", "").0, 200);
                }
            });
            served.runtime.block_on(async {
                for id in 0..20 {
                    within.send(crate::client::ping(id).to_string()).await.unwrap();
                    assert!(within.receive().await.unwrap().is_some());
                }
            });
        });
        // A call in flight on each is answered at the end.
        let mut clients =
            [connect(&file("lines")), connect(&file("given")), Client::on(pair), Client::on(pipes)];
        for client in &mut clients {
            client.call(1, "never", json!({}));
            assert!(client.is_served());
        }
        running.close_within(Duration::ZERO);
        assert!(running.wait_for(WAIT_LIMIT));
        for client in &mut clients {
            let rest = client.rest();
            assert!(rest.len() == 1 && rest[0]["id"] == 1 && rest[0]["error"].is_object(), "{rest:?}");
        }
        assert!(!file("lines").exists() && !file("http").exists() && file("given").exists());
    }
}
