//! Servers that are mounted in others: their callbacks run there too, and stay for as long as they may be asked for.

use crate::guard::Result;
use crate::handlers::Handler;
use crate::inline::Here;
use crate::inner::Inner;
use crate::setup::Adopt;
use crate::status::*;
use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Weak};
use tenon_mcp::locks::{Mutex, RwLock};
use tenon_mcp::{HandlerId, Target};

/// How many [`Left`] there are in the process. Mostly none, so that no call looks further.
static LEFT: AtomicUsize = AtomicUsize::new(0);

/// One part is taken in at a time, so that two do not make a circle together.
static TAKING: Mutex<()> = Mutex::new(());

/// A server's place among others.
#[derive(Default)]
pub(crate) struct Mounts {
    within: RwLock<Within>,
    /// Where it is mounted, or was.
    above: Mutex<Vec<Weak<Inner>>>,
    /// How often it is mounted.
    count: AtomicUsize,
}

/// What is mounted in a server.
#[derive(Default)]
struct Within {
    parts: Vec<Part>,
    left: Vec<Arc<Left>>,
}

/// A server within another.
struct Part {
    inner: Arc<Inner>,
    /// How often it is mounted there.
    mounts: usize,
    /// It has been mounted there, so it may be told of the stop.
    known: bool,
}

impl Drop for Part {
    fn drop(&mut self) {
        self.inner.mounts.count.fetch_sub(self.mounts, Ordering::SeqCst);
    }
}

/// The callbacks of a part that was unmounted, for the calls in flight.
struct Left {
    handlers: HashMap<u32, Arc<Handler>>,
    /// One of them is to be told of the stop.
    stops: bool,
}

impl Left {
    fn new(handlers: HashMap<u32, Arc<Handler>>, stops: bool) -> Arc<Left> {
        LEFT.fetch_add(1, Ordering::SeqCst);
        Arc::new(Left { handlers, stops })
    }
}

impl Drop for Left {
    fn drop(&mut self) {
        LEFT.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Mounts {
    /// Whether it is mounted somewhere, so that its settings stay as they are and its callbacks may be asked for there.
    pub(crate) fn are_any(&self) -> bool {
        self.count.load(Ordering::SeqCst) > 0
    }

    /// Lets go of all that is mounted here. No lock may be held: with it callbacks may end.
    pub(crate) fn clear(&self) {
        let within = std::mem::take(&mut *self.within.write());
        drop(within);
    }

    /// A callback of a part.
    pub(crate) fn handler(&self, id: HandlerId) -> Option<Arc<Handler>> {
        let within = self.within.read();
        let left = || within.left.iter().find_map(|left| left.handlers.get(&id.0).cloned());
        within.parts.iter().find_map(|part| part.inner.handler(id)).or_else(left)
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
        // First: a call may come as soon as an entry is there.
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

    /// Undoes that. Calls in flight go on.
    pub(crate) fn unmount(self: &Arc<Self>, other: &Arc<Inner>, prefix: Option<&str>) -> Result<()> {
        self.check_fork()?;
        other.check_fork()?;
        self.setup.lock().unmount(other.address(), prefix)?;
        self.leave(other);
        Ok(())
    }

    /// One mount of a part is over.
    fn leave(self: &Arc<Self>, other: &Arc<Inner>) {
        let (handlers, stops) = (other.all_handlers(), other.hears_stop());
        let gone: Vec<_> = {
            let mut within = self.mounts.within.write();
            let own = within.parts.iter_mut().filter(|part| Arc::ptr_eq(&part.inner, other));
            own.for_each(|part| {
                part.mounts -= 1;
                part.inner.mounts.count.fetch_sub(1, Ordering::SeqCst);
            });
            let gone: Vec<_> = within.parts.extract_if(.., |part| part.mounts == 0).collect();
            // At once: a call that waits for a thread finds its callback at any time.
            within.left.extend(gone.iter().map(|part| Left::new(handlers.clone(), stops && part.known)));
            gone
        };
        drop(handlers);
        drop(gone);
        self.let_go();
    }

    /// Lets go of what was unmounted and is not asked for any more. No lock may be held: with it callbacks may end.
    pub(crate) fn let_go(self: &Arc<Self>) {
        if LEFT.load(Ordering::SeqCst) > 0 {
            self.let_go_now();
        }
    }

    #[cold]
    fn let_go_now(self: &Arc<Self>) {
        self.mounts.parts().iter().for_each(|part| part.let_go_now());
        let left = self.mounts.within.read().left.clone();
        if left.is_empty() {
            return;
        }
        let servers = self.here_and_above();
        let started = || servers.iter().filter_map(|server| server.if_started().ok().flatten());
        for left in left {
            let is_called = |id: HandlerId| left.handlers.contains_key(&id.0);
            if left.stops && started().next().is_some()
                || started().any(|started| started.port.has_call_of(is_called))
            {
                continue;
            }
            self.mounts.within.write().left.retain(|other| !Arc::ptr_eq(other, &left));
            drop(left);
        }
    }

    /// The callbacks of this server and of what is mounted in it.
    fn all_handlers(&self) -> HashMap<u32, Arc<Handler>> {
        let mut all = self.own_handlers();
        let left = self.mounts.within.read().left.clone();
        all.extend(left.iter().flat_map(|left| left.handlers.clone()));
        all.extend(self.mounts.parts().iter().flat_map(|part| part.all_handlers()));
        all
    }

    fn hears_stop(&self) -> bool {
        self.setup.lock().hears_stop() || self.mounts.parts().iter().any(|part| part.hears_stop())
    }

    fn has_within(&self, other: &Arc<Inner>) -> bool {
        self.address() == other.address() || self.mounts.parts().iter().any(|part| part.has_within(other))
    }

    /// The servers whose calls may be of entries of this one: itself, and those that it is mounted in, or was. The latter may
    /// be in a circle.
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
