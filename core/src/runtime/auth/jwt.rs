//! The verifier of JSON Web Tokens.

use super::jwks::Jwks;
use super::single_flight::Landing;
use crate::dispatch::principal::{Credential, Principal};
use crate::json::{JsonSlice, Limits};
use crate::locks::Mutex;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use std::collections::HashMap;
use std::sync::Arc;
use tenon_tokens::jwt::{Rules, verify};
use tenon_tokens::{Claims, KeySet, TokenError};

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
    Wait(Landing<()>),
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
    /// The credentials by the id of the key that signed. Only keys that have signed have one.
    credentials: Mutex<HashMap<String, Arc<Credential>>>,
}

impl JwtChecker {
    pub(super) fn new(rules: Rules, source: Source, leeway: u64, identity: [u8; 32]) -> Arc<JwtChecker> {
        Arc::new(JwtChecker { rules, source, leeway, identity, credentials: Mutex::default() })
    }

    /// Checks a token. `may_wait` is false if the keys have just been read for it.
    pub(super) fn check(&self, token: &str, now_unix: u64, may_wait: bool) -> Checked {
        let keys = match &self.source {
            Source::Fixed(keys) => keys.clone(),
            Source::Remote(jwks) => match jwks.keys() {
                Some(keys) => keys,
                None => return self.wait(may_wait).unwrap_or_else(|| Checked::Refused(UNREAD)),
            },
        };
        match verify(token, &self.rules, &keys, now_unix) {
            Ok(claims) => Checked::Accepted(self.principal(token, claims)),
            Err(error) => {
                let unknown = matches!(error, TokenError::UnknownKey { .. });
                let wait = if unknown { self.wait(may_wait) } else { None };
                wait.unwrap_or_else(|| {
                    Checked::Refused(Refused::Invalid(error.client_text(), error.to_string()))
                })
            }
        }
    }

    /// Reads the keys again, if that is possible and may help.
    fn wait(&self, may_wait: bool) -> Option<Checked> {
        match &self.source {
            Source::Remote(jwks) if may_wait => jwks.read_again().map(Checked::Wait),
            _ => None,
        }
    }

    fn principal(&self, token: &str, claims: Claims) -> Principal {
        let id = key_id(token).unwrap_or_default();
        let credential = self.credentials.lock().entry(id).or_default().clone();
        principal(claims, self.leeway).with_credential(credential)
    }

    /// Marks the keys as removed that are not among these. Returns whether there are any.
    pub(super) fn keep_only(&self, ids: &[String]) -> bool {
        let mut any = false;
        // Tokens without an id may be of any key of the set.
        self.credentials.lock().retain(|id, credential| {
            let stays = id.is_empty() || ids.contains(id);
            if !stays {
                credential.remove();
                any = true;
            }
            stays
        });
        any
    }

    /// Marks all keys as removed.
    pub(super) fn retire(&self) {
        self.credentials.lock().values().for_each(|credential| credential.remove());
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
    // The clock of the issuer may be behind by so much.
    if let Some(time) = expires_at {
        principal = principal.with_expires_at(time.saturating_add(leeway));
    }
    match JsonSlice::parse(json.into(), &Limits::default()) {
        Ok(claims) => principal.with_claims(claims),
        Err(_) => principal,
    }
}

/// The id of the key in the header of a verified token.
fn key_id(token: &str) -> Option<String> {
    let header = URL_SAFE_NO_PAD.decode(token.split('.').next()?).ok()?;
    let header = JsonSlice::parse(header.into(), &Limits::default()).ok()?;
    Some(header.member("kid")?.decode_str()?.into_owned())
}
