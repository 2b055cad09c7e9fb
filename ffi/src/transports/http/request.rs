//! Requests that the program's own HTTP server received.

use crate::abi::error::tenon_error;
use crate::abi::fork::Process;
use crate::abi::guard::*;
use crate::abi::handle::Tagged;
use crate::abi::json::json_principal;
use crate::abi::status::*;
use crate::entries::handlers::tenon_destroy_fn;
use crate::servers::config::transports::duplicate;
use crate::servers::server::tenon_server;
use crate::transports::http::wake::{Ready, ResponseWake, tenon_http_ready_fn};
use bytes::Bytes;
use std::ffi::{CString, c_char, c_void};
use std::sync::{Arc, OnceLock};
use tenon_mcp::http::{Exchange, RequestHead};
use tenon_mcp::locks::{Condvar, Mutex, MutexGuard};
use tenon_mcp::{JsonSlice, json};

/// One request that the program's own HTTP server received, and its response. Make one with tenon_http_new(), add
/// headers with tenon_http_add_header(), and hand it over with tenon_server_handle_http(). Pass in the request's body
/// with tenon_http_write() and tenon_http_end(), and read the response with tenon_http_next(). Free it with
/// tenon_http_free(). Freeing it before the end of the response means that the client is gone.
///
/// It may be passed from thread to thread, but one thread at a time may use it. A function fails with TENON_ERR_STATE
/// if the request is in use by another thread, or by a caller on the same thread.
pub struct tenon_http {
    /// The process that passed the request to the server.
    submitted_in: OnceLock<Process>,
    state: Mutex<State>,
}

pub(super) enum State {
    /// The head is not complete.
    Head(RequestHead),
    Submitted(Submitted),
}

pub(super) struct Submitted {
    pub(super) exchange: Exchange,
    pub(super) wake: Arc<ResponseWake>,
    pub(super) status: u32,
    pub(super) headers: Vec<(CString, Bytes)>,
    pub(super) data: Bytes,
}

impl Drop for Submitted {
    fn drop(&mut self) {
        self.wake.end();
    }
}

impl tenon_http {
    pub(super) fn state(&self) -> Result<MutexGuard<'_, State>> {
        // The check comes before the lock. In a forked child, a thread that does not exist there may hold the lock.
        if self.submitted_in.get().is_some_and(|process| !process.is_this()) {
            let why = "the request belongs to the parent process; a forked child cannot use it";
            return Err(Failure::new(TENON_ERR_FORKED, why));
        }
        self.state.try_lock().ok_or_else(|| Failure::state("the request is in use by another thread"))
    }

    fn with_head<T>(&self, change: impl FnOnce(&mut RequestHead) -> Result<T>) -> Result<T> {
        match &mut *self.state()? {
            State::Head(head) => change(head),
            State::Submitted(_) => Err(Failure::state("the request was already handed to a server")),
        }
    }

    pub(super) fn submitted<T>(&self, ask: impl FnOnce(&mut Submitted) -> Result<T>) -> Result<T> {
        match &mut *self.state()? {
            State::Head(_) => Err(Failure::state(
                "the request was not yet handed to a server; call tenon_server_handle_http() first",
            )),
            State::Submitted(submitted) => ask(submitted),
        }
    }
}

/// Serves requests that the program hands over with tenon_server_handle_http(), from the start on. Other transports may
/// be served as well.
///
/// A request may name any host, unless tenon_server_allow_host() names some. A page in a browser may call the server if
/// tenon_server_allow_origin() names its origin, or if both the origin and the host that the request names are of this
/// machine.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tenon_server_listen_embedded(
    server: *mut tenon_server,
    err: *mut *mut tenon_error,
) -> tenon_status {
    entry!(err; server = object(server) => server.inner.configure(|config| {
        config.listen("embedded", &JsonSlice::from_value(&json!(true)), duplicate)
    }))
}

/// Makes a request with this method. It has no path, because the program has already decided that the request is for
/// the server.
///
/// On success `*out` is the request. Fails with TENON_ERR_INVALID if the method is not valid in HTTP.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tenon_http_new(
    method: *const c_char,
    out: *mut *mut tenon_http,
    err: *mut *mut tenon_error,
) -> tenon_status {
    entry!(err; out = out(out), method = text(method) => {
        let state = Mutex::new(State::Head(RequestHead::new(method)?));
        out.write(Tagged::give(tenon_http { submitted_in: OnceLock::new(), state }));
        Ok(TENON_OK)
    })
}

/// Adds a header. `value` is `len` bytes, or up to the first NUL with TENON_NUL. Name and value are copied. Several
/// headers of one name may be added.
///
/// The name ":path" sets the path of the request, in every version of HTTP. Only the metadata of a protected resource
/// (RFC 9728) and the challenges that name it need the path. A request for `/.well-known/oauth-protected-resource` and the
/// path of the endpoint is answered with the metadata.
///
/// Fails with TENON_ERR_INVALID if the header is not valid in HTTP, and with TENON_ERR_STATE after the request was
/// handed over.
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

