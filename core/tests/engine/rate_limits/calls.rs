//! What counts as a call, how calls are told apart, and what a refused client receives.

use super::*;
use tenon_mcp::{Key, RateLimit, RefusalForm, Server, Tool};

#[test]
fn a_call_above_the_limit_is_refused_with_the_time_to_wait() {
    let bench = Bench::new();
    add(&bench, "search", json!({ "rate_limit": "2/min" }));
    let caller = Caller::new(None);
    assert!(caller.passes(&bench, "search", json!({})));
    bench.advance(20 * SECOND);
    assert!(caller.passes(&bench, "search", json!({})));
    let answer = caller.call(&bench, "search", json!({}));
    let text = "Too many calls: tool \"search\" takes 2 calls per minute; retry in 40 s";
    assert_eq!(error_of(&answer), (-32603, text));
    assert_eq!(answer["error"]["data"], json!({ "retryAfterMs": 40_000 }));
    assert!(caller.passes(&bench, "slow", json!({})), "other entries have no limit");
    bench.advance(40 * SECOND);
    assert!(caller.passes(&bench, "search", json!({})));
    assert!(!caller.passes(&bench, "search", json!({})), "the second call comes back later");
    bench.assert_settled();
}

#[test]
fn a_refusal_can_be_a_result_with_a_text() {
    let bench = Bench::new();
    let limit = json!({ "amount": 1, "per": 10_000, "refusal": "result", "text": "Wait {wait} s ({wait})." });
    add(&bench, "search", json!({ "rate_limit": limit }));
    let caller = Caller::new(None);
    assert!(caller.passes(&bench, "search", json!({})));
    bench.advance(Duration::from_millis(2500));
    let answer = caller.call(&bench, "search", json!({}));
    assert_eq!((&answer["result"]["isError"], result_text(&answer)), (&json!(true), "Wait 8 s (8)."));
    let legacy = Bench::legacy();
    add(&legacy, "search", json!({ "rate_limit": limit }));
    legacy.call(1, "search");
    finish(&legacy);
    legacy.sink.one();
    legacy.call(2, "search");
    assert_eq!(result_text(&legacy.sink.one()), "Wait 10 s (10).");
}

#[test]
fn callers_and_arguments_have_allowances_of_their_own() {
    let limit = |by: Value| json!({ "rate_limit": { "amount": 1, "per": 60_000, "by": by } });
    let bench = Bench::new();
    add(&bench, "all", limit(json!("entry")));
    add(&bench, "each", limit(json!("principal")));
    add(&bench, "session", limit(json!("session")));
    add(&bench, "city", limit(json!("arguments.city")));
    add(&bench, "both", limit(json!(["principal", "arguments.city"])));
    let [ann, ben, nobody, other] = [Some("ann"), Some("ben"), None, None].map(Caller::new);
    let (rome, oslo) = (json!({ "city": "Rome" }), json!({ "city": "Oslo" }));
    let check = |who: &Caller, tool: &str, arguments: &Value, expected: bool| {
        assert_eq!(who.passes(&bench, tool, arguments.clone()), expected, "{tool} {arguments}");
    };
    check(&ann, "all", &rome, true);
    check(&ben, "all", &oslo, false);
    for tool in ["each", "session"] {
        check(&ann, tool, &rome, true);
        check(&ann, tool, &oslo, false);
        check(&ben, tool, &rome, true);
        check(&nobody, tool, &rome, true);
        check(&other, tool, &rome, false);
    }
    check(&ann, "city", &rome, true);
    check(&ben, "city", &rome, false);
    check(&ben, "city", &oslo, true);
    check(&ben, "city", &json!({}), true);
    check(&ann, "city", &json!({}), false);
    check(&ann, "both", &rome, true);
    check(&ann, "both", &oslo, true);
    check(&ben, "both", &rome, true);
    check(&ann, "both", &rome, false);
    let text = error_of(&ann.call(&bench, "both", rome)).1.to_owned();
    assert!(text.contains("1 call per minute for each principal and value of city; retry in 60 s"), "{text}");
}

#[test]
fn a_call_must_be_within_all_limits_and_takes_nothing_if_one_refuses() {
    let bench = Bench::new();
    let limits =
        json!([{ "amount": 3, "per": 60_000 }, { "amount": 1, "per": 1_000, "by": "arguments.city" }]);
    add(&bench, "search", json!({ "rate_limit": limits }));
    let caller = Caller::new(None);
    let city = |name: &str| json!({ "city": name });
    assert!(caller.passes(&bench, "search", city("Rome")));
    for _ in 0..10 {
        let answer = caller.call(&bench, "search", city("Rome"));
        assert!(error_of(&answer).1.contains("1 call per second for each value of city"), "{answer}");
    }
    assert!(caller.passes(&bench, "search", city("Oslo")));
    assert!(caller.passes(&bench, "search", city("Bern")));
    let answer = caller.call(&bench, "search", city("Cork"));
    assert!(error_of(&answer).1.contains("3 calls per minute;"), "{answer}");
}

