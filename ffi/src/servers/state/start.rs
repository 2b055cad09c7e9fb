//! The start of a server.

use crate::abi::error::c_string;
use crate::abi::fork::Process;
use crate::abi::guard::Result;
use crate::abi::status::*;
use crate::calls::reentrancy::Inside;
use crate::entries::handlers::Mode;
use crate::servers::config::server_config::ServerConfig;
use crate::servers::functions::AccessWake;
use crate::servers::inline::InlineThreadWake;
use crate::servers::poll::PollLane;
use crate::servers::started::Started;
use crate::servers::state::server_state::ServerState;
use crate::servers::store::StoreThreadWake;
use crate::servers::workers::{WorkerWake, Workers};
use crate::transports::web::WebUrls;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tenon_mcp::locks::Mutex;
use tenon_mcp::{HostPort, ServeOptions, Wake};

impl ServerState {
    pub(crate) fn start(self: &Arc<Self>) -> Result<()> {
        self.begin()?;
        self.wait_started()
    }

    /// Starts without waiting for the callbacks of "start".
    pub(crate) fn begin(self: &Arc<Self>) -> Result<()> {
        self.start_on(ServerConfig::transports)
    }

    /// Waits for the callbacks of "start", unless they wait for this thread to poll.
    pub(super) fn wait_started(&self) -> Result<()> {
        let started = self.started()?;
        if !started.server.starts_on(Mode::Poll.lane()) {
            let _ = started.running.wait_started();
        }
        started.check_start()
    }

    /// Starts the transports that were named. If there is none, serves only clients in this process.
    pub(crate) fn start_in_process(self: &Arc<Self>) -> Result<()> {
        self.start_on(|config| {
            let options = config.named()?;
            Ok(if options.is_empty() { options.in_process() } else { options })
        })?;
        self.wait_started()
    }

    pub(super) fn start_on(
        self: &Arc<Self>,
        transports: impl FnOnce(&ServerConfig) -> Result<ServeOptions>,
    ) -> Result<()> {
        self.check_fork()?;
        if Inside::is_inline() {
            // An inline callback runs on a thread of another engine, whose runtime this server would use too.
            return Err(Failure::state("a server cannot be started inside an inline callback"));
        }
        let mut config = self.config.lock();
        if self.started.get().is_some() {
            return Err(Failure::state("the server was already started"));
        }
        let process = Process::this()?;
        let server = config.build()?;
        let options = transports(&config)?;
        let port = server.port();
        let poll = PollLane::new(&port, Mode::Poll.lane(), server.engine().limits().poll_budget)?;
        let (inner, woken) = (Arc::downgrade(self), Arc::<AtomicBool>::default());
        let worker_wake = |parker| -> Arc<dyn Wake> {
            Arc::new(WorkerWake { inner: inner.clone(), parker, woken: woken.clone() })
        };
        let workers = Workers::new(&port, Mode::Worker, server.engine().threads(), worker_wake);
        let of_store = inner.clone();
        let store_wake = |parker| -> Arc<dyn Wake> { Arc::new(StoreThreadWake { inner: of_store, parker }) };
        let store_thread = Workers::new(&port, Mode::Store, server.engine().threads(), store_wake);
        let of_access = inner.clone();
        let access_wake = |parker| -> Arc<dyn Wake> { Arc::new(AccessWake { inner: of_access, parker }) };
        let access_threads = Workers::new(&port, Mode::Access, server.engine().threads(), access_wake);
        let inline_wake = |parker| -> Arc<dyn Wake> { Arc::new(InlineThreadWake { inner, parker }) };
        let inline_thread = Workers::new(&port, Mode::Inline, server.engine().threads(), inline_wake);
        if config.has_entry_in(Mode::Worker.lane()) || config.has_mounts() {
            workers.allow(config.worker_threads);
        }
        access_threads.allow(config.worker_threads);
        let running = server.start(options)?;
        running.on_closed(poll.wake());
        let (url, web) = (running.http_url().map(c_string), WebUrls::of(&running));
        let max_depth = server.engine().limits().max_depth;
        let started = Started {
            running,
            url,
            web,
            poll,
            server,
            exchange: Mutex::default(),
            port,
            workers,
            inline_thread,
            store_thread,
            access_threads,
            cancel_thread: Arc::default(),
            max_depth,
            process,
            closed: Mutex::new(false),
        };
        let needs_inline_thread = started.server.starts_on(Mode::Inline.lane());
        let needs_store_thread = config.has_store_in(Mode::Store.lane());
        let needs_access_threads = config.has_function_in(Mode::Access.lane());
        // The lock of the settings is held, so no other thread has set it.
        let _ = self.started.set(started);
        // The engine has duplicates of the descriptors.
        config.transports.clear();
        drop(config);
        if woken.load(Ordering::SeqCst) {
            // It may have been requested before the server was stored.
            self.grow_workers();
        }
        if needs_store_thread {
            // As for the other threads.
            self.start_store_thread();
        }
        if needs_access_threads {
            // As for the other threads.
            self.grow_access_threads();
        }
        if needs_inline_thread {
            // It may have been requested before the server was stored.
            self.start_inline_thread();
        }
        Ok(())
    }

    /// The started server, for a call that has arrived. The call may arrive before the start is complete. If the start
    /// failed, the result is the engine's port, with which the call fails too.
    pub(super) fn awaited(&self) -> std::result::Result<&Started, HostPort> {
        if let Some(started) = self.started.get() {
            return Ok(started);
        }
        // The start holds the lock until it is complete.
        let config = self.config.lock();
        self.started.get().ok_or_else(|| config.port())
    }
}
