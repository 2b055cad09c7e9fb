//! Errors of the program that embeds the engine.

use std::fmt;

/// The kind of an [`Error`]. Programs can match on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// A definition or an option is wrong. The message gives the reason.
    Invalid,
    /// The name is already in use.
    Duplicate,
    /// Nothing with this name is registered.
    NotFound,
    /// The operation is not allowed in the present state, such as a second start or a use after close.
    State,
    /// The address cannot be listened on, because it is in use or not permitted.
    Address,
    /// The operating system reported an error.
    Io,
    /// The process forked after the server started. Start servers after the fork.
    Forked,
    /// A `start` hook failed, so nothing was served.
    Start,
    /// One of the engine's own threads panicked, and the server ended. This is a bug of the engine; please report it.
    Panic,
}

/// An error of registration, configuration or start.
#[derive(Clone, Debug)]
pub struct Error {
    kind: ErrorKind,
    message: String,
}

impl Error {
    /// An error of this kind. The message is one sentence that names the cause.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Error {
        Error { kind, message: message.into() }
    }

    pub(crate) fn invalid(message: impl Into<String>) -> Error {
        Error::new(ErrorKind::Invalid, message)
    }

    /// The kind of the error.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// The message, without a prefix.
    pub fn message(&self) -> &str {
        &self.message
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Error {}
