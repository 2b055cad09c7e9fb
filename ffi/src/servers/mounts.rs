//! Servers that are mounted in others. Their callbacks run there too, and stay for as long as calls may need them.

use crate::abi::guard::Result;
use crate::abi::status::*;
use crate::calls::reentrancy::Inside;
use crate::entries::handlers::Handler;
use crate::servers::config::entries::Adopt;
use crate::servers::inline::InlineRunner;
use crate::servers::state::server_state::ServerState;
use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Weak};
use tenon_mcp::locks::{Mutex, RwLock};
use tenon_mcp::{CallId, HandlerId, Target};

/// The number of [`Unmounted`] in the process. It is mostly 0, and then calls search no further.
static UNMOUNTED: AtomicUsize = AtomicUsize::new(0);

/// Serializes mounting, so that two mounts at the same time cannot make a circle.
static MOUNTING: Mutex<()> = Mutex::new(());

/// A server's relations to other servers by mounting.
#[derive(Default)]
pub(crate) struct Mounts {
    mounted: RwLock<MountedServers>,
    /// The servers that this server is mounted in, or was.
    parents: Mutex<Vec<Weak<ServerState>>>,
    /// How often this server is mounted.
    count: AtomicUsize,
}

/// The servers that are mounted in a server, or were.
#[derive(Default)]
struct MountedServers {
    parts: Vec<Part>,
    unmounted: Vec<Arc<Unmounted>>,
}

impl MountedServers {
    /// Records that a part was unmounted here. Returns the record of an earlier unmount.
    fn leave(
        &mut self,
        part: Weak<ServerState>,
        calls: Calls,
        handlers: &HashMap<u32, Arc<Handler>>,
        (hooks, parts): (HashMap<u32, Arc<Handler>>, Vec<Weak<ServerState>>),
    ) -> Option<Arc<Unmounted>> {
        let place = self.unmounted.iter().position(|unmounted| Weak::ptr_eq(&unmounted.part, &part));
        let earlier = place.map(|place| self.unmounted.swap_remove(place));
        let mut unmounted = match &earlier {
            None => Unmounted::new(part, calls),
            Some(earlier) => {
                let mut unmounted = Unmounted::new(part, earlier.calls.and(&calls));
                unmounted.parts.clone_from(&earlier.parts);
                unmounted.handlers.clone_from(&earlier.handlers);
                unmounted.hooks.clone_from(&earlier.hooks);
                unmounted
            }
        };
        if !unmounted.calls.calls.is_empty() {
            unmounted.handlers.extend(handlers.iter().map(|(id, handler)| (*id, handler.clone())));
        }
        if !hooks.is_empty() {
            (unmounted.hooks, unmounted.parts) = (hooks, parts);
        }
        if !unmounted.calls.calls.is_empty() || !unmounted.hooks.is_empty() {
            self.unmounted.push(Arc::new(unmounted));
        }
        earlier
    }
}

/// A server within another.
struct Part {
    inner: Arc<ServerState>,
    /// How often the part is mounted in the other server.
    mounts: usize,
    /// Whether the mount has succeeded, so that the part's "stop" hook may run.
    known: bool,
}

impl Drop for Part {
    fn drop(&mut self) {
        self.inner.mounts.count.fetch_sub(self.mounts, Ordering::SeqCst);
        // Until now, settings of the part could still change what clients see of it here.
        if self.inner.is_freed() && !self.inner.mounts.are_any() {
            self.inner.leave_settings();
        }
    }
}

/// The state of an unmounted part that is still needed: its calls in flight, and its hooks, which run at the
/// end.
struct Unmounted {
    part: Weak<ServerState>,
    /// The part, and the servers that were mounted in it.
    parts: Vec<Weak<ServerState>>,
    calls: Calls,
    /// The callbacks for those calls.
    handlers: HashMap<u32, Arc<Handler>>,
    hooks: HashMap<u32, Arc<Handler>>,
}

impl Unmounted {
    fn new(part: Weak<ServerState>, calls: Calls) -> Unmounted {
        UNMOUNTED.fetch_add(1, Ordering::SeqCst);
        Unmounted { part, parts: Vec::new(), calls, handlers: HashMap::new(), hooks: HashMap::new() }
    }

    fn handler(&self, id: HandlerId) -> Option<Arc<Handler>> {
        self.handlers.get(&id.0).or_else(|| self.hooks.get(&id.0)).cloned()
    }
}

impl Drop for Unmounted {
    fn drop(&mut self) {
        UNMOUNTED.fetch_sub(1, Ordering::SeqCst);
    }
}

/// The calls in flight that a part had when it was unmounted.
#[derive(Default)]
struct Calls {
    calls: Vec<(Weak<ServerState>, CallId)>,
    /// How many of the calls are known to have ended.
    ended: AtomicUsize,
}

impl Calls {
    fn new(calls: Vec<(Weak<ServerState>, CallId)>) -> Calls {
        Calls { calls, ended: AtomicUsize::new(0) }
    }

