//! Fixed pages that the HTTP listeners serve next to MCP.

use crate::abi::error::tenon_error;
use crate::abi::guard::*;
use crate::abi::status::*;
use crate::servers::server::tenon_server;
use bytes::Bytes;
use std::ffi::{c_char, c_void};

/// Adds a fixed page: the HTTP listeners of the server answer GET and HEAD of one path with it. An example is a page
/// that is a client of the server in a browser. No callback runs. A page with the same path is replaced. May be called
/// before the start or after it. tenon_server_handle_http() does not serve pages, because the program there has paths
/// of its own. Pages of a mounted server are not mounted.
///
/// `path` is matched exactly, as it is in a request: percent-encoded, without query. `content_type` is the media type,
/// such as "text/html; charset=utf-8". The `len` bytes of `body` are copied; it may be NULL if `len` is 0.
///
/// Responses have an ETag, with which browsers check whether the page has changed, and `x-content-type-options:
/// nosniff`. A request may name the hosts that the address allows (tenon_server_allow_host()). In a frame, the
/// page is shown only to its own address and to origins that may call the server. Every client that can reach
/// the address can read the page. A page of a loopback address may call the server. A page of an address that
/// others can reach may do so only if its origin is allowed (tenon_server_allow_origin()).
///
/// Fails with TENON_ERR_INVALID if the path or the type is not valid, if the page is larger than
/// TENON_LIMIT_PAGE_BYTES, if there are TENON_LIMIT_PAGES already, or if MCP is served under the path. If that last
/// conflict is not known yet, the start fails instead.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tenon_server_add_page(
    server: *mut tenon_server,
    path: *const c_char,
    content_type: *const c_char,
    body: *const c_void,
    len: usize,
    err: *mut *mut tenon_error,
) -> tenon_status {
    entry!(err; server = object(server), path = text(path), content_type = text(content_type),
        body = tried_bytes(body, len) => {
        server.inner.add_page(path, content_type, Bytes::copy_from_slice(body?))?;
        Ok(TENON_OK)
    })
}

/// Removes a page. Fails with TENON_ERR_NOT_FOUND if there is none under this path.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tenon_server_remove_page(
    server: *mut tenon_server,
    path: *const c_char,
) -> tenon_status {
    entry!(server = object(server), path = text(path) => {
        server.inner.remove_page(path)?;
        Ok(TENON_OK)
    })
}
