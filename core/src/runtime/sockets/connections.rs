//! The open connections of a listener, so that the server can end them at shutdown.

use crate::dispatch::shares::{Part, Share};
use crate::dispatch::shrinking_map::shrink;
use crate::host::Wake;
use crate::locks::{Condvar, Mutex};
use crate::runtime::sockets::idle_state::IdleState;
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicIsize, AtomicU8, Ordering};
use std::task::Waker;
use std::time::Instant;

/// The phase of a listener's shutdown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::runtime) enum Phase {
    /// All requests are served.
    Open = 0,
    /// No more connections are accepted. Existing connections end when they have no request in flight.
    Draining = 1,
    /// All connections end.
    Dead = 2,
}

/// The tasks of a listener, which are woken when the phase changes.
///
/// A task reads the phase with one atomic load per poll; a connection has no other cost.
#[derive(Default)]
pub(in crate::runtime) struct Connections {
    phase: AtomicU8,
    table: Mutex<Table>,
    /// The number of connections that wait for a request.
    idle: Arc<AtomicIsize>,
    changed: Condvar,
}

#[derive(Default)]
struct Table {
    next: u64,
    tasks: HashMap<u64, Task>,
    /// The key of the accepting task, if it waits until one more connection fits.
    waits_for_room: Option<u64>,
}

struct Task {
    idle_state: Arc<IdleState>,
    /// The waker that the task has registered.
    waker: Option<Waker>,
}

/// The entry of one task. Dropping the guard removes the entry, whether the task has finished or not.
pub(in crate::runtime) struct TaskGuard {
    connections: Arc<Connections>,
    key: u64,
    idle_state: Arc<IdleState>,
    /// The part of the client's share that the connection takes.
    _part: Option<Part>,
}

impl Connections {
    pub(in crate::runtime) fn phase(&self) -> Phase {
        match self.phase.load(Ordering::Acquire) {
            0 => Phase::Open,
            1 => Phase::Draining,
            _ => Phase::Dead,
        }
    }

    /// Advances to a later phase, and wakes all tasks. The phase never goes back.
    pub(in crate::runtime) fn advance(&self, phase: Phase) {
        self.phase.fetch_max(phase as u8, Ordering::AcqRel);
        let wakers: Vec<Waker> = {
            let table = self.table.lock();
            table.tasks.values().filter_map(|task| task.waker.clone()).collect()
        };
        for waker in wakers {
            waker.wake();
        }
    }

    pub(in crate::runtime) fn enter(self: &Arc<Self>) -> TaskGuard {
        self.enter_for(None, None)
    }

    /// Adds a task for a client that has a share.
    pub(in crate::runtime) fn enter_for(
        self: &Arc<Self>,
        share: Option<Arc<Share>>,
        part: Option<Part>,
    ) -> TaskGuard {
        self.enter_bounded(usize::MAX, share, part).expect("there is no bound")
    }

    /// Adds a task if there are fewer than `max` tasks.
    pub(in crate::runtime) fn enter_bounded(
        self: &Arc<Self>,
        max: usize,
        share: Option<Arc<Share>>,
        part: Option<Part>,
    ) -> Option<TaskGuard> {
        let idle_state = IdleState::new(share, self.idle.clone());
        let mut table = self.table.lock();
        if table.tasks.len() >= max {
            return None;
        }
        table.next += 1;
        let key = table.next;
        table.tasks.insert(key, Task { idle_state: idle_state.clone(), waker: None });
        Some(TaskGuard { connections: self.clone(), key, idle_state, _part: part })
    }

    /// Evicts connections that wait for a request: those of the client `of`, or of any client. The connections that
    /// wait longest end first. Returns whether a connection was evicted. A search through all connections is costly, so
    /// if many are idle, several are evicted at once.
    pub(in crate::runtime) fn evict(&self, of: Option<&Arc<Share>>) -> bool {
        // Checked first, because otherwise each further connection of a client with many busy connections would cause a
        // search through all connections.
        let none = |idle: &AtomicIsize| idle.load(Ordering::Relaxed) <= 0;
        if none(&self.idle) || of.is_some_and(|share| none(&share.idle)) {
            return false;
        }
        let wakers: Vec<Waker> = {
            let table = self.table.lock();
            let idle = table.tasks.values().filter_map(|task| Some((task.idle_state.idle_since(of)?, task)));
            let mut idle: Vec<_> = idle.collect();
            let most = (idle.len() / 256).max(1);
            if most < idle.len() {
                idle.select_nth_unstable_by_key(most - 1, |(since, _)| *since);
            }
            let ended = idle.into_iter().take(most);
            ended
                .filter_map(|(_, task)| task.idle_state.evict().then(|| task.waker.clone()).flatten())
                .collect()
        };
        let any = !wakers.is_empty();
        wakers.into_iter().for_each(Waker::wake);
        any
    }

