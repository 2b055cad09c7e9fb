//! Listen streams that subscribe to tasks (T2-15).

use super::stored::TaskOwner;
use crate::dispatch::principal::Principal;
use crate::dispatch::tasks::Task;
use crate::host::bus::{TaskWatch, Watched};
use crate::host::lanes::port::HostPort;
use crate::host::{Engine, Shared};
use crate::locks::Mutex;
use crate::proto::messages::error::RpcError;
use crate::proto::version::Revision;
use std::sync::{Arc, Weak};

/// Looks up the tasks of an engine.
struct Watch(Weak<Shared>);

/// The tasks of one filter, while they are looked up.
struct Round {
    found: Vec<(usize, Arc<str>)>,
    left: usize,
    done: Option<Watched>,
}

impl TaskWatch for Watch {
    fn watch(&self, ids: Vec<Arc<str>>, principal: Option<&Principal>, done: Watched) {
        let Some(shared) = self.0.upgrade().filter(|_| !ids.is_empty()) else { return done(Vec::new()) };
        let port = HostPort(shared);
        let principal = principal.cloned();
        let round = Round { found: Vec::new(), left: ids.len(), done: Some(done) };
        let round = Arc::new(Mutex::new(round));
        for (place, id) in ids.into_iter().enumerate() {
            let whose = TaskOwner {
                id: id.to_string(),
                principal: principal.clone(),
                revision: Revision::V2026_07_28,
            };
            let round = round.clone();
            // A task that cannot be looked up now is left out, and the client sees that (SU-4).
            let then = move |found: Result<Option<Task>, RpcError>| {
                let over = {
                    let mut round = round.lock();
                    if let Ok(Some(_)) = found {
                        round.found.push((place, id));
                    }
                    round.left -= 1;
                    if round.left == 0 {
                        round.done.take().zip(Some(std::mem::take(&mut round.found)))
                    } else {
                        None
                    }
                };
                if let Some((done, mut found)) = over {
                    found.sort_unstable_by_key(|(place, _)| *place);
                    done(found.into_iter().map(|(_, id)| id).collect());
                }
            };
            port.look_at_task(whose, Box::new(then));
        }
    }
}

impl Engine {
    /// Lets listen streams accept tasks in their filters.
    pub(crate) fn show_tasks(&self) {
        self.watch_tasks(Arc::new(Watch(Arc::downgrade(&self.0))));
    }
}
