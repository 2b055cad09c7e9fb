//! Notifications of the program, hooks of sessions, and changes of lists.

use crate::support::bench::{Bench, Part, poll_body};
use crate::support::client::Client;
use crate::{MODERN, envelope, notification, request};
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tenon_mcp::store::MemoryStore;
use tenon_mcp::{
    Context, Entry, HandlerId, Hook, HostOp, HttpOptions, Kind, LaneId, Limits, Revision, ServeOptions,
    Server, Target,
};

const TARGET: Target = Target::Lane { lane: LaneId(1), handler: HandlerId(2) };

fn names(bench: &Bench) -> Vec<String> {
    let call = |op| match op {
        HostOp::Call(call) => Some(call.context.entry.name.clone()),
        _ => None,
    };
    bench.ops().into_iter().filter_map(call).collect()
}

/// MH-36: the protocol has no notifications over HTTP in this revision, but a program may have its own.
#[test]
fn a_modern_notification_reaches_the_handler_that_a_program_has_for_it() {
    let bench = Bench::new();
    bench.server.add(Entry::new(Kind::Notification, "notifications/mine"), TARGET).unwrap();
    let post = |method: &str, params: Value| {
        let headers = [("mcp-protocol-version", MODERN), ("mcp-method", method)];
        let reply = bench.post(&headers, &notification(method, params)).finish();
        assert_eq!((reply.status, reply.body.len()), (202, 0), "{reply:?}");
        names(&bench)
    };
    assert_eq!(post("notifications/mine", envelope(json!({ "x": 1 }))), ["notifications/mine"]);
    assert!(post("notifications/other", envelope(json!({}))).is_empty());
    assert!(post("notifications/cancelled", envelope(json!({ "requestId": 1 }))).is_empty());
    // Without the envelope nobody knows who speaks.
    assert!(post("notifications/mine", json!({})).is_empty());
}

#[test]
fn refused_versions_are_told_what_is_spoken() {
    let spoken = [Revision::V2025_11_25];
    let bench = Bench::with(Limits::default(), |builder| builder.revisions(spoken));
    let unknown = [("mcp-protocol-version", "2099-01-01")];
    let modern = [("mcp-protocol-version", MODERN), ("mcp-method", "tools/list")];
    let session = bench.open();
    let in_session = [unknown[0], ("mcp-session-id", &*session)];
    for reply in [
        bench.post(&unknown, &request(1, "tools/list", json!({}))).finish(),
        bench.post(&modern, &request(1, "tools/list", envelope(json!({})))).finish(),
        bench.bare("DELETE", &in_session).finish(),
    ] {
        assert_eq!((reply.status, reply.code()), (400, -32022), "ERA-13, VER-4");
        assert_eq!(reply.json()["error"]["data"]["supported"], json!(["2025-11-25"]));
    }
}

/// Two replicas share a store. A session that one replica has opened is also served by the other.
#[test]
fn a_session_that_was_taken_up_hears_of_changes_and_ends_where_it_began() {
    let store = Arc::new(MemoryStore::new(10));
    let replica = || {
        let bench = Bench::with(Limits::default(), |builder| builder.store(store.clone()));
        for hook in ["session_start", "session_end"] {
            bench.server.add(Entry::new(Kind::Hook, hook), TARGET).unwrap();
        }
        bench
    };
    let (first, second) = (replica(), replica());
    let session = first.open();
    assert_eq!(names(&first), ["session_start"]);
    let mut stream = second.listen(&session);
    second.server.disable(Kind::Tool, "work");
    second.clock.advance(Duration::from_millis(10));
    second.service.tick();
    match poll_body(&mut stream, &Arc::default()) {
        Part::Data(bytes) => {
            let text = String::from_utf8_lossy(&bytes).into_owned();
            assert!(text.contains("notifications/tools/list_changed"), "{text}");
        }
        _ => panic!("nothing came"),
    }
    drop(stream);
    let reply = second.bare("DELETE", &[("mcp-session-id", &session)]).finish();
    assert_eq!(reply.status, 204);
    assert!(names(&second).is_empty(), "it did not begin here");
    let gone = first.post(&[("mcp-session-id", &session)], &request(7, "ping", json!({}))).finish();
    assert_eq!(gone.status, 404);
    assert_eq!(names(&first), ["session_end"]);
}

#[test]
fn the_end_of_the_server_is_the_end_of_its_sessions() {
    let told: Arc<Mutex<Vec<&str>>> = Arc::default();
    let server = Server::new("ends", "1.0.0");
    let at_end = told.clone();
    let handler = move |_: Context| {
        let told = at_end.clone();
        async move {
            // Takes its time, and is waited for.
            tokio::time::sleep(Duration::from_millis(50)).await;
            told.lock().unwrap().push("end");
        }
    };
    server.on(Hook::SessionEnd, handler).unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let entered = runtime.enter();
    let running = server.start(ServeOptions::new().http(HttpOptions::new("127.0.0.1:0").unwrap())).unwrap();
    drop(entered);
    let mut client = Client::new(running.http_address().unwrap());
    client.open("2025-11-25");
    drop(client);
    running.close();
    running.wait();
    assert_eq!(*told.lock().unwrap(), ["end"]);
}
