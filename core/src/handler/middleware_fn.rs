//! Middleware from plain async functions.

use crate::error::Error;
use crate::handler::into_outcome::IntoOutcome;
use crate::host::{Context, Layer, LocalFuture, LocalMiddleware, Next};
use crate::server::Server;
use std::future::Future;
use std::sync::Arc;

struct Function<F>(F);

impl<F, Fut> LocalMiddleware for Function<F>
where
    F: Fn(Context, Next) -> Fut + Send + Sync,
    Fut: Future<Output: IntoOutcome> + Send + 'static,
{
    fn call(&self, context: Context, next: Next) -> LocalFuture {
        let future = (self.0)(context.clone(), next);
        Box::pin(async move { future.await.into_outcome(&context) })
    }
}

impl Server {
    /// Puts an async function around operations: calls of handlers, [`CALLS`](crate::CALLS), or those that the words
    /// `tool`, `resource`, `prompt`, `completion`, `tool_list`, `resource_list`, `resource_template_list` and `prompt_list`
    /// name, or the protocol's own names, or that of a method that is registered. The first one that is put around something
    /// is the outermost. For the life of the server.
    ///
    /// It is handed the context of the call and what follows, [`Next`]. It may look at the input and hand on another, look
    /// at the outcome and return another, answer without what follows, or run that again. Its own outcome is judged like a
    /// handler's. Only what is in order comes to it: calls of what is registered, with arguments that fit. A call of a client
    /// of 2026-07-28 that comes back with answers runs through it again.
    ///
    /// A list with middleware around it is no longer answered by the engine alone. What [`Next`] comes to there is its
    /// result, a JSON object.
    ///
    /// # Errors
    /// If a word names nothing, or what the engine alone answers.
    ///
    /// ```
    /// # use tenon_mcp::{CALLS, CallError, Server};
    /// let server = Server::new("demo", "1.0.0");
    /// server.middleware(CALLS, |context, next| async move {
    ///     if context.name() == "secret" && context.principal().is_none() {
    ///         return Err(CallError::tool("not for you"));
    ///     }
    ///     Ok(next.run().await)
    /// })?;
    /// # Ok::<(), tenon_mcp::Error>(())
    /// ```
    pub fn middleware<F, Fut>(
        &self,
        operations: impl IntoIterator<Item: AsRef<str>>,
        function: F,
    ) -> Result<(), Error>
    where
        F: Fn(Context, Next) -> Fut + Send + Sync + 'static,
        Fut: Future<Output: IntoOutcome> + Send + 'static,
    {
        let operations: Vec<_> = operations.into_iter().collect();
        let operations: Vec<_> = operations.iter().map(AsRef::as_ref).collect();
        self.add_middleware(&operations, Layer::Local(Arc::new(Function(function))))
    }
}
