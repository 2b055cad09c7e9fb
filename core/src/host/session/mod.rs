//! One client: its session, its notifications and its batches.

pub(super) mod batch;
pub(super) mod initialize;
pub(super) mod notifications;
pub(super) mod peer;
mod peer_principal;
