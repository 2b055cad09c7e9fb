//! Unix sockets, and sockets that the program passes in.

use crate::abi::error::tenon_error;
use crate::abi::guard::*;
use crate::abi::status::*;
use crate::servers::config::transports::taken;
use crate::servers::server::tenon_server;
use crate::transports::listen::own;
use std::ffi::{c_char, c_int};
use tenon_mcp::{JsonSlice, json};

/// Serves messages in lines, as on standard input and output, on a Unix socket at this path, from the start on. Any
/// number of clients may connect at once. May be called for several paths. To serve HTTP on a Unix socket, use
/// tenon_server_listen_http() with "unix:PATH".
///
/// By default only the user that the process runs as may connect, see tenon_server_set_unix_mode(). If no
/// process listens on an existing socket file, it is replaced. If a process listens on it, or the file is not a
/// socket, the start fails with TENON_ERR_ADDRESS. The file is removed when the server ends.
///
/// Fails with TENON_ERR_INVALID if the path is empty or longer than 107 bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tenon_server_listen_unix(
    server: *mut tenon_server,
    path: *const c_char,
    err: *mut *mut tenon_error,
) -> tenon_status {
    entry!(err; server = object(server), path = text(path) => server.inner.configure(|config| {
        config.listen_at("unix", path)
    }))
}

/// Sets the permissions of the files of Unix sockets, independent of the process's umask. Users who may write to a file
/// may connect. Default: 0600. Fails with TENON_ERR_INVALID above 0777.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tenon_server_set_unix_mode(server: *mut tenon_server, mode: u32) -> tenon_status {
    entry!(server = object(server) => server.inner.set(|config| {
        if mode > 0o777 {
            return Err(Failure::new(TENON_ERR_INVALID, format!("mode {mode:#o} must be between 0 and 0777")));
        }
        config.unix_mode = Some(mode);
        Ok(())
    }))
}

/// Serves messages in lines on a socket of the program, TCP or Unix, from the start on. May be called for several
/// sockets. A listening socket is served like a path of tenon_server_listen_unix(), and its file, if it has one, is not
/// removed. A connected socket is one more client; the server ends when the last such client leaves. Any other socket
/// makes the start fail with TENON_ERR_INVALID.
///
/// Takes the socket in every case: the library closes it, whatever the status. The socket is made non-blocking,
/// also for others that share it. TCP has no permissions: every client that can reach the address may call.
///
/// Fails with TENON_ERR_INVALID if the descriptor is not open, or is 0, 1 or 2, which are never taken.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tenon_server_listen_socket(
    server: *mut tenon_server,
    socket: c_int,
    err: *mut *mut tenon_error,
) -> tenon_status {
    let own = own(socket, "socket");
    entry!(err; server = object(server) => {
        let own = own?;
        server.inner.configure(|config| config.listen("socket", &JsonSlice::from_value(&json!(0)), taken([own])))
    })
}

/// Serves Streamable HTTP on a listening socket of the program, TCP or Unix, from the start on, like
/// tenon_server_listen_http() on an address. `path` is the path of the endpoint; NULL means "/mcp".
///
/// Takes the socket like tenon_server_listen_socket(), and fails like it. It also fails if the path is not valid.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tenon_server_listen_http_socket(
    server: *mut tenon_server,
    socket: c_int,
    path: *const c_char,
    err: *mut *mut tenon_error,
) -> tenon_status {
    let own = own(socket, "socket");
    entry!(err; server = object(server), path = optional_text(path) => {
        let own = own?;
        server.inner.configure(|config| {
            let options = JsonSlice::from_value(&json!({ "socket": 0, "path": path }));
            config.listen("http", &options, taken([own]))
        })
    })
}
