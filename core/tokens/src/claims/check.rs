//! Checks the claims of a token.

use super::{ClaimRules, Claims, MAX_CLIENT_ID_BYTES, MAX_NAME_BYTES, MAX_NAMES};
use crate::canonical::Audience;
use crate::error::TokenError;
use crate::text::{Clipped, is_scope};
use serde_json::{Map, Value};

/// The most audiences of one token.
const MAX_AUDIENCES: usize = 64;

type Members = Map<String, Value>;

/// What must be there.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Presence {
    /// All of `iss`, `sub`, `aud` and `exp`, as in a JWT.
    Jwt,
    /// `sub`, and `aud` if the rules have audiences. Without `iss`, the first issuer of the rules answered.
    Introspection,
}

impl ClaimRules {
    /// Checks `members`, whose text is `json`.
    pub(crate) fn check(
        &self,
        members: &Members,
        json: &str,
        presence: Presence,
        now_unix: u64,
    ) -> Result<Claims, TokenError> {
        let issuer = self.issuer(members, presence)?;
        self.check_audience(members)?;
        let expires_at = self.check_times(members, now_unix)?;
        if expires_at.is_none() && presence == Presence::Jwt {
            return Err(missing("exp"));
        }
        let subject = text(members, "sub", MAX_NAME_BYTES)?.ok_or_else(|| missing("sub"))?;
        if let Some(claim) = self.required.iter().find(|claim| members.get(*claim).is_none_or(Value::is_null))
        {
            return Err(missing(claim));
        }
        let client = match text(members, "client_id", MAX_CLIENT_ID_BYTES)? {
            None => text(members, "azp", MAX_CLIENT_ID_BYTES)?,
            found => found,
        };
        let scopes = match members.get("scope") {
            Some(value) => scopes("scope", value)?,
            None => members.get("scp").map_or(Ok(Vec::new()), |value| scopes("scp", value))?,
        };
        let roles = match self.roles.as_deref().and_then(|path| Some((path, at(members, path)?))) {
            Some((path, value)) => roles(path, value)?,
            None => Vec::new(),
        };
        Ok(Claims {
            issuer: issuer.to_owned(),
            subject: subject.to_owned(),
            client_id: client.map(str::to_owned),
            scopes,
            roles,
            expires_at,
            json: json.to_owned(),
        })
    }

    fn issuer<'r>(&'r self, members: &'r Members, presence: Presence) -> Result<&'r str, TokenError> {
        match members.get("iss") {
            None if presence == Presence::Introspection => Ok(&self.issuers[0]),
            None => Err(missing("iss")),
            Some(Value::String(named)) => match self.issuers.iter().find(|issuer| *issuer == named) {
                Some(issuer) => Ok(issuer),
                None => Err(TokenError::Issuer { found: Clipped::new(named) }),
            },
            Some(_) => Err(invalid("iss", "is not a string")),
        }
    }

    fn check_audience(&self, members: &Members) -> Result<(), TokenError> {
        if self.audiences.is_empty() {
            return Ok(());
        }
        let named = match members.get("aud") {
            None => return Err(missing("aud")),
            Some(value @ Value::String(_)) => std::slice::from_ref(value),
            Some(Value::Array(values)) => values.as_slice(),
            Some(_) => return Err(invalid("aud", "is not a string or an array of strings")),
        };
        if named.len() > MAX_AUDIENCES {
            return Err(invalid("aud", "has more than 64 entries"));
        }
        let mut texts = Vec::with_capacity(named.len());
        for value in named {
            texts.push(
                value.as_str().ok_or_else(|| invalid("aud", "is not a string or an array of strings"))?,
            );
        }
        let Some(first) = texts.first() else { return Err(invalid("aud", "has no entry")) };
        match texts
            .iter()
            .map(|text| Audience::new(text))
            .any(|named| self.audiences.iter().any(|known| known.is(&named)))
        {
            true => Ok(()),
            false => Err(TokenError::Audience { found: Clipped::new(first) }),
        }
    }

