//! The program's function that the library calls at the start of each thread.

use crate::abi::error::c_string;
use crate::entries::handlers::{RunningCallbacks, UserData};
use std::ffi::{c_char, c_void};
use std::sync::Arc;
use tenon_mcp::locks::Mutex;

/// A function that is called at the start of a thread, see tenon_server_set_thread_start(). `name` is NUL-terminated
/// and lives until the function returns.
pub type tenon_thread_start_fn = Option<unsafe extern "C" fn(user_data: *mut c_void, name: *const c_char)>;

type Function = unsafe extern "C" fn(*mut c_void, *const c_char);

/// The function with its data. Threads may start after the server's end, so it can be closed.
pub(crate) struct ThreadStart {
    function: Function,
    data: Mutex<Option<Arc<UserData>>>,
    callbacks: RunningCallbacks,
}

impl ThreadStart {
    pub(crate) fn new(function: Function, data: UserData) -> ThreadStart {
        ThreadStart {
            function,
            data: Mutex::new(Some(Arc::new(data))),
            callbacks: RunningCallbacks::default(),
        }
    }

    pub(crate) fn call(&self, name: &str) {
        let Some(_guard) = self.callbacks.enter() else { return };
        let Some(data) = self.data.lock().clone() else { return };
        let name = c_string(name);
        // SAFETY: the program passed this function, of this type, with this data; the data is not destroyed while this
        // pass is held, and the name lives until the function returns.
        unsafe { (self.function)(data.pointer, name.as_ptr()) };
    }

    /// Waits until the function is not running. It is not called afterwards. Drops the data.
    pub(crate) fn close(&self) {
        self.callbacks.close();
        let data = self.data.lock().take();
        drop(data);
    }
}
