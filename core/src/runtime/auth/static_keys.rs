//! Static bearer tokens and API keys.

use super::config::Credentials;
use super::files;
use crate::dispatch::options::{ApiKeyOptions, VerifierOptions};
use crate::dispatch::principal::Principal;
use http::HeaderName;
use std::sync::Arc;
use tenon_tokens::{KeyDigest, KeyTable};

/// The issuer of the principals, unless an option names one.
const ISSUER: &str = "api-keys";

/// The keys of one verifier, with their principals in the same order.
pub(super) struct StaticKeys {
    table: KeyTable,
    principals: Vec<Principal>,
    /// The header with the key; `None` if it is a bearer token.
    pub(super) header: Option<HeaderName>,
}

impl StaticKeys {
    pub(super) fn new(
        options: &VerifierOptions,
        path: &str,
        old: &mut Credentials,
    ) -> Result<StaticKeys, String> {
        let keys = options.keys.as_ref().map(|keys| &keys.0[..]).unwrap_or_default();
        let issuer: Arc<str> = match options.issuer.as_ref().map(|issuer| &issuer.0[..]) {
            None => ISSUER.into(),
            Some([issuer]) if !issuer.is_empty() => issuer.as_str().into(),
            Some(_) => return Err(format!("{path}.issuer must be one text")),
        };
        let header = options.header.as_ref().map(|name| {
            let parsed = HeaderName::from_bytes(name.as_bytes());
            parsed.map_err(|_| format!("{path}.header is not the name of a header: {name:?}"))
        });
        let header = header.transpose()?.filter(|name| *name != http::header::AUTHORIZATION);
        let mut digests = Vec::with_capacity(keys.len());
        let mut principals = Vec::with_capacity(keys.len());
        for (place, key) in keys.iter().enumerate() {
            let path = format!("{path}.keys[{place}]");
            let digest = digest(key, &path)?;
            let principal = Principal::new(issuer.clone(), key.subject.clone().unwrap_or_default());
            let words = |grants: &Option<crate::dispatch::options::Grants>| {
                grants.as_ref().map(|grants| grants.0.clone()).unwrap_or_default()
            };
            let principal = principal.with_scopes(words(&key.scopes)).with_roles(words(&key.roles));
            let principal = match &key.client_id {
                Some(id) => principal.with_client_id(id.as_str()),
                None => principal,
            };
            let principal = match key.expires_at {
                Some(time) => principal.with_expires_at(time as u64),
                None => principal,
            };
            // A key whose rights have changed is another key.
            let rights = principal.to_json().as_str().to_owned();
            let credential = old.take((digest.clone(), rights));
            digests.push(digest);
            principals.push(principal.with_credential(credential));
        }
        let table = KeyTable::new(digests).map_err(|error| format!("{path}.keys: {error}"))?;
        Ok(StaticKeys { table, principals, header })
    }

    /// The principal of a key. The caller checks whether it has expired.
    pub(super) fn find(&self, presented: &str) -> Option<&Principal> {
        self.principals.get(self.table.find(presented)?)
    }
}

fn digest(key: &ApiKeyOptions, path: &str) -> Result<KeyDigest, String> {
    let wrong = |error| format!("{path}: {error}");
    if let Some(hash) = &key.hash {
        let hash = hash.strip_prefix("sha256:").unwrap_or(hash);
        return KeyDigest::of_hash(hash).map_err(wrong);
    }
    let value = match (&key.value, &key.file, &key.env) {
        (Some(value), ..) => value.clone(),
        (_, Some(file), _) => files::read(&format!("{path}.file"), &file.0)?,
        (_, _, Some(name)) => std::env::var(name)
            .map_err(|_| format!("{path}.env: the variable {name} is not set, or is not a text"))?,
        (None, None, None) => return Err(format!("{path} has no key")),
    };
    KeyDigest::of_value(&value).map_err(wrong)
}
