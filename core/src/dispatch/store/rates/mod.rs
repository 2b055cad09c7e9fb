//! The memory store's allowances: what each key has taken of its rate.
//!
//! Keys with one rate are in the order of what they have taken. So the key that has taken least is found at once if the
//! table is full, whatever clients send. One key always fits, even if it needs more than all bytes.

mod bucket;
mod keys;
mod order;
mod taken;
#[cfg(test)]
mod tests;
mod usage;
mod window;

use super::memory::StoreBounds;
use super::op::{Rate, StoreDone};
use keys::Keys;
use order::Order;
use std::time::Instant;
use taken::Taken;
use usage::Usage;

/// How many changes that time has made each operation follows up. An operation causes at most one later change, so they do
/// not pile up.
const FOLLOWED_UP: usize = 4;
/// How many are followed up before a key makes room. If more are waiting, because the table was not used for a while, the
/// keys that wait count with what they had taken before.
const FOLLOWED_UP_IF_FULL: usize = 4096;

/// The latest time, in nanoseconds. At the end of the range, time stands still.
const LATEST: u64 = u64::MAX / 2;

#[derive(Default)]
pub(super) struct Rates {
    /// The time from which times are counted.
    base: Option<Instant>,
    keys: Keys,
    order: Order,
}

impl Rates {
    pub(super) fn take(
        &mut self,
        key: &str,
        by: i64,
        rate: Rate,
        bounds: &StoreBounds,
        now: Instant,
    ) -> StoreDone {
        let rate = rate.bounded();
        let base = *self.base.get_or_insert(now);
        let now = now.saturating_duration_since(base).as_nanos();
        let now = u64::try_from(now).unwrap_or(LATEST).min(LATEST);
        self.follow_up(FOLLOWED_UP, now);
        let taken = match self.keys.find(key) {
            Some(id) => self.take_known(id, by, rate, bounds, now),
            None => self.take_new(key, by, rate, bounds, now),
        };
        taken.into()
    }

    fn take_new(&mut self, key: &str, by: i64, rate: Rate, bounds: &StoreBounds, now: u64) -> Taken {
        let mut usage = Usage::new(&rate, now);
        let taken = usage.take(by, &rate, now);
        if !usage.is_unused(&rate, now) {
            let needed = Keys::size_of(key, &usage);
            self.make_room((1, needed), bounds, now);
            let order_key = self.order.enter(rate, &usage, self.keys.next());
            self.keys.insert(key, usage, order_key);
        }
        taken
    }

    fn take_known(&mut self, id: u64, by: i64, rate: Rate, bounds: &StoreBounds, now: u64) -> Taken {
        let Some(held) = self.keys.get_mut(id) else { return Usage::new(&rate, now).take(by, &rate, now) };
        if held.order_key.rate != rate {
            held.usage.change(&held.order_key.rate, &rate, now);
        }
        let taken = held.usage.take(by, &rate, now);
        if held.usage.is_unused(&rate, now) {
            self.order.leave(&held.order_key, id);
            self.keys.remove(id);
            return taken;
        }
        held.order_key = self.order.move_to(rate, &held.usage, &held.order_key, id);
        self.keys.measure(id);
        // A window that has grown may need more room.
        self.make_room((0, 0), bounds, now);
        taken
    }

    /// Follows up what has come back by now. Keys to which all has come back are removed.
    fn follow_up(&mut self, most: usize, now: u64) {
        for _ in 0..most {
            let Some(id) = self.order.due(now) else { return };
            let Some(held) = self.keys.get_mut(id) else { return };
            let rate = held.order_key.rate;
            held.usage.pass(&rate, now);
            if held.usage.is_unused(&rate, now) {
                self.order.leave(&held.order_key, id);
                self.keys.remove(id);
            } else {
                held.order_key = self.order.move_to(rate, &held.usage, &held.order_key, id);
                self.keys.measure(id);
            }
        }
    }

    /// Makes room for more keys and bytes: removes the keys that have taken least of their allowances. One that is over its
    /// limit is removed only if all are, and then the one that can take something first.
    fn make_room(&mut self, more: (usize, usize), bounds: &StoreBounds, now: u64) {
        if self.keys.has_room(more, bounds) {
            return;
        }
        self.follow_up(FOLLOWED_UP_IF_FULL, now);
        while !self.keys.has_room(more, bounds) && self.keys.len() + more.0 > 1 {
            let keys = &self.keys;
            let standing = |id| keys.get(id).map(|held| held.usage.standing(&held.order_key.rate, now));
            let Some(least) = self.order.least(standing) else { return };
            if let Some(held) = self.keys.get(least) {
                self.order.leave(&held.order_key, least);
            }
            self.keys.remove(least);
        }
    }
}
