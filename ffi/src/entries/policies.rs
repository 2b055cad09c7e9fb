//! The policies of entries while the server runs.

use crate::abi::args::write_text;
use crate::abi::error::c_string;
use crate::abi::guard::*;
use crate::abi::json::json;
use crate::abi::status::*;
use crate::entries::kind::{kind, tenon_kind};
use crate::servers::server::tenon_server;
use std::cell::RefCell;
use std::ffi::{CString, c_char};

thread_local! {
    /// The last text that was lent to this thread. So what a program can hold is bounded.
    static LENT: RefCell<CString> = RefCell::default();
}

/// What applies to an entry: JSON text, NUL-terminated. The object has the "policies" that are set, the names of those that
/// are "switched_off", and the "state" of those that have one. The state has these members:
///
/// - "max_concurrency": the calls that are "running", and those that are "waiting".
/// - "circuit_breaker": the "circuits" with failures, and how many of them are "open".
/// - "retry": how many retries are "left".
/// - "cache": the "entries" that are kept, and their "bytes".
/// - "rate_limit": each "limit", and what is "left" of it. That is null if each caller has an allowance of its own, or if the
///   store does not answer at once.
///
/// The text is borrowed: it lives until this thread calls the function again. `len` may be NULL.
///
/// Fails with TENON_ERR_NOT_FOUND if there is no such entry; for the names see tenon_server_remove().
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tenon_server_policies(
    server: *mut tenon_server,
    kind: tenon_kind,
    name: *const c_char,
    policies: *mut *const c_char,
    len: *mut usize,
) -> tenon_status {
    entry!(policies = out(policies), len = optional_out(len), server = object(server), name = text(name) => {
        let shown = server.inner.policies(self::kind(kind)?, name)?;
        LENT.with_borrow_mut(|lent| {
            *lent = c_string(shown.as_str());
            // The address of the text stays the same until it is replaced.
            write_text(lent.as_bytes(), policies, len);
        });
        Ok(TENON_OK)
    })
}

/// Changes policies of an entry, also while the server runs: a JSON object of policies with their names and values as in
/// tenon_entry_set(), in which null removes one. The policies "timeout", "max_concurrency", "max_concurrency_by", "rate_limit",
/// "circuit_breaker", "retry" and "cache" can change. Calls that have begun end under their former policies. A policy that has
/// not changed keeps its state. In a server that is mounted, this changes the server's own entries, and not those of the server
/// that is served.
///
/// Fails with TENON_ERR_NOT_FOUND if there is no such entry, with TENON_ERR_JSON if the text is not JSON, and with
/// TENON_ERR_INVALID if a policy is unknown, wrong, or cannot change. Then nothing has changed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tenon_server_change_policies(
    server: *mut tenon_server,
    kind: tenon_kind,
    name: *const c_char,
    policies: *const c_char,
    len: usize,
) -> tenon_status {
    entry!(server = object(server), name = text(name), policies = tried_slice(policies, len) => {
        let policies = json(policies?, "policies")?;
        server.inner.change_policies(self::kind(kind)?, name, &policies)?;
        Ok(TENON_OK)
    })
}

/// Switches a policy of an entry off, so that it does not apply until tenon_server_enable_policy(). Its state is dropped. Fails
/// like tenon_server_change_policies().
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tenon_server_disable_policy(
    server: *mut tenon_server,
    kind: tenon_kind,
    name: *const c_char,
    policy: *const c_char,
) -> tenon_status {
    entry!(server = object(server), name = text(name), policy = text(policy) => {
        server.inner.switch_policy(self::kind(kind)?, name, policy, false)?;
        Ok(TENON_OK)
    })
}

/// Switches a policy of an entry on again. It begins anew. Fails like tenon_server_change_policies().
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tenon_server_enable_policy(
    server: *mut tenon_server,
    kind: tenon_kind,
    name: *const c_char,
    policy: *const c_char,
) -> tenon_status {
    entry!(server = object(server), name = text(name), policy = text(policy) => {
        server.inner.switch_policy(self::kind(kind)?, name, policy, true)?;
        Ok(TENON_OK)
    })
}

/// Clears the state of a policy of an entry: results are removed, circuits close, retries are available again, and allowances
/// begin anew in this process. Calls that run and wait are not concerned. If `policy` is NULL, all policies are cleared. Fails
/// like tenon_server_change_policies().
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tenon_server_clear_policy(
    server: *mut tenon_server,
    kind: tenon_kind,
    name: *const c_char,
    policy: *const c_char,
) -> tenon_status {
    entry!(server = object(server), name = text(name), policy = optional_text(policy) => {
        server.inner.clear_policy(self::kind(kind)?, name, policy)?;
        Ok(TENON_OK)
    })
}
