//! Logging as an observer: it passes diagnostic records to a [`Log`].

use super::{Event, EventKind, Interests, Observer};
use crate::dispatch::log::{LiveLevel, Log, LogLevel, Record};
use std::sync::Arc;

/// Passes diagnostic records of at least a level to a log.
pub(crate) struct LogObserver {
    pub(crate) level: Arc<LiveLevel>,
    pub(crate) log: Arc<dyn Log>,
}

impl Observer for LogObserver {
    fn interests(&self) -> Interests {
        Interests::of(&[EventKind::Diagnostic])
    }

    fn takes(&self, level: LogLevel, target: &str) -> bool {
        level >= self.level.get() && self.log.enabled(level, target)
    }

    fn observe(&self, event: &Event<'_>) {
        if let Event::Diagnostic { level, target, message } = *event
            && self.takes(level, target)
        {
            self.log.log(&Record { level, target, message: message.text() });
        }
    }
}
