//! Why keys are refused or skipped.

use super::{MAX_KEY_SET_BYTES, MAX_SET_KEYS};
use crate::json::JsonError;
use crate::text::Clipped;
use std::fmt;

/// Why a text is not accepted as keys. No error contains a key.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeyError {
    /// The text is longer than [`MAX_KEY_SET_BYTES`].
    TooLarge {
        /// Its length in bytes.
        bytes: usize,
    },
    /// The text is not a JSON object without repeated names.
    Json {
        /// What is wrong.
        error: JsonError,
    },
    /// The text is JSON, but neither a JWK set nor a JWK.
    NotASet,
    /// There are more keys than [`MAX_SET_KEYS`].
    TooMany {
        /// How many there are.
        count: usize,
    },
    /// No key is left that can check a signature.
    NoneUsable {
        /// The keys that were skipped.
        skipped: Vec<Skipped>,
    },
    /// It is a private key, or there is one in the set.
    Private,
    /// It is a symmetric key.
    Symmetric,
    /// The key is of a kind that is not supported, or not for signatures.
    Unsupported {
        /// Which kind, as a clause.
        problem: &'static str,
    },
    /// A member of a JWK is missing or malformed.
    Member {
        /// The member.
        name: &'static str,
    },
    /// An RSA key is too short or too long.
    RsaLength {
        /// The length of its modulus.
        bits: usize,
    },
    /// The text is not PEM, or what is in it is not a key.
    Pem {
        /// What is wrong, as a clause.
        problem: &'static str,
    },
    /// A secret has too few bytes.
    SecretTooShort {
        /// Its length.
        bytes: usize,
    },
    /// A secret is longer than any issuer makes them.
    SecretTooLong {
        /// Its length.
        bytes: usize,
    },
    /// What is given as a secret is a public key or a certificate, which everybody may know.
    SecretIsKey,
}

impl fmt::Display for KeyError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLarge { bytes } => {
                write!(out, "the keys have {bytes} bytes; at most {MAX_KEY_SET_BYTES} are accepted")
            }
            Self::Json { error } => write!(out, "the text {error}"),
            Self::NotASet => out.write_str("the text is neither a JWK set (an array in `keys`) nor a JWK (`kty`)"),
            Self::TooMany { count } => write!(out, "there are {count} keys; at most {MAX_SET_KEYS} are accepted"),
            Self::NoneUsable { skipped } => match skipped.first() {
                None => out.write_str("there is no key"),
                Some(first) => write!(out, "none of the {} keys can check signatures: {first}", skipped.len()),
            },
            Self::Private => out.write_str(
                "there is a private key; give the public key alone, and replace the pair if others could read it",
            ),
            Self::Symmetric => {
                out.write_str("the key is symmetric (`oct`); give it as a secret, and not among public keys")
            }
            Self::Unsupported { problem } => write!(out, "the key cannot check signatures here: {problem}"),
            Self::Member { name } => write!(out, "the member `{name}` of the key is missing or malformed"),
            Self::RsaLength { bits } => {
                write!(out, "the RSA key has {bits} bits; keys of 2048 to 8192 bits are accepted")
            }
            Self::Pem { problem } => write!(out, "the PEM text is refused: {problem}"),
            Self::SecretTooShort { bytes } => write!(
                out,
                "the secret has {bytes} bytes; use at least 32 random ones, such as 64 hexadecimal digits"
            ),
            Self::SecretTooLong { bytes } => write!(out, "the secret has {bytes} bytes; at most 4096 are accepted"),
            Self::SecretIsKey => out.write_str(
                "the secret is a key or certificate in PEM or JWK form; configure it as a public key, not as a secret",
            ),
        }
    }
}

impl std::error::Error for KeyError {}

/// A key that was skipped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Skipped {
    /// Its place in the set, from 0.
    pub place: usize,
    /// Its id.
    pub id: Option<Clipped>,
    /// Why it was skipped.
    pub reason: KeyError,
}

impl fmt::Display for Skipped {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "key {}", self.place)?;
        if let Some(id) = &self.id {
            write!(out, " ({id})")?;
        }
        write!(out, " is skipped: {}", self.reason)
    }
}
