//! The public keys of an issuer, from a URL. They are kept while the URL cannot be read.

use super::authenticator::Env;
use super::jwt::JwtChecker;
use super::shared_work::{SharedWork, WorkResult};
use crate::dispatch::log::LogLevel;
use crate::locks::Mutex;
use crate::runtime::outgoing::{OutgoingRequest, Trust};
use http::Method;
use std::sync::{Arc, OnceLock, Weak};
use std::time::{Duration, Instant};
use tenon_tokens::{KeyFingerprint, KeySet, MAX_KEY_SET_BYTES, PublicKeys};

/// The age at which keys are read again, while the present ones are still used.
const REFRESH: Duration = Duration::from_secs(300);
/// The time between two requests, however many tokens have unknown keys.
const AGAIN: Duration = Duration::from_secs(60);
/// The same, while no keys are known.
const AGAIN_WITHOUT_KEYS: Duration = Duration::from_secs(5);

/// The keys behind one URL.
pub(super) struct Jwks {
    url: String,
    env: Arc<Env>,
    state: Mutex<State>,
    requests: Arc<SharedWork<(), ()>>,
    /// The checker that uses the keys.
    checker: OnceLock<Weak<JwtChecker>>,
}

#[derive(Default)]
struct State {
    keys: Option<Arc<KeySet>>,
    /// When the present keys were read.
    read_at: Option<Instant>,
    /// When the URL was last asked.
    asked_at: Option<Instant>,
}

impl Jwks {
    pub(super) fn new(url: String, env: Arc<Env>) -> Arc<Jwks> {
        let (state, requests, checker) = (Mutex::default(), Arc::default(), OnceLock::new());
        Arc::new(Jwks { url, env, state, requests, checker })
    }

    pub(super) fn attach(&self, checker: &Arc<JwtChecker>) {
        let _ = self.checker.set(Arc::downgrade(checker));
    }

    /// The present keys. If they are old, they are read again meanwhile.
    pub(super) fn keys(self: &Arc<Self>) -> Option<Arc<KeySet>> {
        let now = self.env.now();
        let (keys, is_old) = {
            let state = self.state.lock();
            let age = state.read_at.map(|at| now.saturating_duration_since(at));
            (state.keys.clone(), age.is_some_and(|age| age >= REFRESH))
        };
        if is_old {
            drop(self.read_again());
        }
        keys
    }

    /// Whether these are the present keys.
    pub(super) fn has(&self, keys: &Arc<KeySet>) -> bool {
        self.state.lock().keys.as_ref().is_some_and(|own| Arc::ptr_eq(own, keys))
    }

    /// Reads the keys again. `None`: the URL was asked a short time ago.
    pub(super) fn read_again(self: &Arc<Self>) -> Option<WorkResult<()>> {
        let now = self.env.now();
        let may_ask = {
            let mut state = self.state.lock();
            let pause = if state.keys.is_some() { AGAIN } else { AGAIN_WITHOUT_KEYS };
            let may = state.asked_at.is_none_or(|at| now.saturating_duration_since(at) >= pause);
            if may {
                state.asked_at = Some(now);
            }
            may
        };
        if !may_ask && !self.requests.is_running(&()) {
            return None;
        }
        let own = self.clone();
        Some(self.requests.join((), (), move |done| own.fetch(done)))
    }

    fn fetch(self: Arc<Self>, done: Box<dyn FnOnce(()) + Send>) {
        let own = self.clone();
        let task = async move {
            let mut request = OutgoingRequest::new(Method::GET, own.url.clone(), Trust::Named);
            request.max_response_bytes = MAX_KEY_SET_BYTES;
            request.timeout = own.env.timeout();
            let read = match own.env.client.send(request).await {
                Err(error) => Err(error.to_string()),
                Ok(response) if response.status != 200 => Err(format!("the status is {}", response.status)),
                Ok(response) => std::str::from_utf8(&response.body)
                    .map_err(|_| "the text is not UTF-8".to_owned())
                    .and_then(|text| PublicKeys::from_jwks(text).map_err(|error| error.to_string())),
            };
            match read {
                Ok(keys) => own.replace(keys),
                Err(why) => own.env.log(LogLevel::Warn, || {
                    format!("the keys at {} cannot be read, and the present ones stay: {why}", own.url)
                }),
            }
            done(());
        };
        if let Err(error) = self.env.client.spawn(task) {
            self.env.log(LogLevel::Error, || format!("the keys at {} cannot be read: {error}", self.url));
        }
    }

    fn replace(&self, keys: PublicKeys) {
        for skipped in keys.skipped() {
            self.env.log(LogLevel::Debug, || format!("a key at {} is not used: {skipped}", self.url));
        }
        let fingerprints: Vec<KeyFingerprint> = keys.fingerprints().collect();
        let now = self.env.now();
        let former = {
            let mut state = self.state.lock();
            state.read_at = Some(now);
            state.keys.replace(Arc::new(keys.into()))
        };
        drop(former);
        if let Some(checker) = self.checker.get().and_then(Weak::upgrade)
            && checker.keep_only(&fingerprints)
        {
            self.env.keys_removed();
        }
    }
}
