//! `subscriptions/listen`, and the subscriptions of sessions, over HTTP.

use crate::support::bench::{Bench, Part, poll_body};
use crate::support::client::Client;
use crate::{MODERN, envelope, events, request};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;
use tenon_mcp::http::ResponseBody;
use tenon_mcp::{
    Entry, HandlerId, HttpOptions, Kind, LaneId, Limits, Resource, ServeOptions, Server, Target, Tool,
};

const TARGET: Target = Target::Lane { lane: LaneId(1), handler: HandlerId(2) };
const TICK: Duration = Duration::from_millis(10);
const ID: &str = "io.modelcontextprotocol/subscriptionId";

fn bench(change: impl FnOnce(&mut Limits)) -> Bench {
    let mut limits = Limits::default();
    change(&mut limits);
    let bench = Bench::with(limits, |builder| builder);
    bench.server.add(Entry::new(Kind::Resource, "test://one"), TARGET).unwrap();
    bench
}

fn ask(id: u64, notifications: Value) -> Value {
    request(id, "subscriptions/listen", envelope(json!({ "notifications": notifications })))
}

const HEADERS: [(&str, &str); 2] = [("mcp-protocol-version", MODERN), ("mcp-method", "subscriptions/listen")];

/// Opens a stream, and reads its acknowledgement.
fn listen(bench: &Bench, id: u64, notifications: Value) -> ResponseBody {
    let response =
        bench.post(&HEADERS, &ask(id, notifications.clone())).poll().expect("it is answered at once");
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers()["content-type"], "text/event-stream");
    assert_eq!(response.headers()["x-accel-buffering"], "no", "MH-42");
    assert!(!response.headers().contains_key("mcp-session-id"), "MH-7");
    let mut body = response.into_body();
    let first = said(&mut body);
    let params = json!({ "_meta": { ID: id }, "notifications": notifications });
    let method = "notifications/subscriptions/acknowledged";
    assert_eq!(first, [json!({ "jsonrpc": "2.0", "method": method, "params": params })], "SU-2");
    body
}

/// The messages that are queued on a stream.
fn said(body: &mut ResponseBody) -> Vec<Value> {
    match poll_body(body, &Arc::default()) {
        Part::Data(bytes) => events(&bytes),
        Part::Nothing => Vec::new(),
        Part::End => panic!("the stream has ended"),
    }
}

fn tick(bench: &Bench) {
    bench.clock.advance(TICK);
    bench.service.tick();
}

fn methods(said: &[Value]) -> Vec<&str> {
    said.iter().map(|message| message["method"].as_str().unwrap_or("answer")).collect()
}

#[test]
fn a_listen_stream_carries_what_it_asked_for() {
    let bench = bench(|_| {});
    let mut tools = listen(&bench, 1, json!({ "toolsListChanged": true }));
    let mut one = listen(&bench, 1, json!({ "resourceSubscriptions": ["test://one"] }));
    bench.server.resource_updated("test://one");
    bench.server.disable(Kind::Tool, "work");
    bench.server.enable(Kind::Tool, "work");
    tick(&bench);
    let change = said(&mut tools);
    assert_eq!(methods(&change), ["notifications/tools/list_changed"]);
    assert_eq!(change[0]["params"]["_meta"][ID], 1, "SU-5");
    let update = said(&mut one);
    assert_eq!(methods(&update), ["notifications/resources/updated"]);
    assert_eq!(update[0]["params"]["uri"], "test://one");
    // A call on another stream says nothing here (LG-7, PGR-6).
    let mut pending = bench.call();
    let call = bench.take_call();
    bench.progress(call, 1.0);
    bench.complete(call, "done");
    assert!(pending.poll().is_some());
    assert!(said(&mut tools).is_empty() && said(&mut one).is_empty());
    // MH-43: a comment now and then.
    bench.service.tick();
    bench.clock.advance(Duration::from_secs(20));
    bench.service.tick();
    assert!(matches!(poll_body(&mut tools, &Arc::default()), Part::Data(bytes) if bytes.starts_with(b":")));
    // MH-50: who closes the stream is told nothing more, and makes room.
    drop(tools);
    bench.server.disable(Kind::Tool, "work");
    tick(&bench);
    assert!(said(&mut one).is_empty());
}

/// SU-13, SU-14: an error is a JSON response, not a stream.
#[test]
fn what_is_wrong_is_said_before_the_stream() {
    let bench = bench(|limits| limits.max_listens = 1);
    let wrong = ask(1, json!({ "toolsListChanged": "yes" }));
    let reply = bench.post(&HEADERS, &wrong).finish();
    assert_eq!((reply.status, reply.code()), (200, -32602), "MH-37");
    let json_only = [HEADERS[0], HEADERS[1], ("accept", "application/json")];
    let reply = bench.post(&json_only, &ask(2, json!({}))).finish();
    assert_eq!((reply.status, reply.json()["id"].clone()), (406, json!(2)));
    let open = listen(&bench, 3, json!({}));
    let reply = bench.post(&HEADERS, &ask(4, json!({}))).finish();
    assert_eq!((reply.status, reply.code()), (503, -32603));
    drop(open);
    listen(&bench, 5, json!({}));
}

