//! The list of open streams, which need keep-alive messages.

use crate::dispatch::shrinking_map::shrink;
use crate::locks::Mutex;
use crate::runtime::http::response::response_channel::ResponseChannel;
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// Open event streams. Plain JSON answers never come here.
#[derive(Default)]
pub(in crate::runtime::http) struct OpenStreams {
    table: Mutex<Table>,
    /// Those that a client listens on end: the server is closing.
    ended: AtomicBool,
}

#[derive(Default)]
struct Table {
    next: u64,
    open: HashMap<u64, Arc<ResponseChannel>>,
}

/// One open stream's place; leaves it when dropped.
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

    /// Lets no stream stay open that a client listens on.
    pub(in crate::runtime::http) fn end(&self) {
        self.ended.store(true, Ordering::SeqCst);
    }

    /// Ends a stream that a client has just begun to listen on, if it may not stay open. Whoever ends them all finds it
    /// in the engine, or it is seen here.
    pub(in crate::runtime::http) fn end_if_closing(&self, end: impl FnOnce()) {
        if self.ended.load(Ordering::SeqCst) {
            end();
        }
    }

    /// Has a comment sent on every stream that was quiet for `quiet`.
    pub(in crate::runtime::http) fn keep_alive(&self, now: Instant, quiet: Duration) {
        // Waking under the lock would let a stream that ends at once wait for itself.
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
