//! Attempts with names of hosts: to make the metadata or a challenge point to the attacker's server, or to inject headers.

use crate::helpers::door::*;
use crate::helpers::served::Served;
use crate::helpers::tokens::*;
use crate::support::bench::{Bench, whole};
use serde_json::{Value, json};
use std::net::IpAddr;
use tenon_mcp::http::{Access, HttpService};

fn settings(more: Value) -> Value {
    let mut settings = json!({ "auth": [jwt(json!({ "secret": SECRET }))] });
    settings.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    settings
}

/// A server behind a proxy at 10.0.0.1 that accepts every host.
fn public(more: Value) -> Door {
    let mut door = Door::new(settings(more));
    let service = HttpService::new(&door.bench.server, Access::public());
    let address = std::cell::Cell::new(Some("10.0.0.1".parse::<IpAddr>().unwrap()));
    door.bench = Bench { service, address, ..door.bench };
    door
}

/// The challenge of a request to `uri` with these headers.
fn challenged(door: &Door, uri: &str, headers: &[(&str, &str)]) -> Option<String> {
    let mut request = http::Request::post(uri);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let mut request = request.body(String::new()).ok()?;
    if let Some(address) = door.bench.address.get() {
        request.extensions_mut().insert(tenon_mcp::http::RemoteAddress(address));
    }
    let service = door.bench.service.clone();
    let answer = Box::pin(async move { service.handle(request).await });
    let refused = whole(door.finish(crate::support::bench::Pending { answer, woken: Default::default() }));
    assert!(matches!(refused.status, 400 | 401 | 403), "{}", refused.status);
    Some(challenge(&refused).to_owned())
}

#[test]
fn a_host_that_is_more_than_a_host() {
    let door = public(json!({}));
    for host in [
        "a.example\" , Basic realm=\"x",
        "a.example/path",
        "a.example/x?y=",
        "a.example#x",
        "user@evil.example",
        "a.example\\x",
        "a.example, b.example",
        "a b",
        "",
        ":80",
        "a.example:99999",
        "a.example:80:80",
        "[::1",
        "%0d%0aset-cookie:x",
    ] {
        let challenge = challenged(&door, "/mcp", &[("host", host)]).unwrap();
        assert!(matches!(challenge.as_str(), "" | "Bearer"), "{host:?}: {challenge}");
    }
    let good = challenged(&door, "/mcp", &[("host", "A.example:8080")]).unwrap();
    assert!(
        good.contains("resource_metadata=\"http://a.example:8080/.well-known/oauth-protected-resource/mcp\"")
    );
}

/// With a public URL, nothing that a client sends counts.
#[test]
fn a_host_against_the_public_url() {
    let door = public(json!({ "public_url": "https://mcp.example/mcp", "trusted_proxies": ["10.0.0.0/8"] }));
    let expected = "resource_metadata=\"https://mcp.example/.well-known/oauth-protected-resource/mcp\"";
    for headers in [
        vec![("host", "evil.example")],
        vec![("host", "mcp.example"), ("x-forwarded-host", "evil.example"), ("x-forwarded-proto", "http")],
        vec![("host", "mcp.example"), ("forwarded", "host=evil.example;proto=http")],
    ] {
        let challenge = challenged(&door, "/mcp", &headers).unwrap();
        assert!(challenge.contains(expected) && !challenge.contains("evil"), "{headers:?}: {challenge}");
    }
    let challenge = challenged(&door, "http://evil.example/mcp", &[("host", "evil.example")]).unwrap();
    assert!(challenge.contains(expected), "{challenge}");
}

#[test]
fn headers_of_a_proxy_from_somebody_else() {
    let door = public(json!({ "trusted_proxies": ["10.0.0.2"] }));
    for headers in [
        [("host", "mcp.example"), ("x-forwarded-host", "evil.example")],
        [("host", "mcp.example"), ("forwarded", "for=1.2.3.4;host=evil.example;proto=https")],
        [("host", "mcp.example"), ("x-original-host", "evil.example")],
        [("host", "mcp.example"), ("x-forwarded-server", "evil.example")],
    ] {
        let challenge = challenged(&door, "/mcp", &headers).unwrap();
        assert!(challenge.contains("http://mcp.example/") && !challenge.contains("evil"), "{challenge}");
    }
}

/// The proxy sets one kind of header, and passes on what the client has sent of the other kind.
#[test]
fn the_other_kind_of_header_through_a_trusted_proxy() {
    let door = public(json!({ "trusted_proxies": ["10.0.0.0/8"] }));
    let headers = [
        ("host", "mcp.example"),
        ("forwarded", "for=6.6.6.6;host=evil.example;proto=https"),
        ("x-forwarded-for", "1.2.3.4"),
        ("x-forwarded-host", "mcp.example"),
    ];
    let challenge = challenged(&door, "/mcp", &headers).unwrap();
    assert!(!challenge.contains("evil"), "{challenge}");
    // What both say alike counts.
    let headers = [
        ("host", "inner"),
        ("forwarded", "for=1.2.3.4;host=mcp.example;proto=https"),
        ("x-forwarded-for", "9.9.9.9, 1.2.3.4"),
        ("x-forwarded-host", "mcp.example"),
        ("x-forwarded-proto", "https"),
    ];
    let challenge = challenged(&door, "/mcp", &headers).unwrap();
    assert!(challenge.contains("https://mcp.example/"), "{challenge}");
}

