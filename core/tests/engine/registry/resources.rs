//! Resources, templates and providers: the handler that a request reaches, and what is refused.

use super::entries::{TARGET, add, ask, called, complete, request, slice};
use crate::support::*;
use serde_json::{Value, json};
use tenon_mcp::{Entry, Kind, Outcome, RpcError};

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
        assert!(
            reason.contains("only resource templates and resource providers can have unsafe_paths"),
            "{reason}"
        );
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

/// PG-1 to PG-4: registered resources come first, and then each provider on its own pages.
#[test]
fn resources_are_listed_page_by_page_and_provider_by_provider() {
    let bench = Bench::with(|limits| limits.page_size = 2);
    for name in ["a", "b", "c"] {
        add(&bench, Entry::new(Kind::Resource, format!("data:{name}")));
    }
    for template in ["one:{id}", "two:{id}"] {
        add(&bench, Entry::new(Kind::ResourceTemplate, template).hidden(true));
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
    add(&bench, Entry::new(Kind::ResourceTemplate, "one:{id}").hidden(true));
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

/// The address in a request need not be a valid URI. The address in the response is one.
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
