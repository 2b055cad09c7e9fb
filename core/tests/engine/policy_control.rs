//! The policies of entries while the server runs: what is shown, changed, switched off and cleared.

use crate::support::*;
use serde_json::{Value, json};
use std::time::Duration;
use tenon_mcp::{CallId, Entry, ErrorKind, HandlerId, HostOp, JsonSlice, Kind, Outcome, Spelling, Target};

const SECOND: Duration = Duration::from_secs(1);

fn bench(policies: Value) -> Bench {
    let bench = Bench::new();
    let schema = json!({ "type": "object", "properties": { "city": {} } });
    let mut entry = Entry::new(Kind::Tool, "fetch").set("inputSchema", JsonSlice::from_value(&schema));
    entry.set_policies(&JsonSlice::from_value(&policies), Spelling::Rust).unwrap();
    bench.server.add(entry, Target::Lane { lane: LANE, handler: HandlerId(1) }).unwrap();
    bench
}

fn shown(bench: &Bench) -> Value {
    bench.server.policies(Kind::Tool, "fetch").unwrap().to_value().unwrap()
}

fn change(bench: &Bench, policies: Value) -> Result<(), tenon_mcp::Error> {
    bench.server.change_policies(Kind::Tool, "fetch", policies)
}

/// Starts a call. Returns its run, if the handler runs.
fn start(bench: &Bench, id: u64, city: &str) -> Option<CallId> {
    bench.send(modern(call(json!(id), "fetch", json!({ "city": city }))));
    bench.drain().into_iter().find_map(|op| match op {
        HostOp::Call(call) => Some(call.id),
        _ => None,
    })
}

fn runs(bench: &Bench, city: &str, outcome: Outcome) -> bool {
    let run = start(bench, 1000, city);
    if let Some(run) = run {
        bench.port.complete(run, outcome).unwrap();
    }
    bench.sink.take();
    run.is_some()
}

fn done() -> Outcome {
    Outcome::Text("done".into())
}

fn raised() -> Outcome {
    Outcome::Exception("boom".into())
}

#[test]
fn what_applies_is_shown_with_its_state() {
    let bench = bench(json!({
        "cache": 60_000, "idempotent": true, "retry": 3, "max_concurrency": 1,
        "circuit_breaker": { "failures": 1, "by": "arguments.city" },
        "rate_limit": ["100/min", { "amount": 5, "per": 60_000, "by": "principal" }],
    }));
    assert!(runs(&bench, "Rome", done()));
    let before = shown(&bench);
    let limits = json!([
        { "limit": "5 calls per minute for each principal", "left": null },
        { "limit": "100 calls per minute", "left": 99 },
    ]);
    assert_eq!(
        before["state"],
        json!({
            "max_concurrency": { "running": 0, "waiting": 0 },
            "circuit_breaker": { "circuits": 0, "open": 0 },
            "retry": { "left": 10 },
            "cache": { "entries": 1, "bytes": 192 + 4 },
            "rate_limit": limits,
        })
    );
    assert_eq!(before["policies"]["cache"], 60_000.0);
    assert_eq!(before["switched_off"], json!([]));
    let run = start(&bench, 1, "Oslo").unwrap();
    assert!(start(&bench, 2, "Bonn").is_none(), "it waits");
    assert_eq!(shown(&bench)["state"]["max_concurrency"], json!({ "running": 1, "waiting": 1 }));
    bench.port.complete(run, raised()).unwrap();
    let state = &shown(&bench)["state"];
    assert_eq!((&state["retry"]["left"], &state["circuit_breaker"]["open"]), (&json!(10), &json!(1)));
    assert!(bench.server.policies(Kind::Tool, "nothing").is_none());
    assert!(bench.server.policies(Kind::Prompt, "fetch").is_none());
    bench.engine.close_peer(&bench.peer, tenon_mcp::CancelReason::Closing);
}

#[test]
fn policies_change_while_calls_run() {
    let bench = bench(json!({ "max_concurrency": 1, "cache": 60_000, "rate_limit": "100/min" }));
    assert!(runs(&bench, "Rome", done()));
    let running = start(&bench, 1, "a").unwrap();
    change(&bench, json!({ "rate_limit": "3/min" })).unwrap();
    assert!(start(&bench, 2, "b").is_none(), "the limit of concurrent calls is still the same");
    assert_eq!(shown(&bench)["state"]["max_concurrency"], json!({ "running": 1, "waiting": 1 }));
    assert!(!runs(&bench, "Rome", done()), "the result is still kept");
    assert!(start(&bench, 4, "c").is_none());
    assert!(
        error_of(&bench.sink.one()).1.contains("takes 3 calls per minute"),
        "three of the hundred were made"
    );
    change(&bench, json!({ "max_concurrency": 2, "rate_limit": null, "cache": { "ttl": 1000 } })).unwrap();
    let next = start(&bench, 5, "d").expect("the new limit has room");
    assert!(runs(&bench, "Rome", done()), "another cache is empty");
    bench.port.complete(running, done()).unwrap();
    let waited = bench.drain();
    assert_eq!(waited.len(), 1, "a call that waits gets the permit that it waits for");
    bench.port.complete(next, done()).unwrap();
    for op in waited {
        if let HostOp::Call(call) = op {
            bench.port.complete(call.id, done()).unwrap();
        }
    }
    bench.sink.take();
    let shown = shown(&bench);
    assert_eq!(shown["policies"], json!({ "max_concurrency": 2, "cache": 1000.0 }));
    bench.assert_settled();
}

