//! Requests of a program's own HTTP server.

use crate::args::{owned, write_text};
use crate::error::tenon_error;
use crate::fork::Process;
use crate::guard::*;
use crate::handle::Tagged;
use crate::handlers::{Gate, UserData, tenon_destroy_fn};
use crate::inner::Inner;
use crate::inside::Inside;
use crate::server::tenon_server;
use crate::status::*;
use bytes::Bytes;
use std::ffi::{CString, c_char, c_void};
use std::sync::{Arc, OnceLock, Weak};
use std::time::{Duration, Instant};
use tenon_mcp::Wake;
use tenon_mcp::http::{Exchange, RequestHead, Step};
use tenon_mcp::locks::{Condvar, Mutex, MutexGuard};

/// One request that the program's own HTTP server received, and its response. Made by tenon_http_new(); given headers by
/// tenon_http_add_header(); begun by tenon_server_handle_http(); then the request's body goes in by tenon_http_write() and
/// tenon_http_end(), and the response comes out by tenon_http_next(); freed by tenon_http_free(), which before the end of the
/// response says that the client is gone.
///
/// It may be handed from thread to thread, and belongs to one at a time: a function that finds it in use by another thread, or
/// further down on its own, fails with TENON_ERR_STATE.
pub struct tenon_http {
    /// The process that handed it over.
    begun_in: OnceLock<Process>,
    state: Mutex<State>,
}

enum State {
    /// Its head is not complete.
    Head(RequestHead),
    Begun(Begun),
}

struct Begun {
    exchange: Exchange,
    bell: Arc<Bell>,
    status: u32,
    headers: Vec<(CString, Bytes)>,
    data: Bytes,
}

/// What tenon_http_next() has found: one of the TENON_HTTP_ values.
pub type tenon_http_step = i32;

/// Nothing yet.
pub const TENON_HTTP_WAIT: tenon_http_step = 0;
/// The head of the response, for tenon_http_status() and tenon_http_header(). It comes first, and once.
pub const TENON_HTTP_HEAD: tenon_http_step = 1;
/// A piece of its body, for tenon_http_data(). Send it on before asking for more: what a stream says is not made before it is
/// asked for, and what is held for a client that does not read is bounded.
pub const TENON_HTTP_DATA: tenon_http_step = 2;
/// The response is complete.
pub const TENON_HTTP_END: tenon_http_step = 3;

/// Says that tenon_http_next() may have more. It is called on any thread, threads of the library among them, and perhaps
/// without need; it must not block, and must not call functions of the library: it is to wake the program's loop.
pub type tenon_http_ready_fn = Option<unsafe extern "C" fn(user_data: *mut c_void)>;

/// What wakes whoever waits for a response. Threads of the engine's may hold it for longer than the request lives.
struct Bell {
    rung: Mutex<bool>,
    changed: Condvar,
    ready: Mutex<Option<Arc<Ready>>>,
    /// The end of the server waits for `ready` as for callbacks.
    inner: Weak<Inner>,
    gate: Arc<Gate>,
}

/// What the program is told by.
struct Ready {
    function: Option<unsafe extern "C" fn(*mut c_void)>,
    data: UserData,
}

impl Wake for Bell {
    fn wake(&self) {
        *self.rung.lock() = true;
        self.changed.notify_all();
        let Some(_pass) = self.gate.enter() else { return };
        // A statement of its own, so that nothing is locked meanwhile; the last use of the data ends within the pass.
        let ready = self.ready.lock().clone();
        if let Some(ready) = ready
            && let Some(function) = ready.function
        {
            let _inside = Inside::enter(self.inner.as_ptr().addr(), false);
            // SAFETY: the function is the program's, of this type, and the data what it gave with it, not destroyed while
            // `ready` lives.
            unsafe { function(ready.data.pointer) };
        }
    }
}

impl Bell {
    /// The request is freed: `ready` does not begin any more.
    fn end(&self) {
        let ready = self.ready.lock().take();
        drop(ready);
    }

    /// Waits until it was rung since this was asked last; `false` if that takes until `end`.
    fn wait(&self, end: Option<Instant>) -> bool {
        let mut rung = self.rung.lock();
        while !std::mem::take(&mut *rung) {
            match end {
                None => self.changed.wait(&mut rung),
                Some(end) if Instant::now() >= end => return false,
                Some(end) => drop(self.changed.wait_until(&mut rung, end)),
            }
        }
        true
    }
}

