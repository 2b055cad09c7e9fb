//! The verifiers of a server as they are now.

use super::authenticator::Env;
use super::files;
use super::introspection::Introspector;
use super::jwks::Jwks;
use super::jwt::{JwtChecker, Source};
use super::static_keys::StaticKeys;
use crate::dispatch::options::{Options, Spelling, Verifier, VerifierKind, VerifierOptions};
use crate::dispatch::principal::Credential;
use http::HeaderName;
use sha2::{Digest as _, Sha256};
use std::collections::HashMap;
use std::sync::Arc;
use tenon_tokens::jwt::Rules;
use tenon_tokens::{Algorithm, ClaimRules, KeyDigest, KeySet, PublicKeys, Secret};

/// A static key with its rights.
type KeyName = (KeyDigest, String);

/// The credentials of static keys. A key that is the same in the next configuration keeps its credential.
#[derive(Default)]
pub(super) struct Credentials {
    old: HashMap<KeyName, Arc<Credential>>,
    kept: HashMap<KeyName, Arc<Credential>>,
}

impl Credentials {
    pub(super) fn take(&mut self, name: KeyName) -> Arc<Credential> {
        let credential = self.old.get(&name).cloned().unwrap_or_default();
        self.kept.insert(name, credential.clone());
        credential
    }
}

/// What checks credentials.
pub(super) enum Checker {
    Keys(StaticKeys),
    Jwt(Arc<JwtChecker>),
    Introspection(Arc<Introspector>),
}

/// The verifiers of a server.
#[derive(Default)]
pub(super) struct Config {
    pub(super) checkers: Vec<Checker>,
    /// The headers with API keys.
    pub(super) headers: Vec<HeaderName>,
    credentials: HashMap<KeyName, Arc<Credential>>,
}

impl Config {
    /// Makes the verifiers that settings describe. What is the same in `old` is kept. Errors name the option.
    pub(super) fn new(verifiers: &[Verifier], env: &Arc<Env>, old: &Config) -> Result<Config, String> {
        let mut config = Config::default();
        let mut credentials = Credentials { old: old.credentials.clone(), kept: HashMap::new() };
        for (place, Verifier { kind, options }) in verifiers.iter().enumerate() {
            let path = format!("auth[{place}]");
            let checker = match kind {
                VerifierKind::ApiKeys => {
                    let keys = StaticKeys::new(options, &path, &mut credentials)?;
                    if let Some(header) = keys.header.as_ref().filter(|name| !config.headers.contains(name)) {
                        config.headers.push(header.clone());
                    }
                    Checker::Keys(keys)
                }
                VerifierKind::Jwt => Checker::Jwt(jwt(options, &path, env, old)?),
                VerifierKind::Introspection => {
                    Checker::Introspection(introspection(options, &path, env, old)?)
                }
            };
            config.checkers.push(checker);
        }
        config.credentials = credentials.kept;
        Ok(config)
    }

    /// Marks the keys as removed that the new configuration does not have.
    pub(super) fn retire(&self, new: &Config) {
        for (name, credential) in &self.credentials {
            if !new.credentials.contains_key(name) {
                credential.remove();
            }
        }
        for checker in &self.checkers {
            match checker {
                Checker::Keys(_) => {}
                Checker::Jwt(own) if !new.has_jwt(own) => own.retire(),
                Checker::Introspection(own) if !new.has_introspection(own) => own.credential.remove(),
                Checker::Jwt(_) | Checker::Introspection(_) => {}
            }
        }
    }

    fn has_jwt(&self, own: &Arc<JwtChecker>) -> bool {
        self.checkers.iter().any(|one| matches!(one, Checker::Jwt(other) if Arc::ptr_eq(own, other)))
    }

    fn has_introspection(&self, own: &Arc<Introspector>) -> bool {
        self.checkers
            .iter()
            .any(|one| matches!(one, Checker::Introspection(other) if Arc::ptr_eq(own, other)))
    }
}

/// A digest of all options, with their secrets, and of what the files that they name contain.
fn identity(options: &VerifierOptions, files: &[&str]) -> [u8; 32] {
    let mut digest = Sha256::new();
    for (row, access) in VerifierOptions::TABLE.iter().zip(VerifierOptions::ACCESS) {
        if let Some(value) = (access.write)(options, Spelling::Rust) {
            digest.update(format!("{}={value}\n", row.name));
        }
    }
    for text in files {
        digest.update((text.len() as u64).to_be_bytes());
        digest.update(text);
    }
    digest.finalize().into()
}

/// The text of an option, or of the file that the option beside it names.
fn text_or_file(
    path: &str,
    (name, text): (&str, &Option<String>),
    file: &Option<crate::dispatch::options::FilePath>,
) -> Result<Option<String>, String> {
    match (text, file) {
        (Some(_), Some(_)) => Err(format!("{path}: set {name} or {name}_file, not both")),
        (Some(text), None) => Ok(Some(text.clone())),
        (None, Some(file)) => files::read(&format!("{path}.{name}_file"), &file.0).map(Some),
        (None, None) => Ok(None),
    }
}

