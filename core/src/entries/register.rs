//! Registering entries with handlers written in Rust.

use super::{
    Completion, Hook, Method, Notification, Prompt, Resource, ResourceProvider, ResourceTemplate, Tool,
};
use crate::dispatch::registry::entry::Entry;
use crate::error::Error;
use crate::handler::IntoHandler;
use crate::host::Target;
use crate::proto::catalog::kind::Kind;
use crate::server::Server;

/// Registering. A handler is an async function or closure of what its kind is handed, of the
/// [`Context`](crate::Context), of both, or of nothing; see [`handler`](crate::handler). Errors name the entry and what
/// is wrong.
impl Server {
    fn entry<M>(&self, entry: impl Into<Entry>, handler: impl IntoHandler<M>) -> Result<(), Error> {
        self.add(entry, Target::Local(handler.into_handler()))
    }

    /// Registers a tool. Its handler is handed the arguments, which satisfy the input schema.
    ///
    /// ```
    /// # use tenon_mcp::{Context, Server, Tool, json};
    /// #[derive(serde::Deserialize)]
    /// struct Add { a: i64, b: i64 }
    ///
    /// async fn add(Add { a, b }: Add) -> i64 {
    ///     a + b
    /// }
    ///
    /// let server = Server::new("demo", "1.0.0");
    /// let schema = json!({
    ///     "type": "object",
    ///     "properties": { "a": { "type": "integer" }, "b": { "type": "integer" } },
    ///     "required": ["a", "b"]
    /// });
    /// server.tool(Tool::new("add").input_schema(schema), add)?;
    /// # Ok::<(), tenon_mcp::Error>(())
    /// ```
    pub fn tool<M>(&self, tool: Tool, handler: impl IntoHandler<M>) -> Result<(), Error> {
        self.entry(tool, handler)
    }

    /// Registers a resource.
    ///
    /// ```
    /// # use tenon_mcp::{Context, Resource, Server, json};
    /// let server = Server::new("demo", "1.0.0");
    /// server.resource(Resource::new("config://app"), || async { json!({ "v": 1 }) })?;
    /// server.resource(Resource::new("config://me"), |context: Context| async move {
    ///     format!("I am {}", context.name())
    /// })?;
    /// # Ok::<(), tenon_mcp::Error>(())
    /// ```
    pub fn resource<M>(&self, resource: Resource, handler: impl IntoHandler<M>) -> Result<(), Error> {
        self.entry(resource, handler)
    }

    /// Registers the resources of a template. The handler is handed the template's variables: texts, of which `serde`
    /// makes numbers and booleans where the handler's type has them.
    ///
    /// ```
    /// # use tenon_mcp::{CallError, ResourceTemplate, Server};
    /// #[derive(serde::Deserialize)]
    /// struct Row { id: u32 }
    ///
    /// async fn row(Row { id }: Row) -> Result<String, CallError> {
    ///     if id > 99 {
    ///         return Err(CallError::not_found(format!("db://rows/{id}")));
    ///     }
    ///     Ok(format!("row {id}"))
    /// }
    ///
    /// let server = Server::new("demo", "1.0.0");
    /// server.resource_template(ResourceTemplate::new("db://rows/{id}"), row)?;
    /// # Ok::<(), tenon_mcp::Error>(())
    /// ```
    pub fn resource_template<M>(
        &self,
        template: ResourceTemplate,
        handler: impl IntoHandler<M>,
    ) -> Result<(), Error> {
        self.entry(template, handler)
    }

    /// Registers resources that the program lists itself. `list` is handed a [`Listing`](crate::Listing) and comes to an
    /// array of definitions of resources, or to `{"resources": […], "nextCursor": "…"}`; `read` is handed the
    /// template's variables.
    ///
    /// ```
    /// # use tenon_mcp::{Server, json};
    /// #[derive(serde::Deserialize)]
    /// struct Row { id: String }
    ///
    /// let server = Server::new("demo", "1.0.0");
    /// server.resource_provider(
    ///     "db://rows/{id}",
    ///     || async { json!([{ "uri": "db://rows/1", "name": "row 1" }]) },
    ///     |Row { id }: Row| async move { format!("row {id}") },
    /// )?;
    /// # Ok::<(), tenon_mcp::Error>(())
    /// ```
    pub fn resource_provider<L, R>(
        &self,
        provider: impl Into<ResourceProvider>,
        list: impl IntoHandler<L>,
        read: impl IntoHandler<R>,
    ) -> Result<(), Error> {
        let provider = provider.into();
        let name = provider.list.name().to_owned();
        self.entry(provider.list, list)?;
        self.entry(provider.read, read).inspect_err(|_| drop(self.remove(Kind::ResourceProvider, &name)))
    }

