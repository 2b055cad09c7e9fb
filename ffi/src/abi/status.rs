//! Statuses, and failures that become statuses.

use tenon_mcp::{Error, ErrorKind};

/// The result of a function: TENON_OK, another value above zero that is not a failure, or a TENON_ERR_ value below
/// zero. The meaning of a number never changes. New numbers may be added, so treat an unknown negative status as a
/// failure.
pub type tenon_status = i32;

/// Success.
pub const TENON_OK: tenon_status = 0;
/// A question has gone to the client. The callback must return now. It is called again from its top when the answer has
/// come.
pub const TENON_SUSPENDED: tenon_status = 1;
/// The server has ended and nothing is left to do.
pub const TENON_ENDED: tenon_status = 2;
/// A pointer that must not be NULL is NULL.
pub const TENON_ERR_NULL: tenon_status = -7001;
/// A string is not UTF-8, or a length is not possible.
pub const TENON_ERR_UTF8: tenon_status = -7002;
/// A text is not JSON.
pub const TENON_ERR_JSON: tenon_status = -7003;
/// A definition or an option is wrong; the message gives the reason.
pub const TENON_ERR_INVALID: tenon_status = -7004;
/// The name is taken.
pub const TENON_ERR_DUPLICATE: tenon_status = -7005;
/// Not found, for example no entry or argument of that name.
pub const TENON_ERR_NOT_FOUND: tenon_status = -7006;
/// The function is not possible in the present state: before the start, after it, or inside a callback.
pub const TENON_ERR_STATE: tenon_status = -7007;
/// The server cannot listen on the address: it is in use, or not permitted.
pub const TENON_ERR_ADDRESS: tenon_status = -7008;
/// The operating system reported an error.
pub const TENON_ERR_IO: tenon_status = -7009;
/// The process forked after the server was started; only the parent may use it.
pub const TENON_ERR_FORKED: tenon_status = -7010;
/// The call has ended: it was completed, cancelled or timed out. Harmless; most callers ignore it.
pub const TENON_ERR_STALE: tenon_status = -7011;
/// The value has another type, or does not fit the requested type.
pub const TENON_ERR_TYPE: tenon_status = -7012;
/// The client does not support this.
pub const TENON_ERR_UNSUPPORTED: tenon_status = -7013;
/// The client failed, or its answer is not valid for the question.
pub const TENON_ERR_CLIENT: tenon_status = -7014;
/// A callback of "start" failed, so nothing was served.
pub const TENON_ERR_START: tenon_status = -7015;
/// A bug in the library. It panicked inside this function and continued, or one of its threads panicked and the server
/// ended.
pub const TENON_ERR_PANIC: tenon_status = -7099;

/// A status with the sentence that explains it.
#[derive(Clone, Debug)]
pub(crate) struct Failure {
    pub(crate) status: tenon_status,
    pub(crate) message: String,
}

impl Failure {
    pub(crate) fn new(status: tenon_status, message: impl Into<String>) -> Failure {
        Failure { status, message: message.into() }
    }

    pub(crate) fn null(what: &str) -> Failure {
        Failure::new(TENON_ERR_NULL, format!("{what} is NULL"))
    }

    pub(crate) fn state(message: impl Into<String>) -> Failure {
        Failure::new(TENON_ERR_STATE, message)
    }

    pub(crate) fn stale() -> Failure {
        Failure::new(TENON_ERR_STALE, "the call is no longer in flight")
    }

    /// Puts the subject before the message.
    pub(crate) fn of(mut self, whose: &str) -> Failure {
        self.message = format!("{whose}: {}", self.message);
        self
    }

    pub(crate) fn io(what: &str, error: impl std::fmt::Display) -> Failure {
        Failure::new(TENON_ERR_IO, format!("{what}: {error}"))
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Failure {
        let status = match error.kind() {
            ErrorKind::Duplicate => TENON_ERR_DUPLICATE,
            ErrorKind::NotFound => TENON_ERR_NOT_FOUND,
            ErrorKind::State => TENON_ERR_STATE,
            ErrorKind::Address => TENON_ERR_ADDRESS,
            ErrorKind::Io => TENON_ERR_IO,
            ErrorKind::Forked => TENON_ERR_FORKED,
            ErrorKind::Start => TENON_ERR_START,
            ErrorKind::Panic => TENON_ERR_PANIC,
            // Invalid, and kinds of later versions.
            _ => TENON_ERR_INVALID,
        };
        Failure::new(status, error.message())
    }
}
