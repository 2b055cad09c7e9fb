//! Attempts to get in with JSON Web Tokens that the issuer did not make for this server.

use crate::helpers::door::*;
use crate::helpers::issuer::{Answer, Issuer};
use crate::helpers::tokens::*;
use serde_json::{Value, json};

const KEYS: [&str; 3] = ["rsa-a", "p256-a", "ed25519-a"];

/// A server that trusts the keys of an issuer.
fn fixture() -> (Door, Issuer) {
    let issuer = Issuer::publishing(&KEYS);
    let door = Door::new(json!({ "auth": [jwt(json!({ "jwks_url": issuer.url("/jwks") }))] }));
    assert_eq!(door.status(&token("p256-a", json!({}))), 200);
    (door, issuer)
}

fn refused(tokens: impl IntoIterator<Item = String>) {
    let (door, _issuer) = fixture();
    for token in tokens {
        let refused = door.modern(Some(&token), "tools/call", json!({ "name": "work" }));
        assert_eq!(refused.status, 401, "{token}");
        assert!(challenge(&refused).contains("error=\"invalid_token\""), "{token}");
    }
}

/// A token with this header, which a good key has signed.
fn with_header(header: Value) -> String {
    signed_text("p256-a", &header.to_string(), claims(json!({})).to_string())
}

fn with_claims(changes: Value) -> String {
    token("p256-a", changes)
}

