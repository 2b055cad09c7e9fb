//! Attempts to outlive a token or its key.

use crate::helpers::door::*;
use crate::helpers::issuer::{Answer, Issuer};
use crate::helpers::tokens::*;
use serde_json::{Value, json};
use tenon_mcp::Kind;
use tenon_mcp::http::ResponseBody;

const SECOND: u64 = 1;

/// A server that knows a secret, without tolerance for clocks.
fn fixture() -> Door {
    let mut options = jwt(json!({ "secret": SECRET }));
    options["leeway"] = json!(1);
    let door = Door::new(json!({ "auth": [options] }));
    door.add(Kind::Resource, "a://x", json!({}));
    door
}

/// A token that expires in so many seconds from the start.
fn until(seconds: u64) -> String {
    token(SECRET, json!({ "exp": NOW + seconds }))
}

fn listen(door: &Door, token: &str) -> ResponseBody {
    let (name, value) = bearer(token);
    let params = json!({ "notifications": { "toolsListChanged": true } });
    let mut stream = door.open_modern(&[(name, &value)], "subscriptions/listen", params).into_body();
    assert!(said(&mut stream).0.contains("acknowledged"));
    stream
}

fn has_ended(stream: &mut ResponseBody) -> bool {
    said(stream).1
}

#[test]
fn a_cached_token_after_its_expiry() {
    let door = fixture();
    let token = until(10);
    assert_eq!(door.status(&token), 200);
    door.pass(9);
    assert_eq!(door.status(&token), 200);
    door.pass(SECOND);
    assert_eq!(door.status(&token), 401);
}

#[test]
fn a_cached_key_after_its_expiry() {
    let keys = json!([{ "type": "api_keys", "keys": [
        { "subject": "ann", "value": ANN, "expires_at": NOW + 10 },
    ] }]);
    let door = Door::new(json!({ "auth": keys }));
    assert_eq!(door.status(ANN), 200);
    door.pass(10);
    assert_eq!(door.status(ANN), 401);
}

/// With tolerance, the last second is the sixtieth, for requests and for streams.
#[test]
fn the_second_after_the_tolerance() {
    let door = Door::new(json!({ "auth": [jwt(json!({ "secret": SECRET }))] }));
    let token = until(10);
    let mut stream = listen(&door, &token);
    door.pass(70);
    assert_eq!(door.status(&token), 200);
    assert!(!has_ended(&mut stream));
    door.pass(SECOND);
    assert_eq!(door.status(&token), 401);
    assert!(has_ended(&mut stream));
}

#[test]
fn a_listen_stream() {
    let door = fixture();
    let mut stream = listen(&door, &until(10));
    door.pass(9);
    assert!(!has_ended(&mut stream));
    door.pass(SECOND);
    assert!(has_ended(&mut stream));
}

#[test]
fn a_get_stream_and_its_resumption() {
    let door = fixture();
    let (short, long) = (until(10), until(100));
    let session = door.session(&short);
    let mut stream = door.listen(&short, &session, &[]).into_body();
    let first = said(&mut stream).0;
    let id = first.lines().find_map(|line| line.strip_prefix("id: ")).unwrap().to_owned();
    door.pass(10);
    assert!(has_ended(&mut stream));
    let resume = |token: &str| door.listen(token, &session, &[("last-event-id", &id)]).status().as_u16();
    assert_eq!((resume(&short), resume(&long)), (401, 200));
}

#[test]
fn a_subscription_in_a_session() {
    let door = fixture();
    let (short, long) = (until(10), until(100));
    let session = door.session(&long);
    let mut stream = door.listen(&long, &session, &[]).into_body();
    let subscribed = door.in_session(&short, &session, "resources/subscribe", json!({ "uri": "a://x" }));
    assert_eq!(subscribed.status, 200);
    let updated = |stream: &mut ResponseBody| {
        door.bench.server.resource_updated("a://x");
        door.pass(SECOND);
        said(stream).0.contains("a://x")
    };
    assert!(updated(&mut stream));
    door.pass(10);
    assert!(!updated(&mut stream));
}

#[test]
fn a_session_after_its_token() {
    let door = fixture();
    let short = until(10);
    let session = door.session(&short);
    door.pass(10);
    assert_eq!(door.in_session(&short, &session, "ping", json!({})).status, 401);
}

/// The task continues, but its owner needs a token that is valid.
#[test]
fn a_cursor_after_its_token() {
    let mut limits = tenon_mcp::Limits::default();
    limits.page_size = 1;
    let mut options = jwt(json!({ "secret": SECRET }));
    options["leeway"] = json!(1);
    let door = Door::with(limits, json!({ "auth": [options] }), |builder| builder);
    door.add(Kind::Tool, "second", json!({}));
    let short = until(10);
    let cursor = door.modern(Some(&short), "tools/list", json!({})).json()["result"]["nextCursor"].clone();
    door.pass(10);
    let refused = door.modern(Some(&short), "tools/list", json!({ "cursor": cursor }));
    assert_eq!(refused.status, 401);
}

/// A server with keys from an issuer, which may change them.
struct Rotating {
    door: Door,
    issuer: Issuer,
}

impl Rotating {
    fn new(keys: Value) -> Rotating {
        let issuer = Issuer::new();
        issuer.set("/jwks", Answer::Json(keys));
        let door = Door::new(json!({ "auth": [jwt(json!({ "jwks_url": issuer.url("/jwks") }))] }));
        Rotating { door, issuer }
    }

    /// Publishes other keys, and waits until the server has read them.
    fn rotate(&self, keys: Value) {
        self.issuer.set("/jwks", Answer::Json(keys));
        self.door.pass(61);
        // A token with an unknown key makes the server read them.
        let token = token("rsa-b", json!({ "sub": NOW.to_string(), "exp": NOW + 10_000 }));
        assert_eq!(self.door.status(&token), 401);
    }
}

