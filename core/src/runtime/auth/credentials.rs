//! The credentials of a request.

use super::config::Config;
use crate::dispatch::timed_cache::Digest;
use crate::host::PrincipalRefusal;
use http::HeaderName;
use http::header;
use http::request::Parts;
use sha2::{Digest as _, Sha256};
use tenon_tokens::{BearerError, api_key, bearer};

/// The credentials of a request: a bearer token, and the values of the headers with API keys.
pub(super) struct Presented<'r> {
    pub(super) bearer: Option<&'r str>,
    /// In the order of [`Config::headers`].
    keys: Vec<Option<&'r str>>,
    /// The headers that the verifier of the program reads, as far as the request has them.
    pub(super) headers: Vec<(String, String)>,
}

impl Presented<'_> {
    /// The key for a verifier whose keys are in this header, or are bearer tokens.
    pub(super) fn key(&self, config: &Config, header: Option<&http::HeaderName>) -> Option<&str> {
        let Some(header) = header else { return self.bearer };
        let place = config.headers.iter().position(|name| name == header)?;
        *self.keys.get(place)?
    }

    pub(super) fn digest(&self) -> Digest {
        let mut digest = Sha256::new();
        for (name, value) in &self.headers {
            for text in [name, value] {
                digest.update((text.len() as u64).to_be_bytes());
                digest.update(text);
            }
        }
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
/// `names` are those of the headers that the verifier of the program reads.
pub(super) fn presented<'r>(
    head: &'r Parts,
    config: &Config,
    names: &[HeaderName],
) -> Result<Option<Presented<'r>>, BearerError> {
    let keys = config
        .headers
        .iter()
        .map(|name| api_key(head.headers.get_all(name).iter().map(|value| value.as_bytes())));
    let keys: Vec<Option<&str>> = keys.collect::<Result<_, _>>()?;
    let own = |name: &HeaderName| {
        let values: Vec<_> = head.headers.get_all(name).iter().map(|value| value.as_bytes()).collect();
        let text = String::from_utf8_lossy(&values.join(&b", "[..])).into_owned();
        (!values.is_empty()).then(|| (name.as_str().to_owned(), text))
    };
    let headers: Vec<_> = names.iter().filter_map(own).collect();
    let values = head.headers.get_all(header::AUTHORIZATION);
    let bearer = match bearer(values.iter().map(|value| value.as_bytes())) {
        Ok(bearer) => bearer,
        // The key in another header may be enough, for example behind a proxy with a password.
        Err(BearerError::OtherScheme { .. }) if keys.iter().any(Option::is_some) || !headers.is_empty() => {
            None
        }
        Err(error) => return Err(error),
    };
    let any = bearer.is_some() || keys.iter().any(Option::is_some) || !headers.is_empty();
    Ok(any.then_some(Presented { bearer, keys, headers }))
}

/// The refusal of credentials that are not well formed (AU-3).
pub(super) fn malformed(error: &BearerError) -> PrincipalRefusal {
    match error {
        BearerError::OtherScheme { .. } => PrincipalRefusal::unauthorized(format!("Unauthorized: {error}")),
        error => PrincipalRefusal::malformed(format!("Bad request: {error}")),
    }
}
