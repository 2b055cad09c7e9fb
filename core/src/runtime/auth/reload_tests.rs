//! Verifiers that are replaced while a server runs, and what began with their keys.

use super::{AuthSetup, Authenticator};
use crate::dispatch::environment::Environment;
use crate::dispatch::limits::Limits;
use crate::dispatch::observer::Observers;
use crate::dispatch::options::Verifier;
use crate::dispatch::principal::Principal;
use crate::host::{LastVerified, PrincipalRefusal, PrincipalRequest, PrincipalResolver, Resolution, Sender};
use crate::runtime::SystemEnvironment;
use crate::server::{ApiKey, ApiKeys, Jwt, Server, ServerBuilder};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::request::Parts;
use serde_json::json;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use tenon_tokens::is_scope;

const KEY: &str = "key-of-ann-0123456789";
const OTHER: &str = "key-of-bob-0123456789";
const SECRET: &str = "a secret of tests alone, which is long enough for HS256";

struct Fixture {
    server: Server,
    ended: Arc<AtomicUsize>,
}

fn keys(scopes: &[&str]) -> Verifier {
    assert!(scopes.iter().all(|scope| is_scope(scope)));
    let ann = ApiKey::new("ann").value(KEY).scopes(scopes.iter().copied());
    ApiKeys::new([ann, ApiKey::new("bob").value(OTHER)]).into()
}

fn jwt(secret: &str) -> Verifier {
    Jwt::new("https://issuer.example").audience(["https://mcp.example"]).secret(secret).into()
}

fn head(token: &str) -> Arc<Parts> {
    let request = http::Request::get("/mcp").header("authorization", format!("Bearer {token}"));
    Arc::new(request.body(()).unwrap().into_parts().0)
}

