//! Entries that the engine answers itself, without a host.

use crate::host::calls::op::{HostCall, Outcome};
use crate::host::lanes::port::HostPort;

/// Answers calls of the engine's own entries, whichever host it is embedded in. See
/// [`Target::Builtin`](crate::host::Target::Builtin).
pub trait Builtin: Send + Sync {
    /// Completes the call, now or later, from any thread. It must not block, because it runs on the thread that
    /// received the call. No lock of the engine is held.
    fn answer(&self, call: HostCall, port: &HostPort);
}

/// Always answers with the same text.
pub(crate) struct Fixed(pub(crate) String);

impl Builtin for Fixed {
    fn answer(&self, call: HostCall, port: &HostPort) {
        let _ = port.complete(call.id, Outcome::Text(self.0.clone()));
    }
}