impl Drop for Begun {
    fn drop(&mut self) {
        self.bell.end();
    }
}

impl tenon_http {
    fn state(&self) -> Result<MutexGuard<'_, State>> {
        // Before the lock: in a forked child it may be held by a thread that does not exist there.
        if self.begun_in.get().is_some_and(|process| !process.is_this()) {
            let why = "the request belongs to the process that this one was forked off";
            return Err(Failure::new(TENON_ERR_FORKED, why));
        }
        self.state.try_lock().ok_or_else(|| Failure::state("the request is in use by another thread"))
    }

    fn with_head<T>(&self, change: impl FnOnce(&mut RequestHead) -> Result<T>) -> Result<T> {
        match &mut *self.state()? {
            State::Head(head) => change(head),
            State::Begun(_) => Err(Failure::state("the request was handed to a server already")),
        }
    }

    fn begun<T>(&self, ask: impl FnOnce(&mut Begun) -> Result<T>) -> Result<T> {
        match &mut *self.state()? {
            State::Head(_) => Err(Failure::state("the request was not handed to a server yet")),
            State::Begun(begun) => ask(begun),
        }
    }
}

/// Serves requests that the program hands over with tenon_server_handle_http(), from the start on. Other transports may be
/// served besides.
///
/// Any host may be named by a request, unless tenon_server_allow_host() names some. A page in a browser may call if
/// tenon_server_allow_origin() names its origin, or if both it and the host that the request names are of this machine.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tenon_server_listen_embedded(
    server: *mut tenon_server,
    err: *mut *mut tenon_error,
) -> tenon_status {
    entry!(err; server = object(server) => server.inner.configure(|setup| {
        setup.embedded = true;
        Ok(TENON_OK)
    }))
}

/// Makes a request with this method. Its path is not asked for: that it is for the server has been decided.
///
/// On success `*out` is the request. Fails with TENON_ERR_INVALID if there can be no such method.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tenon_http_new(
    method: *const c_char,
    out: *mut *mut tenon_http,
    err: *mut *mut tenon_error,
) -> tenon_status {
    entry!(err; out = out(out), method = text(method) => {
        let state = Mutex::new(State::Head(RequestHead::new(method)?));
        out.write(Tagged::give(tenon_http { begun_in: OnceLock::new(), state }));
        Ok(TENON_OK)
    })
}

/// Adds a header: `value` is `len` bytes, or up to the first NUL with TENON_NUL. Both are copied. Several of one name may be
/// added.
///
/// Fails with TENON_ERR_INVALID if HTTP has no such header, and with TENON_ERR_STATE once the request has been handed over.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tenon_http_add_header(
    http: *mut tenon_http,
    name: *const c_char,
    value: *const c_char,
    len: usize,
    err: *mut *mut tenon_error,
) -> tenon_status {
    entry!(err; http = object(http), name = text(name), value = tried_slice(value, len) => {
        let value = value?;
        http.with_head(|head| Ok(head.header(name, value)?))?;
        Ok(TENON_OK)
    })
}

/// The major version of HTTP that the client speaks, 1 if this is not said: a response to 1 may have the header `connection`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tenon_http_set_version(http: *mut tenon_http, major: u8) -> tenon_status {
    entry!(http = object(http) => {
        http.with_head(|head| {
            head.version(major);
            Ok(TENON_OK)
        })
    })
}

/// Who sends the request, where the program has found that out. A session belongs to whoever opened it, and callbacks read it
/// as "principal".
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tenon_http_set_principal(
    http: *mut tenon_http,
    principal: *const c_char,
) -> tenon_status {
    entry!(http = object(http), principal = text(principal) => {
        http.with_head(|head| {
            head.principal(principal);
            Ok(TENON_OK)
        })
    })
}

/// The IP address of the request's client, without port, where the program knows it. What the client has counts to the share
/// of this address (TENON_LIMIT_ADDRESS_CALLS and the others); without it only the totals hold. Behind a proxy give the address
/// that the proxy names, or none.
///
/// Fails with TENON_ERR_INVALID for a text that is no address, and with TENON_ERR_STATE once the request has been handed over.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tenon_http_set_address(
    http: *mut tenon_http,
    address: *const c_char,
) -> tenon_status {
    entry!(http = object(http), address = text(address) => {
        http.with_head(|head| {
            head.address(address)?;
            Ok(TENON_OK)
        })
    })
}

