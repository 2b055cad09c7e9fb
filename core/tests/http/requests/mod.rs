//! One request and its response.

mod batches;
mod eras;
mod header_params;
mod panics;
mod rate_limits;
mod responses;
mod statuses;
mod tasks;
