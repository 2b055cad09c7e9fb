//! What is known of a principal beyond its identity: its scopes, its roles, the client that it uses, and until when the
//! credential is valid.

use super::Principal;
use crate::json::JsonSlice;
use crate::proto::messages::error::clip;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// The largest number of scopes, and of roles, of a principal.
const MAX_WORDS: usize = 256;
/// The largest scope or role, in bytes.
const MAX_WORD: usize = 256;

#[derive(Clone, Default)]
pub(super) struct Facts {
    pub(super) client_id: Option<Box<str>>,
    pub(super) scopes: Box<[Box<str>]>,
    pub(super) roles: Box<[Box<str>]>,
    /// An object.
    pub(super) claims: Option<JsonSlice>,
    /// In seconds since 1970.
    pub(super) expires_at: Option<u64>,
    pub(super) credential: Option<Arc<Credential>>,
}

/// The key by which a credential was accepted. When the key is removed, what began with the credential ends.
#[derive(Debug, Default)]
pub(crate) struct Credential {
    removed: AtomicBool,
}

impl Credential {
    /// Records that the key is not accepted any more.
    pub(crate) fn remove(&self) {
        self.removed.store(true, Ordering::Release);
    }

    pub(crate) fn is_removed(&self) -> bool {
        self.removed.load(Ordering::Acquire)
    }
}

/// Refuses scopes or roles that are too many, too long, or that a list separated by spaces could not hold.
pub(crate) fn check_words<'a>(
    what: &str,
    words: impl ExactSizeIterator<Item = &'a str>,
) -> Result<(), String> {
    if words.len() > MAX_WORDS {
        return Err(format!("{what}: {} exceed the limit of {MAX_WORDS}", words.len()));
    }
    let mut words = words;
    match words.find(|word| !is_word(word)) {
        Some(word) => Err(format!(
            "{what}: {:?} must have 1 to {MAX_WORD} bytes without spaces, quotes, backslashes and control characters",
            clip(word)
        )),
        None => Ok(()),
    }
}

/// Whether a text can be a scope (RFC 6749, section 3.3) or a role. Roles may have characters beyond ASCII.
fn is_word(word: &str) -> bool {
    (1..=MAX_WORD).contains(&word.len())
        && !word.chars().any(|c| c <= ' ' || c == '"' || c == '\\' || c == '\u{7f}')
}

impl Principal {
    /// The same principal with these scopes: what its credential permits.
    pub fn with_scopes(self, scopes: impl IntoIterator<Item = impl Into<Box<str>>>) -> Principal {
        self.with(|facts| facts.scopes = scopes.into_iter().map(Into::into).collect())
    }

    /// The same principal with these roles.
    pub fn with_roles(self, roles: impl IntoIterator<Item = impl Into<Box<str>>>) -> Principal {
        self.with(|facts| facts.roles = roles.into_iter().map(Into::into).collect())
    }

    /// The same principal with the id of the OAuth client that it uses.
    pub fn with_client_id(self, id: impl Into<Box<str>>) -> Principal {
        self.with(|facts| facts.client_id = Some(id.into()))
    }

    /// The same principal with the claims of its token, an object.
    pub fn with_claims(self, claims: impl Into<JsonSlice>) -> Principal {
        self.with(|facts| facts.claims = Some(claims.into()))
    }

    /// The same principal with the time at which its credential expires, in seconds since 1970. Streams end then.
    pub fn with_expires_at(self, time: u64) -> Principal {
        self.with(|facts| facts.expires_at = Some(time))
    }

    /// The same principal with the key by which it was accepted.
    pub(crate) fn with_credential(self, credential: Arc<Credential>) -> Principal {
        self.with(|facts| facts.credential = Some(credential))
    }

    /// The scopes.
    pub fn scopes(&self) -> &[Box<str>] {
        self.facts().map_or(&[], |facts| &facts.scopes)
    }

    /// The roles.
    pub fn roles(&self) -> &[Box<str>] {
        self.facts().map_or(&[], |facts| &facts.roles)
    }

    /// Whether the principal has this scope.
    pub fn has_scope(&self, scope: &str) -> bool {
        self.scopes().iter().any(|own| **own == *scope)
    }

    /// Whether the principal has this role.
    pub fn has_role(&self, role: &str) -> bool {
        self.roles().iter().any(|own| **own == *role)
    }

    /// The id of the OAuth client, if it is known.
    pub fn client_id(&self) -> Option<&str> {
        self.facts()?.client_id.as_deref()
    }

    /// The claims of the token, an object, if there is a token with claims.
    pub fn claims(&self) -> Option<&JsonSlice> {
        self.facts()?.claims.as_ref()
    }

    /// When the credential expires, in seconds since 1970.
    pub fn expires_at(&self) -> Option<u64> {
        self.facts()?.expires_at
    }

    /// The key by which the principal was accepted.
    pub(crate) fn credential(&self) -> Option<&Arc<Credential>> {
        self.facts()?.credential.as_ref()
    }

    /// Whether the credential is valid at this time, in seconds since 1970, and its key has not been removed.
    pub(crate) fn is_valid_at(&self, unix: u64) -> bool {
        self.facts().is_none_or(|facts| {
            facts.expires_at.is_none_or(|until| unix < until)
                && facts.credential.as_ref().is_none_or(|credential| !credential.is_removed())
        })
    }
}
