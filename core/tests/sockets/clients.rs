//! Several clients at once, and the ways in which they disconnect.

use crate::client::{Client, TestServer, WAIT_LIMIT, close, text, until};
use serde_json::json;
use std::collections::HashSet;
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::time::Duration;
use tenon_mcp::{HandlerId, HostCall, InlineHost, JsonSlice, LaneId, Server, Target, Tool};

fn both(test: impl Fn(TestServer)) {
    test(TestServer::new());
    test(TestServer::new().apart());
}

#[test]
fn many_clients_are_served_at_once_each_with_ids_of_its_own() {
    // STD-12: the framing of stdio.
    both(|served| {
        let running = served.up();
        let mut clients: Vec<Client> = (0..200).map(|_| served.client()).collect();
        // All of them have the same id in flight.
        for client in &mut clients {
            client.call(1, "gate", json!({}));
        }
        for (number, client) in clients.iter_mut().enumerate() {
            client.call(2, "echo", json!({ "text": format!("client {number}") }));
            assert_eq!(text(&client.receive().unwrap()), format!("client {number}"));
        }
        served.gate.add_permits(clients.len());
        for client in &mut clients {
            let answer = client.receive().unwrap();
            assert_eq!((&answer["id"], text(&answer)), (&json!(1), "through"));
        }
        close(&running);
        assert!(clients.iter_mut().all(|client| client.receive().is_none()));
    });
}

#[test]
fn one_client_has_many_calls_in_flight_and_all_answers_are_whole_lines() {
    both(|served| {
        let running = served.up();
        let mut client = served.client();
        let mut reading = Client::on(client.stream.try_clone().unwrap());
        let writer = std::thread::spawn(move || {
            for id in 0..500 {
                client.call(id, "blow", json!({ "bytes": 20_000 }));
            }
            client
        });
        let ids: HashSet<u64> = (0..500)
            .map(|_| {
                let answer = reading.receive().unwrap();
                assert_eq!(text(&answer).len(), 20_000);
                answer["id"].as_u64().unwrap()
            })
            .collect();
        assert_eq!(ids.len(), 500);
        drop(writer.join().unwrap());
        close(&running);
    });
}

#[test]
fn eras_and_sessions_are_each_clients_own() {
    // ERA-8.
    let served = TestServer::new();
    let running = served.up();
    let (mut legacy, mut modern) = (served.client(), served.client());
    legacy.initialize("2025-11-25");
    let list = json!({ "jsonrpc": "2.0", "id": 3, "method": "tools/list", "params": {} });
    legacy.send(&list);
    assert!(legacy.receive().unwrap()["result"]["tools"].is_array());
    modern.send(&list);
    assert!(modern.receive().unwrap()["error"].is_object(), "nobody has initialized here");
    assert!(modern.is_served());
    close(&running);
}

