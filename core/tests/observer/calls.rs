//! The events of requests, as golden sequences for every transport.

use crate::clients::{Client, WAYS, Way, read_response, send_request};
use crate::server::{StartedServer, call, modern, notification, request};
use serde_json::{Value, json};
use std::time::Duration;

/// Sends one message after the handshake, and compares the events of its request.
#[track_caller]
fn golden(way: Way, message: Value, expected: &[&str]) {
    let (server, mut client) = way.open();
    server.recording.take_requests();
    let answered = message.get("id").is_some();
    client.send(&way.message(message));
    if answered {
        client.receive();
    }
    server.recording.wait_for_ends(1);
    assert_eq!(server.recording.take_requests(), [expected], "{way:?}");
}

fn received(way: Way, method: &str) -> String {
    format!("received {method} {}", way.revision())
}

#[test]
fn a_call_is_received_and_started_and_finished() {
    for way in WAYS {
        let received = received(way, "tools/call");
        golden(
            way,
            call(1, "add", json!({ "a": 1, "b": 2 })),
            &[&received, "started tool add", "finished ok"],
        );
        golden(way, call(1, "fail", json!({})), &[&received, "started tool fail", "finished failed"]);
        golden(way, call(1, "error", json!({})), &[&received, "started tool error", "finished error"]);
        golden(way, call(1, "late", json!({})), &[&received, "started tool late", "finished timed_out"]);
        golden(way, call(1, "panics", json!({})), &[&received, "started tool panics", "finished failed"]);
    }
}

#[test]
fn what_the_engine_answers_is_started_without_an_entry() {
    for way in WAYS {
        let received = received(way, "tools/list");
        golden(way, request(1, "tools/list", json!({})), &[&received, "started", "finished ok"]);
    }
}

#[test]
fn a_refusal_names_its_stage() {
    for way in WAYS {
        let received_call = received(way, "tools/call");
        let wrong = json!({ "a": "x", "b": 2 });
        golden(way, call(1, "add", wrong), &[&received_call, "refused arguments schema"]);
        golden(way, call(1, "none", json!({})), &[&received_call, "refused routing tool"]);
        let received = received(way, "x/none");
        golden(way, request(1, "x/none", json!({})), &[&received, "refused routing method"]);
    }
}

#[test]
fn notifications_have_the_same_events() {
    for way in WAYS {
        let said = |method: &str| received(way, method);
        // Over HTTP, a notification of 2026-07-28 needs the same headers as a request.
        let handled = [&*said("x/said"), "started notification x/said", "finished ok"];
        golden(way, notification("x/said", json!({})), &handled);
        golden(way, notification("x/other", json!({})), &[&said("x/other"), "started", "finished ok"]);
    }
}

#[test]
fn a_message_that_cannot_be_read_has_no_method() {
    for way in [Way::Lines, Way::Stdio, Way::InProcess, Way::WebSocket, Way::HttpModern] {
        let (server, mut client) = way.open();
        client.send(&json!("no message"));
        client.receive();
        let events = server.recording.take_requests();
        assert_eq!(events.len(), 1, "{way:?}: {events:?}");
        assert!(
            events[0] == ["received - -", "refused message request"]
                || events[0][1] == "refused message json"
        );
    }
}

#[test]
fn a_message_without_an_answer_is_refused_too() {
    for way in [Way::Lines, Way::Stdio, Way::WebSocket] {
        let (server, mut client) = way.open();
        for message in [
            json!({ "jsonrpc": "2.0", "method": "x/said", "params": 1 }),
            json!({ "jsonrpc": "2.0", "id": 1, "result": {}, "error": 2 }),
        ] {
            client.send(&message);
            server.recording.wait_for_ends(1);
            let events = server.recording.take_requests();
            assert_eq!(events.len(), 1, "{way:?}: {events:?}");
            assert_eq!(events[0][0], "received - -", "{way:?}: {events:?}");
            assert!(events[0][1].starts_with("refused message "), "{way:?}: {events:?}");
        }
    }
}

/// Starts a call of `gate`, and waits until it runs.
fn begin(way: Way, server: &StartedServer, client: &mut dyn Client, id: u64, tool: &str) {
    let before = server.recording.count("started tool");
    client.send(&way.message(call(id, tool, json!({}))));
    server.recording.wait_until("the start of the call", |seen| {
        seen.iter().filter(|seen| seen.text.starts_with("started tool")).count() > before
    });
}

