//! A server behind its handle: first settings, then three lanes that the callbacks run from.

use crate::call::tenon_call;
use crate::error::c_string;
use crate::guard::Result;
use crate::handlers::{Gate, Handlers};
use crate::poll::PollLane;
use crate::server::Mode;
use crate::setup::Setup;
use crate::status::*;
use crate::tool::tenon_tool;
use crate::workers::Workers;
use parking_lot::Mutex;
use std::cell::RefCell;
use std::ffi::CString;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, OnceLock, Weak};
use std::time::Duration;
use tenon_mcp::{Drained, HostCall, HostOp, HostPort, Lane, LaneId, Outcome, Running, Server, Target, Wake};

pub(crate) struct Inner {
    pub(crate) setup: Mutex<Setup>,
    started: OnceLock<Started>,
    handlers: Handlers,
    gate: Gate,
}

/// What exists from the start on.
pub(crate) struct Started {
    pub(crate) running: Running,
    pub(crate) url: Option<CString>,
    pub(crate) poll: PollLane,
    server: Server,
    port: HostPort,
    inline: Lane,
    workers: Workers,
    process: u32,
}

thread_local! {
    /// The servers whose callbacks run on this thread, innermost last, and whether inline.
    static CALLBACKS: RefCell<Vec<(*const Inner, bool)>> = const { RefCell::new(Vec::new()) };
    /// The servers whose inline lane is being drained on this thread.
    static DRAINING: RefCell<Vec<*const Inner>> = const { RefCell::new(Vec::new()) };
}

impl Inner {
    pub(crate) fn new(name: &str, version: &str) -> Result<Arc<Inner>> {
        Ok(Arc::new(Inner {
            setup: Mutex::new(Setup::new(name, version)?),
            started: OnceLock::new(),
            handlers: Handlers::default(),
            gate: Gate::default(),
        }))
    }

    /// The started server, or why there is none to use.
    pub(crate) fn started(&self) -> Result<&Started> {
        let started = self.started.get().ok_or_else(|| Failure::state("the server was not started"))?;
        started.check_fork()?;
        Ok(started)
    }

    /// Comes before every lock: in a forked child it may be held by a thread that does not exist there.
    fn check_fork(&self) -> Result<()> {
        self.started.get().map_or(Ok(()), Started::check_fork)
    }

    /// Changes the settings, which is possible before the start.
    pub(crate) fn configure<T>(&self, change: impl FnOnce(&mut Setup) -> Result<T>) -> Result<T> {
        self.check_fork()?;
        let mut setup = self.setup.lock();
        if self.started.get().is_some() {
            return Err(Failure::state("the server was started already; settings come before the start"));
        }
        change(&mut setup)
    }

    /// The same for a setter, whose failure the start reports too.
    pub(crate) fn set(&self, set: impl FnOnce(&mut Setup) -> Result<()>) -> Result<tenon_status> {
        self.configure(|setup| setup.set(set))
    }

    pub(crate) fn add_tool(self: &Arc<Self>, mut tool: tenon_tool) -> Result<()> {
        self.check_fork()?;
        let definition = tool.definition()?;
        let handler = tool
            .handler
            .take()
            .ok_or_else(|| Failure::new(TENON_ERR_INVALID, format!("tool {:?} has no handler", tool.name)))?;
        let id = self.handlers.insert(handler);
        let target = Target::Lane { lane: tool.mode.lane(), handler: id };
        let added = {
            let mut setup = self.setup.lock();
            match self.started.get() {
                None => setup.add_tool(std::mem::take(&mut tool.name), definition, target),
                Some(started) => self
                    .start_workers(started, tool.mode == Mode::Worker, &setup)
                    .and_then(|()| Ok(started.server.add_tool(definition, target)?)),
            }
        };
        if added.is_err() {
            // Dropped out here: `destroy` is the program's code and no lock may be held.
            drop(self.handlers.remove(id));
        }
        added
    }

    pub(crate) fn remove_tool(&self, name: &str) -> Result<()> {
        self.check_fork()?;
        let target = {
            let mut setup = self.setup.lock();
            match self.started.get() {
                None => setup.remove_tool(name),
                Some(started) => started.server.remove_tool(name),
            }
        };
        match target {
            Some(Target::Lane { handler, .. }) => {
                drop(self.handlers.remove(handler));
                Ok(())
            }
            _ => Err(Failure::new(TENON_ERR_NOT_FOUND, format!("there is no tool {name:?}"))),
        }
    }

    pub(crate) fn start(self: &Arc<Self>) -> Result<()> {
        if inside_inline() {
            // It runs on a thread of another engine, whose runtime would become this one's too.
            return Err(Failure::state("a server cannot be started inside an inline callback"));
        }
        self.check_fork()?;
        let mut setup = self.setup.lock();
        if self.started.get().is_some() {
            return Err(Failure::state("the server was started already"));
        }
        let server = setup.build()?;
        let options = setup.transports()?;
        let port = server.port();
        let workers = Workers::new(&port, Mode::Worker.lane());
        let inline = port.lane(Mode::Inline.lane(), Arc::new(InlineWake(Arc::downgrade(self))));
        let poll = PollLane::new(&port, Mode::Poll.lane())?;
        let running = server.start(options)?;
        running.on_closed(poll.wake());
        let url = running.http_url().map(c_string);
        let process = std::process::id();
        let started = Started { running, url, poll, server, port, inline, workers, process };
        let started = self.started.get_or_init(|| started);
        setup.stdio = None;
        let any = setup.has_tool_in(Mode::Worker.lane());
        if let Err(failure) = self.start_workers(started, any, &setup) {
            started.running.close();
            return Err(failure);
        }
        drop(setup);
        // Calls that came in before `started` was set have woken nobody.
        self.drain_inline();
        Ok(())
    }

