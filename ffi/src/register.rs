//! What a server has: registered, removed, shown and hidden.

use crate::entry::{tenon_entry, tenon_mode};
use crate::error::tenon_error;
use crate::guard::*;
use crate::handlers::{Handler, tenon_destroy_fn, tenon_handler_fn};
use crate::kind::{kind, tenon_kind};
use crate::server::tenon_server;
use crate::status::*;
use std::ffi::{c_char, c_void};
use tenon_mcp::{Entry, Kind};

/// Registers an entry, before or after the start. Takes the entry in every case, whatever the status: what is done with it
/// afterwards fails with TENON_ERR_STATE.
///
/// Fails with TENON_ERR_DUPLICATE if the server has an entry of that kind and name, and with TENON_ERR_INVALID,
/// TENON_ERR_JSON or another status if the definition is wrong; the message names the entry and says why.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tenon_server_add(
    server: *mut tenon_server,
    entry: *mut tenon_entry,
    err: *mut *mut tenon_error,
) -> tenon_status {
    // The entry first: it is taken whatever fails.
    entry!(err; entry = taken_entry(entry), server = object(server) => {
        server.inner.add(*entry.ok_or_else(|| Failure::null("entry"))?)?;
        Ok(TENON_OK)
    })
}

/// Answers a request of the protocol's own by the program in place of the library: `method` is an entry of
/// tenon_method_new() with the request's name, such as "tools/list". Like tenon_server_add() in everything else, and undone
/// by tenon_server_remove() with TENON_KIND_METHOD.
///
/// Fails with TENON_ERR_INVALID if the entry is no method, or the protocol has no such request.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tenon_server_replace(
    server: *mut tenon_server,
    method: *mut tenon_entry,
    err: *mut *mut tenon_error,
) -> tenon_status {
    entry!(err; entry = taken_entry(method), server = object(server) => {
        let mut entry = *entry.ok_or_else(|| Failure::null("method"))?;
        entry.set_policy(|entry| Ok(entry.replacing()))?;
        server.inner.add(entry)?;
        Ok(TENON_OK)
    })
}

/// Has a callback run when something happens to the server. `hook` is one of
/// - "start": the server is served from now on. Runs before the first call; calls that come meanwhile wait, and what the library
///   answers itself it answers. If the callback fails (tenon_call_fail()) or takes longer than TENON_LIMIT_START_TIMEOUT_MS,
///   nothing is served.
/// - "stop": the server has ended. Runs once after the last call, for at most TENON_LIMIT_STOP_TIMEOUT_MS; not where "start"
///   failed.
/// - "session_start": a client has opened a legacy session.
/// - "session_end": it is over. A client that sends `initialize` again on the same channel ends its session and opens another.
/// - "roots_changed": a client's roots have changed.
/// - "subscribe": a resource, whose address is the argument "uri", has its first subscriber.
/// - "unsubscribe": nobody is subscribed to that resource any more; not told at the end of the server.
/// - "error": a callback's result cannot be used, or it took too long; "kind", "name" and "message" say which and why. What
///   the callback of this one fails with is in the log alone.
///
/// The first two are told of a mounted server, too, in its turn: "start" after that of the server that it is mounted in, "stop"
/// before. What the callbacks have in common is in their `user_data`.
///
/// What happened are the arguments of its call, which need not be completed. `mode` says where it runs. There is one
/// callback for each; tenon_server_remove() with TENON_KIND_HOOK removes it. `user_data` may be NULL, and so may `destroy`,
/// which runs exactly once in every case, as with tenon_entry_set_handler().
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

/// Removes an entry: of tools, prompts, methods, notifications and hooks by its name, of a resource by its URI, of templates
/// and providers by the template. Callbacks that run go on; calls that have not reached their callback yet fail, and so do
/// calls that wait for an answer of the client. Fails with TENON_ERR_NOT_FOUND if there is no such entry.
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

/// Shows an entry that was disabled. Fails with TENON_ERR_NOT_FOUND if there is no such entry; see tenon_server_remove().
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

/// Hides an entry, as if it were not registered, until it is enabled again. Calls that run go on. Fails like
/// tenon_server_enable().
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

/// Makes another server a part of this one: its tools and prompts as `prefix_name`, its resources, templates and providers as
/// `scheme://prefix/rest` (`scheme:prefix/rest` where an address has no authority), with the completions of both. What the
/// other one adds, removes, enables or disables later shows here as well, and so do its updates of resources. Mounts may be
/// nested. `prefix` has letters, digits and hyphens; with NULL names and addresses stay as they are.
///
/// A call of a mounted entry is a call of this server: its limits, its workers, its polls and its log are in force, and the
/// context says the name and the address that the client used. What the other server is besides, such as its name, its
/// settings, its hooks but "start" and "stop", methods and notifications and its skills, stays with it. Its settings come
/// before this. It may be freed at any time; what it had then stays here until this server is freed, and its `user_data` too.
/// Its middleware is around its entries here as well, inside of this server's. A list is that of the server that is served: a
/// server with middleware around lists cannot be mounted, and a mounted one gets none.
///
/// Fails with TENON_ERR_DUPLICATE where a name is taken here and with TENON_ERR_INVALID for a wrong prefix, then nothing is
/// mounted, and with TENON_ERR_STATE where this server is a part of the other one. Adding to the other one fails for the same
/// reasons from then on.
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

/// Undoes tenon_server_mount() with the same prefix, also while the server is served: what the other server has is no longer
/// here, and clients are told that the lists have changed. Calls in flight go on. The other server's hook "stop" is told
/// at the end of this one.
///
/// A server that is mounted nowhere any more can be set up again, mounted again, or freed with all that it had. If calls of
/// its entries are in flight, what it had stays until the last of them has ended. It is let go of when the next callback
/// returns or the next kept call is released after that, at the latest when this server is freed. If the other server has
/// hooks (tenon_server_on()) and this one was started, their callbacks stay until this one is freed.
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

/// Shows what tenon_server_disable_tag() has hidden by this tag. What has another tag that is disabled, or was disabled by its
/// name, stays hidden. Fails with TENON_ERR_NOT_FOUND if no entry has it now; it is enabled all the same.
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

/// Hides every entry with this tag, which tenon_entry_set() gives it by "tags", now and when it is added later, until the tag
/// is enabled again. Calls that run go on. Fails with TENON_ERR_NOT_FOUND if no entry has it now; it is disabled all the
/// same.
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

/// What tenon_server_entries() calls for each entry. `definition` is a JSON object, `len` bytes, not NUL-terminated; it
/// lives until the function returns.
pub type tenon_entries_fn = Option<
    unsafe extern "C" fn(user_data: *mut c_void, definition: *const c_char, len: usize, enabled: bool),
>;

/// Calls `visit`, on this thread and before it returns, with the definition of each entry of a kind and whether it is
/// enabled, in the order of registration.
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
            // SAFETY: the function is the program's, of this type, with the pointer it gave; the text lives until it
            // returns.
            unsafe { visit(user_data, text.as_ptr().cast(), text.len(), enabled) };
        }
        Ok(TENON_OK)
    })
}