/// Puts a pointer with the request, for the callbacks of its calls to have: tenon_call_http_user_data(). `destroy`, which may be
/// NULL, runs exactly once, on any thread: at once if this function fails, when another pointer takes its place, otherwise once
/// the request was freed and the last of its calls is over, one that goes on as a task too.
///
/// Fails with TENON_ERR_STATE once the request has been handed over.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tenon_http_set_user_data(
    http: *mut tenon_http,
    user_data: *mut c_void,
    destroy: tenon_destroy_fn,
) -> tenon_status {
    entry!(data = user_data(user_data, destroy), http = object(http) => {
        http.with_head(|head| {
            head.attach(data);
            Ok(TENON_OK)
        })
    })
}

/// Hands a request to a server that was started and serves such (tenon_server_listen_embedded()). `ready` is called when
/// tenon_http_next() may have more; it may be NULL, as for programs that wait in that function. `user_data` may be NULL, and so
/// may `destroy`, which runs exactly once: at once if this function fails, otherwise when the request was freed and `ready` has
/// returned for the last time.
///
/// The server's rules hold for the body too: over TENON_LIMIT_MESSAGE_BYTES it is answered with 413. Requests over
/// TENON_LIMIT_CONNECTIONS at a time are answered with 503, and so are those that come when the server ends.
///
/// Fails with TENON_ERR_STATE if the server was not started or takes no requests, or if the request was handed over already.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tenon_server_handle_http(
    server: *mut tenon_server,
    http: *mut tenon_http,
    ready: tenon_http_ready_fn,
    user_data: *mut c_void,
    destroy: tenon_destroy_fn,
    err: *mut *mut tenon_error,
) -> tenon_status {
    entry!(err; data = user_data(user_data, destroy), server = object(server), http = object(http) => {
        let embedded = server.inner.started()?.running.embedded().ok_or_else(|| {
            Failure::state("the server takes no requests: tenon_server_listen_embedded() comes before its start")
        })?;
        let mut state = http.state()?;
        if matches!(*state, State::Begun(_)) {
            return Err(Failure::state("the request was handed to a server already"));
        }
        let State::Head(head) = std::mem::replace(&mut *state, State::Head(RequestHead::new("GET")?)) else {
            return Err(Failure::state("the request was handed to a server already"));
        };
        let _ = http.begun_in.set(Process::this()?);
        let bell = Arc::new(Bell {
            rung: Mutex::new(false),
            changed: Condvar::new(),
            ready: Mutex::new(Some(Arc::new(Ready { function: ready, data }))),
            inner: Arc::downgrade(&server.inner),
            gate: server.inner.gate(),
        });
        let exchange = Exchange::new(&embedded, head, bell.clone());
        let (headers, data) = (Vec::new(), Bytes::new());
        *state = State::Begun(Begun { exchange, bell, status: 0, headers, data });
        Ok(TENON_OK)
    })
}

/// Hands in a piece of the request's body, `len` bytes that are copied. A program that calls tenon_http_next() after each piece
/// learns early of a refusal, and never has more than one held. Once there is a response that wants no more of the body, pieces are
/// let go of at once.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tenon_http_write(
    http: *mut tenon_http,
    data: *const c_void,
    len: usize,
) -> tenon_status {
    entry!(http = object(http), data = tried_bytes(data, len) => {
        let data = data?;
        http.begun(|begun| {
            begun.exchange.feed(Bytes::copy_from_slice(data));
            Ok(TENON_OK)
        })
    })
}

/// The request's body is complete; to be called also where there is none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tenon_http_end(http: *mut tenon_http) -> tenon_status {
    entry!(http = object(http) => {
        http.begun(|begun| {
            begun.exchange.end();
            Ok(TENON_OK)
        })
    })
}

