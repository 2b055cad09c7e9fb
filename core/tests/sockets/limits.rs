//! Limits for clients of line-based transports.

use crate::client::{Client, TestServer, WAIT_LIMIT, close, ping, text, until};
use serde_json::json;
use std::io::{Read, Write};
use std::time::Duration;

#[test]
fn only_so_many_are_served_at_once() {
    let served = TestServer::with(|limits| limits.max_connections = 2);
    let running = served.up();
    let (mut first, mut second) = (served.client(), served.client());
    assert!(first.is_served() && second.is_served());
    let mut third = served.client();
    third.send(&ping(1));
    // It waits to be accepted: the others' messages are answered before its first.
    for _ in 0..10 {
        assert!(first.is_served() && second.is_served());
    }
    third.stream.set_nonblocking(true).unwrap();
    assert!(third.stream.read(&mut [0; 1]).is_err());
    third.stream.set_nonblocking(false).unwrap();
    drop(first);
    assert_eq!(third.receive().unwrap()["id"], 1);
    close(&running);
}

#[test]
fn a_line_has_a_length_and_a_time() {
    let served = TestServer::with(|limits| limits.max_message_bytes = 1000);
    let running = served.up();
    let mut client = served.client();
    // BAD-5: refused once, and input goes on behind it.
    client.send_bytes(&[b"x".repeat(100_000), b"\n".to_vec()].concat());
    let refused = client.receive().unwrap();
    assert_eq!(refused["error"]["code"], -32600);
    assert!(refused["error"]["message"].as_str().unwrap().contains("1000"));
    assert!(client.is_served());
    close(&running);

    let served = TestServer::with(|limits| limits.request_timeout = Duration::from_millis(100));
    let running = served.up();
    let (mut slow, mut quiet) = (served.client(), served.client());
    quiet.call(1, "gate", json!({}));
    // However it drips, its time runs from its first byte.
    let dripping = std::thread::spawn(move || {
        while slow.stream.write_all(b" ").is_ok() {
            std::thread::yield_now();
        }
    });
    dripping.join().unwrap();
    // Whoever has sent whole lines may be silent.
    served.gate.add_permits(1);
    assert_eq!(text(&quiet.receive().unwrap()), "through");
    close(&running);
}

#[test]
fn one_that_says_nothing_and_waits_for_nothing_is_let_go_of() {
    let served = TestServer::with(|limits| limits.connection_idle = Duration::from_millis(100));
    let running = served.up();
    let (mut waits, mut idle) = (served.client(), served.client());
    waits.call(1, "gate", json!({}));
    assert!(idle.rest().is_empty());
    // More than its time has passed for this one too.
    served.gate.add_permits(1);
    assert_eq!(text(&waits.receive().unwrap()), "through");
    assert!(waits.rest().is_empty());
    close(&running);
}

#[test]
fn one_that_does_not_read_is_not_read_from_and_then_cut_off() {
    let served = TestServer::with(|limits| {
        limits.max_outbound_bytes = 100_000;
        limits.write_timeout = Duration::from_millis(300);
    });
    let running = served.up();
    let (mut mute, mut other) = (served.client(), served.client());
    mute.call(1, "never", json!({}));
    assert_eq!(served.next(), "started");
    // Far more than the system, the queue and the reader take: the client itself gets stuck.
    let flood = std::thread::spawn(move || {
        for id in 2.. {
            let message = crate::client::call(id, "blow", json!({ "bytes": 1000 }));
            if mute.stream.write_all(format!("{message}\n").as_bytes()).is_err() {
                return id;
            }
        }
        unreachable!("it is cut off")
    });
    while !flood.is_finished() {
        assert!(other.is_served(), "others are not held up");
    }
    assert!(flood.join().unwrap() > 2);
    assert_eq!(served.next(), "dropped");
    assert!(other.is_served());
    until("only the others are left", || served.server.engine().in_flight() == 0);
    close(&running);
}

#[test]
fn one_that_reads_slowly_gets_everything() {
    let served = TestServer::with(|limits| {
        limits.max_outbound_bytes = 10_000;
        limits.write_timeout = WAIT_LIMIT;
    });
    let running = served.up();
    let client = served.client();
    let mut writing = Client::on(client.stream.try_clone().unwrap());
    let mut reading = client;
    let writer = std::thread::spawn(move || {
        for id in 0..2000 {
            writing.call(id, "blow", json!({ "bytes": 1000 }));
        }
    });
    let mut ids: Vec<_> = (0..2000).map(|_| reading.receive().unwrap()["id"].as_u64().unwrap()).collect();
    writer.join().unwrap();
    ids.sort_unstable();
    assert!(ids.into_iter().eq(0..2000));
    close(&running);
}

#[test]
fn what_all_clients_hold_together_has_a_bound() {
    let served = TestServer::with(|limits| limits.max_buffered_bytes = 300_000);
    let running = served.up();
    // Lines that wait for their calls to end.
    let mut first = served.client();
    first.call(1, "never", json!({ "text": "x".repeat(250_000) }));
    assert_eq!(served.next(), "started");
    let mut second = served.client();
    second.call(2, "echo", json!({ "text": "x".repeat(100_000) }));
    let refused = second.receive().unwrap();
    // The id is known where all of the line came at once.
    assert!(refused["id"] == 2 || refused["id"].is_null(), "{refused}");
    assert!(refused["error"]["message"].as_str().unwrap().contains("busy"), "{refused}");
    assert!(second.is_served(), "small things get through");
    // An answer there is no room for.
    second.call(3, "blow", json!({ "bytes": 200_000 }));
    let refused = second.receive().unwrap();
    assert_eq!(refused["id"], 3);
    assert!(refused["error"]["message"].as_str().unwrap().contains("busy"), "{refused}");
    drop(first);
    assert_eq!(served.next(), "dropped");
    until("there is room again", || {
        second.call(4, "blow", json!({ "bytes": 200_000 }));
        second.receive().unwrap()["result"].is_object()
    });
    running.close_within(Duration::ZERO);
    assert!(running.wait_for(WAIT_LIMIT));
}
