//! Measurements while the machine does nothing else: what was disturbed is measured again, as long as there is time for it.

use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::machine::Watch;

/// How long the machine is watched before another attempt.
const WATCHED: Duration = Duration::from_secs(1);

/// Repeats measurements that were disturbed.
pub struct Quiet {
    /// The time that is left for waiting and for repetitions.
    left: Duration,
    /// How many measurements there are, and how many of these were disturbed.
    pub all: usize,
    pub disturbed: usize,
}

impl Quiet {
    pub fn new(patience: Duration) -> Quiet {
        Quiet { left: patience, all: 0, disturbed: 0 }
    }

    /// The result of `work` from a time in which other processes did little; if there is no such time, of the last one.
    pub fn measure<T>(&mut self, work: impl Fn() -> Result<T, String>) -> Result<T, String> {
        self.repeat(work, Watch::start, |watch| watch.finish(true).busy)
    }

    fn repeat<T, W>(
        &mut self,
        work: impl Fn() -> Result<T, String>,
        watch: impl Fn() -> W,
        is_busy: impl Fn(W) -> bool,
    ) -> Result<T, String> {
        loop {
            let (started, watched) = (Instant::now(), watch());
            let found = work()?;
            let busy = is_busy(watched);
            if !busy || self.left.is_zero() {
                self.all += 1;
                self.disturbed += usize::from(busy);
                return Ok(found);
            }
            self.left = self.left.saturating_sub(started.elapsed());
            while !self.left.is_zero() {
                let watched = watch();
                let time = WATCHED.min(self.left);
                sleep(time);
                self.left -= time;
                if !is_busy(watched) {
                    break;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    #[test]
    fn what_was_disturbed_is_measured_again_while_there_is_time() {
        let (runs, states) = (Cell::new(0), Cell::new([true, false, false].into_iter()));
        let state = |()| {
            let mut rest = states.take();
            let now = rest.next().unwrap_or(true);
            states.set(rest);
            now
        };
        let work = || {
            runs.set(runs.get() + 1);
            Ok(runs.get())
        };
        let mut quiet = Quiet::new(Duration::from_millis(20));
        // Disturbed, then a quiet time, then quiet.
        assert_eq!(quiet.repeat(work, || (), state), Ok(2));
        assert_eq!((quiet.all, quiet.disturbed, quiet.left), (1, 0, Duration::ZERO));
        // No time is left.
        assert_eq!(quiet.repeat(work, || (), state), Ok(3));
        assert_eq!((quiet.all, quiet.disturbed), (2, 1));
        assert_eq!(quiet.measure(|| Err::<(), _>("broken".to_owned())), Err("broken".to_owned()));
    }
}
