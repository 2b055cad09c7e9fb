//! The metadata of the resource, and the challenges of all endpoints.

use crate::helpers::door::*;
use crate::helpers::served::Served;
use crate::helpers::tokens::*;
use crate::support::bench::{Chunks, Full};
use crate::support::client::Client;
use serde_json::{Value, json};
use tenon_mcp::{HttpOptions, Limits};

const ROOT: &str = "/.well-known/oauth-protected-resource";
const AT_MCP: &str = "/.well-known/oauth-protected-resource/mcp";

fn settings(more: Value) -> Value {
    let mut settings = json!({ "auth": [jwt(json!({ "secret": SECRET }))] });
    settings.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    settings
}

fn served(more: Value) -> Served {
    Served::new(&settings(more))
}

#[test]
fn both_paths_have_the_same_document() {
    let served = served(json!({}));
    let own = format!("http://{}/mcp", served.address);
    for path in
        [ROOT, AT_MCP, "/.well-known/oauth-protected-resource/", "/.well-known/oauth-protected-resource/mcp/"]
    {
        let reply = served.ask("GET", path, &[]);
        assert_eq!((reply.status, reply.header("content-type")), (200, Some("application/json")), "{path}");
        assert_eq!(reply.header("access-control-allow-origin"), Some("*"));
        assert_eq!(reply.header("cache-control"), Some("public, max-age=300"));
        let expected = json!({
            "resource": own,
            "authorization_servers": [ISSUER],
            "scopes_supported": ["pay"],
            "bearer_methods_supported": ["header"],
            "resource_name": "up",
        });
        assert_eq!(reply.json(), expected, "{path}");
    }
    for path in ["/sse", "/ws"] {
        let reply = served.ask("GET", &format!("{ROOT}{path}"), &[]);
        assert_eq!(reply.json()["resource"], format!("http://{}{path}", served.address));
    }
}

/// The document of the origin is that of the endpoint of Streamable HTTP, wherever that is.
#[test]
fn the_endpoint_has_another_path() {
    let options = || HttpOptions::new("127.0.0.1:0").unwrap().path("/api/tools").unwrap();
    let served = Served::on(options(), Limits::default(), &settings(json!({})));
    for path in [ROOT.to_owned(), format!("{ROOT}/api/tools")] {
        let reply = served.ask("GET", &path, &[]);
        assert_eq!(reply.json()["resource"], format!("http://{}/api/tools", served.address), "{path}");
    }
    assert_eq!(served.ask("GET", AT_MCP, &[]).status, 404);
}

#[test]
fn the_methods_of_the_document() {
    let served = served(json!({}));
    for path in [ROOT, AT_MCP] {
        let head = served.ask("HEAD", path, &[]);
        assert_eq!((head.status, head.header("content-type")), (200, Some("application/json")), "{path}");
        let options = served.ask("OPTIONS", path, &[("origin", "https://app.example")]);
        assert_eq!(options.status, 204);
        assert_eq!(options.header("access-control-allow-origin"), Some("*"));
        assert!(options.header("access-control-allow-methods").unwrap().contains("GET"));
        assert_eq!(options.header("access-control-allow-headers"), Some("*"));
        for method in ["POST", "PUT", "DELETE"] {
            let refused = served.ask(method, path, &[]);
            assert_eq!(refused.status, 405, "{method} {path}");
            assert!(refused.header("allow").unwrap().contains("GET"));
        }
    }
}

/// AU-14: the document is for everybody, from every page.
#[test]
fn the_document_needs_no_credentials() {
    let served = served(json!({}));
    for headers in [
        vec![("origin", "https://app.example")],
        vec![("host", "mcp.example")],
        vec![("authorization", "Bearer wrong")],
        vec![("authorization", "Basic x"), ("authorization", "Bearer")],
    ] {
        assert_eq!(served.ask("GET", AT_MCP, &headers).status, 200, "{headers:?}");
    }
}

#[test]
fn paths_that_are_no_endpoint() {
    let served = served(json!({}));
    for path in
        ["/none", "/mcp/more", "/mcpx", "x", "/.well-known/oauth-protected-resource", "/%6dcp", "/messages2"]
    {
        let reply = served.ask("GET", &format!("{ROOT}{path}"), &[]);
        assert_eq!(reply.status, 404, "{path}");
    }
    for path in
        ["/.well-known/oauth-authorization-server", "/.well-known/openid-configuration", "/.well-known/"]
    {
        assert_eq!(served.ask("GET", path, &[]).status, 404, "{path}");
    }
}

