//! Makes handlers from async functions of several forms.

use super::input::typed;
use crate::handler::into_outcome::IntoOutcome;
use crate::host::{Context, LocalFuture, LocalHandler};
use crate::json::JsonSlice;
use serde::de::DeserializeOwned;
use std::future::{Future, ready};
use std::marker::PhantomData;
use std::sync::Arc;

/// A function or value that can be registered as a handler: a [`LocalHandler`], such as the result of
/// [`handler`](crate::handler), or an async function of one of these forms:
///
/// - `async fn(input: T, context: Context) -> R`
/// - `async fn(input: T) -> R`
/// - `async fn(context: Context) -> R`
/// - `async fn() -> R`
///
/// `T` is deserialised from the input of the handler's kind, and `R` is an [`IntoOutcome`]. Closures must declare the
/// types of their parameters. `M` distinguishes the forms and is always inferred.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a handler",
    note = "a handler is an async function that takes its input (Deserialize), a Context, both in this order, or \
            nothing, and returns a type that implements IntoOutcome; wrap a type that implements Serialize in Json",
    note = "a closure must declare the types of its parameters, or be passed to `tenon_mcp::handler`"
)]
pub trait IntoHandler<M> {
    /// Converts to a handler.
    fn into_handler(self) -> Arc<dyn LocalHandler>;
}

/// The form of a value that is already a handler.
#[doc(hidden)]
pub struct IsHandler;

impl<H: LocalHandler + 'static> IntoHandler<IsHandler> for H {
    fn into_handler(self) -> Arc<dyn LocalHandler> {
        Arc::new(self)
    }
}

/// A function that has the form `M`.
struct Function<F, M> {
    function: F,
    form: PhantomData<M>,
}

fn function<F, M>(function: F) -> Function<F, M> {
    Function { function, form: PhantomData }
}

/// Runs a handler's future and converts its result to the outcome.
fn finish<Fut>(future: Fut, context: Context) -> LocalFuture
where
    Fut: Future<Output: IntoOutcome> + Send + 'static,
{
    Box::pin(async move { future.await.into_outcome(&context) })
}

type Both<A> = fn(A, Context);
type Input<A> = fn(A);
type Alone = fn(Context);
type Nothing = fn();

impl<A, F, Fut> LocalHandler for Function<F, Both<A>>
where
    A: DeserializeOwned + 'static,
    F: Fn(A, Context) -> Fut + Send + Sync,
    Fut: Future<Output: IntoOutcome> + Send + 'static,
{
    fn call(&self, input: JsonSlice, context: Context) -> LocalFuture {
        match typed(&input, &context) {
            Ok(input) => finish((self.function)(input, context.clone()), context),
            Err(outcome) => Box::pin(ready(outcome)),
        }
    }
}

impl<A, F, Fut> LocalHandler for Function<F, Input<A>>
where
    A: DeserializeOwned + 'static,
    F: Fn(A) -> Fut + Send + Sync,
    Fut: Future<Output: IntoOutcome> + Send + 'static,
{
    fn call(&self, input: JsonSlice, context: Context) -> LocalFuture {
        match typed(&input, &context) {
            Ok(input) => finish((self.function)(input), context),
            Err(outcome) => Box::pin(ready(outcome)),
        }
    }
}

impl<F, Fut> LocalHandler for Function<F, Alone>
where
    F: Fn(Context) -> Fut + Send + Sync,
    Fut: Future<Output: IntoOutcome> + Send + 'static,
{
    fn call(&self, _: JsonSlice, context: Context) -> LocalFuture {
        finish((self.function)(context.clone()), context)
    }
}

impl<F, Fut> LocalHandler for Function<F, Nothing>
where
    F: Fn() -> Fut + Send + Sync,
    Fut: Future<Output: IntoOutcome> + Send + 'static,
{
    fn call(&self, _: JsonSlice, context: Context) -> LocalFuture {
        finish((self.function)(), context)
    }
}

pub(super) fn of_both<A, F, Fut>(both: F) -> impl LocalHandler + 'static
where
    A: DeserializeOwned + 'static,
    F: Fn(A, Context) -> Fut + Send + Sync + 'static,
    Fut: Future<Output: IntoOutcome> + Send + 'static,
{
    function::<F, Both<A>>(both)
}

impl<A, F, Fut> IntoHandler<Both<A>> for F
where
    A: DeserializeOwned + 'static,
    F: Fn(A, Context) -> Fut + Send + Sync + 'static,
    Fut: Future<Output: IntoOutcome> + Send + 'static,
{
    fn into_handler(self) -> Arc<dyn LocalHandler> {
        Arc::new(function::<F, Both<A>>(self))
    }
}

impl<A, F, Fut> IntoHandler<Input<A>> for F
where
    A: DeserializeOwned + 'static,
    F: Fn(A) -> Fut + Send + Sync + 'static,
    Fut: Future<Output: IntoOutcome> + Send + 'static,
{
    fn into_handler(self) -> Arc<dyn LocalHandler> {
        Arc::new(function::<F, Input<A>>(self))
    }
}

/// A separate type, so that this form does not conflict with the form that takes an input.
#[doc(hidden)]
pub struct OfContext;

impl<F, Fut> IntoHandler<OfContext> for F
where
    F: Fn(Context) -> Fut + Send + Sync + 'static,
    Fut: Future<Output: IntoOutcome> + Send + 'static,
{
    fn into_handler(self) -> Arc<dyn LocalHandler> {
        Arc::new(function::<F, Alone>(self))
    }
}

impl<F, Fut> IntoHandler<Nothing> for F
where
    F: Fn() -> Fut + Send + Sync + 'static,
    Fut: Future<Output: IntoOutcome> + Send + 'static,
{
    fn into_handler(self) -> Arc<dyn LocalHandler> {
        Arc::new(function::<F, Nothing>(self))
    }
}
