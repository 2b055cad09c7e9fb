//! Entries of every kind: which handler a request reaches, with what, and what becomes of its outcome.

use crate::support::*;
use serde_json::{Value, json};
use std::time::Duration;
use tenon_mcp::{
    CacheHints, CacheScope, Capability, Entry, Event, HandlerId, HostCall, JsonSlice, Kind, Outcome,
    Revision, RpcError, Target,
};

const MS: Duration = Duration::from_millis(1);
const TARGET: Target = Target::Lane { lane: LANE, handler: HandlerId(1) };

fn slice(value: Value) -> JsonSlice {
    JsonSlice::from_value(&value)
}

fn add(bench: &Bench, entry: Entry) {
    bench.server.add(entry, TARGET).unwrap();
}

fn request(id: u64, method: &str, params: Value) -> Value {
    json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params })
}

/// What a request is answered at once, in the modern era.
#[track_caller]
fn ask(bench: &Bench, id: u64, method: &str, params: Value) -> Value {
    bench.send(modern(request(id, method, params)));
    bench.sink.one()
}

/// The call that a request of the modern era becomes.
#[track_caller]
fn called(bench: &Bench, id: u64, method: &str, params: Value) -> HostCall {
    bench.send(modern(request(id, method, params)));
    bench.sink.nothing();
    bench.drain_call()
}

#[track_caller]
fn complete(bench: &Bench, call: &HostCall, outcome: Outcome) -> Value {
    bench.port.complete(call.id, outcome).unwrap();
    bench.sink.one()
}

fn uris(answer: &Value) -> Vec<&str> {
    answer["result"]["resources"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| item["uri"].as_str().unwrap())
        .collect()
}

/// RS-11.
#[test]
fn no_variable_leads_out_of_a_folder_unless_the_template_allows_it() {
    let bench = Bench::new();
    add(&bench, Entry::new(Kind::ResourceTemplate, "safe:{+path}{?d}"));
    add(&bench, Entry::new(Kind::ResourceTemplate, "free:{+path}{?d}").unsafe_paths(true));
    for rest in ["/etc/x", "%2Fetc/x", "C:/x", "c%3ax", "x?d=..", "x?d=a%5C%2e."] {
        let uri = format!("safe:{rest}");
        let answer = ask(&bench, 1, "resources/read", json!({ "uri": uri }));
        let error = &answer["error"];
        assert_eq!((&error["code"], &error["data"]["uri"]), (&json!(-32602), &json!(uri)));
        let call = called(&bench, 2, "resources/read", json!({ "uri": format!("free:{rest}") }));
        complete(&bench, &call, Outcome::Text("read".into()));
    }
    let call = called(&bench, 3, "resources/read", json!({ "uri": "safe:a/b?d=/c" }));
    assert_eq!(call.input.to_value().unwrap(), json!({ "path": "a/b", "d": "/c" }));
    complete(&bench, &call, Outcome::Text("read".into()));
    for (kind, name) in [(Kind::Resource, "data:one"), (Kind::Tool, "one")] {
        let refused = bench.server.add(Entry::new(kind, name).unsafe_paths(true), TARGET);
        let reason = refused.unwrap_err().to_string();
        assert!(reason.contains("unsafe_paths is for resource templates and providers"), "{reason}");
    }
}

