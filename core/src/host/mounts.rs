//! Mounts: the entries that one server registers also appear in each server that it is mounted in, with or without a
//! prefix.
//!
//! A change is made in the server's own catalog first, and then in those of the servers around it. Each server has
//! one lock for changes, and the locks are taken from the inner server to the outer. Mounts cannot form a cycle, so
//! there is no deadlock. A mounted entry is an ordinary entry to a call: the call is not forwarded, and there is no
//! second lookup.

use super::engine::Engine;
use super::{Registered, Target};
use crate::dispatch::access::Access;
use crate::dispatch::registry::entry::Entry;
use crate::dispatch::registry::mount_names::Prefix;
use crate::dispatch::validation::arguments::Policy;
use crate::error::{Error, ErrorKind};
use crate::host::engine_state::Shared;
use crate::locks::Mutex;
use crate::proto::catalog::kind::Kind;
use crate::proto::session::subscription::Topic;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};

/// The servers that a server is mounted in, and the servers that are mounted in it.
#[derive(Default)]
pub(crate) struct Mounts {
    /// Locked while a change is made in this server and in the servers it is mounted in.
    changing: Mutex<()>,
    above: Mutex<Vec<Mount>>,
    /// The servers mounted here, in the order of the mounts.
    below: Mutex<Vec<InnerServer>>,
    /// A mount is changing the lists here. Clients are notified when it is complete.
    lists_changing: AtomicBool,
}

/// The servers whose lists a mount changes.
struct ChangedLists(Vec<Engine>);

impl ChangedLists {
    fn of(engines: Vec<Engine>) -> ChangedLists {
        engines.iter().for_each(|engine| engine.0.mounts.lists_changing.store(true, Ordering::SeqCst));
        ChangedLists(engines)
    }
}

impl Drop for ChangedLists {
    fn drop(&mut self) {
        for engine in &self.0 {
            engine.0.mounts.lists_changing.store(false, Ordering::SeqCst);
            // This includes changes that others made meanwhile.
            engine.changed();
        }
    }
}

/// Converts the target of an inner server's calls to the target in the server it is mounted in.
pub(crate) type Adopt = Arc<dyn Fn(&Target) -> Target + Send + Sync>;

#[derive(Clone)]
struct Mount {
    into: Weak<Shared>,
    prefix: Prefix,
    policy: Policy,
    adopt: Adopt,
}

#[derive(Clone)]
struct InnerServer {
    prefix: Prefix,
    server: Arc<Shared>,
    policy: Policy,
    adopt: Adopt,
}

/// A server as a part of a served one: that server itself, or one that is mounted in it.
pub(super) struct Part {
    server: Arc<Shared>,
    policy: Policy,
    /// The functions that convert the targets of calls, one for each mount between the served server and this part.
    adopt: Vec<Adopt>,
}

impl Mounts {
    /// The server that is mounted under this prefix, and the conversion of its targets.
    pub(super) fn within(&self, prefix: &Prefix) -> Option<(Arc<Shared>, Adopt)> {
        let below = self.below.lock();
        let found = below.iter().find(|below| below.prefix == *prefix)?;
        Some((found.server.clone(), found.adopt.clone()))
    }
}

/// A number that identifies a server.
fn number(server: &Arc<Shared>) -> usize {
    Arc::as_ptr(server).addr()
}

impl Part {
    /// The server's number, which its entries also have.
    pub(super) fn number(&self) -> usize {
        number(&self.server)
    }

    /// The numbers of this server and of those mounted in it.
    pub(super) fn within(&self) -> Vec<usize> {
        Engine(self.server.clone()).parts().iter().map(Part::number).collect()
    }

    /// The server's hook of this name, with the target of the hook's calls.
    pub(super) fn hook(&self, name: &str) -> Option<Arc<Registered>> {
        let own = self.server.catalog.snapshot().find(Kind::Hook, name)?.clone();
        if self.adopt.is_empty() {
            return Some(own);
        }
        let target = self.adopt.iter().rev().fold(own.target.clone(), |target, adopt| adopt(&target));
        // It was registered before, so this cannot fail.
        Registered::new(own.source.clone(), target, self.policy).ok().map(Arc::new)
    }
}

