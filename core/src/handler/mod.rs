//! Makes handlers from async functions with typed inputs and results.

mod error;
mod function;
mod input;
mod input_types;
mod into_outcome;
mod middleware_fn;
mod string_arguments;

pub use crate::handler::input_types::{CallQuestion, Completing, Credentials, Listing, VisibilityQuestion};
pub use crate::handler::into_outcome::{IntoOutcome, Json};
use crate::host::{Context, LocalHandler};
pub use error::CallError;
pub use function::IntoHandler;
use serde::de::DeserializeOwned;
use std::future::Future;

/// Makes a handler from an async closure that takes a typed input and the call's context. The types of its parameters
/// need not be declared. Functions, and closures that declare the types of their parameters, can be registered without
/// this; see [`IntoHandler`].
///
/// The input is deserialised from the JSON object that a handler of its kind gets: a tool's arguments, a template's
/// variables, a prompt's arguments, [`Completing`], a method's parameters. The function returns an [`IntoOutcome`]: a
/// value, or a `Result` with a value. If it returns an error, the client gets the error's text, unless the server masks
/// errors. The error's causes and its `Debug` form go to the server's [log](crate::ServerBuilder::log). A [`CallError`]
/// or an [`AskError`](crate::AskError) has a defined effect, even if it is boxed as `dyn Error`.
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

/// Makes a [`JsonSlice`](crate::JsonSlice) from a JSON literal, for example for a schema.
#[macro_export]
macro_rules! json_schema {
    ($($json:tt)+) => {
        $crate::JsonSlice::from_value(&$crate::__private::json!($($json)+))
    };
}