/// The rules for the claims, as far as JWT and introspection have the same ones. `verifier` names the kind in errors.
fn claim_rules(
    options: &VerifierOptions,
    (path, verifier): (&str, &str),
    issuers: Vec<String>,
    env: &Env,
) -> Result<ClaimRules, String> {
    let wrong = |error| format!("{path}: {error}");
    let audiences = match &options.audience {
        Some(audience) if !audience.0.is_empty() => audience.0.clone(),
        _ => env.public_url.iter().cloned().collect(),
    };
    // AU-4
    if audiences.is_empty() {
        return Err(format!(
            "{path}: a verifier of {verifier} needs the option audience, or the server needs a public_url; otherwise tokens \
             for other servers would be accepted"
        ));
    }
    let mut rules = ClaimRules::new(issuers).map_err(wrong)?.audiences(audiences).map_err(wrong)?;
    if let Some(leeway) = options.leeway {
        rules = rules.leeway(leeway.as_secs()).map_err(wrong)?;
    }
    rules.roles_at(options.roles_claim.as_deref().unwrap_or("roles")).map_err(wrong)
}

fn jwt(
    options: &VerifierOptions,
    path: &str,
    env: &Arc<Env>,
    old: &Config,
) -> Result<Arc<JwtChecker>, String> {
    let public = text_or_file(path, ("public_key", &options.public_key), &options.public_key_file)?;
    let secret = text_or_file(path, ("secret", &options.secret), &options.secret_file)?;
    let identity = identity(options, &[public.as_deref().unwrap_or(""), secret.as_deref().unwrap_or("")]);
    let same = old.checkers.iter().find_map(|checker| match checker {
        Checker::Jwt(own) if own.identity == identity => Some(own.clone()),
        _ => None,
    });
    if let Some(same) = same {
        return Ok(same);
    }
    let issuers = options.issuer.as_ref().map(|issuer| issuer.0.clone()).unwrap_or_default();
    if issuers.is_empty() {
        return Err(format!("{path}: a verifier of JWT needs the option issuer"));
    }
    let claims = claim_rules(options, (path, "JWT"), issuers.clone(), env)?;
    let mut rules = Rules::new(claims).map_err(|error| format!("{path}: {error}"))?;
    if let Some(words) = &options.algorithms {
        let known = words.0.iter().map(|word| {
            Algorithm::from_name(word)
                .ok_or_else(|| format!("{path}.algorithms: there is no algorithm {word:?}"))
        });
        let known: Vec<Algorithm> = known.collect::<Result<_, _>>()?;
        rules = rules.algorithms(known).map_err(|error| format!("{path}.algorithms: {error}"))?;
    }
    let source = match (&options.jwks_url, public, secret) {
        (Some(url), None, None) => Source::Remote(Jwks::new(url.0.clone(), env.clone())),
        (None, Some(text), None) => {
            let keys = PublicKeys::parse(&text).map_err(|error| format!("{path}.public_key: {error}"))?;
            Source::Fixed(Arc::new(KeySet::from(keys)))
        }
        (None, None, Some(text)) => {
            let secret = Secret::new(text.as_bytes()).map_err(|error| format!("{path}.secret: {error}"))?;
            Source::Fixed(Arc::new(KeySet::from(secret)))
        }
        _ => {
            return Err(format!(
                "{path}: a verifier of JWT needs exactly one of jwks_url, public_key, public_key_file, secret and secret_file"
            ));
        }
    };
    if let Source::Fixed(keys) = &source {
        rules.check_keys(keys).map_err(|error| format!("{path}: {error}"))?;
    }
    let leeway = options.leeway.map_or(60, |leeway| leeway.as_secs());
    let checker = JwtChecker::new(rules, source, leeway, identity);
    if let Source::Remote(jwks) = &checker.source {
        jwks.attach(&checker);
    }
    Ok(checker)
}

fn introspection(
    options: &VerifierOptions,
    path: &str,
    env: &Arc<Env>,
    old: &Config,
) -> Result<Arc<Introspector>, String> {
    let secret = text_or_file(path, ("client_secret", &options.client_secret), &options.client_secret_file)?;
    let identity = identity(options, &[secret.as_deref().unwrap_or("")]);
    let same = old.checkers.iter().find_map(|checker| match checker {
        Checker::Introspection(own) if own.identity == identity => Some(own.clone()),
        _ => None,
    });
    if let Some(same) = same {
        return Ok(same);
    }
    let Some(url) = &options.url else {
        return Err(format!("{path}: a verifier of introspection needs the option url"));
    };
    let issuers = options.issuer.as_ref().map(|issuer| issuer.0.clone()).unwrap_or_default();
    let issuers = if issuers.is_empty() { vec![url.parts().0.to_owned()] } else { issuers };
    let rules = claim_rules(options, (path, "introspection"), issuers, env)?;
    let client = match (&options.client_id, secret) {
        (Some(id), secret) => Some((id.clone(), secret.unwrap_or_default())),
        (None, None) => None,
        (None, Some(_)) => return Err(format!("{path}: client_secret needs client_id")),
    };
    let leeway = options.leeway.map_or(60, |leeway| leeway.as_secs());
    Ok(Introspector::new(url.0.clone(), client, (rules, leeway), env.clone(), identity))
}
