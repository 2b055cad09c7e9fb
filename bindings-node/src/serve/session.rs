//! One listening server in one environment: from `listen` to the moment JavaScript hears that it has ended.

use crate::calls::batch::{ALONE, Batch, Kind, MOST, RECORD};
use crate::calls::table::{Calls, join};
use crate::calls::wake::Waker;
use crate::error::{Result, environment, invalid, state, to_js};
use crate::log::Records;
use crate::register::options::ListenOptions;
use crate::serve::embed::{Exchanges, Numbers};
use crate::serve::owner::Owner;
use crate::serve::signals;
use crate::serve::unmounted::Unmounted;
use crate::test_client::told;
use napi::bindgen_prelude::{FnArgs, Function, JsValue, Uint32Array};
use napi::{CleanupEnvHook, Env, check_status, sys};
use std::cell::{Cell, OnceCell, RefCell};
use std::ptr;
use std::rc::{Rc, Weak};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tenon_mcp::__private::pass_fault;
use tenon_mcp::testing::Link;
use tenon_mcp::{CallId, Drained, Error, ErrorKind, HostOp, Lane, LaneId, Outcome, Running, Server};

/// An environment is one lane.
pub(crate) const LANE: LaneId = LaneId(0);

/// Operations per turn of the loop.
const TURN: usize = 64;

/// How long a dying environment waits for what it has answered to be written.
const LAST_WAIT: Duration = Duration::from_secs(1);

/// The JavaScript function that takes batches: their JSON text, when their numbers are in the array.
pub(crate) type Dispatch<'a> = Function<'a, FnArgs<(String,)>, ()>;

/// The JavaScript function that sees to it that [`Session::run`] is called once the loop has gone round.
pub(crate) type Again<'a> = Function<'a, (), ()>;

/// A server in one environment, listening or not.
pub(crate) struct State {
    pub(crate) server: Server,
    /// The deepest nesting and the largest text of a result.
    pub(crate) bounds: [u32; 2],
    pub(crate) records: Arc<Records>,
    /// Of the last start that owned the process; signals come also when the server has ended.
    pub(crate) process: RefCell<Option<Arc<Owner>>>,
    pub(crate) calls: RefCell<Calls>,
    pub(crate) session: RefCell<Option<Rc<Session>>>,
    /// Handlers of removed tools, for JavaScript to forget once calls that were queued before are through.
    pub(crate) retired: RefCell<Vec<u32>>,
    /// Mounts that nothing needs any more.
    pub(crate) unmounted: Arc<Unmounted>,
    /// Clients in the process, by the numbers that JavaScript has given them.
    pub(crate) links: RefCell<Vec<(u32, Arc<Link>)>>,
    pub(crate) exchanges: Numbers,
}

/// What exists only while the server listens.
pub(crate) struct Session {
    env: sys::napi_env,
    owner: Rc<State>,
    pub(crate) waker: Arc<Waker>,
    dispatch: Cell<sys::napi_ref>,
    again: Cell<sys::napi_ref>,
    /// Where batches put their numbers. `None` once the environment has everything back.
    numbers: RefCell<Option<Uint32Array>>,
    /// Memory for what one drain brings.
    spare: RefCell<(Vec<HostOp>, Batch)>,
    /// The calls that wait for operations which were drained and are not handed over yet, in the order of the operations.
    taken: RefCell<Vec<CallId>>,
    lane: OnceCell<Lane>,
    running: OnceCell<Running>,
    exchanges: OnceCell<Exchanges>,
    /// JavaScript knows what became of the start.
    began: Cell<bool>,
    /// Without a request it does not keep the loop alive.
    idle: Cell<bool>,
    hook: Cell<Option<CleanupEnvHook<Weak<Session>>>>,
}

/// The calls that wait for the operations of a batch, see [`HostOp::awaited_by`].
fn calls_in(batch: &Batch) -> impl Iterator<Item = CallId> {
    const AWAITED: [u32; 5] = [
        Kind::Call as u32,
        Kind::Wrapped as u32,
        Kind::Answer as u32,
        Kind::Refused as u32,
        Kind::Next as u32,
    ];
    let records = batch.records.as_chunks::<RECORD>().0.iter();
    records.filter(|record| AWAITED.contains(&record[0])).map(|record| join(record[1], record[2]))
}