#[test]
fn the_public_url_is_the_resource() {
    for (url, at, resource) in [
        ("https://mcp.example/api/mcp", "/api/mcp", "https://mcp.example/api/mcp"),
        ("https://mcp.example/api/mcp/", "/api/mcp", "https://mcp.example/api/mcp"),
        ("https://mcp.example", "", "https://mcp.example"),
        ("https://mcp.example/", "", "https://mcp.example"),
        ("https://MCP.example:443/mcp", "/mcp", "https://mcp.example/mcp"),
    ] {
        let served = served(json!({ "public_url": url }));
        for path in [ROOT.to_owned(), format!("{ROOT}{at}"), format!("{ROOT}{at}/")] {
            let reply = served.ask("GET", &path, &[("host", "inner.example")]);
            assert_eq!((reply.status, &reply.json()["resource"]), (200, &json!(resource)), "{url} {path}");
        }
        let refused = served.call(&[]);
        let expected = format!("Bearer resource_metadata=\"https://mcp.example{ROOT}{at}\"");
        assert_eq!((refused.status, refused.header("www-authenticate")), (401, Some(&*expected)), "{url}");
    }
}

#[test]
fn a_trusted_proxy_names_the_resource() {
    let served = served(json!({ "trusted_proxies": ["127.0.0.0/8"] }));
    for headers in [
        vec![("x-forwarded-host", "mcp.example"), ("x-forwarded-proto", "https")],
        vec![("forwarded", "for=192.0.2.1;host=mcp.example;proto=https")],
        vec![("forwarded", "host=other.example, for=192.0.2.1;HOST=\"mcp.example\";Proto=HTTPS")],
    ] {
        let reply = served.ask("GET", AT_MCP, &headers);
        assert_eq!(reply.json()["resource"], "https://mcp.example/mcp", "{headers:?}");
    }
    let direct = Served::new(&settings(json!({})));
    let reply = direct.ask("GET", AT_MCP, &[("x-forwarded-host", "mcp.example")]);
    assert_eq!(reply.json()["resource"], format!("http://{}/mcp", direct.address));
}

/// AU-12.
#[test]
fn offline_access_is_not_asked_for() {
    let served = served(json!({ "scopes": ["offline_access", "read"] }));
    assert_eq!(served.ask("GET", AT_MCP, &[]).json()["scopes_supported"], json!(["read", "pay"]));
    let door = Door::new(settings(json!({})));
    door.add(tenon_mcp::Kind::Tool, "away", json!({ "scopes": ["offline_access", "read"] }));
    let token = token(SECRET, json!({ "scope": "x" }));
    let refused = door.modern(Some(&token), "tools/call", json!({ "name": "away" }));
    assert_eq!(refused.status, 403);
    assert!(challenge(&refused).contains("scope=\"read\""), "{}", challenge(&refused));
    assert!(!challenge(&refused).contains("offline_access"));
}

/// Keys have no authorization server, so there is no document.
#[test]
fn a_server_without_an_authorization_server() {
    let served = Served::new(&everybody());
    assert_eq!(served.ask("GET", AT_MCP, &[]).status, 404);
    assert_eq!(served.call(&[]).header("www-authenticate"), Some("Bearer"));
    let mut named = everybody();
    named["authorization_servers"] = json!(["https://login.example"]);
    let served = Served::new(&named);
    assert_eq!(
        served.ask("GET", ROOT, &[]).json()["authorization_servers"],
        json!(["https://login.example"])
    );
}

