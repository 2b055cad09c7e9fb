//! The protocol without I/O: revisions and eras, messages, lifecycle, shapes, framing.
//!
//! Nothing here knows handlers, the registry, sockets or the time.

pub mod assemble;
pub mod cache;
pub mod capability;
pub(crate) mod client;
pub(crate) mod content;
pub mod definition;
#[cfg(test)]
mod definition_tests;
pub mod envelope;
pub mod error;
pub mod event;
pub(crate) mod extension;
pub mod header_params;
pub mod http;
pub mod id;
pub mod implementation;
pub mod kind;
pub mod lifecycle;
pub mod line;
pub mod logging;
pub(crate) mod members;
pub mod message;
pub mod operation;
pub mod question;
pub mod reply;
pub mod result;
#[cfg(test)]
mod result_tests;
pub mod shape;
pub mod sse;
pub(crate) mod structured;
pub mod subscription;
pub mod task;
pub mod trace;
pub mod version;