/// Only one mount at a time runs in the process, so that two mounts cannot form a cycle.
static MOUNTING: Mutex<()> = Mutex::new(());

impl Engine {
    fn above(&self) -> Vec<(Engine, Mount)> {
        let mut above = self.0.mounts.above.lock();
        above.retain(|mount| mount.into.strong_count() > 0);
        above.iter().filter_map(|mount| Some((Engine(mount.into.upgrade()?), mount.clone()))).collect()
    }

    /// Registers an entry in this server and in those it is mounted in.
    pub(crate) fn register(&self, entry: Entry, target: Target, policy: Policy) -> Result<(), Error> {
        self.register_of(number(&self.0), entry, target, policy, None)
    }

    /// Registers an entry. `inner` is what it demands of its callers in the server that is mounted here.
    fn register_of(
        &self,
        part: usize,
        entry: Entry,
        target: Target,
        policy: Policy,
        inner: Option<Access>,
    ) -> Result<(), Error> {
        let _changing = self.0.mounts.changing.lock();
        let mut registered = self.0.registered(entry, target, policy, inner)?;
        registered.part = part;
        let demanded = Access::to_mount(registered.access(), self.0.refuses_anonymous());
        if let Some(view) = registered.definition().view() {
            self.check_view_now(&registered.to_string(), &view)?;
        }
        self.check_completion_now(&registered)?;
        let (kind, name) = (registered.kind, registered.name.clone());
        let (source, target) = (registered.source.clone(), registered.target.clone());
        self.0.catalog.add(registered)?;
        for (place, (above, mount)) in self.above().iter().enumerate() {
            if let Err(error) = above.register_mounted(part, (&source, &target), mount, demanded.clone()) {
                for (above, mount) in &self.above()[..place] {
                    above.unregister_mounted(kind, &name, mount);
                }
                self.0.catalog.remove(kind, &name);
                return Err(error);
            }
        }
        self.changed();
        Ok(())
    }

    fn register_mounted(
        &self,
        part: usize,
        (source, target): (&Entry, &Target),
        mount: &Mount,
        access: Option<Access>,
    ) -> Result<(), Error> {
        let Some(mounted) = source.mounted(&mount.prefix) else { return Ok(()) };
        let mounted = mounted.map_err(|reason| Error::invalid(format!("mount: {reason}")))?;
        self.register_of(part, mounted, (mount.adopt)(target), mount.policy, access)
    }

    /// Removes an entry from this server and from the servers it is mounted in.
    pub(crate) fn unregister(&self, kind: Kind, name: &str) -> Option<Arc<Registered>> {
        self.unregister_if(kind, name, |_| true)
    }

    fn unregister_if(
        &self,
        kind: Kind,
        name: &str,
        is_meant: impl FnOnce(&Registered) -> bool,
    ) -> Option<Arc<Registered>> {
        let _changing = self.0.mounts.changing.lock();
        self.0.catalog.get(kind, name).filter(|entry| is_meant(entry))?;
        let removed = self.0.catalog.remove(kind, name)?;
        for (above, mount) in self.above() {
            above.unregister_mounted(kind, name, &mount);
        }
        self.changed();
        Some(removed)
    }

    /// Removes a mounted entry, unless the name now belongs to another entry: one of this server, or of another
    /// mount.
    fn unregister_mounted(&self, kind: Kind, name: &str, mount: &Mount) {
        if let Some(name) = mount.prefix.name(kind, name) {
            self.unregister_if(kind, &name, |entry| entry.is_of(&mount.prefix));
        }
    }

    /// Changes which entries are shown here, and applies it to the servers this one is mounted in.
    pub(crate) fn switch<R>(&self, change: impl FnOnce(&Shared) -> R) -> R {
        let _changing = self.0.mounts.changing.lock();
        let changed = change(&self.0);
        self.show_above();
        changed
    }