    /// Checks `exp`, `nbf` and `iat`, and returns the first.
    ///
    /// With a leeway of 60 s, a token that expired 60 s ago is accepted. Without leeway, the second of `exp` is already
    /// too late, as in RFC 7519.
    fn check_times(&self, members: &Members, now_unix: u64) -> Result<Option<u64>, TokenError> {
        let (now, leeway) = (now_unix as f64, self.leeway as f64);
        let expires = time(members, "exp")?;
        if let Some(at) = expires
            && (now > at + leeway || now >= at && self.leeway == 0)
        {
            return Err(TokenError::Expired { seconds: (now - at) as u64 });
        }
        if let Some(at) = time(members, "nbf")?
            && at > now + leeway
        {
            return Err(TokenError::NotYetValid { seconds: (at - now).ceil() as u64 });
        }
        if let Some(at) = time(members, "iat")?
            && at > now + leeway
        {
            return Err(TokenError::IssuedInFuture { seconds: (at - now).ceil() as u64 });
        }
        // Rounds down, and to 0 before 1970.
        Ok(expires.map(|at| at as u64))
    }
}

fn missing(claim: &str) -> TokenError {
    TokenError::MissingClaim { claim: Clipped::new(claim) }
}

fn invalid(claim: &str, problem: &'static str) -> TokenError {
    TokenError::InvalidClaim { claim: Clipped::new(claim), problem }
}

/// A NumericDate (RFC 7519): a number, which in JSON may have a fraction. What was read as JSON is finite.
fn time(members: &Members, claim: &'static str) -> Result<Option<f64>, TokenError> {
    match members.get(claim) {
        None => Ok(None),
        Some(value) => match value.as_f64() {
            None => Err(invalid(claim, "is not a number")),
            found => Ok(found),
        },
    }
}

fn text<'m>(members: &'m Members, claim: &'static str, most: usize) -> Result<Option<&'m str>, TokenError> {
    match members.get(claim) {
        None => Ok(None),
        Some(Value::String(text)) if text.is_empty() => Err(invalid(claim, "is empty")),
        Some(Value::String(text)) if text.len() > most => Err(invalid(claim, "is too long")),
        Some(Value::String(text)) if text.chars().any(char::is_control) => {
            Err(invalid(claim, "has control characters"))
        }
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(invalid(claim, "is not a string")),
    }
}

/// The names in a string with spaces between them, or in an array of strings.
fn names(claim: &str, value: &Value) -> Result<Vec<String>, TokenError> {
    let not_names = || invalid(claim, "is not an array of strings or a string with spaces between names");
    let mut found: Vec<&str> = Vec::new();
    match value {
        Value::String(text) => {
            found.extend(text.split(' ').filter(|name| !name.is_empty()).take(MAX_NAMES + 1))
        }
        Value::Array(values) => {
            for value in values.iter().take(MAX_NAMES + 1) {
                found.push(value.as_str().ok_or_else(not_names)?);
            }
        }
        _ => return Err(not_names()),
    }
    if found.len() > MAX_NAMES {
        return Err(invalid(claim, "has more than 256 entries"));
    }
    let mut once: Vec<String> = Vec::with_capacity(found.len());
    for name in found {
        if name.is_empty() || name.len() > MAX_NAME_BYTES || name.chars().any(char::is_control) {
            return Err(invalid(
                claim,
                "has an entry that is empty, longer than 256 bytes or has control characters",
            ));
        }
        if !once.iter().any(|known| known == name) {
            once.push(name.to_owned());
        }
    }
    Ok(once)
}

fn scopes(claim: &'static str, value: &Value) -> Result<Vec<String>, TokenError> {
    let found = names(claim, value)?;
    match found.iter().all(|scope| is_scope(scope)) {
        true => Ok(found),
        false => Err(invalid(
            claim,
            "has an entry that is not a scope (visible ASCII without quotes and backslashes)",
        )),
    }
}

fn roles(path: &str, value: &Value) -> Result<Vec<String>, TokenError> {
    names(path, value)
}

/// The value at a path: a claim of that name, or names with dots between them. A path that leads nowhere is `None`.
fn at<'m>(members: &'m Members, path: &str) -> Option<&'m Value> {
    if let Some(value) = members.get(path) {
        return Some(value);
    }
    let mut names = path.split('.');
    let first = members.get(names.next()?)?;
    names.try_fold(first, |value, name| value.get(name))
}
