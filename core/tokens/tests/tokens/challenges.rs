//! Challenges and metadata.

use serde_json::{Value, json};
use tenon_tokens::{
    Challenge, ChallengeError, ErrorCode, MAX_CHALLENGE_BYTES, MetadataError, ResourceMetadata, TokenError,
};

const METADATA: &str = "https://mcp.example/.well-known/oauth-protected-resource/mcp";

#[test]
fn challenges_are_written() {
    let without_token =
        Challenge { scopes: &["read"], resource_metadata: Some(METADATA), ..Challenge::default() };
    assert_eq!(
        without_token.header_value().expect("legal"),
        format!("Bearer scope=\"read\", resource_metadata=\"{METADATA}\"")
    );
    let all = Challenge {
        realm: Some(r#"a "quoted" \ realm"#),
        error: Some(ErrorCode::InsufficientScope),
        error_description: Some("More scopes are needed"),
        scopes: &["files:read", "offline_access", "files:write"],
        resource_metadata: Some(METADATA),
    };
    assert_eq!(
        all.header_value().expect("legal"),
        format!(
            r#"Bearer realm="a \"quoted\" \\ realm", error="insufficient_scope", error_description="More scopes are needed", scope="files:read files:write", resource_metadata="{METADATA}""#
        )
    );
    let only_offline = Challenge { scopes: &["offline_access"], realm: Some("mcp"), ..Challenge::default() };
    assert_eq!(only_offline.header_value().expect("legal"), "Bearer realm=\"mcp\"");
    assert_eq!(Challenge::default().header_value(), Err(ChallengeError::Empty));
}

#[test]
fn codes_have_a_status() {
    for (code, name, status) in [
        (ErrorCode::InvalidRequest, "invalid_request", 400),
        (ErrorCode::InvalidToken, "invalid_token", 401),
        (ErrorCode::InsufficientScope, "insufficient_scope", 403),
    ] {
        assert_eq!((code.name(), code.status()), (name, status));
        let challenge = Challenge { error: Some(code), ..Challenge::default() };
        assert_eq!(challenge.header_value().expect("legal"), format!("Bearer error=\"{name}\""));
    }
}

#[test]
fn what_a_header_cannot_carry_is_refused() {
    for text in ["a\r\nSet-Cookie: x", "a\u{0}", "é", "\u{7f}", "a\tb"] {
        for (parameter, challenge) in [
            ("realm", Challenge { realm: Some(text), ..Challenge::default() }),
            ("error_description", Challenge { error_description: Some(text), ..Challenge::default() }),
            ("scope", Challenge { scopes: &["a", text], ..Challenge::default() }),
            ("resource_metadata", Challenge { resource_metadata: Some(text), ..Challenge::default() }),
        ] {
            assert_eq!(challenge.header_value(), Err(ChallengeError::Characters { parameter }), "{text:?}");
        }
    }
    for text in ["a\"b", "a\\b"] {
        let challenge = Challenge { error_description: Some(text), ..Challenge::default() };
        assert!(challenge.header_value().is_err());
    }
    for scope in ["", "a b", "a\"", "a\\"] {
        let challenge = Challenge { scopes: &[scope], ..Challenge::default() };
        assert_eq!(challenge.header_value(), Err(ChallengeError::Characters { parameter: "scope" }));
    }
    let long = "x".repeat(MAX_CHALLENGE_BYTES);
    let challenge = Challenge { realm: Some(&long), ..Challenge::default() };
    assert!(matches!(challenge.header_value(), Err(ChallengeError::TooLong { .. })));
}

#[test]
fn what_a_client_sees_of_an_error_fits_into_a_challenge() {
    for error in [TokenError::Unsigned, TokenError::Expired { seconds: 3 }, TokenError::Parts { count: 2 }] {
        let challenge = Challenge {
            error: Some(ErrorCode::InvalidToken),
            error_description: Some(error.client_text()),
            ..Challenge::default()
        };
        assert!(challenge.header_value().is_ok());
    }
    assert_eq!(TokenError::Expired { seconds: 3 }.client_text(), "The access token expired");
}

#[test]
fn metadata_is_written() {
    let least = ResourceMetadata {
        resource: "HTTPS://MCP.example:443/mcp/",
        authorization_servers: &["https://issuer.example"],
        ..ResourceMetadata::default()
    };
    assert_eq!(
        least.to_json().expect("legal"),
        r#"{"resource":"https://mcp.example/mcp","authorization_servers":["https://issuer.example"],"bearer_methods_supported":["header"]}"#
    );
    let all = ResourceMetadata {
        scopes_supported: &["read", "offline_access", "write"],
        resource_name: Some("A \"name\""),
        resource_documentation: Some("https://mcp.example/docs#auth"),
        jwks_uri: Some("https://mcp.example/keys"),
        ..least
    };
    let found: Value = serde_json::from_str(&all.to_json().expect("legal")).expect("JSON");
    assert_eq!(
        found,
        json!({
            "resource": "https://mcp.example/mcp",
            "authorization_servers": ["https://issuer.example"],
            "scopes_supported": ["read", "write"],
            "bearer_methods_supported": ["header"],
            "resource_name": "A \"name\"",
            "resource_documentation": "https://mcp.example/docs#auth",
            "jwks_uri": "https://mcp.example/keys",
        })
    );
}

#[test]
fn false_metadata_is_refused() {
    let legal = ResourceMetadata {
        resource: "https://mcp.example",
        authorization_servers: &["https://issuer.example"],
        ..ResourceMetadata::default()
    };
    assert!(legal.to_json().is_ok());
    for resource in [
        "",
        "/mcp",
        "mcp",
        "ftp://mcp.example",
        "https://mcp.example#x",
        "https://u@mcp.example",
        "https:///mcp",
    ] {
        let found = ResourceMetadata { resource, ..legal }.to_json();
        assert!(matches!(found, Err(MetadataError::Url { member: "resource", .. })), "{resource}");
    }
    let none = ResourceMetadata { authorization_servers: &[], ..legal };
    assert_eq!(none.to_json(), Err(MetadataError::NoAuthorizationServer));
    for server in ["", "issuer", "https://issuer.example?x=1", "https://issuer.example/#x"] {
        let found = ResourceMetadata { authorization_servers: &["https://issuer.example", server], ..legal }
            .to_json();
        assert!(matches!(found, Err(MetadataError::Url { member: "authorization_servers", .. })), "{server}");
    }
    for url in ["", "docs", "javascript:alert(1)", "file:///etc/passwd"] {
        assert!(ResourceMetadata { resource_documentation: Some(url), ..legal }.to_json().is_err(), "{url}");
        assert!(ResourceMetadata { jwks_uri: Some(url), ..legal }.to_json().is_err(), "{url}");
    }
    assert!(matches!(
        ResourceMetadata { scopes_supported: &["a b"], ..legal }.to_json(),
        Err(MetadataError::Scope { .. })
    ));
    let many = vec!["a"; 257];
    assert!(matches!(
        ResourceMetadata { scopes_supported: &many, ..legal }.to_json(),
        Err(MetadataError::TooMany { member: "scopes_supported" })
    ));
}
