//! One listening server in one environment: from `listen` to the moment JavaScript hears that it has ended.

use crate::batch::{ALONE, Batch, Kind};
use crate::calls::{Calls, join};
use crate::error::{Result, environment, state, to_js};
use crate::wake::Waker;
use napi::bindgen_prelude::{FnArgs, Function, JsValue};
use napi::{CleanupEnvHook, Env, check_status, sys};
use std::cell::{Cell, OnceCell, RefCell};
use std::ptr;
use std::rc::{Rc, Weak};
use std::sync::Arc;
use std::time::Duration;
use tenon_mcp::{CancelReason, Drained, HostOp, Lane, LaneId, Outcome, Running, ServeOptions, Server};

/// An environment is one lane.
pub(crate) const LANE: LaneId = LaneId(0);

/// Operations and time per turn of the loop.
const TURN: (usize, Duration) = (64, Duration::from_millis(2));

/// How often and how long a dying environment waits for what it has answered to be written.
const LAST_WAITS: (u32, Duration) = (10, Duration::from_millis(100));

/// The JavaScript function that takes batches: numbers, and their JSON text.
pub(crate) type Dispatch<'a> = Function<'a, FnArgs<(napi::bindgen_prelude::Uint32Array, String)>, ()>;

/// A server in one environment, listening or not.
pub(crate) struct State {
    pub(crate) server: Server,
    pub(crate) calls: RefCell<Calls>,
    pub(crate) session: RefCell<Option<Rc<Session>>>,
    /// Handlers of removed tools, for JavaScript to forget once calls that were queued before are through.
    pub(crate) retired: RefCell<Vec<u32>>,
}

/// What exists only while the server listens.
pub(crate) struct Session {
    env: sys::napi_env,
    owner: Rc<State>,
    waker: Arc<Waker>,
    dispatch: Cell<sys::napi_ref>,
    lane: OnceCell<Lane>,
    running: OnceCell<Running>,
    hook: Cell<Option<CleanupEnvHook<Weak<Session>>>>,
}

impl Session {
    /// Starts the transports; batches go to `dispatch` from now on.
    pub(crate) fn open(
        env: &Env,
        owner: &Rc<State>,
        dispatch: &Dispatch<'_>,
        options: ServeOptions,
    ) -> Result<Rc<Session>> {
        if owner.session.borrow().is_some() {
            return Err(state("the server is listening already"));
        }
        let mut reference = ptr::null_mut();
        // SAFETY: `dispatch` is a live value of the calling environment.
        let status = unsafe { sys::napi_create_reference(env.raw(), dispatch.raw(), 1, &mut reference) };
        check_status!(status).map_err(environment)?;
        let session = Rc::new(Session {
            env: env.raw(),
            owner: owner.clone(),
            waker: Arc::default(),
            dispatch: Cell::new(reference),
            lane: OnceCell::new(),
            running: OnceCell::new(),
            hook: Cell::new(None),
        });
        if let Err(error) = session.start(env, options) {
            session.release();
            return Err(error);
        }
        *owner.session.borrow_mut() = Some(session.clone());
        Ok(session)
    }

