//! Servers: settings, transports, start, end.

use crate::error::tenon_error;
use crate::guard::*;
use crate::inner::Inner;
use crate::poll::Polled;
use crate::setup::{Stdio, set_limit, tenon_limit};
use crate::signals;
use crate::status::*;
use rustix::fd::FromRawFd;
use std::ffi::{c_char, c_int};
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::time::Duration;

/// An MCP server. Before its start it is data: no thread, no descriptor. Any thread may use it, several at once too.
///
/// Made by tenon_server_new(); named and limited by the tenon_server_set_ functions; given tools by
/// tenon_server_add_tool(); given transports by the tenon_server_listen_ functions; run by tenon_server_run(), or by
/// tenon_server_start() with or without tenon_server_poll(); ended by tenon_server_close(); freed by tenon_server_free().
///
/// A tenon_server_set_ function that fails also makes the start fail, with the detail of the first such failure, so a program
/// may leave their statuses unchecked; the same goes for state keys, allowed hosts and allowed origins.
pub struct tenon_server {
    pub(crate) inner: Arc<Inner>,
}

/// Where a tool's callback runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    Worker = 0,
    Poll = 1,
    Inline = 2,
}

/// Makes a server. `name` is for programs, `version` is the version of the server program; both are copied.
///
/// On success `*out` is the server.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tenon_server_new(
    name: *const c_char,
    version: *const c_char,
    out: *mut *mut tenon_server,
    err: *mut *mut tenon_error,
) -> tenon_status {
    // SAFETY: strings and outputs by the contract of the header.
    unsafe {
        entry_with(err, || {
            place(out, "out")?;
            let inner = Inner::new(text(name, "name")?, text(version, "version")?)?;
            write(out, Box::into_raw(Box::new(tenon_server { inner })));
            Ok(TENON_OK)
        })
    }
}

/// How a model should use the server: a text that clients may put into its prompt.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tenon_server_set_instructions(
    server: *mut tenon_server,
    instructions: *const c_char,
) -> tenon_status {
    // SAFETY: handle and string by the contract of the header.
    entry(|| unsafe {
        object(server, "server")?.inner.set(|setup| {
            setup.instructions = Some(text(instructions, "instructions")?.to_owned());
            Ok(())
        })
    })
}

/// Sets a limit: one of the TENON_LIMIT_ values, in the unit named there. Times of more than a year count as a year.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tenon_server_set_limit(
    server: *mut tenon_server,
    limit: tenon_limit,
    value: u64,
) -> tenon_status {
    // SAFETY: handle by the contract of the header.
    entry(|| unsafe {
        object(server, "server")?.inner.set(|setup| set_limit(&mut setup.limits, limit, value))
    })
}

/// Adds a key that seals what clients carry between two attempts of a call: 32 random bytes, copied. The first key seals,
/// all open. Servers behind one address must share their keys; without any, a random key of this server serves.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tenon_server_add_state_key(
    server: *mut tenon_server,
    key: *const u8,
) -> tenon_status {
    // SAFETY: handle by the contract of the header, and 32 bytes at `key`.
    entry(|| unsafe {
        object(server, "server")?.inner.set(|setup| {
            let key = key.cast::<[u8; 32]>().as_ref().ok_or_else(|| Failure::null("key"))?;
            setup.state_keys.push(*key);
            Ok(())
        })
    })
}

/// How many worker threads run callbacks, 1 to 1024. They start with the server, if a tool needs them. Default: one per
/// core, at most 4.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tenon_server_set_worker_threads(
    server: *mut tenon_server,
    count: u32,
) -> tenon_status {
    // SAFETY: handle by the contract of the header.
    entry(|| unsafe {
        object(server, "server")?.inner.set(|setup| {
            if !(1..=1024).contains(&count) {
                return Err(Failure::new(TENON_ERR_INVALID, "worker threads must be 1 to 1024"));
            }
            setup.worker_threads = count as usize;
            Ok(())
        })
    })
}

/// Whether tenon_server_run() ends the server on SIGINT and SIGTERM. Default: true.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tenon_server_set_signals(server: *mut tenon_server, signals: bool) -> tenon_status {
    // SAFETY: handle by the contract of the header.
    entry(|| unsafe {
        object(server, "server")?.inner.set(|setup| {
            setup.signals = signals;
            Ok(())
        })
    })
}

/// Serves standard input and output, from the start on. While that runs, descriptor 1 points at descriptor 2, so that
/// nothing a callback prints reaches the client. The server ends with its input.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tenon_server_listen_stdio(
    server: *mut tenon_server,
    err: *mut *mut tenon_error,
) -> tenon_status {
    // SAFETY: handle and output by the contract of the header.
    unsafe { entry_with(err, || listen_stdio(object(server, "server")?, Stdio::Process)) }
}

