//! Error masking: decides whether clients see the text of exceptions. `shaping` replaces the text.

use crate::dispatch::log::{self, LogLevel};
use crate::host::engine::Engine;
use crate::host::engine_state::Shared;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};

/// The program's setting, and whether clients on other machines may connect.
pub(crate) struct Masking {
    /// [`UNSET`], or whether texts are masked.
    setting: AtomicU8,
    /// Once true, it stays true: responses may still be in flight from one start to the next.
    exposed: AtomicBool,
}

const UNSET: u8 = 2;

impl Masking {
    pub(crate) fn new(setting: Option<bool>) -> Masking {
        let masking = Masking { setting: AtomicU8::new(UNSET), exposed: AtomicBool::new(false) };
        masking.set(setting);
        masking
    }

    pub(in crate::host) fn set(&self, setting: Option<bool>) {
        self.setting.store(setting.map_or(UNSET, u8::from), Ordering::Relaxed);
    }

    fn setting(&self) -> Option<bool> {
        Some(self.setting.load(Ordering::Relaxed))
            .filter(|setting| *setting != UNSET)
            .map(|setting| setting == 1)
    }

    /// Whether texts are masked: as the program has set it, or else if the server is served where other machines may
    /// reach it.
    pub(in crate::host) fn hides(&self) -> bool {
        self.setting().unwrap_or_else(|| self.exposed.load(Ordering::Relaxed))
    }
}

impl Shared {
    /// A random text by which a client's error can be found in the log.
    pub(in crate::host) fn error_reference(&self) -> String {
        let mut random = [0; 8];
        match self.environment.random(&mut random) {
            Ok(()) => format!("{:016x}", u64::from_be_bytes(random)),
            Err(_) => "none".to_owned(),
        }
    }
}

impl Engine {
    /// Records that the server is about to be served at `place`, which other machines may reach. Logs what clients
    /// will get, at a level that every host shows by default.
    pub(crate) fn expose(&self, place: &str) {
        let masking = &self.0.masking;
        masking.exposed.store(true, Ordering::Relaxed);
        let what = match masking.setting() {
            Some(true) => return,
            Some(false) => "clients receive the text of exceptions, because error masking is off",
            None => "clients receive a reference instead of an exception's text, unless error masking is set",
        };
        self.0.observers.diagnose(LogLevel::Warn, log::SERVER, || {
            format!("the server is served at {place}, which other machines may reach: {what}")
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
