//! The rules for claims, as an operator configures them.

use super::MAX_NAME_BYTES;
use crate::canonical::Audience;
use std::fmt;

/// The longest issuer or audience in rules, in bytes.
const MAX_URI_BYTES: usize = 2048;

/// The most issuers, audiences or required claims of one set of rules.
const MAX_ENTRIES: usize = 64;

/// The most tolerance for clocks that differ, in seconds.
const MAX_LEEWAY: u64 = 3600;

/// Why rules are refused.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RuleError {
    /// A list that needs an entry has none.
    Empty {
        /// The list.
        list: &'static str,
    },
    /// A list has more than 64 entries.
    TooMany {
        /// The list.
        list: &'static str,
    },
    /// An entry is empty, too long or has control characters.
    Entry {
        /// The list.
        list: &'static str,
    },
    /// The leeway is above one hour.
    Leeway {
        /// The leeway in seconds.
        seconds: u64,
    },
    /// Algorithms with a secret and algorithms with public keys stand in one list.
    MixedAlgorithms,
    /// No algorithm in the list can be used with the keys.
    NoAlgorithmForKeys,
}

impl fmt::Display for RuleError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty { list } => write!(out, "there are no {list}; give at least one"),
            Self::TooMany { list } => write!(out, "there are too many {list}; give at most {MAX_ENTRIES}"),
            Self::Entry { list } => {
                write!(out, "one of the {list} is empty, too long or has control characters; correct it")
            }
            Self::Leeway { seconds } => {
                write!(out, "the leeway is {seconds} s; at most {MAX_LEEWAY} s are accepted, so correct the clocks")
            }
            Self::MixedAlgorithms => out.write_str(
                "the algorithms are some with a secret (HS*) and some with public keys; give those of your keys",
            ),
            Self::NoAlgorithmForKeys => {
                out.write_str("none of the algorithms can be used with the keys; give algorithms of their kind")
            }
        }
    }
}

impl std::error::Error for RuleError {}

/// What the claims of a token must be.
#[derive(Clone, Debug)]
pub struct ClaimRules {
    pub(super) issuers: Vec<String>,
    pub(super) audiences: Vec<Audience>,
    pub(super) leeway: u64,
    pub(super) required: Vec<String>,
    pub(super) roles: Option<String>,
}

impl ClaimRules {
    /// Rules for tokens of these issuers. Issuers are compared exactly, as RFC 8414 demands.
    pub fn new<T: Into<String>>(issuers: impl IntoIterator<Item = T>) -> Result<Self, RuleError> {
        let issuers = entries(issuers, "issuers", MAX_URI_BYTES)?;
        if issuers.is_empty() {
            return Err(RuleError::Empty { list: "issuers" });
        }
        Ok(Self { issuers, audiences: Vec::new(), leeway: 60, required: Vec::new(), roles: None })
    }

    /// The audiences, of which a token must name one. URIs are compared in their canonical form, other texts exactly.
    pub fn audiences<T: Into<String>>(
        mut self,
        audiences: impl IntoIterator<Item = T>,
    ) -> Result<Self, RuleError> {
        let audiences = entries(audiences, "audiences", MAX_URI_BYTES)?;
        self.audiences = audiences.iter().map(|audience| Audience::new(audience)).collect();
        Ok(self)
    }

    /// By how many seconds clocks may differ. The default is 60, and the most is one hour.
    pub fn leeway(mut self, seconds: u64) -> Result<Self, RuleError> {
        if seconds > MAX_LEEWAY {
            return Err(RuleError::Leeway { seconds });
        }
        self.leeway = seconds;
        Ok(self)
    }

    /// Claims that must be there and not be `null`, beside those that always must.
    pub fn required<T: Into<String>>(
        mut self,
        claims: impl IntoIterator<Item = T>,
    ) -> Result<Self, RuleError> {
        self.required = entries(claims, "required claims", MAX_NAME_BYTES)?;
        Ok(self)
    }

    /// Where the roles are: the name of a claim, or names with dots between them, such as `realm_access.roles`.
    ///
    /// If a claim has the whole text as its name, that claim is meant.
    pub fn roles_at(mut self, path: impl Into<String>) -> Result<Self, RuleError> {
        self.roles = entries([path.into()], "paths of roles", MAX_NAME_BYTES)?.pop();
        Ok(self)
    }

    pub(crate) fn has_audiences(&self) -> bool {
        !self.audiences.is_empty()
    }
}

fn entries<T: Into<String>>(
    texts: impl IntoIterator<Item = T>,
    list: &'static str,
    most: usize,
) -> Result<Vec<String>, RuleError> {
    let texts: Vec<String> = texts.into_iter().take(MAX_ENTRIES + 1).map(Into::into).collect();
    if texts.len() > MAX_ENTRIES {
        return Err(RuleError::TooMany { list });
    }
    if texts.iter().any(|text| text.is_empty() || text.len() > most || text.chars().any(char::is_control)) {
        return Err(RuleError::Entry { list });
    }
    Ok(texts)
}
