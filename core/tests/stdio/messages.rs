//! Messages over the pipes.

use crate::client::*;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};
use rustix::io::{Errno, write};
use serde_json::{Value, json};
use std::io::pipe;
use std::sync::mpsc::channel;
use std::time::Duration;
use tenon_mcp::{ServeOptions, Tool, handler};

#[test]
fn a_line_that_is_too_long_is_refused_and_the_next_is_served() {
    let served = TestServer::with(|limits| limits.max_message_bytes = 1000);
    let (mut client, running) = served.start();
    for size in [1001, 200_000] {
        client.send_bytes(&vec![b'x'; size]);
        client.send_bytes(b"\n");
        client.call(1, "echo", json!({ "text": "next" }));
        let refused = client.receive().unwrap();
        assert_eq!(refused["error"]["code"], -32600);
        assert_eq!(
            refused["error"]["message"],
            "Message too large: the limit is 1000 bytes (max_message_bytes)"
        );
        assert_eq!(refused.get("id"), None);
        assert_eq!(text(&client.receive().unwrap()), "next");
    }
    running.close();
    running.wait();
}

#[test]
fn a_line_that_is_too_long_is_refused_before_it_ends() {
    let served = TestServer::with(|limits| limits.max_message_bytes = 1000);
    let (mut client, running) = served.start();
    client.send_bytes(&[b'x'; 1001]);
    assert_eq!(client.receive().unwrap()["error"]["code"], -32600);
    // The rest is thrown away, and answered no second time.
    client.send_bytes(&[b'x'; 200_000]);
    client.send_bytes(b"\n");
    client.call(1, "echo", json!({ "text": "next" }));
    assert_eq!(text(&client.receive().unwrap()), "next");
    client.end_input();
    assert_eq!(client.receive(), None);
    assert!(running.wait_for(WAIT_LIMIT));
}

#[test]
fn what_was_read_already_waits_too_for_a_client_that_does_not_read() {
    const LISTS: usize = 300;
    let served = TestServer::with(|limits| {
        limits.max_outbound_bytes = 64 << 10;
        (limits.drain_timeout, limits.stdio_drain_timeout) = (WAIT_LIMIT, WAIT_LIMIT);
    });
    let long = Tool::new("long").description("d".repeat(20_000)).input_schema(open_schema());
    let (told, called) = channel();
    served
        .server
        .tool(
            long,
            handler(move |_: Value, _| std::future::ready(told.send(()).map_err(|_| "nobody listens"))),
        )
        .unwrap();
    let (mut client, running) = served.start();
    let list = modern(json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {} })).to_string();
    let call =
        modern(json!({ "jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": { "name": "long" } }));
    let burst = format!("{}{call}\n", format!("{list}\n").repeat(LISTS));
    assert!(burst.len() < 64 << 10, "it is read at once");
    client.send_bytes(burst.as_bytes());
    let early = called.recv_timeout(Duration::from_millis(300));
    assert!(early.is_err(), "the server answers on, although nobody reads");
    client.end_input();
    assert_eq!(client.rest().len(), LISTS + 1);
    called.recv_timeout(WAIT_LIMIT).unwrap();
    assert!(running.wait_for(WAIT_LIMIT));
}

#[test]
fn two_servers_live_side_by_side() {
    let (one, two) = (TestServer::new(), TestServer::new());
    let (mut first, first_running) = one.start();
    let (mut second, second_running) = two.start();
    for client in [&mut first, &mut second] {
        client.call(1, "gate", json!({}));
        client.call(2, "echo", json!({ "text": "both are in flight" }));
        assert_eq!(client.receive().unwrap()["id"], 2);
    }
    one.gate.add_permits(1);
    assert_eq!(text(&first.receive().unwrap()), "through");
    first_running.close();
    assert!(first_running.wait_for(WAIT_LIMIT));
    assert!(!second_running.is_closed());
    assert_eq!(two.server.engine().in_flight(), 1);
    two.gate.add_permits(1);
    assert_eq!(text(&second.receive().unwrap()), "through");
    second_running.close();
    assert!(second_running.wait_for(WAIT_LIMIT));
}

#[test]
fn a_descriptor_that_does_not_block_still_gets_whole_lines() {
    let served = TestServer::new();
    let (server_input, input) = pipe().unwrap();
    let (output, server_output) = pipe().unwrap();
    for end in [rustix::fd::AsFd::as_fd(&server_input), rustix::fd::AsFd::as_fd(&server_output)] {
        fcntl_setfl(end, fcntl_getfl(end).unwrap() | OFlags::NONBLOCK).unwrap();
    }
    let (mut client, _) = Client::pipes();
    client.replace(input, output);
    let running = {
        let _inside = served.runtime.enter();
        served
            .server
            .start(ServeOptions::new().descriptors(server_input.into(), server_output.into()))
            .unwrap()
    };
    let long = "y".repeat(300_000);
    for id in 0..3 {
        client.call(id, "echo", json!({ "text": long }));
    }
    client.end_input();
    let answers = client.rest();
    assert_eq!(answers.len(), 3);
    assert!(answers.iter().all(|answer| text(answer) == long));
    assert!(running.wait_for(WAIT_LIMIT));
}

#[test]
fn a_client_that_does_not_read_is_not_read_from() {
    const CAPACITY: usize = 64 << 10;
    let served = TestServer::with(|limits| limits.max_outbound_bytes = CAPACITY);
    let (mut client, running) = served.start();
    let input = client.input();
    fcntl_setfl(input, fcntl_getfl(input).unwrap() | OFlags::NONBLOCK).unwrap();
    let ping =
        b"{\"jsonrpc\":\"2.0\",\"id\":\"a ping of some length, as it is answered\",\"method\":\"ping\"}\n";
    let mut sent = 0;
    let stuck = loop {
        match write(input, ping) {
            Ok(written) => {
                assert_eq!(written, ping.len());
                sent += 1;
            }
            Err(Errno::AGAIN) => {
                // Full for the moment, or for good: a server that reads makes room long before this.
                let limit = Timespec { tv_sec: 1, tv_nsec: 0 };
                if poll(&mut [PollFd::new(input, PollFlags::OUT)], Some(&limit)).unwrap() == 0 {
                    break sent;
                }
            }
            Err(error) => panic!("{error}"),
        }
        assert!(sent * ping.len() < 16 << 20, "the server reads on without end");
    };
    // Before the end of the input, behind which a server waits only for a moment for its client to read.
    for _ in 0..stuck {
        client.receive().expect("what was taken in is answered once there is a reader");
    }
    client.end_input();
    assert_eq!(client.rest().len(), 0);
    assert!(running.wait_for(WAIT_LIMIT));
}

#[test]
fn what_an_inline_handler_makes_before_it_waits_belongs_to_the_programs_runtime() {
    let served = TestServer::new();
    let naps = || async {
        // Neither can be made outside of a runtime.
        let timer = tokio::time::sleep(Duration::from_millis(1));
        let other = tokio::spawn(async { 7 });
        timer.await;
        other.await.unwrap()
    };
    served.server.tool(Tool::new("naps").inline(), naps).unwrap();
    served.server.tool(Tool::new("now").inline(), || async { "at once" }).unwrap();
    let (mut client, _running) = served.start();
    client.call(1, "naps", json!({}));
    assert_eq!(client.receive().unwrap()["result"]["content"][0]["text"], "7");
    for id in 2..1000 {
        client.call(id, "now", json!({}));
    }
    for id in 2..1000 {
        assert_eq!(client.receive().unwrap()["id"], id, "the answers come in the order of their calls");
    }
}
