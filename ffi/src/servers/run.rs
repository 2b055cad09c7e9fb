//! Starting, running, closing and freeing a server.

use crate::abi::args::{owned, write_text};
use crate::abi::error::tenon_error;
use crate::abi::guard::*;
use crate::abi::signals::SignalWatch;
use crate::abi::status::*;
use crate::servers::exit_watchdog::ExitWatchdog;
use crate::servers::poll::Polled;
use crate::servers::server::tenon_server;
use crate::servers::state::server_state::ServerState;
use std::ffi::{c_char, c_int};
use std::sync::Arc;
use std::time::Duration;

/// Starts the transports on threads of the library and returns.
///
/// Fails with TENON_ERR_INVALID if the server has no transport, or if an allowed host or origin is not valid. Fails
/// with TENON_ERR_ADDRESS if the port is in use or not permitted, and with TENON_ERR_STATE if the server was started
/// already. After a failure nothing is left running, and the server may be started again unless it was started already.
///
/// Callbacks of "start" (tenon_server_on()) have returned when this function returns. The exception is a callback in
/// TENON_MODE_POLL, because it waits for tenon_server_poll(). If a callback of "start" failed, this function fails with
/// TENON_ERR_START; the server has then ended and cannot be started again.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tenon_server_start(
    server: *mut tenon_server,
    err: *mut *mut tenon_error,
) -> tenon_status {
    entry!(err; server = object(server) => {
        server.inner.start()?;
        Ok(TENON_OK)
    })
}

/// Starts the server, unless it was started already, and serves until it has ended. It ends by tenon_server_close(), by
/// the end of its standard input, or by SIGINT or SIGTERM. This function runs the callbacks of entries in
/// TENON_MODE_POLL on the calling thread.
///
/// The first signal ends the server like tenon_server_close(). If the server is already shutting down, the signal
/// cancels the calls that may still finish. A second signal ends the process with the exit code 128 plus the signal's
/// number. tenon_server_exit_code() returns what the program should exit with after this function.
///
/// While signals are on, the server may end the process. If a callback in TENON_MODE_POLL still runs 0.5 s after the
/// server's end, this function cannot return. The process then ends as by _exit(), with the value of
/// tenon_server_exit_code(). It does not do so if the shutdown began with tenon_server_close() and no signal came, nor
/// while another tenon_server_run() serves. A program that must outlive its server in any case switches signals off.
///
/// The signal handlers are installed with sigaction() before the start, and the former ones are restored on return. A
/// signal that is ignored stays ignored. Servers that run at the same time share the handlers.
/// tenon_server_set_signals() switches them off.
///
/// If the server has settings with a file, SIGHUP reloads them like tenon_settings_reload(), and the log has the outcome.
/// This is so only while signals are on and SIGHUP has its default action at the start. After the return it has its default
/// action again.
///
/// Fails like tenon_server_start(), also if a callback of "start" in TENON_MODE_POLL failed, and with TENON_ERR_STATE
/// inside a callback of this server.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tenon_server_run(
    server: *mut tenon_server,
    err: *mut *mut tenon_error,
) -> tenon_status {
    entry!(err; server = object(server) => run(&server.inner))
}

fn run(inner: &Arc<ServerState>) -> Result<tenon_status> {
    let startable = match inner.started() {
        Ok(_) => false,
        Err(failure) if failure.status == TENON_ERR_STATE => true,
        Err(failure) => return Err(failure),
    };
    if inner.is_inside() {
        return Err(Failure::state("a server cannot be run inside one of its own callbacks"));
    }
    // This comes before the start, because nothing may fail once the server serves.
    let watch = if inner.config.lock().signals { Some(SignalWatch::new()?) } else { None };
    if startable {
        inner.begin()?;
    }
    let started = inner.started()?;
    // Declared after `watch`, so that it is dropped first.
    let _watchdog = watch.as_ref().map(|watch| {
        watch.attach(&started.running);
        ExitWatchdog::new(watch.id(), inner, &started.running)
    });
    let _hangup = watch.as_ref().and_then(|_| started.running.watch_hangup());
    while let Polled::Handled(_) = started.poll.poll(inner, &started.running, 0, None)? {}
    started.check_start()?;
    Ok(TENON_OK)
}

/// The exit code for a program that only runs this server, to be returned from main() after tenon_server_run(). It is 0
/// if the server ended by the end of its input, by tenon_server_close() or by SIGTERM, and 130 if SIGINT ended it. It
/// is 1 for NULL, for a server that has not ended, and for one that ended because a thread of the library panicked.
///
/// Such a program need not free the server, and should not: tenon_server_free() waits for callbacks that still run,
/// while the end of the process does not.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tenon_server_exit_code(server: *const tenon_server) -> c_int {
    value!(1; server = maybe(server) => server.map_or(1, |server| server.inner.exit_code()))
}