    fn start(self: &Rc<Self>, env: &Env, options: ServeOptions) -> Result<()> {
        self.waker.attach(env, self).map_err(environment)?;
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
        let _ = self.running.set(running);
        Ok(())
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

    /// Hands over what is queued. Runs on the environment's thread; handlers run inside, and may do anything here
    /// except expect to find a borrow free: none is held while JavaScript runs.
    pub(crate) fn turn(&self) {
        let (Some(lane), Some(running)) = (self.lane.get(), self.running.get()) else { return };
        // Asked before draining: what was queued before the end is handed over before the end is told.
        let closed = running.is_closed();
        let mut ops = Vec::new();
        let drained = lane.drain(TURN.0, TURN.1, &mut ops);
        let mut batch = Batch::default();
        for op in ops {
            let alone = matches!(&op, HostOp::Call(call) if call.arguments.as_bytes().len() > ALONE);
            if alone {
                self.send(&mut batch);
            }
            batch.push(op, &mut self.owner.calls.borrow_mut());
            if alone {
                self.send(&mut batch);
            }
        }
        if drained == Drained::Empty {
            for handler in self.owner.retired.take() {
                batch.tell(Kind::Forget, handler);
            }
        }
        let over = closed && drained == Drained::Empty && !self.dispatch.get().is_null();
        if over {
            batch.tell(Kind::Closed, 0);
            // Before JavaScript hears of it, so that it may listen again at once.
            self.owner.session.borrow_mut().take();
        }
        self.send(&mut batch);
        if over {
            self.release();
        }
    }

    /// Hands a batch to JavaScript and empties it. Calls that could not be handed over are failed.
    fn send(&self, batch: &mut Batch) {
        if batch.is_empty() || self.dispatch.get().is_null() {
            return;
        }
        batch.finish();
        if self.call(batch).is_err() {
            let port = self.owner.server.port();
            for record in batch.records.as_chunks::<{ crate::batch::RECORD }>().0 {
                if record[0] == Kind::Call as u32 {
                    let outcome = Outcome::Failed("the handler's environment did not take the call".into());
                    let _ = port.complete(join(record[1], record[2]), outcome);
                }
            }
        }
        batch.clear();
    }

    fn call(&self, batch: &Batch) -> napi::Result<()> {
        let env = self.env;
        let bytes = std::mem::size_of_val(&batch.records[..]);
        let (mut data, mut buffer, mut records) = (ptr::null_mut(), ptr::null_mut(), ptr::null_mut());
        let (mut text, mut dispatch, mut receiver) = (ptr::null_mut(), ptr::null_mut(), ptr::null_mut());
        let (start, length) = (batch.text.as_ptr().cast(), batch.text.len() as isize);
        // SAFETY: this is the environment's thread, in the handle scope of `turn`. The array buffer is new, of `bytes`
        // bytes and aligned for numbers of four; the text is readable for `length` bytes, is UTF-8 because it is made
        // of scanned JSON, and Latin-1 where it is ASCII. The reference is alive: `send` looked.
        unsafe {
            check_status!(sys::napi_create_arraybuffer(env, bytes, &mut data, &mut buffer))?;
            ptr::copy_nonoverlapping(batch.records.as_ptr().cast(), data.cast::<u8>(), bytes);
            let kind = sys::TypedarrayType::uint32_array;
            check_status!(sys::napi_create_typedarray(
                env,
                kind,
                batch.records.len(),
                buffer,
                0,
                &mut records
            ))?;
            check_status!(if batch.text.is_ascii() {
                sys::napi_create_string_latin1(env, start, length, &mut text)
            } else {
                sys::napi_create_string_utf8(env, start, length, &mut text)
            })?;
            check_status!(sys::napi_get_reference_value(env, self.dispatch.get(), &mut dispatch))?;
            check_status!(sys::napi_get_undefined(env, &mut receiver))?;
            let arguments = [records, text];
            let status =
                sys::napi_call_function(env, receiver, dispatch, 2, arguments.as_ptr(), ptr::null_mut());
            if status == sys::Status::napi_pending_exception {
                // The function catches everything; this is the stack or the environment at its end.
                let mut exception = ptr::null_mut();
                sys::napi_get_and_clear_last_exception(env, &mut exception);
            }
            check_status!(status)
        }
    }

    /// Gives everything of the environment back.
    fn release(&self) {
        if let Some(hook) = self.hook.take() {
            let _ = Env::from_raw(self.env).remove_env_cleanup_hook(hook);
        }
        self.delete_dispatch();
        self.waker.release();
    }

    fn delete_dispatch(&self) {
        let reference = self.dispatch.replace(ptr::null_mut());
        if !reference.is_null() {
            // SAFETY: this is the environment's thread, and the reference is deleted once: it was taken out.
            unsafe { sys::napi_delete_reference(self.env, reference) };
        }
    }

    /// The environment ends (a worker was terminated, the process exits): no handler will run any more. What has been
    /// answered is still written, for as long as that takes, within reason.
    pub(crate) fn abandon(&self) {
        let Some(running) = self.running.get() else { return };
        running.close();
        for _ in 0..LAST_WAITS.0 {
            self.owner.server.engine().cancel_all(CancelReason::Closing);
            if running.wait_for(LAST_WAITS.1) {
                return;
            }
        }
    }

    fn end_of_environment(&self) {
        self.hook.set(None);
        self.waker.forget();
        self.abandon();
        self.delete_dispatch();
        self.owner.session.borrow_mut().take();
    }
}
