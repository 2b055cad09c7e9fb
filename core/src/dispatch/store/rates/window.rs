//! A sliding window: what was taken comes back when it is as old as the period.

use super::taken::{NEVER, Taken};
use crate::dispatch::store::op::Rate;
use std::collections::VecDeque;

/// Up to this amount, a window is exact.
const EXACT: u32 = 4096;
/// Above it, so many parts of the period are told apart. What was taken in one part comes back at once, at the time of
/// the last piece, so the limit is never exceeded.
const PARTS: u64 = 2048;
/// A window with room for at most so many parts is not made smaller.
const SMALL: usize = 16;

/// One window.
pub(super) struct Window {
    parts: VecDeque<Part>,
    /// The sum of all parts.
    used: u64,
}

/// Pieces that were taken at one time, or close together. Times are in nanoseconds.
struct Part {
    first: u64,
    last: u64,
    count: u32,
}

fn period(rate: &Rate) -> u64 {
    u64::try_from(rate.period.as_nanos()).unwrap_or(u64::MAX)
}

impl Window {
    pub(super) fn new() -> Window {
        Window { parts: VecDeque::new(), used: 0 }
    }

    /// Removes what has come back.
    pub(super) fn pass(&mut self, rate: &Rate, now: u64) {
        let period = period(rate);
        while let Some(part) = self.parts.front().filter(|part| part.last.saturating_add(period) <= now) {
            self.used -= u64::from(part.count);
            self.parts.pop_front();
        }
        if self.parts.capacity() > SMALL.max(4 * self.parts.len()) {
            self.parts.shrink_to(2 * self.parts.len());
        }
    }

    pub(super) fn take(&mut self, by: i64, rate: &Rate, now: u64) -> Taken {
        // A clock that went back counts as one that stood still.
        let now = self.parts.back().map_or(now, |newest| newest.last.max(now));
        self.pass(rate, now);
        let (amount, pieces) = (u64::from(rate.amount), by.unsigned_abs());
        let taken = by <= 0 || self.used.saturating_add(pieces) <= amount;
        let wait = match taken {
            true => 0,
            false if pieces > amount => NEVER,
            false => self.back_at(self.used + pieces - amount, rate).saturating_sub(now),
        };
        if by < 0 {
            self.give_back(pieces);
        } else if by > 0 && taken {
            self.push(by as u32, rate, now);
        }
        let reset = self.parts.back().map_or(0, |newest| newest.last.saturating_add(period(rate)) - now);
        Taken { taken, left: amount.saturating_sub(self.used), wait, reset }
    }

    fn push(&mut self, count: u32, rate: &Rate, now: u64) {
        self.used += u64::from(count);
        let grain = if rate.amount > EXACT { period(rate) / PARTS } else { 0 };
        match self.parts.back_mut().filter(|newest| now - newest.first <= grain) {
            Some(newest) => (newest.last, newest.count) = (now, newest.count + count),
            None => self.parts.push_back(Part { first: now, last: now, count }),
        }
    }

    /// The newest pieces come back first.
    fn give_back(&mut self, mut pieces: u64) {
        while let Some(part) = self.parts.back_mut().filter(|_| pieces > 0) {
            let back = pieces.min(u64::from(part.count));
            (pieces, self.used) = (pieces - back, self.used - back);
            part.count -= back as u32;
            if part.count == 0 {
                self.parts.pop_back();
            }
        }
    }

    /// The time at which so many pieces have come back.
    fn back_at(&self, mut pieces: u64, rate: &Rate) -> u64 {
        for part in &self.parts {
            pieces = pieces.saturating_sub(u64::from(part.count));
            if pieces == 0 {
                return part.last.saturating_add(period(rate));
            }
        }
        NEVER
    }

    /// The time at which a piece can be taken; none if one can be taken now.
    pub(super) fn free_at(&self, rate: &Rate) -> Option<u64> {
        let over = (self.used + 1).checked_sub(u64::from(rate.amount)).filter(|over| *over > 0)?;
        Some(self.back_at(over, rate))
    }

    /// The time at which the next pieces come back.
    pub(super) fn next(&self, rate: &Rate) -> Option<u64> {
        self.parts.front().map(|part| part.last.saturating_add(period(rate)))
    }

    pub(super) fn used(&self) -> u64 {
        self.used
    }

    /// The bytes that it takes besides itself.
    pub(super) fn size(&self) -> usize {
        self.parts.capacity() * size_of::<Part>()
    }
}