    /// Whether one is still in flight. Checks each call until it has ended, and then the next ones.
    fn are_any(&self) -> bool {
        let in_flight = |(server, call): &(Weak<ServerState>, CallId)| {
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
        let mounted = std::mem::take(&mut *self.mounted.write());
        drop(mounted);
    }

    /// A callback of a part.
    pub(crate) fn handler(&self, id: HandlerId) -> Option<Arc<Handler>> {
        let parts: Vec<_> = {
            let mounted = self.mounted.read();
            let unmounted = || mounted.unmounted.iter().find_map(|unmounted| unmounted.handler(id));
            let found = mounted.parts.iter().find_map(|part| part.inner.handler(id)).or_else(unmounted);
            if found.is_some() || mounted.unmounted.is_empty() {
                return found;
            }
            mounted.unmounted.iter().flat_map(|unmounted| unmounted.parts.iter().cloned()).collect()
        };
        // A hook may differ from the one at the unmount. The lock is not held, because this may hold the last reference
        // to the part.
        parts.iter().filter_map(Weak::upgrade).find_map(|part| part.own_handler(id))
    }

    fn parts(&self) -> Vec<Arc<ServerState>> {
        self.mounted.read().parts.iter().map(|part| part.inner.clone()).collect()
    }
}

impl ServerState {
    /// Makes another server a part of this one.
    pub(crate) fn mount(self: &Arc<Self>, other: &Arc<ServerState>, prefix: Option<&str>) -> Result<()> {
        self.check_fork()?;
        other.check_fork()?;
        // This comes first, because a call may arrive as soon as an entry exists.
        self.add_part(other)?;
        let mounted = self.mount_part(other, prefix);
        if mounted.is_err() {
            self.leave(other);
        }
        mounted
    }

    fn add_part(self: &Arc<Self>, other: &Arc<ServerState>) -> Result<()> {
        let _mounting = MOUNTING.lock();
        if other.contains(self) {
            return Err(Failure::state(
                "mount: a server cannot be mounted in itself, or in a server that it contains",
            ));
        }
        other.mounts.count.fetch_add(1, Ordering::SeqCst);
        {
            let mut parents = other.mounts.parents.lock();
            parents.retain(|parents| {
                parents.strong_count() > 0 && !std::ptr::eq(parents.as_ptr(), Arc::as_ptr(self))
            });
            parents.push(Arc::downgrade(self));
        }
        let mut mounted = self.mounts.mounted.write();
        match mounted.parts.iter_mut().find(|part| Arc::ptr_eq(&part.inner, other)) {
            Some(part) => part.mounts += 1,
            None => mounted.parts.push(Part { inner: other.clone(), mounts: 1, known: false }),
        }
        Ok(())
    }

    fn mount_part(self: &Arc<Self>, other: &Arc<ServerState>, prefix: Option<&str>) -> Result<()> {
        let part = other.config.lock().build()?;
        let here = Arc::downgrade(self);
        let adopt: Adopt = Arc::new(move |target: &Target| match target {
            Target::Inline { lane, handler, .. } => {
                Target::Inline { lane: *lane, handler: *handler, host: Arc::new(InlineRunner(here.clone())) }
            }
            target => target.clone(),
        });
        {
            let mut config = self.config.lock();
            self.allow_workers(true, &config);
            config.mount((other.address(), part), prefix, adopt)?;
        }
        let mut mounted = self.mounts.mounted.write();
        let own = mounted.parts.iter_mut().filter(|part| Arc::ptr_eq(&part.inner, other));
        own.for_each(|part| part.known = true);
        Ok(())
    }

    /// Unmounts another server. Calls in flight continue.
    pub(crate) fn unmount(self: &Arc<Self>, other: &Arc<ServerState>, prefix: Option<&str>) -> Result<()> {
        self.check_fork()?;
        other.check_fork()?;
        self.config.lock().unmount(other.address(), prefix)?;
        self.leave(other);
        Ok(())
    }

    /// Removes one mount of a part.
    fn leave(self: &Arc<Self>, other: &Arc<ServerState>) {
        let (handlers, hooks) = (other.all_handlers(), other.all_hooks());
        let calls = Calls::new(self.calls_of(&handlers));
        let mut parts = vec![Arc::downgrade(other)];
        other.add_parts(&mut parts);
        let begun = !hooks.is_empty() && self.is_started_with_parents();
        let gone = {
            let mut mounted = self.mounts.mounted.write();
            let place = mounted.parts.iter().position(|part| Arc::ptr_eq(&part.inner, other));
            place.and_then(|place| {
                let part = &mut mounted.parts[place];
                part.mounts -= 1;
                part.inner.mounts.count.fetch_sub(1, Ordering::SeqCst);
                if part.mounts > 0 {
                    return None;
                }
                let part = mounted.parts.remove(place);
                let hooks = if part.known && begun { (hooks.clone(), parts) } else { Default::default() };
                // The same lock is held, because a call that waits for a thread must find its callback at any time.
                let replaced = mounted.leave(Arc::downgrade(other), calls, &handlers, hooks);
                Some((part, replaced))
            })
        };
        drop((handlers, hooks));
        drop(gone);
        self.drop_unmounted();
    }

