//! Finds out which tasks a listen stream may receive notifications of, by asking the part that keeps tasks.

use super::Bus;
use crate::dispatch::principal::Principal;
use crate::host::engine::Engine;
use std::sync::Arc;

/// Keeps tasks, and knows which principal each belongs to.
pub(crate) trait TaskWatch: Send + Sync {
    /// Calls `done`, now or later, with those of `ids` that `principal` may be notified of. No lock is held during
    /// the call.
    fn watch(&self, ids: Vec<Arc<str>>, principal: Option<&Principal>, done: Watched);
}

/// The callback of [`TaskWatch::watch`].
pub(crate) type Watched = Box<dyn FnOnce(Vec<Arc<str>>) + Send>;

impl Bus {
    pub(super) fn task_watch(&self) -> Option<&Arc<dyn TaskWatch>> {
        self.tasks.get()
    }
}

impl Engine {
    /// Lets listen streams accept tasks in their filters. It is called once; without it, streams leave tasks out.
    pub(crate) fn watch_tasks(&self, watch: Arc<dyn TaskWatch>) {
        let _ = self.0.bus.tasks.set(watch);
    }
}
