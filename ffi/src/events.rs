//! What a server says to clients on its own account.

use crate::guard::*;
use crate::json::json;
use crate::server::tenon_server;
use crate::status::*;
use std::ffi::c_char;

/// Tells the client that was asked for a visit to a page, by tenon_call_elicit_url() or tenon_call_require_url() with this
/// `elicitation_id`, that it has come to its end. Only clients of 2025-11-25 are told.
///
/// Fails with TENON_ERR_NOT_FOUND if no client waits for it, which is nothing to worry about, and with TENON_ERR_STATE
/// before the start.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tenon_server_elicitation_complete(
    server: *mut tenon_server,
    elicitation_id: *const c_char,
) -> tenon_status {
    entry!(server = object(server), id = text(elicitation_id) => {
        if server.inner.started()?.elicitation_complete(id) {
            return Ok(TENON_OK);
        }
        Err(Failure::new(TENON_ERR_NOT_FOUND, format!("no client waits for the visit {id:?}")))
    })
}

/// Sends a notification of the program's own to all legacy sessions: its name and its parameters, `len` bytes of a JSON
/// object or up to the first NUL with TENON_NUL; NULL with length 0 for none.
///
/// Fails with TENON_ERR_JSON if the parameters are not JSON, with TENON_ERR_INVALID if they are no object, and with
/// TENON_ERR_STATE before the start. What no client is there for is dropped.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tenon_server_notify(
    server: *mut tenon_server,
    method: *const c_char,
    params: *const c_char,
    len: usize,
) -> tenon_status {
    entry!(server = object(server), method = text(method), params = tried_slice(params, len) => {
        let started = server.inner.started()?;
        let params = match params? {
            "" => tenon_mcp::JsonSlice::empty_object(),
            text => json(text, "params")?,
        };
        if params.kind() != tenon_mcp::json::Kind::Object {
            return Err(Failure::new(TENON_ERR_INVALID, "params must be an object"));
        }
        started.notify(method, &params);
        Ok(TENON_OK)
    })
}