#[test]
fn a_cancelled_call_says_so() {
    for way in WAYS {
        // In 2026-07-28 over HTTP, a client cancels by leaving.
        if way == Way::HttpModern {
            continue;
        }
        let (server, mut client) = way.open();
        server.recording.take_requests();
        begin(way, &server, &mut *client, 7, "gate");
        client.send(&notification("notifications/cancelled", json!({ "requestId": 7 })));
        server.recording.wait_for_ends(2);
        let events = server.recording.take_requests();
        let call = [&*received(way, "tools/call"), "started tool gate", "finished cancelled"];
        assert_eq!(events[0], call, "{way:?}");
        assert_eq!(events[1][1..], ["started", "finished ok"], "{way:?}");
    }
}

#[test]
fn a_client_that_leaves_is_an_end() {
    for way in WAYS {
        let (server, mut client) = way.limited(|limits| limits.stdio_drain_timeout = Duration::ZERO);
        server.recording.take_requests();
        begin(way, &server, &mut *client, 7, "gate");
        drop(client);
        let how = match way {
            // The end of its input ends the server, which closes its calls.
            Way::Stdio | Way::StdioLegacy => "finished closing",
            // A call of a session continues without its client.
            Way::HttpLegacy => {
                server.gate.add_permits(1);
                "finished ok"
            }
            _ => "finished disconnected",
        };
        server.recording.wait_for_ends(1);
        let events = server.recording.take_requests();
        assert_eq!(events, [[&*received(way, "tools/call"), "started tool gate", how]], "{way:?}");
    }
}

#[test]
fn a_limit_refuses_by_its_name() {
    for way in WAYS {
        let (server, mut client) = way.limited(|limits| limits.max_calls = 1);
        server.recording.take_requests();
        begin(way, &server, &mut *client, 1, "gate");
        client.send(&way.message(call(2, "gate", json!({}))));
        server.recording.wait_for_ends(1);
        server.gate.add_permits(1);
        server.recording.wait_for_ends(2);
        let received = received(way, "tools/call");
        let expected = [
            vec![&*received, "started tool gate", "finished ok"],
            vec![&*received, "refused limits max_calls"],
        ];
        assert_eq!(server.recording.take_requests(), expected, "{way:?}");
    }
}

#[test]
fn a_call_that_waits_for_another_says_so() {
    for way in WAYS {
        let (server, mut client) = way.limited(|limits| limits.max_waiting_calls = 1);
        server.recording.take_requests();
        for id in 1..=3 {
            begin(way, &server, &mut *client, id, "single");
        }
        // One runs, one waits, and there is no room for the third. Which is which depends on their threads.
        server.recording.wait_for_ends(1);
        server.gate.add_permits(2);
        server.recording.wait_for_ends(3);
        let received = received(way, "tools/call");
        let (received, started) = (&*received, "started tool single");
        let expected = [
            vec![received, started, "decided concurrency passed", "finished ok"],
            vec![received, started, "decided concurrency refused", "refused concurrency max_waiting_calls"],
            vec![
                received,
                started,
                "decided concurrency waits",
                "waited concurrency",
                "decided concurrency passed",
                "finished ok",
            ],
        ];
        let mut requests = server.recording.take_requests();
        requests.sort();
        assert_eq!(requests, expected, "{way:?}");
    }
}

/// The policies of the tool `guarded` decide about each call.
#[test]
fn each_decision_of_a_policy_is_reported() {
    for way in WAYS {
        let (server, mut client) = way.open();
        server.recording.take_requests();
        let mut events = |fails: bool| {
            client.send(&way.message(call(1, "guarded", json!({ "fails": fails }))));
            client.receive();
            server.recording.wait_for_ends(1);
            server.recording.take_requests().remove(0).split_off(2)
        };
        let produced = ["decided rate_limit passed", "decided cache passed", "decided rate_limit passed"];
        let ran = [&produced[..], &["decided circuit_breaker passed", "finished ok"]].concat();
        // The start is a stage, because the server may start while a call is at an earlier one.
        let found: Vec<_> =
            events(false).into_iter().filter(|event| event != "decided start passed").collect();
        assert_eq!(found, ran, "{way:?}");
        let kept = ["decided rate_limit passed", "decided cache cached", "finished ok"];
        assert_eq!(events(false), kept, "{way:?}");
        let again =
            ["decided retry retried", "waited retry", "decided circuit_breaker passed", "finished failed"];
        let failed = events(true);
        assert_eq!(failed[failed.len() - 4..], again, "{way:?}: {failed:?}");
        let refused = ["decided circuit_breaker refused", "refused circuit_breaker open"];
        assert_eq!(events(true), refused, "{way:?}");
    }
}

