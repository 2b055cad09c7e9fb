//! Makes middleware from async functions.

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
    /// Adds an async function as middleware around operations, for as long as the server exists. `operations` contains
    /// words (`tool`, `resource`, `prompt`, `completion`, `tool_list`, `resource_list`, `resource_template_list`,
    /// `prompt_list`), the protocol's method names, or names of registered methods. [`CALLS`](crate::CALLS) are the
    /// words for calls of handlers. Of several functions around one operation, the first that was added is the
    /// outermost.
    ///
    /// The function gets the context of the call, and [`Next`], which is the next step. It may read the input and pass
    /// on a different one, read the outcome and return a different one, return without running the next step, or run
    /// it again. Its outcome is treated like a handler's. It runs only for valid calls: the entry is registered, and
    /// the arguments satisfy the schema. If a client of 2026-07-28 sends answers to a call's questions, the middleware
    /// runs again for that request.
    ///
    /// If there is middleware around a list, [`Next`] returns the result of the list request, a JSON object.
    ///
    /// # Errors
    /// - A word names no operation, or only the engine can answer the operation.
    /// - The server already has middleware of a host. All middleware of a server must be a host's, or all written in
    ///   Rust.
    /// - The server is mounted in another, and the operation is a list.
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
