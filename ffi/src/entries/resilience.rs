//! The limiters, circuit breakers and cache that a program uses by code.

use crate::abi::args::write_text;
use crate::abi::error::c_string;
use crate::abi::guard::*;
use crate::abi::json::json;
use crate::abi::status::*;
use crate::servers::server::tenon_server;
use std::cell::RefCell;
use std::ffi::{CString, c_char};
use std::time::Duration;

thread_local! {
    /// The last text that was lent to this thread. So what a program can hold is bounded.
    static LENT: RefCell<CString> = RefCell::default();
}

/// A time in whole milliseconds, rounded up, so that it is over after them.
fn milliseconds(time: Duration) -> u64 {
    u64::try_from(time.as_nanos().div_ceil(1_000_000)).unwrap_or(u64::MAX)
}

/// Takes one call from the allowance of a limiter, which the server option "limiters" names. `wait_ms` becomes 0, or the
/// milliseconds until one can be taken if none can be taken now. The function does not wait.
///
/// Any thread may call it, from the start of the server on. Fails with TENON_ERR_NOT_FOUND if the option does not have the name,
/// and before the start.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tenon_server_limiter_acquire(
    server: *mut tenon_server,
    name: *const c_char,
    wait_ms: *mut u64,
) -> tenon_status {
    entry!(wait_ms = out(wait_ms), server = object(server), name = text(name) => {
        let limiter = server.inner.limiter(name)?;
        wait_ms.write(limiter.try_acquire().map_or_else(milliseconds, |()| 0));
        Ok(TENON_OK)
    })
}

/// Tells a limiter what the service says about its own limit: the headers of a response, a JSON object of names and values. These
/// headers count, in any case, and also without "X-":
///
/// - X-RateLimit-Remaining: the calls that are left until the reset. If none is left, no call is made until then.
/// - X-RateLimit-Reset: when that changes, in seconds from now or as a time since 1970. Without it, that is after the time of the
///   limiter.
/// - X-RateLimit-Limit: the calls that the service allows after the reset.
/// - Retry-After: seconds, or a date. No call is made until then.
///
/// Other headers, and values that cannot be understood, are ignored. No header stops calls for more than a day. Fails with
/// TENON_ERR_NOT_FOUND if the option does not have the name, and with TENON_ERR_JSON or TENON_ERR_INVALID if the text is no JSON
/// object.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tenon_server_limiter_feed(
    server: *mut tenon_server,
    name: *const c_char,
    headers: *const c_char,
    len: usize,
) -> tenon_status {
    entry!(server = object(server), name = text(name), headers = tried_slice(headers, len) => {
        let headers = json(headers?, "headers")?;
        server.inner.limiter(name)?.feed(headers)?;
        Ok(TENON_OK)
    })
}

/// Asks a circuit breaker, which the server option "breakers" names, whether a call may pass. If it may, `wait_ms` becomes 0, and
/// `permit` the number for tenon_server_breaker_record(). Otherwise `wait_ms` becomes the milliseconds until one may pass.
///
/// If the result of a probe is not recorded in the time "open_for", the probe does not count, and another one may run. Any thread
/// may call the function, from the start of the server on. Fails with TENON_ERR_NOT_FOUND if the option does not have the name.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tenon_server_breaker_allow(
    server: *mut tenon_server,
    name: *const c_char,
    permit: *mut u64,
    wait_ms: *mut u64,
) -> tenon_status {
    entry!(permit = out(permit), wait_ms = out(wait_ms), server = object(server), name = text(name) => {
        match server.inner.breaker(name)?.allow_number() {
            Ok(number) => {
                permit.write(number);
                wait_ms.write(0);
            }
            Err(wait) => {
                permit.write(0);
                wait_ms.write(milliseconds(wait).max(1));
            }
        }
        Ok(TENON_OK)
    })
}

/// Records whether the call with this permit succeeded. Call it once for each permit. Fails with TENON_ERR_NOT_FOUND if the option
/// "breakers" does not have the name.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tenon_server_breaker_record(
    server: *mut tenon_server,
    name: *const c_char,
    permit: u64,
    succeeded: bool,
) -> tenon_status {
    entry!(server = object(server), name = text(name) => {
        server.inner.breaker(name)?.record_number(permit, Some(succeeded));
        Ok(TENON_OK)
    })
}

/// The value of a key in the cache of the program: JSON text, NUL-terminated. The text is borrowed: it lives until this thread
/// calls the function again. `len` may be NULL.
///
/// All callers share the cache, so a key must name whatever a value depends on, such as the caller. The limits
/// "max_cached_values" and "max_cached_bytes" bound it. Fails with TENON_ERR_NOT_FOUND if there is no value that is
/// not too old.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tenon_server_cache_get(
    server: *mut tenon_server,
    key: *const c_char,
    value: *mut *const c_char,
    len: *mut usize,
) -> tenon_status {
    entry!(value = out(value), len = optional_out(len), server = object(server), key = text(key) => {
        let found = server.inner.cache()?.get(key);
        let found = found.ok_or_else(|| Failure::new(TENON_ERR_NOT_FOUND, format!("no value for the key {key:?}")))?;
        LENT.with_borrow_mut(|lent| {
            *lent = c_string(found.as_str());
            // The address of the text stays the same until it is replaced.
            write_text(lent.as_bytes(), value, len);
        });
        Ok(TENON_OK)
    })
}

/// Keeps a value, JSON text, in the cache of the program for `ttl_ms` milliseconds, unless it is larger than the cache. Fails with
/// TENON_ERR_JSON if the text is not JSON, and with TENON_ERR_INVALID if the time is 0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tenon_server_cache_put(
    server: *mut tenon_server,
    key: *const c_char,
    value: *const c_char,
    len: usize,
    ttl_ms: u64,
) -> tenon_status {
    entry!(server = object(server), key = text(key), value = tried_slice(value, len) => {
        let value = json(value?, "value")?;
        if ttl_ms == 0 {
            return Err(Failure::new(TENON_ERR_INVALID, "ttl_ms must be above 0"));
        }
        server.inner.cache()?.put(key, value, Duration::from_millis(ttl_ms));
        Ok(TENON_OK)
    })
}

/// Removes the value of a key from the cache of the program. If `key` is NULL, it removes all values. It does nothing if there is
/// none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tenon_server_cache_delete(
    server: *mut tenon_server,
    key: *const c_char,
) -> tenon_status {
    entry!(server = object(server), key = optional_text(key) => {
        match key {
            Some(key) => _ = server.inner.cache()?.delete(key),
            None => server.inner.cache()?.clear(),
        }
        Ok(TENON_OK)
    })
}
