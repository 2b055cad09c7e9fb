//! The errors that handlers return.

use crate::dispatch::calls::ask::AskError;
use crate::host::{Context, Outcome};
use crate::json::JsonSlice;
use crate::proto::messages::error::RpcError;
use std::any::Any;
use std::error::Error;
use std::fmt::{self, Debug, Display};

type Boxed = Box<dyn Error + Send + Sync>;

/// A handler's error with a defined effect on the call. Handlers may also return any other error: the client gets the
/// text of that error, unless the server masks errors. The text of a `CallError` always reaches the client.
///
/// ```
/// # use tenon_mcp::{CallError, json};
/// async fn read(path: &str) -> Result<String, CallError> {
///     match path {
///         "/" => Err(CallError::tool("say which file")),
///         "/secret" => Err(CallError::mcp(-32001, "Forbidden").with_data(json!({ "path": path }))),
///         path if path.ends_with('/') => Err(CallError::not_found(path)),
///         path => Ok(std::fs::read_to_string(path)?),
///     }
/// }
/// # let _ = read("/");
/// ```
#[derive(Debug)]
pub struct CallError(Repr);

#[derive(Debug)]
enum Repr {
    Protocol(RpcError),
    NotFound(String),
    InvalidArguments(String),
    ToolFailure(String),
    Other(Boxed),
}

impl CallError {
    /// The client gets a JSON-RPC error with this code, from every kind of handler, including a tool. JSON-RPC and the
    /// protocol reserve the codes from -32768 to -32000. A program should use other codes.
    pub fn mcp(code: i32, message: impl Into<String>) -> CallError {
        CallError(Repr::Protocol(RpcError::new(code, message)))
    }

    /// Something does not exist. From a tool, the client gets a failed result. From other handlers, the client gets
    /// the error that its revision has for this case, with the address that is being read as data. The text says that
    /// `what` was not found.
    pub fn not_found(what: impl Into<String>) -> CallError {
        CallError(Repr::NotFound(what.into()))
    }

    /// The handler does not accept the arguments. They are refused in the same way as arguments that do not satisfy
    /// the schema, in every revision. `reasons` says which arguments are wrong and why, preferably in the form
    /// `/path/to/argument: reason`.
    pub fn arguments(reasons: impl Into<String>) -> CallError {
        CallError(Repr::InvalidArguments(reasons.into()))
    }

    /// The handler failed, and the text is for the client. From a tool, the client gets a failed result that the model
    /// reads; from other handlers, an internal error with this message.
    pub fn tool(message: impl Into<String>) -> CallError {
        CallError(Repr::ToolFailure(message.into()))
    }

    /// Adds structured data to an error that was made with [`CallError::mcp`]. Other errors do not change.
    pub fn with_data(mut self, data: impl Into<JsonSlice>) -> CallError {
        if let Repr::Protocol(error) = self.0 {
            self.0 = Repr::Protocol(error.with_data(data.into()));
        }
        self
    }

    fn outcome(&self, call: &Context) -> Option<Outcome> {
        match &self.0 {
            Repr::Protocol(error) => Some(Outcome::Error(error.clone())),
            Repr::NotFound(what) => Some(call.call().not_found(Some(what))),
            Repr::InvalidArguments(reasons) => Some(call.call().arguments_refused(reasons)),
            Repr::ToolFailure(text) => Some(Outcome::Failed(text.clone())),
            Repr::Other(error) => known(error, call),
        }
    }
}

impl Display for CallError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Repr::Protocol(error) => f.write_str(&error.message),
            Repr::NotFound(what) => write!(f, "Not found: {what}"),
            Repr::ToolFailure(text) | Repr::InvalidArguments(text) => f.write_str(text),
            Repr::Other(error) => Display::fmt(error, f),
        }
    }
}

impl Error for CallError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match &self.0 {
            Repr::Other(error) => error.source(),
            _ => None,
        }
    }
}

macro_rules! from {
    ($($error:ty)*) => {
        $(impl From<$error> for CallError {
            fn from(error: $error) -> CallError {
                CallError(Repr::Other(error.into()))
            }
        })*
    };
}

from! {
    Boxed AskError RpcError String &str std::io::Error std::num::ParseIntError std::num::ParseFloatError
    std::str::Utf8Error std::string::FromUtf8Error std::fmt::Error serde_json::Error crate::json::JsonError
    crate::error::Error crate::host::NextError
}

/// The outcome of a call whose handler returned an error.
pub(super) fn failed<E: Display + Debug + 'static>(error: &E, call: &Context) -> Outcome {
    let any = error as &dyn Any;
    let found = match any.downcast_ref::<Boxed>() {
        Some(boxed) => known(boxed, call),
        None => None
            .or_else(|| any.downcast_ref::<CallError>().map(|error| error.outcome(call)))
            .or_else(|| any.downcast_ref::<AskError>().map(asked))
            .or_else(|| any.downcast_ref::<RpcError>().map(|error| Some(Outcome::Error(error.clone()))))
            .flatten(),
    };
    found.unwrap_or_else(|| {
        call.log_handler_fault(|| with_causes(error));
        Outcome::Exception(error.to_string())
    })
}

/// The outcome for a boxed error of a type that defines its outcome.
fn known(error: &Boxed, call: &Context) -> Option<Outcome> {
    if let Some(error) = error.downcast_ref::<CallError>() {
        return error.outcome(call);
    }
    if let Some(error) = error.downcast_ref::<AskError>() {
        return asked(error);
    }
    error.downcast_ref::<RpcError>().map(|error| Outcome::Error(error.clone()))
}

/// The protocol's own error if there is one. Other errors count as exceptions.
fn asked(error: &AskError) -> Option<Outcome> {
    error.rpc().map(|error| Outcome::Error(error.clone()))
}

/// The text of an error for the log, with its causes and its `Debug` form.
fn with_causes<E: Display + Debug + 'static>(error: &E) -> String {
    let any = error as &dyn Any;
    let source = match (any.downcast_ref::<Boxed>(), any.downcast_ref::<CallError>()) {
        (Some(error), _) => error.source(),
        (_, Some(error)) => error.source(),
        _ => None,
    };
    let mut text = error.to_string();
    let mut next = source;
    while let Some(cause) = next {
        text.push_str(&format!("\ncaused by: {cause}"));
        next = cause.source();
    }
    text.push_str(&format!("\n{error:?}"));
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_protocol_error_is_found_in_a_handlers_error() {
        let error = || AskError::Unsupported(RpcError::internal("x"));
        assert!(matches!(asked(&error()), Some(Outcome::Error(_))));
        assert!(asked(&AskError::Stale).is_none());
    }

    #[test]
    fn only_protocol_errors_have_data() {
        let data = || JsonSlice::from_value(&serde_json::json!([1]));
        let error = CallError::mcp(7, "m").with_data(data());
        assert!(matches!(&error.0, Repr::Protocol(error) if error.code == 7 && error.data == Some(data())));
        assert_eq!(CallError::tool("t").with_data(data()).to_string(), "t");
    }
}