/// Serves these descriptors in place of standard input and output, from the start on; descriptor 1 is left alone. Takes
/// both in every case: they are the library's to close, whatever the status.
///
/// Fails with TENON_ERR_INVALID if one of them is not open.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tenon_server_listen_descriptors(
    server: *mut tenon_server,
    input: c_int,
    output: c_int,
    err: *mut *mut tenon_error,
) -> tenon_status {
    // SAFETY: handle and output by the contract of the header.
    unsafe {
        entry_with(err, || {
            // Both first, so that one is closed if the other is not open.
            let (input, output) = (descriptor(input, "input"), descriptor(output, "output"));
            listen_stdio(object(server, "server")?, Stdio::Descriptors(input?, output?))
        })
    }
}

fn listen_stdio(server: &tenon_server, stdio: Stdio) -> Result<tenon_status> {
    server.inner.configure(|setup| {
        if setup.stdio.is_some() {
            return Err(Failure::state("the server listens on stdio or descriptors already"));
        }
        setup.stdio = Some(stdio);
        Ok(TENON_OK)
    })
}

/// Takes over a descriptor.
fn descriptor(raw: c_int, what: &str) -> Result<OwnedFd> {
    let closed = || Failure::new(TENON_ERR_INVALID, format!("{what} descriptor {raw} is not open"));
    if raw < 0 {
        return Err(closed());
    }
    // SAFETY: not -1; only asked whether it is open.
    let borrowed = unsafe { rustix::fd::BorrowedFd::borrow_raw(raw) };
    rustix::io::fcntl_getfd(borrowed).map_err(|_| closed())?;
    // SAFETY: open, and given to the library by the contract of the header.
    Ok(unsafe { OwnedFd::from_raw_fd(raw) })
}

/// Serves Streamable HTTP, from the start on. `address` is "host:port" or "host:port/path", or just a port, which means
/// 127.0.0.1; port 0 picks a free one, see tenon_server_http_url(). The default path is /mcp.
///
/// Fails with TENON_ERR_INVALID if the address cannot be read.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tenon_server_listen_http(
    server: *mut tenon_server,
    address: *const c_char,
    err: *mut *mut tenon_error,
) -> tenon_status {
    // SAFETY: handle, string and output by the contract of the header.
    unsafe {
        entry_with(err, || {
            object(server, "server")?.inner.configure(|setup| {
                if setup.http.is_some() {
                    return Err(Failure::state("the server listens on http already"));
                }
                let address = text(address, "address")?;
                tenon_mcp::HttpOptions::new(address)?;
                setup.http = Some(address.to_owned());
                Ok(TENON_OK)
            })
        })
    }
}

/// Allows HTTP requests that name this host (without port), besides loopback ones. A server that listens on another than
/// a loopback address accepts any host unless some are named here.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tenon_server_allow_host(
    server: *mut tenon_server,
    host: *const c_char,
) -> tenon_status {
    // SAFETY: handle and string by the contract of the header.
    entry(|| unsafe {
        object(server, "server")?.inner.set(|setup| {
            setup.hosts.push(text(host, "host")?.to_owned());
            Ok(())
        })
    })
}

/// Allows pages of this origin ("scheme://host:port") to call the server over HTTP, besides those of loopback hosts on a
/// loopback address.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tenon_server_allow_origin(
    server: *mut tenon_server,
    origin: *const c_char,
) -> tenon_status {
    // SAFETY: handle and string by the contract of the header.
    entry(|| unsafe {
        object(server, "server")?.inner.set(|setup| {
            setup.origins.push(text(origin, "origin")?.to_owned());
            Ok(())
        })
    })
}

/// Starts the transports on threads of the library and returns.
///
/// Fails with TENON_ERR_INVALID without a transport, with TENON_ERR_ADDRESS if the port is in use or not permitted, with
/// TENON_ERR_STATE if the server was started already; nothing is left running then, and unless it was started already it
/// may be started again.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tenon_server_start(
    server: *mut tenon_server,
    err: *mut *mut tenon_error,
) -> tenon_status {
    // SAFETY: handle and output by the contract of the header.
    unsafe {
        entry_with(err, || {
            object(server, "server")?.inner.start()?;
            Ok(TENON_OK)
        })
    }
}