impl Session {
    /// Starts the transports; batches go to `dispatch` from now on.
    pub(crate) fn open(
        env: &Env,
        owner: &Rc<State>,
        dispatch: &Dispatch<'_>,
        again: &Again<'_>,
        numbers: Uint32Array,
        options: ListenOptions,
    ) -> Result<Rc<Session>> {
        if numbers.len() < MOST {
            return Err(invalid("there is no room for the numbers of an operation"));
        }
        if owner.session.borrow().is_some() {
            return Err(state("the server is listening already"));
        }
        // What JavaScript may collect is not kept from here: the engine ends then, see `Session::let_go`.
        let count = u32::from(options.collectable != Some(true));
        let refer = |value: sys::napi_value| -> Result<_> {
            let mut reference = ptr::null_mut();
            // SAFETY: both functions are live values of the calling environment.
            let status = unsafe { sys::napi_create_reference(env.raw(), value, count, &mut reference) };
            check_status!(status).map_err(environment)?;
            Ok(Cell::new(reference))
        };
        let session = Rc::new(Session {
            env: env.raw(),
            owner: owner.clone(),
            waker: Arc::default(),
            dispatch: refer(dispatch.raw())?,
            again: refer(again.raw())?,
            numbers: RefCell::new(Some(numbers)),
            spare: RefCell::default(),
            taken: RefCell::default(),
            lane: OnceCell::new(),
            running: OnceCell::new(),
            exchanges: OnceCell::new(),
            began: Cell::new(false),
            idle: Cell::new(false),
            hook: Cell::new(None),
        });
        if let Err(error) = session.start(env, options) {
            session.release();
            return Err(error);
        }
        *owner.session.borrow_mut() = Some(session.clone());
        Ok(session)
    }

    fn start(self: &Rc<Self>, env: &Env, options: ListenOptions) -> Result<()> {
        let (owns, unref) = (options.owner, options.unref);
        let options = options.into_serve()?;
        self.waker.attach(env, self, !unref).map_err(environment)?;
        self.idle.set(unref);
        // Called later than the hook of the wake would be: hooks run last in, first out.
        let hook = env
            .add_env_cleanup_hook(Rc::downgrade(self), |session| {
                if let Some(session) = session.upgrade() {
                    session.end_of_environment();
                }
            })
            .map_err(environment)?;
        self.hook.set(Some(hook));
        let _ = self.lane.set(self.owner.server.port().lane(LANE, self.waker.clone()));
        let running = self.owner.server.start(options).map_err(to_js)?;
        running.on_closed(self.waker.clone());
        // Where nobody is to be told of it, it is over already.
        self.began.set(running.start_outcome().is_some());
        if !self.began.get() {
            running.on_started(self.waker.clone());
        }
        if let Some(exchanges) = Exchanges::of(&running, self.waker.clone()) {
            let _ = self.exchanges.set(exchanges);
        }
        *self.owner.process.borrow_mut() = owns.then(|| Owner::of(&running));
        let _ = self.running.set(running);
        self.owner.records.attach(Some(self.waker.clone()));
        self.owner.unmounted.attach(Some(self.waker.clone()));
        Ok(())
    }

    pub(crate) fn exchanges(&self) -> Option<&Exchanges> {
        self.exchanges.get()
    }

    /// Keeps the loop alive, or leaves that to others, where only requests do.
    pub(crate) fn keep(&self, alive: bool) {
        if self.idle.get() {
            self.waker.keep(self.env, alive);
        }
    }

    /// Keeps the loop alive until the end.
    pub(crate) fn keep_to_the_end(&self) {
        self.keep(true);
        self.idle.set(false);
    }

    /// Whether what became of the start is known without a wait.
    pub(crate) fn has_begun(&self) -> bool {
        self.began.get()
    }

    pub(crate) fn running(&self) -> Option<&Running> {
        self.running.get()
    }

    /// Makes the loop take a turn, although nothing may be queued.
    pub(crate) fn nudge(&self) {
        tenon_mcp::Wake::wake(&*self.waker);
    }

    pub(crate) fn forget_waker(&self) {
        self.waker.forget();
    }

    /// Takes a turn, on the environment's thread.
    pub(crate) fn run(&self) {
        let port = self.owner.server.port();
        if port.guard("a turn of the event loop", || self.turn(), || self.lost()).is_none() {
            self.waker.resume();
        }
    }

    /// The calls that wait for operations which JavaScript has not been given.
    fn lost(&self) -> Vec<CallId> {
        let lost = self.taken.take();
        let mut calls = self.owner.calls.borrow_mut();
        lost.iter().for_each(|call| drop(calls.remove(*call)));
        lost
    }

