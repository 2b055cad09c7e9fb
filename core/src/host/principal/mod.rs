//! Finds the principal of a request or a connection, before anything else of it is handled.
//!
//! By default it is the principal that the program attached. A [`PrincipalResolver`] may find it in another way, and may
//! refuse the request. Every transport asks [`Engine::resolve_principal`](crate::host::Engine).

mod authenticates;
mod deadlines;
mod expiry;
mod last_verified;
mod login;
mod resolve;
mod resolver;

pub(crate) use authenticates::Authenticates;
pub(in crate::host) use deadlines::Deadlines;
pub(in crate::host) use expiry::Expirations;
pub(crate) use expiry::ExpiryGuard;
pub(crate) use last_verified::LastVerified;
pub use resolver::{PrincipalFuture, PrincipalRefusal, PrincipalRequest, PrincipalResolver, Resolution};
pub(crate) use resolver::{RefusalKind, Sender};