#[test]
fn no_signature() {
    let payload = encode(claims(json!({})).to_string());
    refused(
        ["none", "None", "NONE", "nOnE", ""].map(|name| {
            format!("{}.{payload}.", encode(json!({ "alg": name, "kid": "p256-a" }).to_string()))
        }),
    );
    // The same with the signature of another token.
    let good = with_claims(json!({}));
    let signature = good.rsplit('.').next().unwrap();
    refused([format!("{}.{payload}.{signature}", encode(r#"{"alg":"none"}"#))]);
}

#[test]
fn an_empty_or_cut_signature() {
    let good = with_claims(json!({}));
    let (message, signature) = good.rsplit_once('.').unwrap();
    refused([
        format!("{message}."),
        message.to_owned(),
        format!("{message}.{}", &signature[..40]),
        format!("{message}.{}", encode([0; 64])),
        format!("{message}.{signature}AA"),
    ]);
}

/// The classic: the public key is the secret of an HMAC.
#[test]
fn the_public_key_as_a_secret() {
    let secrets = KEYS.iter().flat_map(|key| {
        let pem = file(&format!("{key}.pub"));
        [pem.trim_end().to_owned(), pem, jwk(key, key).to_string()]
    });
    let header = encode(json!({ "alg": "HS256", "kid": "rsa-a" }).to_string());
    let message = format!("{header}.{}", encode(claims(json!({})).to_string()));
    let tokens: Vec<_> = secrets
        .map(|secret| format!("{message}.{}", encode(hs256(secret.as_bytes(), message.as_bytes()))))
        .collect();
    refused(tokens.clone());
    // The same where the key is in the settings.
    let door = Door::new(json!({ "auth": [jwt(json!({ "public_key": file("rsa-a.pub") }))] }));
    for token in tokens {
        assert_eq!(door.status(&token), 401);
    }
}

#[test]
fn another_key_under_the_id_of_a_good_one() {
    refused(["rsa", "p256", "ed25519"].map(|kind| {
        let header = json!({ "alg": algorithm(&format!("{kind}-b")), "kid": format!("{kind}-a") });
        signed_text(&format!("{kind}-b"), &header.to_string(), claims(json!({})).to_string())
    }));
}

#[test]
fn the_algorithm_of_another_key() {
    refused(
        ["RS256", "PS256", "ES384", "EdDSA", "HS256", "ES256K", "es256", "RSA1_5"]
            .map(|name| with_header(json!({ "alg": name, "kid": "p256-a" }))),
    );
}

/// Keys in the header are the sender's own.
#[test]
fn a_key_in_the_header() {
    refused(
        [
            json!({ "alg": "ES256", "jwk": jwk("p256-b", "p256-b") }),
            json!({ "alg": "ES256", "kid": "p256-a", "jwk": jwk("p256-b", "p256-a") }),
            json!({ "alg": "ES256", "x5c": ["AAAA"] }),
        ]
        .map(|header| signed_text("p256-b", &header.to_string(), claims(json!({})).to_string())),
    );
}

/// The address of keys in the header must not be asked for.
#[test]
fn an_address_of_keys_in_the_header() {
    let (door, _issuer) = fixture();
    let theirs = Issuer::publishing(&["p256-b"]);
    for name in ["jku", "x5u"] {
        let header = json!({ "alg": "ES256", "kid": "p256-b", name: theirs.url("/jwks") });
        let token = signed_text("p256-b", &header.to_string(), claims(json!({})).to_string());
        assert_eq!(door.status(&token), 401);
    }
    assert_eq!(theirs.asked("/jwks"), 0);
}

#[test]
fn an_id_of_a_key_that_is_a_path_or_a_statement() {
    let ids = [
        "../../../../dev/null",
        "/dev/null",
        "' OR '1'='1",
        "http://127.0.0.1/jwks",
        "",
        "p256-a\u{0}",
        "P256-A",
    ];
    refused(ids.map(|id| {
        signed_text(
            "p256-b",
            &json!({ "alg": "ES256", "kid": id }).to_string(),
            claims(json!({})).to_string(),
        )
    }));
    refused(
        [json!(1), json!(["p256-a"]), json!({})].map(|id| with_header(json!({ "alg": "ES256", "kid": id }))),
    );
}

#[test]
fn extensions_that_must_be_understood() {
    refused([
        with_header(json!({ "alg": "ES256", "kid": "p256-a", "crit": ["exp"], "exp": 1 })),
        with_header(json!({ "alg": "ES256", "kid": "p256-a", "crit": [] })),
        with_header(json!({ "alg": "ES256", "kid": "p256-a", "b64": false, "crit": ["b64"] })),
    ]);
}

/// An ID token, a token of another kind, or a token within a token.
#[test]
fn tokens_of_another_kind() {
    refused([
        with_header(json!({ "alg": "ES256", "kid": "p256-a", "typ": "dpop+jwt" })),
        with_header(json!({ "alg": "ES256", "kid": "p256-a", "typ": "logout+jwt" })),
        with_header(json!({ "alg": "ES256", "kid": "p256-a", "typ": 1 })),
        with_header(json!({ "alg": "ES256", "kid": "p256-a", "cty": "JWT" })),
        signed_text("p256-a", r#"{"alg":"ES256","kid":"p256-a"}"#, with_claims(json!({}))),
    ]);
}

#[test]
fn parts_too_few_and_too_many() {
    let good = with_claims(json!({}));
    let parts: Vec<&str> = good.split('.').collect();
    refused([
        good.replace('.', ""),
        format!("{good}."),
        format!(".{good}"),
        format!("{good}.{}", parts[2]),
        // Five parts, as encrypted tokens have.
        format!("{}.{}.{}.{}.{}", parts[0], "", parts[1], parts[1], parts[2]),
        "..".to_owned(),
        "...".to_owned(),
    ]);
}

/// A member that stands twice is read differently by different readers.
#[test]
fn members_that_stand_twice() {
    let payload = claims(json!({})).to_string();
    let twice = |more: &str| format!("{{{more},{}", &payload[1..]);
    refused([
        signed_text("p256-a", r#"{"alg":"ES256","kid":"p256-a"}"#, twice(r#""sub":"root""#)),
        signed_text("p256-a", r#"{"alg":"ES256","kid":"p256-a"}"#, twice(r#""s\u0075b":"root""#)),
        signed_text("p256-a", r#"{"alg":"none","alg":"ES256","kid":"p256-a"}"#, &payload),
        signed_text("p256-a", r#"{"alg":"ES256","kid":"p256-b","kid":"p256-a"}"#, &payload),
    ]);
}

#[test]
fn a_payload_that_was_changed() {
    let good = with_claims(json!({}));
    let parts: Vec<&str> = good.split('.').collect();
    let richer = encode(claims(json!({ "scope": "read pay" })).to_string());
    refused([format!("{}.{richer}.{}", parts[0], parts[2])]);
    // The same bytes in other letters: base64 with padding, or with bits that mean nothing.
    let last = parts[2].chars().next_back().unwrap();
    let other = if last == 'A' { 'B' } else { char::from(last as u8 + 1) };
    let loose = format!("{}.{}.{}{other}", parts[0], parts[1], &parts[2][..parts[2].len() - 1]);
    refused([loose]);
    let (door, _issuer) = fixture();
    assert_eq!(door.status(&format!("{good}==")), 401);
}

#[test]
fn tokens_for_another_server() {
    refused(
        [
            json!("https://other.example/mcp"),
            json!(["https://other.example/mcp", "https://mcp.example"]),
            json!("https://mcp.example/mcp/more"),
            json!("http://mcp.example/mcp"),
            json!("https://mcp.example/mcp?x=1"),
            json!("https://mcp.example/mcp#x"),
            json!("https://mcp.example@evil.example/mcp"),
            json!("https://mcp.example.evil.example/mcp"),
            json!(""),
            json!([]),
            json!({ "0": AUDIENCE }),
            json!(["x", 1]),
            Value::Null,
        ]
        .map(|audience| with_claims(json!({ "aud": audience }))),
    );
}

#[test]
fn tokens_of_another_issuer() {
    refused(
        [
            json!("https://evil.example"),
            json!("https://issuer.example/"),
            json!("https://ISSUER.example"),
            json!("https://issuer.example.evil.example"),
            json!(["https://issuer.example"]),
            json!(""),
            Value::Null,
        ]
        .map(|issuer| with_claims(json!({ "iss": issuer }))),
    );
}

#[test]
fn tokens_of_another_time() {
    refused(
        [
            json!({ "exp": NOW - 61 }),
            json!({ "exp": 0 }),
            json!({ "exp": -1 }),
            json!({ "exp": (NOW + 100).to_string() }),
            json!({ "exp": null }),
            json!({ "exp": true }),
            json!({ "exp": [NOW + 100] }),
            json!({ "nbf": NOW + 61 }),
            json!({ "nbf": "soon" }),
            json!({ "iat": NOW + 1000 }),
            json!({ "nbf": 1e300 }),
        ]
        .map(with_claims),
    );
}

/// A token that is good for ever is the issuer's decision, but its time must not overflow.
#[test]
fn a_time_beyond_every_clock() {
    let (door, _issuer) = fixture();
    for time in ["1e300", "18446744073709551615", "18446744073709551556", "99999999999999999999"] {
        let payload = claims(json!({ "exp": 7 })).to_string().replace(":7", &format!(":{time}"));
        let token = signed_text("p256-a", r#"{"alg":"ES256","kid":"p256-a"}"#, payload);
        assert!(matches!(door.status(&token), 200 | 401), "{time}");
        let session = door.modern(Some(&token), "tools/list", json!({})).status;
        assert!(matches!(session, 200 | 401), "{time}");
    }
}

#[test]
fn a_subject_that_is_empty_or_another_type() {
    refused(
        [
            json!(""),
            json!(null),
            json!(1),
            json!(["ann"]),
            json!("a\u{0}b"),
            json!("a\nb"),
            json!("x".repeat(257)),
        ]
        .map(|subject| with_claims(json!({ "sub": subject }))),
    );
}

/// Scopes are words. Nothing else may become one.
#[test]
fn scopes_that_are_no_words() {
    let (door, _issuer) = fixture();
    for scope in [
        json!("read pay\u{0}"),
        json!("read\npay"),
        json!("read\tpay"),
        json!({ "pay": true }),
        json!([["pay"]]),
        json!([null, "pay"]),
        json!(true),
        json!("pay".repeat(100)),
        json!("x ".repeat(300) + "pay"),
        json!("PAY"),
        json!("pay*"),
        json!("*"),
        json!("pay,read"),
        json!("\"pay\""),
        json!("pay\u{a0}read"),
    ] {
        let status = door.call(Some(&with_claims(json!({ "scope": scope }))), "pay");
        assert!(matches!(status, 401 | 403), "{scope}: {status}");
    }
    assert_eq!(door.call(Some(&with_claims(json!({ "scope": "read  pay" }))), "pay"), 200);
    // `scp` counts only if there is no `scope`.
    let both = json!({ "scope": "read", "scp": ["pay"], "scopes": ["pay"], "permissions": ["pay"] });
    assert_eq!(door.call(Some(&with_claims(both)), "pay"), 403);
}

/// Each token with an unknown key would otherwise be a request to the issuer.
#[test]
fn many_unknown_keys() {
    let (door, issuer) = fixture();
    for number in 0..50 {
        let header = json!({ "alg": "ES256", "kid": format!("unknown-{number}") });
        let token = signed_text(
            "p256-b",
            &header.to_string(),
            claims(json!({ "sub": number.to_string() })).to_string(),
        );
        assert_eq!(door.status(&token), 401);
    }
    assert!(issuer.asked("/jwks") <= 2, "{}", issuer.asked("/jwks"));
    assert_eq!(door.status(&token("p256-a", json!({ "sub": "bob" }))), 200);
}

/// A set that has a secret or a private key is no set of public keys.
#[test]
fn a_published_secret() {
    let (issuer, secret) = (Issuer::new(), "an octet secret that somebody has published by mistake");
    let oct = json!({ "kty": "oct", "k": encode(secret), "kid": "oct", "alg": "HS256" });
    issuer.set("/jwks", Answer::Json(json!({ "keys": [oct, jwk("p256-a", "p256-a")] })));
    let door = Door::new(json!({ "auth": [jwt(json!({ "jwks_url": issuer.url("/jwks") }))] }));
    let message =
        format!("{}.{}", encode(r#"{"alg":"HS256","kid":"oct"}"#), encode(claims(json!({})).to_string()));
    let forged = format!("{message}.{}", encode(hs256(secret.as_bytes(), message.as_bytes())));
    assert_eq!(door.status(&forged), 401);
    assert_eq!(door.status(&token("p256-a", json!({}))), 200);
}

/// JSON that is deep, long or not JSON costs no more than a refusal.
#[test]
fn contents_that_are_no_claims() {
    let header = r#"{"alg":"ES256","kid":"p256-a"}"#;
    refused([
        signed_text("p256-a", header, "[".repeat(10_000)),
        signed_text("p256-a", header, "null"),
        signed_text("p256-a", header, "\"text\""),
        signed_text("p256-a", header, [0xff, 0xfe]),
        signed_text("p256-a", header, "{} {}"),
        signed_text("p256-a", &"[".repeat(10_000), "{}"),
        signed_text("p256-a", "null", "{}"),
        signed_text("p256-a", r#"{"alg":null}"#, "{}"),
    ]);
}
