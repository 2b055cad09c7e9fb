//! One response: JSON, or a stream of server-sent events.

pub(super) mod body;
pub(super) mod challenge;
pub(super) mod keep_alive;
pub(super) mod panic_boundary;
pub(super) mod queue;
pub(super) mod response_channel;
pub(super) mod responses;
