//! Signs tokens with the test keys of `core/tokens`, and publishes their public halves.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use ring::rand::SystemRandom;
use ring::signature::{self, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _, RsaKeyPair};
use ring::{digest, hmac};
use serde_json::{Value, json};

pub const ISSUER: &str = "https://issuer.example";
pub const AUDIENCE: &str = "https://mcp.example/mcp";
/// The time of a new [`TestEnvironment`](crate::TestEnvironment).
pub const NOW: u64 = 1_700_000_000;
pub const SECRET: &str = "a secret of tests alone, which is as long as the digest of HS512!";

/// The text of a key file.
pub fn file(name: &str) -> String {
    let path = path(name);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
}

pub fn path(name: &str) -> String {
    format!("{}/tokens/tests/keys/{name}.pem", env!("CARGO_MANIFEST_DIR"))
}

fn der(name: &str) -> Vec<u8> {
    let text: String = file(name).lines().filter(|line| !line.starts_with('-')).collect();
    STANDARD.decode(text).expect("a test key")
}

pub fn encode(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

pub fn sha256(text: &str) -> String {
    digest::digest(&digest::SHA256, text.as_bytes())
        .as_ref()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

fn p256(name: &str) -> EcdsaKeyPair {
    let curve = &signature::ECDSA_P256_SHA256_FIXED_SIGNING;
    EcdsaKeyPair::from_pkcs8(curve, &der(name), &SystemRandom::new()).expect("a key on the curve")
}

fn ed25519(name: &str) -> Ed25519KeyPair {
    Ed25519KeyPair::from_pkcs8_maybe_unchecked(&der(name)).expect("an Ed25519 key")
}

pub fn hs256(secret: &[u8], message: &[u8]) -> Vec<u8> {
    hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret), message).as_ref().to_vec()
}

/// The signature of a message with the test key `key`, whose name begins with its kind.
pub fn signature(key: &str, message: &[u8]) -> Vec<u8> {
    let random = SystemRandom::new();
    match key.split('-').next() {
        Some("p256") => p256(key).sign(&random, message).expect("a signature").as_ref().to_vec(),
        Some("ed25519") => ed25519(key).sign(message).as_ref().to_vec(),
        Some("rsa") => {
            let pair = RsaKeyPair::from_pkcs8(&der(key)).expect("an RSA key");
            let mut signature = vec![0; pair.public().modulus_len()];
            pair.sign(&signature::RSA_PKCS1_SHA256, &random, message, &mut signature).expect("a signature");
            signature
        }
        _ => hs256(key.as_bytes(), message),
    }
}

/// The algorithm of a test key.
pub fn algorithm(key: &str) -> &'static str {
    match key.split('-').next() {
        Some("p256") => "ES256",
        Some("ed25519") => "EdDSA",
        Some("rsa") => "RS256",
        _ => "HS256",
    }
}

/// A token of these texts, signed with `key`.
pub fn signed_text(key: &str, header: &str, payload: impl AsRef<[u8]>) -> String {
    let message = format!("{}.{}", encode(header), encode(payload));
    format!("{message}.{}", encode(signature(key, message.as_bytes())))
}

/// A token with these claims, whose header names the key.
pub fn signed(key: &str, claims: &Value) -> String {
    signed_text(key, &json!({ "alg": algorithm(key), "kid": key }).to_string(), claims.to_string())
}

/// Claims that the rules of the tests accept, with some members changed. `null` removes a member.
pub fn claims(changes: Value) -> Value {
    let mut claims =
        json!({ "iss": ISSUER, "aud": AUDIENCE, "sub": "ann", "exp": NOW + 300, "scope": "read" });
    let members = claims.as_object_mut().expect("an object");
    for (name, value) in changes.as_object().expect("an object") {
        match value {
            Value::Null => members.remove(name),
            value => members.insert(name.clone(), value.clone()),
        };
    }
    claims
}

/// A good token of this key with changed claims.
pub fn token(key: &str, changes: Value) -> String {
    signed(key, &claims(changes))
}

/// The public half of a test key as a JWK with this id.
pub fn jwk(name: &str, id: &str) -> Value {
    match name.split('-').next() {
        Some("rsa") => {
            let pair = RsaKeyPair::from_pkcs8(&der(name)).expect("an RSA key");
            let key = signature::RsaPublicKeyComponents::<Vec<u8>>::from(pair.public());
            json!({ "kty": "RSA", "n": encode(key.n), "e": encode(key.e), "kid": id })
        }
        Some("ed25519") => {
            json!({ "kty": "OKP", "crv": "Ed25519", "x": encode(ed25519(name).public_key()), "kid": id })
        }
        _ => {
            let pair = p256(name);
            let (x, y) = pair.public_key().as_ref()[1..].split_at(32);
            json!({ "kty": "EC", "crv": "P-256", "x": encode(x), "y": encode(y), "kid": id })
        }
    }
}

/// A set of the public halves of test keys, each with its own name as its id.
pub fn jwks(names: &[&str]) -> Value {
    json!({ "keys": names.iter().map(|name| jwk(name, name)).collect::<Vec<_>>() })
}
