//! Error masking: decides whether clients see the text of exceptions.

use crate::dispatch::log::{self, LogLevel};
use crate::host::engine::Engine;
use std::sync::atomic::{AtomicBool, Ordering};

/// What the program has set, and whether clients of other machines may come.
pub(crate) struct Masking {
    setting: Option<bool>,
    /// Stays once it is so: answers may be on their way from one start to the next.
    exposed: AtomicBool,
}

impl Masking {
    pub(crate) fn new(setting: Option<bool>) -> Masking {
        Masking { setting, exposed: AtomicBool::new(false) }
    }

    /// What is set; otherwise they are, once the server is served where other machines may reach it.
    pub(in crate::host) fn hides(&self) -> bool {
        self.setting.unwrap_or_else(|| self.exposed.load(Ordering::Relaxed))
    }
}

impl Engine {
    /// The server is about to be served at `place`, which other machines may reach. The log says what that means, with a level
    /// that every host shows by default.
    pub(crate) fn expose(&self, place: &str) {
        let masking = &self.0.masking;
        masking.exposed.store(true, Ordering::Relaxed);
        let what = match masking.setting {
            Some(true) => return,
            Some(false) => "clients get the text of exceptions, because mask_errors is off",
            None => "clients get a reference in place of the text of an exception, unless mask_errors is set",
        };
        log::say(&*self.0.log, LogLevel::Warn, log::SERVER, || {
            format!("served at {place}, which other machines may reach: {what}")
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_set_counts_and_otherwise_who_may_come() {
        for (setting, before, after) in
            [(None, false, true), (Some(true), true, true), (Some(false), false, false)]
        {
            let masking = Masking::new(setting);
            assert_eq!(masking.hides(), before, "{setting:?}");
            masking.exposed.store(true, Ordering::Relaxed);
            assert_eq!(masking.hides(), after, "{setting:?}");
        }
    }
}
