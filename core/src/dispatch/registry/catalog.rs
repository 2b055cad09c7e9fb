//! The catalog of registered entries: changes are cheap, readers use immutable snapshots, and lists are kept as
//! bytes.

use crate::dispatch::access::{Access, Caller};
use crate::dispatch::options::Disabled;
use crate::dispatch::registry::mount_names::Prefix;
use crate::dispatch::registry::page::Listing;
use crate::dispatch::registry::registered::{Input, Registered};
use crate::dispatch::registry::visible::{VisibleList, VisibleLists, VisibleSet};
use crate::dispatch::uri_template::{TemplateSet, write_variables};
use crate::error::{Error, ErrorKind};
use crate::json::JsonSlice;
use crate::locks::{Mutex, RwLock};
use crate::proto::catalog::kind::Kind;
use crate::proto::session::capability::{Capabilities, Capability};
use crate::proto::session::extension::Extensions;
use crate::proto::session::task::TaskSupport;
use crate::proto::version::Revision;
use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, OnceLock};

/// The entries of a server at one moment, in order of registration, without the disabled ones.
#[derive(Debug)]
pub struct Snapshot<T> {
    shelves: [KindTable<T>; Kind::ALL.len()],
    capabilities: Capabilities,
    extensions: Extensions,
    /// Built at the first lookup of an address.
    templates: OnceLock<TemplateSet>,
    /// Whether callers without a principal may use an entry.
    public: OnceLock<bool>,
}

/// The entries of one kind.
#[derive(Debug)]
struct KindTable<T> {
    entries: Vec<Arc<Registered<T>>>,
    by_name: HashMap<String, usize>,
    lists: [OnceLock<Listing>; Revision::ALL.len()],
    /// Whether some callers may not use some of the entries.
    restricted: bool,
    /// The lists for such callers.
    visible: VisibleLists,
}

/// The entries, which can be changed, and the snapshot that readers share.
#[derive(Debug)]
pub struct Catalog<T> {
    entries: Mutex<Entries<T>>,
    /// Empty after a change. The next reader rebuilds it, so many changes in a row cost only one snapshot.
    snapshot: RwLock<Option<Arc<Snapshot<T>>>>,
    /// The kinds whose list has changed since the last call of `take_changed`, as bits.
    changed: AtomicU32,
    /// Whether an entry with the policy `audit` was ever registered.
    audits: AtomicBool,
    /// Whether an entry with a cache was ever registered.
    caches: AtomicBool,
    /// Whether an entry whose calls are retried was ever registered.
    retries: AtomicBool,
}

#[derive(Debug)]
struct Entries<T> {
    /// The entries of each kind, ordered by their numbers, which increase.
    in_order: [Vec<Slot<T>>; Kind::ALL.len()],
    places: [HashMap<String, u64>; Kind::ALL.len()],
    next: u64,
    /// The capabilities of all entries that were ever registered.
    had: Capabilities,
    /// The extensions of all entries that were ever registered.
    extensions: Extensions,
    /// Entries with one of these tags are hidden.
    disabled: HashSet<String>,
    /// What the settings hide, besides.
    by_settings: Disabled,
}

#[derive(Debug)]
struct Slot<T> {
    number: u64,
    enabled: bool,
    /// Whether the entry's own server shows the entry, if the entry is mounted.
    shown: bool,
    entry: Arc<Registered<T>>,
}

impl<T> Default for Catalog<T> {
    fn default() -> Self {
        let entries = Entries {
            in_order: Default::default(),
            places: Default::default(),
            next: 0,
            had: Capabilities::default(),
            extensions: Extensions::default(),
            disabled: HashSet::new(),
            by_settings: Disabled::default(),
        };
        Catalog {
            entries: Mutex::new(entries),
            snapshot: RwLock::default(),
            changed: AtomicU32::new(0),
            audits: AtomicBool::new(false),
            caches: AtomicBool::new(false),
            retries: AtomicBool::new(false),
        }
    }
}

impl<T> Entries<T> {
    fn shows(&self, slot: &Slot<T>) -> bool {
        let entry = &slot.entry;
        slot.enabled
            && slot.shown
            && !entry.tags().any(|tag| self.disabled.contains(tag))
            && !self.by_settings.hides(entry.kind, &entry.name, entry.tags())
    }

    /// The numbers of the entries that are shown, by kind.
    fn shown(&self) -> [Vec<u64>; Kind::ALL.len()] {
        Kind::ALL.map(|kind| {
            let slots = self.in_order[kind.index()].iter();
            slots.filter(|slot| self.shows(slot)).map(|slot| slot.number).collect()
        })
    }

