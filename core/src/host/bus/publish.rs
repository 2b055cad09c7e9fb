//! Publishes changes: collects them for one tick, and then notifies the subscribers.

use super::{AGAIN, Change, Changes, Subscriber, TICK};
use crate::dispatch::registry::catalog::capability;
use crate::host::delivery::sink::{Delivery, Outgoing};
use crate::host::engine::Engine;
use crate::host::lanes::wake_batch;
use crate::host::session::peer::Peer;
use crate::json::JsonSlice;
use crate::proto::session::subscription::Topic;
use bytes::Bytes;
use std::collections::HashSet;
use std::sync::{Arc, Weak};
use std::time::Instant;

impl Engine {
    /// Notifies the subscribers of a topic that it has changed, together with other changes of the same tick. If a
    /// topic is published again within the tick, only the last `detail` is sent. This method may be called from any
    /// thread, and does not block.
    pub(crate) fn publish(&self, topic: &Topic, detail: Option<JsonSlice>) {
        if let Topic::Resource(uri) = topic {
            self.forget_results(uri);
        }
        let bus = &self.0.bus;
        // A client that subscribes later has seen no earlier state.
        if !bus.wants(topic) {
            return;
        }
        let due = self.0.now() + TICK;
        let earliest = {
            let mut changes = bus.changes.lock();
            changes.note(topic, detail);
            let earlier = changes.due.is_none_or(|at| at > due);
            if earlier {
                changes.due = Some(due);
            }
            earlier
        };
        if earliest {
            self.0.wake_timer();
        }
    }

    /// Publishes what has changed in the catalog.
    pub(crate) fn changed(&self) {
        if self.lists_are_changing() {
            return;
        }
        let mut lists: Vec<_> = self.0.catalog.take_changed().filter_map(capability).collect();
        lists.dedup();
        for list in lists.into_iter().filter(|list| list.list_changed().is_some()) {
            self.publish(&Topic::List(list), None);
        }
    }

    /// Notifies clients of changes, if it is time.
    pub(in crate::host) fn notify_changes(&self, now: Instant) {
        let Changes { topics, owed, .. } = {
            let mut changes = self.0.bus.changes.lock();
            if changes.due.is_none_or(|due| due > now) {
                return;
            }
            std::mem::take(&mut *changes)
        };
        // If a thread writes for several of the clients, it is woken once.
        let _turn = wake_batch::batch();
        let told: HashSet<_> = topics.iter().map(|change| &change.topic).collect();
        let mut round = Round::default();
        // If a session has not been notified of one of these topics yet, it gets one notification for both changes.
        for (peer, topic) in owed.into_iter().filter(|(_, topic)| !told.contains(topic)) {
            let body = topic.notification(None, None);
            round.session(&peer, &topic, body);
        }
        for change in &topics {
            self.tell(change, &mut round);
        }
        if round.skipped.is_empty() {
            return;
        }
        {
            let mut changes = self.0.bus.changes.lock();
            changes.owed.append(&mut round.skipped);
            changes.due.get_or_insert(now + AGAIN);
        }
        self.0.wake_timer();
    }

    fn tell(&self, Change { topic, detail }: &Change, round: &mut Round) {
        let bus = &self.0.bus;
        let subscribers = bus.table.lock().told(topic);
        let plain = topic.notification(detail.as_ref(), None);
        if let Topic::List(_) = topic {
            for peer in bus.everybody() {
                round.peer(&peer, topic, plain.clone());
            }
        }
        for (key, subscriber) in subscribers {
            match subscriber {
                Subscriber::Stream(stream) => self.told(key, stream.tell(topic, detail.as_ref())),
                Subscriber::Session(peer) => round.session(&peer, topic, plain.clone()),
            }
        }
    }
}

/// The work that remains after one round of notifications.
#[derive(Default)]
struct Round {
    skipped: Vec<(Weak<Peer>, Topic)>,
}

impl Round {
    fn session(&mut self, peer: &Weak<Peer>, topic: &Topic, body: Bytes) {
        if let Some(peer) = peer.upgrade() {
            self.peer(&peer, topic, body);
        }
    }

    fn peer(&mut self, peer: &Arc<Peer>, topic: &Topic, body: Bytes) {
        // A notification that does not fit is neither queued beyond the limit nor lost.
        if peer.send(Outgoing::Event { body, droppable: true }) == Delivery::Skipped {
            self.skipped.push((Arc::downgrade(peer), topic.clone()));
        }
    }
}