    /// Whether there are fewer than `max` tasks. If not, the accepting task is woken when a task ends.
    pub(in crate::runtime) fn has_room(&self, max: usize, acceptor: &TaskGuard) -> bool {
        let mut table = self.table.lock();
        let full = table.tasks.len() >= max;
        table.waits_for_room = full.then_some(acceptor.key);
        !full
    }

    /// Blocks until at most `left` tasks are left, or until `end`, which is read again after each wake.
    pub(in crate::runtime) fn wait(&self, left: usize, end: impl Fn() -> Instant) {
        let mut table = self.table.lock();
        while table.tasks.len() > left {
            let end = end();
            if Instant::now() >= end {
                return;
            }
            self.changed.wait_until(&mut table, end);
        }
    }
}

/// Called when the deadline for which a thread waits has changed.
impl Wake for Connections {
    fn wake(&self) {
        drop(self.table.lock());
        self.changed.notify_all();
    }
}

impl TaskGuard {
    /// Registers the waker for changes of the phase. Read the phase after this call, because a change before this call
    /// does not wake the task.
    pub(in crate::runtime) fn register(&self, waker: &Waker) {
        if let Some(task) = self.connections.table.lock().tasks.get_mut(&self.key) {
            task.waker = Some(waker.clone());
        }
    }

    pub(in crate::runtime) fn phase(&self) -> Phase {
        self.connections.phase()
    }

    pub(in crate::runtime) fn idle_state(&self) -> &Arc<IdleState> {
        &self.idle_state
    }
}

impl Drop for TaskGuard {
    fn drop(&mut self) {
        let acceptor = {
            let mut table = self.connections.table.lock();
            table.tasks.remove(&self.key);
            shrink(&mut table.tasks);
            table.waits_for_room.take().and_then(|key| table.tasks.get(&key)?.waker.clone())
        };
        self.connections.changed.notify_all();
        if let Some(acceptor) = acceptor {
            acceptor.wake();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dispatch::limits::Limits;
    use crate::dispatch::shares::{Key, Shares};
    use std::time::Duration;

    #[test]
    fn the_connection_that_is_idle_for_longest_ends_first() {
        let connections: Arc<Connections> = Arc::default();
        let guards: Vec<_> = (0..4).map(|_| connections.enter()).collect();
        guards.iter().for_each(|guard| guard.register(Waker::noop()));
        let now = Instant::now();
        // The first one has a request in progress.
        for (guard, seconds) in [(1, 5), (2, 1), (3, 3)] {
            guards[guard].idle_state().idle(now + Duration::from_secs(seconds));
        }
        let ended = || guards.iter().map(|guard| guard.idle_state().must_end()).collect::<Vec<_>>();
        assert!(connections.evict(None));
        assert_eq!(ended(), [false, false, true, false]);
        // A request that arrives after the eviction is answered.
        guards[3].idle_state().busy();
        assert!(connections.evict(None));
        assert_eq!(ended(), [false, true, true, false]);
        assert!(!connections.evict(None), "nobody is idle");
    }

    #[test]
    fn nobody_is_looked_at_while_none_is_idle() {
        let shares = Shares::new(&Limits::default());
        let share = |last| shares.of(Key::V4([127, 0, 0, last]));
        let connections: Arc<Connections> = Arc::default();
        let enter = |last| connections.enter_for(Some(share(last)), None);
        let guards = [enter(1), enter(1), enter(2)];
        guards.iter().for_each(|guard| guard.register(Waker::noop()));
        // The table is locked, so reading it would block.
        let evicts = |of: Option<Arc<Share>>| {
            let held = connections.table.lock();
            let (connections, (say, said)) = (connections.clone(), std::sync::mpsc::channel());
            std::thread::spawn(move || say.send(connections.evict(of.as_ref())));
            let at_once = said.recv_timeout(Duration::from_secs(5));
            drop(held);
            at_once.expect("it does not look")
        };
        assert!(!evicts(None));
        let now = Instant::now();
        guards[2].idle_state().idle(now);
        guards[2].idle_state().idle(now);
        assert!(!evicts(Some(share(1))), "another client's is idle");
        assert!(connections.evict(Some(&share(2))));
        assert!(!evicts(Some(share(2))) && !evicts(None), "it is to end already");
        guards[0].idle_state().idle(now);
        guards[0].idle_state().busy();
        assert!(!evicts(None));
        guards[1].idle_state().idle(now);
        drop(guards);
        assert!(!evicts(None), "it is gone");
    }
}
