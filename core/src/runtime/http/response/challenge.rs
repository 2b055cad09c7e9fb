//! The challenge of a refused request: how a client gets a token that is accepted (RFC 6750, RFC 9728, AU-6 to AU-13).

use crate::dispatch::principal::Principal;
use crate::proto::messages::error::{ErrorClass, ResponseError};
use crate::runtime::http::response::body::ResponseBody;
use http::header::{self, HeaderValue};
use http::{Response, StatusCode};
use std::sync::Arc;
use tenon_tokens::{ErrorCode, MAX_CHALLENGE_BYTES};

/// What the challenge of a response says. It is an extension of the response until the header is written.
#[derive(Clone, Debug, Default)]
pub(in crate::runtime::http) struct Challenge {
    /// The word for the reason; none if the request had no credentials (AU-13).
    pub(in crate::runtime::http) error: Option<&'static str>,
    /// The scopes that the request needs, separated by spaces.
    pub(in crate::runtime::http) scopes: Option<Arc<str>>,
    /// The caller, if the challenge names its scopes too. A client up to 2025-11-25 asks for exactly those that a
    /// challenge names; from 2026-07-28 on, a client adds them itself (AU-10).
    pub(in crate::runtime::http) granted: Option<Principal>,
}

impl Challenge {
    /// The challenge for an error of a message. A caller without the required role gets none, because no scope helps.
    /// `caller` is who has made the request.
    pub(in crate::runtime::http) fn of(
        error: ResponseError,
        modern: bool,
        caller: Option<&Principal>,
    ) -> Option<Challenge> {
        match (error.class, error.scopes) {
            (ErrorClass::Unauthorized, scopes) => Some(Challenge { scopes, ..Challenge::default() }),
            (ErrorClass::Forbidden, scopes @ Some(_)) => Some(Challenge {
                error: Some(ErrorCode::InsufficientScope.name()),
                scopes,
                granted: if modern { None } else { caller.cloned() },
            }),
            _ => None,
        }
    }

    /// The value of `WWW-Authenticate`. `metadata` is the URL of the server's metadata, if it has any.
    fn value(&self, metadata: Option<&str>) -> HeaderValue {
        let codes = [ErrorCode::InvalidRequest, ErrorCode::InvalidToken, ErrorCode::InsufficientScope];
        let scopes: Vec<&str> = self.scopes.as_deref().unwrap_or_default().split_ascii_whitespace().collect();
        // Scopes beyond ASCII cannot be asked for in OAuth.
        let scopes: Vec<&str> = scopes.into_iter().filter(|scope| tenon_tokens::is_scope(scope)).collect();
        let challenge = tenon_tokens::Challenge {
            error: self.error.and_then(|word| codes.into_iter().find(|code| code.name() == word)),
            scopes: &scopes,
            resource_metadata: metadata,
            ..tenon_tokens::Challenge::default()
        };
        let text = challenge.header_value();
        let text = text.map(|text| {
            let all = self.with_granted(&scopes, MAX_CHALLENGE_BYTES.saturating_sub(text.len()));
            let whole = (all.len() > scopes.len())
                .then(|| tenon_tokens::Challenge { scopes: &all, ..challenge }.header_value().ok());
            whole.flatten().unwrap_or(text)
        });
        // If the scopes are too many for a header, the rest is said.
        let text = text.or_else(|_| tenon_tokens::Challenge { scopes: &[], ..challenge }.header_value());
        // If there is nothing to say, the scheme is enough.
        let value = text.ok().and_then(|text| HeaderValue::try_from(text).ok());
        value.unwrap_or(HeaderValue::from_static("Bearer"))
    }

    /// The scopes that the request needs, and then as many of the caller's as fit into `room` bytes.
    fn with_granted<'a>(&'a self, needed: &[&'a str], mut room: usize) -> Vec<&'a str> {
        let mut all = needed.to_vec();
        // Without a scope that the caller lacks, a client would ask for the token that it has.
        if needed.is_empty() {
            return all;
        }
        for scope in self.granted.iter().flat_map(Principal::scopes).map(|scope| &**scope) {
            let fits = scope.len() < room && tenon_tokens::is_scope(scope);
            if fits && !all.contains(&scope) {
                room -= scope.len() + 1;
                all.push(scope);
            }
        }
        all
    }
}

/// Writes the challenge of a response, if it has one. `metadata` finds the URL of the server's metadata. `scopes` finds
/// the scopes of the whole server. A 401 names them if the operation is not known (AU-8).
pub(in crate::runtime::http) fn challenged(
    response: &mut Response<ResponseBody>,
    metadata: impl FnOnce() -> Option<String>,
    scopes: impl FnOnce() -> Option<Arc<str>>,
) {
    if let Some(mut challenge) = response.extensions_mut().remove::<Challenge>() {
        if response.status() == StatusCode::UNAUTHORIZED && challenge.scopes.is_none() {
            challenge.scopes = scopes();
        }
        let value = challenge.value(metadata().as_deref());
        response.headers_mut().append(header::WWW_AUTHENTICATE, value);
    }
}
