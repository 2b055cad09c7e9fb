//! Creating a server and setting it up.

use crate::abi::error::tenon_error;
use crate::abi::guard::*;
use crate::abi::handle::Tagged;
use crate::abi::json::{json, json_text};
use crate::abi::status::*;
use crate::abi::thread_start::{ThreadStart, tenon_thread_start_fn};
use crate::entries::handlers::tenon_destroy_fn;
use crate::servers::config::limit::tenon_limit;
use crate::servers::log::{HostLog, tenon_log_fn};
use crate::servers::state::server_state::ServerState;
use std::ffi::{c_char, c_void};
use std::sync::Arc;

/// An MCP server. Before its start it is only data: it has no thread and no descriptor. Any thread may use it, also
/// several threads at once.
///
/// Make one with tenon_server_new(). Configure it with the tenon_server_set functions. Add tools, resources and prompts
/// with tenon_server_add(), and transports with the tenon_server_listen_ functions. Run it with tenon_server_run(), or
/// with tenon_server_start() and, if needed, tenon_server_poll(). End it with tenon_server_close(), and free it with
/// tenon_server_free().
///
/// Set settings and transports (tenon_server_set, tenon_server_listen_, tenon_server_allow_, extensions, state keys)
/// before the start. After the start, and while the server is mounted in another, these functions fail with
/// TENON_ERR_STATE. Entries may be added, changed and removed at any time. A server that has ended cannot be started
/// again.
///
/// If a tenon_server_set function fails, the start fails too, with the detail of the first such failure. A program may
/// therefore leave their statuses unchecked. The same is true of extensions, state keys, allowed hosts, origins and
/// headers.
pub struct tenon_server {
    pub(crate) inner: Arc<ServerState>,
}

/// Makes a server. `name` is the server's name for programs, `version` is the version of the server program. Both are
/// copied. Either may be NULL, which means that of the settings, see tenon_server_set_settings(). Without a name there,
/// the start fails; the default of the version is "0.0.0".
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
    entry!(err; out = out(out), name = optional_text(name), version = optional_text(version) => {
        tenon_mcp::locate_panics();
        let inner = ServerState::new(name, version)?;
        out.write(Tagged::give(tenon_server { inner }));
        Ok(TENON_OK)
    })
}

/// Sets the instructions: a text that says how a model should use the server. Clients may put it into the model's
/// prompt.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tenon_server_set_instructions(
    server: *mut tenon_server,
    instructions: *const c_char,
) -> tenon_status {
    entry!(server = object(server), instructions = tried_text(instructions) => server.inner.set(|config| {
        config.set_member("instructions", json_text(instructions?))?;
        Ok(())
    }))
}

/// Sets a member of the server's description, or a setting. `value` is `len` bytes of JSON text, or up to the first NUL
/// with TENON_NUL.
///
/// Clients of older revisions get the members of the description that their revision has. The settings are:
///
/// [settings]
///
/// The verifiers of "auth" have these options, besides their "type":
///
/// [verifiers]
///
/// The keys of "api_keys" have these members:
///
/// [keys]
///
/// Fails with TENON_ERR_JSON if the text is not JSON, and with TENON_ERR_INVALID if there is no such member or the
/// value is wrong.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tenon_server_set(
    server: *mut tenon_server,
    member: *const c_char,
    value: *const c_char,
    len: usize,
) -> tenon_status {
    entry!(server = object(server), member = tried_text(member), value = tried_slice(value, len) => {
        let mut former = None;
        let status = server.inner.set(|config| {
            let member = member?;
            let value = json(value?, member)?;
            former = config.set_member(member, value)?;
            Ok(())
        });
        // Outside of the lock, because `destroy` is the program's code.
        server.inner.forget(former.into_iter().collect());
        status
    })
}

/// Declares that the server supports an extension of the protocol. `id` is its identifier, such as "com.example/thing".
/// `settings` is `len` bytes of a JSON object, or up to the first NUL with TENON_NUL.
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
        server.inner.set(|config| {
            let id = id?;
            let settings = json(settings?, "settings")?;
            config.add_extension(id, settings)
        })
    })
}

/// Sets a limit: one of the TENON_LIMIT_ values. Limits whose name ends in _MS are in milliseconds. A value above the
/// largest value of the limit (docs/limits.md) counts as the largest. Fails with TENON_ERR_INVALID if there is no such
/// limit, and for 0 if the limit does not allow it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tenon_server_set_limit(
    server: *mut tenon_server,
    limit: tenon_limit,
    value: u64,
) -> tenon_status {
    entry!(server = object(server) => {
        server.inner.set(|config| config.set_limit(limit, value))
    })
}

