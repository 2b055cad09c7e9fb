//! What handlers of some kinds are handed.

use serde::Deserialize;
use std::collections::BTreeMap;

/// What a [completion](crate::Completion)'s handler is handed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct Completing {
    /// What was typed so far.
    #[serde(default)]
    pub value: String,
    /// The arguments or variables that are filled in already, as far as the client tells.
    #[serde(default)]
    pub arguments: BTreeMap<String, String>,
}

/// What the listing handler of a [resource provider](crate::ResourceProvider) is handed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct Listing {
    /// Where the page before ended, as the handler said in `nextCursor`; nothing on the first.
    #[serde(default)]
    pub cursor: Option<String>,
}
