//! The errors of JSON texts, with their positions.

use std::borrow::Cow;
use std::fmt;

/// The class of a [`JsonError`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum JsonErrorKind {
    /// The text violates the JSON grammar. This includes lone surrogate escapes and raw control characters.
    Syntax,
    /// The text ends inside a value.
    Incomplete,
    /// The text is not UTF-8.
    Utf8,
    /// Arrays and objects are nested deeper than [`Limits::max_depth`](super::Limits::max_depth).
    Depth,
    /// Two members of one object have the same name, compared after decoding escapes.
    DuplicateKey,
    /// A number that no double-precision value can hold, such as `1e999`.
    NumberRange,
    /// The text is longer than [`Limits::max_bytes`](super::Limits::max_bytes).
    TooLarge,
    /// Something other than white space follows the value.
    Trailing,
    /// There is no value: the text is empty or only white space.
    Empty,
    /// The JSON is valid, but is not a value of the requested type.
    Type,
    /// A Rust value cannot be written as JSON.
    Serialize,
}

/// Why a text was refused, with the byte offset of the cause. The offset counts from 0 in the text that was passed in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JsonError {
    /// The class of the error.
    pub kind: JsonErrorKind,
    /// Byte offset of the cause.
    pub offset: usize,
    what: Cow<'static, str>,
}

impl JsonError {
    /// An error with its own text. `what` is a short phrase without the position.
    pub fn new(kind: JsonErrorKind, offset: usize, what: impl Into<Cow<'static, str>>) -> Self {
        JsonError { kind, offset, what: what.into() }
    }

    /// The message without the position.
    pub fn what(&self) -> &str {
        &self.what
    }

    /// `serde_json` ends its messages with "at line 1 column 9". The engine reports the byte, as in its other errors.
    pub(super) fn from_serde(kind: JsonErrorKind, error: &serde_json::Error) -> Self {
        let text = error.to_string();
        let what = match text.rfind(" at line ") {
            Some(end) if error.line() > 0 => text[..end].to_owned(),
            _ => text,
        };
        JsonError::new(kind, error.column().saturating_sub(1), what)
    }
}

impl fmt::Display for JsonError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind {
            JsonErrorKind::Serialize | JsonErrorKind::Empty => f.write_str(&self.what),
            _ => write!(f, "{} at byte {}", self.what, self.offset),
        }
    }
}

impl std::error::Error for JsonError {}