    fn place(&self, kind: Kind, name: &str) -> Option<usize> {
        let number = self.places[kind.index()].get(name)?;
        self.in_order[kind.index()].binary_search_by_key(number, |slot| slot.number).ok()
    }
}

impl<T> Catalog<T> {
    /// Adds an entry. A second entry of the same kind and name is refused.
    pub fn add(&self, entry: Registered<T>) -> Result<(), Error> {
        let (kind, place) = (entry.kind, entry.kind.index());
        self.note_policies(&entry);
        {
            let mut entries = self.entries.lock();
            if entries.places[place].contains_key(&entry.name) {
                return Err(Error::new(ErrorKind::Duplicate, format!("{entry} is registered already")));
            }
            let number = entries.next;
            entries.next += 1;
            entries.had = capability(kind).map_or(entries.had, |capability| entries.had.with(capability));
            entries.extensions =
                entry.extension.map_or(entries.extensions, |own| entries.extensions.with(own));
            if entry.task_support != TaskSupport::Forbidden {
                entries.had = entries.had.with(Capability::Tasks);
            }
            entries.places[place].insert(entry.name.clone(), number);
            entries.in_order[place].push(Slot { number, enabled: true, shown: true, entry: Arc::new(entry) });
            *self.snapshot.write() = None;
        }
        self.note(kind);
        Ok(())
    }

    /// Whether an entry with the policy `audit` was ever registered.
    #[inline]
    pub(crate) fn audits(&self) -> bool {
        self.audits.load(Ordering::Relaxed)
    }

    /// Whether an entry whose calls are retried was ever registered.
    #[inline]
    pub(crate) fn retries(&self) -> bool {
        self.retries.load(Ordering::Relaxed)
    }

    /// Whether an entry with a cache was ever registered.
    pub(crate) fn caches(&self) -> bool {
        self.caches.load(Ordering::Relaxed)
    }

    /// Removes an entry, and returns it, so that a host can release the handler. Calls in flight continue.
    pub fn remove(&self, kind: Kind, name: &str) -> Option<Arc<Registered<T>>> {
        let (slot, shown) = {
            let mut entries = self.entries.lock();
            let place = entries.place(kind, name)?;
            entries.places[kind.index()].remove(name);
            let slot = entries.in_order[kind.index()].remove(place);
            *self.snapshot.write() = None;
            let shown = entries.shows(&slot);
            (slot, shown)
        };
        if shown {
            self.note(kind);
        }
        Some(slot.entry)
    }

    /// Puts an entry in the place of another one with its kind and name. Returns `false` if that one is not there any more.
    pub(crate) fn replace(&self, before: &Arc<Registered<T>>, entry: Registered<T>) -> bool {
        self.note_policies(&entry);
        let mut entries = self.entries.lock();
        let Some(place) = entries.place(before.kind, &before.name) else { return false };
        let slot = &mut entries.in_order[before.kind.index()][place];
        let is_meant = Arc::ptr_eq(&slot.entry, before);
        if is_meant {
            slot.entry = Arc::new(entry);
            *self.snapshot.write() = None;
        }
        is_meant
    }

    /// Records which policies there are, so that other calls do not look for them.
    pub(crate) fn note_policies(&self, entry: &Registered<T>) {
        if entry.audited().is_some() {
            self.audits.store(true, Ordering::Relaxed);
        }
        if entry.retry.is_some() {
            self.retries.store(true, Ordering::Relaxed);
        }
        if entry.cache.is_some() {
            self.caches.store(true, Ordering::Relaxed);
        }
    }

    /// Shows or hides an entry. A hidden entry is in no list and cannot be called. Returns `false` if there is none
    /// of this name.
    pub fn enable(&self, kind: Kind, name: &str, enabled: bool) -> bool {
        self.set(kind, name, |slot| slot.enabled = enabled)
    }

    /// Sets whether a mounted entry is shown in its own server. Entries that were not added by `mount` are not changed.
    pub(crate) fn show(&self, kind: Kind, name: &str, mount: &Prefix, shown: bool) {
        self.set(kind, name, |slot| {
            if slot.entry.is_of(mount) {
                slot.shown = shown;
            }
        });
    }

    fn set(&self, kind: Kind, name: &str, set: impl FnOnce(&mut Slot<T>)) -> bool {
        let changed = {
            let mut entries = self.entries.lock();
            let Some(place) = entries.place(kind, name) else { return false };
            let before = entries.shows(&entries.in_order[kind.index()][place]);
            set(&mut entries.in_order[kind.index()][place]);
            let changed = entries.shows(&entries.in_order[kind.index()][place]) != before;
            if changed {
                *self.snapshot.write() = None;
            }
            changed
        };
        if changed {
            self.note(kind);
        }
        true
    }