/// RS-4, RS-5.
#[test]
fn a_read_reaches_the_resource_or_else_the_template_that_fits() {
    let bench = Bench::new();
    add(&bench, Entry::new(Kind::Resource, "data:static").set_text("mimeType", "text/plain"));
    add(&bench, Entry::new(Kind::ResourceTemplate, "data:item/{id}{?lang}"));
    let call = called(&bench, 1, "resources/read", json!({ "uri": "data:static" }));
    assert_eq!((call.context.entry.kind, call.input.as_str()), (Kind::Resource, "{}"));
    let answer = complete(&bench, &call, Outcome::Text("hello".into()));
    let wanted = json!([{ "uri": "data:static", "mimeType": "text/plain", "text": "hello" }]);
    assert_eq!(answer["result"]["contents"], wanted);

    let call = called(&bench, 2, "resources/read", json!({ "uri": "data:item/a%20b?lang=de" }));
    assert_eq!(call.context.entry.name, "data:item/{id}{?lang}");
    assert_eq!(call.context.uri.as_deref(), Some("data:item/a%20b?lang=de"));
    assert_eq!(call.input.to_value().unwrap(), json!({ "id": "a b", "lang": "de" }));
    let answer = complete(&bench, &call, Outcome::Bytes(vec![0, 1, 255]));
    assert_eq!(answer["result"]["contents"][0]["blob"], "AAH/");

    for uri in ["data:item/", "data:item/..", "data:item/a%2Fb", "data:other"] {
        let answer = ask(&bench, 3, "resources/read", json!({ "uri": uri }));
        assert_eq!(
            (&answer["error"]["code"], &answer["error"]["data"]["uri"]),
            (&json!(-32602), &json!(uri))
        );
    }
    let long = format!("data:{}", "x".repeat(9000));
    let answer = ask(&bench, 3, "resources/read", json!({ "uri": long }));
    assert!(answer["error"]["data"].is_null(), "{answer}");
    bench.initialize(LEGACY);
    bench.send(request(4, "resources/read", json!({ "uri": "data:other" })));
    assert_eq!(bench.sink.one()["error"]["code"], -32002);
    bench.send(request(5, "resources/read", json!({ "uri": "data:static" })));
    let call = bench.drain_call();
    let answer = complete(&bench, &call, Outcome::Error(RpcError::not_found("data:static")));
    assert_eq!(answer["error"]["code"], -32002, "a handler may find nothing too");
    bench.assert_settled();
}

/// A failure of what is no tool is the protocol's.
#[test]
fn a_handler_that_fails_or_returns_rubbish_is_an_error_by_name() {
    let bench = Bench::new();
    add(&bench, Entry::new(Kind::Prompt, "greet"));
    add(&bench, Entry::new(Kind::Resource, "data:a"));
    for (outcome, text) in [
        (Outcome::Failed("boom".into()), "boom"),
        (Outcome::Exception("boom".into()), "boom"),
        (Outcome::Content(slice(json!([{ "role": "user" }]))), "prompt \"greet\""),
        (Outcome::Suspend, "suspended without asking"),
    ] {
        let call = called(&bench, 1, "prompts/get", json!({ "name": "greet" }));
        let answer = complete(&bench, &call, outcome);
        assert_eq!(answer["error"]["code"], -32603, "{answer}");
        assert!(answer["error"]["message"].as_str().unwrap().contains(text), "{answer}");
    }
    let call = called(&bench, 2, "resources/read", json!({ "uri": "data:a" }));
    let answer = complete(&bench, &call, Outcome::Result(slice(json!({ "contents": [] }))));
    assert!(answer["error"]["message"].as_str().unwrap().contains("must not be empty"), "RS-6: {answer}");
    bench.assert_settled();
}

