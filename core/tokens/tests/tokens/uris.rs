//! URIs of resources.

use tenon_tokens::{canonical, metadata_url, same_resource, well_known};

#[test]
fn the_canonical_form() {
    for (uri, expected) in [
        ("https://mcp.example", "https://mcp.example"),
        ("https://mcp.example/", "https://mcp.example"),
        ("HTTPS://MCP.Example:443/Mcp/", "https://mcp.example/Mcp"),
        ("http://localhost:80/mcp", "http://localhost/mcp"),
        ("http://localhost:443/mcp", "http://localhost:443/mcp"),
        ("http://localhost:08080/mcp", "http://localhost:8080/mcp"),
        ("https://mcp.example:/mcp", "https://mcp.example/mcp"),
        ("https://[2001:DB8::1]:8443/mcp", "https://[2001:db8::1]:8443/mcp"),
        ("https://mcp.example/mcp?A=b", "https://mcp.example/mcp?A=b"),
        ("https://mcp.example/a%2Fb", "https://mcp.example/a%2Fb"),
    ] {
        assert_eq!(canonical(uri).as_deref(), Some(expected), "{uri}");
        assert!(same_resource(uri, expected));
    }
}

#[test]
fn what_cannot_name_a_resource() {
    for text in [
        "",
        "mcp",
        "/mcp",
        "//mcp.example",
        "ftp://mcp.example",
        "https:mcp.example",
        "https://",
        "https:///mcp",
        "https://mcp.example#x",
        "https://user@mcp.example",
        "https://user:pw@mcp.example",
        "https://mcp.example:99999",
        "https://mcp.example:x",
        "https://mcp .example",
        " https://mcp.example",
        "https://mcp.example/\n",
        "https://é.example",
        "urn:example:mcp",
    ] {
        assert_eq!(canonical(text), None, "{text:?}");
        assert_eq!(metadata_url(text), None, "{text:?}");
        assert!(same_resource(text, text));
        assert!(!same_resource(text, "https://mcp.example"), "{text:?}");
    }
    assert_eq!(canonical(&format!("https://mcp.example/{}", "x".repeat(2048))), None);
}

#[test]
fn resources_that_differ() {
    let pairs = [
        ("https://mcp.example/a", "https://mcp.example/A"),
        ("https://mcp.example/a", "https://mcp.example/a//"),
        ("https://mcp.example/a", "http://mcp.example/a"),
        ("https://mcp.example/a", "https://mcp.example/a?"),
        ("https://mcp.example/a/../b", "https://mcp.example/b"),
        ("https://mcp.example", "https://mcp.example.evil.example"),
        ("https://mcp.example", "https://mcp.example@evil.example"),
        ("urn:a", "urn:A"),
    ];
    for (one, other) in pairs {
        assert!(!same_resource(one, other) && !same_resource(other, one), "{one} {other}");
    }
}

#[test]
fn where_metadata_lies() {
    const ROOT: &str = "/.well-known/oauth-protected-resource";
    assert_eq!(well_known("/public/mcp"), [&format!("{ROOT}/public/mcp"), ROOT]);
    assert_eq!(well_known("/mcp/"), [&format!("{ROOT}/mcp"), ROOT]);
    assert_eq!(well_known("/"), [ROOT, ROOT]);
    assert_eq!(well_known(""), [ROOT, ROOT]);
    for (resource, expected) in [
        ("https://h.example/public/mcp", "https://h.example/.well-known/oauth-protected-resource/public/mcp"),
        (
            "https://H.example/public/mcp/",
            "https://h.example/.well-known/oauth-protected-resource/public/mcp",
        ),
        ("https://h.example:8443/", "https://h.example:8443/.well-known/oauth-protected-resource"),
        ("https://h.example/mcp?k=v", "https://h.example/.well-known/oauth-protected-resource/mcp?k=v"),
    ] {
        assert_eq!(metadata_url(resource).as_deref(), Some(expected));
    }
}
