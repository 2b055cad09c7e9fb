//! What claims must be, and what becomes of them.

use crate::signing::{AUDIENCE, ISSUER, NOW, claim_rules, claims, claims_with, keys, rules, signed};
use serde_json::{Value, json};
use tenon_tokens::{Algorithm, ClaimRules, Claims, RuleError, TokenError, jwt};

const ALGORITHM: Algorithm = Algorithm::EdDsa;

fn verify(changes: Value, rules: &jwt::Rules, now: u64) -> Result<Claims, TokenError> {
    jwt::verify(&signed(ALGORITHM, &claims_with(changes)), rules, &keys(ALGORITHM), now)
}

fn usual(changes: Value) -> Result<Claims, TokenError> {
    verify(changes, &rules(), NOW)
}

fn strict(leeway: u64) -> jwt::Rules {
    jwt::Rules::new(claim_rules().leeway(leeway).expect("a legal leeway")).expect("legal rules")
}

#[track_caller]
fn missing(result: Result<Claims, TokenError>, name: &str) {
    match result {
        Err(TokenError::MissingClaim { claim }) => assert_eq!(claim.to_string(), format!("\"{name}\"")),
        other => panic!("{name}: {other:?}"),
    }
}

#[track_caller]
fn invalid(result: Result<Claims, TokenError>, name: &str) {
    match result {
        Err(TokenError::InvalidClaim { claim, .. }) => assert_eq!(claim.to_string(), format!("\"{name}\"")),
        other => panic!("{name}: {other:?}"),
    }
}

#[test]
fn all_claims_are_read() {
    let found =
        usual(json!({"client_id": "app", "azp": "other", "nbf": NOW, "tenant": {"id": 7}})).expect("legal");
    assert_eq!((found.issuer.as_str(), found.subject.as_str()), (ISSUER, "alice"));
    assert_eq!(found.client_id.as_deref(), Some("app"));
    assert_eq!(found.scopes, ["read", "write"]);
    assert!(found.roles.is_empty());
    assert_eq!(found.expires_at, Some(NOW + 300));
    let json: Value = serde_json::from_str(&found.json).expect("the text of the token");
    assert_eq!(json["tenant"]["id"], 7);
    let shown = format!("{found:?}");
    assert!(shown.contains("alice") && !shown.contains("tenant"), "{shown}");
    assert_eq!(usual(json!({"azp": "other"})).expect("legal").client_id.as_deref(), Some("other"));
    assert_eq!(usual(json!({})).expect("legal").client_id, None);
}

#[test]
fn clocks_may_differ_by_a_minute() {
    for (skew, legal) in [(0, true), (59, true), (60, true), (61, false), (3600, false)] {
        let results = [
            ("exp", usual(json!({"exp": NOW - skew}))),
            ("nbf", usual(json!({"nbf": NOW + skew}))),
            ("iat", usual(json!({"iat": NOW + skew}))),
        ];
        for (name, result) in results {
            let expected = match name {
                "exp" => TokenError::Expired { seconds: skew },
                "nbf" => TokenError::NotYetValid { seconds: skew },
                _ => TokenError::IssuedInFuture { seconds: skew },
            };
            match legal {
                true => assert!(result.is_ok(), "{name} {skew}: {result:?}"),
                false => assert_eq!(result, Err(expected)),
            }
        }
    }
    assert_eq!(usual(json!({"exp": NOW as f64 - 60.5})), Err(TokenError::Expired { seconds: 60 }));
    assert_eq!(usual(json!({"nbf": NOW as f64 + 60.5})), Err(TokenError::NotYetValid { seconds: 61 }));
}

#[test]
fn the_leeway_can_be_set() {
    assert!(verify(json!({"exp": NOW - 5}), &strict(5), NOW).is_ok());
    assert!(verify(json!({"exp": NOW - 6}), &strict(5), NOW).is_err());
    // Without leeway, RFC 7519 holds: the time of `exp` is too late, that of `nbf` is not too early.
    assert!(verify(json!({"exp": NOW + 1}), &strict(0), NOW).is_ok());
    assert_eq!(verify(json!({"exp": NOW}), &strict(0), NOW), Err(TokenError::Expired { seconds: 0 }));
    assert!(verify(json!({"nbf": NOW, "iat": NOW}), &strict(0), NOW).is_ok());
    assert!(verify(json!({"nbf": NOW + 1}), &strict(0), NOW).is_err());
    assert!(claim_rules().leeway(3600).is_ok());
    assert_eq!(claim_rules().leeway(3601).err(), Some(RuleError::Leeway { seconds: 3601 }));
}