/// What comes next of the response; if nothing is there, it waits: at most `timeout_ms` milliseconds, not at all for 0, without
/// end below 0. Callbacks in TENON_MODE_INLINE run in here.
///
/// On success `*step` is one of the TENON_HTTP_ values.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tenon_http_next(
    http: *mut tenon_http,
    timeout_ms: i32,
    step: *mut tenon_http_step,
) -> tenon_status {
    entry!(step = out(step), http = object(http) => {
        let timeout = u64::try_from(timeout_ms).ok().map(Duration::from_millis);
        let end = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
        http.begun(|begun| {
            let found = loop {
                match begun.exchange.step() {
                    Step::Wait => {
                        if timeout.is_some_and(|timeout| timeout.is_zero()) || !begun.bell.wait(end) {
                            break TENON_HTTP_WAIT;
                        }
                    }
                    Step::Head(status, headers) => {
                        begun.status = status.as_u16().into();
                        let pair = |(name, value): (&_, &_)| header(name, value);
                        begun.headers = headers.iter().map(pair).collect();
                        break TENON_HTTP_HEAD;
                    }
                    Step::Data(data, _) => {
                        begun.data = data;
                        break TENON_HTTP_DATA;
                    }
                    Step::End => {
                        begun.data = Bytes::new();
                        break TENON_HTTP_END;
                    }
                }
            };
            step.write(found);
            Ok(TENON_OK)
        })
    })
}

fn header(name: &impl AsRef<str>, value: &impl AsRef<[u8]>) -> (CString, Bytes) {
    // Its end is marked, for those who want no length.
    let value = value.as_ref();
    let mut text = Vec::with_capacity(value.len() + 1);
    text.extend_from_slice(value);
    text.push(0);
    (crate::error::c_string(name.as_ref()), text.into())
}

/// The status of the response, such as 200. Fails with TENON_ERR_STATE before TENON_HTTP_HEAD.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tenon_http_status(http: *const tenon_http, status: *mut u32) -> tenon_status {
    entry!(status = out(status), http = object(http) => {
        http.begun(|begun| {
            status.write(headed(begun)?.status);
            Ok(TENON_OK)
        })
    })
}

/// A header of the response, by its place from 0 on: its name in lower case, NUL-terminated, and `len` bytes of value with a
/// NUL behind them. Borrowed: both live as long as the request. `len` may be NULL. `content-length` is among them where it is
/// known; how a body without it is framed, and `date`, are the program's business.
///
/// Fails with TENON_ERR_NOT_FOUND behind the last one, and with TENON_ERR_STATE before TENON_HTTP_HEAD.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tenon_http_header(
    http: *const tenon_http,
    place: usize,
    name: *mut *const c_char,
    value: *mut *const c_char,
    len: *mut usize,
) -> tenon_status {
    entry!(
        name = out(name), value = out(value), len = optional_out(len), http = object(http) => {
        http.begun(|begun| {
            let none = || Failure::new(TENON_ERR_NOT_FOUND, format!("there is no header {place}"));
            let (own, text) = headed(begun)?.headers.get(place).ok_or_else(none)?;
            name.write(own.as_ptr());
            write_text(&text[..text.len() - 1], value, len);
            Ok(TENON_OK)
        })
    })
}

fn headed(begun: &Begun) -> Result<&Begun> {
    if begun.status == 0 {
        Err(Failure::state("the head of the response has not come yet"))
    } else {
        Ok(begun)
    }
}

/// The piece of the body that the last TENON_HTTP_DATA was for; no bytes otherwise. Borrowed: it lives until the next
/// tenon_http_next() or tenon_http_free().
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tenon_http_data(
    http: *const tenon_http,
    data: *mut *const c_void,
    len: *mut usize,
) -> tenon_status {
    entry!(data = out(data), len = out(len), http = object(http) => {
        http.begun(|begun| {
            data.write(begun.data.as_ptr().cast());
            len.write(begun.data.len());
            Ok(TENON_OK)
        })
    })
}

/// Frees a request, whatever has become of it: before TENON_HTTP_END that says that its client is gone, which cancels a call of
/// the modern era. NULL is ignored. To be called before tenon_server_free() where that is possible; afterwards it is the
/// only function that may be called with it.
///
/// Fails with TENON_ERR_STATE while another function uses it, and with TENON_ERR_FORKED in a child of the process that handed
/// it over; it is not freed then.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tenon_http_free(http: *mut tenon_http) -> tenon_status {
    let handle = http;
    entry!(http = maybe(http) => {
        if let Some(http) = http {
            drop(http.state()?);
            // SAFETY: as in `entry`, and the object is not used any more.
            drop(unsafe { owned(handle, "http") }?);
        }
        Ok(TENON_OK)
    })
}
