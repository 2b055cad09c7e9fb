//! Converts the input of a call to the type that the handler takes.

use crate::handler::string_arguments::Texts;
use crate::host::{Context, Outcome};
use crate::json::{JsonError, JsonSlice};
use crate::proto::catalog::kind::Kind;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::any::{Any, TypeId};

/// The input as the handler's type. If it does not fit the type, returns the outcome of the call.
pub(super) fn typed<A: DeserializeOwned + 'static>(
    input: &JsonSlice,
    context: &Context,
) -> Result<A, Outcome> {
    let (read, what) = match context.kind() {
        Kind::Tool => (json(input).map_err(|error| error.to_string()), "arguments do"),
        Kind::Prompt => (Texts::read(input), "arguments do"),
        Kind::ResourceTemplate => (Texts::read(input), "variables do"),
        _ => (json(input).map_err(|error| error.to_string()), "parameters do"),
    };
    read.map_err(|error| {
        context.call().arguments_refused(&format!("the {what} not match the handler's type: {error}"))
    })
}

/// Reads a JSON tree without `serde`, and any other type with it.
pub(super) fn json<A: DeserializeOwned + 'static>(input: &JsonSlice) -> Result<A, JsonError> {
    if TypeId::of::<A>() == TypeId::of::<Value>() {
        let tree: Box<dyn Any> = Box::new(input.to_value()?);
        if let Ok(tree) = tree.downcast() {
            return Ok(*tree);
        }
    }
    input.deserialize()
}
