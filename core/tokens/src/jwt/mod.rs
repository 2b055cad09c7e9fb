//! JSON Web Tokens with signatures (RFC 7519, RFC 7515), as access tokens (RFC 9068).

mod header;
mod rules;

pub use rules::Rules;

use crate::algorithm::Algorithm;
use crate::claims::{Claims, Presence};
use crate::error::TokenError;
use crate::json;
use crate::jwk::{KeyFingerprint, KeySet, PublicKey, PublicKeys};
use crate::text::{Clipped, MAX_TOKEN_BYTES};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use header::Header;

/// How many keys are tried if a token does not name its key.
pub const MAX_KEYS_TRIED: usize = 8;

/// Verifies a token at a time, in seconds since 1970. Claims are read only after the signature was found to be right.
///
/// [`TokenError::UnknownKey`] says that newer keys may verify the token; no other error does.
pub fn verify(token: &str, rules: &Rules, keys: &KeySet, now_unix: u64) -> Result<Claims, TokenError> {
    verify_and_name_key(token, rules, keys, now_unix).map(|(claims, _)| claims)
}

/// The same as [`verify`], and the fingerprint of the key that has signed the token.
pub fn verify_and_name_key(
    token: &str,
    rules: &Rules,
    keys: &KeySet,
    now_unix: u64,
) -> Result<(Claims, KeyFingerprint), TokenError> {
    if token.len() > MAX_TOKEN_BYTES {
        return Err(TokenError::TooLong { bytes: token.len() });
    }
    let mut parts = token.split('.');
    let (Some(head), Some(payload), Some(signature), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Err(TokenError::Parts { count: token.split('.').count() });
    };
    let header = Header::read(&decode(head, "header")?)?;
    if !rules.allows(header.algorithm, keys) {
        return Err(TokenError::AlgorithmNotAllowed { algorithm: header.algorithm });
    }
    let message = &token.as_bytes()[..head.len() + 1 + payload.len()];
    let signature = decode(signature, "signature")?;
    let key = match keys {
        KeySet::Public(keys) => verify_public(&header, keys, message, &signature)?.fingerprint,
        KeySet::Secret(secret) if !secret.fits(header.algorithm) => {
            return Err(TokenError::KeyMismatch { algorithm: header.algorithm, id: None });
        }
        KeySet::Secret(secret) if secret.verifies(header.algorithm, message, &signature) => {
            KeyFingerprint::SECRET
        }
        KeySet::Secret(_) => return Err(TokenError::Signature { tried: 1, fitting: 1 }),
    };
    let payload = decode(payload, "payload")?;
    let members = json::object(&payload).map_err(|error| TokenError::Json { part: "payload", error })?;
    // What was read as JSON is UTF-8.
    let text = std::str::from_utf8(&payload).map_err(|_| TokenError::Encoding { part: "payload" })?;
    rules.claims().check(&members, text, Presence::Jwt, now_unix).map(|claims| (claims, key))
}

/// Checks a signature with the keys that the header permits.
fn verify_public<'k>(
    header: &Header,
    keys: &'k PublicKeys,
    message: &[u8],
    signature: &[u8],
) -> Result<&'k PublicKey, TokenError> {
    let (algorithm, id) = (header.algorithm, header.key_id.as_deref());
    // A token may name a key although the keys have no ids, such as those of PEM files.
    let id = id.filter(|_| keys.ids().next().is_some());
    let named = |key: &&PublicKey| id.is_none_or(|id| key.id.as_deref() == Some(id));
    let fitting = || keys.keys().iter().filter(named).filter(|key| key.fits(algorithm));
    let count = fitting().count();
    if count == 0 {
        let shown = id.map(Clipped::new);
        return Err(match keys.keys().iter().any(|key| named(&key)) && id.is_some() {
            true => TokenError::KeyMismatch { algorithm, id: shown },
            false => TokenError::UnknownKey { id: shown },
        });
    }
    let mut tried = fitting().take(MAX_KEYS_TRIED);
    tried
        .find(|key| key.verifies(algorithm, message, signature))
        .ok_or(TokenError::Signature { tried: count.min(MAX_KEYS_TRIED), fitting: count })
}

/// The default algorithms: those that the kind of keys permits.
fn fits_kind(algorithm: Algorithm, keys: &KeySet) -> bool {
    algorithm.is_symmetric() == matches!(keys, KeySet::Secret(_))
}

fn decode(text: &str, part: &'static str) -> Result<Vec<u8>, TokenError> {
    URL_SAFE_NO_PAD.decode(text).map_err(|_| TokenError::Encoding { part })
}