    fn start_workers(self: &Arc<Self>, started: &Started, needed: bool, setup: &Setup) -> Result<()> {
        if needed { started.workers.ensure(self, setup.worker_threads) } else { Ok(()) }
    }

    /// Runs one callback.
    pub(crate) fn run(self: &Arc<Self>, call: HostCall, inline: bool) {
        let Some(started) = self.started.get() else { return };
        let fail = |why: String| {
            let _ = started.port.complete(call.id, Outcome::Failed(why));
        };
        let name = &call.context.tool.name;
        let Some(pass) = self.gate.enter() else { return fail("the server is closing".to_owned()) };
        let Some(handler) = self.handlers.get(call.handler) else {
            return fail(format!("tool {name:?} was removed before its call was run"));
        };
        let call = Arc::new(tenon_call::new(started.port.clone(), call, handler.clone(), started.process));
        CALLBACKS.with_borrow_mut(|callbacks| callbacks.push((Arc::as_ptr(self), inline)));
        handler.run(Arc::as_ptr(&call).cast_mut());
        CALLBACKS.with_borrow_mut(|callbacks| callbacks.pop());
        // In this order: the call may hold the last use of the handler, and who closes the gate waits for its end too.
        // Ending a call runs engine code; should that panic, it must not take the thread along.
        let _ = catch_unwind(AssertUnwindSafe(|| drop(call)));
        drop(handler);
        drop(pass);
    }

    /// Fails a call that nobody is going to run.
    pub(crate) fn fail_closing(&self, call: &HostCall) {
        if let Some(started) = self.started.get() {
            let _ = started.port.complete(call.id, Outcome::Failed("the server is closing".to_owned()));
        }
    }

    /// Whether a callback of this server runs on this thread.
    pub(crate) fn is_inside(&self) -> bool {
        CALLBACKS.with_borrow(|callbacks| callbacks.iter().any(|(inner, _)| std::ptr::eq(*inner, self)))
    }

    /// Runs what is queued for inline callbacks, here.
    ///
    /// The engine wakes a lane on the thread that queued something, with no lock held (that is the contract of
    /// [`Wake`]); so draining inside the wake runs the callback on that thread, without a hand-off. Two things need
    /// care. A wake can come from inside a drain, because popping wakes again when something is left and because a
    /// callback may queue: then the outer drain, which goes on until the lane is empty, takes it, and the stack does
    /// not grow. And drains on several threads may overlap, which is as wanted: callbacks of different connections
    /// do not wait for each other.
    fn drain_inline(self: &Arc<Self>) {
        let Some(started) = self.started.get() else { return };
        let this = Arc::as_ptr(self);
        let nested = DRAINING.with_borrow_mut(|draining| {
            let nested = draining.contains(&this);
            if !nested {
                draining.push(this);
            }
            nested
        });
        if nested {
            return;
        }
        // Until a drain finds nothing: what a callback queues after a drain has found nothing more wakes in vain.
        let mut ops = Vec::new();
        loop {
            let left = started.inline.drain(1, Duration::ZERO, &mut ops);
            match ops.pop() {
                Some(HostOp::Call(call)) => self.run(call, true),
                Some(_) => {}
                None if left == Drained::Empty => break,
                None => {}
            }
        }
        DRAINING.with_borrow_mut(|draining| draining.retain(|inner| *inner != this));
    }

    /// Ends everything and waits for it. Nothing of the program's runs afterwards.
    pub(crate) fn shut_down(self: &Arc<Self>) -> Result<()> {
        if self.is_inside() {
            return Err(Failure::state("a server cannot be freed inside one of its callbacks"));
        }
        if let Some(started) = self.started.get() {
            started.check_fork()?;
            started.running.close();
            while started.poll.wait_closed(&started.running, |call| self.fail_closing(&call)) {}
            started.workers.stop();
            self.gate.close();
        }
        self.handlers.clear();
        Ok(())
    }
}

impl Started {
    pub(crate) fn check_fork(&self) -> Result<()> {
        Ok(self.running.check_fork()?)
    }
}

fn inside_inline() -> bool {
    CALLBACKS.with_borrow(|callbacks| callbacks.iter().any(|(_, inline)| *inline))
}

struct InlineWake(Weak<Inner>);

impl Wake for InlineWake {
    fn wake(&self) {
        if let Some(inner) = self.0.upgrade() {
            inner.drain_inline();
        }
    }
}

impl Mode {
    /// The lane of the mode, by a number of this crate's choice.
    pub(crate) fn lane(self) -> LaneId {
        LaneId(self as u32)
    }
}
