//! The challenge of a refused request: how a client gets a token that is accepted (RFC 6750, RFC 9728, AU-6 to AU-13).

use crate::proto::messages::error::{ErrorClass, ResponseError};
use crate::runtime::http::response::body::ResponseBody;
use http::header::{self, HeaderValue};
use http::{Response, StatusCode};
use std::sync::Arc;
use tenon_tokens::ErrorCode;

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
                Some(Challenge { error: Some(ErrorCode::InsufficientScope.name()), scopes: Some(scopes) })
            }
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
        // If the scopes are too many for a header, the rest is said.
        let text = text.or_else(|_| tenon_tokens::Challenge { scopes: &[], ..challenge }.header_value());
        // If there is nothing to say, the scheme is enough.
        let value = text.ok().and_then(|text| HeaderValue::try_from(text).ok());
        value.unwrap_or(HeaderValue::from_static("Bearer"))
    }
}

/// Writes the challenge of a response, if it has one. `metadata` finds the URL of the server's metadata. `scopes` finds
/// the scopes of the whole server. A 401 names them if the operation is not known (AU-8).
pub(in crate::runtime::http) fn challenged(
    mut response: Response<ResponseBody>,
    metadata: impl FnOnce() -> Option<String>,
    scopes: impl FnOnce() -> Option<Arc<str>>,
) -> Response<ResponseBody> {
    if let Some(mut challenge) = response.extensions_mut().remove::<Challenge>() {
        if response.status() == StatusCode::UNAUTHORIZED && challenge.scopes.is_none() {
            challenge.scopes = scopes();
        }
        let value = challenge.value(metadata().as_deref());
        response.headers_mut().append(header::WWW_AUTHENTICATE, value);
    }
    response
}