/// A token that does not expire within these tests, signed with [`SECRET`].
fn token() -> String {
    let claims =
        json!({ "iss": "https://issuer.example", "aud": "https://mcp.example", "sub": "ann", "exp": 9e9 });
    let encode = |text: &[u8]| URL_SAFE_NO_PAD.encode(text);
    let message = format!("{}.{}", encode(br#"{"alg":"HS256"}"#), encode(claims.to_string().as_bytes()));
    let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, SECRET.as_bytes());
    format!("{message}.{}", encode(ring::hmac::sign(&key, message.as_bytes()).as_ref()))
}

impl Fixture {
    fn new(verifiers: &[Verifier]) -> Fixture {
        Fixture::with(verifiers, |builder| builder)
    }

    fn with(verifiers: &[Verifier], more: impl FnOnce(ServerBuilder) -> ServerBuilder) -> Fixture {
        let builder = Server::builder("up", "1").auth(verifiers.iter().cloned());
        Fixture { server: more(builder).build().unwrap(), ended: Arc::default() }
    }

    fn resolve(&self, token: &str) -> Result<Option<Principal>, PrincipalRefusal> {
        self.resolve_on(None, token)
    }

    /// Resolves a request on a connection that keeps its credentials.
    fn resolve_on(
        &self,
        last: Option<&Arc<LastVerified>>,
        token: &str,
    ) -> Result<Option<Principal>, PrincipalRefusal> {
        let (head, sender) = (head(token), Sender { last, ..Sender::default() });
        match self.server.engine().resolve_principal(Resolution::none(), Some(&head), || sender) {
            Resolution::Ready(found) => found,
            Resolution::Pending(_) => panic!("these verifiers need no time"),
        }
    }

    /// Begins something with this token that ends with its credential.
    fn begin(&self, token: &str) -> impl Sized + use<> {
        let principal = self.resolve(token).unwrap();
        let ended = self.ended.clone();
        self.server
            .engine()
            .until_expiry(principal.as_ref(), move || _ = ended.fetch_add(1, Ordering::SeqCst))
    }

    fn replace(&self, verifiers: &[Verifier]) {
        self.server.engine().prepare_verifiers(verifiers).unwrap()();
    }

    fn ended(&self) -> usize {
        self.ended.load(Ordering::SeqCst)
    }
}

#[test]
fn what_began_with_a_removed_key_ends() {
    let fixture = Fixture::new(&[keys(&[]), jwt(SECRET)]);
    let (_ann, _bob, _jwt) = (fixture.begin(KEY), fixture.begin(OTHER), fixture.begin(&token()));
    let bob_alone = ApiKeys::new([ApiKey::new("bob").value(OTHER)]);
    fixture.replace(&[bob_alone.into(), jwt(SECRET)]);
    assert_eq!(fixture.ended(), 1, "the key of Ann");
    assert!(
        fixture.resolve(KEY).is_err() && fixture.resolve(OTHER).is_ok() && fixture.resolve(&token()).is_ok()
    );
    fixture.replace(&[keys(&[])]);
    assert_eq!(fixture.ended(), 2, "the verifier of JWT");
    assert!(fixture.resolve(&token()).is_err());
}

#[test]
fn what_began_with_keys_that_stay_continues() {
    let fixture = Fixture::new(&[keys(&["read"]), jwt(SECRET)]);
    let (_ann, _jwt) = (fixture.begin(KEY), fixture.begin(&token()));
    fixture.replace(&[jwt(SECRET), keys(&["read"])]);
    assert_eq!(fixture.ended(), 0);
    assert!(fixture.resolve(KEY).is_ok() && fixture.resolve(&token()).is_ok());
}

/// The cache must not give a key the rights that it had before.
#[test]
fn a_key_with_fewer_rights_is_another_key() {
    let fixture = Fixture::new(&[keys(&["read", "pay"])]);
    let _ann = fixture.begin(KEY);
    fixture.replace(&[keys(&["read"])]);
    assert_eq!(fixture.ended(), 1);
    let ann = fixture.resolve(KEY).unwrap().unwrap();
    assert!(ann.has_scope("read") && !ann.has_scope("pay"));
}

#[test]
fn a_cached_token_is_not_good_for_other_verifiers() {
    let fixture = Fixture::new(&[jwt(SECRET)]);
    let (good, _stream) = (token(), fixture.begin(&token()));
    assert!(fixture.resolve(&good).is_ok());
    fixture.replace(&[jwt(&format!("{SECRET} of another time"))]);
    assert_eq!(fixture.ended(), 1);
    assert!(fixture.resolve(&good).is_err());
    // A refusal is forgotten, too.
    fixture.replace(&[jwt(SECRET)]);
    assert!(fixture.resolve(&good).is_ok());
}

/// A connection that knows its credentials must ask again after a reload.
#[test]
fn a_connection_forgets_credentials_of_replaced_verifiers() {
    let fixture = Fixture::new(&[keys(&["read", "pay"])]);
    let last = Arc::default();
    let may_pay = |token| fixture.resolve_on(Some(&last), token).map(|ann| ann.unwrap().has_scope("pay"));
    for _ in 0..3 {
        assert!(may_pay(KEY).unwrap());
    }
    fixture.replace(&[keys(&["read"])]);
    for _ in 0..3 {
        assert!(!may_pay(KEY).unwrap());
    }
    fixture.replace(&[jwt(SECRET)]);
    for _ in 0..3 {
        assert!(may_pay(KEY).is_err());
    }
}

/// Without a cache, each request is verified.
#[test]
fn a_connection_keeps_nothing_that_the_cache_does_not_keep() {
    let without_time = Limits { token_cache_time: Duration::ZERO, ..Limits::default() };
    let without_room = Limits { max_cached_tokens: 0, ..Limits::default() };
    for (limits, kept) in [(Limits::default(), true), (without_time, false), (without_room, false)] {
        let fixture = Fixture::with(&[keys(&[])], |builder| builder.limits(limits));
        let last = Arc::default();
        for _ in 0..3 {
            assert!(fixture.resolve_on(Some(&last), KEY).is_ok());
        }
        assert_eq!(last.get(&head(KEY).headers, 0, Instant::now()).is_some(), kept);
    }
}

/// The resolver of the program may refuse what it has permitted before.
#[test]
fn a_resolver_of_the_program_is_asked_about_each_request_of_a_connection() {
    struct Closing(Arc<AtomicUsize>);
    impl PrincipalResolver for Closing {
        fn resolve(&self, _: PrincipalRequest) -> Resolution {
            Resolution::Ready(match self.0.fetch_add(1, Ordering::SeqCst) {
                0..3 => Ok(None),
                _ => Err(PrincipalRefusal::forbidden("Forbidden: closed")),
            })
        }
    }
    let asked = Arc::default();
    let resolver = Arc::new(Closing(Arc::clone(&asked)));
    let fixture = Fixture::with(&[keys(&[])], |builder| builder.principal_resolver(resolver));
    let last = Arc::default();
    let found: Vec<_> = (0..5).map(|_| fixture.resolve_on(Some(&last), KEY).is_ok()).collect();
    assert_eq!((found, asked.load(Ordering::SeqCst)), (vec![true, true, true, false, false], 5));
}

/// New verifiers that are wrong change nothing.
#[test]
fn wrong_verifiers_change_nothing() {
    let fixture = Fixture::new(&[keys(&[])]);
    let _ann = fixture.begin(KEY);
    let said = fixture.server.engine().prepare_verifiers(&[jwt("short")]).err().unwrap();
    assert!(said.contains("auth[0].secret") && !said.contains("short\""), "{said}");
    assert_eq!(fixture.ended(), 0);
    assert!(fixture.resolve(KEY).is_ok());
}

/// A verification that began before its verifier was replaced must not outlive it.
#[test]
fn a_verification_that_is_late_is_worth_nothing() {
    use super::config::{Checker, Config};
    use super::jwt::Checked;
    let setup = AuthSetup {
        environment: Arc::new(SystemEnvironment),
        observers: Observers::new(Vec::new()).unwrap(),
        ca_file: None,
        public_url: None,
        first: None,
    };
    let authenticator = Authenticator::new(&[], setup, &Limits::default()).unwrap();
    let config = Config::new(&[jwt(SECRET)], authenticator.env(), &Config::default()).unwrap();
    let [Checker::Jwt(checker)] = &config.checkers[..] else { panic!("one verifier") };
    let now = SystemEnvironment.unix_seconds();
    let valid = || match checker.check(&token(), now, true) {
        Checked::Accepted(principal) => principal.is_valid_at(now),
        _ => panic!("the signature is right"),
    };
    assert!(valid());
    config.retire(&Config::default());
    assert!(!valid());
}