/// SU-15: a slow stream is ended with its response, and the other streams get everything.
#[test]
fn a_stream_that_nobody_reads_is_ended_and_the_others_go_on() {
    let bench = bench(|limits| limits.max_listen_bytes = 300);
    let filter = json!({ "resourceSubscriptions": ["test://one"] });
    let mut slow = listen(&bench, 1, filter.clone());
    let mut quick = listen(&bench, 2, filter.clone());
    let mut rounds = 0;
    for _ in 0..6 {
        bench.server.resource_updated("test://one");
        tick(&bench);
        rounds += methods(&said(&mut quick)).len();
    }
    assert_eq!(rounds, 6);
    let all = said(&mut slow);
    let last = all.last().unwrap();
    let updates = methods(&all).iter().filter(|method| **method == "notifications/resources/updated").count();
    assert!((1..6).contains(&updates) && updates + 1 == all.len(), "{all:#?}");
    assert_eq!((&last["id"], &last["result"]["resultType"]), (&json!(1), &json!("complete")), "SU-7");
    assert_eq!(last["result"]["_meta"][ID], 1);
    assert!(matches!(poll_body(&mut slow, &Arc::default()), Part::End));
    // It may come back.
    listen(&bench, 1, filter);
}

/// SU-7, AMB-1: over HTTP the response ends the stream, and no cancellation is sent.
#[test]
fn the_end_of_the_service_ends_its_streams_with_their_answers() {
    let bench = bench(|_| {});
    let mut stream = listen(&bench, 1, json!({ "toolsListChanged": true }));
    bench.service.end_streams();
    let all = said(&mut stream);
    assert_eq!((all.len(), &all[0]["id"]), (1, &json!(1)), "{all:?}");
    assert!(matches!(poll_body(&mut stream, &Arc::default()), Part::End));
    // One that comes later ends at once.
    let late = bench.post(&HEADERS, &ask(2, json!({}))).finish();
    let all = events(&late.body);
    assert_eq!(methods(&all), ["notifications/subscriptions/acknowledged", "answer"]);
}

/// RS-8, RS-10: updates are sent on the session's GET stream.
#[test]
fn a_sessions_updates_come_on_its_stream() {
    let bench = bench(|_| {});
    let (session, other) = (bench.open(), bench.open());
    let (mut stream, mut others) = (bench.listen(&session), bench.listen(&other));
    let ask = |method: &str| {
        let params = json!({ "uri": "test://one" });
        let reply = bench.post(&[("mcp-session-id", &session)], &request(1, method, params)).finish();
        assert_eq!(reply.json()["result"], json!({}));
    };
    ask("resources/subscribe");
    bench.server.resource_updated("test://one");
    tick(&bench);
    let update = said(&mut stream);
    assert_eq!(methods(&update), ["notifications/resources/updated"]);
    assert_eq!(update[0]["params"], json!({ "uri": "test://one" }), "META-7");
    assert!(said(&mut others).is_empty());
    ask("resources/unsubscribe");
    bench.server.resource_updated("test://one");
    tick(&bench);
    assert!(said(&mut stream).is_empty());
    // With the session its subscriptions end.
    ask("resources/subscribe");
    assert_eq!(bench.bare("DELETE", &[("mcp-session-id", &session)]).finish().status, 204);
    bench.server.resource_updated("test://one");
    tick(&bench);
}

/// The next messages of a stream on which there may be keep-alive comments.
fn next(client: &mut Client) -> Vec<Value> {
    loop {
        let said = events(&client.read_chunk().expect("the stream goes on"));
        if !said.is_empty() {
            return said;
        }
    }
}

/// On real connections: many streams, one that disconnects without a close, and the end of the server.
#[test]
fn streams_on_connections_are_told_and_ended() {
    let server = Server::new("listens", "1.0.0");
    server.tool(Tool::new("work"), || async { "done" }).unwrap();
    server.resource(Resource::new("test://one"), || async { "one" }).unwrap();
    let running = server.start(ServeOptions::new().http(HttpOptions::new("127.0.0.1:0").unwrap())).unwrap();
    let address = running.http_address().unwrap();
    let mut clients: Vec<_> = (0..20)
        .map(|id| {
            let mut client = Client::new(address);
            client.send_modern(&ask(id, json!({ "resourceSubscriptions": ["test://one"] })));
            let (status, _) = client.read_head().unwrap();
            assert_eq!(status, 200);
            assert_eq!(next(&mut client).len(), 1);
            client
        })
        .collect();
    drop(clients.pop());
    server.resource_updated("test://one");
    for client in &mut clients {
        assert_eq!(methods(&next(client)), ["notifications/resources/updated"]);
    }
    running.close();
    for (id, client) in clients.iter_mut().enumerate() {
        let last = next(client);
        assert_eq!((last.len(), &last[0]["id"]), (1, &json!(id)), "{last:?}");
        assert!(client.read_chunk().is_none());
    }
    running.wait();
}
