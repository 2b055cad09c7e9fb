//! Input types for handlers of some kinds.

use crate::dispatch::principal::Principal;
use serde::Deserialize;
use std::collections::BTreeMap;

/// The input of a [completion](crate::Completion)'s handler.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct Completing {
    /// The text that the user has typed so far.
    #[serde(default)]
    pub value: String,
    /// The arguments or variables that have a value already, as far as the client sends them.
    #[serde(default)]
    pub arguments: BTreeMap<String, String>,
}

/// The input of a [verifier](crate::Server::verifier): the credentials of a request.
#[derive(Clone, Default, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct Credentials {
    /// The bearer token, if the request has one.
    pub token: Option<String>,
    /// The headers that the verifier reads, as far as the request has them, with names in lower case.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
}

/// Shows no value, because all of them are secret.
impl std::fmt::Debug for Credentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let names: Vec<&String> = self.headers.keys().collect();
        f.debug_struct("Credentials").field("token", &self.token.is_some()).field("headers", &names).finish()
    }
}

/// The input of an [authorizer](crate::Server::authorizer): a call, and who makes it.
#[derive(Clone, Debug, Deserialize)]
#[non_exhaustive]
pub struct CallQuestion {
    /// Who makes the call, if it is known.
    pub principal: Option<Principal>,
    /// The kind of the entry: `tool`, …
    pub kind: String,
    /// The name of the entry, or the address of the resource.
    pub name: String,
    /// The arguments, which satisfy the schema of the entry.
    pub arguments: serde_json::Value,
}

/// The input of the function [`visible`](crate::Server::visible): an entry, and a caller.
#[derive(Clone, Debug, Deserialize)]
#[non_exhaustive]
pub struct VisibilityQuestion {
    /// The caller, if it is known.
    pub principal: Option<Principal>,
    /// The kind of the entry: `tool`, …
    pub kind: String,
    /// The name of the entry: of a resource its URI, of a template its text.
    pub name: String,
}

impl<'de> Deserialize<'de> for Principal {
    fn deserialize<D: serde::Deserializer<'de>>(value: D) -> Result<Principal, D::Error> {
        let value = serde_json::Value::deserialize(value)?;
        Principal::from_json(&crate::json::JsonSlice::from_value(&value), "host")
            .map_err(serde::de::Error::custom)
    }
}

/// The input of the listing handler of a [resource provider](crate::ResourceProvider).
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct Listing {
    /// The `nextCursor` that the handler returned with the previous page. `None` for the first page.
    #[serde(default)]
    pub cursor: Option<String>,
}
