//! Start and close: one run at a time, close from a handler, and hosts that panic.

use crate::client::*;
use crate::shutdown::{drain, ended};
use serde_json::{Value, json};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};
use tenon_mcp::{ErrorKind, HandlerId, LaneId, Running, ServeOptions, Target, Tool, Wake, handler};

#[test]
fn closing_ends_the_server_once() {
    struct WakeSender(Sender<()>);
    impl Wake for WakeSender {
        fn wake(&self) {
            self.0.send(()).unwrap();
        }
    }
    let served = TestServer::new();
    let (mut client, running) = served.start();
    let (tell, told) = channel();
    let tell = Arc::new(WakeSender(tell));
    running.on_closed(tell.clone());
    client.call(1, "gate", json!({}));
    client.send(&json!({ "jsonrpc": "2.0", "id": 2, "method": "ping" }));
    assert_eq!(client.receive().unwrap()["id"], 2);
    running.close();
    running.close();
    assert!(!running.is_closed(), "a call is in flight");
    served.gate.add_permits(1);
    assert_eq!(client.receive().unwrap()["id"], 1);
    assert_eq!(client.receive(), None);
    running.wait();
    running.close();
    ended(&running);
    running.wait();
    served.runtime.block_on(running.closed());
    told.recv_timeout(WAIT_LIMIT).unwrap();
    assert!(told.try_recv().is_err(), "once");
    running.on_closed(tell.clone());
    told.try_recv().expect("at once when it has ended");
}

#[test]
fn a_handler_may_close_its_server() {
    let served = TestServer::new();
    let slot = Arc::new(OnceLock::<Running>::new());
    let inside = slot.clone();
    let closes = handler(move |_: Value, _| {
        let inside = inside.clone();
        async move {
            inside.get().unwrap().close();
            Ok::<_, String>("closing")
        }
    });
    served.server.tool(Tool::new("close").input_schema(open_schema()), closes).unwrap();
    let (mut client, running) = served.start();
    assert!(slot.set(running.clone()).is_ok());
    client.call(1, "close", json!({}));
    assert_eq!(text(&client.receive().unwrap()), "closing");
    assert_eq!(client.receive(), None);
    ended(&running);
}

#[test]
fn a_host_that_panics_when_it_is_woken_ends_its_calls_and_no_server() {
    struct Broken;
    impl Wake for Broken {
        fn wake(&self) {
            panic!("a waker must not panic");
        }
    }
    let served = TestServer::with(drain(Duration::from_millis(100)));
    let lane = LaneId(1);
    let target = Target::Lane { lane, handler: HandlerId(1) };
    served.server.add(Tool::new("host").input_schema(open_schema()), target).unwrap();
    let _lane = served.server.port().lane(lane, Arc::new(Broken));
    let (mut client, running) = served.start();
    for id in 1..3 {
        client.call(id, "host", json!({}));
        let answer = client.receive().unwrap();
        assert_eq!((&answer["id"], &answer["error"]["code"]), (&json!(id), &json!(-32603)));
    }
    client.end_input();
    assert_eq!(client.receive(), None);
    ended(&running);
    assert!(running.failure().is_none());
    assert_eq!(running.exit_code(), 0);
}

#[test]
fn a_host_that_breaks_the_closing_thread_still_sees_the_end() {
    struct Second(AtomicUsize, Sender<()>);
    impl Wake for Second {
        fn wake(&self) {
            assert_eq!(self.0.fetch_add(1, Ordering::SeqCst), 0, "a waker must not panic");
            self.1.send(()).unwrap();
        }
    }
    let served = TestServer::with(drain(Duration::from_millis(100)));
    let lane = LaneId(1);
    let target = Target::Lane { lane, handler: HandlerId(1) };
    served.server.add(Tool::new("host").input_schema(open_schema()), target).unwrap();
    let (woken, wakes) = channel();
    let lane = served.server.port().lane(lane, Arc::new(Second(AtomicUsize::new(0), woken)));
    let (mut client, running) = served.start();
    client.call(1, "host", json!({}));
    wakes.recv_timeout(WAIT_LIMIT).unwrap();
    let mut operations = Vec::new();
    lane.drain(8, Duration::from_secs(1), &mut operations);
    assert_eq!(operations.len(), 1);
    // The cancellation is the second wake.
    running.close();
    assert!(client.rest().iter().all(|answer| answer["error"]["code"] == -32603));
    ended(&running);
}

#[test]
fn a_server_is_served_once_at_a_time() {
    let served = TestServer::new();
    let (mut client, running) = served.start();
    let (_, again) = Client::pipes();
    assert_eq!(served.server.start(again).err().unwrap().kind(), ErrorKind::State);
    client.end_input();
    ended(&running);
    let (mut client, running) = served.start();
    client.call(1, "echo", json!({ "text": "again" }));
    assert_eq!(text(&client.receive().unwrap()), "again");
    running.close();
    ended(&running);
}

#[test]
fn a_start_that_fails_changes_nothing_for_a_server_that_runs() {
    let served = TestServer::new();
    let (mut client, running) = served.start();
    {
        let other = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let _inside = other.enter();
        let (_, again) = Client::pipes();
        assert!(served.server.start(again).is_err());
        assert!(served.server.start(ServeOptions::new()).is_err());
    }
    client.call(1, "echo", json!({ "text": "still here" }));
    assert_eq!(text(&client.receive().unwrap()), "still here");
    running.close();
    ended(&running);
}

#[test]
fn dropping_serve_closes_the_server() {
    let served = TestServer::new();
    let (mut client, options) = Client::pipes();
    let server = served.server.clone();
    let task = served.runtime.spawn(async move { server.serve(options).await });
    client.call(1, "echo", json!({ "text": "x" }));
    assert_eq!(text(&client.receive().unwrap()), "x");
    task.abort();
    assert_eq!(client.receive(), None);
}

#[test]
fn serve_returns_when_the_client_goes() {
    let served = TestServer::new();
    let (mut client, options) = Client::pipes();
    let server = served.server.clone();
    let task = served.runtime.spawn(async move { server.serve(options).await });
    client.call(1, "echo", json!({ "text": "x" }));
    client.end_input();
    assert_eq!(client.rest().len(), 1);
    let started = Instant::now();
    served.runtime.block_on(task).unwrap().unwrap();
    assert!(started.elapsed() < WAIT_LIMIT);
}