#[test]
fn a_client_that_sends_no_more_gets_its_answers() {
    both(|served| {
        let running = served.up();
        let mut client = served.client();
        client.call(1, "gate", json!({}));
        // STD-7: the last line need not be terminated.
        client.send_bytes(br#"{"jsonrpc":"2.0","id":2,"method":"ping"}"#);
        client.stream.shutdown(std::net::Shutdown::Write).unwrap();
        assert_eq!(client.receive().unwrap()["id"], 2);
        served.gate.add_permits(1);
        let rest = client.rest();
        assert_eq!((rest.len(), text(&rest[0])), (1, "through"));
        // The others, and the server, stay.
        assert!(served.client().is_served() && !running.is_closed());
        close(&running);
    });
}

#[test]
fn what_a_client_leaves_behind_is_cut_off_after_its_time() {
    let served = TestServer::with(|limits| limits.drain_timeout = Duration::from_millis(50));
    let running = served.up();
    let mut client = served.client();
    client.call(1, "never", json!({}));
    client.stream.shutdown(std::net::Shutdown::Write).unwrap();
    let rest = client.rest();
    assert_eq!((rest.len(), &rest[0]["id"]), (1, &json!(1)), "RPC-14");
    assert!(rest[0]["error"].is_object());
    assert_eq!([served.next(), served.next()], ["started", "dropped"]);
    close(&running);
}

#[test]
fn the_calls_of_a_client_that_is_gone_are_cancelled() {
    both(|served| {
        let running = served.up();
        let mut client = served.client();
        client.call(1, "never", json!({}));
        assert_eq!(served.next(), "started");
        drop(client);
        assert_eq!(served.next(), "dropped");
        until("nothing is in flight", || served.server.engine().in_flight() == 0);
        close(&running);
    });
}

#[test]
fn the_end_of_the_server_is_the_end_of_all() {
    both(|served| {
        let running = served.up();
        let (mut idle, mut busy, mut waits) = (served.client(), served.client(), served.client());
        assert!(idle.is_served());
        busy.call(1, "never", json!({}));
        assert_eq!(served.next(), "started");
        waits.call(1, "gate", json!({}));
        assert!(waits.is_served());
        running.close();
        assert!(idle.receive().is_none(), "nothing of it is in flight");
        // Those that are waited for are still read from (RPC-14).
        waits.call(2, "echo", json!({ "text": "too late" }));
        assert!(waits.receive().unwrap()["error"].is_object());
        served.gate.add_permits(1);
        assert_eq!(text(&waits.receive().unwrap()), "through");
        assert!(waits.receive().is_none());
        running.close_within(Duration::ZERO);
        let rest = busy.rest();
        assert_eq!((rest.len(), &rest[0]["id"]), (1, &json!(1)));
        assert!(rest[0]["error"].is_object());
        assert!(running.wait_for(WAIT_LIMIT));
        assert!(UnixStream::connect(served.path()).is_err());
        // And it may be served again.
        let running = served.up();
        assert!(served.client().is_served());
        close(&running);
    });
}

#[test]
fn a_question_is_answered_over_its_own_connection() {
    // ELI-*: a legacy client is asked on the channel that its call came by.
    let served = TestServer::new();
    let ask = |_: serde_json::Value, context: tenon_mcp::Context| async move {
        let schema = tenon_mcp::JsonSlice::from_value(
            &json!({ "type": "object", "properties": { "name": { "type": "string" } } }),
        );
        let answer = context.elicit(tenon_mcp::Ask::form("Who?", schema)).await?;
        Ok::<_, tenon_mcp::AskError>(answer.action().as_str().to_owned())
    };
    let schema = tenon_mcp::JsonSlice::from_value(&json!({ "type": "object" }));
    served.server.tool(tenon_mcp::Tool::new("ask").input_schema(schema), tenon_mcp::handler(ask)).unwrap();
    let running = served.up();
    let mut clients = [served.client(), served.client()];
    for client in &mut clients {
        client.initialize("2025-11-25");
        client.send(&json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": { "name": "ask", "arguments": {} } }));
    }
    for (client, action) in clients.iter_mut().zip(["decline", "cancel"]) {
        let question = client.receive().unwrap();
        assert_eq!(question["method"], "elicitation/create");
        client.send(&json!({ "jsonrpc": "2.0", "id": question["id"], "result": { "action": action } }));
        assert_eq!(text(&client.receive().unwrap()), action);
    }
    close(&running);
}

/// An inline handler that panics on the thread that received its call.
struct PanickingHost;

impl InlineHost for PanickingHost {
    fn run(&self, _: HostCall) {
        panic!("a bad handler");
    }
}

fn add_bad(server: &Server) {
    let target = Target::Inline { lane: LaneId(7), handler: HandlerId(1), host: Arc::new(PanickingHost) };
    let schema = JsonSlice::from_value(&json!({ "type": "object" }));
    server.add(Tool::new("bad").input_schema(schema), target).unwrap();
}

#[test]
fn a_panic_ends_one_call_and_no_client() {
    both(|served| {
        add_bad(&served.server);
        let running = served.up();
        let mut client = served.client();
        for id in [1, 2] {
            client.call(id, "bad", json!({}));
            let answer = client.receive().unwrap();
            assert_eq!((&answer["id"], &answer["error"]["code"]), (&json!(id), &json!(-32603)));
        }
        client.call(3, "echo", json!({ "text": "fine" }));
        assert_eq!(text(&client.receive().unwrap()), "fine");
        close(&running);
        assert!(running.failure().is_none());
    });
}
