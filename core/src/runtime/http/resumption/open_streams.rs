//! The list of open streams, which get keep-alive comments.

use crate::dispatch::shrinking_map::shrink;
use crate::locks::Mutex;
use crate::runtime::http::response::response_channel::ResponseChannel;
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// The open event streams. JSON responses are not in this table.
#[derive(Default)]
pub(in crate::runtime::http) struct OpenStreams {
    table: Mutex<Table>,
    /// `true` if the server is closing, so that listen streams must end.
    ended: AtomicBool,
}

#[derive(Default)]
struct Table {
    next: u64,
    open: HashMap<u64, Arc<ResponseChannel>>,
}

/// The table entry of one open stream. Dropping it removes the entry.
pub(in crate::runtime::http) struct OpenStreamGuard {
    streams: Arc<OpenStreams>,
    key: u64,
}

impl OpenStreams {
    pub(in crate::runtime::http) fn enter(
        self: &Arc<Self>,
        channel: &Arc<ResponseChannel>,
    ) -> OpenStreamGuard {
        let mut table = self.table.lock();
        table.next += 1;
        let key = table.next;
        table.open.insert(key, channel.clone());
        OpenStreamGuard { streams: self.clone(), key }
    }

    /// From now on, new listen streams end at once.
    pub(in crate::runtime::http) fn end(&self) {
        self.ended.store(true, Ordering::SeqCst);
    }

    /// Ends a new listen stream if the server is closing. There is no gap: the code that ends all streams either finds
    /// the new stream in the engine, or has set the flag before this check.
    pub(in crate::runtime::http) fn end_if_closing(&self, end: impl FnOnce()) {
        if self.ended.load(Ordering::SeqCst) {
            end();
        }
    }

    /// Requests a comment on every stream on which nothing was sent for `quiet`.
    pub(in crate::runtime::http) fn keep_alive(&self, now: Instant, quiet: Duration) {
        // The channels are collected first. A stream that is woken under the lock and ends at once would cause a
        // deadlock.
        let open: Vec<_> = self.table.lock().open.values().cloned().collect();
        for channel in open {
            channel.keep_alive(now, quiet);
        }
    }
}

impl Drop for OpenStreamGuard {
    fn drop(&mut self) {
        let mut table = self.streams.table.lock();
        let channel = table.open.remove(&self.key);
        shrink(&mut table.open);
        drop(table);
        drop(channel);
    }
}
