//! One listening server in one environment: from `listen` until JavaScript is notified that the server has ended.

use crate::calls::batch::Batch;
use crate::calls::table::Calls;
use crate::calls::wake::Waker;
use crate::error::{Result, environment, state, to_js};
use crate::log::Records;
use crate::serve::exchanges::{ExchangeNumbers, Exchanges};
use crate::serve::js_calls::{Dispatch, JsValues, ScheduleTurn};
use crate::serve::owner::Owner;
use crate::serve::signals;
use crate::serve::transports::ListenOptions;
use crate::serve::unmounted::Unmounted;
use napi::bindgen_prelude::Uint32Array;
use napi::{CleanupEnvHook, Env, sys};
use std::cell::{Cell, OnceCell, RefCell};
use std::rc::{Rc, Weak};
use std::sync::Arc;
use std::time::Duration;
use tenon_mcp::testing::Link;
use tenon_mcp::{CallId, HostOp, Lane, LaneId, Running, ServeOptions, Server, Settings};

/// An environment has one lane.
pub(crate) const LANE: LaneId = LaneId(0);

/// How long an environment that ends waits until its answers are written.
const FLUSH_TIMEOUT: Duration = Duration::from_secs(1);

/// A server in one environment, listening or not.
pub(crate) struct ServerState {
    pub(crate) server: Server,
    /// The settings of the program from which the server was built.
    pub(crate) settings: Option<Settings>,
    /// The deepest nesting and the largest text of a result.
    pub(crate) bounds: [u32; 2],
    pub(crate) records: Arc<Records>,
    /// The owner of the process since the last `listen` with signals. Signals may also arrive after the server's end.
    pub(crate) process: RefCell<Option<Arc<Owner>>>,
    pub(crate) calls: RefCell<Calls>,
    pub(crate) session: RefCell<Option<Rc<Session>>>,
    /// Handlers of removed entries. JavaScript is told to forget them once it has got the earlier calls.
    pub(crate) removed_handlers: RefCell<Vec<u32>>,
    /// Mounts that are not needed any more.
    pub(crate) unmounted: Arc<Unmounted>,
    /// Test clients, by the numbers that JavaScript has given them.
    pub(crate) links: RefCell<Vec<(u32, Arc<Link>)>>,
    pub(crate) exchanges: ExchangeNumbers,
}

/// The part of a server that exists only while it listens.
pub(crate) struct Session {
    env: sys::napi_env,
    pub(super) state: Rc<ServerState>,
    pub(crate) waker: Arc<Waker>,
    pub(super) js: JsValues,
    /// Buffers for the next turn.
    pub(super) spare: RefCell<(Vec<HostOp>, Batch)>,
    /// The calls that wait for operations that were drained and have not reached JavaScript, in the order of the
    /// operations.
    pub(super) undelivered: RefCell<Vec<CallId>>,
    pub(super) lane: OnceCell<Lane>,
    pub(super) running: OnceCell<Running>,
    pub(super) exchanges: OnceCell<Exchanges>,
    /// Whether JavaScript knows the result of the start.
    pub(super) start_known: Cell<bool>,
    /// Whether the session keeps the loop alive only while there are requests.
    unref: Cell<bool>,
    hook: Cell<Option<CleanupEnvHook<Weak<Session>>>>,
}

impl Session {
    /// Starts the transports; batches go to `dispatch` from now on.
    pub(crate) fn open(
        env: &Env,
        owner: &Rc<ServerState>,
        dispatch: &Dispatch<'_>,
        schedule_turn: &ScheduleTurn<'_>,
        numbers: Uint32Array,
        (options, serve): (ListenOptions, ServeOptions),
    ) -> Result<Rc<Session>> {
        if owner.session.borrow().is_some() {
            return Err(state("listen: the server is already listening; close it before listening again"));
        }
        let session = Rc::new(Session {
            env: env.raw(),
            state: owner.clone(),
            waker: Arc::default(),
            js: JsValues::new(env, dispatch, schedule_turn, numbers, options.collectable)?,
            spare: RefCell::default(),
            undelivered: RefCell::default(),
            lane: OnceCell::new(),
            running: OnceCell::new(),
            exchanges: OnceCell::new(),
            start_known: Cell::new(false),
            unref: Cell::new(false),
            hook: Cell::new(None),
        });
        if let Err(error) = session.start(env, serve, options.owner) {
            session.release();
            return Err(error);
        }
        *owner.session.borrow_mut() = Some(session.clone());
        Ok(session)
    }

