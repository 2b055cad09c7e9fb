//! The refusals of callers, as errors.

use super::Access;
use crate::proto::messages::error::{ErrorClass, RpcError, code, stage};

/// Why a caller may not use an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Denial<'a> {
    /// The caller has no principal.
    Anonymous(&'a Access),
    /// The caller lacks scopes.
    Scopes(&'a Access),
    /// The caller has none of the roles.
    Roles,
}

impl Denial<'_> {
    /// The error for the client.
    #[cold]
    pub(crate) fn error(self) -> RpcError {
        match self {
            Denial::Anonymous(access) => unauthenticated().with_scopes(access.scopes()),
            Denial::Scopes(access) => {
                let scopes = access.scopes();
                forbidden(format!("Forbidden: the request needs the scopes {scopes}"), "scopes")
                    .with_scopes(scopes)
            }
            Denial::Roles => forbidden("Forbidden: the caller has none of the required roles", "roles"),
        }
    }
}

/// The error for a caller without a principal, where one is needed.
#[cold]
pub(crate) fn unauthenticated() -> RpcError {
    RpcError::new(code::INVALID_REQUEST, "Unauthorized: the request has no credentials, and needs some")
        .with_class(ErrorClass::Unauthorized)
        .refused_by(stage::AUTHORIZATION, "anonymous")
}

fn forbidden(message: impl Into<String>, by: &'static str) -> RpcError {
    RpcError::new(code::INVALID_REQUEST, message)
        .with_class(ErrorClass::Forbidden)
        .refused_by(stage::AUTHORIZATION, by)
}
