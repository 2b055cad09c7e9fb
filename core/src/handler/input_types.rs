//! Input types for handlers of some kinds.

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

/// The input of the listing handler of a [resource provider](crate::ResourceProvider).
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct Listing {
    /// The `nextCursor` that the handler returned with the previous page. `None` for the first page.
    #[serde(default)]
    pub cursor: Option<String>,
}
