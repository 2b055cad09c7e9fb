//! Engine errors as JavaScript errors.

use tenon_mcp::{Error, ErrorKind};

/// The `code` of a JavaScript error.
pub struct Code(ErrorKind);

pub(crate) type Result<T> = std::result::Result<T, napi::Error<Code>>;

impl AsRef<str> for Code {
    fn as_ref(&self) -> &str {
        match self.0 {
            ErrorKind::Duplicate => "TENON_DUPLICATE",
            ErrorKind::NotFound => "TENON_NOT_FOUND",
            ErrorKind::State => "TENON_STATE",
            ErrorKind::Address => "TENON_ADDRESS",
            ErrorKind::Io => "TENON_IO",
            ErrorKind::Forked => "TENON_FORKED",
            ErrorKind::Start => "TENON_START",
            ErrorKind::Panic => "TENON_PANIC",
            _ => "TENON_INVALID",
        }
    }
}

pub(crate) fn to_js(error: Error) -> napi::Error<Code> {
    napi::Error::new(Code(error.kind()), error.message())
}

pub(crate) fn invalid(message: impl ToString) -> napi::Error<Code> {
    napi::Error::new(Code(ErrorKind::Invalid), message)
}

pub(crate) fn state(message: &str) -> napi::Error<Code> {
    napi::Error::new(Code(ErrorKind::State), message)
}

/// The error of a Node-API call that failed in the environment.
pub(crate) fn environment(error: napi::Error) -> napi::Error<Code> {
    napi::Error::new(Code(ErrorKind::Io), error.reason.clone())
}