#[test]
fn the_end_of_the_server_is_an_end() {
    for way in WAYS {
        let (server, mut client) = way.open();
        server.recording.take_requests();
        begin(way, &server, &mut *client, 1, "gate");
        server.close_within(Duration::ZERO);
        server.recording.wait_for_ends(1);
        let events = server.recording.take_requests();
        assert_eq!(events[0][2], "finished closing", "{way:?}: {events:?}");
    }
}

#[test]
fn each_member_of_a_batch_is_a_request() {
    for way in [Way::StdioLegacy, Way::Sse, Way::HttpLegacy] {
        let (server, mut client) = way.open_with("2025-03-26", |_| ());
        server.recording.take_requests();
        client.send(&json!([
            call(1, "add", json!({ "a": 1, "b": 2 })),
            { "jsonrpc": "2.0", "method": 7 },
            notification("x/said", json!({})),
            request(2, "x/none", json!({})),
        ]));
        client.receive();
        server.recording.wait_for_ends(4);
        let expected = [
            vec!["received tools/call 2025-03-26", "started tool add", "finished ok"],
            vec!["received - -", "refused message request"],
            vec!["received x/said 2025-03-26", "started notification x/said", "finished ok"],
            vec!["received x/none 2025-03-26", "refused routing method"],
        ];
        assert_eq!(server.recording.take_requests(), expected, "{way:?}");
    }
}

#[test]
fn a_task_ends_with_its_call() {
    for way in WAYS.into_iter().filter(|way| way.is_modern()) {
        let (server, mut client) = way.open();
        client.send(&way.message(call(1, "long", json!({}))));
        let task = client.receive()["result"]["taskId"].clone();
        server.recording.wait_for_ends(1);
        client.send(&way.message(request(2, "tasks/get", json!({ "taskId": task }))));
        client.receive();
        server.recording.wait_for_ends(2);
        let expected = [
            vec![
                "received tools/call 2026-07-28",
                "started tool long",
                "decided task passed",
                "decided start passed",
                "finished ok",
            ],
            vec!["received tasks/get 2026-07-28", "started", "finished ok"],
        ];
        assert_eq!(server.recording.take_requests(), expected, "{way:?}");
    }
}

#[test]
fn a_listen_stream_is_a_request_until_it_ends() {
    for way in WAYS.into_iter().filter(|way| way.is_modern()) {
        let (server, mut client) = way.open();
        let listen = json!({ "notifications": { "toolsListChanged": true } });
        client.send(&way.message(request(1, "subscriptions/listen", listen)));
        server
            .recording
            .wait_until("the stream", |seen| seen.iter().any(|seen| seen.text == "stream_opened listen"));
        let how = if way == Way::HttpModern {
            drop(client);
            "finished disconnected"
        } else {
            client.send(&notification("notifications/cancelled", json!({ "requestId": 1 })));
            "finished cancelled"
        };
        server.recording.wait_until("the end of the stream", |seen| {
            seen.iter().any(|seen| seen.text == "stream_closed listen")
        });
        assert_eq!(
            (server.recording.count("stream_opened"), server.recording.count("stream_closed")),
            (1, 1)
        );
        let events = server.recording.take_requests();
        assert_eq!(events[0], ["received subscriptions/listen 2026-07-28", "started", how], "{way:?}");
    }
}

/// Requests that HTTP refuses before the engine accepts them.
#[test]
fn http_refuses_with_a_name_too() {
    let (server, _client) = Way::HttpModern.open();
    let authority = server.running.http_address().unwrap().to_string();
    let head = "content-type: application/json\r\naccept: application/json, text/event-stream\r\n";
    let refused = |more: &str, message: &Value, expected: [&str; 2]| {
        let headers = format!("{head}{more}");
        let status =
            read_response(send_request(&authority, "POST", "/mcp", &headers, &message.to_string())).status;
        assert!(status >= 400, "{status}");
        server.recording.wait_for_ends(1);
        assert_eq!(server.recording.take_requests(), [expected]);
    };
    let list = request(1, "tools/list", json!({}));
    refused("", &list, ["received tools/list -", "refused session header"]);
    let session = "mcp-session-id: none\r\nmcp-protocol-version: 2025-06-18\r\n";
    refused(session, &list, ["received tools/list 2025-06-18", "refused session unknown"]);
    let named = "mcp-protocol-version: 2026-07-28\r\nmcp-method: tools/call\r\n";
    refused(named, &modern(list), ["received tools/list 2026-07-28", "refused envelope headers"]);
}