/// Adds a key that seals (encrypts) the state that clients carry between two attempts of a call: 32 random bytes,
/// copied. The first key seals, and every key opens. Servers behind one address must share their keys. If no key is
/// added, the server uses a random key of its own.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tenon_server_add_state_key(
    server: *mut tenon_server,
    key: *const u8,
) -> tenon_status {
    entry!(server = object(server), key = tried_key(key) => server.inner.set(|config| {
        config.state_keys.push(*key?);
        Ok(())
    }))
}

/// Sets how many worker threads run callbacks, 1 to 1024. Each thread starts when a call needs it and all others are
/// busy. Default: one per core, at most 4. Fails with TENON_ERR_INVALID for another number.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tenon_server_set_worker_threads(
    server: *mut tenon_server,
    count: u32,
) -> tenon_status {
    entry!(server = object(server) => server.inner.set(|config| {
        if !(1..=1024).contains(&count) {
            return Err(Failure::new(TENON_ERR_INVALID, "worker threads must be 1 to 1024"));
        }
        config.worker_threads = count as usize;
        Ok(())
    }))
}

/// Sets whether tenon_server_run() ends the server on SIGINT and SIGTERM. If true, it also ends the process if a
/// callback still runs after the server's end. Default: true.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tenon_server_set_signals(server: *mut tenon_server, signals: bool) -> tenon_status {
    entry!(server = object(server) => server.inner.set(|config| {
        config.signals = signals;
        Ok(())
    }))
}

/// Calls `hook` on each thread that the library starts for this server, with the thread's name, before anything else
/// runs there. A program can use it to set a priority or a CPU affinity, or to register the thread with a profiler. The
/// hook must not call functions of the server. `user_data` and `destroy` may be NULL.
///
/// The threads are called "tenon-io" (sockets), "tenon-worker-1" and so on, "tenon-timer", "tenon-stdin",
/// "tenon-stdout", "tenon-stderr", "tenon-files", "tenon-check", "tenon-inline", "tenon-store", "tenon-cancel" and "tenon-close".
/// Servers share threads only if none of them has a hook. "tenon-signals" and "tenon-exit" belong to the process and
/// call no hook.
///
/// `destroy` runs exactly once in every case: at once if this function fails, when the hook is replaced, and otherwise
/// in tenon_server_free(), after the last use of the hook.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tenon_server_set_thread_start(
    server: *mut tenon_server,
    hook: tenon_thread_start_fn,
    user_data: *mut c_void,
    destroy: tenon_destroy_fn,
) -> tenon_status {
    entry!(data = user_data(user_data, destroy), server = object(server) => {
        let (mut data, mut former) = (Some(data), None);
        let status = server.inner.set(|config| {
            let function = hook.ok_or_else(|| Failure::null("hook"))?;
            former = data.take().and_then(|data| {
                config.thread_start.replace(Arc::new(ThreadStart::new(function, data)))
            });
            Ok(())
        });
        // Closed outside of the lock, because `destroy` is the program's code.
        if let Some(former) = former {
            former.close();
        }
        status
    })
}

/// Sets the log. It gets the reports that no client gets, such as those about calls that no callback completed, and
/// about results that could not be used. Without a log these reports are dropped. `user_data` may be NULL, and so may
/// `destroy`.
///
/// `destroy` runs exactly once in every case: at once if this function fails, when the log is replaced, and otherwise
/// in tenon_server_free(), after the last use of the log.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tenon_server_set_log(
    server: *mut tenon_server,
    log: tenon_log_fn,
    user_data: *mut c_void,
    destroy: tenon_destroy_fn,
) -> tenon_status {
    entry!(data = user_data(user_data, destroy), server = object(server) => {
        let (mut data, mut former) = (Some(data), None);
        let status = server.inner.set(|config| {
            let function = log.ok_or_else(|| Failure::null("log"))?;
            former = data.take().and_then(|data| {
                config.log.replace(Arc::new(HostLog::new(function, data, Arc::as_ptr(&server.inner).cast())))
            });
            Ok(())
        });
        // Closed outside of the lock, because `destroy` is the program's code.
        if let Some(former) = former {
            former.close();
        }
        status
    })
}
