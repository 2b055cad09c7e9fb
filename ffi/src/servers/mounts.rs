//! Servers that are mounted in others. Their callbacks run there too, and stay for as long as calls may need them.

use crate::abi::guard::Result;
use crate::abi::status::*;
use crate::calls::reentrancy::Inside;
use crate::entries::handlers::Handler;
use crate::servers::inline::Here;
use crate::servers::server_builder::Adopt;
use crate::servers::server_state::Inner;
use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Weak};
use tenon_mcp::locks::{Mutex, RwLock};
use tenon_mcp::{CallId, HandlerId, Target};

/// How many [`Left`] there are in the process. The number is mostly 0, and then calls search no further.
static LEFT: AtomicUsize = AtomicUsize::new(0);

/// Serializes mounting, so that two mounts at the same time cannot make a circle.
static TAKING: Mutex<()> = Mutex::new(());

/// A server's relations to other servers by mounting.
#[derive(Default)]
pub(crate) struct Mounts {
    within: RwLock<Within>,
    /// The servers that it is mounted in, or was.
    above: Mutex<Vec<Weak<Inner>>>,
    /// How often it is mounted.
    count: AtomicUsize,
}

/// The servers that are mounted in a server, or were.
#[derive(Default)]
struct Within {
    parts: Vec<Part>,
    left: Vec<Arc<Left>>,
}

impl Within {
    /// Records that a part was unmounted here. Returns the record of an earlier unmount.
    fn leave(
        &mut self,
        part: Weak<Inner>,
        calls: Calls,
        handlers: &HashMap<u32, Arc<Handler>>,
        (hooks, parts): (HashMap<u32, Arc<Handler>>, Vec<Weak<Inner>>),
    ) -> Option<Arc<Left>> {
        let place = self.left.iter().position(|left| Weak::ptr_eq(&left.part, &part));
        let earlier = place.map(|place| self.left.swap_remove(place));
        let mut left = match &earlier {
            None => Left::new(part, calls),
            Some(earlier) => {
                let mut left = Left::new(part, earlier.calls.and(&calls));
                left.parts.clone_from(&earlier.parts);
                left.handlers.clone_from(&earlier.handlers);
                left.hooks.clone_from(&earlier.hooks);
                left
            }
        };
        if !left.calls.calls.is_empty() {
            left.handlers.extend(handlers.iter().map(|(id, handler)| (*id, handler.clone())));
        }
        if !hooks.is_empty() {
            (left.hooks, left.parts) = (hooks, parts);
        }
        if !left.calls.calls.is_empty() || !left.hooks.is_empty() {
            self.left.push(Arc::new(left));
        }
        earlier
    }
}

/// A server within another.
struct Part {
    inner: Arc<Inner>,
    /// How often it is mounted there.
    mounts: usize,
    /// It has been mounted there, so its "stop" hook may run.
    known: bool,
}

impl Drop for Part {
    fn drop(&mut self) {
        self.inner.mounts.count.fetch_sub(self.mounts, Ordering::SeqCst);
    }
}

/// What an unmounted part still needs here: its calls in flight, and its hooks, which run at the end.
struct Left {
    part: Weak<Inner>,
    /// The part, and the servers that were mounted in it.
    parts: Vec<Weak<Inner>>,
    calls: Calls,
    /// The callbacks for those calls.
    handlers: HashMap<u32, Arc<Handler>>,
    hooks: HashMap<u32, Arc<Handler>>,
}

impl Left {
    fn new(part: Weak<Inner>, calls: Calls) -> Left {
        LEFT.fetch_add(1, Ordering::SeqCst);
        Left { part, parts: Vec::new(), calls, handlers: HashMap::new(), hooks: HashMap::new() }
    }

    fn handler(&self, id: HandlerId) -> Option<Arc<Handler>> {
        self.handlers.get(&id.0).or_else(|| self.hooks.get(&id.0)).cloned()
    }
}

impl Drop for Left {
    fn drop(&mut self) {
        LEFT.fetch_sub(1, Ordering::SeqCst);
    }
}

/// The calls in flight that a part had when it was unmounted.
#[derive(Default)]
struct Calls {
    calls: Vec<(Weak<Inner>, CallId)>,
    /// How many of them are known to have ended.
    ended: AtomicUsize,
}

impl Calls {
    fn new(calls: Vec<(Weak<Inner>, CallId)>) -> Calls {
        Calls { calls, ended: AtomicUsize::new(0) }
    }

    /// Whether one is still in flight. Checks each call until it has ended, and then the next ones.
    fn are_any(&self) -> bool {
        let in_flight = |(server, call): &(Weak<Inner>, CallId)| {
            let server = server.upgrade();
            let started = server.as_ref().and_then(|server| server.if_started().ok().flatten());
            started.is_some_and(|started| !started.port.is_cancelled(*call))
        };
        let ended = self.ended.load(Ordering::Relaxed);
        let more = self.calls[ended..].iter().position(in_flight);
        self.ended.fetch_max(more.map_or(self.calls.len(), |more| ended + more), Ordering::Relaxed);
        more.is_some()
    }