    fn start(self: &Rc<Self>, env: &Env, options: ServeOptions, owns: bool) -> Result<()> {
        let unref = options.is_passive();
        self.waker.attach(env, self, !unref).map_err(environment)?;
        self.unref.set(unref);
        // Hooks run in reverse order, so this one runs before the waker's.
        let hook = env
            .add_env_cleanup_hook(Rc::downgrade(self), |session| {
                if let Some(session) = session.upgrade() {
                    session.end_of_environment();
                }
            })
            .map_err(environment)?;
        self.hook.set(Some(hook));
        let _ = self.lane.set(self.state.server.port().lane(LANE, self.waker.clone()));
        let running = self.state.server.start(options).map_err(to_js)?;
        running.on_closed(self.waker.clone());
        // Without handlers of `start`, the start has succeeded already.
        self.start_known.set(running.start_outcome().is_some());
        if !self.start_known.get() {
            running.on_started(self.waker.clone());
        }
        if let Some(exchanges) = Exchanges::of(&running, self.waker.clone()) {
            let _ = self.exchanges.set(exchanges);
        }
        *self.state.process.borrow_mut() = owns.then(|| Owner::of(&running));
        let _ = self.running.set(running);
        self.state.records.attach(Some(self.waker.clone()));
        self.state.unmounted.attach(Some(self.waker.clone()));
        Ok(())
    }

    pub(crate) fn exchanges(&self) -> Option<&Exchanges> {
        self.exchanges.get()
    }

    /// Sets whether the loop stays alive. This has an effect only if the session keeps the loop alive only for
    /// requests.
    pub(crate) fn set_ref(&self, alive: bool) {
        if self.unref.get() {
            self.waker.set_ref(self.env, alive);
        }
    }

    /// Keeps the loop alive until the server has ended.
    pub(crate) fn ref_until_end(&self) {
        self.set_ref(true);
        self.unref.set(false);
    }

    /// Whether the result of the start is known.
    pub(crate) fn start_known(&self) -> bool {
        self.start_known.get()
    }

    pub(crate) fn running(&self) -> Option<&Running> {
        self.running.get()
    }

    /// Makes the loop take a turn, even if nothing is queued.
    pub(crate) fn request_turn(&self) {
        tenon_mcp::Wake::wake(&*self.waker);
    }

    /// Ends every call in flight, without waiting for its handler.
    pub(crate) fn close_now(&self) {
        if let Some(running) = self.running.get() {
            running.close_within(Duration::ZERO);
        }
    }

    /// Ends the server because the environment ends: a worker was terminated, or the process exits. Handlers no longer
    /// run. Waits a limited time until answers are written.
    pub(crate) fn abandon(&self) {
        let Some(running) = self.running.get() else { return };
        self.close_now();
        if !signals::must_exit() {
            running.wait_for(FLUSH_TIMEOUT);
        }
    }

    /// Releases everything of the environment.
    pub(super) fn release(&self) {
        if let Some(hook) = self.hook.take() {
            let _ = Env::from_raw(self.env).remove_env_cleanup_hook(hook);
        }
        self.state.records.attach(None);
        self.state.unmounted.attach(None);
        self.js.release();
        self.waker.release();
    }

    fn end_of_environment(&self) {
        self.hook.set(None);
        self.state.records.attach(None);
        self.state.unmounted.attach(None);
        self.waker.forget();
        self.abandon();
        self.js.release();
        self.state.session.borrow_mut().take();
    }
}
