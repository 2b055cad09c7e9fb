//! Messages that a server sends to clients without a request.

use crate::abi::guard::*;
use crate::abi::json::json;
use crate::abi::status::*;
use crate::calls::call::tenon_call;
use crate::entries::kind::{kind as kind_of, tenon_kind};
use crate::servers::server::tenon_server;
use std::ffi::c_char;
use tenon_mcp::{Event, JsonSlice};

/// Tells a client that its user's visit to a page is complete. The visit was requested with this
/// `elicitation_id` by tenon_call_elicit_url() or tenon_call_require_url(). Only clients with a session are
/// notified.
///
/// Fails with TENON_ERR_NOT_FOUND if no client waits for the visit, which is harmless, and with TENON_ERR_STATE before
/// the start.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tenon_server_elicitation_complete(
    server: *mut tenon_server,
    elicitation_id: *const c_char,
) -> tenon_status {
    entry!(server = object(server), id = text(elicitation_id) => {
        if server.inner.started()?.elicitation_complete(id) {
            return Ok(TENON_OK);
        }
        Err(Failure::new(TENON_ERR_NOT_FOUND, format!("no client waits for the elicitation {id:?}")))
    })
}

/// Sends a notification of the program's own to all legacy sessions. `params` is `len` bytes of a JSON object, or up to
/// the first NUL with TENON_NUL; NULL with length 0 means no parameters. Clients of 2026-07-28 get such notifications
/// only on the stream of their own request, see tenon_call_notify().
///
/// Fails with TENON_ERR_JSON if the parameters are not JSON. Fails with TENON_ERR_INVALID if they are not an object, or
/// if the protocol itself uses the name. Fails with TENON_ERR_STATE before the start. If no client can receive the
/// notification, it is dropped.
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

/// Sends a notification of the program's own to the client of a call, on the stream of the call. `method` and `params`
/// are as for tenon_server_notify(). The notification is dropped if the call is over, if its client takes no stream, or
/// if the client does not read.
///
/// Fails with TENON_ERR_JSON if the parameters are not JSON. Fails with TENON_ERR_INVALID if they are not an object, or
/// if the protocol itself uses the name.
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

/// Reports that the resource at exactly this address has changed. Subscribed clients are notified within a few
/// milliseconds; several updates within that time cause one notification. Before the start no client is
/// subscribed, and nothing happens. May be called from any thread, and does not wait.
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

/// Reports that the list of a kind has changed. Use it for changes that the library cannot see, such as those
/// of what a provider lists. If entries are added, removed, enabled or disabled, clients are notified without
/// this function. Templates and providers are reported as resources. May be called from any thread, and does
/// not wait.
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
