//! Responses of token introspection (RFC 7662).

use crate::claims::{ClaimRules, Claims, Presence};
use crate::error::TokenError;
use crate::json::{self, JsonError};
use crate::text::Clipped;
use serde_json::Value;
use std::fmt;

/// The longest response, in bytes.
pub const MAX_RESPONSE_BYTES: usize = 64 * 1024;

/// What the authorization server says about a token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Introspection {
    /// The token is not valid: unknown, expired, revoked, or not for this server to know.
    Inactive,
    /// The token is valid, and its claims follow the rules.
    Active(Claims),
}

/// Why a response is refused.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum IntrospectionError {
    /// The response is longer than [`MAX_RESPONSE_BYTES`].
    TooLong {
        /// Its length in bytes.
        bytes: usize,
    },
    /// The response is not a JSON object that is read strictly.
    Json {
        /// What is wrong.
        error: JsonError,
    },
    /// The member `active` is missing or not a boolean.
    Active,
    /// The token is active, but this server must refuse it.
    Token {
        /// Why.
        error: TokenError,
    },
}

impl fmt::Display for IntrospectionError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLong { bytes } => {
                write!(
                    out,
                    "the introspection response has {bytes} bytes; at most {MAX_RESPONSE_BYTES} are accepted"
                )
            }
            Self::Json { error } => write!(out, "the introspection response {error}"),
            Self::Active => out.write_str("the introspection response has no boolean member `active`"),
            Self::Token { error } => write!(out, "the introspected token is refused: {error}"),
        }
    }
}

impl std::error::Error for IntrospectionError {}

/// Reads the body of a response with status 200.
///
/// If it has no `iss`, the first issuer of the rules is that of the token. If the rules have audiences, `aud` must be there
/// and name one of them. A `token_type` other than `Bearer` is refused.
pub fn parse(body: &str, rules: &ClaimRules, now_unix: u64) -> Result<Introspection, IntrospectionError> {
    if body.len() > MAX_RESPONSE_BYTES {
        return Err(IntrospectionError::TooLong { bytes: body.len() });
    }
    let members = json::object(body.as_bytes()).map_err(|error| IntrospectionError::Json { error })?;
    match members.get("active") {
        Some(Value::Bool(true)) => {}
        Some(Value::Bool(false)) => return Ok(Introspection::Inactive),
        _ => return Err(IntrospectionError::Active),
    }
    let kind = match members.get("token_type") {
        None => Ok(()),
        Some(Value::String(kind)) if kind.eq_ignore_ascii_case("bearer") => Ok(()),
        Some(_) => Err(TokenError::InvalidClaim {
            claim: Clipped::new("token_type"),
            problem: "is not `Bearer`, so the token needs a proof that is not checked here",
        }),
    };
    kind.and_then(|()| rules.check(&members, body, Presence::Introspection, now_unix))
        .map(Introspection::Active)
        .map_err(|error| IntrospectionError::Token { error })
}
