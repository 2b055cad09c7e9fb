//! The verifiers of credentials as Rust programs declare them.

use crate::dispatch::options::{
    ApiKeyOptions, Verifier, VerifierKind, VerifierOptions, api_key_options, introspection_options,
    jwt_options, key_options, token_options, verifier_options,
};

/// Static keys: bearer tokens, or the values of a header. They are compared in constant time.
///
/// ```
/// use tenon_mcp::{ApiKey, ApiKeys, Server};
///
/// let ann = ApiKey::new("ann").value("a-long-random-text").scopes(["orders:read"]);
/// let server = Server::builder("shop", "1.0.0").auth([ApiKeys::new([ann]).header("x-api-key").into()]).build().unwrap();
/// # let _ = server;
/// ```
#[derive(Clone, Debug)]
pub struct ApiKeys {
    options: VerifierOptions,
}

/// JSON Web Tokens (RFC 7519). Signature, issuer, audience and times are checked.
///
/// ```
/// use tenon_mcp::{Jwt, Server};
///
/// let jwt = Jwt::new("https://login.example").jwks_url("https://login.example/jwks");
/// let server = Server::builder("shop", "1.0.0").public_url("https://shop.example/mcp").auth([jwt.into()]).build().unwrap();
/// # let _ = server;
/// ```
#[derive(Clone, Debug)]
pub struct Jwt {
    options: VerifierOptions,
}

/// Tokens that an authorization server is asked about (RFC 7662).
#[derive(Clone, Debug)]
pub struct Introspection {
    options: VerifierOptions,
}

/// One static key. One of `value`, `hash`, `file` and `env` says what it is.
#[derive(Clone, Debug)]
pub struct ApiKey {
    options: ApiKeyOptions,
}

impl ApiKey {
    key_options!();

    fn options_mut(&mut self) -> &mut ApiKeyOptions {
        &mut self.options
    }

    /// The key of this subject.
    pub fn new(subject: impl Into<String>) -> ApiKey {
        ApiKey { options: ApiKeyOptions::default() }.subject(subject)
    }
}

impl ApiKeys {
    api_key_options!();
    verifier_options!();

    fn options_mut(&mut self) -> &mut VerifierOptions {
        &mut self.options
    }

    /// Accepts these keys.
    pub fn new(keys: impl IntoIterator<Item = ApiKey>) -> ApiKeys {
        ApiKeys { options: VerifierOptions::default() }.keys(keys)
    }
}

impl Jwt {
    verifier_options!();
    token_options!();
    jwt_options!();

    fn options_mut(&mut self) -> &mut VerifierOptions {
        &mut self.options
    }

    /// Accepts tokens of this issuer.
    pub fn new(issuer: impl Into<String>) -> Jwt {
        Jwt { options: VerifierOptions::default() }.issuer([issuer.into()])
    }
}

impl Introspection {
    verifier_options!();
    token_options!();
    introspection_options!();

    fn options_mut(&mut self) -> &mut VerifierOptions {
        &mut self.options
    }

    /// Asks the endpoint at this URL.
    pub fn new(url: impl Into<String>) -> Introspection {
        Introspection { options: VerifierOptions::default() }.url(url)
    }
}

impl From<ApiKey> for ApiKeyOptions {
    fn from(key: ApiKey) -> ApiKeyOptions {
        key.options
    }
}

impl From<ApiKeys> for Verifier {
    fn from(keys: ApiKeys) -> Verifier {
        Verifier { kind: VerifierKind::ApiKeys, options: keys.options }
    }
}

impl From<Jwt> for Verifier {
    fn from(jwt: Jwt) -> Verifier {
        Verifier { kind: VerifierKind::Jwt, options: jwt.options }
    }
}

impl From<Introspection> for Verifier {
    fn from(introspection: Introspection) -> Verifier {
        Verifier { kind: VerifierKind::Introspection, options: introspection.options }
    }
}
