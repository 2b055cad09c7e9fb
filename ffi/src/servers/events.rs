//! What a server says to clients on its own account.

use crate::abi::guard::*;
use crate::abi::json::json;
use crate::abi::status::*;
use crate::calls::call::tenon_call;
use crate::entries::kind::{kind as kind_of, tenon_kind};
use crate::servers::server::tenon_server;
use std::ffi::c_char;
use tenon_mcp::{Event, JsonSlice};

/// Tells the client that was asked for a visit to a page, by tenon_call_elicit_url() or tenon_call_require_url() with this
/// `elicitation_id`, that it has come to its end. Only clients with a session are told.
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
/// object or up to the first NUL with TENON_NUL; NULL with length 0 for none. Clients of 2026-07-28 get such notifications
/// on the stream of their own request only: tenon_call_notify().
///
/// Fails with TENON_ERR_JSON if the parameters are not JSON, with TENON_ERR_INVALID if they are no object or the name is one
/// of the protocol's, and with TENON_ERR_STATE before the start. What no client is there for is dropped.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tenon_server_notify(
    server: *mut tenon_server,
    method: *const c_char,
    params: *const c_char,
    len: usize,
) -> tenon_status {
    entry!(server = object(server), method = text(method), params = tried_slice(params, len) => {
        let started = server.inner.started()?;
        started.notify(method, &own_params(params?)?)?;
        Ok(TENON_OK)
    })
}

/// Sends the client of a call a notification of the program's own, on the stream of the call: its name and its parameters,
/// as with tenon_server_notify(). Dropped if the call is over, if its client takes no stream, and if it does not read.
///
/// Fails with TENON_ERR_JSON if the parameters are not JSON, and with TENON_ERR_INVALID if they are no object or the name is
/// one of the protocol's.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tenon_call_notify(
    call: *mut tenon_call,
    method: *const c_char,
    params: *const c_char,
    len: usize,
) -> tenon_status {
    entry!(call = object(call), method = text(method), params = tried_slice(params, len) => {
        call.report(Event::notification(method, &own_params(params?)?)?)?;
        Ok(TENON_OK)
    })
}

fn own_params(text: &str) -> Result<JsonSlice> {
    let params = match text {
        "" => JsonSlice::empty_object(),
        text => json(text, "params")?,
    };
    if params.kind() != tenon_mcp::json::Kind::Object {
        return Err(Failure::new(TENON_ERR_INVALID, "params must be an object"));
    }
    Ok(params)
}

/// Says that the resource at exactly this address has changed. Clients that are subscribed to it are told within a few
/// milliseconds; several updates of one moment are told once. Before the start nobody is, and nothing happens. From any
/// thread; waits for nothing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tenon_server_resource_updated(
    server: *mut tenon_server,
    uri: *const c_char,
) -> tenon_status {
    entry!(server = object(server), uri = text(uri) => {
        if let Some(started) = server.inner.if_started()? {
            started.resource_updated(uri);
        }
        Ok(TENON_OK)
    })
}

/// Says that the list of a kind has changed, for what the engine cannot see, such as what a provider lists: entries that are
/// added, removed, enabled or disabled are told of without it. Templates and providers are told as resources. From any
/// thread; waits for nothing.
///
/// Fails with TENON_ERR_INVALID for kinds that clients have no list of, and with TENON_ERR_STATE before the start.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tenon_server_list_changed(
    server: *mut tenon_server,
    kind: tenon_kind,
) -> tenon_status {
    entry!(server = object(server) => {
        server.inner.started()?.list_changed(kind_of(kind)?)?;
        Ok(TENON_OK)
    })
}
