//! Static bearer tokens and API keys. Only their digests are stored, and all of them are compared.

use crate::text::{MAX_TOKEN_BYTES, is_visible_ascii};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::digest::{SHA256, SHA256_OUTPUT_LEN, digest};
use std::fmt;
use subtle::{ConditionallySelectable as _, ConstantTimeEq as _};

/// The most keys of one table.
pub const MAX_KEYS: usize = 10_000;

/// The shortest key, in bytes. A shorter one can be guessed.
pub const MIN_KEY_BYTES: usize = 16;

/// What introduces a digest where a key is expected.
const HASH: &str = "sha256:";

/// As words, because a table is compared in full for each request that has no known key.
type Digest = [u64; SHA256_OUTPUT_LEN / 8];

/// The digest of one key.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct KeyDigest(Digest);

impl KeyDigest {
    /// Reads a key as settings contain it: the key itself, or `sha256:` and its SHA-256 digest in hexadecimal or base64url.
    pub fn parse(text: &str) -> Result<Self, KeyTextError> {
        match text.strip_prefix(HASH) {
            Some(hash) => Self::of_hash(hash),
            None => Self::of_value(text),
        }
    }

    /// The digest of a key.
    pub fn of_value(value: &str) -> Result<Self, KeyTextError> {
        match value.len() {
            bytes @ 0..MIN_KEY_BYTES => Err(KeyTextError::TooShort { bytes }),
            MIN_KEY_BYTES..=MAX_TOKEN_BYTES if is_visible_ascii(value.as_bytes()) => {
                Ok(Self(sha256(value.as_bytes())))
            }
            MIN_KEY_BYTES..=MAX_TOKEN_BYTES => Err(KeyTextError::Characters),
            bytes => Err(KeyTextError::TooLong { bytes }),
        }
    }

    /// A digest: 64 hexadecimal digits, or 43 characters of base64url.
    pub fn of_hash(hash: &str) -> Result<Self, KeyTextError> {
        let bytes = match hash.len() {
            64 => hexadecimal(hash.as_bytes()),
            _ => URL_SAFE_NO_PAD.decode(hash).ok(),
        };
        bytes
            .filter(|bytes| bytes.len() == SHA256_OUTPUT_LEN)
            .map(|bytes| Self(words(&bytes)))
            .ok_or(KeyTextError::Hash)
    }
}

impl fmt::Debug for KeyDigest {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("KeyDigest(..)")
    }
}

/// Why a text is not a key. The text itself is never part of the error.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeyTextError {
    /// The key has fewer bytes than [`MIN_KEY_BYTES`].
    TooShort {
        /// Its length.
        bytes: usize,
    },
    /// No header can carry a key of this length.
    TooLong {
        /// Its length.
        bytes: usize,
    },
    /// The key has characters that no header can carry.
    Characters,
    /// What follows `sha256:` is not a digest.
    Hash,
}

impl fmt::Display for KeyTextError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooShort { bytes } => write!(
                out,
                "the key has {bytes} bytes; use at least {MIN_KEY_BYTES} random ones, such as 32 hexadecimal digits"
            ),
            Self::TooLong { bytes } => write!(out, "the key has {bytes} bytes; at most {MAX_TOKEN_BYTES} are accepted"),
            Self::Characters => out.write_str(
                "the key has a blank, a control character or a character beyond ASCII; use visible ASCII characters",
            ),
            Self::Hash => out.write_str(
                "`sha256:` must be followed by a SHA-256 digest: 64 hexadecimal digits, or 43 characters of base64url",
            ),
        }
    }
}

impl std::error::Error for KeyTextError {}

/// Why keys are not a table.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeyTableError {
    /// There are more than [`MAX_KEYS`].
    TooMany {
        /// How many there are.
        count: usize,
    },
    /// Two keys are the same, so it is unclear whose they are.
    Repeated {
        /// The place of the first.
        first: usize,
        /// The place of the second.
        second: usize,
    },
}

impl fmt::Display for KeyTableError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooMany { count } => write!(out, "there are {count} keys; at most {MAX_KEYS} are accepted"),
            Self::Repeated { first, second } => {
                write!(out, "keys {first} and {second} (from 0) are the same; give each client its own")
            }
        }
    }
}

impl std::error::Error for KeyTableError {}

/// Static keys. Finding one takes the same time wherever it is, and if it is not there.
#[derive(Clone, Default)]
pub struct KeyTable {
    digests: Vec<Digest>,
}

impl KeyTable {
    /// A table of at most [`MAX_KEYS`] different keys.
    pub fn new(keys: impl IntoIterator<Item = KeyDigest>) -> Result<Self, KeyTableError> {
        let mut keys = keys.into_iter();
        let digests: Vec<Digest> = keys.by_ref().take(MAX_KEYS).map(|key| key.0).collect();
        let more = keys.count();
        if more > 0 {
            return Err(KeyTableError::TooMany { count: MAX_KEYS + more });
        }
        let mut order: Vec<usize> = (0..digests.len()).collect();
        order.sort_by_key(|place| digests[*place]);
        match order.windows(2).find(|pair| digests[pair[0]] == digests[pair[1]]) {
            Some(pair) => Err(KeyTableError::Repeated { first: pair[0], second: pair[1] }),
            None => Ok(Self { digests }),
        }
    }

    /// How many keys there are.
    pub fn len(&self) -> usize {
        self.digests.len()
    }

    /// Whether there is no key.
    pub fn is_empty(&self) -> bool {
        self.digests.is_empty()
    }

    /// The place of the key that a client presented, from 0.
    ///
    /// `presented` is digested once. Then all digests are compared, so the time does not show which one it resembles.
    pub fn find(&self, presented: &str) -> Option<usize> {
        if presented.len() > MAX_TOKEN_BYTES {
            return None;
        }
        let presented = sha256(presented.as_bytes());
        let mut found = u32::MAX;
        for (place, digest) in (0u32..).zip(&self.digests) {
            found.conditional_assign(&place, digest[..].ct_eq(&presented));
        }
        (found != u32::MAX).then_some(found as usize)
    }
}

impl fmt::Debug for KeyTable {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "KeyTable({} keys)", self.digests.len())
    }
}

fn sha256(bytes: &[u8]) -> Digest {
    words(digest(&SHA256, bytes).as_ref())
}

/// The words of a digest, which has [`SHA256_OUTPUT_LEN`] bytes.
fn words(bytes: &[u8]) -> Digest {
    let mut found = Digest::default();
    for (word, bytes) in found.iter_mut().zip(bytes.chunks_exact(8)) {
        *word = bytes.iter().fold(0, |word, byte| word << 8 | u64::from(*byte));
    }
    found
}

fn hexadecimal(digits: &[u8]) -> Option<Vec<u8>> {
    let value = |digit: u8| char::from(digit).to_digit(16);
    digits.chunks(2).map(|pair| Some((value(pair[0])? * 16 + value(*pair.get(1)?)?) as u8)).collect()
}
