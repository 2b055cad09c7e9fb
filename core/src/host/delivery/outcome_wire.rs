//! The form in which hosts receive outcomes: a kind and a JSON value.

use crate::host::calls::op::Outcome;
use crate::json::{JsonSlice, JsonWriter};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// The kind of an [`Outcome`], for hosts that pass it on to middleware.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum OutcomeKind {
    /// Text or a JSON value: that value.
    Value = 0,
    /// Bytes: their base64, a string.
    Bytes = 1,
    /// Content blocks, messages or contents of a resource, one or an array.
    Content = 2,
    /// A whole result, an object.
    Result = 3,
    /// A failure: the text for the client, a string.
    Failed = 4,
    /// An exception: its text, a string.
    Exception = 5,
    /// A protocol error: an object with `code`, `message` and optionally `data`.
    Error = 6,
    /// Questions are unanswered: null.
    Suspend = 7,
}

impl Outcome {
    /// The kind of the outcome, and its value.
    pub fn told(&self) -> (OutcomeKind, JsonSlice) {
        let text = |text: &str| {
            let mut out = JsonWriter::with_capacity(text.len() + 2);
            out.str(text);
            out.into_slice()
        };
        match self {
            Outcome::Text(said) => (OutcomeKind::Value, text(said)),
            Outcome::Json(value) => (OutcomeKind::Value, value.clone()),
            Outcome::Bytes(bytes) => (OutcomeKind::Bytes, text(&STANDARD.encode(bytes))),
            Outcome::Content(value) => (OutcomeKind::Content, value.clone()),
            Outcome::Result(value) => (OutcomeKind::Result, value.clone()),
            Outcome::Failed(why) => (OutcomeKind::Failed, text(why)),
            Outcome::Exception(why) => (OutcomeKind::Exception, text(why)),
            Outcome::Error(error) => {
                let mut out = JsonWriter::new();
                out.begin_object().key("code").int(error.code.into()).key("message").str(&error.message);
                if let Some(data) = &error.data {
                    out.key("data").slice(data);
                }
                out.end_object();
                (OutcomeKind::Error, out.into_slice())
            }
            Outcome::Suspend => (OutcomeKind::Suspend, JsonSlice::null()),
        }
    }
}
