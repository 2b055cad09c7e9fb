//! The response to a request: its status, headers and body, step by step.

use crate::abi::args::{owned, write_text};
use crate::abi::guard::*;
use crate::abi::status::*;
use crate::transports::http::request::{Submitted, tenon_http};
use bytes::Bytes;
use std::ffi::{CString, c_char, c_void};
use std::time::{Duration, Instant};
use tenon_mcp::http::Step;

/// The result of tenon_http_next(): one of the TENON_HTTP_ values.
pub type tenon_http_step = i32;

/// Nothing yet.
pub const TENON_HTTP_WAIT: tenon_http_step = 0;
/// The head of the response, for tenon_http_status() and tenon_http_header(). It comes first, and once.
pub const TENON_HTTP_HEAD: tenon_http_step = 1;
/// A piece of the response's body, for tenon_http_data(). Send it before you ask for the next one. The library makes
/// the pieces of a stream only when they are asked for, and limits how much it holds for a client that does not read.
pub const TENON_HTTP_DATA: tenon_http_step = 2;
/// The response is complete.
pub const TENON_HTTP_END: tenon_http_step = 3;

/// Gets the next step of the response. If there is none, it waits for one: at most `timeout_ms` milliseconds, not at
/// all if it is 0, without a limit if it is below 0. Callbacks in TENON_MODE_INLINE run inside this function.
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
        http.submitted(|submitted| {
            let found = loop {
                match submitted.exchange.step() {
                    Step::Wait => {
                        if timeout.is_some_and(|timeout| timeout.is_zero()) || !submitted.wake.wait(end) {
                            break TENON_HTTP_WAIT;
                        }
                    }
                    Step::Head(status, headers) => {
                        submitted.status = status.as_u16().into();
                        let pair = |(name, value): (&_, &_)| header(name, value);
                        submitted.headers = headers.iter().map(pair).collect();
                        break TENON_HTTP_HEAD;
                    }
                    Step::Data(data, _) => {
                        submitted.data = data;
                        break TENON_HTTP_DATA;
                    }
                    Step::End => {
                        submitted.data = Bytes::new();
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
    // A NUL follows the value, for programs that do not use the length.
    let value = value.as_ref();
    let mut text = Vec::with_capacity(value.len() + 1);
    text.extend_from_slice(value);
    text.push(0);
    (crate::abi::error::c_string(name.as_ref()), text.into())
}

/// The status of the response, such as 200. Fails with TENON_ERR_STATE before TENON_HTTP_HEAD.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tenon_http_status(http: *const tenon_http, status: *mut u32) -> tenon_status {
    entry!(status = out(status), http = object(http) => {
        http.submitted(|submitted| {
            status.write(with_head(submitted)?.status);
            Ok(TENON_OK)
        })
    })
}

/// A header of the response, by its index from 0: its name in lower case, NUL-terminated, and its value, `len` bytes
/// followed by a NUL. Both are borrowed and live as long as the request. `len` may be NULL. `content-length` is among
/// the headers if it is known. If it is not, the program must frame the body itself. The program also sets `date`.
///
/// Fails with TENON_ERR_NOT_FOUND after the last header, and with TENON_ERR_STATE before TENON_HTTP_HEAD.
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
        http.submitted(|submitted| {
            let none = || Failure::new(TENON_ERR_NOT_FOUND, format!("there is no header {place}"));
            let (own, text) = with_head(submitted)?.headers.get(place).ok_or_else(none)?;
            name.write(own.as_ptr());
            write_text(&text[..text.len() - 1], value, len);
            Ok(TENON_OK)
        })
    })
}

fn with_head(submitted: &Submitted) -> Result<&Submitted> {
    if submitted.status == 0 {
        Err(Failure::state(
            "the head of the response has not yet arrived; call tenon_http_next() until TENON_HTTP_HEAD",
        ))
    } else {
        Ok(submitted)
    }
}

/// The piece of the body that belongs to the last TENON_HTTP_DATA; no bytes otherwise. It is borrowed and lives until
/// the next tenon_http_next() or tenon_http_free().
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tenon_http_data(
    http: *const tenon_http,
    data: *mut *const c_void,
    len: *mut usize,
) -> tenon_status {
    entry!(data = out(data), len = out(len), http = object(http) => {
        http.submitted(|submitted| {
            data.write(submitted.data.as_ptr().cast());
            len.write(submitted.data.len());
            Ok(TENON_OK)
        })
    })
}

/// Frees a request in any state. Before TENON_HTTP_END this means that its client is gone, which cancels a call of the
/// modern era. NULL is ignored. Call it before tenon_server_free() if possible. After tenon_server_free() it is the
/// only function that may be called with the request.
///
/// Fails with TENON_ERR_STATE while another function uses the request, and with TENON_ERR_FORKED in a child of the
/// process that handed it over. It is not freed then.
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