    /// Shows or hides the entries that have one of these tags, including those that are added later. Returns how many
    /// entries have one now.
    pub fn enable_tags(&self, tags: &[String], enabled: bool) -> usize {
        self.hide(|entries| {
            for tag in tags {
                if enabled {
                    entries.disabled.remove(tag);
                } else {
                    entries.disabled.insert(tag.clone());
                }
            }
            let has = |slot: &&Slot<T>| slot.entry.tags().any(|tag| tags.contains(tag));
            entries.in_order.iter().flatten().filter(has).count()
        })
    }

    /// Hides what the settings say, and shows what they said before. What is hidden otherwise stays hidden.
    pub(crate) fn disable_by_settings(&self, disabled: Disabled) {
        self.hide(|entries| entries.by_settings = disabled);
    }

    /// Changes what is hidden, and notes the kinds of which other entries are shown then.
    fn hide<R>(&self, change: impl FnOnce(&mut Entries<T>) -> R) -> R {
        let (result, changed) = {
            let mut entries = self.entries.lock();
            let before = entries.shown();
            let result = change(&mut entries);
            let after = entries.shown();
            let changed: Vec<_> =
                Kind::ALL.into_iter().filter(|kind| before[kind.index()] != after[kind.index()]).collect();
            if !changed.is_empty() {
                *self.snapshot.write() = None;
            }
            (result, changed)
        };
        changed.into_iter().for_each(|kind| self.note(kind));
        result
    }

    /// The entry of this name, even if it is hidden.
    pub fn get(&self, kind: Kind, name: &str) -> Option<Arc<Registered<T>>> {
        let entries = self.entries.lock();
        let place = entries.place(kind, name)?;
        Some(entries.in_order[kind.index()][place].entry.clone())
    }

    /// The entry of this name, and whether it is shown.
    pub fn look(&self, kind: Kind, name: &str) -> Option<(Arc<Registered<T>>, bool)> {
        let entries = self.entries.lock();
        let slot = &entries.in_order[kind.index()][entries.place(kind, name)?];
        Some((slot.entry.clone(), entries.shows(slot)))
    }

    /// All entries of a kind, in order of registration, and whether each is shown.
    pub fn all(&self, kind: Kind) -> Vec<(Arc<Registered<T>>, bool)> {
        let entries = self.entries.lock();
        let slots = entries.in_order[kind.index()].iter();
        slots.map(|slot| (slot.entry.clone(), entries.shows(slot))).collect()
    }

    /// Records that the list of a kind has changed, although the registered entries have not.
    pub(crate) fn note(&self, kind: Kind) {
        self.changed.fetch_or(1 << kind.index(), Ordering::AcqRel);
    }

    /// The kinds that have changed since the last time.
    pub fn take_changed(&self) -> impl Iterator<Item = Kind> {
        let bits = self.changed.swap(0, Ordering::AcqRel);
        Kind::ALL.into_iter().filter(move |kind| bits & (1 << kind.index()) != 0)
    }

    /// The present snapshot.
    pub fn snapshot(&self) -> Arc<Snapshot<T>> {
        if let Some(snapshot) = &*self.snapshot.read() {
            return snapshot.clone();
        }
        let entries = self.entries.lock();
        let mut place = self.snapshot.write();
        let shelf = |kind: Kind| KindTable::new(&entries, kind);
        place
            .get_or_insert_with(|| {
                Arc::new(Snapshot::new(Kind::ALL.map(shelf), (entries.had, entries.extensions)))
            })
            .clone()
    }
}

impl<T> KindTable<T> {
    fn new(all: &Entries<T>, kind: Kind) -> KindTable<T> {
        let slots = all.in_order[kind.index()].iter();
        let entries: Vec<_> = slots.filter(|slot| all.shows(slot)).map(|slot| slot.entry.clone()).collect();
        let by_name = entries.iter().enumerate().map(|(place, entry)| (entry.name.clone(), place)).collect();
        let restricted = entries.iter().any(|entry| entry.access().is_some());
        KindTable {
            entries,
            by_name,
            lists: Default::default(),
            restricted,
            visible: VisibleLists::default(),
        }
    }
}

/// The capability that entries of a kind need.
pub(crate) fn capability(kind: Kind) -> Option<Capability> {
    match kind {
        Kind::Tool => Some(Capability::Tools),
        Kind::Resource | Kind::ResourceTemplate | Kind::ResourceProvider => Some(Capability::Resources),
        Kind::Prompt => Some(Capability::Prompts),
        Kind::Completion => Some(Capability::Completions),
        Kind::Method | Kind::Notification | Kind::Hook => None,
    }
}

