//! A server from its creation to its end: settings, start, polling, worker threads and mounts.

// In the order of the header; rustfmt sorts within a group only.
pub(super) mod server;

pub(super) mod settings;

pub(super) mod log;

pub(super) mod run;

pub(super) mod events;

pub(super) mod exchange;

pub(super) mod store;

pub(super) mod functions;

pub(super) mod config;
pub(super) mod exit_watchdog;
pub(super) mod inline;
pub(super) mod mounts;
pub(super) mod poll;
pub(super) mod started;
pub(super) mod state;
pub(super) mod workers;
