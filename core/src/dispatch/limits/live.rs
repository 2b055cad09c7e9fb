//! The limits in force, which may be replaced while other threads read them.

use crate::dispatch::limits::Limits;
use std::ops::Deref;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

/// How many different limits a server can have in its life, because earlier ones stay in memory: a reader may have a
/// reference to them.
pub(crate) const MAX_LIMITS: usize = 1024;

/// The limits of a server. Reading costs a load and a branch until the limits are first replaced.
#[derive(Debug)]
pub(crate) struct LiveLimits {
    /// Those of the start.
    first: Limits,
    /// The number of those in force. 0 stands for `first`.
    present: AtomicUsize,
    /// The others, by their numbers less one. A place that has limits keeps them.
    later: OnceLock<Box<[OnceLock<Box<Limits>>]>>,
}

impl LiveLimits {
    pub(crate) fn new(limits: Limits) -> LiveLimits {
        LiveLimits { first: limits, present: AtomicUsize::new(0), later: OnceLock::new() }
    }

    /// Keeps limits, and returns the number by which [`LiveLimits::switch_to`] puts them in force. Equal limits have one
    /// number. Fails if there have been too many.
    pub(crate) fn keep(&self, limits: Limits) -> Result<usize, String> {
        if limits == self.first {
            return Ok(0);
        }
        let later = self.later.get_or_init(|| (1..MAX_LIMITS).map(|_| OnceLock::new()).collect());
        let limits = Box::new(limits);
        let place = later.iter().position(|place| *place.get_or_init(|| limits.clone()) == limits);
        place.map(|place| place + 1).ok_or_else(|| {
            format!("the limits have changed to {MAX_LIMITS} different sets of values, and earlier ones stay in memory")
        })
    }

    /// Puts limits in force that [`LiveLimits::keep`] has numbered.
    pub(crate) fn switch_to(&self, number: usize) {
        self.present.store(number, Ordering::Release);
    }

    #[inline(never)]
    fn later(&self, number: usize) -> &Limits {
        let place = self.later.get().and_then(|later| later.get(number - 1)?.get());
        place.map_or(&self.first, |limits| limits)
    }
}

impl Deref for LiveLimits {
    type Target = Limits;

    #[inline]
    fn deref(&self) -> &Limits {
        match self.present.load(Ordering::Acquire) {
            0 => &self.first,
            number => self.later(number),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn calls(most: usize) -> Limits {
        Limits { max_calls: most, ..Limits::default() }
    }

    #[test]
    fn equal_limits_have_one_number_and_readers_keep_what_they_have() {
        let live = LiveLimits::new(calls(1));
        let before = &*live;
        let second = live.keep(calls(2)).unwrap();
        assert_eq!(live.max_calls, 1, "they are only kept");
        live.switch_to(second);
        assert_eq!((live.max_calls, before.max_calls), (2, 1));
        assert_eq!(live.keep(calls(2)), Ok(second));
        live.switch_to(live.keep(calls(1)).unwrap());
        assert_eq!(live.max_calls, 1);
    }

    #[test]
    fn the_number_of_different_limits_is_bounded() {
        let live = LiveLimits::new(calls(1));
        for most in 2..=MAX_LIMITS {
            live.switch_to(live.keep(calls(most)).unwrap());
        }
        assert!(live.keep(calls(MAX_LIMITS + 1)).unwrap_err().contains("1024 different"));
        assert_eq!(live.max_calls, MAX_LIMITS);
        live.switch_to(live.keep(calls(2)).unwrap());
        assert_eq!(live.max_calls, 2, "former ones can be used again");
    }
}