    /// Hands over what is queued, and what comes meanwhile, within the bounds of a turn. Handlers run inside, and may do
    /// anything here except expect to find a borrow free: none is held while JavaScript runs.
    fn turn(&self) {
        let (Some(lane), Some(running)) = (self.lane.get(), self.running.get()) else { return };
        self.waker.hold();
        let start = Instant::now();
        let (mut left, budget) = (TURN, self.owner.server.engine().limits().poll_budget);
        let (mut ops, mut batch) = self.spare.take();
        loop {
            // Asked before draining: what was queued before the end is handed over before the end is told.
            let closed = running.is_closed();
            let drained = lane.drain(left, budget, &mut ops);
            left -= left.min(ops.len());
            self.taken.borrow_mut().extend(ops.iter().filter_map(HostOp::awaited_by));
            let over = closed && drained == Drained::Empty && !self.dispatch.get().is_null();
            self.hand_over(&mut ops, &mut batch, drained, over);
            if over {
                return self.release();
            }
            let full = drained == Drained::More || left == 0 || start.elapsed() >= budget;
            if full || !self.waker.take_noted() {
                self.spare.replace((ops, batch));
                if self.waker.settle(drained == Drained::More) && self.call_again().is_err() {
                    // The stack or the environment is at its end.
                    self.waker.resume();
                }
                return;
            }
        }
    }

    /// Hands over what was drained, what was logged, and the end of the server if it is `over`.
    fn hand_over(&self, ops: &mut Vec<HostOp>, batch: &mut Batch, drained: Drained, over: bool) {
        for op in ops.drain(..) {
            let alone = matches!(&op, HostOp::Call(call) if call.input.as_bytes().len() > ALONE);
            self.make_room(batch, alone);
            batch.push(op, &mut self.owner.calls.borrow_mut());
            pass_fault("take");
            if alone {
                self.send(batch);
            }
        }
        for exchange in self.exchanges.get().map_or_else(Vec::new, |exchanges| exchanges.ready.take()) {
            self.make_room(batch, false);
            batch.tell(Kind::Ready, exchange);
        }
        for record in self.owner.records.take() {
            self.make_room(batch, false);
            batch.log(&record);
        }
        // A copy: what an event leads to may open and close clients.
        let links = self.owner.links.borrow().clone();
        for (number, link) in links {
            while let Some(event) = link.event() {
                let event = told(&event);
                let alone = event.as_bytes().len() > ALONE;
                self.make_room(batch, alone);
                batch.heard(number, event.as_bytes());
                if alone {
                    self.send(batch);
                }
            }
        }
        if drained == Drained::Empty {
            for handler in self.owner.retired.take() {
                self.make_room(batch, false);
                batch.tell(Kind::Forget, handler);
            }
        }
        for mount in self.owner.unmounted.take() {
            self.make_room(batch, false);
            batch.tell(Kind::Unmounted, mount);
        }
        let outcome = self.running.get().filter(|_| !self.began.get()).and_then(Running::start_outcome);
        if let Some(outcome) = outcome {
            self.began.set(true);
            self.make_room(batch, false);
            let failure = outcome.err().filter(|error| error.kind() == ErrorKind::Start);
            batch.began(failure.as_ref().map(Error::message));
        }
        if over {
            self.make_room(batch, false);
            batch.closed(self.owner.process.borrow().as_ref().and_then(|process| process.end()));
            // Before JavaScript hears of it, so that it may listen again at once.
            self.owner.session.borrow_mut().take();
        }
        self.send(batch);
    }

    /// Sends what there is before an operation for which there is no room, or that is to be sent alone.
    fn make_room(&self, batch: &mut Batch, alone: bool) {
        let room = self.numbers.borrow().as_ref().map_or(0, |numbers| numbers.len());
        if alone || batch.records.len() + MOST > room {
            self.send(batch);
        }
    }

    fn call_again(&self) -> napi::Result<()> {
        let (env, mut again, mut receiver) = (self.env, ptr::null_mut(), ptr::null_mut());
        // SAFETY: this is the environment's thread, in a handle scope, and the reference is alive until `release`.
        unsafe {
            check_status!(sys::napi_get_reference_value(env, self.again.get(), &mut again))?;
            check_status!(sys::napi_get_undefined(env, &mut receiver))?;
            self.call_function(receiver, again, &[])
        }
    }

    /// Hands a batch to JavaScript and empties it. Calls that could not be handed over are failed.
    fn send(&self, batch: &mut Batch) {
        if self.dispatch.get().is_null() {
            self.taken.take();
            batch.clear();
        }
        if batch.is_empty() {
            return;
        }
        batch.finish();
        if self.call(batch).is_err() {
            // A worker may be terminated inside of a handler: its calls end like those of one that is terminated elsewhere.
            if self.has_ended() {
                self.close_now();
            } else {
                self.fail(batch);
            }
        }
        // They stand first, because calls are sent in their order.
        let mut taken = self.taken.borrow_mut();
        let given = calls_in(batch).count().min(taken.len());
        taken.drain(..given);
        drop(taken);
        batch.clear();
    }

    /// Fails the calls of a batch that JavaScript could not take.
    fn fail(&self, batch: &Batch) {
        let port = self.owner.server.port();
        for call in calls_in(batch) {
            let outcome = Outcome::Failed("the handler's environment did not take the call".into());
            let _ = port.complete(call, outcome);
        }
    }

