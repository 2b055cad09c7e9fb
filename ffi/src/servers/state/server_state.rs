//! The state behind a server's handle: its settings, and from the start on three lanes that its callbacks run from.

use crate::abi::guard::Result;
use crate::abi::status::*;
use crate::calls::middleware_call::WaitingMiddleware;
use crate::calls::reentrancy::Inside;
use crate::entries::handlers::{CallbackGuard, Handlers, RunningCallbacks};
use crate::servers::config::server_config::ServerConfig;
use crate::servers::mounts::Mounts;
use crate::servers::started::Started;
use std::collections::HashMap;
use std::ffi::c_int;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tenon_mcp::locks::{Mutex, OnceLock};
use tenon_mcp::{CallId, Outcome};

pub(crate) struct ServerState {
    pub(crate) config: Mutex<ServerConfig>,
    pub(super) started: OnceLock<Started>,
    pub(super) handlers: Handlers,
    pub(crate) mounts: Mounts,
    pub(super) callbacks: Arc<RunningCallbacks>,
    /// Middleware that waits for an outcome from the engine, by call.
    pub(super) waiting_middleware: Mutex<HashMap<CallId, WaitingMiddleware>>,
    /// Whether the program has freed the handle. Servers that it is mounted in can still need it.
    freed: AtomicBool,
}

impl ServerState {
    pub(crate) fn new(name: Option<&str>, version: Option<&str>) -> Result<Arc<ServerState>> {
        Ok(Arc::new(ServerState {
            config: Mutex::new(ServerConfig::new(name, version)?),
            started: OnceLock::new(),
            handlers: Handlers::default(),
            mounts: Mounts::default(),
            callbacks: Arc::default(),
            waiting_middleware: Mutex::default(),
            freed: AtomicBool::new(false),
        }))
    }

    /// The started server, or the reason why there is none to use.
    pub(crate) fn started(&self) -> Result<&Started> {
        let started = self.started.get().ok_or_else(|| {
            Failure::state(
                "the server has not been started; call tenon_server_start() or tenon_server_run() first",
            )
        })?;
        started.check_fork()?;
        Ok(started)
    }

    /// The started server; `None` before the start.
    pub(crate) fn if_started(&self) -> Result<Option<&Started>> {
        self.check_fork()?;
        Ok(self.started.get())
    }

    /// Called before every lock, because in a forked child a thread that does not exist there may hold the lock.
    pub(crate) fn check_fork(&self) -> Result<()> {
        self.started.get().map_or(Ok(()), Started::check_fork)
    }

    /// Changes the settings. Fails after the start, and while the server is mounted.
    pub(crate) fn configure<T>(&self, change: impl FnOnce(&mut ServerConfig) -> Result<T>) -> Result<T> {
        self.check_fork()?;
        let mut config = self.config.lock();
        if self.started.get().is_some() {
            return Err(Failure::state("the server was already started; change settings before the start"));
        }
        if self.mounts.are_any() {
            return Err(Failure::state(
                "the server is already mounted; change settings before tenon_server_mount()",
            ));
        }
        change(&mut config)
    }

    /// Changes the settings with a setter. The start reports its failure too.
    pub(crate) fn set(&self, set: impl FnOnce(&mut ServerConfig) -> Result<()>) -> Result<tenon_status> {
        self.configure(|config| config.set(set))
    }

    /// Permission to run the program's code; `None` if the server has been freed.
    pub(crate) fn enter(&self) -> Option<CallbackGuard<'_>> {
        self.callbacks.enter()
    }

    /// The gate, for code of the program that may be about to run when the server is freed.
    pub(crate) fn callbacks(&self) -> Arc<RunningCallbacks> {
        self.callbacks.clone()
    }

    /// Identifies this server.
    pub(crate) fn address(&self) -> usize {
        std::ptr::from_ref(self).addr()
    }

    /// Whether a function of this server's program runs on this thread.
    pub(crate) fn is_inside(&self) -> bool {
        Inside::is(self.address())
    }

    pub(crate) fn has_ended(&self) -> bool {
        self.started().is_ok_and(|started| started.running.is_closed())
    }

    /// The exit code for a program that only runs this server.
    pub(crate) fn exit_code(&self) -> c_int {
        match self.started() {
            Ok(started) if started.running.is_closed() => started.running.exit_code().into(),
            _ => 1,
        }
    }

    pub(crate) fn is_freed(&self) -> bool {
        self.freed.load(Ordering::SeqCst)
    }

    /// Keeps this server out of later reloads of its settings. It may exist for longer, because calls that the program
    /// keeps hold it.
    pub(crate) fn leave_settings(&self) {
        let server = self.config.lock().last_built();
        if let Some(settings) = server.settings() {
            settings.remove_server(&server);
        }
    }

    /// Ends everything and waits for it. No code of the program runs afterwards.
    pub(crate) fn shut_down(self: &Arc<Self>) -> Result<()> {
        // This check comes first, because a child that was forked in a callback is still inside that callback.
        self.check_fork()?;
        if self.is_inside() {
            return Err(Failure::state("a server cannot be freed inside one of its callbacks"));
        }
        if let Some(started) = self.started.get() {
            started.close();
            let closing = || Outcome::Failed("the server is closing".to_owned());
            while started.poll.wait_closed(&started.running, |call| self.fail(&call, closing())) {}
            started.workers.stop();
            started.inline_thread.stop();
            started.store_thread.stop();
            started.access_threads.stop();
            // This thread is stopped last, because a callback may wait for a function that it runs.
            started.cancel_thread.stop();
            started.poll.give_up();
            self.callbacks.close();
        }
        let waiting_middleware = std::mem::take(&mut *self.waiting_middleware.lock());
        drop(waiting_middleware);
        self.freed.store(true, Ordering::SeqCst);
        if !self.mounts.are_any() {
            self.handlers.clear();
            // This is done here, and not when the last thread of the engine drops this server, because callbacks may be
            // destroyed with the mounts.
            self.mounts.clear();
            self.leave_settings();
        }
        let (log, hook) = {
            let mut config = self.config.lock();
            (config.log.take(), config.thread_start.take())
        };
        if let Some(log) = log {
            log.close();
        }
        if let Some(hook) = hook {
            hook.close();
        }
        Ok(())
    }
}
