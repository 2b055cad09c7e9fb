//! A call from its request to its response: its context, how it runs, and how its outcome becomes a response.
//!
//! Messages that a handler sends before its outcome, such as progress, are handled in `lanes/port`.

pub(super) mod completion;
pub(super) mod context;
pub(super) mod context_methods;
pub(super) mod dispatch;
pub(super) mod host_store;
pub(super) mod in_flight;
pub(super) mod masking;
pub(super) mod op;
pub(super) mod received;
pub(super) mod request_origin;
pub(super) mod requests;
mod retry;
pub(super) mod shaping;
pub(super) mod start;
pub(super) mod state;
pub(super) mod waiting_request;