/// PR-3, PR-4.
#[test]
fn a_prompt_gets_texts_and_all_it_requires() {
    let bench = Bench::new();
    let arguments = json!([{ "name": "who", "required": true }, { "name": "how" }]);
    add(&bench, Entry::new(Kind::Prompt, "greet").set("arguments", slice(arguments)));
    for arguments in [json!({}), json!({ "who": 1 }), json!({ "who": "a", "x": "b" }), json!([])] {
        let answer = ask(&bench, 1, "prompts/get", json!({ "name": "greet", "arguments": arguments }));
        assert_eq!(answer["error"]["code"], -32602, "{answer}");
    }
    assert_eq!(ask(&bench, 2, "prompts/get", json!({ "name": "nobody" }))["error"]["code"], -32602);
    let call = called(&bench, 3, "prompts/get", json!({ "name": "greet", "arguments": { "who": "Ada" } }));
    assert_eq!(call.input.as_str(), r#"{"who":"Ada"}"#);
    let answer = complete(&bench, &call, Outcome::Text("Greet Ada.".into()));
    let wanted = json!([{ "role": "user", "content": { "type": "text", "text": "Greet Ada." } }]);
    assert_eq!(answer["result"]["messages"], wanted);
    assert!(answer["result"].get("ttlMs").is_none(), "PR-7: {answer}");
}

/// CP-2 to CP-5.
#[test]
fn what_can_be_completed_is_told_by_what_is_registered() {
    let bench = Bench::new();
    let arguments = json!([{ "name": "style" }, { "name": "name" }]);
    add(&bench, Entry::new(Kind::Prompt, "greet").set("arguments", slice(arguments)));
    add(&bench, Entry::new(Kind::ResourceTemplate, "data:{id}"));
    let complete_it = |reference: Value, argument: &str| {
        json!({ "ref": reference, "argument": { "name": argument, "value": "f" },
            "context": { "arguments": { "name": "Ada" } } })
    };
    let prompt = json!({ "type": "ref/prompt", "name": "greet" });
    let params = complete_it(prompt.clone(), "style");
    let answer = ask(&bench, 1, "completion/complete", params.clone());
    assert_eq!(answer["error"]["code"], -32601, "nothing completes yet: {answer}");

    add(&bench, Entry::completion(Kind::Prompt, "greet", "style"));
    let call = called(&bench, 2, "completion/complete", params);
    assert_eq!(call.input.to_value().unwrap(), json!({ "value": "f", "arguments": { "name": "Ada" } }));
    let many: Vec<_> = (0..150).map(|n| n.to_string()).collect();
    let answer = complete(&bench, &call, Outcome::Json(slice(json!(many))));
    let completion = &answer["result"]["completion"];
    assert_eq!(completion["values"].as_array().unwrap().len(), 100);
    assert_eq!((&completion["total"], &completion["hasMore"]), (&json!(150), &json!(true)));

    for known in [
        complete_it(prompt.clone(), "name"),
        complete_it(json!({ "type": "ref/resource", "uri": "data:{id}" }), "id"),
    ] {
        assert_eq!(
            ask(&bench, 3, "completion/complete", known)["result"]["completion"],
            json!({ "values": [] })
        );
    }
    for wrong in [
        complete_it(prompt, "nothing"),
        complete_it(json!({ "type": "ref/prompt", "name": "nobody" }), "style"),
        complete_it(json!({ "type": "ref/resource", "uri": "data:{x}" }), "x"),
        complete_it(json!({ "type": "ref/tool", "name": "slow" }), "x"),
        json!({ "ref": { "type": "ref/prompt", "name": "greet" } }),
    ] {
        let answer = ask(&bench, 4, "completion/complete", wrong.clone());
        assert_eq!(answer["error"]["code"], -32602, "{wrong}: {answer}");
    }
}

/// PG-1 to PG-4: what is registered comes first, then each provider on a page of its own.
#[test]
fn resources_are_listed_page_by_page_and_provider_by_provider() {
    let bench = Bench::with(|limits| limits.page_size = 2);
    for name in ["a", "b", "c"] {
        add(&bench, Entry::new(Kind::Resource, format!("data:{name}")));
    }
    for template in ["one:{id}", "two:{id}"] {
        add(&bench, Entry::new(Kind::ResourceTemplate, template).hidden());
        add(&bench, Entry::new(Kind::ResourceProvider, template));
    }
    let first = ask(&bench, 1, "resources/list", json!({}));
    assert_eq!(uris(&first), ["data:a", "data:b"]);
    let follow = |answer: &Value| json!({ "cursor": answer["result"]["nextCursor"] });
    let item = |uri: &str| json!({ "uri": uri, "name": uri });

    let call = called(&bench, 2, "resources/list", follow(&first));
    assert_eq!((&*call.context.entry.name, call.input.as_str()), ("one:{id}", "{}"));
    let listed = json!({ "resources": [item("one:1")], "nextCursor": "" });
    let second = complete(&bench, &call, Outcome::Json(slice(listed)));
    assert_eq!(uris(&second), ["data:c", "one:1"]);

    let call = called(&bench, 3, "resources/list", follow(&second));
    assert_eq!(call.input.as_str(), r#"{"cursor":""}"#, "PG-2: an empty cursor is one");
    let third = complete(&bench, &call, Outcome::Json(slice(json!([item("one:2")]))));
    assert_eq!(uris(&third), ["one:2"]);

    let call = called(&bench, 4, "resources/list", follow(&third));
    assert_eq!(call.context.entry.name, "two:{id}");
    let last = complete(&bench, &call, Outcome::Json(slice(json!([]))));
    assert_eq!(uris(&last), [""; 0]);
    assert!(last["result"].get("nextCursor").is_none(), "{last}");

    // A provider is named by its cursor, whatever else comes and goes.
    bench.server.remove(Kind::ResourceProvider, "one:{id}").unwrap();
    let call = called(&bench, 14, "resources/list", follow(&third));
    assert_eq!(call.context.entry.name, "two:{id}");
    complete(&bench, &call, Outcome::Json(slice(json!([]))));
    add(&bench, Entry::new(Kind::ResourceTemplate, "one:{id}").hidden());
    add(&bench, Entry::new(Kind::ResourceProvider, "one:{id}"));

    // A cursor is for its own list, in its own revision, as the list was.
    let elsewhere = ask(&bench, 5, "tools/list", follow(&first));
    assert_eq!(elsewhere["error"]["code"], -32602, "PG-3: {elsewhere}");
    bench.server.remove(Kind::Resource, "data:a").unwrap();
    assert_eq!(ask(&bench, 6, "resources/list", follow(&first))["error"]["code"], -32602);

    // The template behind a provider is in no list, but it is read, and it goes with the provider.
    let templates = ask(&bench, 7, "resources/templates/list", json!({}));
    assert_eq!(templates["result"]["resourceTemplates"], json!([]));
    let call = called(&bench, 8, "resources/read", json!({ "uri": "one:7" }));
    complete(&bench, &call, Outcome::Text("7".into()));
    bench.server.remove(Kind::ResourceProvider, "one:{id}").unwrap();
    assert_eq!(ask(&bench, 9, "resources/read", json!({ "uri": "one:7" }))["error"]["code"], -32602);
    bench.assert_settled();
}

#[test]
fn a_providers_rubbish_is_an_error_that_names_it() {
    let bench = Bench::new();
    add(&bench, Entry::new(Kind::ResourceProvider, "one:{id}"));
    for outcome in [Outcome::Json(slice(json!([{ "uri": "no uri" }]))), Outcome::Text("x".into())] {
        let call = called(&bench, 1, "resources/list", json!({}));
        let answer = complete(&bench, &call, outcome);
        assert!(answer["error"]["message"].as_str().unwrap().contains("one:{id}"), "{answer}");
    }
}

/// What a client asks with need not be a URI yet; what it is answered with is one.
#[test]
fn an_address_is_answered_as_uris_are_written() {
    let bench = Bench::new();
    add(&bench, Entry::new(Kind::ResourceTemplate, "one:{id}"));
    for outcome in [Outcome::Text("x".into()), Outcome::Bytes(vec![1]), Outcome::Content(slice(json!("x")))] {
        let call = called(&bench, 1, "resources/read", json!({ "uri": "one:é" }));
        assert_eq!(call.input.to_value().unwrap(), json!({ "id": "é" }));
        let answer = complete(&bench, &call, outcome);
        assert_eq!(answer["result"]["contents"][0]["uri"], "one:%C3%A9", "{answer}");
    }
}

#[test]
fn a_program_answers_methods_of_its_own_and_in_place_of_the_engine() {
    let bench = Bench::new();
    let schema = json!({ "type": "object", "properties": { "n": { "type": "integer" } }, "required": ["n"] });
    add(&bench, Entry::new(Kind::Method, "demo/double").set("inputSchema", slice(schema)));
    add(&bench, Entry::new(Kind::Method, "tools/list"));
    let answer = ask(&bench, 1, "demo/double", json!({}));
    assert_eq!(answer["error"]["code"], -32602, "{answer}");
    let call = called(&bench, 2, "demo/double", json!({ "n": 2 }));
    assert_eq!(call.input.member("n").unwrap().as_str(), "2");
    let answer = complete(&bench, &call, Outcome::Json(slice(json!({ "doubled": 4 }))));
    assert_eq!(
        (&answer["result"]["doubled"], &answer["result"]["resultType"]),
        (&json!(4), &json!("complete"))
    );
    assert!(answer["result"].get("ttlMs").is_none());

    let call = called(&bench, 3, "tools/list", json!({}));
    let answer = complete(&bench, &call, Outcome::Json(slice(json!({ "tools": [] }))));
    assert_eq!((&answer["result"]["tools"], &answer["result"]["ttlMs"]), (&json!([]), &json!(0)), "CA-1");
    let call = called(&bench, 4, "tools/list", json!({}));
    let own = json!({ "tools": [], "ttlMs": 5, "cacheScope": "private" });
    assert_eq!(complete(&bench, &call, Outcome::Json(slice(own)))["result"]["ttlMs"], 5);

    for engines in ["ping", "initialize", "server/discover", "logging/setLevel", "notifications/initialized"]
    {
        let error = bench.server.add(Entry::new(Kind::Method, engines), TARGET).unwrap_err();
        assert!(error.to_string().contains("the engine itself"), "{error}");
    }
    assert_eq!(ask(&bench, 5, "demo/other", json!({}))["error"]["code"], -32601);
}

#[test]
fn notifications_and_hooks_reach_their_handlers_and_are_not_answered() {
    let bench = Bench::new();
    for hook in ["session_start", "session_end", "roots_changed"] {
        add(&bench, Entry::new(Kind::Hook, hook));
    }
    add(&bench, Entry::new(Kind::Notification, "notifications/mine"));
    let told = |name: &str| {
        let call = bench.drain_call();
        assert_eq!((&*call.context.entry.name, &call.context.request_id.is_none()), (name, &true));
        bench.port.complete(call.id, Outcome::Failed("nobody hears".into())).unwrap();
        bench.sink.nothing();
        call
    };
    let notify = |method: &str, params: Value| {
        bench.send(json!({ "jsonrpc": "2.0", "method": method, "params": params }));
    };
    bench.initialize(LEGACY);
    let call = told("session_start");
    assert_eq!(call.context.client.revision, Revision::V2025_11_25);
    notify("notifications/initialized", json!({}));
    assert!(bench.drain().is_empty(), "it starts once");
    notify("notifications/roots/list_changed", json!({}));
    told("roots_changed");
    notify("notifications/mine", json!({ "x": [1] }));
    assert_eq!(told("notifications/mine").input.to_value().unwrap(), json!({ "x": [1] }));
    notify("notifications/other", json!({}));
    assert!(bench.drain().is_empty());
    bench.engine.end_input(&bench.peer);
    assert_eq!(bench.peer.in_flight(), 1, "the end waits for the handler");
    told("session_end");
    bench.engine.close_peer(&bench.peer, tenon_mcp::CancelReason::Closing);
    assert!(bench.drain().is_empty(), "it ends once");
    let error = bench.server.add(Entry::new(Kind::Hook, "other"), TARGET).unwrap_err();
    assert!(error.to_string().contains("session_start, session_end, roots_changed"), "{error}");
}

#[test]
fn the_program_is_told_of_handlers_that_fail_of_themselves() {
    let bench = Bench::new();
    add(&bench, Entry::new(Kind::Hook, "error"));
    add(&bench, Entry::new(Kind::Tool, "tool").timeout(20 * MS));
    bench.initialize(LEGACY);
    let call = |id: u64| {
        bench.call(id, "tool");
        bench.drain_call().id
    };
    let told = |why: &str, outcome: Outcome| {
        let hook = bench
            .drain()
            .into_iter()
            .find_map(|op| match op {
                tenon_mcp::HostOp::Call(call) => Some(call),
                _ => None,
            })
            .unwrap();
        assert_eq!(&*hook.context.entry.name, "error");
        let said = hook.input.to_value().unwrap();
        assert_eq!((&said["kind"], &said["name"]), (&json!("tool"), &json!("tool")));
        assert!(said["message"].as_str().unwrap().contains(why), "{said}");
        bench.port.complete(hook.id, outcome).unwrap();
        assert!(bench.drain().is_empty());
    };
    bench.port.complete(call(1), Outcome::Exception("no disk".into())).unwrap();
    // What this one fails with is told to nobody.
    told("no disk", Outcome::Exception("nor ears".into()));
    bench.port.complete(call(2), Outcome::Content(slice(json!([3])))).unwrap();
    told("content[0]", Outcome::Text(String::new()));
    call(3);
    bench.advance(20 * MS);
    told("timed out after 20 ms", Outcome::Text(String::new()));
    // What is meant for the client is no failure of the handler's.
    bench.port.complete(call(4), Outcome::Failed("try again".into())).unwrap();
    assert!(bench.drain().is_empty());
    assert_eq!(bench.sink.take().len(), 4);
}

#[test]
fn the_program_is_told_of_a_failure_when_its_call_has_given_its_place_back() {
    let bench = Bench::with(|limits| limits.max_lane_calls = 1);
    add(&bench, Entry::new(Kind::Hook, "error"));
    add(&bench, Entry::new(Kind::Tool, "tool"));
    bench.initialize(LEGACY);
    bench.call(1, "tool");
    bench.port.complete(bench.drain_call().id, Outcome::Exception("no disk".into())).unwrap();
    assert_eq!(&*bench.drain_call().context.entry.name, "error");
}

/// TL-27.
#[test]
fn sessions_are_told_once_of_what_changes_in_a_moment() {
    let bench = Bench::legacy();
    let own = std::sync::Arc::new(Recorder::default());
    bench.peer.set_sink(own.clone());
    for name in ["x", "y"] {
        bench.server.add(tool(name), TARGET).unwrap();
    }
    bench.server.disable(Kind::Tool, "slow");
    add(&bench, Entry::new(Kind::Prompt, "p"));
    own.nothing();
    bench.advance(10 * MS);
    let methods: Vec<_> = own.take().iter().map(|sent| sent["method"].as_str().unwrap().to_owned()).collect();
    assert_eq!(methods, ["notifications/tools/list_changed", "notifications/prompts/list_changed"]);
    bench.advance(1000 * MS);
    own.nothing();
    bench.call(1, "slow");
    assert_eq!(bench.sink.one()["error"]["code"], -32602, "disabled");
    bench.server.enable(Kind::Tool, "slow");
    bench.call(2, "slow");
    let call = bench.drain_call();
    bench.text(call.id, "back");
    bench.sink.take();
    // A capability that clients were told of stays.
    bench.server.remove(Kind::Prompt, "p").unwrap();
    bench.send(request(3, "prompts/list", json!({})));
    assert_eq!(bench.sink.one()["result"]["prompts"], json!([]));
    assert!(!bench.server.enable(Kind::Tool, "nobody"));
    assert_eq!(bench.server.entries(Kind::Tool).len(), 5);
}

#[test]
fn a_masked_exception_is_in_the_log_under_the_reference_that_the_client_has() {
    let log = std::sync::Arc::new(crate::sessions::logs::Kept::default());
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
                .cache(minute)
        },
    );
    add(&bench, Entry::new(Kind::Resource, "data:a").cache(CacheHints::new(MS, CacheScope::Public)));
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