impl<T> Snapshot<T> {
    fn new(
        shelves: [KindTable<T>; Kind::ALL.len()],
        (had, extensions): (Capabilities, Extensions),
    ) -> Snapshot<T> {
        // A server that never had any entry declares tools, with an empty list.
        let capabilities = if had == Capabilities::default() { had.with(Capability::Tools) } else { had };
        Snapshot { shelves, capabilities, extensions, templates: OnceLock::new(), public: OnceLock::new() }
    }

    /// The capabilities for all kinds that have entries or ever had, because clients may already know of them.
    pub fn capabilities(&self) -> Capabilities {
        self.capabilities
    }

    /// The extensions of the server itself, by the same rule.
    pub(crate) fn extensions(&self) -> Extensions {
        self.extensions
    }

    /// The entry of this kind and name.
    pub fn find(&self, kind: Kind, name: &str) -> Option<&Arc<Registered<T>>> {
        let shelf = &self.shelves[kind.index()];
        shelf.by_name.get(name).map(|&place| &shelf.entries[place])
    }

    /// The entries of a kind, in order of registration.
    pub fn all(&self, kind: Kind) -> &[Arc<Registered<T>>] {
        &self.shelves[kind.index()].entries
    }

    /// Whether there is an entry of this kind.
    pub fn has(&self, kind: Kind) -> bool {
        !self.all(kind).is_empty()
    }

    /// The list of a kind, serialised once per snapshot and revision.
    pub fn list(&self, kind: Kind, revision: Revision) -> &Listing {
        let shelf = &self.shelves[kind.index()];
        shelf.lists[revision.index()].get_or_init(|| {
            let shown: Vec<_> = shelf.entries.iter().filter(|entry| !entry.is_hidden()).collect();
            Listing::new(shown.into_iter(), |entry, out| entry.describe(revision, out))
        })
    }

    /// Whether the list of a kind differs between callers.
    pub(crate) fn is_restricted(&self, kind: Kind) -> bool {
        self.shelves[kind.index()].restricted
    }

    /// The list of a kind for one caller. Lists for different callers are kept within `most` bytes.
    pub(crate) fn list_for(
        &self,
        kind: Kind,
        revision: Revision,
        caller: Caller<'_>,
        most: usize,
    ) -> VisibleList<'_> {
        let shelf = &self.shelves[kind.index()];
        let all = !shelf.restricted && caller.hidden.is_none();
        if all && (!caller.refuses_anonymous || caller.principal.is_some()) {
            return VisibleList::Whole(self.list(kind, revision));
        }
        let shows = |entry: &Arc<Registered<T>>| entry.permit(caller).is_ok() && entry.is_seen_by(caller);
        let set: VisibleSet = shelf.entries.iter().map(shows).collect();
        let make = |set: &VisibleSet| {
            let places = shelf.entries.iter().enumerate();
            let shown = places.filter(|(place, entry)| set.has(*place) && !entry.is_hidden());
            let shown: Vec<_> = shown.map(|(_, entry)| entry).collect();
            Listing::new(shown.into_iter(), |entry, out| entry.describe(revision, out))
        };
        VisibleList::Some(shelf.visible.get(revision, set, most, make))
    }

    /// Whether an entry is public, even if the server refuses callers without a principal.
    pub(crate) fn has_public(&self) -> bool {
        *self.public.get_or_init(|| {
            let used = Kind::ALL.into_iter().filter(|kind| *kind != Kind::Hook);
            let mut entries = used.flat_map(|kind| self.all(kind));
            entries.any(|entry| entry.access().is_some_and(Access::is_public))
        })
    }

    /// The resource at an address: the one with this address, or else the template that matches it best, with the
    /// variables as a JSON object.
    pub fn resource(&self, uri: &str) -> Option<(&Arc<Registered<T>>, JsonSlice)> {
        match self.find(Kind::Resource, uri) {
            Some(entry) => Some((entry, JsonSlice::empty_object())),
            None => self.template(uri),
        }
    }

    /// The template that matches an address, and its variables as a JSON object.
    pub fn template(&self, uri: &str) -> Option<(&Arc<Registered<T>>, JsonSlice)> {
        let entries = self.all(Kind::ResourceTemplate);
        if entries.is_empty() {
            return None;
        }
        let templates = self.templates.get_or_init(|| {
            TemplateSet::new(entries.iter().filter_map(|entry| match &entry.input {
                Input::Template(template) => Some(template.clone()),
                _ => None,
            }))
        });
        let (place, variables) = templates.find(uri)?;
        Some((&entries[place], write_variables(&variables)))
    }
}
