//! A server from its start to its end: the engine, transports, signals, and requests of an ASGI server.

pub(super) mod engine;
pub(super) mod engine_api;
pub(super) mod exchange;
pub(super) mod parent_watch;
pub(super) mod signal_handler;
pub(super) mod signals;
pub(super) mod transports;