    /// Drops unmounted parts that are no longer needed. No lock may be held, because callbacks may be destroyed with
    /// them.
    pub(crate) fn drop_unmounted(self: &Arc<Self>) {
        if UNMOUNTED.load(Ordering::SeqCst) > 0 && self.check_fork().is_ok() {
            self.drop_unmounted_now();
        }
    }

    #[cold]
    fn drop_unmounted_now(self: &Arc<Self>) {
        // A thread that frees the server waits until this is complete, or has dropped everything already.
        let Some(_guard) = self.enter() else { return };
        let _inside = Inside::enter(self.address(), Inside::is_inline());
        self.mounts.parts().iter().for_each(|part| part.drop_unmounted());
        let all = self.mounts.mounted.read().unmounted.clone();
        for unmounted in all {
            if unmounted.calls.are_any() || unmounted.handlers.is_empty() && !unmounted.hooks.is_empty() {
                continue;
            }
            let hooks = (!unmounted.hooks.is_empty()).then(|| {
                let mut hooks = Unmounted::new(unmounted.part.clone(), Calls::default());
                hooks.parts.clone_from(&unmounted.parts);
                hooks.hooks.clone_from(&unmounted.hooks);
                Arc::new(hooks)
            });
            let removed = {
                let mut mounted = self.mounts.mounted.write();
                let place = mounted.unmounted.iter().position(|other| Arc::ptr_eq(other, &unmounted));
                place.map(|place| match hooks {
                    Some(hooks) => std::mem::replace(&mut mounted.unmounted[place], hooks),
                    None => mounted.unmounted.swap_remove(place),
                })
            };
            drop(removed);
            drop(unmounted);
        }
    }

    /// The calls in flight, here and where this server is mounted, that need one of these callbacks.
    fn calls_of(self: &Arc<Self>, handlers: &HashMap<u32, Arc<Handler>>) -> Vec<(Weak<ServerState>, CallId)> {
        let is_called = |id: HandlerId| handlers.contains_key(&id.0);
        let mut calls = Vec::new();
        for server in self.self_and_parents() {
            let Ok(Some(started)) = server.if_started() else { continue };
            let of = started.port.calls_of(is_called);
            calls.extend(of.into_iter().map(|call| (Arc::downgrade(&server), call)));
        }
        calls
    }

    fn add_parts(&self, all: &mut Vec<Weak<ServerState>>) {
        for part in self.mounts.parts() {
            all.push(Arc::downgrade(&part));
            part.add_parts(all);
        }
    }

    fn is_started_with_parents(self: &Arc<Self>) -> bool {
        self.self_and_parents().iter().any(|server| matches!(server.if_started(), Ok(Some(_))))
    }

    /// The callbacks of this server and of the servers that are mounted in it.
    fn all_handlers(&self) -> HashMap<u32, Arc<Handler>> {
        let mut all = self.own_handlers();
        let unmounted = self.mounts.mounted.read().unmounted.clone();
        all.extend(unmounted.iter().flat_map(|unmounted| unmounted.handlers.clone()));
        all.extend(self.mounts.parts().iter().flat_map(|part| part.all_handlers()));
        all
    }

    /// The callbacks of hooks.
    fn all_hooks(&self) -> HashMap<u32, Arc<Handler>> {
        let own: Vec<_> = self.config.lock().hooks().collect();
        let mut all: HashMap<_, _> =
            own.into_iter().filter_map(|id| Some((id.0, self.handler(id)?))).collect();
        let unmounted = self.mounts.mounted.read().unmounted.clone();
        all.extend(unmounted.iter().flat_map(|unmounted| unmounted.hooks.clone()));
        all.extend(self.mounts.parts().iter().flat_map(|part| part.all_hooks()));
        all
    }

    fn contains(&self, other: &Arc<ServerState>) -> bool {
        self.address() == other.address() || self.mounts.parts().iter().any(|part| part.contains(other))
    }

    /// The servers whose calls may use entries of this one: itself, and the servers that it is mounted in, or was. The
    /// latter may form a circle.
    fn self_and_parents(self: &Arc<Self>) -> Vec<Arc<ServerState>> {
        let mut found: Vec<Arc<ServerState>> = Vec::new();
        let mut unmounted = vec![self.clone()];
        while let Some(inner) = unmounted.pop() {
            if !found.iter().any(|known| Arc::ptr_eq(known, &inner)) {
                unmounted.extend(inner.mounts.parents.lock().iter().filter_map(Weak::upgrade));
                found.push(inner);
            }
        }
        found
    }
}
