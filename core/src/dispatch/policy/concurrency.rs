//! Limits of concurrent calls: of all calls of an entry, and of those with the same value of a key.

use super::caller_key::{CallFacts, Key, KeyHash};
use std::fmt::Write;

/// The most keys by whose values the calls of one entry are limited.
pub(crate) const MAX_CONCURRENCY_KEYS: usize = 4;

/// How many calls of an entry may run at a time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct MaxConcurrency {
    /// All calls together.
    pub(crate) total: Option<usize>,
    /// The calls with the same value of each key. All of these apply.
    pub(crate) by: Vec<(Key, usize)>,
}

impl MaxConcurrency {
    /// What is limited, such as `3 calls at a time, 1 for each principal`.
    pub(crate) fn describe(&self) -> String {
        let mut text = self.total.map(|most| format!("{most} calls at a time")).unwrap_or_default();
        for (key, most) in &self.by {
            let (separator, calls) = if text.is_empty() { ("", " calls at a time") } else { (", ", "") };
            let _ = write!(text, "{separator}{most}{calls} for each {}", key.noun());
        }
        text
    }

    /// The value that a call has for each key.
    pub(crate) fn values(&self, facts: &CallFacts<'_>) -> Vec<KeyHash> {
        self.by.iter().map(|(key, _)| KeyHash::of(key, facts)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limits_are_described() {
        let text = |total, by: &[(Key, usize)]| MaxConcurrency { total, by: by.to_vec() }.describe();
        let (principal, city) = ((Key::Principal, 2), (Key::Argument("city".into()), 1));
        assert_eq!(text(Some(3), &[]), "3 calls at a time");
        assert_eq!(text(None, std::slice::from_ref(&principal)), "2 calls at a time for each principal");
        assert_eq!(
            text(Some(3), &[principal, city]),
            "3 calls at a time, 2 for each principal, 1 for each value of city"
        );
    }
}
