//! The resolver of principals of a server with verifiers.

use super::config::{Checker, Config};
use super::jwt::{Checked, Refused};
use super::token_cache::{Digest, Known, TokenCache};
use crate::dispatch::environment::Environment;
use crate::dispatch::limits::Limits;
use crate::dispatch::log::{self, LogLevel};
use crate::dispatch::observer::Observers;
use crate::dispatch::options::Verifier;
use crate::dispatch::principal::Principal;
use crate::dispatch::rate_table::RateTable;
use crate::dispatch::shares::Key;
use crate::host::{
    Engine, PrincipalFuture, PrincipalRefusal, PrincipalRequest, PrincipalResolver, Resolution, Shared,
};
use crate::locks::RwLock;
use crate::runtime::outgoing::HttpClient;
use http::header;
use http::request::Parts;
use sha2::{Digest as _, Sha256};
use std::sync::{Arc, OnceLock, Weak};
use std::time::{Duration, Instant};
use tenon_tokens::{BearerError, api_key, bearer};

/// How long refused credentials are refused again without a check.
const REFUSED: Duration = Duration::from_secs(5);
/// How many refused credentials are kept.
const MOST_REFUSED: usize = 1000;

/// What an authenticator needs of its server.
pub(crate) struct AuthSetup {
    pub(crate) environment: Arc<dyn Environment>,
    pub(crate) observers: Observers,
    pub(crate) client: Arc<HttpClient>,
    pub(crate) public_url: Option<String>,
    /// The resolver of the program, which is asked first.
    pub(crate) first: Option<Arc<dyn PrincipalResolver>>,
}

/// What the verifiers share.
pub(super) struct Env {
    environment: Arc<dyn Environment>,
    observers: Observers,
    pub(super) client: Arc<HttpClient>,
    pub(super) public_url: Option<String>,
    /// How long a request of a verifier may take.
    pub(super) timeout: Duration,
    accepted: TokenCache,
    refused: TokenCache,
    shared: OnceLock<Weak<Shared>>,
}

impl Env {
    pub(super) fn now(&self) -> Instant {
        self.environment.now()
    }

    pub(super) fn unix_seconds(&self) -> u64 {
        self.environment.unix_seconds()
    }

    /// The present generations of both caches, for [`TokenCache::put`].
    fn generations(&self) -> (u64, u64) {
        (self.accepted.generation(), self.refused.generation())
    }

    pub(super) fn log(&self, level: LogLevel, text: impl FnOnce() -> String) {
        self.observers.diagnose(level, log::AUTH, text);
    }

    /// Forgets what was verified, and ends what belongs to removed keys.
    pub(super) fn keys_removed(&self) {
        self.accepted.clear();
        self.refused.clear();
        if let Some(shared) = self.shared.get().and_then(Weak::upgrade) {
            Engine(shared).end_removed();
        }
    }
}

/// Authenticates HTTP requests by the verifiers of a server.
pub(crate) struct Authenticator {
    env: Arc<Env>,
    config: RwLock<Arc<Config>>,
    first: Option<Arc<dyn PrincipalResolver>>,
    failures: RateTable,
    token_time: Duration,
}

/// Verifiers that were read and checked, before they replace the present ones.
pub(crate) struct PreparedAuth(Config);

/// The credentials of a request: a bearer token, and the values of the headers with API keys.
struct Presented<'r> {
    bearer: Option<&'r str>,
    /// In the order of [`Config::headers`].
    keys: Vec<Option<&'r str>>,
}

/// What the checks have found so far.
struct Progress {
    refused: Option<Refused>,
    unavailable: Option<&'static str>,
}

