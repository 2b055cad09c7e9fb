//! The verifier of JSON Web Tokens.

use super::jwks::Jwks;
use super::shared_work::WorkResult;
use crate::dispatch::principal::{Credential, Principal};
use crate::json::{JsonSlice, Limits};
use crate::locks::Mutex;
use std::collections::HashMap;
use std::sync::Arc;
use tenon_tokens::jwt::{Rules, verify_and_name_key};
use tenon_tokens::{Claims, KeyFingerprint, KeySet, TokenError};

/// Where the keys come from.
pub(super) enum Source {
    Fixed(Arc<KeySet>),
    Remote(Arc<Jwks>),
}

/// The result of one check.
pub(super) enum Checked {
    Accepted(Principal),
    Refused(Refused),
    /// The keys are being read. Afterwards the token is checked again.
    Wait(WorkResult<()>),
}

/// Why credentials are refused.
#[derive(Clone, Debug)]
pub(super) enum Refused {
    /// The credentials are wrong. The first text is for the client, the second one for the log.
    Invalid(&'static str, String),
    /// They cannot be checked now.
    Unavailable(&'static str),
}

/// One verifier of JSON Web Tokens.
pub(super) struct JwtChecker {
    rules: Rules,
    pub(super) source: Source,
    leeway: u64,
    /// The digest of the options.
    pub(super) identity: [u8; 32],
    credentials: Mutex<Credentials>,
}

/// The credentials by the key that signed. Only keys that have signed have one.
#[derive(Default)]
struct Credentials {
    known: HashMap<KeyFingerprint, Arc<Credential>>,
    /// Whether the verifier was replaced. A verification that began before must not outlive it.
    retired: bool,
}

impl JwtChecker {
    pub(super) fn new(rules: Rules, source: Source, leeway: u64, identity: [u8; 32]) -> Arc<JwtChecker> {
        Arc::new(JwtChecker { rules, source, leeway, identity, credentials: Mutex::default() })
    }

    /// Checks a token. `may_wait` is false if the keys have just been read for it.
    pub(super) fn check(&self, token: &str, now_unix: u64, may_wait: bool) -> Checked {
        loop {
            let keys = match &self.source {
                Source::Fixed(keys) => keys.clone(),
                Source::Remote(jwks) => match jwks.keys() {
                    Some(keys) => keys,
                    None => return self.wait(may_wait).unwrap_or_else(|| Checked::Refused(UNREAD)),
                },
            };
            match verify_and_name_key(token, &self.rules, &keys, now_unix) {
                Ok((claims, key)) => {
                    let principal = self.principal(claims, key);
                    // Checked afterwards: either the thread that replaces the keys finds the credential, or this check sees
                    // the new keys.
                    if self.uses(&keys) {
                        return Checked::Accepted(principal);
                    }
                }
                Err(error) => {
                    let unknown = matches!(error, TokenError::UnknownKey { .. });
                    let wait = if unknown { self.wait(may_wait) } else { None };
                    return wait.unwrap_or_else(|| {
                        Checked::Refused(Refused::Invalid(error.client_text(), error.to_string()))
                    });
                }
            }
        }
    }

    /// Whether these are still the keys.
    fn uses(&self, keys: &Arc<KeySet>) -> bool {
        match &self.source {
            Source::Fixed(_) => true,
            Source::Remote(jwks) => jwks.has(keys),
        }
    }

    /// Reads the keys again, if that is possible and may help.
    fn wait(&self, may_wait: bool) -> Option<Checked> {
        match &self.source {
            Source::Remote(jwks) if may_wait => jwks.read_again().map(Checked::Wait),
            _ => None,
        }
    }

    fn principal(&self, claims: Claims, key: KeyFingerprint) -> Principal {
        let credential = {
            let mut credentials = self.credentials.lock();
            let credential = credentials.known.entry(key).or_default().clone();
            if credentials.retired {
                credential.remove();
            }
            credential
        };
        principal(claims, self.leeway).with_credential(credential)
    }

    /// Marks the keys as removed that are not among these. Returns whether there are any.
    pub(super) fn keep_only(&self, keys: &[KeyFingerprint]) -> bool {
        let mut any = false;
        self.credentials.lock().known.retain(|key, credential| {
            let stays = keys.contains(key);
            if !stays {
                credential.remove();
                any = true;
            }
            stays
        });
        any
    }

    /// Marks all keys as removed, for good.
    pub(super) fn retire(&self) {
        let mut credentials = self.credentials.lock();
        credentials.retired = true;
        credentials.known.values().for_each(|credential| credential.remove());
    }
}

pub(super) const UNREAD: Refused =
    Refused::Unavailable("Server busy: the keys for this token cannot be read; retry later");

/// The principal of verified claims.
pub(super) fn principal(claims: Claims, leeway: u64) -> Principal {
    let Claims { issuer, subject, client_id, scopes, roles, expires_at, json, .. } = claims;
    let mut principal = Principal::new(issuer, subject).with_scopes(scopes).with_roles(roles);
    if let Some(id) = client_id {
        principal = principal.with_client_id(id);
    }
    // The clock of the issuer may be behind by so much. With a leeway, its last second is one in which the token is valid.
    if let Some(time) = expires_at {
        let last = u64::from(leeway > 0);
        principal = principal.with_expires_at(time.saturating_add(leeway).saturating_add(last));
    }
    match JsonSlice::parse(json.into(), &Limits::default()) {
        Ok(claims) => principal.with_claims(claims),
        Err(_) => principal,
    }
}
