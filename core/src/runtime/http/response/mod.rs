//! One request and its response: JSON, or a stream of server-sent events.

pub(super) mod exchange;
pub(super) mod queue;
pub(super) mod response_channel;
pub(super) mod responses;