impl Authenticator {
    /// Makes an authenticator. The error names the option that is wrong.
    pub(crate) fn new(
        verifiers: &[Verifier],
        setup: AuthSetup,
        limits: &Limits,
    ) -> Result<Arc<Authenticator>, String> {
        let AuthSetup { environment, observers, client, public_url, first } = setup;
        let env = Arc::new(Env {
            environment,
            observers,
            client,
            public_url,
            timeout: limits.store_timeout,
            accepted: TokenCache::new(limits.max_cached_tokens),
            refused: TokenCache::new(MOST_REFUSED.min(limits.max_cached_tokens)),
            shared: OnceLock::new(),
        });
        let config = Config::new(verifiers, &env, &Config::default())?;
        Ok(Arc::new(Authenticator {
            env,
            config: RwLock::new(Arc::new(config)),
            first,
            failures: RateTable::new(
                limits.max_address_failures,
                limits.failure_window,
                limits.max_counted_addresses,
            ),
            token_time: limits.token_cache_time,
        }))
    }

    /// Connects the authenticator with its engine, once.
    pub(crate) fn attach(&self, shared: &Arc<Shared>) {
        let _ = self.env.shared.set(Arc::downgrade(shared));
    }

    #[cfg(test)]
    pub(super) fn env(&self) -> &Arc<Env> {
        &self.env
    }

    /// Reads and checks new verifiers, without using them yet.
    pub(crate) fn prepare(&self, verifiers: &[Verifier]) -> Result<PreparedAuth, String> {
        let present = self.config.read().clone();
        Config::new(verifiers, &self.env, &present).map(PreparedAuth)
    }

    /// Replaces the verifiers. What was verified is forgotten, and what began with a key that is gone ends.
    pub(crate) fn commit(&self, prepared: PreparedAuth) {
        let new = Arc::new(prepared.0);
        let former = std::mem::replace(&mut *self.config.write(), new.clone());
        former.retire(&new);
        self.env.keys_removed();
    }

    fn authenticate(&self, own: &Arc<Authenticator>, request: PrincipalRequest) -> Resolution {
        let PrincipalRequest { head, client, attached } = request;
        let (None, Some(head)) = (&attached, head) else { return Resolution::Ready(Ok(attached)) };
        let now = self.env.now();
        if let Some(wait) = client.and_then(|client| self.failures.blocked(client, now)) {
            return Resolution::Ready(Err(PrincipalRefusal::too_many(
                "Too many requests: too many failed authentications from this address (max_address_failures)",
                wait,
            )));
        }
        // Read before the verifiers, so that a result of replaced verifiers is not kept.
        let generations = self.env.generations();
        let config = self.config.read().clone();
        let presented = match presented(&head, &config) {
            Ok(Some(presented)) => presented,
            Ok(None) => return Resolution::Ready(Ok(None)),
            Err(error) => {
                self.failed(client, now);
                return Resolution::Ready(Err(malformed(&error)));
            }
        };
        let digest = presented.digest();
        match self.env.accepted.get(&digest, now).or_else(|| self.env.refused.get(&digest, now)) {
            Some(Known::Accepted(principal)) if principal.is_valid_at(self.env.unix_seconds()) => {
                return Resolution::Ready(Ok(Some(principal)));
            }
            Some(Known::Refused(text)) => {
                self.failed(client, now);
                return Resolution::Ready(Err(PrincipalRefusal::invalid_token(text)));
            }
            _ => {}
        }
        let mut progress = Progress { refused: None, unavailable: None };
        match self.check(&config, &presented, &digest, (0, true), &mut progress) {
            Step::Done(found) => {
                Resolution::Ready(self.finish(found, progress, (digest, generations), client))
            }
            Step::Wait(place, wait) => {
                let own = own.clone();
                let rest =
                    own.check_slowly(config, head, digest, generations, (place, wait), progress, client);
                Resolution::Pending(rest)
            }
        }
    }

