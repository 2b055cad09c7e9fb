//! Settings of a server: how `discover` shows them, and how they change responses.

use super::entries::{MS, add, ask, called, complete, request, slice};
use crate::support::*;
use serde_json::json;
use std::time::Duration;
use tenon_mcp::{CacheHints, CacheScope, Capability, Entry, Event, HostCall, Kind, Outcome, Revision};

#[test]
fn a_masked_exception_is_in_the_log_under_the_reference_that_the_client_has() {
    let log = std::sync::Arc::new(crate::sessions::logs::RecordingLog::default());
    let bench = Bench::with_builder(|_| {}, |builder| builder.mask_errors(true).log(log.clone()));
    bench.call_modern(1, "slow");
    let call = bench.drain_call();
    let answer = complete(&bench, &call, Outcome::Exception("password is 1234".into()));
    let text = answer["result"]["content"][0]["text"].as_str().unwrap();
    assert!(!text.contains("1234") && answer["result"]["isError"] == true, "{answer}");
    let reference = text.rsplit(' ').next().unwrap();
    let record = log.one();
    assert!(record.contains("1234") && record.contains(reference), "{record}");
    bench.call_modern(2, "slow");
    let call = bench.drain_call();
    let answer = complete(&bench, &call, Outcome::Failed("no such city".into()));
    assert_eq!(answer["result"]["content"][0]["text"], "no such city", "meant for the client");
}

#[test]
fn a_server_speaks_the_revisions_it_says() {
    let only = |revisions: Vec<Revision>| Bench::with_builder(|_| {}, |builder| builder.revisions(revisions));
    let bench = only(vec![Revision::V2025_06_18, Revision::V2026_07_28]);
    bench.send(initialize("2025-11-25"));
    assert_eq!(bench.sink.one()["result"]["protocolVersion"], "2025-06-18");
    let answer = ask(&bench, 1, "server/discover", json!({}));
    assert_eq!(answer["result"]["supportedVersions"], json!(["2026-07-28", "2025-06-18"]));

    let modern_only = only(vec![Revision::V2026_07_28]);
    modern_only.send(initialize("2025-11-25"));
    let answer = modern_only.sink.one();
    assert_eq!(
        (&answer["error"]["code"], &answer["error"]["data"]["supported"]),
        (&json!(-32022), &json!(["2026-07-28"]))
    );
    let legacy_only = only(vec![Revision::V2024_11_05]);
    assert_eq!(ask(&legacy_only, 1, "tools/list", json!({}))["error"]["code"], -32022);
}

/// CA-1, CA-3, digest 9.2.
#[test]
fn a_server_says_what_it_is_and_how_long_answers_may_be_kept() {
    let minute = CacheHints::new(Duration::from_secs(60), CacheScope::Private);
    let bench = Bench::with_builder(
        |_| {},
        |builder| {
            let icons = slice(json!([{ "src": "https://example.com/i.png" }]));
            builder
                .title("Bench")
                .set("icons", icons)
                .set("website_url", slice(json!("https://example.com")))
                .capability(Capability::Resources)
                .extension("com.example/x", slice(json!({ "a": 1 })))
                .cache_hints(minute)
        },
    );
    add(&bench, Entry::new(Kind::Resource, "data:a").cache_hints(CacheHints::new(MS, CacheScope::Public)));
    let answer = ask(&bench, 1, "server/discover", json!({}));
    let result = &answer["result"];
    assert_eq!((&result["ttlMs"], &result["cacheScope"]), (&json!(60_000), &json!("private")));
    assert_eq!(result["capabilities"]["extensions"], json!({ "com.example/x": { "a": 1 } }));
    assert_eq!(result["_meta"]["io.modelcontextprotocol/serverInfo"]["title"], "Bench");
    let call = called(&bench, 2, "resources/read", json!({ "uri": "data:a" }));
    assert_eq!(complete(&bench, &call, Outcome::Text("x".into()))["result"]["ttlMs"], 1);
    let retry = json!({ "uri": "data:a", "inputResponses": {} });
    let call = called(&bench, 3, "resources/read", retry);
    let answer = complete(&bench, &call, Outcome::Text("x".into()));
    assert_eq!(
        (&answer["result"]["ttlMs"], &answer["result"]["cacheScope"]),
        (&json!(0), &json!("private")),
        "CA-3"
    );

    let mut hello = initialize("2025-06-18");
    bench.send(hello.clone());
    let answer = bench.sink.one();
    assert_eq!(
        answer["result"]["serverInfo"],
        json!({ "name": "bench", "version": "1.0.0", "title": "Bench" })
    );
    assert!(answer["result"]["capabilities"].get("extensions").is_none());
    hello["params"]["capabilities"] = json!({ "extensions": {} });
    let other = Bench::with_builder(|_| {}, |builder| builder.extension("com.example/x", slice(json!({}))));
    other.send(hello);
    assert_eq!(other.sink.one()["result"]["capabilities"]["extensions"], json!({ "com.example/x": {} }));
}

/// LG-4 to LG-7.
#[test]
fn a_client_gets_the_log_messages_that_it_wants() {
    let levels = |bench: &Bench| -> Vec<String> {
        let sent = bench.sink.take();
        sent.iter().map(|event| event["params"]["level"].as_str().unwrap().to_owned()).collect()
    };
    let say = |bench: &Bench, call: &HostCall| {
        for level in ["debug", "info", "error", "loud"] {
            bench.port.emit(call.id, Event::log(level, Some("db"), &slice(json!({ "n": 1 })))).unwrap();
        }
    };
    let bench = Bench::legacy();
    bench.call(1, "slow");
    let call = bench.drain_call();
    say(&bench, &call);
    assert_eq!(levels(&bench), ["info", "error"], "LG-5");
    bench.send(request(2, "logging/setLevel", json!({ "level": "error" })));
    assert_eq!(bench.sink.one()["result"], json!({}));
    say(&bench, &call);
    assert_eq!(levels(&bench), ["error"]);
    bench.send(request(3, "logging/setLevel", json!({ "level": "loud" })));
    assert_eq!(bench.sink.one()["error"]["code"], -32602);

    let bench = Bench::new();
    bench.call_modern(1, "slow");
    let call = bench.drain_call();
    say(&bench, &call);
    bench.sink.nothing();
    let mut wants = modern(self::call(json!(2), "slow", json!({})));
    wants["params"]["_meta"]["io.modelcontextprotocol/logLevel"] = json!("info");
    bench.send(wants);
    let call = bench.drain_call();
    say(&bench, &call);
    assert_eq!(levels(&bench), ["info", "error"], "LG-6");
}
