//! The header of a token: what it may say, and what it is not believed.

use crate::algorithm::Algorithm;
use crate::error::TokenError;
use crate::json;
use crate::text::Clipped;
use serde_json::Value;

/// What is used of a header. Keys and their URLs in it (`jwk`, `jku`, `x5c`, `x5u`) are never read: the sender chose them.
#[derive(Debug)]
pub(super) struct Header {
    pub(super) algorithm: Algorithm,
    pub(super) key_id: Option<String>,
}

impl Header {
    pub(super) fn read(text: &[u8]) -> Result<Self, TokenError> {
        let members = json::object(text).map_err(|error| TokenError::Json { part: "header", error })?;
        let string = |member: &'static str| match members.get(member) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.as_str())),
            Some(_) => Err(TokenError::Header { member, problem: "is not a string" }),
        };
        let refuse = |member, problem| Err(TokenError::Header { member, problem });
        let Some(name) = string("alg")? else { return refuse("alg", "is missing") };
        if name.eq_ignore_ascii_case("none") {
            return Err(TokenError::Unsigned);
        }
        let algorithm = Algorithm::from_name(name)
            .ok_or_else(|| TokenError::UnknownAlgorithm { name: Clipped::new(name) })?;
        if members.contains_key("crit") {
            return refuse("crit", "names extensions, and none is supported");
        }
        if members.get("b64").is_some_and(|value| *value != Value::Bool(true)) {
            return refuse("b64", "asks for a payload that is not base64url");
        }
        if string("typ")?.is_some_and(|kind| !["jwt", "at+jwt"].contains(&media_type(kind).as_str())) {
            return refuse("typ", "is neither `JWT` nor `at+jwt`, so it is not an access token");
        }
        if string("cty")?.is_some_and(|content| media_type(content) == "jwt") {
            return refuse("cty", "says that another token is in it, and nested tokens are not accepted");
        }
        Ok(Self { algorithm, key_id: string("kid")?.map(str::to_owned) })
    }
}

/// A media type in lower case, without the `application/` that may be left out (RFC 7515, section 4.1.9).
fn media_type(text: &str) -> String {
    let text = text.to_ascii_lowercase();
    text.strip_prefix("application/").map(str::to_owned).unwrap_or(text)
}
