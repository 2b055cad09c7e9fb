//! Responses of introspection.

use crate::signing::{AUDIENCE, ISSUER, NOW, claim_rules, claims_with};
use serde_json::{Value, json};
use tenon_tokens::introspection::{Introspection, IntrospectionError, MAX_RESPONSE_BYTES, parse};
use tenon_tokens::{ClaimRules, Claims, JsonError, TokenError};

fn active(changes: Value) -> String {
    let mut claims = claims_with(changes);
    claims.as_object_mut().expect("an object").insert("active".into(), json!(true));
    claims.to_string()
}

fn read(changes: Value) -> Result<Claims, TokenError> {
    match parse(&active(changes), &claim_rules(), NOW) {
        Ok(Introspection::Active(claims)) => Ok(claims),
        Ok(Introspection::Inactive) => panic!("the response says that the token is active"),
        Err(IntrospectionError::Token { error }) => Err(error),
        Err(other) => panic!("{other}"),
    }
}

#[test]
fn an_active_token_has_claims() {
    let found = read(json!({"client_id": "app", "token_type": "Bearer"})).expect("active");
    assert_eq!((found.issuer.as_str(), found.subject.as_str()), (ISSUER, "alice"));
    assert_eq!(found.client_id.as_deref(), Some("app"));
    assert_eq!(found.scopes, ["read", "write"]);
    assert_eq!(found.expires_at, Some(NOW + 300));
}

#[test]
fn what_a_response_may_leave_out() {
    let found = read(json!({"iss": null, "exp": null, "scope": null})).expect("active");
    assert_eq!((found.issuer.as_str(), found.expires_at), (ISSUER, None));
    let without = ClaimRules::new([ISSUER]).expect("legal");
    assert!(matches!(parse(&active(json!({"aud": null})), &without, NOW), Ok(Introspection::Active(_))));
    assert!(matches!(read(json!({"aud": null})), Err(TokenError::MissingClaim { .. })));
    assert!(matches!(read(json!({"sub": null})), Err(TokenError::MissingClaim { .. })));
}

#[test]
fn an_inactive_token_has_none() {
    for text in [r#"{"active":false}"#, r#"{"active":false,"sub":"alice","exp":"never"}"#] {
        assert_eq!(parse(text, &claim_rules(), NOW), Ok(Introspection::Inactive));
    }
}

#[test]
fn an_active_token_follows_the_rules() {
    assert!(matches!(read(json!({"iss": "https://evil.example"})), Err(TokenError::Issuer { .. })));
    assert!(matches!(read(json!({"aud": "https://other.example"})), Err(TokenError::Audience { .. })));
    assert!(read(json!({"aud": [AUDIENCE, "x"]})).is_ok());
    assert!(read(json!({"exp": NOW - 60})).is_ok());
    assert!(matches!(read(json!({"exp": NOW - 61})), Err(TokenError::Expired { .. })));
    assert!(matches!(read(json!({"nbf": NOW + 61})), Err(TokenError::NotYetValid { .. })));
    assert!(matches!(read(json!({"sub": ""})), Err(TokenError::InvalidClaim { .. })));
    assert!(read(json!({"token_type": "bearer"})).is_ok());
    for kind in [json!("DPoP"), json!("mac"), json!("N_A"), json!(1), json!(["Bearer"])] {
        assert!(matches!(read(json!({"token_type": kind})), Err(TokenError::InvalidClaim { .. })), "{kind}");
    }
}

#[test]
fn false_responses_are_refused() {
    for text in ["{}", r#"{"active":"true"}"#, r#"{"active":1}"#, r#"{"active":null}"#, r#"{"Active":true}"#]
    {
        assert_eq!(parse(text, &claim_rules(), NOW), Err(IntrospectionError::Active), "{text}");
    }
    let json = |text: &str| match parse(text, &claim_rules(), NOW) {
        Err(IntrospectionError::Json { error }) => error,
        other => panic!("{text}: {other:?}"),
    };
    for text in ["", "<html>", "{\"active\":true"] {
        assert!(matches!(json(text), JsonError::Syntax { .. }));
    }
    assert_eq!(json("[true]"), JsonError::NotAnObject);
    assert!(matches!(json(r#"{"active":false,"\u0061ctive":true}"#), JsonError::Duplicate { .. }));
    let long = active(json!({"pad": "x".repeat(MAX_RESPONSE_BYTES)}));
    assert_eq!(parse(&long, &claim_rules(), NOW), Err(IntrospectionError::TooLong { bytes: long.len() }));
}
