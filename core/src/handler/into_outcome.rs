//! Converts the values that handlers return to outcomes.

use crate::dispatch::principal::Principal;
use crate::handler::error;
use crate::host::{Context, Outcome};
use crate::json::{JsonError, JsonSlice, JsonWriter};
use crate::proto::catalog::kind::Kind;
use crate::results::{Content, PromptMessage, ResourceContents, ToolResult};
use serde::Serialize;
use serde_json::{Map, Value};
use std::borrow::Cow;
use std::fmt::{Debug, Display};

/// A type that a handler may return. The type decides how the value is sent:
///
/// | type | from a tool | from a resource | from a prompt |
/// |---|---|---|---|
/// | text (`String`, `&str`, `Cow<str>`) | a text | text contents | one message of the user |
/// | numbers, booleans, `()`, `serde_json::Value`, [`JsonSlice`], [`Json`] | JSON as text, and structured content if the tool is structured | JSON as text contents | messages, if the JSON has their form |
/// | `Vec<u8>`, [`Bytes`](bytes::Bytes) | an embedded resource | a blob | a message of the user, with an embedded resource |
/// | [`Content`], `Vec<Content>` | content blocks | – | messages of the user |
/// | [`ToolResult`] | the complete result | – | – |
/// | [`ResourceContents`], `Vec` of them | embedded resources; text needs an address | the contents | messages of the user, with embedded resources |
/// | [`PromptMessage`], `Vec` of them | – | – | the messages |
/// | `Vec` of texts | JSON as text | JSON as text contents | messages of the user |
/// | [`Outcome`] | this outcome | this outcome | this outcome |
///
/// The handler of a completion returns a `Vec` of texts, or [`Json`] of an object with `values`. The handler of a
/// method returns a JSON object, or `()` for an empty one. From a resource, `None` means that it was not found;
/// otherwise it is JSON's `null`. A `Result` has one of these types, or an error of any type that is `Display` and
/// `Debug`. Among the errors, [`CallError`](crate::CallError) has a defined effect on the call.
///
/// If the kind cannot return the value (`–`), the call fails: the client gets an error, which is also logged.
#[diagnostic::on_unimplemented(
    message = "a handler cannot return `{Self}`",
    note = "wrap a type that implements Serialize in `tenon_mcp::Json`"
)]
pub trait IntoOutcome {
    /// Converts the value to the outcome of the call with this context.
    fn into_outcome(self, call: &Context) -> Outcome;
}

/// For verifiers.
impl IntoOutcome for Principal {
    fn into_outcome(self, _: &Context) -> Outcome {
        Outcome::Json(self.to_json())
    }
}

/// Returns any serialisable value as JSON.
///
/// ```
/// # use tenon_mcp::Json;
/// #[derive(serde::Serialize)]
/// struct Size { width: u32, height: u32 }
///
/// async fn size() -> Json<Size> {
///     Json(Size { width: 3, height: 4 })
/// }
/// # let _ = size();
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Json<T>(pub T);

impl<T: Serialize> IntoOutcome for Json<T> {
    fn into_outcome(self, call: &Context) -> Outcome {
        json(&self.0, call)
    }
}

fn json<T: Serialize>(value: &T, call: &Context) -> Outcome {
    match JsonSlice::from_serialize(value) {
        Ok(json) => Outcome::Json(json),
        Err(error) => not_serializable::<T>(&error, call),
    }
}

/// The outcome for a value that JSON cannot represent, which is a fault of the program.
#[cold]
fn not_serializable<T>(error: &JsonError, call: &Context) -> Outcome {
    let text = format!("returned a {} that JSON cannot hold: {error}", std::any::type_name::<T>());
    call.log_handler_fault(|| text.clone());
    Outcome::Failed(format!("{} {:?} {text}", call.kind().noun(), call.name()))
}

fn text(text: &str) -> Outcome {
    let mut out = JsonWriter::with_capacity(text.len() + text.len() / 8 + 2);
    out.str(text);
    Outcome::Json(out.into_slice())
}

macro_rules! outcome {
    ($($type:ty: |$value:pat_param, $call:pat_param| $outcome:expr;)*) => {
        $(impl IntoOutcome for $type {
            fn into_outcome(self, $call: &Context) -> Outcome {
                let $value = self;
                $outcome
            }
        })*
    };
}

outcome! {
    Outcome: |outcome, _| outcome;
    (): |(), _| Outcome::Json(JsonSlice::null());
    String: |value, _| text(&value);
    &str: |value, _| text(value);
    Cow<'_, str>: |value, _| text(&value);
    Value: |value, _| Outcome::Json(JsonSlice::from_value(&value));
    Map<String, Value>: |value, _| Outcome::Json(JsonSlice::from_value(&value.into()));
    JsonSlice: |value, _| Outcome::Json(value);
    Vec<u8>: |bytes, _| Outcome::Bytes(bytes);
    bytes::Bytes: |bytes, _| Outcome::Bytes(bytes.into());
    Content: |content, _| Outcome::Content(content.into());
    ToolResult: |result, _| Outcome::Result(result.into());
    ResourceContents: |contents, _| Outcome::Content(contents.into());
    PromptMessage: |message, _| Outcome::Content(message.into());
}

macro_rules! written {
    ($($type:ty)*) => {
        $(impl IntoOutcome for $type {
            fn into_outcome(self, call: &Context) -> Outcome {
                json(&self, call)
            }
        })*
    };
}

written! { bool i8 i16 i32 i64 u16 u32 u64 usize isize f32 f64 Vec<String> Vec<&str> Vec<Value> u8 }

macro_rules! several {
    ($($type:ty)*) => {
        $(impl IntoOutcome for Vec<$type> {
            fn into_outcome(self, _: &Context) -> Outcome {
                let items: Vec<Value> = self.into_iter().map(Value::from).collect();
                Outcome::Content(JsonSlice::from_value(&items.into()))
            }
        })*
    };
}

several! { Content ResourceContents PromptMessage }

impl<T: IntoOutcome> IntoOutcome for Option<T> {
    fn into_outcome(self, call: &Context) -> Outcome {
        match (self, call.kind()) {
            (Some(value), _) => value.into_outcome(call),
            (None, Kind::Resource | Kind::ResourceTemplate) => call.call().not_found(None),
            (None, _) => Outcome::Json(JsonSlice::null()),
        }
    }
}

impl<T: IntoOutcome, E: Display + Debug + 'static> IntoOutcome for Result<T, E> {
    fn into_outcome(self, call: &Context) -> Outcome {
        match self {
            Ok(value) => value.into_outcome(call),
            Err(error) => error::failed(&error, call),
        }
    }
}
