//! Rate limits: how many calls may be made in a time.

use super::caller_key::{CallFacts, Key, KeyDigest};
use super::refusal::RefusalForm;
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

/// Which calls a limit counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Counts {
    /// All calls.
    #[default]
    Calls,
    /// The calls for which the cache of the entry has no result.
    Misses,
}

words!(Counts: Calls = "calls", Misses = "misses");
words!(Window: Sliding = "sliding", Bucket = "bucket");
words!(OnStoreFailure: Refuse = "refuse", Pass = "pass");

/// The length of a digest as text.
const DIGEST: usize = 43;

/// How many calls, or requests, may be made in a time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct CallRate {
    /// The allowance in the store.
    pub(crate) rate: Rate,
    pub(crate) by: Vec<Key>,
    pub(crate) counts: Counts,
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
            counts: Counts::default(),
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
#[derive(Clone, Debug, Default)]
pub(crate) struct CallRates {
    pub(crate) limits: Arc<[CallRate]>,
    /// The starts of their keys in the store.
    starts: Box<[KeyDigest]>,
}

impl CallRates {
    /// The limits of an entry, or of a server.
    pub(crate) fn new(limits: Vec<CallRate>, entry: Option<(Kind, &str)>) -> CallRates {
        let (kind, name) = entry.map_or(("", ""), |(kind, name)| (kind.as_str(), name));
        let start = |(number, limit): (usize, &CallRate)| {
            // A bucket and a window cannot continue each other.
            let is_bucket = u8::from(limit.rate.burst.is_some());
            let parts = [
                kind.as_bytes(),
                name.as_bytes(),
                &(number as u64).to_be_bytes(),
                &[is_bucket, limit.counts as u8],
            ];
            KeyDigest::start("rate_limit", &parts)
        };
        let starts = limits.iter().enumerate().map(start).collect();
        CallRates { limits: limits.into(), starts }
    }

    /// The keys of a request in the store, one for each limit. `server` is the name of the server, because servers may share
    /// a store. With another `epoch`, the allowances begin anew.
    pub(crate) fn keys(
        &self,
        server: &str,
        epoch: u64,
        facts: &CallFacts<'_>,
    ) -> impl Iterator<Item = String> {
        let key = move |(limit, start): (&CallRate, &KeyDigest)| {
            let mut digest = start.clone();
            digest.part(server.as_bytes());
            if epoch > 0 {
                digest.part(&epoch.to_be_bytes());
            }
            for key in &limit.by {
                digest.value(key, facts);
            }
            // Clients choose values, and so how many keys there are. These keys make no room by removing the others.
            let kind = if limit.is_wide() { "rate" } else { "rate_by" };
            let mut text = String::with_capacity(kind.len() + 1 + DIGEST);
            text.push_str(kind);
            text.push('/');
            digest.write_text(&mut text);
            text
        };
        self.limits.iter().zip(&self.starts).map(key)
    }

    /// Whether a request passes all limits if the store fails.
    pub(crate) fn pass_on_failure(&self) -> bool {
        self.limits.iter().all(|limit| limit.on_store_failure == OnStoreFailure::Pass)
    }
}
