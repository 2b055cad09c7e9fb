//! Lists as one caller sees them: without the entries that the caller may not use. Callers who may use the same entries
//! share one list.

use super::page::Listing;
use crate::locks::Mutex;
use crate::proto::version::Revision;
use std::ops::Deref;
use std::sync::Arc;

/// The list of a kind for one caller.
pub(crate) enum VisibleList<'a> {
    /// The caller may use every entry.
    Whole(&'a Listing),
    /// The entries that the caller may use.
    Some(Arc<Listing>),
}

impl Deref for VisibleList<'_> {
    type Target = Listing;

    fn deref(&self) -> &Listing {
        match self {
            VisibleList::Whole(listing) => listing,
            VisibleList::Some(listing) => listing,
        }
    }
}

/// Which entries of a kind a caller may use, one bit for each.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct VisibleSet(Vec<u64>);

impl FromIterator<bool> for VisibleSet {
    fn from_iter<I: IntoIterator<Item = bool>>(bits: I) -> VisibleSet {
        let mut words = Vec::new();
        for (place, bit) in bits.into_iter().enumerate() {
            if place % 64 == 0 {
                words.push(0);
            }
            if let (true, Some(last)) = (bit, words.last_mut()) {
                *last |= 1 << (place % 64);
            }
        }
        VisibleSet(words)
    }
}

impl VisibleSet {
    pub(super) fn has(&self, place: usize) -> bool {
        self.0.get(place / 64).is_some_and(|word| word & 1 << (place % 64) != 0)
    }
}

/// The lists that were asked for last. A list that does not fit is made for each request.
#[derive(Debug, Default)]
pub(super) struct VisibleLists(Mutex<RecentLists>);

#[derive(Debug, Default)]
struct RecentLists {
    /// The list that was used last is at the end.
    lists: Vec<(Revision, VisibleSet, Arc<Listing>)>,
    bytes: usize,
}

/// The most lists of one kind that are kept. They are searched in order.
const MAX_LISTS: usize = 64;

impl VisibleLists {
    /// The list of these entries. If none is kept, it is made, and kept within `most` bytes.
    pub(super) fn get(
        &self,
        revision: Revision,
        set: VisibleSet,
        most: usize,
        make: impl FnOnce(&VisibleSet) -> Listing,
    ) -> Arc<Listing> {
        if let Some(known) = self.0.lock().find(revision, &set) {
            return known;
        }
        let made = Arc::new(make(&set));
        let dropped = self.0.lock().keep((revision, set, made.clone()), most);
        drop(dropped);
        made
    }
}

impl RecentLists {
    fn find(&mut self, revision: Revision, set: &VisibleSet) -> Option<Arc<Listing>> {
        let place = self.lists.iter().rposition(|(of, own, _)| *of == revision && own == set)?;
        let found = self.lists.remove(place);
        let listing = found.2.clone();
        self.lists.push(found);
        Some(listing)
    }

    /// Returns what had to be dropped for it.
    fn keep(&mut self, list: (Revision, VisibleSet, Arc<Listing>), most: usize) -> Vec<Arc<Listing>> {
        let size = |list: &(Revision, VisibleSet, Arc<Listing>)| list.2.size() + list.1.0.len() * 8;
        let own = size(&list);
        if own > most {
            return vec![list.2];
        }
        let mut dropped = Vec::new();
        while self.lists.len() >= MAX_LISTS || self.bytes + own > most {
            let oldest = self.lists.remove(0);
            self.bytes -= size(&oldest);
            dropped.push(oldest.2);
        }
        self.bytes += own;
        self.lists.push(list);
        dropped
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::JsonWriter;

    fn listing(text: &str) -> Listing {
        Listing::new(std::iter::once(text), |text, out: &mut JsonWriter| _ = out.str(text))
    }

    fn set(bits: &[usize]) -> VisibleSet {
        (0..130).map(|place| bits.contains(&place)).collect()
    }

    #[test]
    fn a_set_has_the_bits_that_it_was_made_of() {
        let set = set(&[0, 63, 64, 129]);
        let has: Vec<_> = (0..200).filter(|place| set.has(*place)).collect();
        assert_eq!(has, [0, 63, 64, 129]);
    }

    #[test]
    fn lists_are_made_once_and_the_oldest_go_first() {
        let lists = VisibleLists::default();
        let revision = Revision::V2026_07_28;
        let get = |bits: &[usize], most, text: &str| {
            let mut made = false;
            lists.get(revision, set(bits), most, |_| {
                made = true;
                listing(text)
            });
            made
        };
        let most = 3 * (listing("0123456789").size() + 24);
        for place in 0..3 {
            assert!(get(&[place], most, "0123456789"));
        }
        assert!(!get(&[0], most, "0123456789"), "it is kept");
        assert!(get(&[3], most, "0123456789"), "one more");
        assert!(!get(&[0], most, "0123456789"), "it was used after [1]");
        assert!(get(&[1], most, "0123456789"), "it was the oldest");
        // One that is larger than everything is not kept, and drops nothing.
        assert!(get(&[9], most, &"x".repeat(most)) && get(&[9], most, &"x".repeat(most)));
        assert!(!get(&[1], most, "0123456789"));
        for place in 0..100 {
            get(&[place], usize::MAX, "");
        }
        assert_eq!(lists.0.lock().lists.len(), MAX_LISTS);
    }
}
