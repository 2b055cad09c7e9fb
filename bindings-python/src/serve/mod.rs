//! A server from its start to its end: the engine, transports, signals, and requests that the program passes on.

pub(super) mod engine;
pub(super) mod exchange;
pub(super) mod parent_watch;
pub(super) mod signals;
pub(super) mod transports;
pub(super) mod web;
