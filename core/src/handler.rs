//! Handlers from plain async functions.

use crate::dispatch::asks::AskError;
use crate::host::{Context, LocalFuture, LocalHandler, Outcome};
use crate::json::JsonSlice;
use crate::proto::error::RpcError;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::any::Any;
use std::fmt::Display;
use std::future::Future;
use std::marker::PhantomData;

/// Makes a handler from an async function of typed arguments and the call's context.
///
/// The arguments are deserialised from the JSON object of the call. `Ok` is serialised: a string becomes text, anything
/// else JSON. `Err` becomes a failed result with the error's text; an [`AskError::Unsupported`], as it is or boxed as
/// `dyn Error`, tells a client of 2026-07-28 which capability the call needs.
///
/// ```
/// # use tenon_mcp::{handler, json_schema, Context, Server, Tool};
/// #[derive(serde::Deserialize)]
/// struct Add { a: i64, b: i64 }
///
/// let server = Server::new("demo", "1.0.0");
/// let schema = json_schema!({
///     "type": "object",
///     "properties": { "a": { "type": "integer" }, "b": { "type": "integer" } },
///     "required": ["a", "b"]
/// });
/// server.tool(
///     Tool::new("add").input_schema(schema),
///     handler(|Add { a, b }, _: Context| async move { Ok::<_, String>(a + b) }),
/// )?;
/// # Ok::<(), tenon_mcp::Error>(())
/// ```
pub fn handler<A, R, E, F, Fut>(function: F) -> impl LocalHandler
where
    A: DeserializeOwned + Send + 'static,
    R: Serialize + Send + 'static,
    E: Display + Send + 'static,
    F: Fn(A, Context) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<R, E>> + Send + 'static,
{
    TypedHandler { function, types: PhantomData::<fn(A) -> (R, E)> }
}

struct TypedHandler<F, T> {
    function: F,
    types: PhantomData<T>,
}

impl<A, R, E, F, Fut> LocalHandler for TypedHandler<F, fn(A) -> (R, E)>
where
    A: DeserializeOwned + Send + 'static,
    R: Serialize + Send + 'static,
    E: Display + Send + 'static,
    F: Fn(A, Context) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<R, E>> + Send + 'static,
{
    fn call(&self, arguments: JsonSlice, context: Context) -> LocalFuture {
        let arguments = match arguments.deserialize::<A>() {
            Ok(arguments) => arguments,
            Err(error) => {
                let text = format!("the arguments do not fit the handler: {error}");
                return Box::pin(std::future::ready(Outcome::Failed(text)));
            }
        };
        let tool = context.tool_name().to_owned();
        let future = (self.function)(arguments, context);
        Box::pin(async move {
            match future.await {
                Ok(value) => match JsonSlice::from_serialize(&value) {
                    Ok(json) => Outcome::Json(json),
                    Err(error) => Outcome::Failed(format!(
                        "tool {tool:?} returned a {} that JSON cannot hold: {error}",
                        std::any::type_name::<R>()
                    )),
                },
                Err(error) => match unsupported(&error) {
                    Some(error) => Outcome::Error(error.clone()),
                    None => Outcome::Failed(error.to_string()),
                },
            }
        })
    }
}

/// The protocol error inside a handler's error, if the client could not be asked.
fn unsupported<E: 'static>(error: &E) -> Option<&RpcError> {
    let error = error as &dyn Any;
    let boxed = || error.downcast_ref::<Box<dyn std::error::Error + Send + Sync>>()?.downcast_ref();
    match error.downcast_ref::<AskError>().or_else(boxed) {
        Some(AskError::Unsupported(error)) => Some(error),
        _ => None,
    }
}

/// Makes a [`JsonSlice`] from a JSON literal, for schemas.
#[macro_export]
macro_rules! json_schema {
    ($($json:tt)+) => {
        $crate::JsonSlice::from_value(&$crate::__private::json!($($json)+))
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unsupported_question_is_found_in_a_handlers_error() {
        let error = || AskError::Unsupported(RpcError::internal("x"));
        assert!(unsupported(&error()).is_some());
        assert!(unsupported(&Box::<dyn std::error::Error + Send + Sync>::from(error())).is_some());
        assert!(unsupported(&AskError::Stale).is_none());
        assert!(unsupported(&"text").is_none());
    }
}