/// Sets the major version of HTTP that the client speaks. Default: 1. A response to version 1 may have the header
/// `connection`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tenon_http_set_version(http: *mut tenon_http, major: u8) -> tenon_status {
    entry!(http = object(http) => {
        http.with_head(|head| {
            head.version(major);
            Ok(TENON_OK)
        })
    })
}

/// Sets the principal of the request: its sender, if the program has authenticated the sender. A session belongs to the
/// principal that opened it. Callbacks read it as "principal". Call it before tenon_server_handle_http, which resolves
/// the principal before it reads the body. If the text is empty, the request gets status 500. Without this call, the
/// sender is anonymous.
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

/// Sets the principal of the request as JSON of `len` bytes, or up to the first NUL with TENON_NUL: an object with the
/// members of "principal" in tenon_call_get(), of which only "subject" is needed, or a string. See
/// tenon_http_set_principal().
///
/// Fails with TENON_ERR_INVALID if the value is no principal, and with TENON_ERR_JSON.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tenon_http_set_principal_json(
    http: *mut tenon_http,
    json: *const c_char,
    len: usize,
    err: *mut *mut tenon_error,
) -> tenon_status {
    entry!(err; http = object(http), json = tried_slice(json, len) => {
        let principal = json_principal(json?)?;
        http.with_head(|head| {
            head.principal(principal);
            Ok(TENON_OK)
        })
    })
}

/// Sets the IP address of the request's client, without port, if the program knows it. The client's usage then counts
/// towards the share of this address (TENON_LIMIT_ADDRESS_CALLS and the others). Without an address only the totals
/// apply. Behind a proxy, pass the address that the proxy names, or none.
///
/// Fails with TENON_ERR_INVALID if the text is not an address, and with TENON_ERR_STATE after the request was handed
/// over.
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

/// Sets a pointer for the callbacks of the request's calls, which get it with tenon_call_http_user_data(). `destroy`,
/// which may be NULL, runs exactly once, on any thread. It runs at once if this function fails, and when another
/// pointer replaces this one. Otherwise it runs when the request was freed and the last of its calls is over, including
/// a call that continues as a task.
///
/// Fails with TENON_ERR_STATE after the request was handed over.
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

/// Hands a request to a started server that serves such requests (tenon_server_listen_embedded()). `ready` is called
/// when tenon_http_next() may have more. It may be NULL, for example if the program waits in that function. `user_data`
/// may be NULL, and so may `destroy`, which runs exactly once. It runs at once if this function fails, and otherwise
/// when the request was freed and `ready` has returned for the last time.
///
/// The server's limits apply: a body over TENON_LIMIT_MESSAGE_BYTES gets the status 413. Requests over
/// TENON_LIMIT_CONNECTIONS at a time get 503, and so do requests that arrive while the server shuts down.
///
/// Fails with TENON_ERR_STATE if the server was not started or takes no requests, or if the request was handed over
/// already.
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
            Failure::state("the server takes no HTTP requests; call tenon_server_listen_embedded() before its start")
        })?;
        let mut state = http.state()?;
        if matches!(*state, State::Submitted(_)) {
            return Err(Failure::state("the request was already handed to a server"));
        }
        let State::Head(head) = std::mem::replace(&mut *state, State::Head(RequestHead::new("GET")?)) else {
            return Err(Failure::state("the request was already handed to a server"));
        };
        let _ = http.submitted_in.set(Process::this()?);
        let wake = Arc::new(ResponseWake {
            signalled: Mutex::new(false),
            changed: Condvar::new(),
            ready: Mutex::new(Some(Arc::new(Ready { function: ready, data }))),
            inner: Arc::downgrade(&server.inner),
            callbacks: server.inner.callbacks(),
        });
        let exchange = Exchange::new(&embedded, head, wake.clone());
        let (headers, data) = (Vec::new(), Bytes::new());
        *state = State::Submitted(Submitted { exchange, wake, status: 0, headers, data });
        Ok(TENON_OK)
    })
}

/// Passes a piece of the request's body, `len` bytes, to the library, which copies them. Call tenon_http_next() after
/// each piece to learn early of a refusal, and so that the library never holds more than one piece. If there is already
/// a response and it does not need the rest of the body, pieces are dropped at once.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tenon_http_write(
    http: *mut tenon_http,
    data: *const c_void,
    len: usize,
) -> tenon_status {
    entry!(http = object(http), data = tried_bytes(data, len) => {
        let data = data?;
        http.submitted(|submitted| {
            submitted.exchange.feed(Bytes::copy_from_slice(data));
            Ok(TENON_OK)
        })
    })
}

/// Marks the request's body as complete. Call it also if there is no body.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tenon_http_end(http: *mut tenon_http) -> tenon_status {
    entry!(http = object(http) => {
        http.submitted(|submitted| {
            submitted.exchange.end();
            Ok(TENON_OK)
        })
    })
}