    /// Shows or hides entries in the servers that this server is mounted in, as they are shown or hidden here. The
    /// caller still holds the lock.
    fn show_above(&self) {
        for (above, mount) in self.above() {
            let _changing = above.0.mounts.changing.lock();
            for kind in Kind::ALL {
                for (entry, shown) in self.0.catalog.all(kind) {
                    if let Some(name) = mount.prefix.name(kind, &entry.name) {
                        above.0.catalog.show(kind, &name, &mount.prefix, shown);
                    }
                }
            }
            above.show_above();
        }
        self.changed();
    }

    /// Publishes a change of a resource or a list here and in the servers that this server is mounted in.
    pub(crate) fn publish_above(&self, topic: &Topic) {
        self.publish(topic, None);
        for (above, mount) in self.above() {
            let mounted = match topic {
                Topic::Resource(uri) => mount.prefix.address(uri).map(|uri| Topic::Resource(uri.into())),
                topic => Some(topic.clone()),
            };
            if let Some(topic) = mounted {
                above.publish_above(&topic);
            }
        }
    }

    /// This server, and then the servers that are mounted in it, each once.
    pub(super) fn parts(&self) -> Vec<Part> {
        let mut parts = Vec::new();
        let own = Part { server: self.0.clone(), policy: Policy::default(), adopt: Vec::new() };
        let mut left = vec![own];
        while let Some(part) = left.pop() {
            if parts.iter().any(|known: &Part| Arc::ptr_eq(&known.server, &part.server)) {
                continue;
            }
            let below = part.server.mounts.below.lock().clone();
            for InnerServer { server, policy, adopt, .. } in below.into_iter().rev() {
                let adopt = part.adopt.iter().cloned().chain([adopt]).collect();
                left.push(Part { server, policy, adopt });
            }
            parts.push(part);
        }
        parts
    }

    /// This server, or the server mounted in it, that has this number.
    pub(super) fn part(&self, of: usize) -> Option<Engine> {
        if of == number(&self.0) {
            return Some(self.clone());
        }
        self.parts().into_iter().find(|part| part.number() == of).map(|part| Engine(part.server))
    }

    fn is_within(&self, other: &Engine) -> bool {
        Arc::ptr_eq(&self.0, &other.0) || self.above().iter().any(|(above, _)| above.is_within(other))
    }

    /// Registers the present and future entries of another server under a prefix. If this server, or one that it is
    /// mounted in, is served, the other server's start hook runs.
    pub(crate) fn mount(
        &self,
        other: &Engine,
        prefix: Option<&str>,
        policy: Policy,
        adopt: Adopt,
    ) -> Result<(), Error> {
        let prefix = Prefix::new(prefix)?.keeping(Arc::new(adopt.clone()));
        let mount = Mount { into: Arc::downgrade(&self.0), prefix, policy, adopt };
        let mounting = MOUNTING.lock();
        if self.is_within(other) {
            return Err(Error::new(
                ErrorKind::State,
                "mount: a server cannot be mounted in itself, or in a server that it contains",
            ));
        }
        self.check_layers(other)?;
        self.check_functions(other)?;
        let below = InnerServer {
            prefix: mount.prefix.clone(),
            server: other.0.clone(),
            policy,
            adopt: mount.adopt.clone(),
        };
        self.0.mounts.below.lock().push(below);
        let mut served = self.served();
        // Before the first entry, so that no entry is called before its server has started.
        served.iter().for_each(Engine::expect_parts);
        let gathering = ChangedLists::of(self.here_and_above());
        let prefix = mount.prefix.clone();
        let mounted = self.mount_entries(other, mount);
        drop(gathering);
        if mounted.is_err() {
            self.0.mounts.below.lock().retain(|below| below.prefix != prefix);
            // A server may have begun meanwhile.
            served = self.served();
            served.iter().for_each(Engine::expect_parts);
        }
        drop(mounting);
        served.iter().for_each(Engine::start_parts);
        mounted
    }

