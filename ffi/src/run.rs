//! A server from its start to its end.

use crate::args::{owned, write_text};
use crate::error::tenon_error;
use crate::guard::*;
use crate::inner::Inner;
use crate::owner::Owner;
use crate::poll::Polled;
use crate::server::tenon_server;
use crate::signals::Watch;
use crate::status::*;
use std::ffi::{c_char, c_int};
use std::sync::Arc;
use std::time::Duration;

/// Starts the transports on threads of the library and returns.
///
/// Fails with TENON_ERR_INVALID without a transport or with an allowed host or origin that is none, with
/// TENON_ERR_ADDRESS if the port is in use or not permitted, with TENON_ERR_STATE if the server was started already;
/// nothing is left running then, and unless it was started already it may be started again.
///
/// Callbacks of "start" (tenon_server_on()) have returned when this does, unless one is in TENON_MODE_POLL and so waits for
/// tenon_server_poll(). Fails with TENON_ERR_START if one failed; the server has ended then, for good.
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

/// Starts the server, unless it was started already, and serves until it has ended: by tenon_server_close(), by the end of
/// its standard input, or by SIGINT or SIGTERM. Runs the callbacks of entries in TENON_MODE_POLL on this thread.
///
/// The first signal ends the server like tenon_server_close(), or, if it is ending already, cancels at once the calls that
/// are still given time. A second one ends the process with 128 plus its number. tenon_server_exit_code() says what the
/// program should exit with after this function.
///
/// While signals are on, the server has the process to itself. A callback in TENON_MODE_POLL that still runs 0.5 s after the
/// server's end, and so keeps this function from returning, is not waited for: the process ends as by _exit(), with what
/// tenon_server_exit_code() would say. Not if the end began with tenon_server_close() and no signal came, nor as long as
/// another tenon_server_run() serves. A program that wants to outlive its server in any case switches signals off.
///
/// The signal handlers are installed with sigaction() before the start and the former ones are restored on return; a signal
/// that is ignored stays ignored. Servers that are run at the same time share them. tenon_server_set_signals() switches them
/// off.
///
/// Fails like tenon_server_start(), also where a callback of "start" in TENON_MODE_POLL failed, and with TENON_ERR_STATE inside
/// a callback of this server.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tenon_server_run(
    server: *mut tenon_server,
    err: *mut *mut tenon_error,
) -> tenon_status {
    entry!(err; server = object(server) => run(&server.inner))
}

fn run(inner: &Arc<Inner>) -> Result<tenon_status> {
    let startable = match inner.started() {
        Ok(_) => false,
        Err(failure) if failure.status == TENON_ERR_STATE => true,
        Err(failure) => return Err(failure),
    };
    if inner.is_inside() {
        return Err(Failure::state("a server cannot be run inside one of its callbacks"));
    }
    // Before the start: once it serves, nothing is left that could fail.
    let watch = if inner.setup.lock().signals { Some(Watch::new()?) } else { None };
    if startable {
        inner.begin()?;
    }
    let started = inner.started()?;
    // Declared after `watch`, so that it goes first.
    let _owner = watch.as_ref().map(|watch| {
        watch.tell(&started.running);
        Owner::new(watch.id(), inner, &started.running)
    });
    while let Polled::Handled(_) = started.poll.poll(inner, &started.running, 0, None)? {}
    started.check_start()?;
    Ok(TENON_OK)
}

/// What a program that does nothing but run this server should return from main() after tenon_server_run(): 0 if it ended by
/// the end of its input, by tenon_server_close() or by SIGTERM, and 130 if SIGINT ended it. 1 for NULL, for a server that
/// has not ended, and for one that ended because a thread of the library panicked.
///
/// Such a program need not free the server, and does well not to: tenon_server_free() waits for callbacks that still run,
/// while the end of the process does not.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tenon_server_exit_code(server: *const tenon_server) -> c_int {
    value!(1; server = maybe(server) => server.map_or(1, |server| server.inner.exit_code()))
}

/// The URL that HTTP is served on, with the port that was picked. NUL-terminated, borrowed: it lives as long as the
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
        let none = || Failure::new(TENON_ERR_NOT_FOUND, "the server does not listen on http");
        write_text(server.inner.started()?.url.as_ref().ok_or_else(none)?.as_bytes(), url, len);
        Ok(TENON_OK)
    })
}

/// A descriptor that is readable when tenon_server_poll() has something to do, for poll(), epoll and other main loops. It
/// belongs to the server, and lives as long: watch it, do not read or close it. It stays readable once the server has ended.
/// Fails with TENON_ERR_STATE before the start.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tenon_server_wake_fd(server: *const tenon_server, fd: *mut c_int) -> tenon_status {
    entry!(fd = out(fd), server = object(server) => {
        fd.write(server.inner.started()?.poll.descriptor());
        Ok(TENON_OK)
    })
}

/// Runs waiting callbacks of entries in TENON_MODE_POLL on the calling thread, and returns after `max` of them (0: 64) or
/// about TENON_LIMIT_POLL_BUDGET_MS, 2 ms by default. If none waits, it waits for one: at most `timeout_ms` milliseconds, not at all for 0, without end below 0.
///
/// TENON_OK: `*handled` callbacks were run; it may be 0, after the time-out or when a signal handler ran. TENON_ENDED: the
/// server has ended. `handled` may be NULL. Callbacks may call this function themselves, for example to serve calls during
/// a modal dialog. Fails with TENON_ERR_STATE before the start, and with TENON_ERR_START in place of
/// TENON_ENDED if a callback of "start" failed.
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

/// Ends the server: it accepts nothing more, and calls in flight may finish within TENON_LIMIT_DRAIN_TIMEOUT_MS, where stdio
/// or descriptors are served within TENON_LIMIT_STDIO_DRAIN_TIMEOUT_MS if that is less. Returns at once; may be called
/// anywhere, also in callbacks and again. Fails with TENON_ERR_STATE before the start.
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

/// Ends the server if need be, waits until it has ended and until the last callback has returned, and frees it. No callback
/// runs afterwards, nor the log or the `ready` of a request. Calls waiting for tenon_server_poll() fail, a "stop" in
/// TENON_MODE_POLL too. Calls kept with tenon_call_retain() stay valid until their release, and with them their user_data. No
/// other thread may use the server meanwhile. NULL is ignored. Calls in flight are given the time of
/// TENON_LIMIT_DRAIN_TIMEOUT_MS to finish, those of exchanges whose time was over too.
///
/// Fails with TENON_ERR_STATE inside one of its callbacks, and with TENON_ERR_FORKED in a child of the process that started
/// it; the server is not freed then.
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
