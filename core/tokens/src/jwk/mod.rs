//! The keys that signatures of tokens are checked with: public keys, or one secret, and never both.

mod error;
mod pem;
mod public;
mod secret;
mod set;

pub use error::{KeyError, Skipped};
pub use public::KeyFingerprint;
pub(crate) use public::PublicKey;
pub use secret::Secret;

use crate::json::{self, JsonError};
use std::fmt;

/// The longest text of a key or key set, in bytes.
pub const MAX_KEY_SET_BYTES: usize = 256 * 1024;

/// The most keys of one set.
pub const MAX_SET_KEYS: usize = 100;

/// What tokens are checked with. The kinds cannot be mixed, so no public key can become the secret of an HMAC.
#[derive(Clone, Debug)]
pub enum KeySet {
    /// Public keys of issuers.
    Public(PublicKeys),
    /// A secret that the issuer and this server share.
    Secret(Secret),
}

impl From<PublicKeys> for KeySet {
    fn from(keys: PublicKeys) -> Self {
        Self::Public(keys)
    }
}

impl From<Secret> for KeySet {
    fn from(secret: Secret) -> Self {
        Self::Secret(secret)
    }
}

/// At least one public key, and what was skipped where they were read.
#[derive(Clone)]
pub struct PublicKeys {
    keys: Vec<PublicKey>,
    skipped: Vec<Skipped>,
}

impl PublicKeys {
    /// Reads a JWK set, a JWK or PEM, whichever `text` is.
    pub fn parse(text: &str) -> Result<Self, KeyError> {
        if text.trim_start().starts_with('{') {
            let members = object(text)?;
            return match members.contains_key("keys") {
                true => set::from_set(&members),
                false => set::from_one(&members),
            };
        }
        Self::from_pem(text)
    }

    /// Reads a JWK set (RFC 7517), such as a JWKS URL returns.
    ///
    /// A key that cannot check signatures here is skipped; [`PublicKeys::skipped`] lists them. Symmetric keys are always
    /// skipped. A set with a private key is refused, and so is one in which no key is left.
    pub fn from_jwks(text: &str) -> Result<Self, KeyError> {
        set::from_set(&object(text)?)
    }

    /// Reads one JWK. If it cannot be used, the error says why.
    pub fn from_jwk(text: &str) -> Result<Self, KeyError> {
        set::from_one(&object(text)?)
    }

    /// Reads the keys of a PEM text: `PUBLIC KEY`, `RSA PUBLIC KEY` and `CERTIFICATE`.
    ///
    /// Of a certificate only the key is read. Neither its dates nor its issuer are checked, because the text is trusted.
    pub fn from_pem(text: &str) -> Result<Self, KeyError> {
        pem::from_pem(bounded(text)?)
    }

    /// How many keys there are.
    #[expect(clippy::len_without_is_empty, reason = "a set is never empty")]
    pub fn len(&self) -> usize {
        self.keys.len()
    }

    /// The ids of the keys that have one.
    pub fn ids(&self) -> impl Iterator<Item = &str> {
        self.keys.iter().filter_map(|key| key.id.as_deref())
    }

    /// The fingerprints of all keys.
    pub fn fingerprints(&self) -> impl Iterator<Item = KeyFingerprint> {
        self.keys.iter().map(|key| key.fingerprint)
    }

    /// The keys that were skipped, with the reasons.
    pub fn skipped(&self) -> &[Skipped] {
        &self.skipped
    }

    pub(crate) fn keys(&self) -> &[PublicKey] {
        &self.keys
    }
}

impl fmt::Debug for PublicKeys {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "PublicKeys({} keys)", self.keys.len())
    }
}

fn bounded(text: &str) -> Result<&str, KeyError> {
    match text.len() {
        ..=MAX_KEY_SET_BYTES => Ok(text),
        bytes => Err(KeyError::TooLarge { bytes }),
    }
}

fn object(text: &str) -> Result<serde_json::Map<String, serde_json::Value>, KeyError> {
    json::object(bounded(text)?.as_bytes()).map_err(|error: JsonError| KeyError::Json { error })
}
