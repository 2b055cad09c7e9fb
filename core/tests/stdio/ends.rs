//! How the transport ends.

use crate::client::*;
use serde_json::{Value, json};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};
use tenon_mcp::{
    Ask, Context, ErrorKind, HandlerId, LaneId, Running, ServeOptions, Target, Tool, Wake, handler,
};

const LONG: Duration = Duration::from_secs(600);

#[track_caller]
fn ended(running: &Running) {
    assert!(running.wait_for(PATIENCE), "the server did not end");
    assert!(running.is_closed());
}

#[test]
fn the_end_of_the_input_lets_calls_finish() {
    let served = Served::new();
    let (mut client, running) = served.start();
    for id in 0..100 {
        client.call(id, "echo", json!({ "text": "x" }));
    }
    client.call(100, "gate", json!({}));
    client.end_input();
    for _ in 0..100 {
        assert!(client.receive().unwrap()["id"].as_u64().unwrap() < 100);
    }
    assert!(!running.is_closed());
    served.gate.add_permits(1);
    assert_eq!(client.receive().unwrap()["id"], 100);
    assert_eq!(client.receive(), None);
    ended(&running);
    assert_eq!(served.server.engine().in_flight(), 0);
}

#[test]
fn a_last_line_without_its_end_is_served() {
    let served = Served::new();
    let (mut client, running) = served.start();
    client.send_bytes(br#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#);
    client.end_input();
    assert_eq!(client.rest().len(), 1);
    ended(&running);
}

#[test]
fn a_handler_that_never_ends_is_waited_for_only_so_long() {
    let served = Served::with(|limits| limits.drain_timeout = Duration::from_millis(100));
    let (mut client, running) = served.start();
    client.call(1, "never", json!({}));
    client.end_input();
    assert_eq!(client.receive(), None);
    ended(&running);
    assert_eq!(served.server.engine().in_flight(), 0);
}

#[test]
fn a_drain_without_limit_is_possible() {
    let served = Served::with(|limits| limits.drain_timeout = Duration::MAX);
    let (mut client, running) = served.start();
    client.call(1, "gate", json!({}));
    client.end_input();
    served.gate.add_permits(1);
    assert_eq!(client.rest().len(), 1);
    ended(&running);
}

#[test]
fn a_question_after_the_end_of_the_input_fails_at_once() {
    let served = Served::with(|limits| limits.drain_timeout = LONG);
    let gate = served.gate.clone();
    let asks = handler(move |_: Value, context: Context| {
        let gate = gate.clone();
        async move {
            gate.acquire().await.unwrap().forget();
            let schema = tenon_mcp::JsonSlice::from_value(&json!({ "type": "object", "properties": {} }));
            context.elicit(Ask { key: None, message: "?".into(), schema }).await.map(|_| "answered")
        }
    });
    served.server.tool(Tool::new("asks").input_schema(open_schema()), asks).unwrap();
    let (mut client, running) = served.start();
    client.initialize();
    let call =
        |id| json!({ "jsonrpc": "2.0", "id": id, "method": "tools/call", "params": { "name": "asks" } });
    // One asks before the end, one after it.
    served.gate.add_permits(1);
    client.send(&call(1));
    assert_eq!(client.receive().unwrap()["method"], "elicitation/create");
    client.send(&call(2));
    client.end_input();
    // The first call's question is withdrawn, so the end has been noticed.
    assert_eq!(client.receive().unwrap()["method"], "notifications/cancelled");
    served.gate.add_permits(1);
    let answer = client.receive().unwrap();
    assert_eq!((&answer["id"], &answer["result"]["isError"]), (&json!(2), &json!(true)));
    assert_eq!(text(&answer), "the client has ended its input and cannot answer");
    assert_eq!(client.receive(), None);
    ended(&running);
}

#[test]
fn a_reader_that_vanishes_mid_write_ends_the_server() {
    let served = Served::with(|limits| limits.drain_timeout = LONG);
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
    let served = Served::with(|limits| limits.drain_timeout = LONG);
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
    let served = Served::with(|limits| limits.drain_timeout = Duration::from_millis(100));
    let (mut client, running) = served.start();
    client.call(1, "echo", json!({ "text": "x".repeat(1 << 20) }));
    // The answer is under way, and stuck.
    let mut first = [0; 1];
    std::io::Read::read_exact(client.output.as_mut().unwrap(), &mut first).unwrap();
    running.close();
    ended(&running);
}

#[test]
fn closing_ends_the_server_once() {
    struct Tell(Sender<()>);
    impl Wake for Tell {
        fn wake(&self) {
            self.0.send(()).unwrap();
        }
    }
    let served = Served::new();
    let (mut client, running) = served.start();
    let (tell, told) = channel();
    let tell = Arc::new(Tell(tell));
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
    told.recv_timeout(PATIENCE).unwrap();
    assert!(told.try_recv().is_err(), "once");
    running.on_closed(tell.clone());
    told.try_recv().expect("at once when it has ended");
}

#[test]
fn a_handler_may_close_its_server() {
    let served = Served::new();
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
fn a_host_that_breaks_an_engine_thread_ends_its_server() {
    struct Broken;
    impl Wake for Broken {
        fn wake(&self) {
            panic!("a waker must not panic");
        }
    }
    let served = Served::with(|limits| limits.drain_timeout = Duration::from_millis(100));
    let lane = LaneId(1);
    let target = Target::Lane { lane, handler: HandlerId(1) };
    served.server.add_tool(Tool::new("host").input_schema(open_schema()), target).unwrap();
    let _lane = served.server.port().lane(lane, Arc::new(Broken));
    let (mut client, running) = served.start();
    client.call(1, "host", json!({}));
    assert_eq!(client.receive(), None);
    ended(&running);
}

#[test]
fn a_server_is_served_once_at_a_time() {
    let served = Served::new();
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
    let served = Served::new();
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
    let served = Served::new();
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
    let served = Served::new();
    let (mut client, options) = Client::pipes();
    let server = served.server.clone();
    let task = served.runtime.spawn(async move { server.serve(options).await });
    client.call(1, "echo", json!({ "text": "x" }));
    client.end_input();
    assert_eq!(client.rest().len(), 1);
    let started = Instant::now();
    served.runtime.block_on(task).unwrap().unwrap();
    assert!(started.elapsed() < PATIENCE);
}
