//! Registering, removing, enabling and disabling entries, hooks and mounts.

use crate::abi::error::tenon_error;
use crate::abi::guard::*;
use crate::abi::status::*;
use crate::entries::entry::{tenon_entry, tenon_mode};
use crate::entries::handlers::{Handler, tenon_destroy_fn, tenon_handler_fn};
use crate::entries::kind::{kind, tenon_kind};
use crate::servers::server::tenon_server;
use std::ffi::{c_char, c_void};
use tenon_mcp::{Entry, Kind};

/// Registers an entry, before or after the start. Takes the entry in every case, whatever the status. Any later use of
/// it fails with TENON_ERR_STATE.
///
/// Fails with TENON_ERR_DUPLICATE if the server has an entry of that kind and name. Fails with TENON_ERR_INVALID,
/// TENON_ERR_JSON or another status if the definition is wrong; the message names the entry and gives the reason.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tenon_server_add(
    server: *mut tenon_server,
    entry: *mut tenon_entry,
    err: *mut *mut tenon_error,
) -> tenon_status {
    // The entry comes first, because it is taken whatever fails.
    entry!(err; entry = taken_entry(entry), server = object(server) => {
        server.inner.add(*entry.ok_or_else(|| Failure::null("entry"))?)?;
        Ok(TENON_OK)
    })
}

/// Replaces the library's handling of a request of the protocol, such as "tools/list", with the program's own. `method`
/// is an entry of tenon_method_new() with the request's name. tenon_server_remove() with TENON_KIND_METHOD undoes it.
/// In all other respects this is like tenon_server_add().
///
/// Fails with TENON_ERR_INVALID if the entry is not a method, or if the protocol has no such request.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tenon_server_replace(
    server: *mut tenon_server,
    method: *mut tenon_entry,
    err: *mut *mut tenon_error,
) -> tenon_status {
    entry!(err; entry = taken_entry(method), server = object(server) => {
        let mut entry = *entry.ok_or_else(|| Failure::null("method"))?;
        entry.change(Entry::replacing);
        server.inner.add(entry)?;
        Ok(TENON_OK)
    })
}

/// Registers a callback for an event of the server. `hook` is one of
/// - "start": the server is served from now on. It runs before the first call. Calls that arrive meanwhile wait, but
///   the library answers the requests that it handles itself. If the callback fails (tenon_call_fail()) or takes longer
///   than TENON_LIMIT_START_TIMEOUT_MS, nothing is served.
/// - "stop": the server has ended. It runs once after the last call, for at most TENON_LIMIT_STOP_TIMEOUT_MS. It does
///   not run if "start" failed.
/// - "session_start": a client has opened a legacy session.
/// - "session_end": a legacy session is over. A client that sends `initialize` again on the same channel ends its
///   session and opens another.
/// - "roots_changed": a client's roots have changed.
/// - "subscribe": a resource, whose address is the argument "uri", has its first subscriber.
/// - "unsubscribe": that resource has no subscriber any more. It does not run at the end of the server.
/// - "error": a callback's result cannot be used, or the callback took too long. "kind", "name" and "message" say which
///   one and why. A failure of this callback itself is only in the log.
/// - "audit": a call of an entry with the policy "audit" has ended, or was refused. The arguments are the audit event,
///   which the log or the file gets as well. The call does not wait for it. It does not run while the server closes.
///
/// "start" and "stop" also run for a mounted server. Its "start" runs after that of the server it is mounted in, its
/// "stop" before. Callbacks can share data through their `user_data`.
///
/// The arguments of the callback's call describe the event. The call need not be completed. `mode` says where the
/// callback runs. Each hook has one callback; tenon_server_remove() with TENON_KIND_HOOK removes it. `user_data` may be
/// NULL, and so may `destroy`, which runs exactly once in every case, as for tenon_entry_set_handler().
///
/// Fails with TENON_ERR_DUPLICATE if the hook has a callback, and with TENON_ERR_INVALID if there is no such hook.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tenon_server_on(
    server: *mut tenon_server,
    hook: *const c_char,
    mode: tenon_mode,
    handler: tenon_handler_fn,
    user_data: *mut c_void,
    destroy: tenon_destroy_fn,
    err: *mut *mut tenon_error,
) -> tenon_status {
    entry!(err; data = user_data(user_data, destroy), server = object(server), hook = text(hook) => {
        let function = handler.ok_or_else(|| Failure::null("handler"))?;
        let mut entry = tenon_entry::new(Entry::new(Kind::Hook, hook), hook);
        entry.set_handler(Handler::new(function, data));
        entry.set(|entry| entry.set_mode(mode))?;
        server.inner.add(entry)?;
        Ok(TENON_OK)
    })
}

/// Removes an entry. `name` is the name of a tool, prompt, method, notification or hook, the URI of a resource, or the
/// template of a resource template or provider. Callbacks that are running continue. Calls that have not reached their
/// callback fail, and so do calls that wait for an answer of the client. Fails with TENON_ERR_NOT_FOUND if there is no
/// such entry.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tenon_server_remove(
    server: *mut tenon_server,
    kind: tenon_kind,
    name: *const c_char,
) -> tenon_status {
    entry!(server = object(server), name = text(name) => {
        server.inner.remove(self::kind(kind)?, name)?;
        Ok(TENON_OK)
    })
}

/// Enables an entry that was disabled. Fails with TENON_ERR_NOT_FOUND if there is no such entry; for the names see
/// tenon_server_remove().
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tenon_server_enable(
    server: *mut tenon_server,
    kind: tenon_kind,
    name: *const c_char,
) -> tenon_status {
    entry!(server = object(server), name = text(name) => {
        server.inner.enable(self::kind(kind)?, name, true)?;
        Ok(TENON_OK)
    })
}

