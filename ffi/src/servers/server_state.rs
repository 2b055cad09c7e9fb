//! The state behind a server's handle: its settings, and from the start on three lanes that its callbacks run from.

use crate::abi::error::c_string;
use crate::abi::fork::Process;
use crate::abi::guard::Result;
use crate::abi::handle::Tagged;
use crate::abi::status::*;
use crate::calls::call::{SharedCall, tenon_call};
use crate::calls::middleware_call::{Chain, ChainPosition, WaitingMiddleware};
use crate::calls::reentrancy::Inside;
use crate::entries::entry::{Answers, Part, tenon_entry, tenon_mode};
use crate::entries::handlers::{CallbackGuard, Handler, Handlers, Mode, RunningCallbacks, UserData};
use crate::servers::inline::{InlineRunner, InlineThreadWake};
use crate::servers::log::LOG_TARGET;
use crate::servers::mounts::Mounts;
use crate::servers::poll::PollLane;
use crate::servers::server_config::{Record, ServerConfig};
use crate::servers::started::Started;
use crate::servers::workers::{WorkerWake, Workers};
use crate::transports::web::WebUrls;
use bytes::Bytes;
use std::collections::HashMap;
use std::ffi::{c_int, c_void};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use tenon_mcp::locks::Mutex;
use tenon_mcp::{
    CALLS, CallId, HandlerId, HostCall, HostOp, HostPort, JsonSlice, Kind, LogLevel, Outcome, ServeOptions,
    Target, Wake,
};

pub(crate) struct ServerState {
    pub(crate) config: Mutex<ServerConfig>,
    started: OnceLock<Started>,
    handlers: Handlers,
    pub(crate) mounts: Mounts,
    callbacks: Arc<RunningCallbacks>,
    /// Middleware that waits for an outcome from the engine, by call.
    waiting_middleware: Mutex<HashMap<CallId, WaitingMiddleware>>,
}

impl ServerState {
    pub(crate) fn new(name: &str, version: &str) -> Result<Arc<ServerState>> {
        Ok(Arc::new(ServerState {
            config: Mutex::new(ServerConfig::new(name, version)?),
            started: OnceLock::new(),
            handlers: Handlers::default(),
            mounts: Mounts::default(),
            callbacks: Arc::default(),
            waiting_middleware: Mutex::default(),
        }))
    }

