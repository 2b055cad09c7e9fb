//! A client in the process of its server.

use crate::client::{TestServer, WAIT_LIMIT, call, initialize, text};
use serde_json::{Value, json};
use tenon_mcp::ServeOptions;
use tenon_mcp::transport::{MemoryClient, memory};

async fn receive(client: &mut MemoryClient) -> Option<Value> {
    let line = tokio::time::timeout(WAIT_LIMIT, client.receive()).await.expect("it says something").unwrap();
    line.map(|line| serde_json::from_slice(&line).unwrap())
}

#[test]
fn several_clients_talk_to_one_server_which_ends_with_the_last() {
    for served in [TestServer::new(), TestServer::new().apart()] {
        let ends: Vec<_> = (0..3).map(|_| memory()).collect();
        let (mut clients, streams): (Vec<_>, Vec<_>) = ends.into_iter().unzip();
        let options = streams.into_iter().fold(ServeOptions::new(), ServeOptions::stream);
        let running = served.start(options);
        served.runtime.block_on(async {
            for (number, client) in clients.iter_mut().enumerate() {
                client.send(call(1, "gate", json!({})).to_string()).await.unwrap();
                client.send(initialize("2025-06-18").to_string()).await.unwrap();
                assert_eq!(receive(client).await.unwrap()["result"]["protocolVersion"], "2025-06-18");
                let sized = json!({ "bytes": 100_000 + number });
                client.send(call(2, "blow", sized).to_string()).await.unwrap();
                assert_eq!(text(&receive(client).await.unwrap()).len(), 100_000 + number);
            }
            served.gate.add_permits(3);
            for client in &mut clients {
                assert_eq!(text(&receive(client).await.unwrap()), "through");
                client.end().await.unwrap();
                assert_eq!(receive(client).await, None);
            }
        });
        assert!(running.wait_for(WAIT_LIMIT));
    }
}

/// A stream that panics when it is read.
struct PanickingStream;

impl tokio::io::AsyncRead for PanickingStream {
    fn poll_read(
        self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
        _: &mut tokio::io::ReadBuf<'_>,
    ) -> std::task::Poll<std::io::Result<()>> {
        panic!("a bad stream");
    }
}

impl tokio::io::AsyncWrite for PanickingStream {
    fn poll_write(
        self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
        bytes: &[u8],
    ) -> std::task::Poll<std::io::Result<usize>> {
        std::task::Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(
        self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<std::io::Result<()>> {
        std::task::Poll::Ready(Ok(()))
    }

    fn poll_shutdown(
        self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<std::io::Result<()>> {
        std::task::Poll::Ready(Ok(()))
    }
}

#[test]
fn a_server_whose_only_client_is_lost_to_a_panic_does_not_end_well() {
    for served in [TestServer::new(), TestServer::new().apart()] {
        let running = served.start(ServeOptions::new().stream(PanickingStream));
        assert!(running.wait_for(WAIT_LIMIT));
        assert_eq!(running.exit_code(), 1);
    }
}

#[test]
fn a_server_that_ends_ends_its_clients() {
    let served = TestServer::new();
    let (mut client, stream) = memory();
    let running = served.start(ServeOptions::new().stream(stream));
    served.runtime.block_on(async {
        client.send(call(1, "never", json!({})).to_string()).await.unwrap();
        client.send(call(2, "echo", json!({ "text": "here" })).to_string()).await.unwrap();
        assert_eq!(text(&receive(&mut client).await.unwrap()), "here");
        running.close_within(std::time::Duration::ZERO);
        let cut = receive(&mut client).await.unwrap();
        assert!(cut["id"] == 1 && cut["error"].is_object());
        assert_eq!(receive(&mut client).await, None);
    });
    assert!(running.wait_for(WAIT_LIMIT));
    served.runtime.block_on(async { assert!(client.send("{}").await.is_err()) });
}
