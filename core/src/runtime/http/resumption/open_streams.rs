//! The list of open streams, which need keep-alive messages.

use crate::dispatch::shrinking_map::shrink;
use crate::locks::Mutex;
use crate::runtime::http::response::response_channel::ResponseChannel;
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// Open event streams. JSON responses are not in this table.
#[derive(Default)]
pub(in crate::runtime::http) struct OpenStreams {
    table: Mutex<Table>,
    /// The server is closing, so listening streams end.
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

    /// Ends listening streams from now on.
    pub(in crate::runtime::http) fn end(&self) {
        self.ended.store(true, Ordering::SeqCst);
    }

    /// Ends a new listening stream if the server is closing. The code that ends all streams either finds it in
    /// the engine, or has set the flag before this check.
    pub(in crate::runtime::http) fn end_if_closing(&self, end: impl FnOnce()) {
        if self.ended.load(Ordering::SeqCst) {
            end();
        }
    }

    /// Sends a comment on every stream that was quiet for `quiet`.
    pub(in crate::runtime::http) fn keep_alive(&self, now: Instant, quiet: Duration) {
        // Collected first: a stream that is woken under the lock and ends at once would deadlock.
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
