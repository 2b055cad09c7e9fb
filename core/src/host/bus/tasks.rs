//! Finds out which tasks a listen stream may receive notifications of, by asking the part that keeps tasks.

use super::Bus;
use crate::host::engine::Engine;
use std::sync::Arc;

/// Keeps tasks and knows whose they are.
pub(crate) trait TaskWatch: Send + Sync {
    /// Calls `done`, now or later, with those of `ids` that `principal` may be told of. Called without a lock.
    fn watch(&self, ids: Vec<Arc<str>>, principal: Option<&Arc<str>>, done: Watched);
}

/// What [`TaskWatch::watch`] calls.
pub(crate) type Watched = Box<dyn FnOnce(Vec<Arc<str>>) + Send>;

impl Bus {
    pub(super) fn task_watch(&self) -> Option<&Arc<dyn TaskWatch>> {
        self.tasks.get()
    }
}

impl Engine {
    /// Has listen streams take tasks into their filters. Said once; without it they leave them out.
    pub(crate) fn watch_tasks(&self, watch: Arc<dyn TaskWatch>) {
        let _ = self.0.bus.tasks.set(watch);
    }
}