fn long(key: &str) -> String {
    token(key, json!({ "exp": NOW + 10_000 }))
}

#[test]
fn a_key_that_was_rotated_away() {
    let all = Rotating::new(jwks(&["p256-a", "ed25519-a"]));
    let door = &all.door;
    let (gone, stays) = (long("p256-a"), long("ed25519-a"));
    assert_eq!((door.status(&gone), door.status(&stays)), (200, 200));
    let (mut first, mut second) = (listen(door, &gone), listen(door, &stays));
    all.rotate(jwks(&["ed25519-a"]));
    assert_eq!((door.status(&gone), door.status(&stays)), (401, 200));
    assert!(has_ended(&mut first) && !has_ended(&mut second));
}

/// The token is in the cache, and the keys are read again shortly afterwards.
#[test]
fn a_cached_token_whose_key_was_rotated_away() {
    let all = Rotating::new(jwks(&["p256-a", "ed25519-a"]));
    let gone = token("p256-a", json!({ "exp": NOW + 10_000, "sub": "later" }));
    assert_eq!(all.door.status(&long("ed25519-a")), 200);
    all.door.pass(59);
    assert_eq!(all.door.status(&gone), 200);
    all.issuer.set("/jwks", Answer::Json(jwks(&["ed25519-a"])));
    all.door.pass(2);
    assert_eq!(all.door.status(&token("rsa-b", json!({ "exp": NOW + 10_000 }))), 401);
    assert_eq!(all.issuer.asked("/jwks"), 2);
    assert_eq!(all.door.status(&gone), 401);
}

/// The new key has the id of the old one, whose owner has lost it.
#[test]
fn a_key_that_was_replaced_under_its_id() {
    let all = Rotating::new(json!({ "keys": [jwk("p256-a", "one"), jwk("ed25519-a", "two")] }));
    let signed = |key: &str| {
        let header = json!({ "alg": algorithm(key), "kid": "one" }).to_string();
        signed_text(key, &header, claims(json!({ "exp": NOW + 10_000 })).to_string())
    };
    let (gone, new) = (signed("p256-a"), signed("p256-b"));
    assert_eq!((all.door.status(&gone), all.door.status(&new)), (200, 401));
    let mut stream = listen(&all.door, &gone);
    all.rotate(json!({ "keys": [jwk("p256-b", "one"), jwk("ed25519-a", "two")] }));
    assert_eq!((all.door.status(&gone), all.door.status(&new)), (401, 200));
    assert!(has_ended(&mut stream));
}

/// The token names no key, so the removal of its key is not seen by an id.
#[test]
fn a_key_without_an_id_that_was_removed() {
    let all = Rotating::new(jwks(&["p256-a", "ed25519-a"]));
    let header = json!({ "alg": "ES256" }).to_string();
    let gone = signed_text("p256-a", &header, claims(json!({ "exp": NOW + 10_000 })).to_string());
    let other = json!({ "alg": "EdDSA" }).to_string();
    let stays = signed_text("ed25519-a", &other, claims(json!({ "exp": NOW + 10_000 })).to_string());
    assert_eq!((all.door.status(&gone), all.door.status(&stays)), (200, 200));
    let (mut first, mut second) = (listen(&all.door, &gone), listen(&all.door, &stays));
    all.rotate(jwks(&["ed25519-a"]));
    assert_eq!((all.door.status(&gone), all.door.status(&stays)), (401, 200));
    assert!(has_ended(&mut first) && !has_ended(&mut second));
}

/// Keys without ids stay the same when they are read again, so nothing must end.
#[test]
fn streams_of_keys_that_stay() {
    let mut key = jwk("p256-a", "");
    key.as_object_mut().unwrap().remove("kid");
    let all = Rotating::new(json!({ "keys": [key] }));
    let named = long("p256-a");
    assert_eq!(all.door.status(&named), 200);
    let mut stream = listen(&all.door, &named);
    all.rotate(json!({ "keys": [key] }));
    assert_eq!(all.door.status(&named), 200);
    assert!(!has_ended(&mut stream));
}

/// An introspected token has its time from the authorization server.
#[test]
fn an_introspected_token_after_its_expiry() {
    let issuer = Issuer::new();
    issuer.set(
        "/introspect",
        Answer::Json(json!({ "active": true, "aud": AUDIENCE, "sub": "ann", "exp": NOW + 10 })),
    );
    let options = json!({ "type": "introspection", "url": issuer.url("/introspect"), "audience": AUDIENCE, "leeway": 1 });
    let door = Door::new(json!({ "auth": [options] }));
    assert_eq!(door.status("opaque"), 200);
    let mut stream = listen(&door, "opaque");
    door.pass(10);
    assert_eq!(door.status("opaque"), 401);
    assert!(has_ended(&mut stream));
}

/// A revoked token is refused when the cache has forgotten it: after a minute at the latest.
#[test]
fn a_revoked_token() {
    let issuer = Issuer::new();
    issuer.set(
        "/introspect",
        Answer::Json(json!({ "active": true, "aud": AUDIENCE, "sub": "ann", "exp": NOW + 10_000 })),
    );
    let door = Door::new(
        json!({ "auth": [{ "type": "introspection", "url": issuer.url("/introspect"), "audience": AUDIENCE }] }),
    );
    assert_eq!(door.status("opaque"), 200);
    issuer.set("/introspect", Answer::Json(json!({ "active": false })));
    // Its use must not keep it in the cache.
    for _ in 0..5 {
        door.pass(11);
        assert_eq!(door.status("opaque"), 200);
    }
    door.pass(5);
    assert_eq!(door.status("opaque"), 401);
}