/// Starts the server, unless it was started already, and serves until it has ended: by tenon_server_close(), by the end of
/// its standard input, or by SIGINT or SIGTERM. Runs the callbacks of tools in TENON_MODE_POLL on this thread.
///
/// The signal handlers are installed with sigaction() when it starts to wait and the former ones are restored on return;
/// a signal that is ignored stays ignored. tenon_server_set_signals() switches them off.
///
/// Fails like tenon_server_start(), and with TENON_ERR_STATE inside a callback of this server.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tenon_server_run(
    server: *mut tenon_server,
    err: *mut *mut tenon_error,
) -> tenon_status {
    // SAFETY: handle and output by the contract of the header.
    unsafe {
        entry_with(err, || {
            let inner = object(server, "server")?.inner.clone();
            if inner.is_inside() {
                return Err(Failure::state("a server cannot be run inside one of its callbacks"));
            }
            if matches!(&inner.started(), Err(failure) if failure.status == TENON_ERR_STATE) {
                inner.start()?;
            }
            let started = inner.started()?;
            let _signals = if inner.setup.lock().signals {
                Some(signals::Watch::new(started.running.clone())?)
            } else {
                None
            };
            while let Polled::Handled(_) = started.poll.poll(&inner, &started.running, 0, None)? {}
            Ok(TENON_OK)
        })
    }
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
    // SAFETY: handle and outputs by the contract of the header.
    entry(|| unsafe {
        place(url, "url")?;
        let found = &object(server, "server")?.inner.started()?.url;
        let none = || Failure::new(TENON_ERR_NOT_FOUND, "the server does not listen on http");
        write_text(url, len, found.as_ref().ok_or_else(none)?.as_bytes());
        Ok(TENON_OK)
    })
}

/// A descriptor that is readable when tenon_server_poll() has something to do, for poll(), epoll and other main loops. It
/// belongs to the server: watch it, do not read or close it. Fails with TENON_ERR_STATE before the start.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tenon_server_wake_fd(server: *const tenon_server, fd: *mut c_int) -> tenon_status {
    // SAFETY: handle and output by the contract of the header.
    entry(|| unsafe {
        place(fd, "fd")?;
        write(fd, object(server, "server")?.inner.started()?.poll.descriptor());
        Ok(TENON_OK)
    })
}

/// Runs waiting callbacks of tools in TENON_MODE_POLL on the calling thread, and returns after `max` of them (0: 64) or
/// about 2 ms. If none waits, it waits for one: at most `timeout_ms` milliseconds, not at all for 0, without end below 0.
///
/// TENON_OK: `*handled` callbacks were run; it may be 0, after the time-out or when a signal handler ran. TENON_ENDED: the
/// server has ended. `handled` may be NULL. Callbacks may call this function themselves, for example to serve calls during
/// a modal dialog. Fails with TENON_ERR_STATE before the start.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tenon_server_poll(
    server: *mut tenon_server,
    max: u32,
    timeout_ms: i32,
    handled: *mut u32,
) -> tenon_status {
    // SAFETY: handle and output by the contract of the header.
    entry(|| unsafe {
        let inner = object(server, "server")?.inner.clone();
        let started = inner.started()?;
        let timeout = u64::try_from(timeout_ms).ok().map(Duration::from_millis);
        match started.poll.poll(&inner, &started.running, max as usize, timeout)? {
            Polled::Handled(count) => {
                write(handled, count as u32);
                Ok(TENON_OK)
            }
            Polled::Ended => Ok(TENON_ENDED),
        }
    })
}

/// Ends the server: it accepts nothing more, and calls in flight may finish within TENON_LIMIT_DRAIN_TIMEOUT_MS. Returns at
/// once; may be called anywhere, also in callbacks and again. Fails with TENON_ERR_STATE before the start.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tenon_server_close(server: *mut tenon_server) -> tenon_status {
    // SAFETY: handle by the contract of the header.
    entry(|| unsafe {
        object(server, "server")?.inner.started()?.running.close();
        Ok(TENON_OK)
    })
}

/// Whether a started server has ended; false for NULL, before the start and in a forked child.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tenon_server_is_closed(server: *const tenon_server) -> bool {
    // SAFETY: handle by the contract of the header.
    entry_or(false, || unsafe {
        server
            .as_ref()
            .is_some_and(|server| server.inner.started().is_ok_and(|started| started.running.is_closed()))
    })
}

/// Ends the server if need be, waits until it has ended and until the last callback has returned, and frees it. No callback
/// runs afterwards. Calls waiting for tenon_server_poll() fail. Calls kept with tenon_call_retain() stay valid until their
/// release, and with them their user_data. No other thread may use the server meanwhile. NULL is ignored.
///
/// Fails with TENON_ERR_STATE inside one of its callbacks, and with TENON_ERR_FORKED in a child of the process that started
/// it; the server is not freed then.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tenon_server_free(server: *mut tenon_server) -> tenon_status {
    // SAFETY: handle by the contract of the header: made by `tenon_server_new` and freed once.
    entry(|| unsafe {
        if let Some(alive) = server.as_ref() {
            alive.inner.shut_down()?;
            drop(Box::from_raw(server));
        }
        Ok(TENON_OK)
    })
}
