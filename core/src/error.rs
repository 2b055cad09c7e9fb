//! What can go wrong on the side of the program that embeds the engine.

use std::fmt;

/// The kind of an [`Error`]; stable, for programs to branch on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// A definition or an option is wrong; the message says what and why.
    Invalid,
    /// The name is taken.
    Duplicate,
    /// No such thing is registered.
    NotFound,
    /// The operation does not fit the present state: started twice, used after close.
    State,
    /// The address cannot be listened on, because it is in use or not permitted.
    Address,
    /// The operating system refused.
    Io,
    /// The process forked after the server started; start servers after the fork.
    Forked,
    /// A handler of the hook `start` failed, so nothing was served.
    Start,
    /// One of the engine's own threads panicked, and the server ended: a bug, please report it.
    Panic,
}

/// An error of registration, configuration or start.
#[derive(Clone, Debug)]
pub struct Error {
    kind: ErrorKind,
    message: String,
}

impl Error {
    /// An error of this kind; the message is one sentence naming the cause.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Error {
        Error { kind, message: message.into() }
    }

    pub(crate) fn invalid(message: impl Into<String>) -> Error {
        Error::new(ErrorKind::Invalid, message)
    }

    /// What kind of error this is.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// The sentence, without prefix.
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
