//! The table of subscribers, with an index by topic.

use super::Subscriber;
use crate::dispatch::principal::Principal;
use crate::dispatch::shares::Part;
use crate::dispatch::shrinking_map::shrink;
use crate::proto::session::subscription::Topic;
use std::collections::HashMap;

/// Every subscriber, and an index by topic.
#[derive(Default)]
pub(super) struct Table {
    next: u64,
    entries: HashMap<u64, Entry>,
    /// In the order of the keys.
    index: HashMap<Topic, Vec<(u64, Subscriber)>>,
    streams: usize,
    principals: HashMap<Principal, usize>,
}

struct Entry {
    subscriber: Subscriber,
    principal: Option<Principal>,
    /// The part of the client's share that the subscriber takes.
    _part: Option<Part>,
    topics: Vec<Topic>,
    /// Bytes of the topics' names.
    bytes: usize,
}

/// Which of the server's limits is reached.
pub(super) enum Full {
    Streams,
    Principal,
}

/// The maximum number of named topics per subscriber, and of bytes of their names.
#[derive(Clone, Copy)]
pub(super) struct Bounds {
    pub(super) names: usize,
    pub(super) bytes: usize,
}

/// The result of adding a topic to a subscriber.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Added {
    /// The topic had no subscriber before.
    First,
    /// The topic had subscribers before, perhaps this one.
    Known,
    /// The subscriber has reached its limit of topics.
    Full,
    /// The subscriber no longer exists.
    Gone,
}

impl Table {
    /// Returns a key that was never used.
    pub(super) fn key(&mut self) -> u64 {
        self.next += 1;
        self.next
    }

    /// Whether this subscriber is there.
    pub(super) fn has_subscriber(&self, key: u64) -> bool {
        self.entries.contains_key(&key)
    }

    /// Counts a stream that has no topics yet.
    pub(super) fn enter(
        &mut self,
        key: u64,
        subscriber: Subscriber,
        (principal, part): (Option<Principal>, Option<Part>),
        (all, own): (usize, usize),
    ) -> Result<(), Full> {
        let is_stream = matches!(subscriber, Subscriber::Stream(_));
        if is_stream && self.streams >= all {
            return Err(Full::Streams);
        }
        if let Some(principal) = &principal {
            let count = self.principals.entry(principal.clone()).or_default();
            if *count >= own {
                return Err(Full::Principal);
            }
            *count += 1;
        }
        self.streams += usize::from(is_stream);
        self.entries.insert(key, Entry { subscriber, principal, _part: part, topics: Vec::new(), bytes: 0 });
        Ok(())
    }

    /// Adds a topic to a subscriber.
    pub(super) fn add(&mut self, key: u64, topic: Topic, bounds: Bounds) -> Added {
        let Some(entry) = self.entries.get_mut(&key) else { return Added::Gone };
        let told = self.index.get(&topic);
        let Err(place) = told.map_or(Err(0), |told| told.binary_search_by_key(&key, |(key, _)| *key)) else {
            return Added::Known;
        };
        let name = topic.name().len();
        let named = |topic: &Topic| !matches!(topic, Topic::List(_));
        if named(&topic) {
            // Lists come before all other topics, and are few.
            let names = entry.topics.iter().rev().take(bounds.names).filter(|topic| named(topic)).count();
            if names >= bounds.names || entry.bytes + name > bounds.bytes {
                return Added::Full;
            }
        }
        entry.bytes += name;
        entry.topics.push(topic.clone());
        let told = self.index.entry(topic).or_default();
        told.insert(place, (key, entry.subscriber.clone()));
        if told.len() == 1 { Added::First } else { Added::Known }
    }

    /// Removes a topic from a subscriber. Returns whether it was the last subscriber of the topic.
    pub(super) fn drop_topic(&mut self, key: u64, topic: &Topic) -> bool {
        let Some(entry) = self.entries.get_mut(&key) else { return false };
        let Some(place) = entry.topics.iter().position(|known| known == topic) else { return false };
        entry.topics.remove(place);
        entry.bytes -= topic.name().len();
        self.unindex(key, topic)
    }

    fn unindex(&mut self, key: u64, topic: &Topic) -> bool {
        let Some(told) = self.index.get_mut(topic) else { return false };
        if let Ok(place) = told.binary_search_by_key(&key, |(key, _)| *key) {
            told.remove(place);
        }
        let last = told.is_empty();
        if last {
            self.index.remove(topic);
            shrink(&mut self.index);
        }
        last
    }

    /// Removes a subscriber. Returns the topics that have no subscriber any more.
    pub(super) fn remove(&mut self, key: u64) -> Option<(Subscriber, Vec<Topic>)> {
        let Entry { subscriber, principal, mut topics, .. } = self.entries.remove(&key)?;
        shrink(&mut self.entries);
        self.streams -= usize::from(matches!(subscriber, Subscriber::Stream(_)));
        if let Some(principal) = principal
            && let Some(count) = self.principals.get_mut(&principal)
        {
            *count -= 1;
            if *count == 0 {
                self.principals.remove(&principal);
            }
        }
        topics.retain(|topic| self.unindex(key, topic));
        Some((subscriber, topics))
    }

    pub(super) fn has(&self, topic: &Topic) -> bool {
        self.index.contains_key(topic)
    }

    /// The subscribers of a topic.
    pub(super) fn told(&self, topic: &Topic) -> Vec<(u64, Subscriber)> {
        self.index.get(topic).cloned().unwrap_or_default()
    }

    /// The streams that `which` selects.
    pub(super) fn streams(&self, which: impl Fn(&super::Stream) -> bool) -> Vec<u64> {
        let picked = |(key, entry): (&u64, &Entry)| match &entry.subscriber {
            Subscriber::Stream(stream) if which(stream) => Some(*key),
            _ => None,
        };
        self.entries.iter().filter_map(picked).collect()
    }
}
