//! The engine's log records, which wait here for the environment's next turn.

use crate::calls::wake::Waker;
use std::collections::VecDeque;
use std::sync::Arc;
use tenon_mcp::locks::Mutex;
use tenon_mcp::{Log, LogLevel, Record, Wake};

/// The maximum number of records that wait, and the maximum number of bytes of each.
const MAX_RECORDS: usize = 256;
const MAX_BYTES: usize = 8 << 10;

/// A copy of a log record.
pub(crate) struct RetainedRecord {
    pub(crate) level: LogLevel,
    pub(crate) message: String,
}

/// Takes records on any thread. It never calls JavaScript.
pub(crate) struct Records {
    /// Whether records are taken at all. The engine applies their lowest level.
    taken: bool,
    queue: Mutex<Queue>,
}

#[derive(Default)]
struct Queue {
    records: VecDeque<RetainedRecord>,
    dropped: usize,
    waker: Option<Arc<Waker>>,
}

impl Records {
    pub(crate) fn new(taken: bool) -> Records {
        Records { taken, queue: Mutex::default() }
    }

    /// Sets the waker, and wakes it if records wait already. `None` if the environment no longer listens.
    pub(crate) fn attach(&self, waker: Option<Arc<Waker>>) {
        let mut queue = self.queue.lock();
        queue.waker = waker;
        let wake = queue.waker.clone().filter(|_| !queue.records.is_empty());
        drop(queue);
        if let Some(waker) = wake {
            waker.wake();
        }
    }

    /// Takes the records, oldest first.
    pub(crate) fn take(&self) -> impl Iterator<Item = RetainedRecord> {
        let mut queue = self.queue.lock();
        let (records, dropped) = (std::mem::take(&mut queue.records), std::mem::take(&mut queue.dropped));
        let message = (dropped > 0)
            .then(|| format!("{dropped} log records were dropped because too many were waiting"));
        records.into_iter().chain(message.map(|message| RetainedRecord { level: LogLevel::Warn, message }))
    }
}

impl Log for Records {
    fn enabled(&self, _level: LogLevel, _target: &str) -> bool {
        self.taken
    }

    fn log(&self, record: &Record<'_>) {
        let mut queue = self.queue.lock();
        if queue.records.len() == MAX_RECORDS {
            queue.dropped += 1;
            return;
        }
        let message = record.message[..record.message.floor_char_boundary(MAX_BYTES)].to_owned();
        queue.records.push_back(RetainedRecord { level: record.level, message });
        let waker = queue.waker.clone().filter(|_| queue.records.len() == 1);
        drop(queue);
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}
