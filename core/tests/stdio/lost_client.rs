//! Clients that close their pipe, and clients that do not read.

use crate::client::*;
use crate::shutdown::{LONG, drain, ended};
use serde_json::json;
use std::os::fd::OwnedFd;
use std::time::Duration;
use tenon_mcp::ServeOptions;

#[test]
fn a_reader_that_vanishes_mid_write_ends_the_server() {
    let served = TestServer::with(drain(LONG));
    let (mut client, running) = served.start();
    client.call(1, "never", json!({}));
    // Far more than a pipe holds, so the server is in the middle of the line when its reader goes.
    client.call(2, "echo", json!({ "text": "x".repeat(1 << 20) }));
    let mut first = [0; 1];
    std::io::Read::read_exact(client.output.as_mut().unwrap(), &mut first).unwrap();
    client.output = None;
    ended(&running);
    assert_eq!(served.server.engine().in_flight(), 0);
}

#[test]
fn a_reader_that_vanishes_during_the_drain_ends_it() {
    let served = TestServer::with(drain(LONG));
    let (mut client, running) = served.start();
    client.call(1, "never", json!({}));
    client.call(2, "gate", json!({}));
    client.call(3, "echo", json!({ "text": "x" }));
    assert_eq!(client.receive().unwrap()["id"], 3);
    client.end_input();
    client.output = None;
    served.gate.add_permits(1);
    ended(&running);
}

#[test]
fn a_client_that_does_not_read_cannot_hold_up_the_close() {
    let served = TestServer::with(drain(Duration::from_millis(100)));
    let (mut client, running) = served.start();
    client.call(1, "echo", json!({ "text": "x".repeat(1 << 20) }));
    // The answer is under way, and stuck.
    let mut first = [0; 1];
    std::io::Read::read_exact(client.output.as_mut().unwrap(), &mut first).unwrap();
    running.close();
    ended(&running);
}

#[test]
fn the_end_of_the_input_is_seen_while_the_output_is_not_read() {
    let served = TestServer::with(|limits| {
        limits.max_outbound_bytes = 1000;
        limits.stdio_drain_timeout = Duration::from_millis(100);
    });
    let (mut client, running) = served.start();
    stop_reading(&mut client);
    client.end_input();
    ended(&running);
}

#[test]
fn the_end_of_a_socket_is_seen_while_the_output_is_not_read() {
    use std::os::unix::net::UnixStream;
    let served = TestServer::with(|limits| {
        limits.max_outbound_bytes = 1000;
        limits.stdio_drain_timeout = Duration::from_millis(100);
    });
    let (client_end, server_end) = UnixStream::pair().unwrap();
    let output = client_end.try_clone().unwrap();
    let options = ServeOptions::new().descriptors(server_end.try_clone().unwrap().into(), server_end.into());
    let mut client =
        Client::on(OwnedFd::from(output).into(), OwnedFd::from(client_end.try_clone().unwrap()).into());
    let _inside = served.runtime.enter();
    let running = served.server.start(options).unwrap();
    stop_reading(&mut client);
    // Only one direction, as clients on libuv end it: it could still read.
    client_end.shutdown(std::net::Shutdown::Write).unwrap();
    ended(&running);
}

/// Reads only the first byte of a response, and sends more calls.
fn stop_reading(client: &mut Client) {
    client.call(1, "echo", json!({ "text": "x".repeat(1 << 20) }));
    let mut first = [0; 1];
    std::io::Read::read_exact(client.output.as_mut().unwrap(), &mut first).unwrap();
    client.call(2, "echo", json!({ "text": "y" }));
    client.call(3, "echo", json!({ "text": "z" }));
}
