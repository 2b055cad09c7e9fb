//! The program's log.

use crate::abi::error::c_string;
use crate::calls::reentrancy::Inside;
use crate::entries::handlers::{RunningCallbacks, UserData};
use std::ffi::{c_char, c_void};
use std::sync::Arc;
use tenon_mcp::locks::Mutex;
use tenon_mcp::{Log, LogLevel, Record};

/// The level of a log record: one of the TENON_LOG_ values.
pub type tenon_log_level = i32;

/// Details for debugging.
pub const TENON_LOG_DEBUG: tenon_log_level = 1;
/// Information; nothing is wrong.
pub const TENON_LOG_INFO: tenon_log_level = 2;
/// Something went wrong, and the library handled it.
pub const TENON_LOG_WARN: tenon_log_level = 3;
/// A call failed because of the program: no callback completed it, or its result could not be used.
pub const TENON_LOG_ERROR: tenon_log_level = 4;

/// A log, see tenon_server_set_log(). `target` is the part of the library that reports, such as "tenon_mcp::call".
/// `message` is the text of the record, which may have several lines. Both are NUL-terminated and live until the
/// function returns. Later versions may add levels between these or above them, so compare levels with < and >.
///
/// The function is called on any thread, also on several at once and on threads of the library. It must not block, and
/// must not call functions of the server or of its calls.
pub type tenon_log_fn = Option<
    unsafe extern "C" fn(
        user_data: *mut c_void,
        level: tenon_log_level,
        target: *const c_char,
        message: *const c_char,
    ),
>;

/// The target of records about calls.
pub(crate) const LOG_TARGET: &str = "tenon_mcp::call";

type Function = unsafe extern "C" fn(*mut c_void, tenon_log_level, *const c_char, *const c_char);

/// A log with its data. The engine may hold it after the server's end, so it can be closed.
pub(crate) struct HostLog {
    function: Function,
    data: Mutex<Option<Arc<UserData>>>,
    callbacks: RunningCallbacks,
    server: usize,
}

impl HostLog {
    /// `server` is the address of the server that it belongs to.
    pub(crate) fn new(function: Function, data: UserData, server: *const ()) -> HostLog {
        let data = Mutex::new(Some(Arc::new(data)));
        HostLog { function, data, callbacks: RunningCallbacks::default(), server: server.addr() }
    }

    /// Waits until the log is not in use. Later records are dropped. Drops the data.
    pub(crate) fn close(&self) {
        self.callbacks.close();
        let data = self.data.lock().take();
        drop(data);
    }
}

impl Log for HostLog {
    fn log(&self, record: &Record<'_>) {
        let Some(_guard) = self.callbacks.enter() else { return };
        let Some(data) = self.data.lock().clone() else { return };
        let level = match record.level {
            LogLevel::Debug => TENON_LOG_DEBUG,
            LogLevel::Info => TENON_LOG_INFO,
            LogLevel::Warn => TENON_LOG_WARN,
            _ => TENON_LOG_ERROR,
        };
        let (target, message) = (c_string(record.target), c_string(record.message));
        let _inside = Inside::enter(self.server, false);
        // SAFETY: the program passed this function, of this type, with this data; the data is not destroyed while this
        // pass is held, and the texts live until the function returns.
        unsafe { (self.function)(data.pointer, level, target.as_ptr(), message.as_ptr()) };
    }
}