    /// Asks the verifiers from `place` on. The flag is false if the keys of the first of them have just been read.
    fn check(
        &self,
        config: &Config,
        presented: &Presented<'_>,
        digest: &Digest,
        (place, may_wait): (usize, bool),
        progress: &mut Progress,
    ) -> Step {
        let now = self.env.unix_seconds();
        for (at, checker) in config.checkers.iter().enumerate().skip(place) {
            let may_wait = may_wait || at > place;
            match checker {
                Checker::Keys(keys) => {
                    let Some(key) = presented.key(config, keys.header.as_ref()) else { continue };
                    match keys.find(key) {
                        Some(principal) if principal.is_valid_at(now) => {
                            return Step::Done(Some(principal.clone()));
                        }
                        Some(_) => progress.refused("Unauthorized: the key has expired", "a key has expired"),
                        None => progress.refused("Unauthorized: the key is not known", "a key is not known"),
                    }
                }
                Checker::Jwt(jwt) => {
                    let Some(token) = presented.bearer else { continue };
                    match jwt.check(token, now, may_wait) {
                        Checked::Accepted(principal) => return Step::Done(Some(principal)),
                        Checked::Refused(refused) => progress.add(refused),
                        Checked::Wait(landing) => {
                            return Step::Wait(at, Wait::Keys(Box::pin(landing)));
                        }
                    }
                }
                Checker::Introspection(introspector) => {
                    let Some(token) = presented.bearer else { continue };
                    return Step::Wait(at, Wait::Answer(Box::pin(introspector.ask(token, *digest))));
                }
            }
        }
        Step::Done(None)
    }

    #[allow(clippy::too_many_arguments)]
    fn check_slowly(
        self: Arc<Self>,
        config: Arc<Config>,
        head: Arc<Parts>,
        digest: Digest,
        generations: (u64, u64),
        first: (usize, Wait),
        mut progress: Progress,
        client: Option<Key>,
    ) -> PrincipalFuture {
        Box::pin(async move {
            let (mut place, mut wait) = first;
            loop {
                let next = match wait {
                    Wait::Keys(landing) => {
                        landing.await;
                        (place, false)
                    }
                    Wait::Answer(landing) => match landing.await {
                        Ok(principal) => {
                            return self.finish(Some(principal), progress, (digest, generations), client);
                        }
                        Err(refused) => {
                            progress.add(refused);
                            (place + 1, true)
                        }
                    },
                };
                // The credentials were found before, and the head has not changed.
                let Ok(Some(presented)) = presented(&head, &config) else { return Ok(None) };
                match self.check(&config, &presented, &digest, next, &mut progress) {
                    Step::Done(found) => return self.finish(found, progress, (digest, generations), client),
                    Step::Wait(at, more) => (place, wait) = (at, more),
                }
            }
        })
    }

    /// The result of all checks, which is kept for a while.
    fn finish(
        &self,
        found: Option<Principal>,
        progress: Progress,
        (digest, (accepted, refused)): (Digest, (u64, u64)),
        client: Option<Key>,
    ) -> Result<Option<Principal>, PrincipalRefusal> {
        let now = self.env.now();
        if let Some(principal) = found {
            let left = principal.expires_at().map(|time| time.saturating_sub(self.env.unix_seconds()));
            let time = left.map_or(self.token_time, |left| self.token_time.min(Duration::from_secs(left)));
            self.env.accepted.put(digest, Known::Accepted(principal.clone()), time, now, accepted);
            return Ok(Some(principal));
        }
        if let Some(text) = progress.unavailable {
            return Err(PrincipalRefusal::unavailable(text));
        }
        self.failed(client, now);
        let (text, why) = match progress.refused {
            Some(Refused::Invalid(text, why)) => (text, why),
            _ => ("Unauthorized: the credentials are not known", "no verifier takes them".to_owned()),
        };
        self.env.log(LogLevel::Info, || format!("credentials were refused: {why}"));
        self.env.refused.put(digest, Known::Refused(text), REFUSED, now, refused);
        Err(PrincipalRefusal::invalid_token(text))
    }

