//! The principal of one peer, which ends with its credential.

use crate::dispatch::principal::Principal;
use crate::host::engine::Engine;
use crate::host::principal::ExpiryGuard;
use crate::host::session::peer::Peer;
use crate::locks::Mutex;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

#[derive(Default)]
pub(super) struct PeerPrincipal {
    /// Set when the channel or the session opens, and by a login.
    principal: Mutex<Option<Principal>>,
    /// Whether there is a principal. Most peers have none, and a load is enough to know it.
    is_known: AtomicBool,
    expiry: Mutex<Expiry>,
}

/// The end of the credential of a channel.
#[derive(Default)]
struct Expiry {
    guard: Option<ExpiryGuard>,
    /// What runs when the principal has been removed.
    run: Option<Arc<dyn Fn() + Send + Sync>>,
}

impl PeerPrincipal {
    #[inline]
    pub(super) fn get(&self) -> Option<Principal> {
        if self.is_known.load(Ordering::Acquire) { self.principal.lock().clone() } else { None }
    }

    /// Whether this is the principal, without a clone.
    pub(super) fn is(&self, principal: Option<&Principal>) -> bool {
        match self.is_known.load(Ordering::Acquire) {
            true => self.principal.lock().as_ref() == principal,
            false => principal.is_none(),
        }
    }

    /// Sets the principal, if it is known, before the first message of the peer, or at a login.
    pub(super) fn set(&self, principal: Option<Principal>) {
        if let Some(principal) = principal {
            let former = self.principal.lock().replace(principal);
            self.is_known.store(true, Ordering::Release);
            drop(former);
        }
    }

    pub(super) fn on_expired(&self, run: Arc<dyn Fn() + Send + Sync>) {
        self.expiry.lock().run = Some(run);
    }

    /// Removes the principal, because its credential has ended.
    fn expire(&self) {
        self.is_known.store(false, Ordering::Release);
        let former = self.principal.lock().take();
        let run = self.expiry.lock().run.clone();
        drop(former);
        if let Some(run) = run {
            run();
        }
    }
}

impl Engine {
    /// Sets the principal of a channel that has one client, when the channel opens or at a login. When its credential
    /// ends, the channel has no principal any more.
    pub(crate) fn identify(&self, peer: &Arc<Peer>, principal: Option<Principal>) {
        let weak = Arc::downgrade(peer);
        let expired = move || {
            if let Some(peer) = weak.upgrade() {
                peer.peer_principal().expire();
            }
        };
        let own = peer.peer_principal();
        // The former principal no longer ends the channel.
        let former = own.expiry.lock().guard.take();
        drop(former);
        own.set(principal.clone());
        let guard = self.until_expiry(principal.as_ref(), expired);
        own.expiry.lock().guard = guard;
    }
}
