//! The resolver of principals of a server with verifiers.

use super::config::{Checker, Config};
use super::credentials::{Presented, malformed, presented};
use super::introspection::Answer;
use super::jwt::{Checked, Refused};
use super::shared_work::{SharedWork, WorkResult};
use crate::dispatch::environment::Environment;
use crate::dispatch::limits::Limits;
use crate::dispatch::log::{self, LogLevel};
use crate::dispatch::observer::Observers;
use crate::dispatch::options::Verifier;
use crate::dispatch::principal::Principal;
use crate::dispatch::rate_table::RateTable;
use crate::dispatch::shares::Key;
use crate::dispatch::timed_cache::{Digest, TimedCache};
use crate::host::{
    Authenticates, Engine, LastVerified, PrincipalFuture, PrincipalRefusal, PrincipalRequest,
    PrincipalResolver, Resolution, Shared, Verified,
};
use crate::locks::RwLock;
use crate::runtime::outgoing::{HttpClient, HttpClientOptions};
use http::HeaderName;
use http::header::AUTHORIZATION;
use http::request::Parts;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::{Arc, OnceLock, Weak};
use std::time::{Duration, Instant};

/// How long refused credentials are refused again without a check.
const REFUSED: Duration = Duration::from_secs(5);
/// How many refused credentials are kept.
const MOST_REFUSED: usize = 1000;

const FAILED: Refused =
    Refused::Unavailable("Server busy: the credentials cannot be verified now; retry later");

/// What an authenticator needs of its server.
pub(crate) struct AuthSetup {
    pub(crate) environment: Arc<dyn Environment>,
    pub(crate) observers: Observers,
    pub(crate) ca_file: Option<PathBuf>,
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
    /// How long a request of a verifier may take before the server is built.
    first_timeout: Duration,
    accepted: TimedCache<Digest, Principal>,
    /// The texts for the clients.
    refused: TimedCache<Digest, &'static str>,
    shared: OnceLock<Weak<Shared>>,
    /// The questions to the verifier of the program.
    questions: Arc<SharedWork<Digest, Answer>>,
}

impl Env {
    pub(super) fn now(&self) -> Instant {
        self.environment.now()
    }

    /// How long a request of a verifier may take. A reload can change it.
    pub(super) fn timeout(&self) -> Duration {
        let shared = self.shared.get().and_then(Weak::upgrade);
        shared.map_or(self.first_timeout, |shared| Engine(shared).limits().store_timeout)
    }

    pub(super) fn unix_seconds(&self) -> u64 {
        self.environment.unix_seconds()
    }

    /// The present generations of both caches, for [`TimedCache::put`].
    fn generations(&self) -> (u64, u64) {
        (self.accepted.generation(), self.refused.generation())
    }

    pub(super) fn log(&self, level: LogLevel, text: impl FnOnce() -> String) {
        self.observers.diagnose(level, log::AUTH, text);
    }

    fn engine(&self) -> Option<Engine> {
        self.shared.get().and_then(Weak::upgrade).map(Engine)
    }

    /// The names of the headers that the verifier of the program reads.
    fn verifier_headers(&self) -> Vec<HeaderName> {
        let engine = self.engine();
        engine.and_then(|engine| engine.verifier_headers().map(<[HeaderName]>::to_vec)).unwrap_or_default()
    }

    /// Asks the verifier of the program, if there is one. Requests with the same credentials wait for one answer.
    fn ask_verifier(&self, presented: &Presented<'_>, digest: Digest) -> Option<WorkResult<Answer>> {
        let engine = self.engine().filter(|engine| engine.verifier_headers().is_some())?;
        Some(self.questions.join(digest, Err(FAILED), |done| {
            let found = move |verified: Verified| {
                done(match verified {
                    Ok(Some(principal)) => Ok(principal),
                    Ok(None) => Err(Refused::Invalid(
                        "Unauthorized: the credentials are not accepted",
                        "the verifier does not accept them".to_owned(),
                    )),
                    Err(()) => Err(FAILED),
                });
            };
            engine.ask_verifier(presented.bearer, &presented.headers, Box::new(found));
        }))
    }

