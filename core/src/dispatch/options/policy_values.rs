//! The values of policies that have members: a table from which the classes of the languages are made.

use super::access::Options;
use super::table::OptionRow;
use super::values::circuit_breaker::CircuitBreakerOptions;
use super::values::rate_limit::RateLimitOptions;

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
    /// Whether a text stands for a value, and whether a policy may have a list of values.
    pub is_list: bool,
    /// The description, in sentences.
    pub text: &'static str,
}

/// The values.
pub const POLICY_VALUES: &[PolicyValueRow] = &[
    PolicyValueRow {
        policy: "rate_limit",
        class: "RateLimit",
        members: RateLimitOptions::TABLE,
        required: &["amount", "per"],
        is_list: true,
        text: "How many calls, or requests, may be made in a time.",
    },
    PolicyValueRow {
        policy: "circuit_breaker",
        class: "CircuitBreaker",
        members: CircuitBreakerOptions::TABLE,
        required: &[],
        is_list: false,
        text: "Refuses calls for a time after too many have failed, so that what fails can recover.",
    },
];