#[test]
fn policies_are_switched_off_and_on() {
    let bench = bench(json!({ "cache": 60_000, "rate_limit": "1/min" }));
    let switch = |on, policy: &str| match on {
        true => bench.server.enable_policy(Kind::Tool, "fetch", policy),
        false => bench.server.disable_policy(Kind::Tool, "fetch", policy),
    };
    assert!(runs(&bench, "Rome", done()) && !runs(&bench, "Oslo", done()));
    switch(false, "rate_limit").unwrap();
    switch(false, "rate_limit").unwrap();
    assert!(runs(&bench, "Oslo", done()) && !runs(&bench, "Oslo", done()), "the cache still applies");
    switch(false, "cache").unwrap();
    assert!(runs(&bench, "Oslo", done()) && runs(&bench, "Oslo", done()));
    assert_eq!(shown(&bench)["switched_off"], json!(["rate_limit", "cache"]));
    assert_eq!(shown(&bench)["policies"]["rate_limit"], "1/min", "it is still set");
    assert_eq!(shown(&bench)["state"], json!({}));
    // A policy that is changed while it is off applies when it is on again.
    change(&bench, json!({ "cache": 1000 })).unwrap();
    assert!(runs(&bench, "Oslo", done()) && runs(&bench, "Oslo", done()));
    switch(true, "cache").unwrap();
    assert!(runs(&bench, "Oslo", done()) && !runs(&bench, "Oslo", done()));
    bench.advance(SECOND);
    assert!(runs(&bench, "Oslo", done()));
    switch(true, "rate_limit").unwrap();
    assert!(!runs(&bench, "Rome", done()), "the allowance is in the store, so it is still used up");
    bench.assert_settled();
}

#[test]
fn the_state_of_policies_is_cleared() {
    let bench = bench(json!({
        "cache": 60_000, "rate_limit": "2/min", "circuit_breaker": { "failures": 1, "by": "arguments.city" },
    }));
    let clear = |policy: Option<&str>| bench.server.clear_policy(Kind::Tool, "fetch", policy).unwrap();
    assert!(runs(&bench, "Rome", done()) && runs(&bench, "Oslo", raised()));
    assert!(!runs(&bench, "Oslo", done()) && !runs(&bench, "Bonn", done()));
    clear(Some("rate_limit"));
    assert!(!runs(&bench, "Oslo", done()) && !runs(&bench, "Rome", done()), "only the limit begins anew");
    clear(Some("circuit_breaker"));
    assert!(runs(&bench, "Oslo", done()));
    clear(None);
    assert!(runs(&bench, "Oslo", done()) && runs(&bench, "Rome", done()), "nothing is kept");
    bench.assert_settled();
}

/// After an error, nothing has changed.
#[test]
fn wrong_changes_are_refused() {
    let bench = bench(json!({ "cache": 60_000 }));
    let before = shown(&bench);
    for (policies, why) in [
        (json!({ "rate_limit": "fast" }), "rate_limit: \"fast\" is no rate"),
        (
            json!({ "rate_limits": "1/s" }),
            "there is no option \"rate_limits\"; the nearest name is \"rate_limit\"",
        ),
        (json!({ "scopes": ["a"] }), "scopes cannot change while the server runs"),
        (json!({ "cache": 1000, "retry": 3 }), "a handler that may not run again cannot be retried"),
        (json!(5), "policies must be an object, not 5"),
    ] {
        let error = change(&bench, policies.clone()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid, "{policies}");
        assert!(error.message().starts_with("tool \"fetch\": ") && error.message().contains(why), "{error}");
        assert_eq!(shown(&bench), before, "{policies}");
    }
    let missing = bench.server.change_policies(Kind::Tool, "nothing", json!({})).unwrap_err();
    assert_eq!((missing.kind(), missing.message()), (ErrorKind::NotFound, "there is no tool \"nothing\""));
    for error in [
        bench.server.disable_policy(Kind::Tool, "fetch", "scopes").unwrap_err(),
        bench.server.clear_policy(Kind::Tool, "fetch", "caches").unwrap_err(),
    ] {
        assert_eq!(error.kind(), ErrorKind::Invalid, "{error}");
    }
}

/// An entry that is restricted stays so.
#[test]
fn a_change_keeps_who_may_use_an_entry() {
    let bench = Bench::new();
    let entry = Entry::new(Kind::Tool, "guarded").scopes(["admin"]);
    bench.server.add(entry, Target::Lane { lane: LANE, handler: HandlerId(1) }).unwrap();
    bench.server.change_policies(Kind::Tool, "guarded", json!({ "timeout": 1000 })).unwrap();
    bench.send(modern(call(json!(1), "guarded", json!({}))));
    assert!(bench.drain().is_empty());
    assert!(bench.sink.one().get("error").is_some());
}

#[test]
fn a_policy_that_is_switched_off_stays_so_in_a_server_that_mounts_the_entry() {
    let bench = bench(json!({ "rate_limit": "1/h", "max_concurrency": 3 }));
    bench.server.disable_policy(Kind::Tool, "fetch", "rate_limit").unwrap();
    let outer = tenon_mcp::Server::new("outer", "1.0.0");
    outer.mount(&bench.server, None).unwrap();
    let shown = outer.policies(Kind::Tool, "fetch").unwrap().to_value().unwrap();
    assert_eq!(shown["policies"], json!({ "max_concurrency": 3 }));
}
