//! The credentials of a request, from the values of its `Authorization` header or of a header with an API key.

use crate::keys::MIN_KEY_BYTES;
use crate::text::{Clipped, MAX_TOKEN_BYTES, is_visible_ascii};
use std::fmt;

/// Why a request has no credentials that can be checked.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum BearerError {
    /// The scheme is not `Bearer`.
    OtherScheme {
        /// The scheme.
        scheme: Clipped,
    },
    /// The header occurs more than once.
    Several {
        /// How often it occurs.
        count: usize,
    },
    /// The value does not follow the grammar.
    Malformed {
        /// What is wrong, as a clause.
        problem: &'static str,
    },
    /// The credentials are longer than [`MAX_TOKEN_BYTES`].
    TooLong {
        /// Their length in bytes.
        bytes: usize,
    },
}

impl BearerError {
    /// The error code of RFC 6750 for the challenge. If the client used another scheme, there is none.
    pub fn code(&self) -> Option<crate::challenge::ErrorCode> {
        match self {
            Self::OtherScheme { .. } => None,
            _ => Some(crate::challenge::ErrorCode::InvalidRequest),
        }
    }
}

impl fmt::Display for BearerError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            // Some clients forget the scheme, and the word is their key. What is shorter than any key may be shown.
            Self::OtherScheme { scheme } if scheme.len() < MIN_KEY_BYTES => {
                write!(out, "the authorization scheme is {scheme}; only Bearer is accepted")
            }
            Self::OtherScheme { .. } => {
                out.write_str("the authorization scheme is not known; write Bearer and the token")
            }
            Self::Several { count } => {
                write!(out, "the request has {count} headers with credentials; send one")
            }
            Self::Malformed { problem } => write!(out, "the credentials are malformed: {problem}"),
            Self::TooLong { bytes } => {
                write!(out, "the credentials have {bytes} bytes; at most {MAX_TOKEN_BYTES} are accepted")
            }
        }
    }
}

impl std::error::Error for BearerError {}

/// The token of the `Authorization` headers of one request: `Bearer`, in any case, and a `b64token` (RFC 6750, section 2.1).
///
/// No header is `Ok(None)`.
pub fn bearer<'v>(values: impl IntoIterator<Item = &'v [u8]>) -> Result<Option<&'v str>, BearerError> {
    let Some(value) = single(values)? else { return Ok(None) };
    let end = value.iter().position(|byte| !is_scheme(*byte)).unwrap_or(value.len());
    let (scheme, rest) = value.split_at(end);
    let scheme = std::str::from_utf8(scheme).unwrap_or_default();
    if scheme.is_empty() || !matches!(rest.first(), None | Some(b' ')) {
        return Err(BearerError::Malformed { problem: "no scheme is followed by a space" });
    }
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Err(BearerError::OtherScheme { scheme: Clipped::new(scheme) });
    }
    let token = &rest[rest.iter().take_while(|byte| **byte == b' ').count()..];
    if token.is_empty() {
        return Err(BearerError::Malformed { problem: "no token follows the scheme" });
    }
    let body = token.iter().rposition(|byte| *byte != b'=').map_or(0, |last| last + 1);
    match std::str::from_utf8(token) {
        Ok(text) if body > 0 && is_b64token(&token[..body]) => Ok(Some(text)),
        _ => Err(BearerError::Malformed {
            problem: "the token has a character that bearer tokens cannot have",
        }),
    }
}

/// The API key of those headers of one request that may hold one: visible ASCII.
///
/// No header is `Ok(None)`.
pub fn api_key<'v>(values: impl IntoIterator<Item = &'v [u8]>) -> Result<Option<&'v str>, BearerError> {
    let Some(value) = single(values)? else { return Ok(None) };
    match std::str::from_utf8(value) {
        Ok(text) if is_visible_ascii(value) => Ok(Some(text)),
        _ => Err(BearerError::Malformed { problem: "an API key consists of visible ASCII characters" }),
    }
}

/// The only value, without the blanks that HTTP allows around it.
fn single<'v>(values: impl IntoIterator<Item = &'v [u8]>) -> Result<Option<&'v [u8]>, BearerError> {
    let mut values = values.into_iter();
    let Some(value) = values.next() else { return Ok(None) };
    match values.count() {
        0 => {}
        more => return Err(BearerError::Several { count: more + 1 }),
    }
    let blank = |byte: &u8| matches!(byte, b' ' | b'\t');
    let start = value.iter().take_while(|byte| blank(byte)).count();
    let end = value.len() - value[start..].iter().rev().take_while(|byte| blank(byte)).count();
    let value = &value[start..end];
    if value.len() > MAX_TOKEN_BYTES + "Bearer ".len() {
        return Err(BearerError::TooLong { bytes: value.len() });
    }
    Ok(Some(value))
}

/// A character of `token` in RFC 9110.
fn is_scheme(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

/// The characters of `b64token` before its padding, by byte. Each request has hundreds of them, so a comparison with each
/// possible character would be the largest part of its authentication.
const B64TOKEN: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = 0;
    while byte < table.len() {
        let own = byte as u8;
        table[byte] = own.is_ascii_alphanumeric() || matches!(own, b'-' | b'.' | b'_' | b'~' | b'+' | b'/');
        byte += 1;
    }
    table
};

/// Whether a text consists of the characters of `b64token` before its padding. All are looked at, without branches.
fn is_b64token(text: &[u8]) -> bool {
    text.iter().fold(true, |all, byte| all & B64TOKEN[usize::from(*byte)])
}
