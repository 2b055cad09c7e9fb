//! The server: made and set up.

use crate::error::tenon_error;
use crate::guard::*;
use crate::handle::Tagged;
use crate::handlers::tenon_destroy_fn;
use crate::inner::Inner;
use crate::json::json;
use crate::log::{HostLog, tenon_log_fn};
use crate::setup::{set_limit, tenon_limit};
use crate::status::*;
use crate::thread_start::{ThreadStart, tenon_thread_start_fn};
use std::ffi::{c_char, c_void};
use std::sync::Arc;

/// An MCP server. Before its start it is data: no thread, no descriptor. Any thread may use it, several at once too.
///
/// Made by tenon_server_new(); named and limited by the tenon_server_set functions; given tools, resources and prompts by
/// tenon_server_add(); given transports by the tenon_server_listen_ functions; run by tenon_server_run(), or by
/// tenon_server_start() with or without tenon_server_poll(); ended by tenon_server_close(); freed by tenon_server_free().
///
/// Settings and transports (tenon_server_set, tenon_server_listen_, tenon_server_allow_, extensions, state keys) come before the
/// start. After it, and while the server is mounted in another, they fail with TENON_ERR_STATE. What a server has may change at
/// any time. A server that has ended is not started again.
///
/// A tenon_server_set function that fails also makes the start fail, with the detail of the first such failure, so a program
/// may leave their statuses unchecked; the same goes for extensions, state keys, allowed hosts, origins and headers.
pub struct tenon_server {
    pub(crate) inner: Arc<Inner>,
}

/// Makes a server. `name` is for programs, `version` is the version of the server program; both are copied.
///
/// On success `*out` is the server. Fails with TENON_ERR_INVALID if the name is empty.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tenon_server_new(
    name: *const c_char,
    version: *const c_char,
    out: *mut *mut tenon_server,
    err: *mut *mut tenon_error,
) -> tenon_status {
    entry!(err; out = out(out), name = text(name), version = text(version) => {
        tenon_mcp::locate_panics();
        let inner = Inner::new(name, version)?;
        out.write(Tagged::give(tenon_server { inner }));
        Ok(TENON_OK)
    })
}

/// How a model should use the server: a text that clients may put into its prompt.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tenon_server_set_instructions(
    server: *mut tenon_server,
    instructions: *const c_char,
) -> tenon_status {
    entry!(server = object(server), instructions = tried_text(instructions) => server.inner.set(|setup| {
        setup.instructions = Some(instructions?.to_owned());
        Ok(())
    }))
}

/// Sets what the server says of itself, or how it works: `value` is `len` bytes of JSON text, or up to the first NUL with
/// TENON_NUL.
///
/// What it says of itself: "title", "description", "website_url" (strings) and "icons" (an array, as the specification has
/// it). Clients of older revisions are told what those have of it.
///
/// How it works:
/// - "revisions": the protocol versions it speaks, such as ["2025-11-25","2026-07-28"]. Default: all.
/// - "capabilities": what it has although nothing of it is registered yet: "tools", "resources", "prompts", "completions",
///   "logging".
/// - "mask_errors": true or false; whether clients are kept from why a call failed that its callback never completed.
///   By default they are once the server listens on an address that is not a loopback one, or answers requests that the program
///   hands over. The log says so at the start, with the level TENON_LOG_INFO.
/// - "cache": how long clients of 2026-07-28 may keep what they are told, and who, such as
///   {"ttlMs":60000,"cacheScope":"public"}; "cache_of" does so for some answers, such as {"tools/list":{"ttlMs":1000}}.
///   Default: not at all.
/// - "coerce_arguments": true or false; whether arguments that do not fit are checked once more with the numbers,
///   booleans, arrays and objects that texts among them stand for. Default: true.
/// - "assert_formats": true or false; whether "format" in schemas is asserted. Default: true.
/// - "log_level": "debug", "info", "warn" or "error"; records below it do not reach the log. Default: "debug".
/// - "end_with_stdin": true or false; whether the end of standard input, or of the descriptors in its place, ends a server
///   that has other transports. If false, that client leaves and the others stay. Default: true.
///
/// Fails with TENON_ERR_JSON if the text is not JSON, and with TENON_ERR_INVALID if there is no such member or the value is
/// wrong.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tenon_server_set(
    server: *mut tenon_server,
    member: *const c_char,
    value: *const c_char,
    len: usize,
) -> tenon_status {
    entry!(server = object(server), member = tried_text(member), value = tried_slice(value, len) => {
        server.inner.set(|setup| {
            let member = member?;
            let value = json(value?, member)?;
            setup.set_member(member, value)
        })
    })
}

