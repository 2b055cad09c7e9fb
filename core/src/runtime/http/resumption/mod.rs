//! Streams that a client can resume, because their events are numbered and stored.
//!
//! `service/session_requests` reads the header `Last-Event-ID` and resumes the stream.

pub(super) mod event_log;
pub(super) mod get_stream;
pub(super) mod open_streams;
mod resumable_response;
pub(super) mod resumable_streams;
