//! Why a token is refused.

use crate::algorithm::Algorithm;
use crate::json::JsonError;
use crate::text::{Clipped, MAX_TOKEN_BYTES};
use std::fmt;

/// Why a token is refused.
///
/// As text it is safe in a log: it has no part of the token, and of values that strangers chose at most 64 escaped
/// characters. Clients get [`TokenError::client_text`].
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum TokenError {
    /// The token is longer than [`MAX_TOKEN_BYTES`].
    TooLong {
        /// Its length in bytes.
        bytes: usize,
    },
    /// The token has other than three parts.
    Parts {
        /// How many it has.
        count: usize,
    },
    /// A part is not base64url as RFC 7515 has it: no padding, and no other bits in the last character.
    Encoding {
        /// Which part.
        part: &'static str,
    },
    /// A part is not a JSON object that is read strictly.
    Json {
        /// Which part.
        part: &'static str,
        /// What is wrong.
        error: JsonError,
    },
    /// A member of the header is not accepted.
    Header {
        /// The member.
        member: &'static str,
        /// What is wrong, as a clause.
        problem: &'static str,
    },
    /// The algorithm is `none`: nothing is signed.
    Unsigned,
    /// The algorithm is not known here.
    UnknownAlgorithm {
        /// Its name.
        name: Clipped,
    },
    /// The rules do not allow the algorithm, or it cannot be used with keys of this kind.
    AlgorithmNotAllowed {
        /// The algorithm.
        algorithm: Algorithm,
    },
    /// The key that the token names is not for its algorithm.
    KeyMismatch {
        /// The algorithm.
        algorithm: Algorithm,
        /// The id of the key.
        id: Option<Clipped>,
    },
    /// No key has the id that the token names, or none is for its algorithm. It may be new: the keys may be loaded again.
    UnknownKey {
        /// The id, if the token names one.
        id: Option<Clipped>,
    },
    /// No key that was tried made the signature.
    Signature {
        /// How many keys were tried.
        tried: usize,
        /// How many keys are for the algorithm.
        fitting: usize,
    },
    /// A claim is missing.
    MissingClaim {
        /// Its name.
        claim: Clipped,
    },
    /// A claim is not what it must be.
    InvalidClaim {
        /// Its name.
        claim: Clipped,
        /// What is wrong, as a clause.
        problem: &'static str,
    },
    /// The time in `exp` has passed.
    Expired {
        /// Seconds since then.
        seconds: u64,
    },
    /// The time in `nbf` is still to come.
    NotYetValid {
        /// Seconds until then.
        seconds: u64,
    },
    /// The time in `iat` is still to come.
    IssuedInFuture {
        /// Seconds until then.
        seconds: u64,
    },
    /// The issuer is not one of the rules.
    Issuer {
        /// The issuer.
        found: Clipped,
    },
    /// The token is for other servers.
    Audience {
        /// The first audience of the token.
        found: Clipped,
    },
}

impl TokenError {
    /// What a client may see: a short sentence without values, which is a legal `error_description`.
    pub fn client_text(&self) -> &'static str {
        match self {
            Self::TooLong { .. } => "The access token is too long",
            Self::Parts { .. } | Self::Encoding { .. } | Self::Json { .. } | Self::Header { .. } => {
                "The access token is malformed"
            }
            Self::Unsigned => "The access token is not signed",
            Self::UnknownAlgorithm { .. } | Self::AlgorithmNotAllowed { .. } | Self::KeyMismatch { .. } => {
                "The access token is signed with an algorithm that is not accepted"
            }
            Self::UnknownKey { .. } => "The access token is signed with an unknown key",
            Self::Signature { .. } => "The signature of the access token is wrong",
            Self::MissingClaim { .. } | Self::InvalidClaim { .. } => {
                "The access token lacks a claim or has an invalid one"
            }
            Self::Expired { .. } => "The access token expired",
            Self::NotYetValid { .. } | Self::IssuedInFuture { .. } => "The access token is not valid yet",
            Self::Issuer { .. } => "The access token is from another issuer",
            Self::Audience { .. } => "The access token is for another audience",
        }
    }
}

impl fmt::Display for TokenError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLong { bytes } => {
                write!(out, "the token has {bytes} bytes; at most {MAX_TOKEN_BYTES} are accepted")
            }
            Self::Parts { count: 5 } => {
                out.write_str("the token has 5 parts: encrypted tokens are not accepted")
            }
            Self::Parts { count } => write!(out, "the token has {count} parts; a signed token has 3"),
            Self::Encoding { part } => {
                write!(out, "the {part} of the token is not base64url without padding")
            }
            Self::Json { part, error } => write!(out, "the {part} of the token {error}"),
            Self::Header { member, problem } => {
                write!(out, "`{member}` in the header of the token {problem}")
            }
            Self::Unsigned => out.write_str("the algorithm of the token is `none`, so it is not signed"),
            Self::UnknownAlgorithm { name } => {
                write!(out, "the algorithm of the token, {name}, is not supported")
            }
            Self::AlgorithmNotAllowed { algorithm } => {
                write!(
                    out,
                    "the algorithm of the token, {algorithm}, is not allowed by the rules or with these keys"
                )
            }
            Self::KeyMismatch { algorithm, id: Some(id) } => {
                write!(out, "the key {id} is not for {algorithm}")
            }
            Self::KeyMismatch { algorithm, id: None } => {
                write!(out, "the secret is shorter than the digest of {algorithm}, which RFC 7518 forbids")
            }
            Self::UnknownKey { id: Some(id) } => write!(out, "no key has the id {id}"),
            Self::UnknownKey { id: None } => out.write_str("no key is for the algorithm of the token"),
            Self::Signature { tried, fitting } if tried < fitting => write!(
                out,
                "the signature is from none of the {tried} keys that were tried, of {fitting}; the token names no key"
            ),
            Self::Signature { tried, .. } => write!(out, "the signature is wrong (keys tried: {tried})"),
            Self::MissingClaim { claim } => write!(out, "the claim {claim} is missing"),
            Self::InvalidClaim { claim, problem } => write!(out, "the claim {claim} {problem}"),
            Self::Expired { seconds } => write!(out, "the token expired {seconds} s ago"),
            Self::NotYetValid { seconds } => write!(out, "the token is valid in {seconds} s"),
            Self::IssuedInFuture { seconds } => {
                write!(out, "the token says that it is issued in {seconds} s")
            }
            Self::Issuer { found } => {
                write!(out, "the token is from the issuer {found}, which is not accepted")
            }
            Self::Audience { found } => {
                write!(out, "the token is for the audience {found}, not for this server")
            }
        }
    }
}

impl std::error::Error for TokenError {}
