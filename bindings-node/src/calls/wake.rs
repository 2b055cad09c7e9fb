//! The wake: a thread-safe function without data, called by engine threads, run by the environment's loop.
//!
//! The typed wrapper of napi-rs boxes an argument per call and turns failures into exceptions; a wake has no argument
//! and nothing that could fail, so it uses Node-API directly.

use crate::serve::session::Session;
use napi::{Env, check_status, sys};
use std::ffi::c_void;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr;
use std::rc::Rc;
use tenon_mcp::Wake;
use tenon_mcp::locks::Mutex;

/// What engine threads hold of an environment: a way to wake its loop, as long as there is one.
///
/// Once the function is taken out, wakes do nothing. The lock is held while the function is called, so that the
/// environment cannot free it meanwhile: it does so only after `finalize`, which takes it out.
///
/// Node runs a thread-safe function up to 1,000 times in a row as long as it is called again, and no timer or I/O of the
/// program meanwhile. So during a turn, and until the turn that is to follow it, wakes are only noted.
#[derive(Default)]
pub(crate) struct Waker(Mutex<Place>);

#[derive(Default)]
struct Place {
    function: Option<Function>,
    held: bool,
    woken: bool,
}

struct Function(sys::napi_threadsafe_function);

// SAFETY: Node-API makes these handles for use by any thread; the only two uses here, calling and releasing, are
// documented as callable from any thread.
unsafe impl Send for Function {}

impl Waker {
    /// Makes wakes run [`Session::turn`] on the calling environment's loop. If this `keeps` the loop alive, it does until
    /// [`Waker::release`].
    pub(crate) fn attach(&self, env: &Env, session: &Rc<Session>, keeps: bool) -> napi::Result<()> {
        let text = "tenon";
        let mut name = ptr::null_mut();
        // SAFETY: `env` is the calling environment; the text is readable for its length.
        let status = unsafe {
            sys::napi_create_string_utf8(env.raw(), text.as_ptr().cast(), text.len() as isize, &mut name)
        };
        check_status!(status)?;
        let context = Rc::into_raw(session.clone()).cast_mut().cast::<c_void>();
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
                Some(finalize),
                context,
                Some(turn),
                &mut function,
            )
        };
        if status != sys::Status::napi_ok {
            // SAFETY: the function was not made, so the reference from above is still ours.
            drop(unsafe { Rc::from_raw(context.cast::<Session>()) });
            check_status!(status)?;
        }
        if !keeps {
            // SAFETY: the function was just made, and this is the environment's thread.
            check_status!(unsafe { sys::napi_unref_threadsafe_function(env.raw(), function) })?;
        }
        self.0.lock().function = Some(Function(function));
        Ok(())
    }

    /// Whether the loop stays alive because this is attached. To be called on its thread.
    pub(crate) fn keep(&self, env: sys::napi_env, alive: bool) {
        if let Some(Function(function)) = &self.0.lock().function {
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

    /// Lets the loop go; wakes do nothing from now on.
    pub(crate) fn release(&self) {
        if let Some(Function(function)) = self.0.lock().function.take() {
            // SAFETY: the function is alive, because `finalize` would have taken it out under the lock; it is
            // released once, because it was taken out here.
            unsafe {
                sys::napi_release_threadsafe_function(function, sys::ThreadsafeFunctionReleaseMode::abort)
            };
        }
    }

    /// Forgets the function without releasing it: its environment is taking it down.
    pub(crate) fn forget(&self) {
        self.0.lock().function = None;
    }

    /// From now on wakes are only noted: a turn begins.
    pub(crate) fn hold(&self) {
        let mut place = self.0.lock();
        place.held = true;
        place.woken = false;
    }

    /// Whether wakes were noted since the turn began, or since this was asked.
    pub(crate) fn take_noted(&self) -> bool {
        std::mem::take(&mut self.0.lock().woken)
    }

    /// The turn is over. Says whether another one must follow, which the caller sees to; until then wakes stay noted.
    pub(crate) fn settle(&self, more: bool) -> bool {
        let mut place = self.0.lock();
        place.held = more || place.woken;
        place.held
    }

    /// Takes wakes again, and has the loop take a turn.
    pub(crate) fn resume(&self) {
        self.0.lock().held = false;
        self.wake();
    }

    fn is_held(&self) -> bool {
        self.0.lock().held
    }
}

impl Wake for Waker {
    fn wake(&self) {
        let mut place = self.0.lock();
        if place.held {
            place.woken = true;
            return;
        }
        let Some(Function(function)) = &place.function else { return };
        // SAFETY: the function is alive while it can be seen under the lock.
        let status = unsafe {
            sys::napi_call_threadsafe_function(
                *function,
                ptr::null_mut(),
                sys::ThreadsafeFunctionCallMode::nonblocking,
            )
        };
        if status != sys::Status::napi_ok {
            // It is closing, and must not be touched again.
            place.function = None;
        }
    }
}

/// Runs on the environment's thread, in a handle scope, once or more for each wake.
unsafe extern "C" fn turn(
    env: sys::napi_env,
    _function: sys::napi_value,
    context: *mut c_void,
    _data: *mut c_void,
) {
    // Without an environment the queue is only being emptied.
    if env.is_null() {
        return;
    }
    let context = context.cast_const().cast::<Session>();
    // SAFETY: the context is the reference `attach` counted and `finalize` gives back, which comes later. Another one
    // is counted here, because a handler may close the server.
    let session = unsafe {
        Rc::increment_strong_count(context);
        Rc::from_raw(context)
    };
    // Where it is held the loop will come by itself.
    if !session.waker.is_held() {
        session.run();
    }
}

/// Runs on the environment's thread when the function is about to be freed.
unsafe extern "C" fn finalize(_env: sys::napi_env, context: *mut c_void, _hint: *mut c_void) {
    // SAFETY: this is the reference `attach` counted, given back once.
    let session = unsafe { Rc::from_raw(context.cast_const().cast::<Session>()) };
    session.forget_waker();
    let _ = catch_unwind(AssertUnwindSafe(|| drop(session)));
}
