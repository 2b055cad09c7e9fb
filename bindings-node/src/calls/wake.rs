//! The waker of an environment: engine threads call a thread-safe function without data, which runs on the
//! environment's loop.
//!
//! The typed wrapper of napi-rs boxes an argument for each call, and turns failures into exceptions. A wake has no
//! argument and cannot fail, so this file uses Node-API directly.

use napi::{Env, check_status, sys};
use std::ffi::c_void;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr;
use std::rc::Rc;
use tenon_mcp::Wake;
use tenon_mcp::locks::Mutex;

/// The target of a waker. Its methods are called on the environment's thread.
pub(crate) trait WakeTarget {
    fn waker(&self) -> &Waker;

    /// Takes a turn.
    fn run(&self);
}

/// Wakes an environment's loop, from any thread.
///
/// Once the function is taken out, wakes have no effect. The lock is held while the function is called, so that the
/// environment cannot free it meanwhile: it does so only after `finalize`, which takes it out.
///
/// If a thread-safe function is called repeatedly, Node runs it up to 1,000 times in a row. Meanwhile it runs no timer
/// or I/O of the program. So wakes are deferred during a turn, and until the turn that follows it.
#[derive(Default)]
pub(crate) struct Waker(Mutex<WakeState>);

#[derive(Default)]
struct WakeState {
    function: Option<ThreadsafeFunction>,
    /// Whether wakes are deferred.
    deferring: bool,
    /// Whether there was a wake while wakes were deferred.
    pending: bool,
}

struct ThreadsafeFunction(sys::napi_threadsafe_function);

// SAFETY: Node-API makes these handles for use by any thread. The two uses here, calling and releasing, are documented
// as callable from any thread.
unsafe impl Send for ThreadsafeFunction {}

impl Waker {
    /// Makes wakes run [`WakeTarget::run`] on the calling environment's loop. With `refs` this keeps the loop alive
    /// until [`Waker::release`].
    pub(crate) fn attach<T: WakeTarget>(&self, env: &Env, target: &Rc<T>, refs: bool) -> napi::Result<()> {
        let text = "tenon";
        let mut name = ptr::null_mut();
        // SAFETY: `env` is the calling environment; the text is readable for its length.
        let status = unsafe {
            sys::napi_create_string_utf8(env.raw(), text.as_ptr().cast(), text.len() as isize, &mut name)
        };
        check_status!(status)?;
        let context = Rc::into_raw(target.clone()).cast_mut().cast::<c_void>();
        let mut function = ptr::null_mut();
        // SAFETY: without a JavaScript function a native callback is given. `context` is a counted reference that
        // `finalize` gives back, after the last call of `turn`.
        let status = unsafe {
            sys::napi_create_threadsafe_function(
                env.raw(),
                ptr::null_mut(),
                ptr::null_mut(),
                name,
                // Unbounded, and never longer than the number of lanes: wakes are coalesced.
                0,
                1,
                context,
                Some(finalize::<T>),
                context,
                Some(turn::<T>),
                &mut function,
            )
        };
        if status != sys::Status::napi_ok {
            // SAFETY: the function was not made, so this code still owns the reference from above.
            drop(unsafe { Rc::from_raw(context.cast::<T>()) });
            check_status!(status)?;
        }
        if !refs {
            // SAFETY: the function was just made, and this is the environment's thread.
            check_status!(unsafe { sys::napi_unref_threadsafe_function(env.raw(), function) })?;
        }
        self.0.lock().function = Some(ThreadsafeFunction(function));
        Ok(())
    }

    /// Sets whether this keeps the loop alive. Call it on the loop's thread.
    pub(crate) fn set_ref(&self, env: sys::napi_env, alive: bool) {
        if let Some(ThreadsafeFunction(function)) = &self.0.lock().function {
            // SAFETY: the function is alive while it can be seen under the lock, and this is its environment's thread.
            unsafe {
                if alive {
                    sys::napi_ref_threadsafe_function(env, *function)
                } else {
                    sys::napi_unref_threadsafe_function(env, *function)
                }
            };
        }
    }

    /// Releases the function. From now on wakes have no effect.
    pub(crate) fn release(&self) {
        if let Some(ThreadsafeFunction(function)) = self.0.lock().function.take() {
            // SAFETY: the function is alive, because `finalize` would have taken it out under the lock; it is
            // released once, because it was taken out here.
            unsafe {
                sys::napi_release_threadsafe_function(function, sys::ThreadsafeFunctionReleaseMode::abort)
            };
        }
    }

    /// Forgets the function without releasing it, because its environment frees it.
    pub(crate) fn forget(&self) {
        self.0.lock().function = None;
    }

    /// Begins a turn: wakes are deferred from now on.
    pub(crate) fn begin_turn(&self) {
        let mut state = self.0.lock();
        state.deferring = true;
        state.pending = false;
    }

    /// Whether there were wakes since the turn began, or since the last call of this function.
    pub(crate) fn take_pending(&self) -> bool {
        std::mem::take(&mut self.0.lock().pending)
    }

    /// Ends the turn. Returns whether the caller must schedule another turn. Wakes stay deferred until then.
    pub(crate) fn end_turn(&self, more: bool) -> bool {
        let mut state = self.0.lock();
        state.deferring = more || state.pending;
        state.deferring
    }

    /// Stops deferring wakes, and makes the loop take a turn.
    pub(crate) fn resume(&self) {
        self.0.lock().deferring = false;
        self.wake();
    }

    fn is_deferring(&self) -> bool {
        self.0.lock().deferring
    }
}

impl Wake for Waker {
    fn wake(&self) {
        let mut state = self.0.lock();
        if state.deferring {
            state.pending = true;
            return;
        }
        let Some(ThreadsafeFunction(function)) = &state.function else { return };
        // SAFETY: the function is alive while it can be seen under the lock.
        let status = unsafe {
            sys::napi_call_threadsafe_function(
                *function,
                ptr::null_mut(),
                sys::ThreadsafeFunctionCallMode::nonblocking,
            )
        };
        if status != sys::Status::napi_ok {
            // The function is closing, and must not be used again.
            state.function = None;
        }
    }
}

/// Runs on the environment's thread, in a handle scope, at least once for each wake.
unsafe extern "C" fn turn<T: WakeTarget>(
    env: sys::napi_env,
    _function: sys::napi_value,
    context: *mut c_void,
    _data: *mut c_void,
) {
    // Without an environment, Node only empties the queue.
    if env.is_null() {
        return;
    }
    let context = context.cast_const().cast::<T>();
    // SAFETY: the context is the reference that `attach` counted and that `finalize` releases later. Another one is
    // counted here, because a handler may close the server.
    let target = unsafe {
        Rc::increment_strong_count(context);
        Rc::from_raw(context)
    };
    // If wakes are deferred, a turn is scheduled already.
    if !target.waker().is_deferring() {
        target.run();
    }
}

/// Runs on the environment's thread when the function is about to be freed.
unsafe extern "C" fn finalize<T: WakeTarget>(_env: sys::napi_env, context: *mut c_void, _hint: *mut c_void) {
    // SAFETY: this is the reference that `attach` counted, released once.
    let target = unsafe { Rc::from_raw(context.cast_const().cast::<T>()) };
    target.waker().forget();
    let _ = catch_unwind(AssertUnwindSafe(|| drop(target)));
}
