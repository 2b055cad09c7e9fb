//! The transports WebSocket, and HTTP+SSE of 2024-11-05.

use crate::abi::args::write_text;
use crate::abi::error::{c_string, tenon_error};
use crate::abi::guard::*;
use crate::abi::status::*;
use crate::servers::server::tenon_server;
use std::ffi::{CString, c_char};
use tenon_mcp::Running;

/// Serves WebSocket, from the start on, to clients of every revision. Each text frame is one message. `address` is
/// "host:port", "host:port/path" or just a port, as for tenon_server_listen_http(); the default path is /ws. If HTTP is
/// served on the same address, both share it. A path alone, such as "/ws", is a path of the HTTP address.
///
/// tenon_server_allow_host() and tenon_server_allow_origin() apply here too. A silent client is pinged, see
/// TENON_LIMIT_PING_INTERVAL_MS. The end of a connection cancels the calls of its client that are in flight.
///
/// Fails with TENON_ERR_INVALID if the address is not valid. The start fails if "/path" is named without HTTP.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tenon_server_listen_websocket(
    server: *mut tenon_server,
    address: *const c_char,
    err: *mut *mut tenon_error,
) -> tenon_status {
    entry!(err; server = object(server), address = text(address) => server.inner.configure(|config| {
        config.listen_at("websocket", address)
    }))
}

/// Serves the transport HTTP+SSE of revision 2024-11-05, from the start on, for clients that have no other. Its event
/// stream is under the path of `address`, by default /sse. Clients send their messages to `messages` next to that path.
/// `address` is written as for tenon_server_listen_websocket(). Clients of 2026-07-28 are refused here.
///
/// tenon_server_allow_host(), tenon_server_allow_origin() and tenon_server_allow_header() apply here too. Fails like
/// tenon_server_listen_websocket().
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tenon_server_listen_sse(
    server: *mut tenon_server,
    address: *const c_char,
    err: *mut *mut tenon_error,
) -> tenon_status {
    entry!(err; server = object(server), address = text(address) => server.inner.configure(|config| {
        config.listen_at("sse", address)
    }))
}

/// The URL that WebSocket is served on, with the actual port; the first one if there are several. It is like
/// tenon_server_http_url().
///
/// Fails with TENON_ERR_STATE before the start, and with TENON_ERR_NOT_FOUND if WebSocket is not served.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tenon_server_websocket_url(
    server: *const tenon_server,
    url: *mut *const c_char,
    len: *mut usize,
) -> tenon_status {
    entry!(url = out(url), len = optional_out(len), server = object(server) => {
        let none = || Failure::new(TENON_ERR_NOT_FOUND, "the server does not listen on websocket");
        write_text(server.inner.started()?.web.websocket.as_ref().ok_or_else(none)?.as_bytes(), url, len);
        Ok(TENON_OK)
    })
}

/// The URL of the event stream of HTTP+SSE, with the actual port; the first one if there are several. It is like
/// tenon_server_http_url().
///
/// Fails with TENON_ERR_STATE before the start, and with TENON_ERR_NOT_FOUND if HTTP+SSE is not served.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tenon_server_sse_url(
    server: *const tenon_server,
    url: *mut *const c_char,
    len: *mut usize,
) -> tenon_status {
    entry!(url = out(url), len = optional_out(len), server = object(server) => {
        let none = || Failure::new(TENON_ERR_NOT_FOUND, "the server does not listen on HTTP+SSE; call tenon_server_listen_sse() before the start");
        write_text(server.inner.started()?.web.sse.as_ref().ok_or_else(none)?.as_bytes(), url, len);
        Ok(TENON_OK)
    })
}

/// The URLs that they are served on.
pub(crate) struct WebUrls {
    websocket: Option<CString>,
    sse: Option<CString>,
}

impl WebUrls {
    pub(crate) fn of(running: &Running) -> WebUrls {
        WebUrls { websocket: running.websocket_url().map(c_string), sse: running.sse_url().map(c_string) }
    }
}