    /// The started server, or the reason why there is none to use.
    pub(crate) fn started(&self) -> Result<&Started> {
        let started = self.started.get().ok_or_else(|| Failure::state("the server was not started"))?;
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
            return Err(Failure::state("the server was started already; settings come before the start"));
        }
        if self.mounts.are_any() {
            return Err(Failure::state("the server is mounted already; settings come before that"));
        }
        change(&mut config)
    }

    /// Changes the settings with a setter. The start reports its failure too.
    pub(crate) fn set(&self, set: impl FnOnce(&mut ServerConfig) -> Result<()>) -> Result<tenon_status> {
        self.configure(|config| config.set(set))
    }

    pub(crate) fn add(self: &Arc<Self>, mut entry: tenon_entry) -> Result<()> {
        self.check_fork()?;
        let mut records = Vec::new();
        let mut workers = false;
        for Part { entry, answers } in entry.parts()? {
            let (mode, handler) = match answers {
                Answers::Callback(mode, handler) => (mode, handler),
                Answers::View(html) => {
                    let most = self.config.lock().limits.max_result_bytes;
                    let target = html.target(&entry, most)?;
                    records.push(Record::new(entry, target, None));
                    continue;
                }
            };
            let (lane, handler) = (mode.lane(), self.handlers.insert(handler));
            workers |= mode == Mode::Worker;
            let target = match mode {
                Mode::Worker | Mode::Poll => Target::Lane { lane, handler },
                Mode::Inline => {
                    Target::Inline { lane, handler, host: Arc::new(InlineRunner(Arc::downgrade(self))) }
                }
            };
            records.push(Record::new(entry, target, Some((lane, handler))));
        }
        let ids: Vec<_> = records.iter().filter_map(Record::handler).collect();
        let added = {
            let mut config = self.config.lock();
            self.allow_workers(workers, &config);
            config.add(records)
        };
        if added.is_err() {
            self.forget(ids);
        }
        added
    }

    pub(crate) fn add_skills(&self, folder: &str) -> Result<()> {
        self.check_fork()?;
        self.config.lock().add_skills(folder)
    }

    pub(crate) fn add_page(&self, path: &str, content_type: &str, body: Bytes) -> Result<()> {
        self.check_fork()?;
        self.config.lock().add_page(path, content_type, body)
    }

    pub(crate) fn remove_page(&self, path: &str) -> Result<()> {
        self.check_fork()?;
        if self.config.lock().remove_page(path) {
            return Ok(());
        }
        Err(Failure::new(TENON_ERR_NOT_FOUND, format!("there is no page {path:?}")))
    }

    pub(crate) fn remove(&self, kind: Kind, name: &str) -> Result<()> {
        self.check_fork()?;
        let ids = self.config.lock().remove(kind, name);
        self.forget(ids.ok_or_else(|| no_entry(kind, name))?);
        Ok(())
    }

    /// Drops callbacks. No lock may be held, because `destroy` is the program's code.
    fn forget(&self, ids: Vec<HandlerId>) {
        for id in ids {
            drop(self.handlers.remove(id));
        }
    }

    /// Enables or disables an entry.
    pub(crate) fn enable(&self, kind: Kind, name: &str, enabled: bool) -> Result<()> {
        self.check_fork()?;
        if self.config.lock().enable(kind, name, enabled) { Ok(()) } else { Err(no_entry(kind, name)) }
    }

    /// Enables or disables the entries with a tag.
    pub(crate) fn enable_tag(&self, tag: &str, enabled: bool) -> Result<()> {
        self.check_fork()?;
        if self.config.lock().enable_tag(tag, enabled) > 0 {
            return Ok(());
        }
        Err(Failure::new(TENON_ERR_NOT_FOUND, format!("no entry has the tag {tag:?}")))
    }

    /// The definitions of a kind, and whether each is enabled.
    pub(crate) fn entries(&self, kind: Kind) -> Result<Vec<(JsonSlice, bool)>> {
        self.check_fork()?;
        Ok(self.config.lock().entries(kind))
    }

    pub(crate) fn start(self: &Arc<Self>) -> Result<()> {
        self.begin()?;
        self.wait_started()
    }

    /// Starts without waiting for the callbacks of "start".
    pub(crate) fn begin(self: &Arc<Self>) -> Result<()> {
        self.start_on(ServerConfig::transports)
    }

    /// Waits for the callbacks of "start", unless they wait for this thread to poll.
    fn wait_started(&self) -> Result<()> {
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

    fn start_on(
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
            return Err(Failure::state("the server was started already"));
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
        let inline_wake = |parker| -> Arc<dyn Wake> { Arc::new(InlineThreadWake { inner, parker }) };
        let inline_thread = Workers::new(&port, Mode::Inline, server.engine().threads(), inline_wake);
        if config.has_entry_in(Mode::Worker.lane()) || config.has_mounts() {
            workers.allow(config.worker_threads);
        }
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
            cancel_thread: Arc::default(),
            max_depth,
            process,
            closed: Mutex::new(false),
        };
        let needs_inline_thread = started.server.starts_on(Mode::Inline.lane());
        self.started.get_or_init(|| started);
        config.stdio = None;
        drop(config);
        if woken.load(Ordering::SeqCst) {
            // It may have been requested before the server was stored.
            self.grow_workers();
        }
        if needs_inline_thread {
            // It may have been requested before the server was stored.
            self.start_inline_thread();
        }
        Ok(())
    }

    /// The started server, for a call that has come in. The call may come before the start is complete. If the start
    /// failed, the result is the engine's port, with which the call fails too.
    fn awaited(&self) -> std::result::Result<&Started, HostPort> {
        if let Some(started) = self.started.get() {
            return Ok(started);
        }
        // The start holds the lock until it is complete.
        let config = self.config.lock();
        self.started.get().ok_or_else(|| config.port())
    }

    /// Allows workers for a started server, if they are `needed`.
    pub(crate) fn allow_workers(&self, needed: bool, config: &ServerConfig) {
        if let Some(started) = self.started.get().filter(|_| needed) {
            started.workers.allow(config.worker_threads);
        }
    }

    /// Starts one more worker if all are busy. If there is no worker at all, calls fail.
    pub(crate) fn grow_workers(self: &Arc<Self>) {
        let Some(started) = self.started.get() else { return };
        if let Err(failure) = started.workers.grow(self) {
            started.workers.drain(|call| self.fail(&call, Outcome::Failed(failure.message.clone())));
        }
    }

    /// Runs one callback; `here` is true on the thread that received its call.
    pub(crate) fn run(self: &Arc<Self>, call: HostCall, mode: Mode, here: bool) {
        let closing = || Outcome::Failed("the server is closing".to_owned());
        let started = match self.awaited() {
            Ok(started) => started,
            Err(port) => {
                let _ = port.complete(call.id, closing());
                return;
            }
        };
        let Some(guard) = self.callbacks.enter() else { return self.fail(&call, closing()) };
        let Some((handler, position)) = self.first_of(&call) else {
            let why = format!("{} was removed before its call was run", call.context.entry);
            return self.fail(&call, Outcome::Failed(why));
        };
        let (port, depth) = (started.port.clone(), started.max_depth);
        let (served, first) = ((Arc::downgrade(self), port), (handler.clone(), position));
        let call = Tagged::share(tenon_call::new(served, (call, mode), first, depth, started.process));
        let inside = Inside::enter(self.address(), here);
        handler.run(Tagged::handle(&call));
        drop(inside);
        call.end_watches();
        // In this order, because the call may hold the last reference to the handler, and a thread that closes the gate
        // waits for its end too. Ending a call runs engine code; if that panics, the thread must not end.
        if catch_unwind(AssertUnwindSafe(|| drop(call))).is_err() {
            started.port.log(
                LogLevel::Error,
                LOG_TARGET,
                "the library panicked at the end of a call; please report this",
            );
        }
        self.drop_unmounted();
        drop(handler);
        drop(guard);
    }

    /// The first callback of a call: that of its outermost middleware, or its handler's.
    fn first_of(self: &Arc<Self>, call: &HostCall) -> Option<(Arc<Handler>, Option<Box<ChainPosition>>)> {
        let layers = call.middleware();
        if layers.len() == 0 {
            return Some((self.handler(call.handler)?, None));
        }
        let layers: Option<Vec<_>> = layers.map(|layer| self.handler(layer)).collect();
        let (layers, handler) = (layers?, call.has_handler().then(|| self.handler(call.handler)));
        if let Some(None) = handler {
            return None;
        }
        let (inner, first) = (Arc::downgrade(self), layers[0].clone());
        let chain = Chain { inner, layers, handler: handler.flatten(), completed: AtomicBool::new(false) };
        Some((first, Some(ChainPosition::outermost(chain))))
    }

    /// Runs a further callback of a call, on the current thread.
    pub(crate) fn run_next(&self, call: SharedCall, handler: &Handler) {
        let Some(guard) = self.callbacks.enter() else { return };
        let inside = Inside::enter(self.address(), Inside::is_inline());
        handler.run(Tagged::handle(&call));
        drop(inside);
        call.end_watches();
        drop(call);
        drop(guard);
    }

    /// Runs the `after` function of middleware, when the rest of the chain has an outcome.
    pub(crate) fn run_after(
        &self,
        call: &SharedCall,
        after: unsafe extern "C" fn(*mut c_void, *mut tenon_call),
        data: &UserData,
    ) {
        let Some(guard) = self.callbacks.enter() else { return };
        let inside = Inside::enter(self.address(), Inside::is_inline());
        // SAFETY: the program gave the function with this pointer, whose end comes after; the call lives until it returns.
        unsafe { after(data.pointer, Tagged::handle(call)) };
        drop(inside);
        drop(guard);
    }

    /// Registers middleware that waits for an outcome from the engine.
    pub(crate) fn add_waiting(&self, id: CallId, outer: WaitingMiddleware) {
        let mut over = Vec::new();
        {
            let mut waiting_middleware = self.waiting_middleware.lock();
            if waiting_middleware.len() >= 64
                && let Some(started) = self.started.get()
            {
                // Removes the middleware of calls that have ended without a message.
                let ended: Vec<_> =
                    waiting_middleware.keys().filter(|id| started.port.is_cancelled(**id)).copied().collect();
                over.extend(ended.into_iter().filter_map(|id| waiting_middleware.remove(&id)));
            }
            over.extend(waiting_middleware.insert(id, outer));
        }
        drop(over);
    }

    /// The middleware that waits for an outcome from the engine.
    pub(crate) fn take_waiting(&self, id: CallId) -> Option<WaitingMiddleware> {
        self.waiting_middleware.lock().remove(&id)
    }

    /// Handles an operation from a lane.
    pub(crate) fn take(self: &Arc<Self>, op: HostOp, mode: Mode) {
        match op {
            HostOp::Call(call) => self.run(call, mode, false),
            other => self.hear(other),
        }
    }

    /// Handles an operation that does not start a call.
    pub(crate) fn hear(&self, op: HostOp) {
        match op {
            HostOp::Next { call, outcome } => {
                if let Some(outer) = self.take_waiting(call) {
                    outer.resume(outcome);
                }
            }
            // The callback sees by itself that its call has ended. An answer starts the call again.
            HostOp::Cancel { call, .. } => drop(self.take_waiting(call)),
            _ => {}
        }
    }

    /// Adds middleware to operations.
    pub(crate) fn add_middleware(
        self: &Arc<Self>,
        words: Option<Vec<&str>>,
        mode: tenon_mode,
        handler: Handler,
    ) -> Result<()> {
        self.check_fork()?;
        let mode = Mode::of(mode)?;
        let id = self.handlers.insert(Arc::new(handler));
        let words = words.unwrap_or_else(|| CALLS.to_vec()).into_iter().map(str::to_owned).collect();
        let added = {
            let mut config = self.config.lock();
            self.allow_workers(mode == Mode::Worker, &config);
            config.add_middleware(words, mode.lane(), id)
        };
        if added.is_err() {
            self.forget(vec![id]);
        }
        added
    }

    pub(crate) fn own_handlers(&self) -> HashMap<u32, Arc<Handler>> {
        self.handlers.all()
    }

    pub(crate) fn own_handler(&self, id: HandlerId) -> Option<Arc<Handler>> {
        self.handlers.get(id)
    }

    /// A callback of this server, or of a server that is mounted in it.
    pub(crate) fn handler(&self, id: HandlerId) -> Option<Arc<Handler>> {
        self.own_handler(id).or_else(|| self.mounts.handler(id))
    }

    /// Ends a call whose callback does not run.
    fn fail(&self, call: &HostCall, outcome: Outcome) {
        if let Some(started) = self.started.get() {
            let _ = started.port.complete(call.id, outcome);
        }
    }

    /// Makes sure that the thread for inline calls from elsewhere runs. If it cannot start, these calls fail.
    pub(crate) fn start_inline_thread(self: &Arc<Self>) {
        let Some(started) = self.started.get() else { return };
        if let Err(failure) = started.inline_thread.ensure(self, 1) {
            started.inline_thread.drain(|call| self.fail(&call, Outcome::Failed(failure.message.clone())));
        }
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

    /// Ends everything and waits for it. No code of the program runs afterwards.
    pub(crate) fn shut_down(self: &Arc<Self>) -> Result<()> {
        // First, because a child that was forked in a callback is still inside that callback.
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
            // The last of these, because a callback may wait for a function that this thread runs.
            started.cancel_thread.stop();
            started.poll.give_up();
            self.callbacks.close();
        }
        let waiting_middleware = std::mem::take(&mut *self.waiting_middleware.lock());
        drop(waiting_middleware);
        if !self.mounts.are_any() {
            self.handlers.clear();
            // Here, and not when the last thread of the engine drops this server, because callbacks may be destroyed with
            // the mounts.
            self.mounts.clear();
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

fn no_entry(kind: Kind, name: &str) -> Failure {
    Failure::new(TENON_ERR_NOT_FOUND, format!("there is no {} {name:?}", kind.noun()))
}
