//! Decides when a stream needs a comment, so that no proxy closes it as idle.

use std::time::{Duration, Instant};

/// The output of one stream, as [`KeepAlive::is_due`] last saw it.
#[derive(Default)]
pub(in crate::runtime::http) struct KeepAlive {
    /// `true` if something was sent since the last check.
    active: bool,
    quiet_since: Option<Instant>,
}

impl KeepAlive {
    /// Records that something was sent.
    pub(in crate::runtime::http) fn sent(&mut self) {
        self.active = true;
    }

    /// Whether something was sent, or the stream was checked before.
    pub(in crate::runtime::http) fn has_begun(&self) -> bool {
        self.active || self.quiet_since.is_some()
    }

    /// Whether nothing was sent for `quiet`. Must be called periodically.
    pub(in crate::runtime::http) fn is_due(&mut self, now: Instant, quiet: Duration) -> bool {
        match self.quiet_since {
            Some(since) if !std::mem::take(&mut self.active) => now.saturating_duration_since(since) >= quiet,
            _ => {
                *self = KeepAlive { active: false, quiet_since: Some(now) };
                false
            }
        }
    }
}
