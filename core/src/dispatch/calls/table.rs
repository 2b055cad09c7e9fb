//! The call table: it holds every call in flight. Exactly one event ends a call: answer, cancel, timeout, disconnect
//! or shutdown.
//!
//! A call ends in one atomic step: the removal of a slot's entry under its shard's lock. The thread that gets the entry
//! ends the call. All other threads find the slot empty or of another generation, and do nothing.

use crate::sync::{AtomicU64, AtomicUsize, Mutex, Ordering};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

const SHARDS: usize = 8;

/// Identifies one call while it is in flight. An id is never reused while anything may still refer to it.
///
/// 32 bits of slot and 32 bits of generation: two `u32` for JavaScript, one `u64` elsewhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CallId(u64);

impl CallId {
    /// The id as one number, for callers in other languages.
    pub fn to_u64(self) -> u64 {
        self.0
    }

    /// The id from [`CallId::to_u64`]. An invalid number is treated as a call that has ended.
    pub fn from_u64(value: u64) -> CallId {
        CallId(value)
    }

    fn new(slot: u32, generation: u32) -> CallId {
        CallId(u64::from(generation) << 32 | u64::from(slot))
    }

    fn slot(self) -> u32 {
        self.0 as u32
    }

    fn generation(self) -> u32 {
        (self.0 >> 32) as u32
    }
}

struct Slot<T> {
    generation: u32,
    /// Whether the call counts toward the capacity.
    bounded: bool,
    deadline: Option<Instant>,
    entry: Option<T>,
}

struct Shard<T> {
    slots: Vec<Slot<T>>,
    free: Vec<u32>,
}

/// A table of calls in flight, each with an entry of type `T` and an optional deadline.
pub struct CallTable<T> {
    shards: Box<[Mutex<Shard<T>>]>,
    next_shard: AtomicUsize,
    /// The calls that count toward the capacity.
    count: AtomicUsize,
    /// The other calls.
    unbounded: AtomicUsize,
    capacity: usize,
    earliest: Earliest,
}

/// The earliest deadline. Most calls do not change it, which a single read shows.
struct Earliest {
    /// The time origin: the first deadline that was set. Others may lie before it.
    origin: OnceLock<Instant>,
    /// Nanoseconds since [`ORIGIN`] before the origin.
    at: AtomicU64,
}

const ORIGIN: u64 = 1 << 62;
/// No deadline.
const NEVER: u64 = u64::MAX;

impl Earliest {
    fn new() -> Earliest {
        Earliest { origin: OnceLock::new(), at: AtomicU64::new(NEVER) }
    }

    fn number(&self, time: Instant) -> u64 {
        let nanos = |time: Duration| u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        let origin = *self.origin.get_or_init(|| time);
        match time.checked_duration_since(origin) {
            // A deadline that is centuries away may fire earlier.
            Some(after) => ORIGIN.saturating_add(nanos(after)).min(NEVER - 1),
            None => ORIGIN.saturating_sub(nanos(origin.saturating_duration_since(time))),
        }
    }

    fn time(&self, number: u64) -> Option<Instant> {
        let origin = *self.origin.get()?;
        match number.checked_sub(ORIGIN) {
            _ if number == NEVER => None,
            Some(after) => origin.checked_add(Duration::from_nanos(after)),
            None => origin.checked_sub(Duration::from_nanos(ORIGIN - number)),
        }
    }

    /// Records a deadline, and returns whether it is earlier than all before.
    fn note(&self, deadline: Instant) -> bool {
        let number = self.number(deadline);
        self.at.load(Ordering::Acquire) > number && self.at.fetch_min(number, Ordering::AcqRel) > number
    }

    fn forget(&self) {
        self.at.store(NEVER, Ordering::Release);
    }

    fn get(&self) -> Option<Instant> {
        self.time(self.at.load(Ordering::Acquire))
    }
}

/// The table holds its configured maximum.
#[derive(Debug, PartialEq, Eq)]
pub struct Full;

impl<T> CallTable<T> {
    /// A table for at most `capacity` calls.
    pub fn new(capacity: usize) -> CallTable<T> {
        Self::with_shards(capacity, SHARDS)
    }