#[test]
fn a_bucket_lets_bursts_pass() {
    let bench = Bench::new();
    add(&bench, "search", json!({ "rate_limit": { "amount": 60, "per": 60_000, "burst": 3 } }));
    let caller = Caller::new(None);
    let passed = (0..5).filter(|_| caller.passes(&bench, "search", json!({}))).count();
    assert_eq!(passed, 3);
    bench.advance(SECOND);
    assert!(caller.passes(&bench, "search", json!({})));
    assert!(!caller.passes(&bench, "search", json!({})));
}

#[test]
fn every_kind_of_call_has_limits() {
    let bench = Bench::new();
    let target = || Target::Lane { lane: LANE, handler: HandlerId(1) };
    let add = |entry: Entry| {
        let mut entry = entry;
        let policies = json!({ "rate_limit": "1/h" });
        entry.set_policies(&JsonSlice::from_value(&policies), Spelling::Rust).unwrap();
        bench.server.add(entry, target()).unwrap();
    };
    add(Entry::new(Kind::Resource, "a://one"));
    add(Entry::new(Kind::ResourceTemplate, "b://{name}"));
    add(Entry::new(Kind::Prompt, "greet"));
    add(Entry::completion(Kind::Prompt, "greet", "style"));
    add(Entry::new(Kind::Method, "example.com/own"));
    let prompt = json!({ "type": "ref/prompt", "name": "greet" });
    for (method, params, what) in [
        ("resources/read", json!({ "uri": "a://one" }), "resource \"a://one\""),
        ("resources/read", json!({ "uri": "b://x" }), "resource template \"b://{name}\""),
        ("prompts/get", json!({ "name": "greet" }), "prompt \"greet\""),
        (
            "completion/complete",
            json!({ "ref": prompt, "argument": { "name": "style", "value": "" } }),
            "completion",
        ),
        ("example.com/own", json!({}), "method \"example.com/own\""),
    ] {
        let request = || modern(json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params }));
        bench.send(request());
        assert_eq!(finish(&bench), 1, "{method}");
        bench.sink.take();
        bench.send(request());
        let answer = bench.sink.one();
        let (code, text) = error_of(&answer);
        assert_eq!(code, -32603);
        assert!(text.starts_with(&format!("Too many calls: {what}")), "{text}");
        assert_eq!(finish(&bench), 0, "{method}");
    }
    bench.assert_settled();
}

#[test]
fn a_mounted_tool_keeps_its_limits() {
    let bench = Bench::new();
    let part = Server::new("part", "1.0.0");
    let search = Tool::new("search").rate_limit(RateLimit::per_hour(1).by(Key::Principal));
    let search = search.input_schema(JsonSlice::from_value(&json!({ "type": "object" })));
    part.add(search, Target::Lane { lane: LANE, handler: HandlerId(1) }).unwrap();
    bench.server.mount(&part, "p").unwrap();
    let ann = Caller::new(Some("ann"));
    assert!(ann.passes(&bench, "p_search", json!({})));
    assert!(!ann.passes(&bench, "p_search", json!({})));
    assert!(Caller::new(Some("ben")).passes(&bench, "p_search", json!({})));
}

#[test]
fn wrong_limits_are_refused_at_registration() {
    let bench = Bench::new();
    for (limit, expected) in [
        (json!("0/min"), "rate_limit: amount must be a positive integer, not 0"),
        (json!("5/0s"), "rate_limit: per must be a number of milliseconds above 0, not 0"),
        (json!({ "amount": 5, "per": 1000, "by": "arguments.town" }), ""),
    ] {
        let said = try_add(&bench, "wrong", json!({ "rate_limit": limit })).err().unwrap_or_default();
        assert!(said.contains(expected) && said.is_empty() == expected.is_empty(), "{limit}: {said}");
    }
    // An argument that does not exist is found if the schema is complete.
    let schema = json!({ "type": "object", "properties": { "city": {} }, "additionalProperties": false });
    let tool = Tool::new("search").input_schema(JsonSlice::from_value(&schema));
    let by = |name: &str| RateLimit::per_minute(1).by(Key::Argument(name.into()));
    let target = || Target::Lane { lane: LANE, handler: HandlerId(1) };
    let said = bench.server.add(tool.clone().rate_limit(by("town")), target()).unwrap_err();
    let expected = "tool \"search\": rate_limit: there is no argument \"town\"; the nearest name is \"city\"";
    assert_eq!(said.message(), expected);
    let global = tool.clone().rate_limit(RateLimit::per_minute(1).by(Key::Global));
    let said = bench.server.add(global, target()).unwrap_err();
    assert!(said.message().contains("\"global\" counts the requests of a server"), "{said}");
    let many = vec![RateLimit::per_minute(1).refusal(RefusalForm::Result); 9];
    let said = bench.server.add(tool.clone().rate_limit(many), target()).unwrap_err();
    assert!(said.message().contains("rate_limit must have 1 to 8 limits, not 9"), "{said}");
    bench.server.add(tool.rate_limit(by("city")), target()).unwrap();
}
