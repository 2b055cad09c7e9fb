//! Inline callbacks: on the thread that received their call.

use crate::entries::handlers::Mode;
use crate::servers::server_state::Inner;
use std::sync::{Arc, Weak};
use tenon_mcp::{HostCall, InlineHost, Parker, Wake};

/// Runs the calls of a server's inline tools where the engine hands them over.
pub(crate) struct Here(pub(crate) Weak<Inner>);

impl InlineHost for Here {
    fn run(&self, call: HostCall) {
        // Without a server there is nobody left to answer to.
        if let Some(inner) = self.0.upgrade() {
            inner.run(call, Mode::Inline, true);
        }
    }
}

/// Wakes the thread for inline calls that no receiving thread hands over; starts it when it is needed first, which is never
/// in most servers.
pub(crate) struct Elsewhere {
    pub(crate) inner: Weak<Inner>,
    pub(crate) parker: Arc<Parker>,
}

impl Wake for Elsewhere {
    fn wake(&self) {
        self.parker.wake();
        if let Some(inner) = self.inner.upgrade() {
            inner.help_inline();
        }
    }
}
