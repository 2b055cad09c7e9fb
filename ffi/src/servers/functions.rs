//! The functions of the program that decide about requests: their callbacks, and the threads that run them.

use crate::abi::error::tenon_error;
use crate::abi::guard::*;
use crate::abi::json::json;
use crate::abi::status::*;
use crate::calls::call::tenon_call;
use crate::entries::entry::tenon_mode;
use crate::entries::handlers::{Handler, Mode, UserData, tenon_destroy_fn, tenon_handler_fn};
use crate::servers::server::tenon_server;
use crate::servers::state::server_state::ServerState;
use std::ffi::{c_char, c_void};
use std::sync::{Arc, Weak};
use tenon_mcp::{HostFunctionKind, Parker, Wake};

/// How much of a wrong value an error shows, in characters.
const MAX_SHOWN: usize = 80;

/// Sets the verifier: a callback that finds the principal of credentials which no verifier of the setting "auth"
/// accepts. From then on, callers without a principal are refused, unless the setting "anonymous" allows them.
///
/// `headers` are the names of the headers that it reads besides a bearer token: `len` bytes of a JSON array of strings,
/// or up to the first NUL with TENON_NUL. NULL means none. It is called if a request has a bearer token or one of these
/// headers.
///
/// The arguments of its call are the credentials: "token" is the bearer token, and "headers" is an object with the
/// headers that the request has, with names in lower case. Without a bearer token, "token" is null, for which
/// tenon_call_arg_string() fails with TENON_ERR_TYPE.
///
/// Complete the call with the principal: its subject, with tenon_call_return_text(), or an object as tenon_call_get()
/// gives it for "principal", with tenon_call_return_json(); only "subject" is needed. Complete the call with null or
/// false if it does not accept the credentials; the request is then refused with 401. The callback may keep the call
/// with tenon_call_retain(), and any thread may complete it later.
///
/// The answer is kept for TENON_LIMIT_TOKEN_CACHE_TIME_MS, by the token and the headers. If the callback returns without
/// completing or keeping the call, fails the call, or returns something else, the request is refused with 503, and the
/// log says why. The same happens if there is no answer within TENON_LIMIT_STORE_TIMEOUT_MS; tenon_call_on_cancel()
/// notices that.
///
/// With TENON_MODE_WORKER the callback runs on threads that only the functions of this kind use, several at once,
/// as many as tenon_server_set_worker_threads() says. With TENON_MODE_POLL it runs in tenon_server_poll().
/// TENON_MODE_INLINE fails with TENON_ERR_INVALID, because a verifier must not delay the threads that receive messages.
///
/// `user_data` and `destroy` may be NULL. `destroy` runs exactly once in every case: at once if this function fails, and
/// otherwise in tenon_server_free(). Fails with TENON_ERR_STATE if the server has a verifier, with TENON_ERR_JSON if the
/// headers are not JSON, and with TENON_ERR_INVALID if one is not the name of a header.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tenon_server_set_verifier(
    server: *mut tenon_server,
    headers: *const c_char,
    len: usize,
    mode: tenon_mode,
    verifier: tenon_handler_fn,
    user_data: *mut c_void,
    destroy: tenon_destroy_fn,
    err: *mut *mut tenon_error,
) -> tenon_status {
    let given = !headers.is_null();
    let headers = if given { headers } else { c"[]".as_ptr() };
    let len = if given { len } else { 2 };
    entry!(err; data = user_data(user_data, destroy), server = object(server), headers = tried_slice(headers, len) => {
        let function = verifier.ok_or_else(|| Failure::null("verifier"));
        let names = || {
            let names = json(headers?, "headers")?;
            names.deserialize::<Vec<String>>().map_err(|_| {
                let given: String = names.as_str().chars().take(MAX_SHOWN).collect();
                Failure::new(TENON_ERR_INVALID, format!("headers must be an array of strings, not {given}"))
            })
        };
        server.inner.set_function(HostFunctionKind::Verifier, mode, names, (function, data))
    })
}