    pub(crate) fn with_shards(capacity: usize, shards: usize) -> CallTable<T> {
        CallTable {
            shards: (0..shards).map(|_| Mutex::new(Shard { slots: Vec::new(), free: Vec::new() })).collect(),
            next_shard: AtomicUsize::new(0),
            count: AtomicUsize::new(0),
            unbounded: AtomicUsize::new(0),
            capacity,
            earliest: Earliest::new(),
        }
    }

    /// The number of calls in flight.
    pub fn len(&self) -> usize {
        self.count.load(Ordering::Acquire) + self.unbounded.load(Ordering::Acquire)
    }

    /// Whether no call is in flight.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn shard(&self, slot: u32) -> (&Mutex<Shard<T>>, usize) {
        let slot = slot as usize;
        (&self.shards[slot % self.shards.len()], slot / self.shards.len())
    }

    /// Adds a call, or fails if the table is full.
    #[cfg(test)]
    pub fn insert(
        &self,
        deadline: Option<Instant>,
        make: impl FnOnce(CallId) -> T,
    ) -> Result<(CallId, bool), Full> {
        self.insert_within(true, deadline, make)
    }

    /// Adds a call; `make` gets the id of the call. Returns whether its deadline is now the earliest. A call that
    /// is not `bounded` does not count toward the capacity, and is added even if the table is full.
    // One function adds both kinds of calls. So the compiler inlines it, and makes the entry, which is large, in its slot.
    #[inline]
    pub fn insert_within(
        &self,
        bounded: bool,
        deadline: Option<Instant>,
        make: impl FnOnce(CallId) -> T,
    ) -> Result<(CallId, bool), Full> {
        let (count, most) = match bounded {
            true => (&self.count, self.capacity),
            false => (&self.unbounded, usize::MAX),
        };
        // Not incremented first and then reverted, because that would refuse another call meanwhile.
        let one_more = |count: usize| (count < most).then_some(count + 1);
        count.fetch_update(Ordering::AcqRel, Ordering::Acquire, one_more).map_err(|_| Full)?;
        Ok(self.place(bounded, deadline, make))
    }

    /// Puts a call into a slot after it has been counted.
    #[inline]
    fn place(
        &self,
        bounded: bool,
        deadline: Option<Instant>,
        make: impl FnOnce(CallId) -> T,
    ) -> (CallId, bool) {
        let number = self.next_shard.fetch_add(1, Ordering::Relaxed) % self.shards.len();
        let id = {
            let mut shard = self.shards[number].lock();
            let place = match shard.free.pop() {
                Some(place) => place,
                None => {
                    shard.slots.push(Slot { generation: 1, bounded, deadline: None, entry: None });
                    (shard.slots.len() - 1) as u32
                }
            };
            let slot = &mut shard.slots[place as usize];
            let id = CallId::new(place * self.shards.len() as u32 + number as u32, slot.generation);
            slot.bounded = bounded;
            slot.deadline = deadline;
            slot.entry = Some(make(id));
            id
        };
        (id, self.note_deadline(deadline))
    }

    /// Ends a call: the caller that gets `Some` decides what the peer sees.
    pub fn remove(&self, id: CallId) -> Option<T> {
        self.remove_if(id, |_| true)
    }

    /// Ends a call if its deadline has passed. Another thread may have given it a later one since [`CallTable::expired`].
    pub fn remove_expired(&self, id: CallId, now: Instant) -> Option<T> {
        self.remove_if(id, |deadline| deadline.is_some_and(|deadline| deadline <= now))
    }

    #[inline]
    fn remove_if(&self, id: CallId, may: impl FnOnce(Option<Instant>) -> bool) -> Option<T> {
        let (shard, place) = self.shard(id.slot());
        let mut shard = shard.lock();
        let slot = shard.slots.get_mut(place).filter(|slot| slot.generation == id.generation())?;
        if !may(slot.deadline) {
            return None;
        }
        // An entry is large. Written like this, it is copied once.
        let (entry, bounded) = (slot.entry.take(), slot.bounded);
        if entry.is_some() {
            // A slot is retired before its generation would wrap, so that an old id can never identify a new call.
            if let Some(next) = slot.generation.checked_add(1) {
                slot.generation = next;
                shard.free.push(place as u32);
            }
            let count = if bounded { &self.count } else { &self.unbounded };
            drop(shard);
            count.fetch_sub(1, Ordering::AcqRel);
        }
        entry
    }

    /// Reads or changes a call in flight. `f` runs under a lock and must not call the table.
    pub fn with<R>(&self, id: CallId, f: impl FnOnce(&mut T) -> R) -> Option<R> {
        #[cfg(all(test, not(loom)))]
        let _held = held::enter();
        let (shard, place) = self.shard(id.slot());
        let mut shard = shard.lock();
        let slot = shard.slots.get_mut(place).filter(|slot| slot.generation == id.generation())?;
        slot.entry.as_mut().map(f)
    }

    /// Like [`CallTable::with`], for a call whose deadline has passed.
    pub fn with_expired<R>(&self, id: CallId, now: Instant, f: impl FnOnce(&mut T) -> R) -> Option<R> {
        #[cfg(all(test, not(loom)))]
        let _held = held::enter();
        let (shard, place) = self.shard(id.slot());
        let mut shard = shard.lock();
        let slot = shard.slots.get_mut(place).filter(|slot| slot.generation == id.generation())?;
        slot.deadline.filter(|deadline| *deadline <= now)?;
        slot.entry.as_mut().map(f)
    }

    /// Like [`CallTable::with`], but `f` may also change the call's deadline under the same lock. So the deadline
    /// always matches the state that `f` left. Also returns whether that deadline is now the earliest.
    pub fn with_deadline<R>(
        &self,
        id: CallId,
        f: impl FnOnce(&mut T, &mut Option<Instant>) -> R,
    ) -> Option<(R, bool)> {
        #[cfg(all(test, not(loom)))]
        let _held = held::enter();
        let (shard, place) = self.shard(id.slot());
        let (result, deadline) = {
            let mut shard = shard.lock();
            let slot = shard.slots.get_mut(place).filter(|slot| slot.generation == id.generation())?;
            let before = slot.deadline;
            let result = f(slot.entry.as_mut()?, &mut slot.deadline);
            // A deadline that has not changed is recorded already.
            (result, slot.deadline.filter(|_| slot.deadline != before))
        };
        Some((result, self.note_deadline(deadline)))
    }

    /// Visits every call in flight, one shard at a time. `f` runs under a lock and must not call the table.
    pub fn for_each(&self, mut f: impl FnMut(&mut T)) {
        for shard in &self.shards {
            shard.lock().slots.iter_mut().filter_map(|slot| slot.entry.as_mut()).for_each(&mut f);
        }
    }

    fn note_deadline(&self, deadline: Option<Instant>) -> bool {
        deadline.is_some_and(|deadline| self.earliest.note(deadline))
    }

    /// The time at which [`CallTable::expired`] should be called next. It may be early, but never late: the deadlines
    /// of ended calls are not removed. So insert and remove need no ordered structure.
    pub fn next_deadline(&self) -> Option<Instant> {
        self.earliest.get()
    }

    /// The calls whose deadline has passed; they stay in the table until removed.
    pub fn expired(&self, now: Instant) -> Vec<CallId> {
        let mut expired = Vec::new();
        // Reset first: if the sweep misses a call, that call finds the reset when it records its own deadline, by the
        // shard's lock.
        self.earliest.forget();
        let mut next: Option<Instant> = None;
        for (number, shard) in self.shards.iter().enumerate() {
            for (place, slot) in shard.lock().slots.iter().enumerate() {
                let (Some(_), Some(deadline)) = (&slot.entry, slot.deadline) else { continue };
                if deadline <= now {
                    let slot_number = (place * self.shards.len() + number) as u32;
                    expired.push(CallId::new(slot_number, slot.generation));
                } else if next.is_none_or(|next| deadline < next) {
                    next = Some(deadline);
                }
            }
        }
        self.note_deadline(next);
        expired
    }

    /// The ids of all calls in flight for which `f` holds.
    pub fn select(&self, mut f: impl FnMut(&T) -> bool) -> Vec<CallId> {
        let mut found = Vec::new();
        for (number, shard) in self.shards.iter().enumerate() {
            for (place, slot) in shard.lock().slots.iter().enumerate() {
                if slot.entry.as_ref().is_some_and(&mut f) {
                    let slot_number = (place * self.shards.len() + number) as u32;
                    found.push(CallId::new(slot_number, slot.generation));
                }
            }
        }
        found
    }
}

