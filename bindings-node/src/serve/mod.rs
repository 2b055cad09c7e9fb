//! A server from its start to its end: its session with the event loop, transports, signals, and requests of the
//! program's own HTTP server.

pub(super) mod embed;
pub(super) mod exchanges;
pub(super) mod functions;
pub(super) mod js_calls;
pub(super) mod loop_turn;
pub(super) mod owner;
pub(super) mod server;
pub(super) mod session;
// Test builds leave out the exported functions, so the code that only they use would be reported as unused.
#[cfg_attr(test, allow(dead_code))]
pub(super) mod signals;
pub(super) mod transports;

pub(super) mod unmounted;
