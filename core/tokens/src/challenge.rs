//! Values of `WWW-Authenticate` (RFC 6750, RFC 9728).

use crate::text::is_scope;
use std::fmt::{self, Write as _};

/// The longest value, in bytes. Clients and proxies refuse long headers.
pub const MAX_CHALLENGE_BYTES: usize = 4096;

/// The scope that asks for a refresh token. A resource server must not ask for it.
pub(crate) const OFFLINE_ACCESS: &str = "offline_access";

/// The error codes of RFC 6750.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorCode {
    /// The request is malformed (status 400).
    InvalidRequest,
    /// The token is expired, revoked, malformed or invalid for another reason (status 401).
    InvalidToken,
    /// The token lacks a scope (status 403).
    InsufficientScope,
}

impl ErrorCode {
    /// The code on the wire.
    pub fn name(self) -> &'static str {
        match self {
            Self::InvalidRequest => "invalid_request",
            Self::InvalidToken => "invalid_token",
            Self::InsufficientScope => "insufficient_scope",
        }
    }

    /// The HTTP status of a response with this code.
    pub fn status(self) -> u16 {
        match self {
            Self::InvalidRequest => 400,
            Self::InvalidToken => 401,
            Self::InsufficientScope => 403,
        }
    }
}

/// Why a challenge cannot be written.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ChallengeError {
    /// There is no parameter, and RFC 6750 demands one.
    Empty,
    /// A parameter has a character that it cannot have.
    Characters {
        /// The parameter.
        parameter: &'static str,
    },
    /// The value would be longer than [`MAX_CHALLENGE_BYTES`].
    TooLong {
        /// Its length in bytes.
        bytes: usize,
    },
}

impl fmt::Display for ChallengeError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => out.write_str("the challenge has no parameter; give a realm or a metadata URL"),
            Self::Characters { parameter } => {
                write!(
                    out,
                    "`{parameter}` has a character that a challenge cannot carry; use printable ASCII"
                )
            }
            Self::TooLong { bytes } => {
                write!(out, "the challenge has {bytes} bytes; at most {MAX_CHALLENGE_BYTES} are accepted")
            }
        }
    }
}

impl std::error::Error for ChallengeError {}

/// The parts of a challenge. Those that are absent are left out.
#[derive(Clone, Copy, Debug, Default)]
pub struct Challenge<'a> {
    /// The protection space.
    pub realm: Option<&'a str>,
    /// What is wrong. If the request had no token, there is none.
    pub error: Option<ErrorCode>,
    /// A sentence for the developer of the client, without quotes and backslashes.
    pub error_description: Option<&'a str>,
    /// All scopes that the operation needs. `offline_access` is left out.
    pub scopes: &'a [&'a str],
    /// The URL of the metadata of this resource.
    pub resource_metadata: Option<&'a str>,
}

impl Challenge<'_> {
    /// The value of the header.
    pub fn header_value(&self) -> Result<String, ChallengeError> {
        let mut value = String::from("Bearer");
        let mut separator = " ";
        let mut add = |name: &str, text: &str| {
            let escaped = text.replace('\\', "\\\\").replace('"', "\\\"");
            let _ = write!(value, "{separator}{name}=\"{escaped}\"");
            separator = ", ";
        };
        if let Some(realm) = self.realm {
            add("realm", legal("realm", realm, is_printable)?);
        }
        if let Some(error) = self.error {
            add("error", error.name());
        }
        if let Some(description) = self.error_description {
            add("error_description", legal("error_description", description, is_unquoted)?);
        }
        let scopes: Vec<&str> =
            self.scopes.iter().copied().filter(|scope| *scope != OFFLINE_ACCESS).collect();
        for scope in &scopes {
            legal("scope", scope, is_scope)?;
        }
        if !scopes.is_empty() {
            add("scope", &scopes.join(" "));
        }
        if let Some(url) = self.resource_metadata {
            add("resource_metadata", legal("resource_metadata", url, is_scope)?);
        }
        match value.len() {
            6 => Err(ChallengeError::Empty),
            ..=MAX_CHALLENGE_BYTES => Ok(value),
            bytes => Err(ChallengeError::TooLong { bytes }),
        }
    }
}

fn legal<'t>(
    parameter: &'static str,
    text: &'t str,
    is_legal: fn(&str) -> bool,
) -> Result<&'t str, ChallengeError> {
    match is_legal(text) {
        true => Ok(text),
        false => Err(ChallengeError::Characters { parameter }),
    }
}

fn is_printable(text: &str) -> bool {
    text.bytes().all(|byte| (b' '..=b'~').contains(&byte))
}

/// RFC 6750, section 3: descriptions have no quotes and backslashes, not even escaped ones.
fn is_unquoted(text: &str) -> bool {
    is_printable(text) && !text.contains(['"', '\\'])
}
