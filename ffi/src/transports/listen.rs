//! The transports that a server listens on.

use crate::abi::error::tenon_error;
use crate::abi::guard::*;
use crate::abi::json::json as parse;
use crate::abi::status::*;
use crate::servers::config::transports::{self, duplicate};
use crate::servers::server::tenon_server;
use rustix::fd::{BorrowedFd, FromRawFd, OwnedFd};
use std::ffi::{c_char, c_int};
use tenon_mcp::{JsonSlice, json};

/// Serves a transport, from the start on. `transport` is its name, and `options` is `len` bytes of JSON text, or up to the
/// first NUL with TENON_NUL. The value is an object with options, or a value that is short for options. The transports
/// are:
///
/// [transports]
///
/// Their options are:
///
/// [transport options]
///
/// Descriptors in the options are duplicated, and the program keeps its own. May be called for several addresses and
/// sockets of one transport. Options that are not set have the values of tenon_server_allow_host(),
/// tenon_server_allow_origin(), tenon_server_allow_header() and tenon_server_set_unix_mode().
///
/// Fails with TENON_ERR_JSON if the text is not JSON. Fails with TENON_ERR_INVALID if there is no such transport or no
/// such option, or if a value is wrong. Fails with TENON_ERR_IO if a descriptor is not open, and with TENON_ERR_STATE if
/// the server serves standard input and output, or descriptors, already.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tenon_server_listen(
    server: *mut tenon_server,
    transport: *const c_char,
    options: *const c_char,
    len: usize,
    err: *mut *mut tenon_error,
) -> tenon_status {
    entry!(err; server = object(server), transport = text(transport), options = tried_slice(options, len) => {
        let options = parse(options?, transport)?;
        server.inner.configure(|config| config.listen(transport, &options, duplicate))
    })
}

/// Serves standard input and output, from the start on. While the server runs, descriptor 1 refers to the same file as
/// descriptor 2, so the output of callbacks does not reach the client. The server ends when its input ends.
///
/// Fails with TENON_ERR_STATE if the server serves them, or descriptors, already.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tenon_server_listen_stdio(
    server: *mut tenon_server,
    err: *mut *mut tenon_error,
) -> tenon_status {
    entry!(err; server = object(server) => server.inner.configure(|config| {
        config.listen("stdio", &JsonSlice::from_value(&json!(true)), duplicate)
    }))
}

/// Serves these descriptors in place of standard input and output, from the start on. Both may be the same number, such
/// as that of a socket. Takes the descriptors in every case: the library closes them, whatever the status.
///
/// Fails with TENON_ERR_INVALID if one of them is not open, or is 0, 1 or 2. Those three are never taken, because the
/// next file that the process opens would get their numbers. Use tenon_server_listen_stdio(), or a duplicate. Fails
/// with TENON_ERR_STATE if the server serves descriptors, or standard input and output, already.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tenon_server_listen_descriptors(
    server: *mut tenon_server,
    input: c_int,
    output: c_int,
    err: *mut *mut tenon_error,
) -> tenon_status {
    // This comes first, so that both are closed whatever fails.
    let taken = Descriptors { input: take(input), output: if output == input { None } else { take(output) } };
    entry!(err; server = object(server) => {
        let pair = taken.pair(input, output)?;
        server.inner.configure(|config| {
            config.listen("stdio", &JsonSlice::from_value(&json!([0, 1])), transports::taken(pair))
        })
    })
}

/// The descriptors that were taken over; `None` if one could not be.
struct Descriptors {
    input: Option<OwnedFd>,
    output: Option<OwnedFd>,
}

impl Descriptors {
    /// Both, or the reason why one is refused. `input` and `output` are the numbers that the program passed.
    fn pair(self, input: c_int, output: c_int) -> Result<[OwnedFd; 2]> {
        let first = self.input.ok_or_else(|| refused(input, "input"))?;
        let second = if output == input {
            first.try_clone().map_err(|error| Failure::io("cannot duplicate the descriptor", error))?
        } else {
            self.output.ok_or_else(|| refused(output, "output"))?
        };
        Ok([first, second])
    }
}

fn refused(number: c_int, what: &str) -> Failure {
    let why = match number {
        0..=2 => "is a standard descriptor of the process; use tenon_server_listen_stdio()",
        _ => "is not open",
    };
    Failure::new(TENON_ERR_INVALID, format!("{what} descriptor {number} {why}"))
}

/// Takes over a descriptor, or gives the reason why it cannot.
pub(crate) fn own(number: c_int, what: &str) -> Result<OwnedFd> {
    take(number).ok_or_else(|| refused(number, what))
}

/// Takes over a descriptor, if it is open and not a standard one.
fn take(number: c_int) -> Option<OwnedFd> {
    if number <= 2 {
        return None;
    }
    // SAFETY: not -1, and only checked whether it is open.
    rustix::io::fcntl_getfd(unsafe { BorrowedFd::borrow_raw(number) }).ok()?;
    // SAFETY: open, and given to the library by the contract of the header.
    Some(unsafe { OwnedFd::from_raw_fd(number) })
}

/// Serves Streamable HTTP, from the start on. `address` is "host:port" or "host:port/path", or just a port, which means
/// 127.0.0.1. Port 0 picks a free port, see tenon_server_http_url(). For a Unix socket it is "unix:PATH" or
/// "unix:PATH:/path", see tenon_server_listen_unix(). The default path is /mcp.
///
/// Fails with TENON_ERR_INVALID if the address is not valid. Fails with TENON_ERR_STATE if it is called a second time;
/// add further addresses with tenon_server_listen_http_socket().
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tenon_server_listen_http(
    server: *mut tenon_server,
    address: *const c_char,
    err: *mut *mut tenon_error,
) -> tenon_status {
    entry!(err; server = object(server), address = text(address) => server.inner.configure(|config| {
        if config.has_http_address {
            return Err(Failure::state("tenon_server_listen_http() was already called; add addresses with tenon_server_listen_http_socket()"));
        }
        config.listen_at("http", address)?;
        config.has_http_address = true;
        // Its URL is the first one.
        config.transports.rotate_right(1);
        Ok(TENON_OK)
    }))
}

/// Allows HTTP requests that name this host (without port), in addition to loopback hosts. A server that listens on an
/// address that is not a loopback address accepts any host, unless this function names some.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tenon_server_allow_host(
    server: *mut tenon_server,
    host: *const c_char,
) -> tenon_status {
    entry!(server = object(server), host = tried_text(host) => server.inner.set(|config| {
        config.allowed.entry("allowed_hosts").or_default().push(host?.to_owned());
        Ok(())
    }))
}

/// Allows pages of this origin ("scheme://host:port") to call the server over HTTP. Pages of loopback hosts on a
/// loopback address are always allowed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tenon_server_allow_origin(
    server: *mut tenon_server,
    origin: *const c_char,
) -> tenon_status {
    entry!(server = object(server), origin = tried_text(origin) => server.inner.set(|config| {
        config.allowed.entry("allowed_origins").or_default().push(origin?.to_owned());
        Ok(())
    }))
}

/// Allows pages of allowed origins to send this request header over HTTP. The headers of the protocol, Authorization,
/// Content-Type and Accept are always allowed. "*" means every header. A browser does not send a header that is not
/// allowed. The start fails if the text is not a header name.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tenon_server_allow_header(
    server: *mut tenon_server,
    name: *const c_char,
) -> tenon_status {
    entry!(server = object(server), name = tried_text(name) => server.inner.set(|config| {
        config.allowed.entry("allowed_headers").or_default().push(name?.to_owned());
        Ok(())
    }))
}
