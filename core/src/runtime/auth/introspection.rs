//! The verifier that asks an authorization server about tokens (RFC 7662).

use super::authenticator::Env;
use super::jwt::{Refused, principal};
use super::shared_work::{SharedWork, WorkResult};
use crate::dispatch::log::LogLevel;
use crate::dispatch::principal::{Credential, Principal};
use crate::dispatch::timed_cache::Digest;
use crate::json::{JsonSlice, Limits};
use crate::runtime::outgoing::{OutgoingRequest, OutgoingResponse, Trust};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header::{self, HeaderValue};
use http::{HeaderMap, Method};
use std::fmt::Write;
use std::sync::Arc;
use tenon_tokens::ClaimRules;
use tenon_tokens::introspection::{Introspection, MAX_RESPONSE_BYTES, parse};

/// What the server answers about one token.
pub(super) type Answer = Result<Principal, Refused>;

const UNREACHABLE: Refused = Refused::Unavailable(
    "Server busy: the authorization server does not answer about this token; retry later",
);

/// One endpoint for introspection.
pub(super) struct Introspector {
    url: String,
    headers: HeaderMap,
    rules: ClaimRules,
    leeway: u64,
    env: Arc<Env>,
    requests: Arc<SharedWork<Digest, Answer>>,
    pub(super) credential: Arc<Credential>,
    /// The digest of the options.
    pub(super) identity: [u8; 32],
}

/// Encodes a text for a form (RFC 6749, appendix B).
fn encoded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => out.push(byte.into()),
            _ => drop(write!(out, "%{byte:02X}")),
        }
    }
    out
}

impl Introspector {
    pub(super) fn new(
        url: String,
        client: Option<(String, String)>,
        (rules, leeway): (ClaimRules, u64),
        env: Arc<Env>,
        identity: [u8; 32],
    ) -> Arc<Introspector> {
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded"));
        headers.insert(header::ACCEPT, HeaderValue::from_static("application/json"));
        if let Some((id, secret)) = client {
            let pair = STANDARD.encode(format!("{}:{}", encoded(&id), encoded(&secret)));
            if let Ok(mut value) = HeaderValue::try_from(format!("Basic {pair}")) {
                value.set_sensitive(true);
                headers.insert(header::AUTHORIZATION, value);
            }
        }
        let credential = Arc::default();
        Arc::new(Introspector {
            url,
            headers,
            rules,
            leeway,
            env,
            requests: Arc::default(),
            credential,
            identity,
        })
    }

    /// Asks about a token. Requests with the same token wait for one answer.
    pub(super) fn ask(self: &Arc<Self>, token: &str, digest: Digest) -> WorkResult<Answer> {
        let (own, token) = (self.clone(), token.to_owned());
        self.requests.join(digest, Err(UNREACHABLE), move |done| {
            let (env, url) = (own.env.clone(), own.url.clone());
            let task = async move { done(own.answer(&token).await) };
            if let Err(error) = env.client.spawn(task) {
                env.log(LogLevel::Error, || format!("{url} cannot be asked about a token: {error}"));
            }
        })
    }

    async fn answer(&self, token: &str) -> Answer {
        let body = format!("token={}&token_type_hint=access_token", encoded(token));
        let mut request = OutgoingRequest::new(Method::POST, self.url.clone(), Trust::Named);
        (request.headers, request.body) = (self.headers.clone(), body.into());
        (request.max_response_bytes, request.timeout) = (MAX_RESPONSE_BYTES, self.env.timeout());
        let failed = |why: String| {
            self.env.log(LogLevel::Warn, || format!("{} does not answer about a token: {why}", self.url));
            Err(UNREACHABLE)
        };
        let response = match self.env.client.send(request).await {
            Ok(response) if response.status == 200 => response,
            Ok(response) if is_unsupported(&response) => {
                return Err(Refused::Invalid(
                    "Unauthorized: the access token is not valid",
                    "the server that was asked does not support its type".to_owned(),
                ));
            }
            Ok(response) => return failed(format!("the status is {}", response.status)),
            Err(error) => return failed(error.to_string()),
        };
        let Ok(text) = std::str::from_utf8(&response.body) else {
            return failed("the text is not UTF-8".to_owned());
        };
        match parse(text, &self.rules, self.env.unix_seconds()) {
            Ok(Introspection::Active(claims)) => {
                Ok(principal(claims, self.leeway).with_credential(self.credential.clone()))
            }
            Ok(Introspection::Inactive) => Err(Refused::Invalid(
                "Unauthorized: the access token is not valid",
                "it is not active".to_owned(),
            )),
            Err(tenon_tokens::introspection::IntrospectionError::Token { error }) => {
                Err(Refused::Invalid(error.client_text(), error.to_string()))
            }
            Err(error) => failed(error.to_string()),
        }
    }
}

/// Whether the server says that it answers about no tokens of this type (RFC 7009, section 2.2.1). Some servers say so
/// about every token that is a JWT.
fn is_unsupported(response: &OutgoingResponse) -> bool {
    let unsupported = || {
        let body = JsonSlice::parse(response.body.clone(), &Limits::default()).ok()?;
        Some(body.member("error")?.decode_str()? == "unsupported_token_type")
    };
    response.status == 400 && unsupported() == Some(true)
}
