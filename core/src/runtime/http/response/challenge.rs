//! The challenge of a refused request: how a client gets a token that is accepted (RFC 6750, RFC 9728, AU-6 to AU-13).

use crate::host::Engine;
use crate::proto::messages::error::{ErrorClass, ResponseError};
use crate::runtime::http::response::body::ResponseBody;
use http::header::{self, HeaderValue};
use http::request::Parts;
use http::Response;
use std::sync::Arc;

/// What the challenge of a response says. It is an extension of the response until the header is written.
#[derive(Clone, Debug)]
pub(in crate::runtime::http) struct Challenge {
    /// The word for the reason; none if the request had no credentials (AU-13).
    pub(in crate::runtime::http) error: Option<&'static str>,
    /// The scopes that the request needs, separated by spaces.
    pub(in crate::runtime::http) scopes: Option<Arc<str>>,
}

impl Challenge {
    /// The challenge for an error of a message. A caller without the required role gets none, because no scope helps.
    pub(in crate::runtime::http) fn of(error: ResponseError) -> Option<Challenge> {
        match (error.class, error.scopes) {
            (ErrorClass::Unauthorized, scopes) => Some(Challenge { error: None, scopes }),
            (ErrorClass::Forbidden, Some(scopes)) => {
                Some(Challenge { error: Some("insufficient_scope"), scopes: Some(scopes) })
            }
            _ => None,
        }
    }
}

/// Writes the challenge of a response, if it has one.
pub(in crate::runtime::http) fn challenged(
    engine: &Engine,
    head: &Parts,
    mut response: Response<ResponseBody>,
) -> Response<ResponseBody> {
    let Some(challenge) = response.extensions_mut().remove::<Challenge>() else { return response };
    let _ = (engine, head);
    let mut text = String::from("Bearer");
    let mut parts = Vec::new();
    if let Some(error) = challenge.error {
        parts.push(format!("error=\"{error}\""));
    }
    if let Some(scopes) = challenge.scopes {
        parts.push(format!("scope=\"{scopes}\""));
    }
    if !parts.is_empty() {
        text.push(' ');
        text.push_str(&parts.join(", "));
    }
    if let Ok(value) = HeaderValue::from_str(&text) {
        response.headers_mut().append(header::WWW_AUTHENTICATE, value);
    }
    response
}
