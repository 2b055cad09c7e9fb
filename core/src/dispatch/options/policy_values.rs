//! The values of policies that have members: a table from which the classes of the languages are made.

use super::access::Options;
use super::table::OptionRow;
use super::values::cache::CacheOptions;
use super::values::circuit_breaker::CircuitBreakerOptions;
use super::values::rate_limit::RateLimitOptions;
use super::values::retry::RetryOptions;

/// A row of the table of values with members.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct PolicyValueRow {
    /// The policy.
    pub policy: &'static str,
    /// The class in Rust and Python, and the interface in Node.
    pub class: &'static str,
    /// The members.
    pub members: &'static [OptionRow],
    /// The members that must be set. The first one needs no name in Python.
    pub required: &'static [&'static str],
    /// What else a policy may have than one object.
    pub short: ShortForm,
    /// The description, in sentences.
    pub text: &'static str,
}

/// What a policy may have instead of an object with members.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ShortForm {
    /// Nothing else.
    None,
    /// A number, which is the first member.
    Number,
    /// A text that stands for an object, or a list of texts and objects.
    TextOrList,
}

/// The values.
pub const POLICY_VALUES: &[PolicyValueRow] = &[
    PolicyValueRow {
        policy: "rate_limit",
        class: "RateLimit",
        members: RateLimitOptions::TABLE,
        required: &["amount", "per"],
        short: ShortForm::TextOrList,
        text: "How many calls, or requests, may be made in a time.",
    },
    PolicyValueRow {
        policy: "cache",
        class: "Cache",
        members: CacheOptions::TABLE,
        required: &["ttl"],
        short: ShortForm::Number,
        text: "Keeps results, so that later calls with the same arguments get them without a run of the handler.",
    },
    PolicyValueRow {
        policy: "circuit_breaker",
        class: "CircuitBreaker",
        members: CircuitBreakerOptions::TABLE,
        required: &[],
        short: ShortForm::None,
        text: "Refuses calls for a time after too many have failed, so that what fails can recover.",
    },
    PolicyValueRow {
        policy: "retry",
        class: "Retry",
        members: RetryOptions::TABLE,
        required: &[],
        short: ShortForm::Number,
        text: "Runs the handler of a call again after it has failed.",
    },
];
