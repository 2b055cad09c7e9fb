//! Inline callbacks, which run on the thread that received their call.

use crate::entries::handlers::Mode;
use crate::servers::state::server_state::ServerState;
use std::sync::{Arc, Weak};
use tenon_mcp::{HostCall, InlineHost, Parker, Wake};

/// Runs the calls of a server's inline tools on the thread on which the engine passes them.
pub(crate) struct InlineRunner(pub(crate) Weak<ServerState>);

impl InlineHost for InlineRunner {
    fn run(&self, call: HostCall) {
        // Without a server the call has ended.
        if let Some(inner) = self.0.upgrade() {
            inner.run(call, Mode::Inline, true);
        }
    }
}

/// Wakes the thread for inline calls that no receiving thread runs. The thread starts when it is first needed. Most
/// servers never need it.
pub(crate) struct InlineThreadWake {
    pub(crate) inner: Weak<ServerState>,
    pub(crate) parker: Arc<Parker>,
}

impl Wake for InlineThreadWake {
    fn wake(&self) {
        self.parker.wake();
        if let Some(inner) = self.inner.upgrade() {
            inner.start_inline_thread();
        }
    }
}
