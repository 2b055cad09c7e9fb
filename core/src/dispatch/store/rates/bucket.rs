//! A token bucket: what was taken comes back evenly. Each sum is exact, so no rounding adds up.

use super::taken::{NEVER, Taken};
use crate::dispatch::store::op::Rate;

/// One bucket. A piece has as many units as the period has nanoseconds, and `amount` units come back in a nanosecond.
pub(super) struct Bucket {
    /// The units that are taken.
    level: u128,
    /// The time of `level`, in nanoseconds.
    since: u64,
}

impl Bucket {
    pub(super) fn new(now: u64) -> Bucket {
        Bucket { level: 0, since: now }
    }

    /// The units that one piece has.
    fn piece(rate: &Rate) -> u128 {
        rate.period.as_nanos()
    }

    fn capacity(rate: &Rate) -> u128 {
        u128::from(rate.most()) * Bucket::piece(rate)
    }

    fn level(&self, rate: &Rate, now: u64) -> u128 {
        let passed = u128::from(now.saturating_sub(self.since));
        self.level.saturating_sub(passed * u128::from(rate.amount))
    }

    /// The nanoseconds in which so many units come back.
    fn time(units: u128, rate: &Rate) -> u64 {
        u64::try_from(units.div_ceil(u128::from(rate.amount))).unwrap_or(u64::MAX)
    }

    pub(super) fn take(&mut self, by: i64, rate: &Rate, now: u64) -> Taken {
        let (piece, capacity) = (Bucket::piece(rate), Bucket::capacity(rate));
        (self.level, self.since) = (self.level(rate, now), self.since.max(now));
        let units = u128::from(by.unsigned_abs()) * piece;
        let level = if by < 0 { self.level.saturating_sub(units) } else { self.level + units };
        let taken = by <= 0 || level <= capacity;
        let wait = match taken {
            true => 0,
            false if units > capacity => NEVER,
            false => Bucket::time(level - capacity, rate),
        };
        if taken {
            self.level = level;
        }
        let left = capacity.saturating_sub(self.level) / piece;
        Taken { taken, left: left as u64, wait, reset: Bucket::time(self.level, rate) }
    }

    /// Keeps the number of pieces that are taken, although a piece has another number of units now.
    pub(super) fn change(&mut self, from: &Rate, to: &Rate, now: u64) {
        let (level, before, after) = (self.level(from, now), Bucket::piece(from), Bucket::piece(to));
        // Rounded up, so that no change gives anything back.
        let part = (level % before * after).div_ceil(before);
        *self = Bucket { level: level / before * after + part, since: self.since.max(now) };
    }

    /// The place among the buckets with this rate, which stays as time passes: the time at which all has come back, in units.
    pub(super) fn rank(&self, rate: &Rate) -> u128 {
        u128::from(self.since) * u128::from(rate.amount) + self.level
    }

    /// The time at which all has come back.
    pub(super) fn end(&self, rate: &Rate) -> u64 {
        self.since.saturating_add(Bucket::time(self.level, rate))
    }

    /// The part that is taken.
    pub(super) fn used(&self, rate: &Rate, now: u64) -> f64 {
        self.level(rate, now) as f64 / Bucket::capacity(rate) as f64
    }

    /// The time at which a piece can be taken.
    pub(super) fn free_at(&self, rate: &Rate, now: u64) -> u64 {
        let over = (self.level(rate, now) + Bucket::piece(rate)).saturating_sub(Bucket::capacity(rate));
        now.saturating_add(Bucket::time(over, rate))
    }
}
