//! The state of a server from its start on.

use crate::abi::fork::Process;
use crate::abi::guard::Result;
use crate::calls::cancel::CancelThread;
use crate::servers::exchange::Channel;
use crate::servers::poll::PollLane;
use crate::servers::workers::Workers;
use crate::transports::web::WebUrls;
use std::ffi::CString;
use std::sync::Arc;
use tenon_mcp::locks::Mutex;
use tenon_mcp::{HostPort, JsonSlice, Kind, Running, Server};

/// The state of a server that exists from its start on.
pub(crate) struct Started {
    pub(crate) running: Running,
    pub(crate) url: Option<CString>,
    pub(crate) web: WebUrls,
    pub(crate) poll: PollLane,
    pub(crate) server: Server,
    /// The client of tenon_server_exchange().
    pub(crate) exchange: Mutex<Option<Arc<Channel>>>,
    pub(crate) port: HostPort,
    pub(crate) workers: Workers,
    /// Runs inline calls that no receiving thread runs.
    pub(crate) inline_thread: Workers,
    /// Runs the program's store.
    pub(crate) store_thread: Workers,
    /// Run the program's verifier and authorizer.
    pub(crate) access_threads: Workers,
    pub(crate) cancel_thread: Arc<CancelThread>,
    pub(crate) max_depth: usize,
    pub(crate) process: Process,
    /// Whether the program began the shutdown.
    pub(crate) closed: Mutex<bool>,
}

impl Started {
    #[cfg(feature = "engine")]
    pub(crate) fn engine(&self) -> &tenon_mcp::transport::Engine {
        self.server.engine()
    }

    pub(crate) fn elicitation_complete(&self, id: &str) -> bool {
        self.server.elicitation_complete(id)
    }

    pub(crate) fn notify(&self, method: &str, params: &JsonSlice) -> Result<()> {
        self.server.notify(method, params)?;
        Ok(())
    }

    pub(crate) fn resource_updated(&self, uri: &str) {
        self.server.resource_updated(uri);
    }

    pub(crate) fn list_changed(&self, kind: Kind) -> Result<()> {
        Ok(self.server.list_changed(kind)?)
    }

    /// Begins the shutdown for the program.
    pub(crate) fn close(&self) {
        // The lock is held, because a thread that is woken by the end may call `was_closed` at once.
        let mut closed = self.closed.lock();
        if self.running.close() {
            *closed = true;
        }
    }

    /// Whether the program began the shutdown, and not the end of the input or a signal.
    pub(crate) fn was_closed(&self) -> bool {
        *self.closed.lock()
    }

    /// The reason why nothing was served, if a callback of "start" failed.
    pub(crate) fn check_start(&self) -> Result<()> {
        self.running.failure().map_or(Ok(()), |failure| Err(failure.into()))
    }

    pub(crate) fn check_fork(&self) -> Result<()> {
        Ok(self.running.check_fork()?)
    }
}
