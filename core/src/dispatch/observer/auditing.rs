//! Audit events as an observer: it writes them to a file, or to the log.

use super::{Event, EventKind, Interests, Observer};
use crate::dispatch::log::{self, Log, LogLevel, Record};
use std::sync::Arc;

/// A file to which audit events are added. The layer that does I/O implements it.
pub(crate) trait AuditFile: Send + Sync {
    /// The name of the file in messages.
    fn name(&self) -> String;
    /// Adds a line. The error says why it is not in the file.
    fn append(&self, line: &str) -> Result<(), String>;
    /// Fails if lines cannot be added.
    fn check(&self) -> Result<(), String>;
}

/// Writes audit events to a file; without one, or if that fails, to the log. Unlike other observers it may wait for a disk,
/// so that an event is written before its response is sent.
pub(crate) struct AuditObserver {
    pub(crate) file: Option<Arc<dyn AuditFile>>,
    pub(crate) log: Arc<dyn Log>,
}

impl AuditObserver {
    fn log(&self, level: LogLevel, message: &str) {
        if self.log.enabled(level, log::AUDIT) {
            self.log.log(&Record { level, target: log::AUDIT, message });
        }
    }
}

impl Observer for AuditObserver {
    fn interests(&self) -> Interests {
        Interests::of(&[EventKind::CallAudited])
    }

    fn takes(&self, _: LogLevel, _: &str) -> bool {
        false
    }

    fn observe(&self, event: &Event<'_>) {
        let Event::CallAudited { record, .. } = *event else { return };
        let Some(file) = &self.file else { return self.log(LogLevel::Info, record) };
        if let Err(why) = file.append(record) {
            let name = file.name();
            self.log(LogLevel::Error, &format!("an event is not in the audit file {name}: {why}: {record}"));
        }
    }
}
