//! A server from its start to its end: sessions with the event loop, transports, and requests that the program passes on.

pub(super) mod embed;
pub(super) mod owner;
pub(super) mod server;
pub(super) mod session;
// Functions that are exported as such are left out of test builds.
#[cfg_attr(test, allow(dead_code))]
pub(super) mod signals;
pub(super) mod transports;
pub(super) mod unmounted;
pub(super) mod web;
