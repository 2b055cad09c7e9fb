//! The orders of the keys: those with one rate by what they have taken, and all by when something comes back.

use super::usage::{Standing, Usage};
use crate::dispatch::shrinking_map::{FastMap, shrink};
use crate::dispatch::store::op::Rate;
use std::collections::BTreeSet;

/// The orders. Programs declare their rates, so there are few.
#[derive(Default)]
pub(super) struct Order {
    by_rate: FastMap<Rate, BTreeSet<(u128, u64)>>,
    due: BTreeSet<(u64, u64)>,
}

/// Where a key is in the orders.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct OrderKey {
    pub(super) rate: Rate,
    rank: u128,
    due: u64,
}

impl OrderKey {
    fn of(rate: Rate, usage: &Usage) -> OrderKey {
        OrderKey { rate, rank: usage.rank(&rate), due: usage.due(&rate) }
    }
}

impl Order {
    pub(super) fn enter(&mut self, rate: Rate, usage: &Usage, id: u64) -> OrderKey {
        let order_key = OrderKey::of(rate, usage);
        self.insert(&order_key, id);
        order_key
    }

    fn insert(&mut self, order_key: &OrderKey, id: u64) {
        self.by_rate.entry(order_key.rate).or_default().insert((order_key.rank, id));
        self.due.insert((order_key.due, id));
    }

    pub(super) fn leave(&mut self, order_key: &OrderKey, id: u64) {
        self.leave_rate(order_key, id);
        self.due.remove(&(order_key.due, id));
    }

    fn leave_rate(&mut self, order_key: &OrderKey, id: u64) {
        if let Some(ranks) = self.by_rate.get_mut(&order_key.rate) {
            ranks.remove(&(order_key.rank, id));
            if ranks.is_empty() {
                self.by_rate.remove(&order_key.rate);
                shrink(&mut self.by_rate);
            }
        }
    }

    /// Moves a key to the place of what it has taken now. A key that was refused stays where it is.
    pub(super) fn move_to(&mut self, rate: Rate, usage: &Usage, from: &OrderKey, id: u64) -> OrderKey {
        let order_key = OrderKey::of(rate, usage);
        if order_key == *from {
            return order_key;
        }
        // First the new place, so that the orders of a single key need no new memory.
        self.insert(&order_key, id);
        if order_key.rate != from.rate || order_key.rank != from.rank {
            self.leave_rate(from, id);
        }
        if order_key.due != from.due {
            self.due.remove(&(from.due, id));
        }
        order_key
    }

    /// A key to which something has come back by now.
    pub(super) fn due(&self, now: u64) -> Option<u64> {
        self.due.first().filter(|(due, _)| *due <= now).map(|(_, id)| *id)
    }

    /// The key that has taken least.
    pub(super) fn least(&self, standing: impl Fn(u64) -> Option<Standing>) -> Option<u64> {
        let firsts = self.by_rate.values().filter_map(|ranks| ranks.first());
        let firsts = firsts.filter_map(|(_, id)| Some((standing(*id)?, *id)));
        firsts.min_by(|(one, _), (other, _)| one.compare(other)).map(|(_, id)| id)
    }

    #[cfg(test)]
    pub(super) fn is_empty(&self) -> bool {
        self.by_rate.is_empty() && self.due.is_empty()
    }
}