    fn and(&self, other: &Calls) -> Calls {
        let ended = self.ended.load(Ordering::Relaxed);
        let all = self.calls[ended..].iter().chain(&other.calls);
        let mut known = HashSet::new();
        Calls::new(
            all.filter(|(server, call)| known.insert((server.as_ptr().addr(), *call))).cloned().collect(),
        )
    }
}

impl Mounts {
    /// Whether the server is mounted somewhere. Then its settings cannot change, and its callbacks may be needed there.
    pub(crate) fn are_any(&self) -> bool {
        self.count.load(Ordering::SeqCst) > 0
    }

    /// Drops all mounts here. No lock may be held, because callbacks may be destroyed with them.
    pub(crate) fn clear(&self) {
        let within = std::mem::take(&mut *self.within.write());
        drop(within);
    }

    /// A callback of a part.
    pub(crate) fn handler(&self, id: HandlerId) -> Option<Arc<Handler>> {
        let parts: Vec<_> = {
            let within = self.within.read();
            let left = || within.left.iter().find_map(|left| left.handler(id));
            let found = within.parts.iter().find_map(|part| part.inner.handler(id)).or_else(left);
            if found.is_some() || within.left.is_empty() {
                return found;
            }
            within.left.iter().flat_map(|left| left.parts.iter().cloned()).collect()
        };
        // A hook may differ from the one at the unmount. Searched without the lock, because this may hold the last
        // reference to the part.
        parts.iter().filter_map(Weak::upgrade).find_map(|part| part.own_handler(id))
    }

    fn parts(&self) -> Vec<Arc<Inner>> {
        self.within.read().parts.iter().map(|part| part.inner.clone()).collect()
    }
}

impl Inner {
    /// Makes another server a part of this one.
    pub(crate) fn mount(self: &Arc<Self>, other: &Arc<Inner>, prefix: Option<&str>) -> Result<()> {
        self.check_fork()?;
        other.check_fork()?;
        // First, because a call may come as soon as an entry is there.
        self.take_in(other)?;
        let mounted = self.mount_part(other, prefix);
        if mounted.is_err() {
            self.leave(other);
        }
        mounted
    }

    fn take_in(self: &Arc<Self>, other: &Arc<Inner>) -> Result<()> {
        let _taking = TAKING.lock();
        if other.has_within(self) {
            return Err(Failure::state("mount: the server is a part of the other one already"));
        }
        other.mounts.count.fetch_add(1, Ordering::SeqCst);
        {
            let mut above = other.mounts.above.lock();
            above
                .retain(|above| above.strong_count() > 0 && !std::ptr::eq(above.as_ptr(), Arc::as_ptr(self)));
            above.push(Arc::downgrade(self));
        }
        let mut within = self.mounts.within.write();
        match within.parts.iter_mut().find(|part| Arc::ptr_eq(&part.inner, other)) {
            Some(part) => part.mounts += 1,
            None => within.parts.push(Part { inner: other.clone(), mounts: 1, known: false }),
        }
        Ok(())
    }

    fn mount_part(self: &Arc<Self>, other: &Arc<Inner>, prefix: Option<&str>) -> Result<()> {
        let part = other.setup.lock().build()?;
        let here = Arc::downgrade(self);
        let adopt: Adopt = Arc::new(move |target: &Target| match target {
            Target::Inline { lane, handler, .. } => {
                Target::Inline { lane: *lane, handler: *handler, host: Arc::new(Here(here.clone())) }
            }
            target => target.clone(),
        });
        {
            let mut setup = self.setup.lock();
            self.allow_workers(true, &setup);
            setup.mount((other.address(), part), prefix, adopt)?;
        }
        let mut within = self.mounts.within.write();
        let own = within.parts.iter_mut().filter(|part| Arc::ptr_eq(&part.inner, other));
        own.for_each(|part| part.known = true);
        Ok(())
    }

    /// Unmounts another server. Calls in flight go on.
    pub(crate) fn unmount(self: &Arc<Self>, other: &Arc<Inner>, prefix: Option<&str>) -> Result<()> {
        self.check_fork()?;
        other.check_fork()?;
        self.setup.lock().unmount(other.address(), prefix)?;
        self.leave(other);
        Ok(())
    }

