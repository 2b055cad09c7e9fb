//! Claims of a token, and the rules that they must follow. JWTs and introspection share them.

mod check;
mod rules;

pub(crate) use check::Presence;
pub use rules::{ClaimRules, RuleError};

use std::fmt;

/// The most scopes, and the most roles, of one token.
pub const MAX_NAMES: usize = 256;

/// The longest subject, scope or role, in bytes.
pub const MAX_NAME_BYTES: usize = 256;

/// The longest client id, in bytes. It may be a URL.
pub const MAX_CLIENT_ID_BYTES: usize = 2048;

/// What a token says, after it was verified. Texts have no control characters.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Claims {
    /// Who issued the token: one of the issuers in the rules.
    pub issuer: String,
    /// Who the token is about: 1 to 256 bytes. Only together with the issuer it is an identity.
    pub subject: String,
    /// The client that the token was issued to: `client_id`, else `azp`.
    pub client_id: Option<String>,
    /// The scopes in `scope`, else in `scp`, each once.
    pub scopes: Vec<String>,
    /// The roles at the path in the rules, each once.
    pub roles: Vec<String>,
    /// When the token expires, in seconds since 1970. Only an introspected token may have no such time.
    pub expires_at: Option<u64>,
    /// All claims, as the JSON text of the issuer.
    pub json: String,
}

impl fmt::Debug for Claims {
    /// Leaves the JSON text out: it may hold what no log may.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { issuer, subject, client_id, scopes, roles, expires_at, json: _ } = self;
        out.debug_struct("Claims")
            .field("issuer", issuer)
            .field("subject", subject)
            .field("client_id", client_id)
            .field("scopes", scopes)
            .field("roles", roles)
            .field("expires_at", expires_at)
            .finish_non_exhaustive()
    }
}