/// Disables an entry: until it is enabled again, it is hidden as if it were not registered. Calls that are running
/// continue. Fails like tenon_server_enable().
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tenon_server_disable(
    server: *mut tenon_server,
    kind: tenon_kind,
    name: *const c_char,
) -> tenon_status {
    entry!(server = object(server), name = text(name) => {
        server.inner.enable(self::kind(kind)?, name, false)?;
        Ok(TENON_OK)
    })
}

/// Mounts another server: its entries appear in this one. Its tools and prompts appear as `prefix_name`, and its
/// resources, templates and providers as `scheme://prefix/rest` (`scheme:prefix/rest` if an address has no authority),
/// with the completions of both. Entries that the other server adds, removes, enables or disables later change here as
/// well, and so do its updates of resources. Mounts may be nested. `prefix` has letters, digits and hyphens. If it is
/// NULL, names and addresses stay as they are.
///
/// A call of a mounted entry is a call of this server. This server's limits, workers, polls and log apply, and the
/// context has the name and the address that the client used. Everything else stays with the other server: its name,
/// settings, methods, notifications, skills, and its hooks except "start" and "stop". The other server must be
/// configured before this function is called.
///
/// The other server may be freed at any time. The entries that it had then stay here until this server is
/// freed, and so does their `user_data`. Its middleware also runs here around its entries, inside this server's
/// middleware. Lists are those of the server that is served. A server with middleware around lists therefore
/// cannot be mounted, and a mounted server cannot get such middleware.
///
/// Fails with TENON_ERR_DUPLICATE if a name is taken here, and with TENON_ERR_INVALID for a wrong prefix; then nothing
/// is mounted. Fails with TENON_ERR_STATE if this server is a part of the other one. From then on, adding an entry to
/// the other server fails for the same reasons.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tenon_server_mount(
    server: *mut tenon_server,
    other: *mut tenon_server,
    prefix: *const c_char,
    err: *mut *mut tenon_error,
) -> tenon_status {
    entry!(err; server = object(server), other = object(other), prefix = optional_text(prefix) => {
        server.inner.mount(&other.inner, prefix)?;
        Ok(TENON_OK)
    })
}

/// Undoes tenon_server_mount() with the same prefix, also while the server is served. The entries of the other server
/// are removed here, and clients are notified that the lists have changed. Calls in flight continue. The other server's
/// hook "stop" runs at the end of this one.
///
/// A server that is no longer mounted anywhere can be configured again, mounted again, or freed with everything
/// that it had. If calls of its entries are in flight, the entries stay until the last of these calls has
/// ended. After that they are freed when the next callback returns or the next kept call is released, at the
/// latest when this server is freed. If the other server has hooks (tenon_server_on()) and this one was
/// started, their callbacks stay until this one is freed.
///
/// Fails with TENON_ERR_NOT_FOUND if the other server is not mounted here with this prefix.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tenon_server_unmount(
    server: *mut tenon_server,
    other: *mut tenon_server,
    prefix: *const c_char,
    err: *mut *mut tenon_error,
) -> tenon_status {
    entry!(err; server = object(server), other = object(other), prefix = optional_text(prefix) => {
        server.inner.unmount(&other.inner, prefix)?;
        Ok(TENON_OK)
    })
}

/// Enables the entries that tenon_server_disable_tag() has hidden by this tag. An entry stays hidden if it has another
/// disabled tag, or if it was disabled by its name. Fails with TENON_ERR_NOT_FOUND if no entry has the tag now; the tag
/// is enabled all the same.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tenon_server_enable_tag(
    server: *mut tenon_server,
    tag: *const c_char,
) -> tenon_status {
    entry!(server = object(server), tag = text(tag) => {
        server.inner.enable_tag(tag, true)?;
        Ok(TENON_OK)
    })
}

/// Hides every entry with this tag until the tag is enabled again, also entries that are added later. Entries get their
/// tags by "tags" of tenon_entry_set(). Calls that are running continue. Fails with TENON_ERR_NOT_FOUND if no entry has
/// the tag now; the tag is disabled all the same.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tenon_server_disable_tag(
    server: *mut tenon_server,
    tag: *const c_char,
) -> tenon_status {
    entry!(server = object(server), tag = text(tag) => {
        server.inner.enable_tag(tag, false)?;
        Ok(TENON_OK)
    })
}

/// The function that tenon_server_entries() calls for each entry. `definition` is a JSON object of `len` bytes, not
/// NUL-terminated; it lives until the function returns.
pub type tenon_entries_fn = Option<
    unsafe extern "C" fn(user_data: *mut c_void, definition: *const c_char, len: usize, enabled: bool),
>;

/// Calls `visit` for each entry of a kind, in the order of registration, with its definition and whether it is enabled.
/// The calls are on this thread, before this function returns.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tenon_server_entries(
    server: *mut tenon_server,
    kind: tenon_kind,
    visit: tenon_entries_fn,
    user_data: *mut c_void,
) -> tenon_status {
    entry!(server = object(server) => {
        let visit = visit.ok_or_else(|| Failure::null("visit"))?;
        for (definition, enabled) in server.inner.entries(self::kind(kind)?)? {
            let text = definition.as_bytes();
            // SAFETY: the program passed this function, of this type, with this pointer; the text lives until it
            // returns.
            unsafe { visit(user_data, text.as_ptr().cast(), text.len(), enabled) };
        }
        Ok(TENON_OK)
    })
}
