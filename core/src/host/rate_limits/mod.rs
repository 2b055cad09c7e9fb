//! Rate limits: how many calls of an entry, and how many requests of a server, are admitted in a time.
//!
//! The allowances are in the store, so that replicas that share a store share them. What a request takes is given back if
//! another limit refuses the request, or if the request ends before all its limits have answered.

mod refused;
mod requests;
mod taking;

pub(in crate::host) use refused::Refused;
pub(in crate::host) use taking::{PassedLate, Step, Taking};

use crate::dispatch::policy::CallRates;

/// What the server needs for rate limits.
pub(crate) struct RateLimiting {
    /// The name of the server, because servers may share a store.
    pub(crate) server: String,
    /// The limits of requests.
    pub(crate) requests: Option<CallRates>,
}
