//! An issuer of tokens with the test keys of `core/tokens`, and the setting `auth` of servers that accept them.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use ring::rand::SystemRandom;
use ring::signature::{self, EcdsaKeyPair, Ed25519KeyPair, RsaEncoding, RsaKeyPair};
use ring::{digest, hmac};
use serde_json::{Value, json};
use tenon_tokens::{Algorithm, ClaimRules, KeySet, PublicKeys, Secret, jwt};

pub const ISSUER: &str = "https://issuer.example";
pub const AUDIENCE: &str = "https://mcp.example/mcp";
/// The scope that the tool of the servers needs.
const SCOPES: [&str; 2] = ["use", "read"];
const SECRET: &str = "a secret of benches alone, as long as the digest of HS512, known to all";
/// How long tokens are good for, in seconds.
const GOOD_FOR: u64 = 6 * 3600;

/// The keys of an issuer, read once.
pub struct Issuer {
    keys: PathBuf,
    random: SystemRandom,
    rsa: RsaKeyPair,
    p256: EcdsaKeyPair,
    p384: EcdsaKeyPair,
    ed25519: Ed25519KeyPair,
    now: u64,
}

impl Issuer {
    pub fn new(root: &Path) -> Result<Issuer, String> {
        let keys = root.join("core/tokens/tests/keys");
        let der = |name: &str| {
            let path = keys.join(format!("{name}.pem"));
            let text = fs::read_to_string(&path).map_err(|e| format!("{}: {e}", path.display()))?;
            let base64: String = text.lines().filter(|line| !line.starts_with('-')).collect();
            STANDARD.decode(base64).map_err(|e| format!("{}: {e}", path.display()))
        };
        let wrong = |name: &'static str| move |e| format!("the key {name}: {e}");
        let random = SystemRandom::new();
        let ecdsa = |curve, name: &'static str| {
            EcdsaKeyPair::from_pkcs8(curve, &der(name)?, &random).map_err(wrong(name))
        };
        Ok(Issuer {
            rsa: RsaKeyPair::from_pkcs8(&der("rsa-a")?).map_err(wrong("rsa-a"))?,
            p256: ecdsa(&signature::ECDSA_P256_SHA256_FIXED_SIGNING, "p256-a")?,
            p384: ecdsa(&signature::ECDSA_P384_SHA384_FIXED_SIGNING, "p384-a")?,
            ed25519: Ed25519KeyPair::from_pkcs8_maybe_unchecked(&der("ed25519-a")?)
                .map_err(wrong("ed25519-a"))?,
            now: SystemTime::now().duration_since(UNIX_EPOCH).map_err(|e| e.to_string())?.as_secs(),
            keys,
            random,
        })
    }

    /// The time at which tokens are verified here.
    pub fn now(&self) -> u64 {
        self.now
    }

    fn public(&self, algorithm: Algorithm) -> PathBuf {
        let name = match algorithm.name() {
            "ES256" => "p256",
            "ES384" => "p384",
            "EdDSA" => "ed25519",
            _ => "rsa",
        };
        self.keys.join(format!("{name}-a.pub.pem"))
    }

    /// A token that no other token is equal to, with the claims of a usual access token.
    pub fn token(&self, algorithm: Algorithm, number: usize) -> Result<String, String> {
        let header = json!({ "alg": algorithm.name(), "typ": "at+jwt", "kid": "2026-11" });
        let claims = json!({
            "iss": ISSUER,
            "aud": AUDIENCE,
            "sub": "248289761001",
            "client_id": "s6BhdRkqt3",
            "iat": self.now,
            "exp": self.now + GOOD_FOR,
            "jti": format!("{number:016x}"),
            "scope": SCOPES.join(" "),
        });
        let encode = |value: Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let message = format!("{}.{}", encode(header), encode(claims));
        let signature = self.sign(algorithm, message.as_bytes())?;
        Ok(format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature)))
    }

    fn sign(&self, algorithm: Algorithm, message: &[u8]) -> Result<Vec<u8>, String> {
        let failed = |_| format!("{} does not sign", algorithm.name());
        let mac = |digest| hmac::sign(&hmac::Key::new(digest, SECRET.as_bytes()), message).as_ref().to_vec();
        let rsa = |padding: &'static dyn RsaEncoding| {
            let mut signature = vec![0; self.rsa.public().modulus_len()];
            self.rsa.sign(padding, &self.random, message, &mut signature).map_err(failed)?;
            Ok(signature)
        };
        let point = |key: &EcdsaKeyPair| {
            key.sign(&self.random, message).map(|signature| signature.as_ref().to_vec()).map_err(failed)
        };
        match algorithm.name() {
            "HS256" => Ok(mac(hmac::HMAC_SHA256)),
            "HS384" => Ok(mac(hmac::HMAC_SHA384)),
            "HS512" => Ok(mac(hmac::HMAC_SHA512)),
            "RS256" => rsa(&signature::RSA_PKCS1_SHA256),
            "RS384" => rsa(&signature::RSA_PKCS1_SHA384),
            "RS512" => rsa(&signature::RSA_PKCS1_SHA512),
            "PS256" => rsa(&signature::RSA_PSS_SHA256),
            "PS384" => rsa(&signature::RSA_PSS_SHA384),
            "PS512" => rsa(&signature::RSA_PSS_SHA512),
            "ES256" => point(&self.p256),
            "ES384" => point(&self.p384),
            "EdDSA" => Ok(self.ed25519.sign(message).as_ref().to_vec()),
            other => Err(format!("no signer for {other}")),
        }
    }

    /// What verifies the tokens of an algorithm.
    pub fn verifier(&self, algorithm: Algorithm) -> Result<(jwt::Rules, KeySet), String> {
        let claims = ClaimRules::new([ISSUER]).and_then(|rules| rules.audiences([AUDIENCE]));
        let rules = claims.and_then(jwt::Rules::new).map_err(|e| e.to_string())?;
        if algorithm.is_symmetric() {
            let secret = Secret::new(SECRET.as_bytes()).map_err(|e| e.to_string())?;
            return Ok((rules, secret.into()));
        }
        let path = self.public(algorithm);
        let text = fs::read_to_string(&path).map_err(|e| format!("{}: {e}", path.display()))?;
        let keys = PublicKeys::from_pem(&text).map_err(|e| e.to_string())?;
        Ok((rules, keys.into()))
    }

    /// The setting `auth` of a server that accepts the tokens of an algorithm.
    pub fn auth(&self, algorithm: Algorithm) -> Value {
        let mut verifier = json!({ "type": "jwt", "issuer": ISSUER, "audience": AUDIENCE });
        let (name, value) = match algorithm.is_symmetric() {
            true => ("secret", SECRET.to_owned()),
            false => ("public_key_file", self.public(algorithm).display().to_string()),
        };
        verifier[name] = value.into();
        json!([verifier])
    }
}

/// A static key, and how settings contain it.
pub fn api_key(number: usize, hashed: bool) -> (String, String) {
    let key = format!("key-{number:08}-{:032x}", number as u128 * 0x9e37_79b9_7f4a_7c15);
    let hash = digest::digest(&digest::SHA256, key.as_bytes());
    let written =
        if hashed { format!("sha256:{}", URL_SAFE_NO_PAD.encode(hash.as_ref())) } else { key.clone() };
    (key, written)
}

/// The setting `auth` of a server with these keys.
pub fn auth_of_keys(written: &[String], hashed: bool) -> Value {
    let member = if hashed { "hash" } else { "value" };
    let keys = written.iter().enumerate().map(|(number, key)| {
        let mut entry = json!({ "subject": format!("client-{number}"), "scopes": SCOPES });
        entry[member] = key.as_str().into();
        entry
    });
    json!([{ "type": "api_keys", "keys": keys.collect::<Vec<_>>() }])
}