    fn failed(&self, client: Option<Key>, now: Instant) {
        if let Some(client) = client {
            self.failures.count(client, now);
        }
    }
}

/// What the verifiers did.
enum Step {
    /// One accepted the credentials, or none.
    Done(Option<Principal>),
    /// The one at this place must wait.
    Wait(usize, Wait),
}

enum Wait {
    Keys(std::pin::Pin<Box<super::single_flight::Landing<()>>>),
    Answer(std::pin::Pin<Box<super::single_flight::Landing<super::introspection::Answer>>>),
}

impl Progress {
    fn refused(&mut self, text: &'static str, why: &str) {
        self.add(Refused::Invalid(text, why.to_owned()));
    }

    fn add(&mut self, refused: Refused) {
        match refused {
            Refused::Unavailable(text) => self.unavailable = Some(text),
            refused => self.refused = Some(refused),
        }
    }
}

impl Presented<'_> {
    /// The key for a verifier whose keys are in this header, or are bearer tokens.
    fn key(&self, config: &Config, header: Option<&http::HeaderName>) -> Option<&str> {
        let Some(header) = header else { return self.bearer };
        let place = config.headers.iter().position(|name| name == header)?;
        *self.keys.get(place)?
    }

    fn digest(&self) -> Digest {
        let mut digest = Sha256::new();
        for part in std::iter::once(&self.bearer).chain(&self.keys) {
            match part {
                None => digest.update([0]),
                Some(text) => {
                    digest.update([1]);
                    digest.update((text.len() as u64).to_be_bytes());
                    digest.update(text);
                }
            }
        }
        digest.finalize().into()
    }
}

/// The credentials of a request, if it has any that a verifier could take.
fn presented<'r>(head: &'r Parts, config: &Config) -> Result<Option<Presented<'r>>, BearerError> {
    let keys = config
        .headers
        .iter()
        .map(|name| api_key(head.headers.get_all(name).iter().map(|value| value.as_bytes())));
    let keys: Vec<Option<&str>> = keys.collect::<Result<_, _>>()?;
    let values = head.headers.get_all(header::AUTHORIZATION);
    let bearer = match bearer(values.iter().map(|value| value.as_bytes())) {
        Ok(bearer) => bearer,
        // The key in another header may be enough, for example behind a proxy with a password.
        Err(BearerError::OtherScheme { .. }) if keys.iter().any(Option::is_some) => None,
        Err(error) => return Err(error),
    };
    let any = bearer.is_some() || keys.iter().any(Option::is_some);
    Ok(any.then_some(Presented { bearer, keys }))
}

/// The refusal of credentials that are not well formed (AU-3).
fn malformed(error: &BearerError) -> PrincipalRefusal {
    match error {
        BearerError::OtherScheme { .. } => PrincipalRefusal::unauthorized(format!("Unauthorized: {error}")),
        error => PrincipalRefusal::malformed(format!("Bad request: {error}")),
    }
}

/// An authenticator as the resolver of a server.
pub(crate) struct AuthResolver(pub(crate) Arc<Authenticator>);

impl PrincipalResolver for AuthResolver {
    fn resolve(&self, request: PrincipalRequest) -> Resolution {
        let own = &self.0;
        let Some(first) = &own.first else { return own.authenticate(own, request) };
        match first.resolve(request.clone()) {
            Resolution::Ready(Ok(None)) => {
                own.authenticate(own, PrincipalRequest { attached: None, ..request })
            }
            Resolution::Pending(found) => {
                let own = own.clone();
                Resolution::Pending(Box::pin(async move {
                    match found.await? {
                        Some(principal) => Ok(Some(principal)),
                        None => {
                            let rest = own.authenticate(&own, PrincipalRequest { attached: None, ..request });
                            match rest {
                                Resolution::Ready(found) => found,
                                Resolution::Pending(future) => future.await,
                            }
                        }
                    }
                }))
            }
            known => known,
        }
    }
}
