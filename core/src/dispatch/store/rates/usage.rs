//! What a key has taken of its allowance.

use super::bucket::Bucket;
use super::taken::Taken;
use super::window::Window;
use crate::dispatch::store::op::Rate;
use std::cmp::Ordering;

pub(super) enum Usage {
    Bucket(Bucket),
    Window(Window),
}

/// How much a key has taken, compared with keys of other rates. Less is removed first.
#[derive(Clone, Copy, Debug)]
pub(super) struct Standing {
    /// If it can take nothing now: the time at which it can. Otherwise 0.
    free_at: u64,
    /// The part of its allowance that it has taken.
    used: f64,
}

impl Standing {
    pub(super) fn compare(&self, other: &Standing) -> Ordering {
        self.free_at.cmp(&other.free_at).then(self.used.total_cmp(&other.used))
    }
}

impl Usage {
    pub(super) fn new(rate: &Rate, now: u64) -> Usage {
        match rate.burst {
            Some(_) => Usage::Bucket(Bucket::new(now)),
            None => Usage::Window(Window::new()),
        }
    }

    pub(super) fn take(&mut self, by: i64, rate: &Rate, now: u64) -> Taken {
        match self {
            Usage::Bucket(bucket) => bucket.take(by, rate, now),
            Usage::Window(window) => window.take(by, rate, now),
        }
    }

    /// Follows another rate from now on. Between a bucket and a window, it begins anew.
    pub(super) fn change(&mut self, from: &Rate, to: &Rate, now: u64) {
        match (&mut *self, to.burst) {
            (Usage::Bucket(bucket), Some(_)) => bucket.change(from, to, now),
            // It has times and pieces, which no rate changes.
            (Usage::Window(_), None) => {}
            _ => *self = Usage::new(to, now),
        }
    }

    /// Removes what has come back.
    pub(super) fn pass(&mut self, rate: &Rate, now: u64) {
        if let Usage::Window(window) = self {
            window.pass(rate, now);
        }
    }

    /// Whether all has come back.
    pub(super) fn is_unused(&self, rate: &Rate, now: u64) -> bool {
        match self {
            Usage::Bucket(bucket) => bucket.end(rate) <= now,
            Usage::Window(window) => window.used() == 0,
        }
    }

    /// The time at which a bucket is full again, or the oldest pieces of a window come back.
    pub(super) fn due(&self, rate: &Rate) -> u64 {
        match self {
            Usage::Bucket(bucket) => bucket.end(rate),
            Usage::Window(window) => window.next(rate).unwrap_or_default(),
        }
    }

    /// The place among the keys with this rate: what has taken less is first. Buckets keep their order as time passes,
    /// because all of them are refilled with the same speed. In a window the order changes when something is due.
    pub(super) fn rank(&self, rate: &Rate) -> u128 {
        match self {
            Usage::Bucket(bucket) => bucket.rank(rate),
            Usage::Window(window) => {
                let used = window.used().min(u64::from(rate.amount));
                u128::from(used) << 64 | u128::from(window.free_at(rate).unwrap_or_default())
            }
        }
    }

    pub(super) fn standing(&self, rate: &Rate, now: u64) -> Standing {
        let (used, free_at) = match self {
            Usage::Bucket(bucket) => (bucket.used(rate, now), bucket.free_at(rate, now)),
            Usage::Window(window) => {
                let used = window.used() as f64 / f64::from(rate.amount);
                (used, window.free_at(rate).unwrap_or(now))
            }
        };
        Standing { free_at: if free_at > now { free_at } else { 0 }, used }
    }

    /// The bytes that it takes besides itself.
    pub(super) fn size(&self) -> usize {
        match self {
            Usage::Bucket(_) => 0,
            Usage::Window(window) => window.size(),
        }
    }
}