    /// Forgets what was verified, and ends what belongs to removed keys.
    pub(super) fn keys_removed(&self) {
        self.accepted.clear();
        self.refused.clear();
        if let Some(engine) = self.engine() {
            engine.end_removed();
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
        let AuthSetup { environment, observers, ca_file, public_url, first } = setup;
        let client = Arc::new(HttpClient::new(HttpClientOptions { ca_file, ..HttpClientOptions::default() }));
        let env = Arc::new(Env {
            environment,
            observers,
            client,
            public_url,
            first_timeout: limits.store_timeout,
            accepted: TimedCache::new(limits.max_cached_tokens),
            refused: TimedCache::new(MOST_REFUSED.min(limits.max_cached_tokens)),
            shared: OnceLock::new(),
            questions: Arc::default(),
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
    pub(crate) fn attach(self: &Arc<Self>, shared: &Arc<Shared>) {
        let _ = self.env.shared.set(Arc::downgrade(shared));
        Engine(shared.clone()).set_authentication(Arc::new(AuthResolver(self.clone())));
    }

    #[cfg(test)]
    pub(super) fn env(&self) -> &Arc<Env> {
        &self.env
    }

    /// Replaces the verifiers. What was verified is forgotten, and what began with a key that is gone ends.
    fn commit(&self, new: Config) {
        let new = Arc::new(new);
        let former = std::mem::replace(&mut *self.config.write(), new.clone());
        former.retire(&new);
        self.env.keys_removed();
    }

    fn authenticate(&self, own: &Arc<Authenticator>, request: PrincipalRequest) -> Resolution {
        let PrincipalRequest { head, client, last, attached } = request;
        let (None, Some(head)) = (&attached, head) else { return Resolution::Ready(Ok(attached)) };
        let now = self.env.now();
        if let Some(wait) = self.blocked(client, now) {
            return Resolution::Ready(Err(PrincipalRefusal::too_many(
                "Too many requests: too many failed authentications from this address (max_address_failures)",
                wait,
            )));
        }
        // Read before the verifiers, so that a result of replaced verifiers is not kept.
        let generations = self.env.generations();
        let config = self.config.read().clone();
        let names = self.env.verifier_headers();
        let presented = match presented(&head, &config, &names) {
            Ok(Some(presented)) => presented,
            Ok(None) => return Resolution::Ready(Ok(None)),
            Err(error) => {
                self.failed(client, now);
                return Resolution::Ready(Err(malformed(&error)));
            }
        };
        let digest = presented.digest();
        let attempt = Attempt { digest, generations, client, last };
        if let Some((principal, until)) = self.env.accepted.get_until(&digest, now) {
            if principal.is_valid_at(self.env.unix_seconds()) {
                attempt.keep(&head, (&config, &names), &principal, until);
                return Resolution::Ready(Ok(Some(principal)));
            }
        } else if let Some(text) = self.env.refused.get(&digest, now) {
            self.failed(attempt.client, now);
            return Resolution::Ready(Err(PrincipalRefusal::invalid_token(text)));
        }
        let mut progress = Progress { refused: None, unavailable: None };
        match self.check(&config, &presented, &digest, (0, true), &mut progress) {
            Step::Done(found) => Resolution::Ready(self.finish(found, progress, &attempt)),
            Step::Wait(place, wait) => {
                let rest = own.clone().check_slowly(config, head, attempt, (place, wait), progress);
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
                        Checked::Wait(result) => {
                            return Step::Wait(at, Wait::Keys(Box::pin(result)));
                        }
                    }
                }
                Checker::Introspection(introspector) => {
                    let Some(token) = presented.bearer else { continue };
                    return Step::Wait(at, Wait::Answer(Box::pin(introspector.ask(token, *digest))));
                }
            }
        }
        // The verifier of the program is asked last.
        let at = config.checkers.len();
        if place > at || presented.headers.is_empty() && presented.bearer.is_none() {
            return Step::Done(None);
        }
        match self.env.ask_verifier(presented, *digest) {
            Some(result) => Step::Wait(at, Wait::Answer(Box::pin(result))),
            None => Step::Done(None),
        }
    }

    fn check_slowly(
        self: Arc<Self>,
        config: Arc<Config>,
        head: Arc<Parts>,
        attempt: Attempt,
        first: (usize, Wait),
        mut progress: Progress,
    ) -> PrincipalFuture {
        Box::pin(async move {
            let (mut place, mut wait) = first;
            loop {
                let next = match wait {
                    Wait::Keys(result) => {
                        result.await;
                        (place, false)
                    }
                    Wait::Answer(result) => match result.await {
                        Ok(principal) => return self.finish(Some(principal), progress, &attempt),
                        Err(refused) => {
                            progress.add(refused);
                            (place + 1, true)
                        }
                    },
                };
                // The credentials were found before, and the head has not changed.
                let names = self.env.verifier_headers();
                let Ok(Some(presented)) = presented(&head, &config, &names) else { return Ok(None) };
                match self.check(&config, &presented, &attempt.digest, next, &mut progress) {
                    Step::Done(found) => return self.finish(found, progress, &attempt),
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
        attempt: &Attempt,
    ) -> Result<Option<Principal>, PrincipalRefusal> {
        let Attempt { digest, generations: (accepted, refused), client, .. } = attempt;
        let now = self.env.now();
        if let Some(principal) = found {
            let left = principal.expires_at().map(|time| time.saturating_sub(self.env.unix_seconds()));
            let time = left.map_or(self.token_time, |left| self.token_time.min(Duration::from_secs(left)));
            self.env.accepted.put(*digest, principal.clone(), time, now, *accepted);
            return Ok(Some(principal));
        }
        if let Some(text) = progress.unavailable {
            return Err(PrincipalRefusal::unavailable(text));
        }
        self.failed(*client, now);
        let (text, why) = match progress.refused {
            Some(Refused::Invalid(text, why)) => (text, why),
            _ => ("Unauthorized: the credentials are not known", "no verifier takes them".to_owned()),
        };
        self.env.log(LogLevel::Info, || format!("credentials were refused: {why}"));
        self.env.refused.put(*digest, text, REFUSED, now, *refused);
        Err(PrincipalRefusal::invalid_token(text))
    }

    fn failed(&self, client: Option<Key>, now: Instant) {
        if let Some(client) = client {
            self.failures.count(client, now);
        }
    }

    /// How long a client must wait that has failed too often.
    fn blocked(&self, client: Option<Key>, now: Instant) -> Option<Duration> {
        client.and_then(|client| self.failures.blocked(client, now))
    }
}

/// A request whose credentials are being checked.
struct Attempt {
    digest: Digest,
    /// The generations of both caches when it began.
    generations: (u64, u64),
    client: Option<Key>,
    last: Option<Arc<LastVerified>>,
}

impl Attempt {
    /// Keeps what was verified for the next requests of the connection.
    fn keep(
        &self,
        head: &Parts,
        (config, names): (&Config, &[HeaderName]),
        principal: &Principal,
        until: Instant,
    ) {
        let Some(last) = &self.last else { return };
        let names = std::iter::once(&AUTHORIZATION).chain(&config.headers).chain(names);
        last.put(&head.headers, names, principal, (until, self.generations.0));
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
    Keys(Pin<Box<WorkResult<()>>>),
    Answer(Pin<Box<WorkResult<Answer>>>),
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

/// An authenticator as the engine sees it.
struct AuthResolver(Arc<Authenticator>);

impl Authenticates for AuthResolver {
    fn resolver(&self) -> Arc<dyn PrincipalResolver> {
        Arc::new(AuthResolver(self.0.clone()))
    }

    fn known(&self, head: &Parts, client: Option<Key>, last: &LastVerified) -> Option<Principal> {
        if self.0.first.is_some() {
            return None;
        }
        let env = &self.0.env;
        let (now, generation) = (env.now(), env.accepted.generation());
        let known = last.get(&head.headers, generation, now)?;
        let is_valid = known.is_valid_at(env.unix_seconds()) && self.0.blocked(client, now).is_none();
        is_valid.then_some(known)
    }

    fn prepare(&self, verifiers: &[Verifier]) -> Result<Box<dyn FnOnce() + Send>, String> {
        let present = self.0.config.read().clone();
        let config = Config::new(verifiers, &self.0.env, &present)?;
        let own = self.0.clone();
        Ok(Box::new(move || own.commit(config)))
    }
}

impl PrincipalResolver for AuthResolver {
    fn resolve(&self, request: PrincipalRequest) -> Resolution {
        let own = &self.0;
        let Some(first) = &own.first else { return own.authenticate(own, request) };
        // The resolver of the program is asked about every request, so nothing is known for the next one.
        let request = PrincipalRequest { last: None, ..request };
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
