//! The policies of calls that have values of their own: what they say, and how they count callers. The stages of admission
//! enforce them.

mod breaker;
mod caller_key;
mod concurrency;
mod rate_limit;

pub use breaker::Failure;
pub(crate) use breaker::{Breaker, BreakerRules, Change, Ended, FailureRate, Permit};
pub use caller_key::Key;
pub(crate) use caller_key::{CallFacts, KeyHash};
pub(crate) use concurrency::{MAX_CONCURRENCY_KEYS, MaxConcurrency};
pub(crate) use rate_limit::{CallRate, CallRates, fill_text, whole_seconds};
pub use rate_limit::{OnStoreFailure, RefusalForm, Window};
