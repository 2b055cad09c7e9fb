//! The JavaScript functions and the array that a session uses, and the calls of these functions.

use crate::calls::batch::{Batch, MAX_NUMBERS};
use crate::error::{Result, environment, invalid};
use napi::bindgen_prelude::{FnArgs, Function, JsValue, Uint32Array};
use napi::{Env, check_status, sys};
use std::cell::{Cell, RefCell};
use std::ptr;

/// The function that takes batches. It gets the JSON text of a batch after the numbers were written into the array.
pub(crate) type Dispatch<'a> = Function<'a, FnArgs<(String,)>, ()>;

/// The function that makes JavaScript call `Engine.turn` in the next iteration of the loop.
pub(crate) type ScheduleTurn<'a> = Function<'a, (), ()>;

/// References to values of one environment. Use them only on its thread.
pub(crate) struct JsValues {
    env: sys::napi_env,
    dispatch: Cell<sys::napi_ref>,
    schedule_turn: Cell<sys::napi_ref>,
    /// The array for the numbers of batches. `None` after `release`.
    numbers: RefCell<Option<Uint32Array>>,
}

impl JsValues {
    /// The references to the functions are weak if JavaScript may collect the functions. `Session::close_now` is called
    /// then.
    pub(crate) fn new(
        env: &Env,
        dispatch: &Dispatch<'_>,
        schedule_turn: &ScheduleTurn<'_>,
        numbers: Uint32Array,
        collectable: bool,
    ) -> Result<JsValues> {
        if numbers.len() < MAX_NUMBERS {
            return Err(invalid(format!("listen: numbers must have at least {MAX_NUMBERS} elements")));
        }
        let count = u32::from(!collectable);
        let refer = |value: sys::napi_value| -> Result<_> {
            let mut reference = ptr::null_mut();
            // SAFETY: both functions are live values of the calling environment.
            let status = unsafe { sys::napi_create_reference(env.raw(), value, count, &mut reference) };
            check_status!(status).map_err(environment)?;
            Ok(Cell::new(reference))
        };
        Ok(JsValues {
            env: env.raw(),
            dispatch: refer(dispatch.raw())?,
            schedule_turn: refer(schedule_turn.raw())?,
            numbers: RefCell::new(Some(numbers)),
        })
    }

    /// Whether the values were released.
    pub(crate) fn are_released(&self) -> bool {
        self.dispatch.get().is_null()
    }

    /// The maximum number of numbers of a batch.
    pub(crate) fn max_numbers(&self) -> usize {
        self.numbers.borrow().as_ref().map_or(0, |numbers| numbers.len())
    }

    /// Calls the function that schedules a turn.
    pub(crate) fn schedule_turn(&self) -> napi::Result<()> {
        let (env, mut function, mut receiver) = (self.env, ptr::null_mut(), ptr::null_mut());
        // SAFETY: this is the environment's thread, in a handle scope, and the reference is alive until `release`.
        unsafe {
            check_status!(sys::napi_get_reference_value(env, self.schedule_turn.get(), &mut function))?;
            check_status!(sys::napi_get_undefined(env, &mut receiver))?;
            self.call_function(receiver, function, &[])
        }
    }

    /// Passes a batch to JavaScript. The values must not be released.
    pub(crate) fn dispatch(&self, batch: &Batch) -> napi::Result<()> {
        let env = self.env;
        if let Some(numbers) = self.numbers.borrow_mut().as_mut() {
            // SAFETY: JavaScript reads the array only inside `dispatch`, on this thread. That function does not run
            // now, because no turn is taken during another.
            unsafe { numbers.as_mut()[..batch.records.len()].copy_from_slice(&batch.records) };
        }
        let (mut text, mut dispatch, mut receiver) = (ptr::null_mut(), ptr::null_mut(), ptr::null_mut());
        let (start, length) = (batch.text.as_ptr().cast(), batch.text.len() as isize);
        // SAFETY: this is the environment's thread, in the handle scope of a turn. The text is readable for `length`
        // bytes, is UTF-8 because it is made of scanned JSON, and Latin-1 if it is ASCII. The caller has checked that
        // the reference is alive.
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

    /// Whether the environment no longer runs JavaScript, because its worker was terminated.
    pub(crate) fn has_environment_ended(&self) -> bool {
        let (mut function, mut has) = (ptr::null_mut(), false);
        // SAFETY: this is the environment's thread, in the handle scope of a turn. The caller has checked that the
        // reference is alive. The name is a string with its terminator. No getter runs, because a function has this
        // property itself.
        unsafe {
            let found = sys::napi_get_reference_value(self.env, self.dispatch.get(), &mut function);
            found != sys::Status::napi_ok
                || sys::napi_has_named_property(self.env, function, c"name".as_ptr(), &mut has)
                    != sys::Status::napi_ok
        }
    }

    /// # Safety
    /// Call this on the environment's thread, with values of its present handle scope.
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
            // The package's functions catch everything, so the stack is full or the environment is ending.
            let mut exception = ptr::null_mut();
            // SAFETY: by the contract above.
            unsafe { sys::napi_get_and_clear_last_exception(self.env, &mut exception) };
        }
        check_status!(status)
    }

    /// Deletes the references.
    pub(crate) fn release(&self) {
        self.numbers.take();
        for cell in [&self.dispatch, &self.schedule_turn] {
            let reference = cell.replace(ptr::null_mut());
            if !reference.is_null() {
                // SAFETY: this is the environment's thread, and the reference is deleted once: it was taken out.
                unsafe { sys::napi_delete_reference(self.env, reference) };
            }
        }
    }
}
