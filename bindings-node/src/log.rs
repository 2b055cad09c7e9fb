//! The engine's records on their way to JavaScript: kept, up to a bound, until the environment's next turn.

use crate::calls::wake::Waker;
use std::collections::VecDeque;
use std::sync::Arc;
use tenon_mcp::locks::Mutex;
use tenon_mcp::{Log, LogLevel, Record, Wake};

/// Records, and bytes of each, that are kept.
const RECORDS: usize = 256;
const BYTES: usize = 8 << 10;

/// One record, copied.
pub(crate) struct Kept {
    pub(crate) level: LogLevel,
    pub(crate) message: String,
}

/// Takes records on any thread; JavaScript is never called here.
pub(crate) struct Records {
    /// `None`: nobody listens.
    least: Option<LogLevel>,
    queue: Mutex<Queue>,
}

#[derive(Default)]
struct Queue {
    kept: VecDeque<Kept>,
    dropped: usize,
    waker: Option<Arc<Waker>>,
}

impl Records {
    pub(crate) fn new(least: Option<LogLevel>) -> Records {
        Records { least, queue: Mutex::default() }
    }

    /// Whom to wake; those that came before wake at once. `None` when the environment does not listen any more.
    pub(crate) fn attach(&self, waker: Option<Arc<Waker>>) {
        let mut queue = self.queue.lock();
        queue.waker = waker;
        let wake = queue.waker.clone().filter(|_| !queue.kept.is_empty());
        drop(queue);
        if let Some(waker) = wake {
            waker.wake();
        }
    }

    /// What has come since, oldest first.
    pub(crate) fn take(&self) -> impl Iterator<Item = Kept> {
        let mut queue = self.queue.lock();
        let (kept, dropped) = (std::mem::take(&mut queue.kept), std::mem::take(&mut queue.dropped));
        let message =
            (dropped > 0).then(|| format!("{dropped} more records came faster than they were taken"));
        kept.into_iter().chain(message.map(|message| Kept { level: LogLevel::Warn, message }))
    }
}

impl Log for Records {
    fn enabled(&self, level: LogLevel, _target: &str) -> bool {
        self.least.is_some_and(|least| level >= least)
    }

    fn log(&self, record: &Record<'_>) {
        let mut queue = self.queue.lock();
        if queue.kept.len() == RECORDS {
            queue.dropped += 1;
            return;
        }
        let message = record.message[..record.message.floor_char_boundary(BYTES)].to_owned();
        queue.kept.push_back(Kept { level: record.level, message });
        let waker = queue.waker.clone().filter(|_| queue.kept.len() == 1);
        drop(queue);
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}