/// Sets the authorizer: a callback that decides whether a call is permitted, after scopes and roles.
///
/// The arguments of its call are "principal", an object as tenon_call_get() gives it, or null; "kind", such as "tool";
/// "name", the name of the entry or the address of the resource; and "arguments", which fit the schema of the entry.
/// Complete the call with true, false, or a text, the reason of a refusal, which the client gets. The callback may keep
/// the call with tenon_call_retain(), and any thread may complete it later.
///
/// It is also called for subscriptions to resources, with the kind and the address as for a read. Its answers are kept for
/// TENON_LIMIT_AUTHORIZER_CACHE_TIME_MS, which is 0 by default, by principal, entry and arguments.
///
/// If the callback fails, returns something else, or does not answer within TENON_LIMIT_STORE_TIMEOUT_MS, the call is
/// refused, and the log says why. The rest is as for tenon_server_set_verifier().
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tenon_server_set_authorizer(
    server: *mut tenon_server,
    mode: tenon_mode,
    authorizer: tenon_handler_fn,
    user_data: *mut c_void,
    destroy: tenon_destroy_fn,
    err: *mut *mut tenon_error,
) -> tenon_status {
    entry!(err; data = user_data(user_data, destroy), server = object(server) => {
        let function = authorizer.ok_or_else(|| Failure::null("authorizer"));
        server.inner.set_function(HostFunctionKind::Authorizer, mode, || Ok(Vec::new()), (function, data))
    })
}

/// Sets the function that decides which entries exist for a caller, after scopes and roles.
///
/// The arguments of its call are "principal", an object as tenon_call_get() gives it, or null; "kind", "tool", "resource",
/// "resource_template" or "prompt"; and "name", the name of the entry, of a resource its URI, of a template its text. Complete
/// the call with true or false. The callback may keep the call with tenon_call_retain(), and any thread may complete it
/// later.
///
/// An entry that does not exist for a caller is in no list, and calls, completions and subscriptions fail as if it were not
/// registered. The answers are kept for TENON_LIMIT_VISIBLE_CACHE_TIME_MS, by principal and entry.
///
/// If the callback fails, returns something else, or does not answer within TENON_LIMIT_STORE_TIMEOUT_MS, the request is
/// refused, and the log says why. The rest is as for tenon_server_set_verifier().
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tenon_server_set_visible(
    server: *mut tenon_server,
    mode: tenon_mode,
    visible: tenon_handler_fn,
    user_data: *mut c_void,
    destroy: tenon_destroy_fn,
    err: *mut *mut tenon_error,
) -> tenon_status {
    entry!(err; data = user_data(user_data, destroy), server = object(server) => {
        let function = visible.ok_or_else(|| Failure::null("visible"));
        server.inner.set_function(HostFunctionKind::Visible, mode, || Ok(Vec::new()), (function, data))
    })
}

/// Wakes the threads of these functions. They start when they are needed.
pub(crate) struct AccessWake {
    pub(crate) inner: Weak<ServerState>,
    pub(crate) parker: Arc<Parker>,
}

impl Wake for AccessWake {
    fn wake(&self) {
        self.parker.wake();
        if let Some(inner) = self.inner.upgrade() {
            inner.grow_access_threads();
        }
    }
}

/// The program's function, or why there is none, with its data.
type Callback = (Result<unsafe extern "C" fn(*mut c_void, *mut tenon_call)>, UserData);

impl ServerState {
    fn set_function(
        &self,
        kind: HostFunctionKind,
        mode: tenon_mode,
        headers: impl FnOnce() -> Result<Vec<String>>,
        (function, data): Callback,
    ) -> Result<tenon_status> {
        let (mut data, mut unused) = (Some(data), None);
        let status = self.set(|config| {
            let function = function?;
            let mode = match Mode::of(mode)? {
                Mode::Worker => Mode::Access,
                Mode::Poll => Mode::Poll,
                _ => {
                    let text = format!("{} runs in TENON_MODE_WORKER or TENON_MODE_POLL", kind.noun());
                    return Err(Failure::new(TENON_ERR_INVALID, text));
                }
            };
            let headers = headers()?;
            if let Some(data) = data.take() {
                let handler = self.add_handler(Handler::new(function, data));
                let set = config.set_function(kind, mode.lane(), handler, headers);
                unused = set.is_err().then_some(handler);
                set?;
            }
            Ok(())
        });
        // Outside of the lock, because `destroy` is the program's code.
        self.forget(unused.into_iter().collect());
        status
    }
}
