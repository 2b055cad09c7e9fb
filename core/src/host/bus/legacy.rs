//! `resources/subscribe` and `resources/unsubscribe` of legacy sessions (RS-8 to RS-10).

use super::Subscriber;
use super::table::{Added, Bounds};
use crate::dispatch::access::Caller;
use crate::host::calls::dispatch::Thread;
use crate::host::engine::Engine;
use crate::host::session::notifications::{SUBSCRIBE, UNSUBSCRIBE};
use crate::host::session::peer::Peer;
use crate::proto::catalog::kind::Kind;
use crate::proto::messages::error::{RpcError, stage};
use crate::proto::operation::Op;
use crate::proto::session::subscription::Topic;
use std::sync::Arc;

impl Engine {
    /// Subscribes a session to updates of the resource with exactly this address. Only an address that can be read is
    /// accepted. Anything else is most likely a mistake, and the client would never receive an update. If the program
    /// answers reads itself, any address is accepted, because only the program knows which exist.
    pub(in crate::host) fn subscribe(
        &self,
        peer: &Arc<Peer>,
        uri: String,
        caller: Caller<'_>,
        thread: Thread,
    ) -> Result<(), RpcError> {
        let (bus, limits) = (&self.0.bus, self.limits());
        let snapshot = self.0.catalog.snapshot();
        let resource = snapshot.resource(&uri).map(|(entry, _)| entry);
        let reads = || snapshot.find(Kind::Method, Op::ResourcesRead.name());
        match resource.or_else(reads) {
            Some(entry) if entry.is_seen_by(caller) => entry.permit(caller)?,
            _ => return Err(RpcError::not_found(&uri)),
        }
        let topic = Topic::Resource(uri.into());
        let (engine, weak, subscribed) = (self.clone(), Arc::downgrade(peer), topic.name().to_owned());
        let bounds = Bounds { names: limits.max_subscriptions, bytes: limits.max_subscription_bytes };
        let added = {
            let mut table = bus.table.lock();
            let key = match peer.subscriber() {
                Some(key) => key,
                None => {
                    let key = table.key();
                    let session = Subscriber::Session(Arc::downgrade(peer));
                    // Sessions are limited elsewhere.
                    let _ = table.enter(key, session, (None, None), (usize::MAX, usize::MAX));
                    peer.set_subscriber(key);
                    key
                }
            };
            table.add(key, topic.clone(), bounds)
        };
        if !matches!(added, Added::Full) {
            // Afterwards, because a credential that has ended meanwhile ends only subscriptions that exist.
            let expiry = self.until_expiry(caller.principal, move || {
                if let Some(peer) = weak.upgrade() {
                    engine.unsubscribe(&peer, subscribed.clone());
                }
            });
            drop(peer.keep_expiry(topic.name(), expiry));
        }
        // Checked afterwards: either the thread that closes the session finds the subscription, or this check sees
        // the close.
        if peer.is_closed() {
            self.unsubscribe_all(peer);
        }
        match added {
            Added::First => self.hook_resource(SUBSCRIBE, topic.name(), thread),
            Added::Known | Added::Gone => {}
            Added::Full => {
                return Err(RpcError::busy(format!(
                    "Server busy: a session may subscribe to {} resources (max_subscriptions), with {} bytes of URIs \
                     (max_subscription_bytes)",
                    limits.max_subscriptions, limits.max_subscription_bytes
                ))
                .refused_by(stage::LIMITS, "max_subscriptions"));
            }
        }
        Ok(())
    }

    /// Does nothing if there is no such subscription (RS-10).
    pub(in crate::host) fn unsubscribe(&self, peer: &Arc<Peer>, uri: String) {
        let Some(key) = peer.subscriber() else { return };
        drop(peer.keep_expiry(&uri, None));
        let topic = Topic::Resource(uri.into());
        let last = self.0.bus.table.lock().drop_topic(key, &topic);
        if last {
            self.hook_resource(UNSUBSCRIBE, topic.name(), Thread::Receiver);
        }
    }

    /// Removes all subscriptions of a session, because it has ended.
    pub(in crate::host) fn unsubscribe_all(&self, peer: &Arc<Peer>) {
        let Some(key) = peer.take_subscriber() else { return };
        let removed = self.0.bus.table.lock().remove(key);
        if let Some((_, last)) = removed {
            self.hook_each(UNSUBSCRIBE, &last, Thread::Other);
        }
    }
}
