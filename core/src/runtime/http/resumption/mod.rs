//! Streams that a client can resume, because their events are numbered and stored.

pub(super) mod event_log;
pub(super) mod get_stream;
pub(super) mod open_streams;
mod resumable_response;
pub(super) mod resumable_streams;
