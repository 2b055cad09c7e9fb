//! A secret that the issuer and this server share.

use super::KeyError;
use crate::algorithm::Algorithm;
use ring::hmac;
use spki::SubjectPublicKeyInfoRef;
use spki::der::Decode as _;
use std::fmt;

/// The lengths of secrets, in bytes. RFC 7518, section 3.2: as long as the digest or longer.
const BYTES: std::ops::RangeInclusive<usize> = 32..=4096;

/// A secret for HS256, HS384 and HS512. What is stored are the states of HMAC, not the secret.
#[derive(Clone)]
pub struct Secret {
    /// One per digest that is not longer than the secret.
    keys: Vec<hmac::Key>,
}

impl Secret {
    /// A secret of 32 to 4096 bytes. HS384 needs 48 of them, and HS512 needs 64.
    ///
    /// A text that is a key or a certificate is refused: everybody may know a public key.
    pub fn new(secret: &[u8]) -> Result<Self, KeyError> {
        if is_key(secret) {
            return Err(KeyError::SecretIsKey);
        }
        match secret.len() {
            bytes if bytes < *BYTES.start() => return Err(KeyError::SecretTooShort { bytes }),
            bytes if bytes > *BYTES.end() => return Err(KeyError::SecretTooLong { bytes }),
            _ => {}
        }
        let keys = Algorithm::ALL.into_iter().filter_map(Algorithm::hmac);
        let keys = keys.filter(|algorithm| secret.len() >= algorithm.digest_algorithm().output_len());
        Ok(Self { keys: keys.map(|algorithm| hmac::Key::new(algorithm, secret)).collect() })
    }

    fn key(&self, algorithm: Algorithm) -> Option<&hmac::Key> {
        let wanted = algorithm.hmac()?;
        self.keys.iter().find(|key| key.algorithm() == wanted)
    }

    /// Whether the secret is long enough for `algorithm`.
    pub(crate) fn fits(&self, algorithm: Algorithm) -> bool {
        self.key(algorithm).is_some()
    }

    /// Whether `signature` is the HMAC of `message`, in constant time.
    pub(crate) fn verifies(&self, algorithm: Algorithm, message: &[u8], signature: &[u8]) -> bool {
        self.key(algorithm).is_some_and(|key| hmac::verify(key, message, signature).is_ok())
    }
}

/// Whether the bytes are PEM, a JWK, a JWK set or an SPKI.
fn is_key(secret: &[u8]) -> bool {
    let is_text = std::str::from_utf8(secret).is_ok_and(|text| {
        text.contains("-----BEGIN ") || text.trim_start().starts_with('{') && text.contains("\"k")
    });
    is_text || SubjectPublicKeyInfoRef::from_der(secret).is_ok()
}

impl fmt::Debug for Secret {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Secret(..)")
    }
}
