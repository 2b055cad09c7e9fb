//! Streams and subscriptions end with the credential of their principal.

use super::*;
use crate::support::bench::{Part, poll_body};
use crate::{initialize, notification};
use std::time::Duration;
use tenon_mcp::Environment;

fn until(bench: &Bench, seconds: u64) -> String {
    json!({ "subject": "ann", "expires_at": bench.clock.unix_seconds() + seconds }).to_string()
}

fn pass(bench: &Bench, seconds: u64) {
    bench.clock.advance(Duration::from_secs(seconds));
    bench.service.tick();
}

/// The text of a stream that has not ended, or `None` at its end.
fn next(body: &mut ResponseBody) -> Option<String> {
    match poll_body(body, &Arc::default()) {
        Part::Data(data) => Some(String::from_utf8_lossy(&data).into_owned()),
        Part::Nothing => Some(String::new()),
        Part::End => None,
    }
}

#[test]
fn an_expired_credential_is_refused() {
    let bench = bench(|builder| builder);
    let ann = until(&bench, 10);
    assert_eq!(status(&bench, Some(&ann), "work"), 200);
    pass(&bench, 10);
    let refused = modern(&bench, Some(&ann), "tools/list", json!({})).unwrap();
    assert_eq!(refused.status, 401);
    assert!(refused.headers["www-authenticate"].to_str().unwrap().contains("invalid_token"));
}

#[test]
fn a_listen_stream_ends_with_its_credential() {
    let bench = bench(|builder| builder);
    let params = json!({ "notifications": { "toolsListChanged": true } });
    let message = request(1, "subscriptions/listen", envelope(params));
    let headers = [("mcp-protocol-version", MODERN), ("mcp-method", "subscriptions/listen")];
    let mut stream = send(&bench, Some(&until(&bench, 10)), &headers, &message).unwrap().into_body();
    assert!(next(&mut stream).unwrap().contains("acknowledged"));
    pass(&bench, 9);
    assert!(next(&mut stream).is_some(), "it is open");
    pass(&bench, 1);
    assert!(next(&mut stream).unwrap().contains("\"resultType\":\"complete\""));
    assert_eq!(next(&mut stream), None);
}

#[test]
fn a_get_stream_and_its_resumption_end_with_their_own_credentials() {
    let bench = bench(|builder| builder);
    let (first, second) = (until(&bench, 10), until(&bench, 30));
    let opened = send(&bench, Some(&first), &[], &initialize("2025-11-25")).unwrap();
    let session = opened.headers()["mcp-session-id"].to_str().unwrap().to_owned();
    let in_session = [("mcp-session-id", &*session)];
    send(&bench, Some(&first), &in_session, &notification("notifications/initialized", json!({}))).unwrap();
    let open = |caller: &str, id: Option<&str>| {
        let mut headers =
            vec![("mcp-session-id", &*session), ("accept", "text/event-stream"), ("x-caller", caller)];
        headers.extend(id.map(|id| ("last-event-id", id)));
        bench.bare("GET", &headers).poll().unwrap()
    };
    let mut stream = open(&first, None).into_body();
    let event = next(&mut stream).unwrap();
    let id = event.lines().find_map(|line| line.strip_prefix("id: ")).map(str::to_owned);
    pass(&bench, 10);
    while let Some(text) = next(&mut stream) {
        assert!(!text.is_empty(), "the stream has ended with its credential");
    }
    // It cannot be resumed with the expired credential, and can be with a new one of the same principal.
    assert_eq!(open(&first, id.as_deref()).status(), 401);
    let resumed = open(&second, id.as_deref());
    assert_eq!(resumed.status(), 200);
    let mut resumed = resumed.into_body();
    assert!(next(&mut resumed).is_some());
    pass(&bench, 20);
    while let Some(text) = next(&mut resumed) {
        assert!(!text.is_empty(), "the second reader has ended with its own credential");
    }
    let other = json!({ "subject": "bob" }).to_string();
    assert_eq!(open(&other, id.as_deref()).status(), 404);
}

#[test]
fn a_subscription_ends_with_the_credential_that_made_it() {
    let bench = bench(|builder| builder);
    add(&bench, Kind::Resource, "a://x", &json!({}));
    let (short, long) = (until(&bench, 10), until(&bench, 100));
    let opened = send(&bench, Some(&long), &[], &initialize("2025-11-25")).unwrap();
    let session = opened.headers()["mcp-session-id"].to_str().unwrap().to_owned();
    let in_session = [("mcp-session-id", &*session)];
    send(&bench, Some(&long), &in_session, &notification("notifications/initialized", json!({}))).unwrap();
    let headers = [("mcp-session-id", &*session), ("accept", "text/event-stream"), ("x-caller", &*long)];
    let mut stream = bench.bare("GET", &headers).poll().unwrap().into_body();
    let subscribe = request(5, "resources/subscribe", json!({ "uri": "a://x" }));
    let updated = |stream: &mut ResponseBody| {
        bench.server.resource_updated("a://x");
        bench.clock.advance(Duration::from_millis(20));
        bench.service.tick();
        let mut all = String::new();
        while let Some(text) = next(stream).filter(|text| !text.is_empty()) {
            all.push_str(&text);
        }
        all.contains("notifications/resources/updated")
    };
    send(&bench, Some(&short), &in_session, &subscribe).unwrap();
    assert!(updated(&mut stream));
    pass(&bench, 11);
    assert!(!updated(&mut stream), "it has ended");
    // A later subscription with another credential counts by itself.
    send(&bench, Some(&short), &in_session, &subscribe).unwrap();
    send(&bench, Some(&long), &in_session, &subscribe).unwrap();
    assert!(updated(&mut stream));
}