#[test]
fn values_of_a_proxy_that_are_no_names() {
    let door = public(json!({ "trusted_proxies": ["10.0.0.0/8"] }));
    for (name, value) in [
        ("x-forwarded-host", "evil\", error=\"none"),
        ("x-forwarded-host", "evil/x?"),
        ("x-forwarded-proto", "javascript"),
        ("x-forwarded-proto", "https://evil/"),
        ("forwarded", "host=\"evil/x\";proto=https"),
        ("forwarded", "host=\"a\\\"b\""),
    ] {
        let challenge = challenged(&door, "/mcp", &[("host", "mcp.example"), (name, value)]).unwrap();
        assert!(!challenge.contains("evil") && !challenge.contains("javascript"), "{value}: {challenge}");
        assert!(challenge == "Bearer" || challenge.matches('"').count() == 2, "{value}: {challenge}");
    }
}

#[test]
fn an_absolute_address_with_another_host() {
    let served = Served::new(&settings(json!({})));
    for target in ["http://evil.example/mcp", "http://localhost@evil.example/mcp"] {
        let reply = served.ask("POST", target, &[("host", "localhost")]);
        assert!(matches!(reply.status, 400 | 403), "{target}: {}", reply.status);
    }
    let reply = served.ask("POST", "/mcp", &[("host", "evil.example")]);
    assert_eq!(reply.status, 403, "a listener on this machine has names of this machine");
}

#[test]
fn paths_that_only_look_like_the_endpoint() {
    let served = Served::new(&settings(json!({})));
    for path in [
        "/mcp/../mcp",
        "//mcp",
        "/%6dcp",
        "/mcp%2f",
        "/MCP",
        "/mcp;x=y",
        "/mcp/%2e",
        "/mcp\"",
        "/.//mcp",
        "*",
    ] {
        let status = served.ask("POST", path, &[("content-type", "application/json")]).status;
        assert!(matches!(status, 400 | 401 | 403 | 404 | 405), "{path}: {status}");
    }
    for (path, status) in [("/mcp/", 401), ("/mcp?x=y", 401)] {
        assert_eq!(
            served.ask("POST", path, &[("content-type", "application/json")]).status,
            status,
            "{path}"
        );
    }
}

/// A server needs more scopes than a header can hold.
#[test]
fn a_challenge_that_is_too_long() {
    let door = public(json!({ "public_url": "https://mcp.example/mcp" }));
    let scopes: Vec<String> = (0..200).map(|number| format!("{number}-{}", "s".repeat(200))).collect();
    door.add(tenon_mcp::Kind::Tool, "greedy", json!({ "scopes": scopes }));
    let token = token(SECRET, json!({}));
    let refused = door.modern(Some(&token), "tools/call", json!({ "name": "greedy" }));
    assert_eq!(refused.status, 403);
    let challenge = challenge(&refused);
    assert!(
        challenge.contains("error=\"insufficient_scope\"") && challenge.contains("resource_metadata="),
        "{challenge}"
    );
    assert!(challenge.len() < 4096);
}

/// Words that are no scopes of OAuth must not make the metadata or the challenge disappear.
#[test]
fn a_scope_that_no_client_can_ask_for() {
    let door = public(json!({ "public_url": "https://mcp.example/mcp" }));
    door.add(tenon_mcp::Kind::Tool, "greedy", json!({ "scopes": ["é", "read"] }));
    let token = token(SECRET, json!({}));
    let refused = door.modern(Some(&token), "tools/call", json!({ "name": "greedy" }));
    assert_eq!(refused.status, 403);
    let challenge = challenge(&refused);
    assert!(challenge.contains("error=\"insufficient_scope\", scope=\"read\""), "{challenge}");
    let served = Served::new(&settings(json!({ "scopes": ["é", "read"] })));
    let metadata = served.ask("GET", "/.well-known/oauth-protected-resource", &[]);
    assert_eq!((metadata.status, &metadata.json()["scopes_supported"]), (200, &json!(["read", "pay"])));
}

/// More scopes than the metadata may name.
#[test]
fn more_scopes_than_the_metadata_names() {
    let scopes: Vec<String> = (0..256).map(|number| format!("scope-{number}")).collect();
    let served = Served::new(&settings(json!({ "scopes": scopes })));
    let metadata = served.ask("GET", "/.well-known/oauth-protected-resource", &[]);
    assert_eq!(metadata.status, 200);
    assert_eq!(metadata.json()["scopes_supported"].as_array().unwrap().len(), 256);
}

/// A cache in front of the proxy must not give the attacker's document to others.
#[test]
fn metadata_in_a_shared_cache() {
    let served = Served::new(&settings(json!({ "trusted_proxies": ["127.0.0.1"] })));
    let path = "/.well-known/oauth-protected-resource/mcp";
    let reply = served.ask("GET", path, &[("x-forwarded-host", "evil.example")]);
    let vary = reply.header("vary").unwrap_or_default().to_ascii_lowercase();
    let private = reply.header("cache-control").unwrap_or_default().contains("private");
    assert!(
        private
            || ["host", "forwarded", "x-forwarded-host", "x-forwarded-proto"]
                .iter()
                .all(|name| vary.contains(name)),
        "{reply:?}"
    );
}
