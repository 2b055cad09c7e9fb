//! Legacy sessions over HTTP, in this process and in the store.

pub(super) mod legacy_session;
mod record;
pub(super) mod session_table;
pub(super) mod sessions;
pub(super) mod store_query;
