//! JSON-RPC messages: requests, responses, notifications, their ids, their `_meta` and their errors.

pub mod envelope;
pub mod error;
pub mod event;
pub mod id;
pub mod message;
pub mod reply;
pub mod trace;