    /// Undoes [`mount`](Self::mount): the other server's entries are removed here. Calls in flight continue.
    pub(crate) fn unmount(&self, other: &Engine, prefix: Option<&str>) -> Result<(), Error> {
        let mounting = MOUNTING.lock();
        let gathering = ChangedLists::of(self.here_and_above());
        let _changing = other.0.mounts.changing.lock();
        let mount = {
            let mut above = other.0.mounts.above.lock();
            let is_it = |mount: &Mount| {
                std::ptr::eq(mount.into.as_ptr(), Arc::as_ptr(&self.0)) && mount.prefix.text() == prefix
            };
            above.iter().position(is_it).map(|place| above.remove(place))
        };
        let Some(mount) = mount else {
            let with =
                prefix.map_or_else(|| "without a prefix".to_owned(), |prefix| format!("as {prefix:?}"));
            let what = format!("unmount: the server is not mounted here {with}");
            return Err(Error::new(ErrorKind::NotFound, what));
        };
        for kind in Kind::ALL {
            for (entry, _) in self.0.catalog.all(kind) {
                self.unregister_if(kind, &entry.name, |entry| entry.is_of(&mount.prefix));
            }
        }
        // Last, because the entries that are still here need its middleware.
        let below = {
            let mut below = self.0.mounts.below.lock();
            let place = below.iter().position(|below| below.prefix == mount.prefix);
            place.map(|place| below.remove(place))
        };
        self.served().iter().for_each(Engine::forget_parts);
        drop(gathering);
        drop(mounting);
        // This drops the host's data for the mount, unless calls in flight need it.
        drop(below);
        Ok(())
    }

    /// Whether this server is mounted in another.
    pub(super) fn is_mounted(&self) -> bool {
        self.0.mounts.above.lock().iter().any(|mount| mount.into.strong_count() > 0)
    }

    fn mount_entries(&self, other: &Engine, mount: Mount) -> Result<(), Error> {
        let _changing = other.0.mounts.changing.lock();
        let mut done: Vec<(Kind, String)> = Vec::new();
        for kind in Kind::ALL {
            for (entry, shown) in other.0.catalog.all(kind) {
                let source = entry.source_in_force();
                let handled = (&*source, &entry.target);
                let access = Access::to_mount(entry.access(), other.0.refuses_anonymous());
                if let Err(error) = self.register_mounted(entry.part, handled, &mount, access) {
                    done.iter().for_each(|(kind, name)| self.unregister_mounted(*kind, name, &mount));
                    return Err(error);
                }
                if !shown && let Some(name) = mount.prefix.name(kind, &entry.name) {
                    self.switch(|shared| shared.catalog.show(kind, &name, &mount.prefix, false));
                }
                done.push((kind, entry.name.clone()));
            }
        }
        let mut above = other.0.mounts.above.lock();
        // One server may be mounted in many that come and go.
        above.retain(|mount| mount.into.strong_count() > 0);
        above.push(mount);
        Ok(())
    }

    /// Whether list changes are notified together later.
    pub(in crate::host) fn lists_are_changing(&self) -> bool {
        self.0.mounts.lists_changing.load(Ordering::SeqCst)
    }

    /// The served ones among this server and those it is mounted in.
    fn served(&self) -> Vec<Engine> {
        let mut found = self.here_and_above();
        found.retain(Engine::has_begun);
        found
    }

    pub(super) fn here_and_above(&self) -> Vec<Engine> {
        let mut found: Vec<Engine> = Vec::new();
        let mut left = vec![self.clone()];
        while let Some(engine) = left.pop() {
            if !found.iter().any(|known| Arc::ptr_eq(&known.0, &engine.0)) {
                left.extend(engine.above().into_iter().map(|(above, _)| above));
                found.push(engine);
            }
        }
        found
    }
}
