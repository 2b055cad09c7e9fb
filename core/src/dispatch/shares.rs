//! Fair shares: how much of a common limit one client may take.
//!
//! Each limit is counted by a [`Key`], which today is the client's address. Another kind of key, such as a principal,
//! would be one more variant, and one more share for each client.

use super::limits::Limits;
use crate::dispatch::shrinking_map::shrink;
use crate::locks::Mutex;
use crate::proto::messages::error::{RpcError, stage};
use std::collections::HashMap;
use std::sync::atomic::{AtomicIsize, AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Weak};

/// The client that a share belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Key {
    /// An address of IPv4.
    V4([u8; 4]),
    /// The first 64 bits of an IPv6 address, because a network gives each client any number of addresses.
    V6([u8; 8]),
}

/// The limits that are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Connections,
    Streams,
    Bytes,
    Calls,
}

const KINDS: usize = 4;

/// The shares that are in use now. An entry lives as long as something holds it. So there are no more entries than
/// connections, buffers and calls.
pub(crate) struct Shares {
    most: [usize; KINDS],
    table: Mutex<HashMap<Key, Weak<Share>>>,
}

/// The usage of one client for each limit, and the client's maximum.
pub(crate) struct Share {
    key: Key,
    shares: Weak<Shares>,
    held: [AtomicUsize; KINDS],
    most: [usize; KINDS],
    /// The client's connections that wait for a request.
    pub(crate) idle: AtomicIsize,
}

/// One unit of a share. It is given back when it is dropped.
pub(crate) struct Part(Arc<Share>, Kind);

impl Shares {
    pub(crate) fn new(limits: &Limits) -> Arc<Shares> {
        let most = [
            limits.address_connections(),
            limits.address_streams(),
            limits.address_buffered_bytes(),
            limits.address_calls(),
        ];
        Arc::new(Shares { most, table: Mutex::default() })
    }

    /// The share of a client.
    pub(crate) fn of(self: &Arc<Self>, key: Key) -> Arc<Share> {
        let mut table = self.table.lock();
        if let Some(share) = table.get(&key).and_then(Weak::upgrade) {
            return share;
        }
        let shares = Arc::downgrade(self);
        let share = Arc::new(Share {
            key,
            shares,
            held: Default::default(),
            most: self.most,
            idle: AtomicIsize::new(0),
        });
        table.insert(key, Arc::downgrade(&share));
        share
    }

    #[cfg(test)]
    fn len(&self) -> usize {
        self.table.lock().len()
    }
}

impl Share {
    /// The client.
    pub(crate) fn key(&self) -> Key {
        self.key
    }

    /// Counts this amount. Returns `false` if that would exceed the share.
    pub(crate) fn take(&self, kind: Kind, amount: usize) -> bool {
        let most = self.most[kind as usize];
        let room = |held: usize| held.checked_add(amount).filter(|held| *held <= most);
        self.held[kind as usize].fetch_update(Relaxed, Relaxed, room).is_ok()
    }

    /// Counts the amount even if it exceeds the share.
    pub(crate) fn force(&self, kind: Kind, amount: usize) {
        self.held[kind as usize].fetch_add(amount, Relaxed);
    }

    pub(crate) fn give_back(&self, kind: Kind, amount: usize) {
        self.held[kind as usize].fetch_sub(amount, Relaxed);
    }

    /// How much of a limit is used.
    #[cfg(test)]
    pub(crate) fn held(&self, kind: Kind) -> usize {
        self.held[kind as usize].load(Relaxed)
    }

    /// Counts one unit, if there is room for it.
    pub(crate) fn part(self: &Arc<Self>, kind: Kind) -> Option<Part> {
        self.take(kind, 1).then(|| Part(self.clone(), kind))
    }

    /// Counts one unit even if it exceeds the share.
    pub(crate) fn forced_part(self: &Arc<Self>, kind: Kind) -> Part {
        self.force(kind, 1);
        Part(self.clone(), kind)
    }

    /// The error for a client that has used up its share.
    pub(crate) fn refusal(&self, kind: Kind) -> RpcError {
        let (what, limit) = match kind {
            Kind::Connections => ("connections", "max_address_connections"),
            Kind::Streams => ("streams", "max_address_streams"),
            Kind::Bytes => ("buffered bytes", "max_address_buffered_bytes"),
            Kind::Calls => ("calls in flight", "max_address_calls"),
        };
        let most = self.most[kind as usize];
        RpcError::too_many(format!("Too many requests: one address may have {most} {what} ({limit})"))
            .refused_by(stage::LIMITS, limit)
    }
}

impl Part {
    /// The client that the share belongs to.
    pub(crate) fn key(&self) -> Key {
        self.0.key
    }
}

/// Counts one unit for a client that has a share; `None` for a client without one. The error is for the client.
pub(crate) fn part(share: Option<&Arc<Share>>, kind: Kind) -> Result<Option<Part>, RpcError> {
    match share {
        None => Ok(None),
        Some(share) => share.part(kind).map(Some).ok_or_else(|| share.refusal(kind)),
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        let Some(shares) = self.shares.upgrade() else { return };
        let mut table = shares.table.lock();
        // Another share may have replaced it meanwhile.
        if table.get(&self.key).is_some_and(|share| share.strong_count() == 0) {
            table.remove(&self.key);
            shrink(&mut table);
        }
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        self.0.give_back(self.1, 1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shares() -> Arc<Shares> {
        let limits = Limits { max_address_streams: 2, max_address_buffered_bytes: 100, ..Limits::default() };
        Shares::new(&limits)
    }

    #[test]
    fn what_is_taken_is_bounded_and_given_back() {
        let shares = shares();
        let one = shares.of(Key::V4([127, 0, 0, 1]));
        let parts: Vec<_> = (0..2).map(|_| one.part(Kind::Streams).unwrap()).collect();
        assert!(one.part(Kind::Streams).is_none());
        let said = part(Some(&one), Kind::Streams).err().unwrap();
        assert!(said.message.contains("2 streams (max_address_streams)"), "{}", said.message);
        // The same client by another address, another kind, and another client.
        assert!(shares.of(Key::V4([127, 0, 0, 1])).part(Kind::Streams).is_none());
        assert!(one.part(Kind::Calls).is_some());
        assert!(shares.of(Key::V4([127, 0, 0, 2])).part(Kind::Streams).is_some());
        drop(parts);
        assert!(one.part(Kind::Streams).is_some());
        assert!(one.take(Kind::Bytes, 60) && !one.take(Kind::Bytes, 41));
        one.force(Kind::Bytes, 100);
        one.give_back(Kind::Bytes, 160);
        assert!(one.take(Kind::Bytes, 100));
        assert!(part(None, Kind::Calls).is_ok_and(|part| part.is_none()));
    }

    #[test]
    fn nobody_is_remembered_who_holds_nothing() {
        let shares = shares();
        let key = |last| Key::V6([0, 0, 0, 0, 0, 0, 0, last]);
        let held: Vec<_> = (0..100).map(|last| shares.of(key(last))).collect();
        let part = held[7].part(Kind::Connections).unwrap();
        assert_eq!(shares.len(), 100);
        drop(held);
        assert_eq!(shares.len(), 1);
        drop(part);
        assert_eq!(shares.len(), 0);
    }
}