/// Whether this thread is inside `with`, for tests that check for forbidden operations there.
#[cfg(all(test, not(loom)))]
pub(crate) mod held {
    use std::cell::Cell;

    thread_local!(static HELD: Cell<bool> = const { Cell::new(false) });

    pub(crate) struct Held;

    pub(super) fn enter() -> Held {
        HELD.set(true);
        Held
    }

    impl Drop for Held {
        fn drop(&mut self) {
            HELD.set(false);
        }
    }

    pub(crate) fn is_held() -> bool {
        HELD.get()
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn a_call_ends_once() {
        let table = CallTable::new(4);
        let (id, _) = table.insert(None, |_| "a").unwrap();
        assert_eq!(table.with(id, |entry| *entry), Some("a"));
        assert_eq!(table.remove(id), Some("a"));
        assert_eq!(table.remove(id), None);
        assert_eq!(table.with(id, |_| ()), None);
        assert!(table.is_empty());
    }

    #[test]
    fn an_old_id_never_names_a_new_call() {
        let table = CallTable::with_shards(4, 1);
        let (old, _) = table.insert(None, |_| 1).unwrap();
        table.remove(old);
        let (new, _) = table.insert(None, |_| 2).unwrap();
        assert_ne!(old, new);
        assert_eq!(table.remove(old), None);
        assert_eq!(table.remove(new), Some(2));
        assert_eq!(table.remove(CallId::from_u64(u64::MAX)), None);
    }

    #[test]
    fn it_is_bounded() {
        let table = CallTable::new(2);
        let (first, _) = table.insert(None, |_| ()).unwrap();
        table.insert(None, |_| ()).unwrap();
        assert_eq!(table.insert(None, |_| ()).unwrap_err(), Full);
        table.remove(first);
        assert!(table.insert(None, |_| ()).is_ok());
    }

    #[test]
    fn unbounded_calls_take_no_place_of_others() {
        let table = CallTable::new(1);
        let own = || table.insert_within(false, None, |_| ()).unwrap().0;
        let (first, second) = (own(), own());
        let (bounded, _) = table.insert(None, |_| ()).unwrap();
        assert_eq!(table.insert(None, |_| ()).unwrap_err(), Full);
        assert_eq!(table.len(), 3);
        for id in [first, bounded, second] {
            table.remove(id);
        }
        assert!(table.is_empty());
        assert!(table.insert(None, |_| ()).is_ok());
    }

    #[test]
    fn deadlines_before_and_long_after_the_table_was_made_are_kept() {
        let table = CallTable::new(8);
        let now = Instant::now();
        let hour = Duration::from_secs(3600);
        let far = now + hour * 24 * 365;
        assert!(table.insert(Some(far), |_| ()).unwrap().1);
        assert_eq!(table.next_deadline(), Some(far));
        if let Some(before) = now.checked_sub(hour) {
            assert!(table.insert(Some(before), |_| ()).unwrap().1);
            assert_eq!(table.next_deadline(), Some(before));
        }
    }

    #[test]
    fn deadlines_are_found_and_the_next_one_is_never_late() {
        let table = CallTable::new(8);
        let start = Instant::now();
        let at = |ms| start + Duration::from_millis(ms);
        let (_, earliest) = table.insert(Some(at(50)), |_| "late").unwrap();
        assert!(earliest);
        let (early, earliest) = table.insert(Some(at(10)), |_| "early").unwrap();
        assert!(earliest);
        assert!(!table.insert(Some(at(90)), |_| "later").unwrap().1);
        assert_eq!(table.next_deadline(), Some(at(10)));
        assert_eq!(table.expired(at(10)), vec![early]);
        table.remove(early);
        assert_eq!(table.next_deadline(), Some(at(50)));
        assert_eq!(table.expired(at(100)).len(), 2);
    }
}
