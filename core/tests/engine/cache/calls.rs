//! Which calls have one result, and which have results of their own.

use super::*;

#[test]
fn a_result_answers_later_calls_until_its_time_is_over() {
    let bench = bench(json!({ "cache": 2000 }));
    let caller = Caller::new(None);
    caller.produces(&bench, json!({ "city": "Rome" }), "sun");
    assert_eq!(caller.kept(&bench, json!({ "city": "Rome" })), "sun");
    caller.produces(&bench, json!({ "city": "Oslo" }), "snow");
    bench.advance(Duration::from_millis(1999));
    assert_eq!(caller.kept(&bench, json!({ "city": "Rome" })), "sun");
    bench.advance(Duration::from_millis(1));
    caller.produces(&bench, json!({ "city": "Rome" }), "rain");
    bench.assert_settled();
}

/// Arguments are one if a handler cannot tell them apart.
#[test]
fn arguments_are_compared_by_their_meaning() {
    let bench = bench(json!({ "cache": 60_000 }));
    let caller = Caller::new(None);
    let written = |arguments: &str, text: &str| {
        let request = modern(call(json!(1), "fetch", json!({ "city": "HERE" })));
        let message = request.to_string().replace("{\"city\":\"HERE\"}", arguments);
        let sink: Arc<dyn Sink> = caller.sink.clone();
        bench.engine.receive(&caller.peer, &sink, message.into());
        for call in begun(&bench) {
            done(&bench, call.id, text);
        }
        let answer = caller.sink.one();
        // What is no JSON, or has a member twice, is no call.
        let refused = || error_of(&answer).1.to_owned();
        if answer.get("error").is_some() { refused() } else { result_text(&answer).to_owned() }
    };
    assert_eq!(written(r#"{"city":{"a":1,"b":"é"}}"#, "one"), "one");
    assert_eq!(written(r#"{ "city" : { "b" : "\u00e9", "a" : 1 } }"#, "two"), "one");
    let different = [
        r#"{"city":1}"#,
        r#"{"city":1.0}"#,
        r#"{"city":"1"}"#,
        r#"{"city":[1]}"#,
        r#"{"city":null}"#,
        r#"{"city":true}"#,
        r#"{}"#,
        r#"{"city":18446744073709551617}"#,
        r#"{"city":18446744073709551618}"#,
        r#"{"city":1,"other":2}"#,
        r#"{"city":0.1}"#,
        r#"{"city":0.10000000000000000001}"#,
    ];
    for arguments in different {
        let first = written(arguments, arguments);
        assert_eq!(first, arguments);
    }
    for arguments in different {
        let again = written(arguments, "again");
        assert_eq!(again, arguments);
    }
    // What has no canonical form is no call.
    for arguments in [r#"{"city":"\ud800"}"#, r#"{"city":1,"city":2}"#] {
        assert!(written(arguments, "ran").starts_with("Parse error"), "{arguments}");
    }
}

#[test]
fn callers_with_other_rights_have_results_of_their_own() {
    let of = |name: &str| Principal::new("issuer", name);
    let principals = || {
        vec![
            None,
            Some(of("ann")),
            Some(Principal::new("other", "ann")),
            Some(of("ben")),
            Some(of("ann").with_scopes(["read"])),
            Some(of("ann").with_scopes(["read", "write"])),
            Some(of("ann").with_roles(["read"])),
            Some(of("ann").with_scopes(["a", "b"]).with_roles(["c"])),
            Some(of("ann").with_scopes(["a"]).with_roles(["b", "c"])),
        ]
    };
    let own = bench(json!({ "cache": 60_000 }));
    for (number, principal) in principals().into_iter().enumerate() {
        Caller::new(principal).produces(&own, json!({}), &number.to_string());
    }
    for (number, principal) in principals().into_iter().enumerate() {
        assert_eq!(Caller::new(principal).kept(&own, json!({})), number.to_string());
    }
    let ordered = Caller::new(Some(of("ann").with_scopes(["write", "read"])));
    assert_eq!(ordered.kept(&own, json!({})), "5", "the order of scopes means nothing");
    let shared = bench(json!({ "cache": { "ttl": 60_000, "public": true } }));
    Caller::new(None).produces(&shared, json!({}), "all");
    for principal in principals() {
        assert_eq!(Caller::new(principal).kept(&shared, json!({})), "all");
    }
}

#[test]
fn entries_do_not_share_results() {
    let bench = bench(json!({ "cache": 60_000 }));
    add(&bench, "other_tool", json!({ "cache": 60_000 })).unwrap();
    let caller = Caller::new(None);
    caller.produces(&bench, json!({}), "one");
    caller.send(&bench, modern(call(json!(90), "other_tool", json!({}))));
    assert_eq!(begun(&bench).len(), 1);
    caller.cancel(&bench, 90);
    // An entry that is registered again has another handler.
    bench.server.remove(Kind::Tool, "fetch").unwrap();
    add(&bench, "fetch", json!({ "cache": 60_000 })).unwrap();
    caller.produces(&bench, json!({}), "two");
}

#[test]
fn the_result_that_was_used_longest_ago_makes_room() {
    let caller = Caller::new(None);
    for limit in
        [json!({ "ttl": 60_000, "max_entries": 2 }), json!({ "ttl": 60_000, "max_bytes": 2 * (192 + 1) })]
    {
        let bench = bench(json!({ "cache": limit }));
        for city in ["a", "b"] {
            caller.produces(&bench, json!({ "city": city }), city);
        }
        assert_eq!(caller.kept(&bench, json!({ "city": "a" })), "a");
        caller.produces(&bench, json!({ "city": "c" }), "c");
        assert_eq!(caller.kept(&bench, json!({ "city": "a" })), "a");
        caller.produces(&bench, json!({ "city": "b" }), "b");
    }
    let small = bench(json!({ "cache": { "ttl": 60_000, "max_bytes": 200 } }));
    caller.produces(&small, json!({}), &"x".repeat(9));
    caller.produces(&small, json!({}), &"x".repeat(8));
    assert_eq!(caller.kept(&small, json!({})), "x".repeat(8));
}

/// One call produces, and the others get what it gets.
#[test]
fn calls_at_the_same_time_run_once() {
    let bench = bench(json!({ "cache": 60_000 }));
    let callers: Vec<_> = (0..50).map(|_| Caller::new(None)).collect();
    let run = callers[0].runs(&bench, json!({}));
    for caller in &callers[1..] {
        caller.start(&bench, json!({}));
        caller.sink.nothing();
    }
    assert!(begun(&bench).is_empty());
    done(&bench, run, "one");
    for caller in &callers {
        assert_eq!(result_text(&caller.sink.one()), "one");
    }
    bench.assert_settled();
}

/// A rate limit may count only the calls that run.
#[test]
fn limits_count_all_calls_or_those_that_are_not_kept() {
    let limit = |counts: &str| json!({ "amount": 2, "per": 60_000, "counts": counts });
    for (counts, kept_calls_pass) in [("calls", false), ("misses", true)] {
        let bench = bench(json!({ "cache": 60_000, "rate_limit": limit(counts) }));
        let caller = Caller::new(None);
        caller.produces(&bench, json!({ "city": 1 }), "one");
        assert_eq!(caller.kept(&bench, json!({ "city": 1 })), "one");
        caller.start(&bench, json!({ "city": 1 }));
        let third = caller.sink.one();
        assert_eq!(third.get("result").is_some(), kept_calls_pass, "{third}");
        if kept_calls_pass {
            caller.produces(&bench, json!({ "city": 2 }), "two");
            caller.start(&bench, json!({ "city": 3 }));
            assert!(error_of(&caller.sink.one()).1.starts_with("Too many calls"));
            assert_eq!(caller.kept(&bench, json!({ "city": 2 })), "two");
        }
        assert!(begun(&bench).is_empty());
    }
}

#[test]
fn what_cannot_be_kept_is_refused_at_registration() {
    let bench = Bench::new();
    let why = add(&bench, "fetch", json!({ "cache": 1000, "confirm": "Sure?" })).unwrap_err();
    assert!(
        why.ends_with("results of calls that the user confirms are not kept: set cache or confirm"),
        "{why}"
    );
    let entry = Entry::new(Kind::Notification, "notifications/x");
    let mut entry = entry;
    let refused = entry.set_policies(&JsonSlice::from_value(&json!({ "cache": 1 })), Spelling::Rust);
    assert!(refused.unwrap_err().to_string().contains("can have cache"));
}
