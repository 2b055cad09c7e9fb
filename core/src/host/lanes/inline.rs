//! Inline handlers: they run on the thread that received the call.

use crate::host::calls::op::HostCall;
use crate::host::lanes::wake_batch;
use crate::locks::RwLock;
use std::sync::{Arc, Weak};

/// Runs calls on the thread that received them, see [`Target::Inline`](crate::host::Target::Inline).
pub trait InlineHost: Send + Sync {
    /// Runs a handler and completes the call, now or later. No lock of the engine is held. Until this returns, the
    /// thread reads nothing more from its connection.
    fn run(&self, call: HostCall);
}

/// A listener that is notified when an inline handler occupies a thread, and when the handler has ended.
pub(crate) trait Occupancy: Send + Sync {
    fn enter(&self);
    fn leave(&self);
}

/// The listener for occupied threads, if there is one.
#[derive(Default)]
pub(crate) struct OccupancyListener(RwLock<Option<Weak<dyn Occupancy>>>);

impl OccupancyListener {
    #[cfg(feature = "runtime")]
    pub(crate) fn tell(&self, who: Weak<dyn Occupancy>) {
        *self.0.write() = Some(who);
    }

    /// Runs an inline handler.
    pub(in crate::host) fn run(&self, host: &dyn InlineHost, call: HostCall) {
        struct OccupancyGuard(Option<Arc<dyn Occupancy>>);
        impl Drop for OccupancyGuard {
            fn drop(&mut self) {
                if let Some(who) = &self.0 {
                    who.leave();
                }
            }
        }
        let stay = OccupancyGuard(self.0.read().as_ref().and_then(Weak::upgrade));
        if let Some(who) = &stay.0 {
            who.enter();
        }
        // It may block, or may be a client of another server in this process.
        wake_batch::outside(|| host.run(call));
    }
}