    /// Registers a prompt. The handler is handed its arguments: texts, of which `serde` makes numbers and booleans where
    /// the handler's type has them. A text it returns is one message of the user.
    ///
    /// ```
    /// # use tenon_mcp::{Prompt, PromptArgument, Server};
    /// #[derive(serde::Deserialize)]
    /// struct Ask { topic: String }
    ///
    /// let server = Server::new("demo", "1.0.0");
    /// let prompt = Prompt::new("ask").argument(PromptArgument::new("topic").required());
    /// server.prompt(prompt, |Ask { topic }: Ask| async move { format!("Explain {topic}") })?;
    /// # Ok::<(), tenon_mcp::Error>(())
    /// ```
    pub fn prompt<M>(&self, prompt: Prompt, handler: impl IntoHandler<M>) -> Result<(), Error> {
        self.entry(prompt, handler)
    }

    /// Registers suggestions for an argument. The handler is handed what was typed, [`Completing`](crate::Completing),
    /// and comes to an array of texts; at most 100 are sent, with how many there are. Without the prompt or template, and its
    /// argument, the server does not start; while it is served, this fails. Entries may come in any order before that.
    ///
    /// ```
    /// # use tenon_mcp::{Completing, Completion, Prompt, Server};
    /// let server = Server::new("demo", "1.0.0");
    /// server.prompt(Prompt::new("greet").argument("style"), || async { "Hi." })?;
    /// server.completion(Completion::prompt("greet", "style"), |Completing { value, .. }: Completing| async move {
    ///     let styles = ["formal", "friendly", "funny"];
    ///     styles.into_iter().filter(|style| style.starts_with(&value)).collect::<Vec<_>>()
    /// })?;
    /// # Ok::<(), tenon_mcp::Error>(())
    /// ```
    pub fn completion<M>(&self, completion: Completion, handler: impl IntoHandler<M>) -> Result<(), Error> {
        self.entry(completion, handler)
    }

    /// Registers a request of the program's own. The handler is handed the request's parameters and comes to an object,
    /// the result.
    ///
    /// ```
    /// # use tenon_mcp::{Server, json};
    /// let server = Server::new("demo", "1.0.0");
    /// server.method("example.com/status", || async { json!({ "ready": true }) })?;
    /// # Ok::<(), tenon_mcp::Error>(())
    /// ```
    pub fn method<M>(&self, method: impl Into<Method>, handler: impl IntoHandler<M>) -> Result<(), Error> {
        self.entry(method.into(), handler)
    }

    /// Answers a request of the protocol's in place of the engine. What the handler comes to is the result as it goes
    /// out. Fails if the protocol has no such request.
    pub fn replace<M>(&self, method: impl Into<Method>, handler: impl IntoHandler<M>) -> Result<(), Error> {
        self.entry(Entry::from(method.into()).replacing(), handler)
    }

    /// Registers a notification of the program's own. The handler is handed its parameters; nobody gets what it comes to.
    pub fn notification<M>(
        &self,
        notification: impl Into<Notification>,
        handler: impl IntoHandler<M>,
    ) -> Result<(), Error> {
        self.entry(notification.into(), handler)
    }

    /// Has a handler told of something that happens to the server. It is handed what happened, an object; nobody gets
    /// what it comes to.
    ///
    /// ```
    /// # use tenon_mcp::{Hook, Server};
    /// let server = Server::new("demo", "1.0.0");
    /// server.on(Hook::RootsChanged, || async { println!("the roots have changed") })?;
    /// # Ok::<(), tenon_mcp::Error>(())
    /// ```
    pub fn on<M>(&self, hook: Hook, handler: impl IntoHandler<M>) -> Result<(), Error> {
        self.entry(Entry::new(Kind::Hook, hook.as_str()), handler)
    }
}
