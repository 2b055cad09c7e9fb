//! One call from its request to its response.

mod arguments;
mod cancellation;
mod check_threads;
pub(crate) mod completion;
mod context;
mod middleware;
mod once;
mod panics;
mod progress;
mod reserved_names;
mod roundtrips;
mod timeouts;
