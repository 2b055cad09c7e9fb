//! Results whose time is over: while they are renewed, and if the handler fails.

use super::*;

#[test]
fn an_old_result_is_used_while_one_call_renews_it() {
    let bench = bench(json!({ "cache": { "ttl": 1000, "stale_while_revalidate": 5000 } }));
    let caller = Caller::new(Some("ann".into()));
    caller.produces(&bench, json!({ "city": "Rome" }), "old");
    bench.advance(2 * SECOND);
    caller.start(&bench, json!({ "city": "Rome" }));
    assert_eq!(result_text(&caller.sink.one()), "old");
    let renewal = begun(&bench).pop().expect("a renewal");
    assert_eq!(renewal.input.as_str(), r#"{"city":"Rome"}"#);
    assert_eq!(renewal.context.arrival.principal.as_ref().map(Principal::subject), Some("ann"));
    assert!(renewal.context.request_id.is_none());
    assert_eq!(caller.kept(&bench, json!({ "city": "Rome" })), "old", "one renewal is enough");
    done(&bench, renewal.id, "new");
    caller.sink.nothing();
    assert_eq!(caller.kept(&bench, json!({ "city": "Rome" })), "new");
    bench.advance(7 * SECOND);
    caller.produces(&bench, json!({ "city": "Rome" }), "newer");
    bench.assert_settled();
}

/// A call for which the old result is too old waits for the renewal.
#[test]
fn a_renewal_that_takes_long_answers_calls_too() {
    let bench = bench(json!({ "cache": { "ttl": 1000, "stale_while_revalidate": 1000 } }));
    let caller = Caller::new(None);
    caller.produces(&bench, json!({}), "old");
    bench.advance(SECOND);
    caller.start(&bench, json!({}));
    caller.sink.one();
    let renewal = begun(&bench).pop().expect("a renewal");
    bench.advance(2 * SECOND);
    caller.start(&bench, json!({}));
    caller.sink.nothing();
    assert!(begun(&bench).is_empty());
    done(&bench, renewal.id, "new");
    assert_eq!(result_text(&caller.sink.one()), "new");
    bench.assert_settled();
}

/// A renewal has no client that would see that a result is not valid.
#[test]
fn a_renewal_that_is_not_valid_leaves_the_old_result_as_it_is() {
    let bench = bench(json!({ "cache": { "ttl": 1000, "stale_while_revalidate": 5000 } }));
    let caller = Caller::new(None);
    caller.produces(&bench, json!({}), "old");
    bench.advance(SECOND);
    for _ in 0..2 {
        caller.start(&bench, json!({}));
        assert_eq!(result_text(&caller.sink.one()), "old");
        let renewal = begun(&bench).pop().expect("another renewal");
        bench.port.complete(renewal.id, Outcome::Content(JsonSlice::from_value(&json!(5)))).unwrap();
    }
    bench.assert_settled();
}

/// A renewal cannot ask, so it does not wait for an answer.
#[test]
fn a_renewal_cannot_ask() {
    let bench = bench(json!({ "cache": { "ttl": 1000, "stale_while_revalidate": 5000 } }));
    bench.initialize(LEGACY);
    bench.call(1, "fetch");
    done(&bench, begun(&bench).pop().unwrap().id, "old");
    bench.sink.take();
    bench.advance(SECOND);
    bench.call(2, "fetch");
    assert_eq!(result_text(&bench.sink.one()), "old");
    let renewal = begun(&bench).pop().expect("a renewal").id;
    let refused = bench.port.ask(renewal, ask("name"), tenon_mcp::AskMode::Park).unwrap_err();
    assert!(
        refused.to_string().contains("the call renews a result of a cache, and has no client"),
        "{refused}"
    );
    bench.port.complete(renewal, Outcome::Failed(refused.to_string())).unwrap();
    bench.sink.nothing();
    bench.assert_settled();
}

/// A renewal that does not reach its handler leaves nothing behind that calls would wait for.
#[test]
fn a_renewal_that_is_refused_is_forgotten() {
    let limit = json!({ "amount": 1, "per": 3_600_000, "counts": "misses" });
    let bench = bench(json!({
        "cache": { "ttl": 1000, "stale_while_revalidate": 5000 }, "rate_limit": limit,
    }));
    let caller = Caller::new(None);
    caller.produces(&bench, json!({}), "old");
    bench.advance(SECOND);
    for _ in 0..3 {
        assert_eq!(caller.kept(&bench, json!({})), "old");
    }
    bench.advance(5 * SECOND);
    caller.start(&bench, json!({}));
    assert!(error_of(&caller.sink.one()).1.starts_with("Too many calls"), "it does not wait");
    bench.assert_settled();
}

#[test]
fn a_renewal_that_fails_leaves_the_old_result_as_it_is() {
    let bench = bench(json!({ "cache": { "ttl": 1000, "stale_while_revalidate": 5000 } }));
    let caller = Caller::new(None);
    caller.produces(&bench, json!({}), "old");
    bench.advance(SECOND);
    for _ in 0..3 {
        caller.start(&bench, json!({}));
        assert_eq!(result_text(&caller.sink.one()), "old");
        let renewal = begun(&bench).pop().expect("another renewal");
        bench.port.complete(renewal.id, raised()).unwrap();
        caller.sink.nothing();
    }
    bench.assert_settled();
}

#[test]
fn an_old_result_answers_calls_that_fail() {
    let policies = json!({
        "cache": { "ttl": 1000, "stale_if_error": 5000 }, "timeout": 1000, "max_concurrency": 1,
        "circuit_breaker": { "failures": 3, "open_for": 60_000 },
    });
    let bench = bench(policies);
    let caller = Caller::new(None);
    caller.produces(&bench, json!({}), "old");
    bench.advance(SECOND);
    // The handler raises.
    let run = caller.runs(&bench, json!({}));
    bench.port.complete(run, raised()).unwrap();
    assert_eq!(result_text(&caller.sink.one()), "old");
    // It takes too long.
    let run = caller.runs(&bench, json!({}));
    bench.advance(SECOND);
    assert_eq!(result_text(&caller.sink.one()), "old");
    assert!(bench.port.complete(run, raised()).is_err());
    bench.drain();
    // It returns rubbish. The third failure opens the circuit, which then refuses calls.
    let run = caller.runs(&bench, json!({}));
    bench.port.complete(run, Outcome::Content(JsonSlice::from_value(&json!(5)))).unwrap();
    assert_eq!(result_text(&caller.sink.one()), "old");
    assert_eq!(caller.kept(&bench, json!({})), "old", "the circuit is open");
    caller.start(&bench, json!({ "city": 1 }));
    assert!(error_of(&caller.sink.one()).1.contains("have failed"), "nothing is kept for these arguments");
    bench.advance(5 * SECOND);
    caller.start(&bench, json!({}));
    assert!(error_of(&caller.sink.one()).1.contains("have failed"), "it is too old");
    bench.assert_settled();
}

/// What the client got wrong is no failure of the service.
#[test]
fn wrong_calls_get_their_error() {
    let bench = bench(json!({ "cache": { "ttl": 1000, "stale_if_error": 5000 } }));
    let caller = Caller::new(None);
    caller.produces(&bench, json!({}), "old");
    bench.advance(SECOND);
    caller.start(&bench, json!({}));
    let call = begun(&bench).pop().unwrap();
    bench.port.complete(call.id, call.context.not_found(Some("the city"))).unwrap();
    assert_eq!(result_text(&caller.sink.one()), "Not found: the city");
    bench.assert_settled();
}

/// A result that is fresh needs no circuit.
#[test]
fn an_open_circuit_does_not_hide_what_is_kept() {
    let bench = bench(json!({ "cache": 60_000, "circuit_breaker": { "failures": 1 } }));
    let caller = Caller::new(None);
    caller.produces(&bench, json!({ "city": 1 }), "kept");
    let run = caller.runs(&bench, json!({ "city": 2 }));
    bench.port.complete(run, raised()).unwrap();
    caller.sink.take();
    assert_eq!(caller.kept(&bench, json!({ "city": 1 })), "kept");
    caller.start(&bench, json!({ "city": 2 }));
    assert!(error_of(&caller.sink.one()).1.contains("have failed"));
    bench.assert_settled();
}
