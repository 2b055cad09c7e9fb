//! How much load a sample takes, and what it found.

use crate::stats::percentile;
use std::time::{Duration, Instant};

/// When to stop sending: after `calls`, but not before `at_least` has passed and not later than `at_most`.
#[derive(Clone, Copy, Debug)]
pub struct Goal {
    pub calls: u64,
    pub at_least: Duration,
    pub at_most: Duration,
}

/// One run against one process.
#[derive(Debug)]
pub struct Sample {
    pub calls: u64,
    pub wall: Duration,
    pub cpu: Duration,
    /// Nanoseconds from sending a request to having checked its reply, sorted.
    pub latencies: Vec<u32>,
}

/// What is kept of a sample; times in microseconds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Summary {
    pub calls_per_second: f64,
    pub cpu: f64,
    pub p50: f64,
    pub p99: f64,
}

impl Sample {
    /// `None` if it is empty.
    pub fn summary(&self) -> Option<Summary> {
        let latency = |percent| percentile(&self.latencies, percent).map(|ns| f64::from(ns) / 1e3);
        Some(Summary {
            calls_per_second: self.calls as f64 / self.wall.as_secs_f64(),
            p50: latency(50.0)?,
            p99: latency(99.0)?,
            cpu: self.cpu.as_secs_f64() * 1e6 / self.calls as f64,
        })
    }
}

/// Counts the calls of one run.
pub struct Meter {
    goal: Goal,
    started: Instant,
    sent: u64,
    latencies: Vec<u32>,
}

impl Meter {
    pub fn start(goal: Goal) -> Self {
        Meter { goal, started: Instant::now(), sent: 0, latencies: Vec::with_capacity(goal.calls as usize) }
    }

    /// Whether another call is to be sent at `now`; if so it counts as sent.
    pub fn take(&mut self, now: Instant) -> bool {
        let passed = now - self.started;
        let more = passed < self.goal.at_most && (self.sent < self.goal.calls || passed < self.goal.at_least);
        self.sent += u64::from(more);
        more
    }

    pub fn answered(&mut self, sent_at: Instant, now: Instant) {
        self.latencies.push(u32::try_from((now - sent_at).as_nanos()).unwrap_or(u32::MAX));
    }

    /// Closes the run: `before` is the server's CPU time at its start, `now` reads it again.
    pub fn finish(
        self,
        before: Duration,
        now: impl FnOnce() -> Result<Duration, String>,
    ) -> Result<Sample, String> {
        let wall = self.started.elapsed();
        // Possible only when a descendant ended meanwhile, whose time is known in ticks from then on.
        let cpu = now()?.checked_sub(before).ok_or("the server's CPU time ran backwards")?;
        let mut latencies = self.latencies;
        latencies.sort_unstable();
        Ok(Sample { calls: latencies.len() as u64, wall, cpu, latencies })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_goal_is_calls_within_two_bounds_of_time() {
        let ms = Duration::from_millis;
        let mut meter = Meter::start(Goal { calls: 2, at_least: ms(10), at_most: ms(20) });
        let start = meter.started;
        assert!(meter.take(start) && meter.take(start));
        assert!(meter.take(start + ms(9)), "enough calls, too little time");
        assert!(!meter.take(start + ms(10)), "enough of both");
        let mut meter = Meter::start(Goal { calls: 1000, at_least: ms(0), at_most: ms(20) });
        assert!(meter.take(meter.started + ms(19)));
        assert!(!meter.take(meter.started + ms(20)), "too slow to reach the number of calls");
    }

    #[test]
    fn latencies_come_sorted() {
        let mut meter = Meter::start(Goal { calls: 2, at_least: Duration::ZERO, at_most: Duration::MAX });
        let start = meter.started;
        meter.answered(start, start + Duration::from_nanos(30));
        meter.answered(start, start + Duration::from_nanos(10));
        let us = Duration::from_micros;
        let sample = meter.finish(us(5), || Ok(us(12))).unwrap();
        assert_eq!(sample.cpu, us(7));
        assert_eq!(sample.latencies, [10, 30]);
        assert_eq!(sample.calls, 2);
        let summary = sample.summary().unwrap();
        assert_eq!((summary.cpu, summary.p50, summary.p99), (3.5, 0.01, 0.03));
        assert_eq!(Sample { latencies: Vec::new(), ..sample }.summary(), None);
        assert!(
            Meter::start(Goal { calls: 1, at_least: us(0), at_most: us(1) })
                .finish(us(5), || Ok(us(4)))
                .is_err()
        );
    }
}