/// Says that the server supports an extension of the protocol: its identifier, such as "com.example/thing", and its
/// settings, `len` bytes of a JSON object or up to the first NUL with TENON_NUL.
///
/// Fails with TENON_ERR_JSON or TENON_ERR_INVALID.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tenon_server_add_extension(
    server: *mut tenon_server,
    id: *const c_char,
    settings: *const c_char,
    len: usize,
) -> tenon_status {
    entry!(server = object(server), id = tried_text(id), settings = tried_slice(settings, len) => {
        server.inner.set(|setup| {
            let id = id?;
            let settings = json(settings?, "settings")?;
            setup.add_extension(id, settings)
        })
    })
}

/// Sets a limit: one of the TENON_LIMIT_ values. Those in _MS are milliseconds; what is more than the largest value
/// (docs/limits.md) counts as that. Fails with TENON_ERR_INVALID if there is no such limit, and for 0 where that is not allowed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tenon_server_set_limit(
    server: *mut tenon_server,
    limit: tenon_limit,
    value: u64,
) -> tenon_status {
    entry!(server = object(server) => {
        server.inner.set(|setup| set_limit(&mut setup.limits, limit, value))
    })
}

/// Adds a key that seals what clients carry between two attempts of a call: 32 random bytes, copied. The first key seals,
/// all open. Servers behind one address must share their keys; without any, a random key of this server serves.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tenon_server_add_state_key(
    server: *mut tenon_server,
    key: *const u8,
) -> tenon_status {
    entry!(server = object(server), key = tried_key(key) => server.inner.set(|setup| {
        setup.state_keys.push(*key?);
        Ok(())
    }))
}

/// How many worker threads run callbacks, 1 to 1024. Each starts when a call needs it and all others are busy. Default: one
/// per core, at most 4. Fails with TENON_ERR_INVALID for another number.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tenon_server_set_worker_threads(
    server: *mut tenon_server,
    count: u32,
) -> tenon_status {
    entry!(server = object(server) => server.inner.set(|setup| {
        if !(1..=1024).contains(&count) {
            return Err(Failure::new(TENON_ERR_INVALID, "worker threads must be 1 to 1024"));
        }
        setup.worker_threads = count as usize;
        Ok(())
    }))
}

/// Whether tenon_server_run() ends the server on SIGINT and SIGTERM, and the process if a callback keeps it after the end.
/// Default: true.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tenon_server_set_signals(server: *mut tenon_server, signals: bool) -> tenon_status {
    entry!(server = object(server) => server.inner.set(|setup| {
        setup.signals = signals;
        Ok(())
    }))
}

/// Has `hook` called on each thread that the library starts for this server, with the thread's name, before anything else runs
/// there: to set a priority or a mask of processors, or to tell a profiler. It must not call functions of the server.
/// Threads are called "tenon-io" (sockets), "tenon-worker-1" and so on, "tenon-timer", "tenon-stdin", "tenon-stdout",
/// "tenon-stderr", "tenon-files", "tenon-check", "tenon-inline", "tenon-cancel" and "tenon-close". Servers share threads only
/// where nobody has a hook. "tenon-signals" and "tenon-exit" belong to the process and call none. `user_data` and `destroy` may
/// be NULL.
///
/// `destroy` runs exactly once in every case: at once if this function fails, when the hook is replaced, and otherwise in
/// tenon_server_free(), after the last use of the hook.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tenon_server_set_thread_start(
    server: *mut tenon_server,
    hook: tenon_thread_start_fn,
    user_data: *mut c_void,
    destroy: tenon_destroy_fn,
) -> tenon_status {
    entry!(data = user_data(user_data, destroy), server = object(server) => {
        let (mut data, mut former) = (Some(data), None);
        let status = server.inner.set(|setup| {
            let function = hook.ok_or_else(|| Failure::null("hook"))?;
            former = data.take().and_then(|data| {
                setup.thread_start.replace(Arc::new(ThreadStart::new(function, data)))
            });
            Ok(())
        });
        // What ends here ends outside of the lock: `destroy` is the program's code.
        if let Some(former) = former {
            former.close();
        }
        status
    })
}

/// Where the server says what no client is told: calls that no callback completed, results that could not be used. Without a
/// log nobody is told. `user_data` may be NULL, and so may `destroy`.
///
/// `destroy` runs exactly once in every case: at once if this function fails, when the log is replaced, and otherwise in
/// tenon_server_free(), after the last use of the log.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tenon_server_set_log(
    server: *mut tenon_server,
    log: tenon_log_fn,
    user_data: *mut c_void,
    destroy: tenon_destroy_fn,
) -> tenon_status {
    entry!(data = user_data(user_data, destroy), server = object(server) => {
        let (mut data, mut former) = (Some(data), None);
        let status = server.inner.set(|setup| {
            let function = log.ok_or_else(|| Failure::null("log"))?;
            former = data.take().and_then(|data| {
                setup.log.replace(Arc::new(HostLog::new(function, data, Arc::as_ptr(&server.inner).cast())))
            });
            Ok(())
        });
        // What ends here ends outside of the lock: `destroy` is the program's code.
        if let Some(former) = former {
            former.close();
        }
        status
    })
}