    fn call(&self, batch: &Batch) -> napi::Result<()> {
        let env = self.env;
        if let Some(numbers) = self.numbers.borrow_mut().as_mut() {
            // SAFETY: JavaScript looks at the array inside `dispatch` only, on this thread, and that does not run now: a
            // turn is not taken while another one is.
            unsafe { numbers.as_mut()[..batch.records.len()].copy_from_slice(&batch.records) };
        }
        let (mut text, mut dispatch, mut receiver) = (ptr::null_mut(), ptr::null_mut(), ptr::null_mut());
        let (start, length) = (batch.text.as_ptr().cast(), batch.text.len() as isize);
        // SAFETY: this is the environment's thread, in the handle scope of `turn`. The text is readable for `length` bytes,
        // is UTF-8 because it is made of scanned JSON, and Latin-1 where it is ASCII. The reference is alive: `send` looked.
        unsafe {
            check_status!(if batch.text.is_ascii() {
                sys::napi_create_string_latin1(env, start, length, &mut text)
            } else {
                sys::napi_create_string_utf8(env, start, length, &mut text)
            })?;
            check_status!(sys::napi_get_reference_value(env, self.dispatch.get(), &mut dispatch))?;
            check_status!(sys::napi_get_undefined(env, &mut receiver))?;
            self.call_function(receiver, dispatch, &[text])
        }
    }

    /// Whether the environment runs no JavaScript any more: its worker was terminated.
    fn has_ended(&self) -> bool {
        let (mut function, mut has) = (ptr::null_mut(), false);
        // SAFETY: this is the environment's thread, in the handle scope of `turn`, and the reference is alive: `send` looked.
        // The name is a string with its end. No getter runs: a function has this property itself.
        unsafe {
            let found = sys::napi_get_reference_value(self.env, self.dispatch.get(), &mut function);
            found != sys::Status::napi_ok
                || sys::napi_has_named_property(self.env, function, c"name".as_ptr(), &mut has)
                    != sys::Status::napi_ok
        }
    }

    /// # Safety
    /// On the environment's thread, with values of its present handle scope.
    unsafe fn call_function(
        &self,
        receiver: sys::napi_value,
        function: sys::napi_value,
        arguments: &[sys::napi_value],
    ) -> napi::Result<()> {
        // SAFETY: by the contract above; the arguments are readable for their number.
        let status = unsafe {
            let (count, start) = (arguments.len(), arguments.as_ptr());
            sys::napi_call_function(self.env, receiver, function, count, start, ptr::null_mut())
        };
        if status == sys::Status::napi_pending_exception {
            // Our functions catch everything; this is the stack or the environment at its end.
            let mut exception = ptr::null_mut();
            // SAFETY: by the contract above.
            unsafe { sys::napi_get_and_clear_last_exception(self.env, &mut exception) };
        }
        check_status!(status)
    }

    /// Gives everything of the environment back.
    fn release(&self) {
        if let Some(hook) = self.hook.take() {
            let _ = Env::from_raw(self.env).remove_env_cleanup_hook(hook);
        }
        self.owner.records.attach(None);
        self.owner.unmounted.attach(None);
        self.forget_values();
        self.waker.release();
    }

    /// Deletes what refers to values of the environment.
    fn forget_values(&self) {
        self.numbers.take();
        for place in [&self.dispatch, &self.again] {
            let reference = place.replace(ptr::null_mut());
            if !reference.is_null() {
                // SAFETY: this is the environment's thread, and the reference is deleted once: it was taken out.
                unsafe { sys::napi_delete_reference(self.env, reference) };
            }
        }
    }

    /// Nobody has the server any more, so no handler of it will run.
    pub(crate) fn let_go(&self) {
        if let Some(running) = self.running.get() {
            running.close_within(Duration::ZERO);
        }
    }

    /// The environment ends (a worker was terminated, the process exits): no handler will run any more. What has been
    /// answered is still written, for as long as that takes, within reason.
    pub(crate) fn abandon(&self) {
        let Some(running) = self.running.get() else { return };
        self.close_now();
        if !signals::forced() {
            running.wait_for(LAST_WAIT);
        }
    }

    /// Ends every call in flight, without a wait for its handler.
    fn close_now(&self) {
        if let Some(running) = self.running.get() {
            running.close_within(Duration::ZERO);
        }
    }

    fn end_of_environment(&self) {
        self.hook.set(None);
        self.owner.records.attach(None);
        self.owner.unmounted.attach(None);
        self.waker.forget();
        self.abandon();
        self.forget_values();
        self.owner.session.borrow_mut().take();
    }
}