    /// Removes one mount of a part.
    fn leave(self: &Arc<Self>, other: &Arc<Inner>) {
        let (handlers, hooks) = (other.all_handlers(), other.all_hooks());
        let calls = Calls::new(self.calls_of(&handlers));
        let mut parts = vec![Arc::downgrade(other)];
        other.add_parts(&mut parts);
        let begun = !hooks.is_empty() && self.is_started_here_or_above();
        let gone = {
            let mut within = self.mounts.within.write();
            let place = within.parts.iter().position(|part| Arc::ptr_eq(&part.inner, other));
            place.and_then(|place| {
                let part = &mut within.parts[place];
                part.mounts -= 1;
                part.inner.mounts.count.fetch_sub(1, Ordering::SeqCst);
                if part.mounts > 0 {
                    return None;
                }
                let part = within.parts.remove(place);
                let hooks = if part.known && begun { (hooks.clone(), parts) } else { Default::default() };
                // Under the same lock, because a call that waits for a thread must find its callback at any time.
                let replaced = within.leave(Arc::downgrade(other), calls, &handlers, hooks);
                Some((part, replaced))
            })
        };
        drop((handlers, hooks));
        drop(gone);
        self.let_go();
    }

    /// Drops what was unmounted and is not needed any more. No lock may be held, because callbacks may be destroyed with
    /// it.
    pub(crate) fn let_go(self: &Arc<Self>) {
        if LEFT.load(Ordering::SeqCst) > 0 && self.check_fork().is_ok() {
            self.let_go_now();
        }
    }

    #[cold]
    fn let_go_now(self: &Arc<Self>) {
        // A thread that frees the server waits until this is complete, or has dropped everything already.
        let Some(_pass) = self.enter() else { return };
        let _inside = Inside::enter(self.address(), Inside::is_inline());
        self.mounts.parts().iter().for_each(|part| part.let_go());
        let all = self.mounts.within.read().left.clone();
        for left in all {
            if left.calls.are_any() || left.handlers.is_empty() && !left.hooks.is_empty() {
                continue;
            }
            let hooks = (!left.hooks.is_empty()).then(|| {
                let mut hooks = Left::new(left.part.clone(), Calls::default());
                hooks.parts.clone_from(&left.parts);
                hooks.hooks.clone_from(&left.hooks);
                Arc::new(hooks)
            });
            let removed = {
                let mut within = self.mounts.within.write();
                let place = within.left.iter().position(|other| Arc::ptr_eq(other, &left));
                place.map(|place| match hooks {
                    Some(hooks) => std::mem::replace(&mut within.left[place], hooks),
                    None => within.left.swap_remove(place),
                })
            };
            drop(removed);
            drop(left);
        }
    }

    /// The calls in flight, here and where this server is mounted, that need one of these callbacks.
    fn calls_of(self: &Arc<Self>, handlers: &HashMap<u32, Arc<Handler>>) -> Vec<(Weak<Inner>, CallId)> {
        let is_called = |id: HandlerId| handlers.contains_key(&id.0);
        let mut calls = Vec::new();
        for server in self.here_and_above() {
            let Ok(Some(started)) = server.if_started() else { continue };
            let of = started.port.calls_of(is_called);
            calls.extend(of.into_iter().map(|call| (Arc::downgrade(&server), call)));
        }
        calls
    }

    fn add_parts(&self, all: &mut Vec<Weak<Inner>>) {
        for part in self.mounts.parts() {
            all.push(Arc::downgrade(&part));
            part.add_parts(all);
        }
    }

    fn is_started_here_or_above(self: &Arc<Self>) -> bool {
        self.here_and_above().iter().any(|server| matches!(server.if_started(), Ok(Some(_))))
    }

    /// The callbacks of this server and of the servers that are mounted in it.
    fn all_handlers(&self) -> HashMap<u32, Arc<Handler>> {
        let mut all = self.own_handlers();
        let left = self.mounts.within.read().left.clone();
        all.extend(left.iter().flat_map(|left| left.handlers.clone()));
        all.extend(self.mounts.parts().iter().flat_map(|part| part.all_handlers()));
        all
    }

    /// The callbacks of hooks.
    fn all_hooks(&self) -> HashMap<u32, Arc<Handler>> {
        let own: Vec<_> = self.setup.lock().hooks().collect();
        let mut all: HashMap<_, _> =
            own.into_iter().filter_map(|id| Some((id.0, self.handler(id)?))).collect();
        let left = self.mounts.within.read().left.clone();
        all.extend(left.iter().flat_map(|left| left.hooks.clone()));
        all.extend(self.mounts.parts().iter().flat_map(|part| part.all_hooks()));
        all
    }

    fn has_within(&self, other: &Arc<Inner>) -> bool {
        self.address() == other.address() || self.mounts.parts().iter().any(|part| part.has_within(other))
    }

    /// The servers whose calls may use entries of this one: itself, and the servers that it is mounted in, or was. The
    /// latter may form a circle.
    fn here_and_above(self: &Arc<Self>) -> Vec<Arc<Inner>> {
        let mut found: Vec<Arc<Inner>> = Vec::new();
        let mut left = vec![self.clone()];
        while let Some(inner) = left.pop() {
            if !found.iter().any(|known| Arc::ptr_eq(known, &inner)) {
                left.extend(inner.mounts.above.lock().iter().filter_map(Weak::upgrade));
                found.push(inner);
            }
        }
        found
    }
}
