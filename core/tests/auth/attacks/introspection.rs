//! Attempts against a server that asks an authorization server about tokens.

use crate::helpers::door::*;
use crate::helpers::issuer::{Answer, Issuer};
use crate::helpers::tokens::*;
use serde_json::{Value, json};

fn fixture(more: Value) -> (Door, Issuer) {
    let issuer = Issuer::new();
    let mut options = json!({ "type": "introspection", "url": issuer.url("/introspect"), "audience": AUDIENCE, "issuer": ISSUER });
    options.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    (Door::new(json!({ "auth": [options] })), issuer)
}

/// The status if the authorization server answers this.
fn status(more: Value, answer: Value) -> u16 {
    let (door, issuer) = fixture(more);
    issuer.set("/introspect", Answer::Json(answer));
    door.status("opaque")
}

#[test]
fn answers_that_are_not_quite_yes() {
    for active in [json!("true"), json!(1), json!(null), json!([true]), json!({})] {
        assert_eq!(status(json!({}), json!({ "active": active, "sub": "ann" })), 503, "{active}");
    }
    assert_eq!(status(json!({}), json!({ "sub": "ann" })), 503);
    assert_eq!(status(json!({}), json!({ "active": false, "sub": "ann" })), 401);
    assert_eq!(status(json!({}), json!({ "active": true, "aud": AUDIENCE, "sub": "ann" })), 200);
}

#[test]
fn an_active_token_for_another_server() {
    let audience = json!({ "audience": AUDIENCE });
    let answer = |aud: Value| json!({ "active": true, "sub": "ann", "aud": aud });
    assert_eq!(status(audience.clone(), answer(json!("https://other.example"))), 401);
    assert_eq!(status(audience.clone(), json!({ "active": true, "sub": "ann" })), 401, "without an audience");
    assert_eq!(status(audience, answer(json!(AUDIENCE))), 200);
}

#[test]
fn an_active_token_of_another_issuer_or_without_a_subject() {
    let answer = |more: Value| {
        let mut answer = json!({ "active": true, "aud": AUDIENCE, "sub": "ann" });
        answer.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        answer
    };
    assert_eq!(status(json!({}), answer(json!({ "iss": "https://evil.example" }))), 401);
    assert_eq!(status(json!({}), answer(json!({ "sub": "" }))), 401);
    assert_eq!(status(json!({}), json!({ "active": true, "aud": AUDIENCE, "username": "ann" })), 401);
}

/// A token that needs a proof is no bearer token.
#[test]
fn a_bound_token_without_its_proof() {
    for kind in ["DPoP", "pop", "mac"] {
        assert_eq!(
            status(json!({}), json!({ "active": true, "aud": AUDIENCE, "sub": "ann", "token_type": kind })),
            401,
            "{kind}"
        );
    }
}

#[test]
fn an_active_token_that_has_expired() {
    assert_eq!(
        status(json!({}), json!({ "active": true, "aud": AUDIENCE, "sub": "ann", "exp": NOW - 61 })),
        401
    );
    assert_eq!(
        status(json!({}), json!({ "active": true, "aud": AUDIENCE, "sub": "ann", "nbf": NOW + 61 })),
        401
    );
}

/// The token is a value of a form, and must stay one value.
#[test]
fn a_token_that_adds_parameters() {
    let (door, issuer) = fixture(json!({}));
    issuer.set("/introspect", Answer::Json(json!({ "active": false })));
    assert_eq!(door.knock(&[("authorization", "Bearer a&client_id=root")]), 400);
    assert_eq!(issuer.asked("/introspect"), 0);
    assert_eq!(door.status("a+b/c="), 401);
    assert_eq!(issuer.body("/introspect"), "token=a%2Bb%2Fc%3D&token_type_hint=access_token");
}

/// A redirect to another server would give it the tokens.
#[test]
fn a_redirect_to_another_server() {
    let (door, issuer) = fixture(json!({}));
    let theirs = Issuer::new();
    theirs.set("/introspect", Answer::Json(json!({ "active": true, "aud": AUDIENCE, "sub": "root" })));
    issuer.set("/introspect", Answer::Redirect(theirs.url("/introspect")));
    assert_eq!(door.status("opaque"), 503);
    assert_eq!(theirs.asked("/introspect"), 0);
}

#[test]
fn an_answer_with_a_member_that_stands_twice() {
    let (door, issuer) = fixture(json!({}));
    issuer.set("/introspect", Answer::Text(200, r#"{"active":false,"active":true,"sub":"ann"}"#.into()));
    assert_eq!(door.status("opaque"), 503);
}

/// The answer about one token must not be used for another.
#[test]
fn another_token_while_a_good_one_is_cached() {
    let (door, issuer) = fixture(json!({}));
    issuer.set("/introspect", Answer::Json(json!({ "active": true, "aud": AUDIENCE, "sub": "ann" })));
    assert_eq!(door.status("good"), 200);
    issuer.set("/introspect", Answer::Json(json!({ "active": false })));
    for token in ["Good", "good=", "good.", "goo", "goodgood"] {
        assert_eq!(door.status(token), 401, "{token}");
    }
    assert_eq!(door.status("good"), 200);
}
