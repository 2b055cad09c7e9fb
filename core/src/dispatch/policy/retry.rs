//! Retries: how often and when the handler of a call runs again, and the budget of an entry.

use super::breaker::Failure;
use crate::locks::Mutex;
use std::time::Duration;

/// How calls of an entry are retried.
#[derive(Debug)]
pub(crate) struct RetryRules {
    /// The most runs of the handler for one call.
    pub(crate) attempts: u32,
    pub(crate) backoff: Duration,
    pub(crate) max_backoff: Duration,
    pub(crate) counts: Vec<Failure>,
    pub(crate) budget: RetryBudget,
}

impl RetryRules {
    /// The time before another attempt, after `attempts`. `random` shortens it by up to a half.
    pub(crate) fn wait(&self, attempts: u32, random: u32) -> Duration {
        let doubled = 1_u32.checked_shl(attempts.saturating_sub(1)).unwrap_or(u32::MAX);
        let whole = self.backoff.saturating_mul(doubled).min(self.max_backoff);
        let half = whole / 2;
        half + half.mul_f64(f64::from(random) / f64::from(u32::MAX))
    }
}

/// What one retry costs, in the unit of the budget: a call adds a hundredth for each percent.
const COST: u32 = 100;
/// How many retries are in reserve.
const RESERVE: u32 = 10;

/// Bounds the retries of an entry, so that they do not multiply the load on a service that is down.
#[derive(Debug)]
pub(crate) struct RetryBudget {
    percent: u32,
    left: Mutex<u32>,
}

impl RetryBudget {
    pub(crate) fn new(percent: u32) -> RetryBudget {
        RetryBudget { percent, left: Mutex::new(RESERVE * COST) }
    }

    /// Counts a call.
    pub(crate) fn add_call(&self) {
        let mut left = self.left.lock();
        *left = (*left + self.percent).min(RESERVE * COST);
    }

    /// Takes a retry, if there is one left.
    pub(crate) fn take(&self) -> bool {
        let mut left = self.left.lock();
        let taken = left.checked_sub(COST);
        *left = taken.unwrap_or(*left);
        taken.is_some()
    }

    /// Gives a retry back that did not take place.
    pub(crate) fn give_back(&self) {
        let mut left = self.left.lock();
        *left = (*left + COST).min(RESERVE * COST);
    }

    /// Fills the reserve.
    pub(crate) fn clear(&self) {
        *self.left.lock() = RESERVE * COST;
    }

    /// The number of retries that are left.
    pub(crate) fn left(&self) -> u32 {
        *self.left.lock() / COST
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dispatch::random_tests::Random;

    #[test]
    fn times_double_and_are_shortened_at_random() {
        let rules = RetryRules {
            attempts: 10,
            backoff: Duration::from_millis(100),
            max_backoff: Duration::from_secs(2),
            counts: Vec::new(),
            budget: RetryBudget::new(10),
        };
        let longest = [100, 200, 400, 800, 1600, 2000, 2000].map(Duration::from_millis);
        for (attempts, longest) in (1..).zip(longest) {
            assert_eq!((rules.wait(attempts, 0), rules.wait(attempts, u32::MAX)), (longest / 2, longest));
        }
        assert_eq!(rules.wait(u32::MAX, u32::MAX), Duration::from_secs(2));
    }

    /// Of any calls in a row, at most the share of the budget and its reserve are retried.
    #[test]
    fn the_budget_is_a_share_of_the_calls() {
        let mut random = Random(7);
        for _ in 0..1000 {
            let percent = 1 + random.below(100) as u32;
            let budget = RetryBudget::new(percent);
            let (mut calls, mut retries) = (0_u32, 0_u32);
            for _ in 0..500 {
                calls += 1;
                budget.add_call();
                while random.below(2) == 0 && budget.take() {
                    retries += 1;
                }
                assert!(retries * COST <= calls * percent + RESERVE * COST);
            }
            // Nothing is refused while there is something left.
            while budget.take() {
                retries += 1;
            }
            assert!(retries >= RESERVE.min(retries) && budget.left() == 0);
        }
    }
}