/// The URL that HTTP is served on, with the actual port. It is NUL-terminated and borrowed: it lives as long as the
/// server. `len` may be NULL.
///
/// Fails with TENON_ERR_STATE before the start, and with TENON_ERR_NOT_FOUND if HTTP is not served.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tenon_server_http_url(
    server: *const tenon_server,
    url: *mut *const c_char,
    len: *mut usize,
) -> tenon_status {
    entry!(url = out(url), len = optional_out(len), server = object(server) => {
        let none = || Failure::new(TENON_ERR_NOT_FOUND, "the server does not serve HTTP; call tenon_server_listen_http() before the start");
        write_text(server.inner.started()?.url.as_ref().ok_or_else(none)?.as_bytes(), url, len);
        Ok(TENON_OK)
    })
}

/// A descriptor that is readable when tenon_server_poll() has work, for poll(), epoll and other main loops. It belongs
/// to the server and lives as long as the server: watch it, but do not read or close it. It stays readable after the
/// server has ended. Fails with TENON_ERR_STATE before the start.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tenon_server_wake_fd(server: *const tenon_server, fd: *mut c_int) -> tenon_status {
    entry!(fd = out(fd), server = object(server) => {
        fd.write(server.inner.started()?.poll.descriptor());
        Ok(TENON_OK)
    })
}

/// Runs waiting callbacks of entries in TENON_MODE_POLL on the calling thread. It returns after `max` callbacks (0
/// means 64), or after about TENON_LIMIT_POLL_BUDGET_MS, 2 ms by default. If no callback is waiting, it waits for one:
/// at most `timeout_ms` milliseconds, not at all if it is 0, without a limit if it is below 0.
///
/// TENON_OK: `*handled` callbacks were run. The number may be 0, after the timeout or if a signal handler ran.
/// TENON_ENDED: the server has ended. `handled` may be NULL. Callbacks may call this function themselves, for example
/// to serve calls during a modal dialog. Fails with TENON_ERR_STATE before the start. If a callback of "start" failed,
/// it fails with TENON_ERR_START in place of TENON_ENDED.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tenon_server_poll(
    server: *mut tenon_server,
    max: u32,
    timeout_ms: i32,
    handled: *mut u32,
) -> tenon_status {
    entry!(handled = optional_out(handled), server = object(server) => {
        let inner = &server.inner;
        let started = inner.started()?;
        let timeout = u64::try_from(timeout_ms).ok().map(Duration::from_millis);
        match started.poll.poll(inner, &started.running, max as usize, timeout)? {
            Polled::Handled(count) => {
                if let Some(handled) = handled {
                    handled.write(count as u32);
                }
                Ok(TENON_OK)
            }
            Polled::Ended => started.check_start().map(|()| TENON_ENDED),
        }
    })
}

/// Ends the server. It accepts no further requests, and calls in flight may finish within TENON_LIMIT_DRAIN_TIMEOUT_MS.
/// If stdio or descriptors are served, calls may finish within TENON_LIMIT_STDIO_DRAIN_TIMEOUT_MS if that is less.
/// Returns at once. May be called anywhere, also in callbacks, and more than once. Fails with TENON_ERR_STATE before
/// the start.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tenon_server_close(server: *mut tenon_server) -> tenon_status {
    entry!(server = object(server) => {
        server.inner.started()?.close();
        Ok(TENON_OK)
    })
}

/// Whether a started server has ended; false for NULL, before the start and in a forked child.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tenon_server_is_closed(server: *const tenon_server) -> bool {
    value!(false; server = maybe(server) => server.is_some_and(|server| server.inner.has_ended()))
}

/// Ends the server if it still runs, waits until it has ended and until the last callback has returned, and frees it.
/// NULL is ignored. No other thread may use the server meanwhile. Afterwards no callback runs, nor the log or the
/// `ready` of a request.
///
/// Calls in flight get TENON_LIMIT_DRAIN_TIMEOUT_MS to finish, also those of exchanges that timed out. Calls that wait
/// for tenon_server_poll() fail, and so does a "stop" callback in TENON_MODE_POLL. Calls that the program keeps with
/// tenon_call_retain() stay valid until their release, and with them their user_data.
///
/// Fails with TENON_ERR_STATE inside one of the server's callbacks, and with TENON_ERR_FORKED in a child of the process
/// that started it. The server is not freed then.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tenon_server_free(server: *mut tenon_server) -> tenon_status {
    let handle = server;
    entry!(server = maybe(server) => {
        if let Some(server) = server {
            server.inner.shut_down()?;
            // SAFETY: as in `entry`, and the object is not used any more.
            drop(unsafe { owned(handle, "server") }?);
        }
        Ok(TENON_OK)
    })
}
