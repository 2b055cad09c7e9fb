//! A program's store: its callback, and operations for tests.

use crate::abi::args::Out;
use crate::abi::error::tenon_error;
use crate::abi::guard::*;
use crate::abi::status::*;
use crate::calls::call::tenon_call;
use crate::entries::entry::tenon_mode;
use crate::entries::handlers::{Handler, Mode, tenon_destroy_fn, tenon_handler_fn};
use crate::servers::exchange::tenon_exchange_fn;
use crate::servers::server::tenon_server;
use crate::servers::state::server_state::ServerState;
use crate::transports::pipe::PipeWake;
use std::ffi::{c_char, c_void};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};
use tenon_mcp::locks::Mutex;
use tenon_mcp::{Parker, Spelling, Wake};

/// Sets a store of the program, for the data that outlives a request: legacy HTTP sessions, the events of streams that
/// can be resumed, tasks, and used states. It replaces the store that the setting "store" names.
///
/// The library calls `submit` for each operation. The arguments of its call are the operation: "op" is its name, and
/// docs/stores.md has the members of each operation and the members of the replies. Times are in milliseconds. Read
/// bytes with tenon_call_arg_bytes(). A member that has no value is missing. Complete the call with the reply, a JSON
/// object: with tenon_call_return_json(), or with tenon_call_return() and a result that was written with
/// tenon_result_begin_object(), tenon_result_put_bytes() and so on. The callback may keep the call with
/// tenon_call_retain(), and any thread may complete it later. Only the first completion counts.
///
/// - A key is "kind/name". Records, logs, counters and allowances with the same key are independent.
/// - Each operation takes effect at once or not at all, even if others use the store at the same time, such as other
///   servers and processes. "put" and "delete" check their condition and change the record in one step.
/// - Each write of a record gives it a version that its key never had before, even if the record has expired or was
///   removed since. The positions of a log grow in the same way. Both are below 2^63.
/// - Times to live count from the arrival of the operation. What has expired does not exist for any operation.
/// - Bytes may contain any bytes, and must be returned unchanged.
///
/// If the callback returns without completing or keeping the call, fails the call (tenon_call_fail()), or gives a wrong
/// reply, the operation has failed: the request that needs it is refused as busy, and the log says why. The same happens
/// if no reply comes within TENON_LIMIT_STORE_TIMEOUT_MS; tenon_call_on_cancel() notices that. The first operation comes
/// after the callbacks of "start", the last one before those of "stop".
///
/// With TENON_MODE_WORKER the callback runs on a thread of its own, one operation after the other, so it should keep a
/// call that has to wait. With TENON_MODE_POLL it runs in tenon_server_poll(). TENON_MODE_INLINE fails with
/// TENON_ERR_INVALID, because a store must not delay the threads that receive messages.
///
/// `user_data` and `destroy` may be NULL. `destroy` runs exactly once in every case: at once if this function fails,
/// when the store is replaced, and otherwise in tenon_server_free().
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tenon_server_set_store(
    server: *mut tenon_server,
    mode: tenon_mode,
    submit: tenon_handler_fn,
    user_data: *mut c_void,
    destroy: tenon_destroy_fn,
) -> tenon_status {
    entry!(data = user_data(user_data, destroy), server = object(server) => {
        let (mut data, mut former) = (Some(data), None);
        let status = server.inner.set(|config| {
            let function = submit.ok_or_else(|| Failure::null("submit"))?;
            let mode = match Mode::of(mode)? {
                Mode::Worker => Mode::Store,
                Mode::Poll => Mode::Poll,
                _ => {
                    let text = "a store runs in TENON_MODE_WORKER or TENON_MODE_POLL";
                    return Err(Failure::new(TENON_ERR_INVALID, text));
                }
            };
            if let Some(data) = data.take() {
                let handler = server.inner.add_handler(Handler::new(function, data));
                former = config.set_store(mode.lane(), handler);
            }
            Ok(())
        });
        // Outside of the lock, because `destroy` is the program's code.
        server.inner.forget(former.into_iter().collect());
        status
    })
}

/// The argument `name` as bytes, of a call of a store (tenon_server_set_store()). They are borrowed and live as long as
/// the call. Fails with TENON_ERR_NOT_FOUND if there is no such argument, and with TENON_ERR_TYPE if it is not bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tenon_call_arg_bytes(
    call: *const tenon_call,
    name: *const c_char,
    data: *mut *const c_void,
    len: *mut usize,
) -> tenon_status {
    entry!(data = out(data), len = out(len), call = object(call), name = text(name) => {
        let bytes = call.record_failure(call.argument_bytes(name))?;
        write_bytes(bytes, data, len);
        Ok(TENON_OK)
    })
}

fn write_bytes(bytes: &[u8], data: Out<'_, *const c_void>, len: Out<'_, usize>) {
    data.write(bytes.as_ptr().cast());
    len.write(bytes.len());
}

/// For tests of stores: runs an operation on the server's store, and calls `hear` with the reply, on this thread and
/// before it returns. The operation is `len` bytes of JSON text, or up to the first NUL with TENON_NUL. It and the reply
/// have the members of docs/stores.md; bytes are {"base64":"…"}.
///
/// If the server was not started, this function starts it, as tenon_server_exchange() does. It waits at most
/// `timeout_ms` milliseconds, and without a limit if that is below 0. Meanwhile this thread runs waiting callbacks in
/// TENON_MODE_POLL. A store that fails gives the reply "unavailable".
///
/// Fails with TENON_ERR_INVALID if the operation is wrong, and with TENON_ERR_IO after the timeout.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tenon_server_store_operation(
    server: *mut tenon_server,
    op: *const c_char,
    len: usize,
    timeout_ms: i32,
    hear: tenon_exchange_fn,
    user_data: *mut c_void,
    err: *mut *mut tenon_error,
) -> tenon_status {
    entry!(err; server = object(server), op = tried_slice(op, len) => {
        let hear = hear.ok_or_else(|| Failure::null("hear"))?;
        let timeout = u64::try_from(timeout_ms).ok().map(Duration::from_millis);
        let reply = server.inner.store_operation(op?, timeout)?;
        // SAFETY: the program passed this function, of this type, with this pointer; the text lives until it returns.
        unsafe { hear(user_data, reply.as_ptr().cast(), reply.len()) };
        Ok(TENON_OK)
    })
}

/// Wakes the thread of the store. The thread starts when it is first needed.
pub(crate) struct StoreThreadWake {
    pub(crate) inner: Weak<ServerState>,
    pub(crate) parker: Arc<Parker>,
}

impl Wake for StoreThreadWake {
    fn wake(&self) {
        self.parker.wake();
        if let Some(inner) = self.inner.upgrade() {
            inner.start_store_thread();
        }
    }
}

impl ServerState {
    fn store_operation(self: &Arc<Self>, op: &str, timeout: Option<Duration>) -> Result<String> {
        let started = self.started_for_exchange()?;
        let news = Arc::new(PipeWake::new()?);
        let reply = Arc::new(Mutex::new(None));
        let (said, told) = (reply.clone(), news.clone());
        let done = move |reply| {
            *said.lock() = Some(reply);
            told.wake();
        };
        tenon_mcp::testing::store_operation(&started.server, op, Spelling::C, done)?;
        let end = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
        started.poll.until(self, &news, end, || reply.lock().is_some())?;
        let reply = reply.lock().take();
        reply.ok_or_else(|| Failure::new(TENON_ERR_IO, "no reply came in time"))
    }
}
