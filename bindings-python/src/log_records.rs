//! The engine's log records on their way to Python's `logging`.

use std::collections::VecDeque;
use std::sync::Weak;
use std::sync::atomic::{AtomicU8, Ordering};
use tenon_mcp::__private::AUDIT;
use tenon_mcp::locks::Mutex;
use tenon_mcp::{Log, LogLevel, Record, Wake};

/// The maximum number of records that wait for the interpreter. Further records are counted and dropped.
const MAX_RECORDS: usize = 1024;
/// The maximum number of bytes of their texts.
const MAX_BYTES: usize = 1 << 20;

/// A bounded queue: engine threads put records in and never wait for the interpreter.
pub(crate) struct Records {
    queue: Mutex<Queue>,
    /// The lowest level that is taken, a number of `logging`.
    level: AtomicU8,
    /// Wakes a thread with the interpreter, which takes the records.
    wake: Mutex<Option<Weak<dyn Wake>>>,
}

#[derive(Default)]
struct Queue {
    entries: VecDeque<LogEntry>,
    bytes: usize,
    dropped: u64,
}

/// A record as level, logger and text.
pub(crate) type LogEntry = (u8, String, String);

/// The number of a level in Python's `logging` module.
pub(crate) fn python_level(level: LogLevel) -> u8 {
    match level {
        LogLevel::Debug => 10,
        LogLevel::Info => 20,
        LogLevel::Warn => 30,
        _ => 40,
    }
}

impl Records {
    pub(crate) fn new() -> Records {
        Records {
            queue: Mutex::default(),
            level: AtomicU8::new(python_level(LogLevel::Warn)),
            wake: Mutex::new(None),
        }
    }

    /// Takes records of `level` and above from now on, and calls `wake` for each.
    pub(crate) fn attach(&self, level: u8, wake: Weak<dyn Wake>) {
        self.level.store(level, Ordering::Relaxed);
        *self.wake.lock() = Some(wake);
    }

    pub(crate) fn pop(&self) -> Option<LogEntry> {
        let mut queue = self.queue.lock();
        if let Some(entry) = queue.entries.pop_front() {
            queue.bytes -= entry.2.len();
            return Some(entry);
        }
        let dropped = std::mem::take(&mut queue.dropped);
        let text = || format!("{dropped} log records were dropped because too many were waiting");
        (dropped > 0).then(|| (python_level(LogLevel::Warn), "tenon_mcp".to_owned(), text()))
    }
}

impl Log for Records {
    fn enabled(&self, level: LogLevel, target: &str) -> bool {
        // The program may want audit events and no other records of their level, so `logging` decides about them.
        target == AUDIT || python_level(level) >= self.level.load(Ordering::Relaxed)
    }

    fn log(&self, record: &Record<'_>) {
        {
            let mut queue = self.queue.lock();
            if queue.entries.len() >= MAX_RECORDS || queue.bytes + record.message.len() > MAX_BYTES {
                queue.dropped += 1;
                return;
            }
            queue.bytes += record.message.len();
            let entry =
                (python_level(record.level), record.target.replace("::", "."), record.message.to_owned());
            queue.entries.push_back(entry);
        }
        let wake = self.wake.lock().as_ref().and_then(Weak::upgrade);
        if let Some(wake) = wake {
            wake.wake();
        }
    }
}
