//! The policies of calls that have values of their own: what they say, and how they count callers. The stages of admission
//! enforce them.

/// A type whose values are words.
macro_rules! words {
    ($type:ident: $($value:ident = $word:literal),+) => {
        impl $type {
            /// All values.
            pub(crate) const ALL: [$type; [$($word),+].len()] = [$($type::$value),+];

            /// The word for the value.
            pub(crate) fn as_str(self) -> &'static str {
                match self {
                    $($type::$value => $word,)+
                }
            }

            /// The value of a word.
            pub(crate) fn named(word: &str) -> Option<$type> {
                $type::ALL.into_iter().find(|value| value.as_str() == word)
            }
        }
    };
}

mod breaker;
mod cache;
mod caller_key;
mod concurrency;
mod rate_limit;
mod refusal;
mod retry;
mod upstream;

pub use breaker::Failure;
pub(crate) use breaker::{Breaker, BreakerRules, Change, Ended, FailureRate, Permit, PermitNumber};
pub(crate) use cache::{
    CacheRules, CachedForm, CachedResult, CallKey, Found, Production, ResultCache, ValueCache,
};
pub use caller_key::Key;
pub(crate) use caller_key::{CallFacts, KeyHash};
pub(crate) use concurrency::{MAX_CONCURRENCY_KEYS, MaxConcurrency};
pub(crate) use rate_limit::{CallRate, CallRates};
pub use rate_limit::{Counts, OnStoreFailure, Window};
pub use refusal::RefusalForm;
pub(crate) use refusal::{refusal_text, whole_seconds};
pub(crate) use retry::{RetryBudget, RetryRules};
pub(crate) use upstream::{UpstreamLimit, UpstreamReport};