/// Each endpoint of a listener answers each kind of refusal with its own challenge.
#[test]
fn every_endpoint_challenges() {
    let served = served(json!({}));
    let upgrade = [
        ("connection", "Upgrade"),
        ("upgrade", "websocket"),
        ("sec-websocket-version", "13"),
        ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
    ];
    type Headers<'a> = &'a [(&'a str, &'a str)];
    let requests: [(&str, &str, Headers<'_>); 6] = [
        ("POST", "/mcp", &[("content-type", "application/json")]),
        ("GET", "/mcp", &[("accept", "text/event-stream")]),
        ("DELETE", "/mcp", &[("mcp-session-id", "x")]),
        ("GET", "/ws", &upgrade),
        ("GET", "/sse", &[("accept", "text/event-stream")]),
        ("POST", "/messages?session=x", &[("content-type", "application/json")]),
    ];
    for (method, path, headers) in requests {
        let at = path.split('?').next().unwrap();
        let metadata = format!("resource_metadata=\"http://{}{ROOT}{at}\"", served.address);
        for (credentials, status, error) in [
            (None, 401, ""),
            (Some("Bearer wrong"), 401, "error=\"invalid_token\", "),
            (Some("Bearer"), 400, "error=\"invalid_request\", "),
            (Some("Basic YTpi"), 401, ""),
        ] {
            let headers: Vec<_> =
                headers.iter().copied().chain(credentials.map(|value| ("authorization", value))).collect();
            let refused = served.ask(method, path, &headers);
            let expected = format!("Bearer {error}{metadata}");
            assert_eq!(refused.status, status, "{method} {path} {credentials:?}");
            assert_eq!(
                refused.header("www-authenticate"),
                Some(&*expected),
                "{method} {path} {credentials:?}"
            );
            // AU-15.
            let code = refused.json()["error"]["code"].as_i64().unwrap();
            assert_eq!(code, -32600, "{method} {path}");
        }
    }
}

/// AU-8: the scopes of the whole server, if the request was refused before its operation was known.
#[test]
fn a_refusal_without_an_operation_names_the_scopes_of_the_server() {
    let served = served(json!({ "scopes": ["base", "read"] }));
    let metadata = format!("resource_metadata=\"http://{}{AT_MCP}\"", served.address);
    for (credentials, status, expected) in [
        (None, 401, format!("Bearer scope=\"base read\", {metadata}")),
        (
            Some("Bearer wrong"),
            401,
            format!("Bearer error=\"invalid_token\", scope=\"base read\", {metadata}"),
        ),
        (Some("Bearer"), 400, format!("Bearer error=\"invalid_request\", {metadata}")),
    ] {
        let headers: Vec<_> = credentials.map(|value| ("authorization", value)).into_iter().collect();
        let refused = served.ask("POST", "/mcp", &headers);
        assert_eq!((refused.status, refused.header("www-authenticate")), (status, Some(&*expected)));
    }
}

/// AU-9 and AU-13, on a listener.
#[test]
fn a_missing_scope_is_named() {
    let served = served(json!({}));
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    let token = token(SECRET, json!({ "exp": now + 100 }));
    let (name, value) = bearer(&token);
    let headers = [
        ("mcp-protocol-version", crate::MODERN),
        ("mcp-method", "tools/call"),
        ("mcp-name", "pay"),
        (name, &*value),
    ];
    let refused =
        Client::new(served.address).post(&headers, &crate::support::server::call(1, "pay", json!({})));
    let metadata = format!("resource_metadata=\"http://{}{AT_MCP}\"", served.address);
    let expected = format!("Bearer error=\"insufficient_scope\", scope=\"pay\", {metadata}");
    assert_eq!((refused.status, refused.header("www-authenticate")), (403, Some(&*expected)));
}

/// The router of a program passes requests for the document to the service, which is not on a listener.
fn embedded(door: &Door, method: &str, path: &str) -> Full {
    // The document is public: the host is none of those that the service accepts.
    door.bench.submit_at(path, method, &[("host", "shop.example")], Chunks::of([])).finish()
}

#[test]
fn the_document_of_an_embedded_endpoint() {
    let door = Door::new(settings(json!({})));
    let (name, value) = bearer("wrong");
    let request = door.bench.submit_at("/api/tools", "GET", &[(name, &value)], Chunks::of([]));
    let refused = request.finish();
    let challenge = refused.headers["www-authenticate"].to_str().unwrap();
    assert!(
        challenge.contains(&format!("resource_metadata=\"http://localhost{ROOT}/api/tools\"")),
        "{challenge}"
    );
    for at in ["/api/tools", "/api/tools/", "/mcp"] {
        let reply = embedded(&door, "GET", &format!("{ROOT}{at}"));
        assert_eq!(
            (reply.status, reply.headers["access-control-allow-origin"].as_bytes()),
            (200, &b"*"[..]),
            "{at}"
        );
        let resource = format!("http://shop.example{}", at.trim_end_matches('/'));
        assert_eq!(
            (&reply.json()["resource"], &reply.json()["authorization_servers"]),
            (&json!(resource), &json!([ISSUER]))
        );
    }
    assert_eq!(embedded(&door, "OPTIONS", AT_MCP).status, 204);
    assert_eq!(embedded(&door, "POST", AT_MCP).status, 405);
    // Only the program knows which endpoint is meant.
    assert_eq!(embedded(&door, "GET", ROOT).status, 404);
    // Other requests are for the endpoint.
    for path in [format!("{ROOT}x"), "/.well-known/openid-configuration".to_owned()] {
        assert_eq!(door.bench.submit_at(&path, "GET", &[], Chunks::of([])).finish().status, 401);
    }
}

#[test]
fn the_public_url_of_an_embedded_endpoint() {
    let door = Door::new(settings(json!({ "public_url": "https://mcp.example/mcp" })));
    for path in [ROOT, AT_MCP] {
        assert_eq!(embedded(&door, "GET", path).json()["resource"], "https://mcp.example/mcp", "{path}");
    }
    assert_eq!(embedded(&door, "GET", &format!("{ROOT}/other")).status, 404);
}

#[test]
fn an_embedded_endpoint_without_authorization_servers() {
    let door = Door::new(json!({ "auth": [keys()] }));
    assert_eq!(door.bench.submit_at(AT_MCP, "GET", &[], Chunks::of([])).finish().status, 401);
}
