//! Counts the calls that run with each value of each key.

use crate::dispatch::policy::{KeyHash, MAX_CONCURRENCY_KEYS};
use crate::dispatch::shrinking_map::{FastMap, shrink};

/// The values of one call, by their numbers. Calls with equal values have equal numbers while one of them is held.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Values([u32; MAX_CONCURRENCY_KEYS]);

/// The values that calls have, which run or wait. A value that no call has is forgotten.
#[derive(Debug)]
pub(super) struct KeyCounts {
    /// How many calls may run with one value of each key.
    most: Vec<usize>,
    /// The number of each value, by the place of its key. Numbers make searches for a call that can run cheap.
    numbers: FastMap<(usize, KeyHash), u32>,
    values: Vec<Value>,
    /// Numbers that can be used again.
    free: Vec<u32>,
}

#[derive(Debug)]
struct Value {
    name: (usize, KeyHash),
    running: usize,
    /// The calls that have the value, running or waiting.
    holders: usize,
}

impl KeyCounts {
    pub(super) fn new(most: Vec<usize>) -> KeyCounts {
        KeyCounts { most, numbers: FastMap::default(), values: Vec::new(), free: Vec::new() }
    }

    /// The number of keys.
    #[inline]
    pub(super) fn keys(&self) -> usize {
        self.most.len()
    }

    /// Keeps the values of a call until they are released.
    pub(super) fn hold(&mut self, values: &[KeyHash]) -> Values {
        let mut held = Values::default();
        for (place, (number, value)) in held.0.iter_mut().zip(values).enumerate() {
            *number = self.number((place, *value));
            self.values[*number as usize].holders += 1;
        }
        held
    }

    fn number(&mut self, name: (usize, KeyHash)) -> u32 {
        if let Some(number) = self.numbers.get(&name) {
            return *number;
        }
        let value = Value { name, running: 0, holders: 0 };
        let number = match self.free.pop() {
            Some(number) => {
                self.values[number as usize] = value;
                number
            }
            None => {
                self.values.push(value);
                (self.values.len() - 1) as u32
            }
        };
        self.numbers.insert(name, number);
        number
    }

    /// Releases the values of a call that neither runs nor waits.
    pub(super) fn release(&mut self, values: &Values) {
        for number in self.numbers_of(values) {
            let value = &mut self.values[number as usize];
            value.holders -= 1;
            if value.holders == 0 {
                self.numbers.remove(&value.name);
                self.free.push(number);
            }
        }
        shrink(&mut self.numbers);
        if self.numbers.is_empty() {
            (self.values, self.free) = Default::default();
        }
    }

    /// Whether one more call with these values may run.
    pub(super) fn have_room(&self, values: &Values) -> bool {
        let has_room = |(most, number): (&usize, &u32)| self.values[*number as usize].running < *most;
        self.most.iter().zip(&values.0).all(has_room)
    }

    /// Counts a call that begins to run.
    pub(super) fn begin(&mut self, values: &Values) {
        for number in self.numbers_of(values) {
            self.values[number as usize].running += 1;
        }
    }

    /// Counts a call that runs no longer, and releases its values.
    pub(super) fn end(&mut self, values: &Values) {
        for number in self.numbers_of(values) {
            self.values[number as usize].running -= 1;
        }
        self.release(values);
    }

    fn numbers_of(&self, values: &Values) -> impl Iterator<Item = u32> + use<> {
        values.0.into_iter().take(self.most.len())
    }

    #[cfg(test)]
    pub(super) fn running(&self) -> Vec<(usize, KeyHash, usize)> {
        let one = |number: &u32| {
            let Value { name: (place, value), running, .. } = &self.values[*number as usize];
            (*place, *value, *running)
        };
        let mut all: Vec<_> = self.numbers.values().map(one).filter(|(.., running)| *running > 0).collect();
        all.sort();
        all
    }

    #[cfg(test)]
    pub(super) fn is_clear(&self) -> bool {
        self.numbers.is_empty() && self.values.is_empty() && self.free.is_empty()
    }
}
