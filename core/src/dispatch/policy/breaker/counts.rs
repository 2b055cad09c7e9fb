//! The calls of the last period, and how many of them failed.

use super::FailureRate;
use std::time::Instant;

/// The number of parts in which a period is counted.
const PARTS: usize = 10;

/// The calls of the last period, in tenths of the period.
#[derive(Debug, Default)]
pub(super) struct Counts {
    /// When the present part began.
    began: Option<Instant>,
    /// The calls of each part and the failed ones among them, the present part first.
    parts: [(u32, u32); PARTS],
}

impl Counts {
    /// Counts a call. Returns whether failures are too frequent.
    pub(super) fn count(&mut self, failed: bool, rate: &FailureRate, now: Instant) -> bool {
        self.pass_time(rate, now);
        let (calls, failures) = &mut self.parts[0];
        *calls = calls.saturating_add(1);
        *failures = failures.saturating_add(u32::from(failed));
        let (calls, failures) = self.total();
        calls >= u64::from(rate.min_calls) && failures * 100 >= calls * u64::from(rate.percent)
    }

    /// Whether no call was made in the last period.
    pub(super) fn is_empty(&mut self, rate: &FailureRate, now: Instant) -> bool {
        self.pass_time(rate, now);
        self.total() == (0, 0)
    }

    fn total(&self) -> (u64, u64) {
        let sum =
            |(calls, failures), part: &(u32, u32)| (calls + u64::from(part.0), failures + u64::from(part.1));
        self.parts.iter().fold((0, 0), sum)
    }

    /// Drops the parts that are over.
    fn pass_time(&mut self, rate: &FailureRate, now: Instant) {
        let began = *self.began.get_or_insert(now);
        let part = (rate.window.as_nanos() / PARTS as u128).max(1);
        let passed = now.saturating_duration_since(began).as_nanos() / part;
        if passed == 0 {
            return;
        }
        if passed >= PARTS as u128 {
            *self = Counts { began: Some(now), ..Counts::default() };
            return;
        }
        let passed = passed as usize;
        self.parts.rotate_right(passed);
        self.parts[..passed].fill((0, 0));
        self.began = Some(began + rate.window / PARTS as u32 * passed as u32);
    }
}
