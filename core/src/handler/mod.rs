//! Handlers from plain async functions: what they are handed as a type, what they return as another.

mod error;
mod function;
mod input;
mod input_types;
mod into_outcome;
mod middleware_fn;
mod string_arguments;

pub use crate::handler::input_types::{Completing, Listing};
pub use crate::handler::into_outcome::{IntoOutcome, Json};
use crate::host::{Context, LocalHandler};
pub use error::CallError;
pub use function::IntoHandler;
use serde::de::DeserializeOwned;
use std::future::Future;

/// Makes a handler from an async closure of typed input and the call's context, whose types need no annotation.
/// Functions, and closures that say the types of their parameters, can be registered without it; see [`IntoHandler`].
///
/// The input is deserialised from the JSON object that handlers of the kind are handed: a tool's arguments, a template's
/// variables, a prompt's arguments, [`Completing`], a method's parameters. What the function returns is an
/// [`IntoOutcome`]: a value, or a `Result` of one. An error is told to the client in its own words; its causes and its
/// `Debug` form go to the server's [log](crate::ServerBuilder::log). [`CallError`] says more, and so does an
/// [`AskError`](crate::AskError), either as it is or boxed as `dyn Error`.
///
/// ```
/// # use tenon_mcp::{handler, json, Server, Tool};
/// #[derive(serde::Deserialize)]
/// struct Add { a: i64, b: i64 }
///
/// let server = Server::new("demo", "1.0.0");
/// let schema = json!({
///     "type": "object",
///     "properties": { "a": { "type": "integer" }, "b": { "type": "integer" } },
///     "required": ["a", "b"]
/// });
/// server.tool(
///     Tool::new("add").input_schema(schema),
///     handler(|Add { a, b }, _| async move { a.checked_add(b).ok_or("too large") }),
/// )?;
/// # Ok::<(), tenon_mcp::Error>(())
/// ```
pub fn handler<A, F, Fut>(function: F) -> impl LocalHandler + 'static
where
    A: DeserializeOwned + 'static,
    F: Fn(A, Context) -> Fut + Send + Sync + 'static,
    Fut: Future<Output: IntoOutcome> + Send + 'static,
{
    function::of_both(function)
}

/// Makes a [`JsonSlice`](crate::JsonSlice) from a JSON literal, for schemas.
#[macro_export]
macro_rules! json_schema {
    ($($json:tt)+) => {
        $crate::JsonSlice::from_value(&$crate::__private::json!($($json)+))
    };
}
