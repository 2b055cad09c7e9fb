//! The limits of a server's requests.

use super::*;
use tenon_mcp::{Key, OnStoreFailure, RateLimit, Server};

fn bench_with(limit: RateLimit, store: Arc<SlowStore>) -> Bench {
    Bench::with_builder(
        |limits| limits.store_timeout = 2 * SECOND,
        |builder| builder.rate_limit(limit).store(store),
    )
}

fn bench(limit: RateLimit) -> Bench {
    Bench::with_builder(|_| {}, |builder| builder.rate_limit(limit))
}

fn list() -> Value {
    modern(json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {} }))
}

#[test]
fn all_requests_count_but_initialize_and_ping() {
    let bench = bench(RateLimit::per_minute(3));
    bench.initialize(LEGACY);
    let send = |method: &str, params: Value| {
        bench.send(json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params }));
        finish(&bench);
        bench.sink.one()
    };
    for (method, params) in [
        ("tools/list", json!({})),
        ("tools/call", json!({ "name": "slow" })),
        ("logging/setLevel", json!({ "level": "info" })),
    ] {
        let answer = send(method, params);
        assert!(answer.get("result").is_some(), "{answer}");
    }
    for _ in 0..3 {
        assert!(send("ping", json!({})).get("result").is_some());
    }
    let answer = send("tools/list", json!({}));
    let text = "Too many requests: the server takes 3 requests per minute; retry in 60 s";
    assert_eq!(error_of(&answer), (-32603, text));
    assert_eq!(answer["error"]["data"], json!({ "retryAfterMs": 60_000 }));
    // A notification is no request.
    bench.send(json!({ "jsonrpc": "2.0", "method": "notifications/roots/list_changed" }));
    bench.advance(60 * SECOND);
    assert!(send("tools/list", json!({})).get("result").is_some());
    assert!(send("tools/list", json!({})).get("result").is_some());
}

#[test]
fn principals_have_allowances_of_their_own() {
    let bench = bench(RateLimit::per_minute(1).by(Key::Principal).text("Slow down: {wait}"));
    let [ann, ben] = [Some("ann"), Some("ben")].map(Caller::new);
    let text = |caller: &Caller| {
        caller.send(&bench, list());
        caller.sink.one()["error"]["message"].clone()
    };
    assert_eq!((text(&ann), text(&ben)), (Value::Null, Value::Null));
    assert_eq!(text(&ann), "Slow down: 60");
    assert_eq!(text(&ben), "Slow down: 60");
}

#[test]
fn requests_wait_for_the_store() {
    let store = SlowStore::new();
    let bench = bench_with(RateLimit::per_minute(2), store.clone());
    let caller = Caller::new(None);
    store.becomes(Mood::Late);
    caller.send(&bench, list());
    caller.sink.nothing();
    store.answer();
    assert!(caller.sink.one()["result"]["tools"].is_array());
    // A call keeps its id while it waits, so it can be cancelled.
    caller.send(&bench, modern(call(json!(7), "slow", json!({}))));
    store.answer();
    assert_eq!(finish(&bench), 1);
    assert_eq!(result_text(&caller.sink.one()), "done");
    caller.send(&bench, list());
    store.answer();
    assert!(error_of(&caller.sink.one()).1.starts_with("Too many requests:"));
    bench.advance(61 * SECOND);
    caller.send(&bench, modern(call(json!(8), "slow", json!({}))));
    caller.send(
        &bench,
        json!({ "jsonrpc": "2.0", "method": "notifications/cancelled", "params": { "requestId": 8 } }),
    );
    let before = store.taken();
    while store.waiting() > 0 {
        store.answer();
    }
    assert_eq!(store.taken(), before, "a cancelled request gives back what it took");
    caller.sink.nothing();
    assert!(bench.drain().is_empty());
    bench.assert_over();
}

#[test]
fn requests_are_refused_or_pass_if_the_store_does_not_answer() {
    let store = SlowStore::new();
    let limit = RateLimit::per_minute(2);
    let bench = bench_with(limit.clone(), store.clone());
    let caller = Caller::new(None);
    store.becomes(Mood::Late);
    caller.send(&bench, list());
    bench.advance(2 * SECOND);
    let text = "Server busy: the store is unavailable: it did not answer in time";
    assert_eq!(error_of(&caller.sink.one()), (-32603, text));
    while store.waiting() > 0 {
        store.answer();
    }
    assert_eq!(store.taken(), 0);
    store.becomes(Mood::Failing);
    caller.send(&bench, list());
    assert!(error_of(&caller.sink.one()).1.contains("the disk is gone"));
    bench.assert_over();

    let store = SlowStore::new();
    let bench = bench_with(limit.on_store_failure(OnStoreFailure::Pass), store.clone());
    store.becomes(Mood::Late);
    caller.send(&bench, list());
    caller.send(&bench, modern(call(json!(2), "slow", json!({}))));
    bench.advance(2 * SECOND);
    let running = bench.drain_call();
    assert!(caller.sink.one()["result"]["tools"].is_array());
    bench.advance(2 * SECOND);
    bench.port.complete(running.id, Outcome::Text("done".into())).unwrap();
    assert_eq!(result_text(&caller.sink.one()), "done");
    while store.waiting() > 0 {
        store.answer();
    }
    assert_eq!(store.taken(), 2, "requests that were performed keep what the store took");
    store.becomes(Mood::Failing);
    caller.send(&bench, list());
    assert!(caller.sink.one()["result"]["tools"].is_array());
    bench.assert_over();
}

#[test]
fn the_limits_of_a_mounted_server_would_be_lost() {
    let bench = Bench::new();
    let part = Server::builder("part", "1.0.0").rate_limit(RateLimit::per_minute(1)).build().unwrap();
    let said = bench.server.mount(&part, "p").unwrap_err();
    let expected = "mount: the setting rate_limit belongs to the server that is served, not to a mounted one";
    assert!(said.message().starts_with(expected), "{said}");
    let wrong = Server::builder("a", "1").rate_limit(RateLimit::per_minute(1).by(Key::Entry)).build();
    let said = wrong.err().unwrap();
    assert!(said.message().contains("\"entry\" is for limits of entries"), "{said}");
}