#[test]
fn times_are_finite_numbers() {
    for name in ["exp", "nbf", "iat"] {
        for value in [json!("1800000300"), json!(true), json!([1]), json!({})] {
            invalid(usual(json!({name: value})), name);
        }
        // `claims_with` removes what is null, so such a text is written by hand.
        let text = claims().to_string().replacen('{', &format!("{{\"{name}\":null,"), 1);
        let text = match name {
            "nbf" => text,
            _ => {
                let mut rest = claims();
                rest.as_object_mut().expect("an object").remove(name);
                rest.to_string().replacen('{', &format!("{{\"{name}\":null,"), 1)
            }
        };
        let token = crate::signing::signed_text(ALGORITHM, r#"{"alg":"EdDSA"}"#, text);
        invalid(jwt::verify(&token, &rules(), &keys(ALGORITHM), NOW), name);
    }
    let infinite = claims().to_string().replacen('{', r#"{"nbf":-1e999,"#, 1);
    let token = crate::signing::signed_text(ALGORITHM, r#"{"alg":"EdDSA"}"#, infinite);
    let result = jwt::verify(&token, &rules(), &keys(ALGORITHM), NOW);
    assert!(matches!(result, Err(TokenError::Json { .. })), "{result:?}");

    missing(usual(json!({"exp": null})), "exp");
    assert_eq!(usual(json!({"exp": 1e300})).expect("legal").expires_at, Some(u64::MAX));
    assert_eq!(usual(json!({"exp": NOW as f64 + 0.9})).expect("legal").expires_at, Some(NOW));
    assert!(matches!(usual(json!({"exp": -1})), Err(TokenError::Expired { .. })));
    assert!(usual(json!({"iat": -5, "nbf": 0})).is_ok());
    for now in [0, u64::MAX] {
        let _ = verify(json!({}), &rules(), now);
    }
    assert!(matches!(verify(json!({}), &rules(), u64::MAX), Err(TokenError::Expired { .. })));
}

#[test]
fn the_issuer_is_compared_exactly() {
    for other in [
        "https://issuer.example/",
        "https://ISSUER.example",
        "https://evil.example",
        "",
        "https://issuer.example ",
    ] {
        let refused = usual(json!({"iss": other}));
        assert!(matches!(refused, Err(TokenError::Issuer { .. })), "{other}: {refused:?}");
    }
    missing(usual(json!({"iss": null})), "iss");
    invalid(usual(json!({"iss": [ISSUER]})), "iss");
    let two =
        ClaimRules::new(["https://first.example", ISSUER]).and_then(|rules| rules.audiences([AUDIENCE]));
    let two = jwt::Rules::new(two.expect("legal")).expect("legal");
    assert_eq!(verify(json!({}), &two, NOW).expect("legal").issuer, ISSUER);
    let evil =
        usual(json!({"iss": format!("evil\u{1b}[2J\n{}", "x".repeat(5000))})).expect_err("another issuer");
    assert!(evil.to_string().is_char_boundary(0) && evil.to_string().chars().count() < 250);
    assert!(!evil.to_string().contains(['\u{1b}', '\n']));
}

#[test]
fn the_audience_is_this_server() {
    for same in [
        json!("https://mcp.example/mcp"),
        json!("https://mcp.example/mcp/"),
        json!("HTTPS://MCP.Example/mcp"),
        json!("https://mcp.example:443/mcp"),
        json!(["https://other.example", "https://mcp.example/mcp"]),
    ] {
        assert!(usual(json!({"aud": same})).is_ok(), "{same}");
    }
    for other in [
        json!("https://mcp.example"),
        json!("https://mcp.example/MCP"),
        json!("http://mcp.example/mcp"),
        json!("https://mcp.example:8443/mcp"),
        json!("https://mcp.example/mcp//"),
        json!("https://mcp.example/mcp?x"),
        json!("https://mcp.example/mcp#x"),
        json!("https://user@mcp.example/mcp"),
        json!("https://mcp.example.evil.example/mcp"),
        json!("https://mcp.example/mcp/more"),
        json!(""),
        json!(["https://other.example", "mcp"]),
    ] {
        let refused = usual(json!({"aud": other}));
        assert!(matches!(refused, Err(TokenError::Audience { .. })), "{other}: {refused:?}");
    }
    missing(usual(json!({"aud": null})), "aud");
    for wrong in
        [json!([]), json!([AUDIENCE, 1]), json!({"a": AUDIENCE}), json!(1), json!(vec![AUDIENCE; 65])]
    {
        invalid(usual(json!({"aud": wrong})), "aud");
    }
    // What is not a URI is compared exactly.
    let named = claim_rules().audiences(["api://default", "mcp"]).expect("legal");
    let named = jwt::Rules::new(named).expect("legal");
    assert!(verify(json!({"aud": "mcp"}), &named, NOW).is_ok());
    assert!(verify(json!({"aud": "api://default"}), &named, NOW).is_ok());
    for other in ["MCP", "mcp/", "api://default/", "API://default"] {
        assert!(verify(json!({"aud": other}), &named, NOW).is_err(), "{other}");
    }
}

#[test]
fn a_subject_is_never_empty() {
    missing(usual(json!({"sub": null})), "sub");
    for wrong in
        [json!(""), json!("a\n"), json!("\u{7f}"), json!("x".repeat(257)), json!(7), json!(["alice"])]
    {
        invalid(usual(json!({"sub": wrong})), "sub");
    }
    assert!(usual(json!({"sub": "x".repeat(256)})).is_ok());
    for wrong in [json!(""), json!("x".repeat(2049)), json!(1)] {
        invalid(usual(json!({"client_id": wrong, "azp": "app"})), "client_id");
        invalid(usual(json!({"azp": wrong})), "azp");
    }
}

#[test]
fn scopes_have_three_forms() {
    for (changes, expected) in [
        (json!({"scope": "a b  a c "}), vec!["a", "b", "c"]),
        (json!({"scope": ""}), vec![]),
        (json!({"scope": ["a", "b"]}), vec!["a", "b"]),
        (json!({"scope": null, "scp": "a b"}), vec!["a", "b"]),
        (json!({"scope": null, "scp": ["a", "b", "a"]}), vec!["a", "b"]),
        (json!({"scope": "a", "scp": "b"}), vec!["a"]),
        (json!({"scope": null}), vec![]),
    ] {
        assert_eq!(usual(changes.clone()).expect("legal").scopes, expected, "{changes}");
    }
    for wrong in [
        json!(1),
        json!({"a": 1}),
        json!(["a", 1]),
        json!(["a b"]),
        json!([""]),
        json!("a\t\"b"),
        json!("é"),
        json!(true),
    ] {
        invalid(usual(json!({"scope": wrong})), "scope");
        invalid(usual(json!({"scope": null, "scp": wrong})), "scp");
    }
    let many = |count: usize| (0..count).map(|place| place.to_string()).collect::<Vec<_>>();
    assert_eq!(usual(json!({"scope": many(256)})).expect("legal").scopes.len(), 256);
    invalid(usual(json!({"scope": many(257)})), "scope");
    invalid(usual(json!({"scope": many(257).join(" ")})), "scope");
    assert!(usual(json!({"scope": "x".repeat(256)})).is_ok());
    invalid(usual(json!({"scope": "x".repeat(257)})), "scope");
}

#[test]
fn roles_are_read_at_their_path() {
    let with = |path: &str| {
        jwt::Rules::new(claim_rules().roles_at(path).expect("a legal path")).expect("legal rules")
    };
    let roles = |path: &str, changes: Value| verify(changes, &with(path), NOW).map(|claims| claims.roles);
    assert_eq!(
        roles("roles", json!({"roles": ["Domain Admins", "user"]})),
        Ok(vec!["Domain Admins".into(), "user".into()])
    );
    assert_eq!(roles("roles", json!({"roles": "admin user"})), Ok(vec!["admin".into(), "user".into()]));
    let keycloak = json!({"realm_access": {"roles": ["admin"]}});
    assert_eq!(roles("realm_access.roles", keycloak.clone()), Ok(vec!["admin".into()]));
    let named = json!({"https://example.com/roles": ["admin"]});
    assert_eq!(roles("https://example.com/roles", named), Ok(vec!["admin".into()]));
    for absent in ["roles", "realm_access.groups", "realm_access.roles.0", "realm_access.roles.x"] {
        assert_eq!(roles(absent, keycloak.clone()), Ok(vec![]), "{absent}");
    }
    for wrong in [json!(1), json!([1]), json!({"a": []}), json!(["a\n"]), json!(vec!["r"; 257])] {
        invalid(verify(json!({"roles": wrong}), &with("roles"), NOW), "roles");
    }
    assert!(claim_rules().roles_at("").is_err());
}

#[test]
fn required_claims_must_be_there() {
    let rules = claim_rules().required(["jti", "tenant"]).expect("legal");
    let rules = jwt::Rules::new(rules).expect("legal");
    missing(verify(json!({"tenant": 1}), &rules, NOW), "jti");
    missing(verify(json!({"jti": "1"}), &rules, NOW), "tenant");
    assert!(verify(json!({"jti": "1", "tenant": false}), &rules, NOW).is_ok());
    let null = claims_with(json!({"jti": "1"})).to_string().replacen('{', r#"{"tenant":null,"#, 1);
    let token = crate::signing::signed_text(ALGORITHM, r#"{"alg":"EdDSA"}"#, null);
    missing(jwt::verify(&token, &rules, &keys(ALGORITHM), NOW), "tenant");
}

#[test]
fn rules_are_checked() {
    let none: [&str; 0] = [];
    assert_eq!(ClaimRules::new(none).err(), Some(RuleError::Empty { list: "issuers" }));
    assert_eq!(ClaimRules::new([""]).err(), Some(RuleError::Entry { list: "issuers" }));
    assert_eq!(ClaimRules::new(["a\n"]).err(), Some(RuleError::Entry { list: "issuers" }));
    assert_eq!(ClaimRules::new(vec!["a"; 65]).err(), Some(RuleError::TooMany { list: "issuers" }));
    assert_eq!(
        claim_rules().audiences(["x".repeat(2049)]).err(),
        Some(RuleError::Entry { list: "audiences" })
    );
    let without = ClaimRules::new([ISSUER]).expect("legal");
    assert_eq!(jwt::Rules::new(without).err(), Some(RuleError::Empty { list: "audiences" }));
}
