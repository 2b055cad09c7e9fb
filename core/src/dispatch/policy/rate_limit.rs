//! Rate limits: how many calls may be made in a time.

use super::caller_key::{CallFacts, Key, KeyDigest};
use crate::dispatch::store::Rate;
use crate::proto::catalog::kind::Kind;
use std::sync::Arc;
use std::time::Duration;

/// How an allowance is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Window {
    /// In no span of the length of the period are more calls admitted than the amount.
    Sliding,
    /// A token bucket: calls come back evenly over the period, and up to the burst can be made at once.
    Bucket,
}

/// What the client receives if a call is refused.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum RefusalForm {
    /// An error of the protocol, -32603. Its data has the time to wait.
    #[default]
    Error,
    /// For a tool, a failed result, whose text the model reads. Anything else is answered with an error.
    Result,
}

impl RefusalForm {
    /// The form for a call of an entry of this kind. Only tools have failed results, and a task has not its result yet.
    pub(crate) fn of(self, kind: Kind, is_task: bool) -> RefusalForm {
        if kind == Kind::Tool && !is_task { self } else { RefusalForm::Error }
    }
}

/// What happens to a request if the store fails or does not answer in time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum OnStoreFailure {
    /// The request is refused.
    #[default]
    Refuse,
    /// The request passes.
    Pass,
}

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

words!(Window: Sliding = "sliding", Bucket = "bucket");
words!(RefusalForm: Error = "error", Result = "result");
words!(OnStoreFailure: Refuse = "refuse", Pass = "pass");

/// How many calls, or requests, may be made in a time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct CallRate {
    /// The allowance in the store.
    pub(crate) rate: Rate,
    pub(crate) by: Vec<Key>,
    pub(crate) refusal: RefusalForm,
    pub(crate) text: Option<String>,
    pub(crate) on_store_failure: OnStoreFailure,
}

impl CallRate {
    /// `amount` calls in each `period`. With a burst, it is a token bucket, else a sliding window.
    pub(crate) fn new(amount: u32, period: Duration, burst: Option<u32>) -> CallRate {
        CallRate {
            rate: Rate { amount, period, burst },
            by: Vec::new(),
            refusal: RefusalForm::default(),
            text: None,
            on_store_failure: OnStoreFailure::default(),
        }
    }

    /// Whether all calls count together.
    pub(crate) fn is_wide(&self) -> bool {
        self.by.iter().all(|key| matches!(key, Key::Global | Key::Entry))
    }

    /// The word for what refuses requests, for observers.
    pub(crate) fn word(&self) -> &'static str {
        self.by.first().map_or("all", Key::word)
    }

    /// The text for a client that has to wait.
    pub(crate) fn refusal_text(&self, wait: Duration, default: impl FnOnce() -> String) -> String {
        match &self.text {
            Some(text) => fill_text(text, wait, &[]),
            None => format!("{}; retry in {} s", default(), whole_seconds(wait).max(1)),
        }
    }

    /// What is limited, such as `60 calls per minute for each principal`.
    pub(crate) fn describe(&self, noun: &str) -> String {
        let Rate { amount, period, burst } = self.rate;
        let plural = if amount == 1 { "" } else { "s" };
        let seconds = period.as_secs_f64();
        let per = match period.as_secs() {
            1 if seconds == 1.0 => "per second".to_owned(),
            60 if seconds == 60.0 => "per minute".to_owned(),
            3600 if seconds == 3600.0 => "per hour".to_owned(),
            86_400 if seconds == 86_400.0 => "per day".to_owned(),
            _ => format!("in {seconds} s"),
        };
        let tells_apart = |key: &&Key| !matches!(key, Key::Global | Key::Entry);
        let each: Vec<_> = self.by.iter().filter(tells_apart).map(Key::noun).collect();
        let each = if each.is_empty() { String::new() } else { format!(" for each {}", each.join(" and ")) };
        let at_once = burst.map_or(String::new(), |burst| format!(", {burst} at once,"));
        format!("{amount} {noun}{plural} {per}{at_once}{each}")
    }
}

/// The rate limits of an entry or of a server. A call must be within all of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct CallRates(pub(crate) Arc<[CallRate]>);

impl CallRates {
    /// The keys of a request in the store, one for each limit. `server` is the name of the server, because servers may share
    /// a store.
    pub(crate) fn keys(&self, server: &str, facts: &CallFacts<'_>) -> Vec<String> {
        let key = |(number, limit): (usize, &CallRate)| {
            let mut digest = KeyDigest::of("rate_limit");
            digest.part(server.as_bytes());
            digest.value(&Key::Entry, facts);
            digest.part(&(number as u64).to_be_bytes());
            // A bucket and a window cannot continue each other.
            digest.part(&[u8::from(limit.rate.burst.is_some())]);
            for key in &limit.by {
                digest.value(key, facts);
            }
            // Clients choose values, and so how many keys there are. These keys make no room by removing the others.
            let kind = if limit.is_wide() { "rate" } else { "rate_by" };
            format!("{kind}/{}", digest.text())
        };
        self.0.iter().enumerate().map(key).collect()
    }

    /// Whether a request passes all limits if the store fails.
    pub(crate) fn pass_on_failure(&self) -> bool {
        self.0.iter().all(|limit| limit.on_store_failure == OnStoreFailure::Pass)
    }
}

/// A time to wait in whole seconds, rounded up.
pub(crate) fn whole_seconds(time: Duration) -> u64 {
    time.as_secs() + u64::from(time.subsec_nanos() > 0)
}

/// A text for a client that has to wait. `{wait}` and the names in braces are replaced by their values.
pub(crate) fn fill_text(text: &str, wait: Duration, values: &[(&str, String)]) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(open) = rest.find('{') {
        let (before, from) = rest.split_at(open);
        out.push_str(before);
        let name = from.find('}').map(|close| &from[1..close]);
        let value = match name {
            Some("wait") => Some(whole_seconds(wait).max(1).to_string()),
            Some(name) => values.iter().find(|(known, _)| *known == name).map(|(_, value)| value.clone()),
            None => None,
        };
        let read = match (name, value) {
            (Some(name), Some(value)) => {
                out.push_str(&value);
                name.len() + 2
            }
            // Any other brace stays.
            _ => {
                out.push('{');
                1
            }
        };
        rest = &from[read..];
    }
    out + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_filled_once() {
        let values = [("city", "{wait} {".to_owned()), ("n", "5".to_owned())];
        let fill = |text: &str| fill_text(text, Duration::from_millis(1500), &values);
        assert_eq!(fill("{city} in {wait} s: {n}{n}"), "{wait} { in 2 s: 55");
        for text in ["", "{", "}", "{}", "{{n", "{town}", "a{wait"] {
            assert_eq!(fill(text), text);
        }
        assert_eq!(fill("{{n}}"), "{5}");
    }
}
