//! Which hosts and origins may use the server.

use super::*;

/// The status for a request with these headers: 200, or the status of the refusal.
fn enters(access: &Access, pairs: &[(&str, &str)]) -> u16 {
    let headers = headers(pairs);
    match access.check(&Uri::from_static("/mcp"), &headers) {
        Ok(origin) => {
            assert_eq!(origin.is_some(), headers.contains_key("origin"));
            200
        }
        Err(refusal) => {
            assert!(!refusal.body.is_empty());
            refusal.status.as_u16()
        }
    }
}

#[test]
fn hosts() {
    let loopback = Access::loopback();
    for legal in
        ["localhost", "LOCALHOST:80", "127.0.0.1:8000", "127.0.0.1", "[::1]:9", "[::1]", "127.8.0.1:1"]
    {
        assert_eq!(enters(&loopback, &[("host", legal)]), 200, "MH-3: {legal}");
    }
    for illegal in [
        "evil.example.com",
        "localhost.evil.com",
        "127.0.0.1.evil.com:80",
        "10.0.0.1",
        "[::2]:80",
        "",
        "evil.com:127.0.0.1",
        "[evil]:80",
    ] {
        assert_eq!(enters(&loopback, &[("host", illegal)]), 403, "MH-3: {illegal}");
    }
    assert_eq!(enters(&loopback, &[]), 400);
    assert_eq!(enters(&loopback, &[("host", "localhost"), ("host", "localhost")]), 400);
    let named = Access::loopback().allow_hosts(["mcp.example.com"]);
    assert_eq!(enters(&named, &[("host", "MCP.example.com:444")]), 200);
    assert_eq!(enters(&named, &[("host", "localhost")]), 200);
    assert_eq!(enters(&named, &[("host", "other.example.com")]), 403);
    assert_eq!(enters(&Access::public(), &[("host", "anything")]), 200);
    let named = Access::public().allow_hosts(["mcp.example.com"]);
    assert_eq!(enters(&named, &[("host", "anything")]), 403);
    // A host in the request line is checked, and so is the header.
    let line = |uri, host| loopback.check(&Uri::from_static(uri), &headers(&[("host", host)])).is_ok();
    assert!(!line("http://evil.example.com/mcp", "localhost"));
    assert!(!line("http://localhost/mcp", "evil.example.com"));
    assert!(!line("http://evil.example@localhost/mcp", "localhost"));
    assert!(line("http://localhost:80/mcp", "127.0.0.1"));
    assert_eq!(enters(&Access::public(), &[("host", "a"), ("host", "a")]), 400);
}

#[test]
fn hostile_hosts_and_origins_are_refused_with_the_setting_that_admits_them() {
    let refusal = |access: &Access, header: (&'static str, &'static str)| {
        let mut pairs = vec![header];
        if header.0 != "host" {
            pairs.push(("host", "localhost"));
        }
        let refusal = access.check(&Uri::from_static("/mcp"), &headers(&pairs)).err()?;
        Some((refusal.status.as_u16(), String::from_utf8(refusal.body.to_vec()).unwrap()))
    };
    let named =
        Access::loopback().allow_hosts(["mcp.example.com"]).allow_origins(["https://app.example.com"]);
    for origin in [
        "http://127.0.0.1:8000@evil.example",
        "http://localhost@evil.example",
        "http://localhost:80:80",
        "http://localhost:",
        "http://localhost.",
        "http://localhost/",
        "http://localhost#",
        "http://localhost\\.evil.example",
        "http://[::1]evil.example",
        "http://[::1",
        "http://127.1",
        "http://2130706433",
        "http://localhost http://evil.example",
        "http://localhost,http://evil.example",
        "//localhost",
        "https://app.example.com@evil.example",
        "https://app.example.com:444",
        "https://app.example.com.",
        "https://app.example.com.evil.example",
        "null",
        "*",
    ] {
        for access in [&named, &Access::loopback(), &Access::public()] {
            let (status, body) =
                refusal(access, ("origin", origin)).unwrap_or_else(|| panic!("{origin} enters"));
            assert!(status == 403 && body.contains("allowed origins"), "MH-2: {origin}: {body}");
        }
    }
    for origin in ["HTTPS://APP.example.com:443", "https://app.example.com", "http://[0::1]:80"] {
        assert_eq!(refusal(&named, ("origin", origin)), None, "MH-2: {origin}");
    }
    let null = Access::public().allow_origins(["null"]);
    assert_eq!(refusal(&null, ("origin", "null")), None);
    assert!(refusal(&null, ("origin", "http://null")).is_some());
    for host in [
        "localhost@evil.example",
        "localhost.",
        "localhost:",
        "localhost:+80",
        "localhost:x",
        "127.0.0.1.",
        "[::1]x",
        "[::1%25lo]",
        "localhost/",
        "localhost,evil.example",
        "mcp.example.com.",
        "mcp.example.com@evil.example",
    ] {
        for access in [&named, &Access::loopback()] {
            let (status, body) = refusal(access, ("host", host)).unwrap_or_else(|| panic!("{host} enters"));
            assert!(status == 403 && body.contains("allowed hosts"), "MH-3: {host}: {body}");
        }
    }
}

#[test]
fn allowed_hosts_and_origins_that_cannot_be_any_are_named() {
    for host in
        ["", "http://mcp.example.com", "mcp.example.com:80", "mcp.example.com/", "*", "b\u{fc}cher.example"]
    {
        let problem = Access::public().allow_hosts(["fine.example", host]).problem().expect(host);
        assert!(
            problem.starts_with("allowed hosts: ") && problem.contains(&format!("{host:?}")),
            "{problem}"
        );
    }
    for origin in ["", "app.example.com", "https://app.example.com/", "https://*.example.com", "https://a@b"]
    {
        let problem = Access::public().allow_origins(["*", "null", origin]).problem().expect(origin);
        assert!(
            problem.starts_with("allowed origins: ") && problem.contains(&format!("{origin:?}")),
            "{problem}"
        );
    }
    let fine = Access::loopback()
        .allow_hosts(["a", "10.0.0.1", "[::2]"])
        .allow_origins(["app+x://id", "http://[::1]:9"]);
    assert_eq!(fine.problem(), None);
}

#[test]
fn origins() {
    let check = |access: Access, origin: &str| enters(&access, &[("host", "localhost"), ("origin", origin)]);
    for legal in ["http://localhost:3000", "https://127.0.0.1", "http://[::1]:8080", "http://LOCALHOST"] {
        assert_eq!(check(Access::loopback(), legal), 200, "MH-2: {legal}");
        assert_eq!(check(Access::public(), legal), 403, "MH-2: {legal}");
    }
    for illegal in
        ["http://evil.example.com", "null", "", "http://localhost.evil.com", "file://localhost", "localhost"]
    {
        assert_eq!(check(Access::loopback(), illegal), 403, "MH-2: {illegal}");
        assert_eq!(check(Access::public(), illegal), 403, "MH-2: {illegal}");
    }
    let named = || Access::public().allow_origins(["https://app.example.com"]);
    assert_eq!(check(named(), "https://app.example.com"), 200);
    assert_eq!(check(named(), "http://app.example.com"), 403);
    assert_eq!(check(named(), "https://app.example.com:444"), 403);
    assert_eq!(check(Access::public().allow_origins(["*"]), "null"), 200);
    let twice = [("host", "localhost"), ("origin", "http://localhost"), ("origin", "http://localhost")];
    assert_eq!(enters(&Access::loopback(), &twice), 403);
    assert_eq!(enters(&Access::public(), &[]), 200, "MH-2: no origin is fine");
}
