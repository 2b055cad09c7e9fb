//! Fixed pages beside what speaks MCP.

use crate::abi::error::tenon_error;
use crate::abi::guard::*;
use crate::abi::status::*;
use crate::servers::server::tenon_server;
use bytes::Bytes;
use std::ffi::{c_char, c_void};

/// Has the HTTP listeners of the server answer GET and HEAD of one path with a fixed page, such as one that is a client of the
/// server in a browser. No callback runs. A page that there is under this path is replaced; before the start or after it.
/// tenon_server_handle_http() answers none, since the program there has paths of its own, and those of a mounted server
/// stay with it.
///
/// `path` is matched exactly, as it stands in a request: percent-encoded, without query. `content_type` is the media type, such
/// as "text/html; charset=utf-8". The `len` bytes of `body` are copied; it may be NULL if `len` is 0.
///
/// Responses have an ETag, by which browsers ask whether the page has changed, and `x-content-type-options: nosniff`. Hosts that
/// a request may name are those of the address (tenon_server_allow_host()); in a frame the page is shown to its own address and to
/// origins that may call the server. Whoever reaches the address can read it. A page of an address that others can reach calls
/// the server only if its origin is allowed (tenon_server_allow_origin()); one of a loopback address may.
///
/// Fails with TENON_ERR_INVALID if the path or the type is none, the page is larger than TENON_LIMIT_PAGE_BYTES, there are
/// TENON_LIMIT_PAGES, or MCP is served under the path; where that is not known yet, the start fails.
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
