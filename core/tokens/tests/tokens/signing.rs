//! An issuer for tests: it signs tokens with the test keys and publishes their public halves.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::rand::SystemRandom;
use ring::signature::{self, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _, RsaKeyPair};
use ring::{digest, hmac};
use serde_json::{Value, json};
use tenon_tokens::{Algorithm, ClaimRules, KeySet, PublicKeys, Secret, jwt};

pub const ISSUER: &str = "https://issuer.example";
pub const AUDIENCE: &str = "https://mcp.example/mcp";
pub const NOW: u64 = 1_800_000_000;
pub const SECRET: &[u8] = b"a secret of tests alone, which is as long as the digest of HS512!";

pub fn file(name: &str) -> String {
    let path = format!("{}/tests/keys/{name}.pem", env!("CARGO_MANIFEST_DIR"));
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn der(name: &str) -> Vec<u8> {
    pem::parse(file(name)).expect("a test key").into_contents()
}

/// The name of a test key for an algorithm.
pub fn key_name(algorithm: Algorithm, owner: &str) -> String {
    let kind = match algorithm.name() {
        "ES256" => "p256",
        "ES384" => "p384",
        "EdDSA" => "ed25519",
        _ => "rsa",
    };
    format!("{kind}-{owner}")
}

pub fn encode(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

fn ecdsa(algorithm: &'static signature::EcdsaSigningAlgorithm, key: &str) -> EcdsaKeyPair {
    EcdsaKeyPair::from_pkcs8(algorithm, &der(key), &SystemRandom::new()).expect("a key on the curve")
}

/// A signature of `algorithm` with the test key `key`, or with `secret` for HMAC.
pub fn signature(algorithm: Algorithm, key: &str, secret: &[u8], message: &[u8]) -> Vec<u8> {
    let random = SystemRandom::new();
    let mac = |digest| hmac::sign(&hmac::Key::new(digest, secret), message).as_ref().to_vec();
    let rsa = |padding: &'static dyn signature::RsaEncoding| {
        let pair = RsaKeyPair::from_pkcs8(&der(key)).expect("an RSA key");
        let mut signature = vec![0; pair.public().modulus_len()];
        pair.sign(padding, &random, message, &mut signature).expect("a signature");
        signature
    };
    let point = |curve| ecdsa(curve, key).sign(&random, message).expect("a signature").as_ref().to_vec();
    match algorithm.name() {
        "HS256" => mac(hmac::HMAC_SHA256),
        "HS384" => mac(hmac::HMAC_SHA384),
        "HS512" => mac(hmac::HMAC_SHA512),
        "RS256" => rsa(&signature::RSA_PKCS1_SHA256),
        "RS384" => rsa(&signature::RSA_PKCS1_SHA384),
        "RS512" => rsa(&signature::RSA_PKCS1_SHA512),
        "PS256" => rsa(&signature::RSA_PSS_SHA256),
        "PS384" => rsa(&signature::RSA_PSS_SHA384),
        "PS512" => rsa(&signature::RSA_PSS_SHA512),
        "ES256" => point(&signature::ECDSA_P256_SHA256_FIXED_SIGNING),
        "ES384" => point(&signature::ECDSA_P384_SHA384_FIXED_SIGNING),
        "EdDSA" => {
            let pair = Ed25519KeyPair::from_pkcs8_maybe_unchecked(&der(key)).expect("an Ed25519 key");
            pair.sign(message).as_ref().to_vec()
        }
        other => panic!("no signer for {other}"),
    }
}

/// A token of these texts, signed by owner `a`.
pub fn signed_text(algorithm: Algorithm, header: &str, payload: impl AsRef<[u8]>) -> String {
    let message = format!("{}.{}", encode(header), encode(payload));
    let signature = signature(algorithm, &key_name(algorithm, "a"), SECRET, message.as_bytes());
    format!("{message}.{}", encode(signature))
}

/// A token with these claims and the usual header.
pub fn signed(algorithm: Algorithm, claims: &Value) -> String {
    signed_text(algorithm, &json!({"alg": algorithm.name()}).to_string(), claims.to_string())
}

/// Claims that the rules of the tests accept.
pub fn claims() -> Value {
    json!({"iss": ISSUER, "aud": AUDIENCE, "sub": "alice", "exp": NOW + 300, "iat": NOW, "scope": "read write"})
}

/// The claims with some members changed. `null` removes a member.
pub fn claims_with(changes: Value) -> Value {
    let mut claims = claims();
    let members = claims.as_object_mut().expect("an object");
    for (name, value) in changes.as_object().expect("an object") {
        match value {
            Value::Null => members.remove(name),
            value => members.insert(name.clone(), value.clone()),
        };
    }
    claims
}

pub fn claim_rules() -> ClaimRules {
    ClaimRules::new([ISSUER]).and_then(|rules| rules.audiences([AUDIENCE])).expect("legal rules")
}

pub fn rules() -> jwt::Rules {
    jwt::Rules::new(claim_rules()).expect("legal rules")
}

/// The public key of a test key, as PEM.
pub fn public(name: &str) -> KeySet {
    PublicKeys::from_pem(&file(&format!("{name}.pub"))).expect("a public key").into()
}

pub fn secret() -> KeySet {
    Secret::new(SECRET).expect("a long secret").into()
}

/// The keys that verify what owner `a` signs with `algorithm`.
pub fn keys(algorithm: Algorithm) -> KeySet {
    match algorithm.is_symmetric() {
        true => secret(),
        false => public(&key_name(algorithm, "a")),
    }
}

/// The public half of a test key as a JWK, with further members.
pub fn jwk(name: &str, further: Value) -> Value {
    let mut jwk = match name.split('-').next() {
        Some("rsa") => {
            let pair = RsaKeyPair::from_pkcs8(&der(name)).expect("an RSA key");
            let key = signature::RsaPublicKeyComponents::<Vec<u8>>::from(pair.public());
            json!({"kty": "RSA", "n": encode(key.n), "e": encode(key.e)})
        }
        Some("ed25519") => {
            let pair = Ed25519KeyPair::from_pkcs8_maybe_unchecked(&der(name)).expect("an Ed25519 key");
            json!({"kty": "OKP", "crv": "Ed25519", "x": encode(pair.public_key())})
        }
        Some(curve) => {
            let (name_of_curve, algorithm) = match curve {
                "p256" => ("P-256", &signature::ECDSA_P256_SHA256_FIXED_SIGNING),
                _ => ("P-384", &signature::ECDSA_P384_SHA384_FIXED_SIGNING),
            };
            let pair = ecdsa(algorithm, name);
            let (x, y) = pair.public_key().as_ref()[1..].split_at((pair.public_key().as_ref().len() - 1) / 2);
            json!({"kty": "EC", "crv": name_of_curve, "x": encode(x), "y": encode(y)})
        }
        None => unreachable!("split yields a first part"),
    };
    let members = jwk.as_object_mut().expect("an object");
    members.extend(further.as_object().expect("an object").clone());
    jwk
}

pub fn sha256(text: &str) -> Vec<u8> {
    digest::digest(&digest::SHA256, text.as_bytes()).as_ref().to_vec()
}
