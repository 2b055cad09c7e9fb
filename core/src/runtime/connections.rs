//! The connections of a listener, to be told about its end.

use crate::dispatch::room::spare;
use crate::host::Wake;
use crate::locks::{Condvar, Mutex};
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::task::Waker;
use std::time::Instant;

/// How far the end of a listener has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Phase {
    /// Everything is served.
    Open = 0,
    /// No connection is accepted any more, and those there are end once they have no request in flight.
    Draining = 1,
    /// Connections end.
    Dead = 2,
}

/// Counts tasks and wakes them when the phase changes.
///
/// A task reads the phase with one load at each poll; that is all it costs a connection.
#[derive(Default)]
pub(super) struct Connections {
    phase: AtomicU8,
    table: Mutex<Table>,
    changed: Condvar,
}

#[derive(Default)]
struct Table {
    next: u64,
    /// The tasks, and the wakers of those that have been polled.
    tasks: HashMap<u64, Option<Waker>>,
    /// The accepting task, when it waits for room.
    waits_for_room: Option<u64>,
}

/// One task's place; leaves it when dropped, finished or not.
pub(super) struct Place {
    connections: Arc<Connections>,
    key: u64,
}

impl Connections {
    pub(super) fn phase(&self) -> Phase {
        match self.phase.load(Ordering::Acquire) {
            0 => Phase::Open,
            1 => Phase::Draining,
            _ => Phase::Dead,
        }
    }

    /// Goes on to a later phase and wakes everybody; never goes back.
    pub(super) fn advance(&self, phase: Phase) {
        self.phase.fetch_max(phase as u8, Ordering::AcqRel);
        let wakers: Vec<Waker> = {
            let table = self.table.lock();
            table.tasks.values().flatten().cloned().collect()
        };
        for waker in wakers {
            waker.wake();
        }
    }

    pub(super) fn enter(self: &Arc<Self>) -> Place {
        self.enter_bounded(usize::MAX).expect("there is no bound")
    }

    /// The same if there are fewer than `max`.
    pub(super) fn enter_bounded(self: &Arc<Self>, max: usize) -> Option<Place> {
        let mut table = self.table.lock();
        if table.tasks.len() >= max {
            return None;
        }
        table.next += 1;
        let key = table.next;
        table.tasks.insert(key, None);
        Some(Place { connections: self.clone(), key })
    }

    /// Whether there are fewer than `max` tasks; if not, the accepting one is woken once there are.
    pub(super) fn has_room(&self, max: usize, acceptor: &Place) -> bool {
        let mut table = self.table.lock();
        let full = table.tasks.len() >= max;
        table.waits_for_room = full.then_some(acceptor.key);
        !full
    }

    /// Blocks until at most `left` tasks are left, or until `end`, which is asked again when this is woken.
    pub(super) fn wait(&self, left: usize, end: impl Fn() -> Instant) {
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

/// The end that somebody waits for has moved.
impl Wake for Connections {
    fn wake(&self) {
        drop(self.table.lock());
        self.changed.notify_all();
    }
}

impl Place {
    /// Has the task woken when the phase changes. Look at the phase after this, not before.
    pub(super) fn register(&self, waker: &Waker) {
        if let Some(place) = self.connections.table.lock().tasks.get_mut(&self.key) {
            *place = Some(waker.clone());
        }
    }

    pub(super) fn phase(&self) -> Phase {
        self.connections.phase()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let acceptor = {
            let mut table = self.connections.table.lock();
            table.tasks.remove(&self.key);
            spare(&mut table.tasks);
            table.waits_for_room.take().and_then(|key| table.tasks.get(&key).cloned().flatten())
        };
        self.connections.changed.notify_all();
        if let Some(acceptor) = acceptor {
            acceptor.wake();
        }
    }
}
