//! Shutdown by the end of the input, by `close` and by signals, and the drain with its timeouts.

use crate::client::*;
use serde_json::{Value, json};
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tenon_mcp::{Ask, Context, Limits, Running, Tool, handler};

pub(crate) const LONG: Duration = Duration::from_secs(600);

pub(crate) fn drain(time: Duration) -> impl FnOnce(&mut Limits) {
    move |limits| {
        limits.drain_timeout = time;
        limits.stdio_drain_timeout = time;
    }
}

pub(crate) enum Begin {
    Input,
    Close,
}

#[track_caller]
pub(crate) fn ended(running: &Running) {
    assert!(running.wait_for(WAIT_LIMIT), "the server did not end");
    assert!(running.is_closed());
}

#[test]
fn the_end_of_the_input_lets_calls_finish() {
    let served = TestServer::new();
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
    let served = TestServer::new();
    let (mut client, running) = served.start();
    client.send_bytes(br#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#);
    client.end_input();
    assert_eq!(client.rest().len(), 1);
    ended(&running);
}

#[test]
fn a_handler_that_never_ends_is_waited_for_only_so_long() {
    let served = TestServer::with(drain(Duration::from_millis(100)));
    let (mut client, running) = served.start();
    client.call(1, "never", json!({}));
    client.end_input();
    assert_eq!(client.receive().unwrap()["error"]["code"], -32603);
    assert_eq!(client.receive(), None);
    ended(&running);
    assert_eq!(served.server.engine().in_flight(), 0);
}

#[test]
fn a_call_that_shutdown_cuts_off_gets_its_error_with_its_id() {
    // RPC-14, in both eras.
    let served = TestServer::with(|limits| limits.drain_timeout = Duration::from_millis(100));
    let (mut client, running) = served.start();
    client.initialize();
    let never =
        |id| json!({ "jsonrpc": "2.0", "id": id, "method": "tools/call", "params": { "name": "never" } });
    client.send(&never(1));
    client.send(&modern(never(2)));
    client.send(&json!({ "jsonrpc": "2.0", "id": 3, "method": "ping" }));
    assert_eq!(client.receive().unwrap()["id"], 3);
    running.close();
    let mut cut = client.rest();
    cut.sort_by_key(|message| message["id"].as_u64());
    assert_eq!(cut.len(), 2, "{cut:?}");
    for (message, id) in cut.iter().zip(1..) {
        assert_eq!((&message["id"], &message["error"]["code"]), (&json!(id), &json!(-32603)), "{message}");
        assert!(message["error"]["message"].as_str().unwrap().contains("shutting down"), "{message}");
    }
    ended(&running);
}

#[test]
fn requests_that_come_while_the_server_closes_are_answered() {
    // RPC-14: also those that are refused.
    let served = TestServer::with(|limits| {
        limits.drain_timeout = LONG;
        limits.stdio_drain_timeout = LONG;
    });
    let (mut client, running) = served.start();
    client.initialize();
    client.call(1, "gate", json!({}));
    client.send(&json!({ "jsonrpc": "2.0", "id": "p", "method": "ping" }));
    assert_eq!(client.receive().unwrap()["id"], "p");
    running.close();
    // Until the wish has become known, calls are served.
    let refused = (2..)
        .find_map(|id| {
            client.call(id, "echo", json!({ "text": "x" }));
            let answer = client.receive().unwrap();
            assert_eq!(answer["id"], id);
            answer["error"].is_object().then_some(answer)
        })
        .unwrap();
    assert_eq!(refused["error"]["code"], -32603, "{refused}");
    assert!(refused["error"]["message"].as_str().unwrap().contains("shutting down"), "{refused}");
    client.send(&json!({ "jsonrpc": "2.0", "id": "p", "method": "ping" }));
    assert_eq!(client.receive().unwrap()["result"], json!({}));
    served.gate.add_permits(1);
    assert_eq!(client.receive().unwrap()["id"], 1);
    assert_eq!(client.receive(), None);
    ended(&running);
}

#[test]
fn a_question_may_be_answered_while_the_server_closes() {
    let served = TestServer::with(|limits| {
        limits.drain_timeout = LONG;
        limits.stdio_drain_timeout = LONG;
    });
    let asks = handler(|_: Value, context: Context| async move {
        let schema = tenon_mcp::JsonSlice::from_value(&json!({ "type": "object", "properties": {} }));
        context.elicit(Ask::form("?", schema)).await.map(|_| "answered")
    });
    served.server.tool(Tool::new("asks").input_schema(open_schema()), asks).unwrap();
    let (mut client, running) = served.start();
    client.initialize();
    let call =
        |id| json!({ "jsonrpc": "2.0", "id": id, "method": "tools/call", "params": { "name": "asks" } });
    client.send(&call(1));
    let question = client.receive().unwrap();
    client.send(&call(2));
    let open = client.receive().unwrap();
    running.close();
    client.send(&json!({ "jsonrpc": "2.0", "id": question["id"], "result": { "action": "decline" } }));
    assert_eq!(text(&client.receive().unwrap()), "answered");
    // Nobody will answer the other any more.
    client.end_input();
    let withdrawn = client.receive().unwrap();
    assert_eq!(withdrawn["params"]["requestId"], open["id"], "{withdrawn}");
    assert_eq!(client.receive(), None);
    ended(&running);
}

#[test]
fn a_call_that_waits_for_an_answer_is_cut_off_with_its_id() {
    // RPC-14.
    let served = TestServer::with(|limits| limits.drain_timeout = Duration::from_millis(100));
    let asks = handler(|_: Value, context: Context| async move {
        let schema = tenon_mcp::JsonSlice::from_value(&json!({ "type": "object", "properties": {} }));
        context.elicit(Ask::form("?", schema)).await.map(|_| "answered")
    });
    served.server.tool(Tool::new("asks").input_schema(open_schema()), asks).unwrap();
    let (mut client, running) = served.start();
    client.initialize();
    client.send(&json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": { "name": "asks" } }));
    let question = client.receive().unwrap();
    running.close();
    let withdrawn = client.receive().unwrap();
    assert_eq!(withdrawn["params"]["requestId"], question["id"], "{withdrawn}");
    let cut = client.receive().unwrap();
    assert_eq!((&cut["id"], &cut["error"]["code"]), (&json!(1), &json!(-32603)), "{cut}");
    assert_eq!(client.receive(), None);
    ended(&running);
}

#[test]
fn a_drain_without_limit_is_possible() {
    let served = TestServer::with(drain(Duration::MAX));
    let (mut client, running) = served.start();
    client.call(1, "gate", json!({}));
    client.end_input();
    served.gate.add_permits(1);
    assert_eq!(client.rest().len(), 1);
    ended(&running);
}

#[test]
fn a_question_after_the_end_of_the_input_fails_at_once() {
    let served = TestServer::with(drain(LONG));
    let gate = served.gate.clone();
    let asks = handler(move |_: Value, context: Context| {
        let gate = gate.clone();
        async move {
            gate.acquire().await.unwrap().forget();
            let schema = tenon_mcp::JsonSlice::from_value(&json!({ "type": "object", "properties": {} }));
            context.elicit(Ask::form("?", schema)).await.map(|_| "answered")
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
fn a_drain_on_stdio_is_bounded_by_the_shorter_of_two_limits() {
    assert_eq!(Limits::default().stdio_drain_timeout, Duration::from_secs(1));
    for shorter in [0, 1] {
        let served = TestServer::with(|limits| {
            let mut times = [LONG; 2];
            times[shorter] = Duration::from_millis(100);
            [limits.drain_timeout, limits.stdio_drain_timeout] = times;
        });
        let (mut client, running) = served.start();
        client.call(1, "never", json!({}));
        client.end_input();
        assert_eq!(client.receive().unwrap()["error"]["code"], -32603);
        assert_eq!(client.receive(), None);
        ended(&running);
    }
}

#[test]
fn a_drain_can_be_cut_short() {
    let served = TestServer::with(drain(LONG));
    for begin in [Begin::Input, Begin::Close] {
        let (mut client, running) = served.start();
        client.call(1, "never", json!({}));
        client.call(2, "echo", json!({ "text": "x" }));
        assert_eq!(client.receive().unwrap()["id"], 2);
        match begin {
            Begin::Input => client.end_input(),
            Begin::Close => assert!(running.close()),
        }
        running.close_within(LONG * 2);
        assert!(!running.close(), "it began before");
        assert!(!running.is_closed());
        running.close_within(Duration::ZERO);
        assert_eq!(client.receive().unwrap()["error"]["code"], -32603);
        assert_eq!(client.receive(), None);
        ended(&running);
        assert_eq!(served.server.engine().in_flight(), 0);
    }
}

#[test]
fn a_close_may_be_given_less_time() {
    let served = TestServer::with(drain(LONG));
    let (mut client, running) = served.start();
    client.call(1, "never", json!({}));
    client.call(2, "echo", json!({ "text": "x" }));
    assert_eq!(client.receive().unwrap()["id"], 2);
    assert!(running.close_within(Duration::from_millis(50)));
    assert_eq!(client.receive().unwrap()["error"]["code"], -32603);
    assert_eq!(client.receive(), None);
    ended(&running);
}

#[test]
fn the_flush_of_a_drain_that_is_cut_short_is_bounded() {
    let served = TestServer::with(drain(LONG));
    let (mut client, running) = served.start();
    client.call(1, "echo", json!({ "text": "x".repeat(1 << 20) }));
    let mut first = [0; 1];
    std::io::Read::read_exact(client.output.as_mut().unwrap(), &mut first).unwrap();
    running.close();
    running.close_within(Duration::ZERO);
    ended(&running);
}

#[test]
fn signals_end_the_server_by_steps() {
    let (int, term) = (2, 15);
    let served = TestServer::with(drain(LONG));
    // The first asks for a graceful end.
    let (mut client, running) = served.start();
    client.call(1, "gate", json!({}));
    client.call(2, "echo", json!({ "text": "x" }));
    assert_eq!(client.receive().unwrap()["id"], 2);
    assert_eq!(running.signal(term), None);
    served.gate.add_permits(1);
    assert_eq!(client.receive().unwrap()["id"], 1);
    ended(&running);
    assert_eq!(running.exit_code(), 0);
    assert_eq!(running.signal(int), Some(130), "the second one");
    // The first one during a drain ends that; the second one the process.
    let (mut client, running) = served.start();
    client.call(1, "never", json!({}));
    client.call(2, "echo", json!({ "text": "x" }));
    assert_eq!(client.receive().unwrap()["id"], 2);
    running.close();
    assert_eq!(running.exit_code(), 0);
    assert_eq!(running.signal(int), None);
    assert_eq!(running.signal(term), Some(143));
    assert_eq!(client.rest().len(), 1);
    ended(&running);
    assert_eq!(running.exit_code(), 130);
    // One that comes after the end.
    for (signal, code) in [(int, 130), (term, 0)] {
        let (mut client, running) = served.start();
        client.end_input();
        ended(&running);
        assert_eq!(running.signal(signal), Some(code));
    }
}

#[test]
fn a_future_that_waits_for_the_end_leaves_nothing_behind_when_dropped() {
    let served = TestServer::new();
    let (_client, running) = served.start();
    struct WakeCount(AtomicUsize);
    impl std::task::Wake for WakeCount {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }
    let woken = Arc::new(WakeCount(AtomicUsize::new(0)));
    let waker = std::task::Waker::from(woken.clone());
    for _ in 0..1000 {
        let mut closed = Box::pin(running.closed());
        assert!(closed.as_mut().poll(&mut std::task::Context::from_waker(&waker)).is_pending());
    }
    // A registration holds the waker.
    drop(waker);
    assert_eq!(Arc::strong_count(&woken), 1);
    running.close();
    ended(&running);
    assert_eq!(woken.0.load(Ordering::SeqCst), 0);
}
