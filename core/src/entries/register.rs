//! The methods that register entries with handlers written in Rust.

use super::{
    Completion, Hook, Method, Notification, Prompt, Resource, ResourceProvider, ResourceTemplate, Tool,
};
use crate::dispatch::registry::entry::Entry;
use crate::error::Error;
use crate::handler::IntoHandler;
use crate::host::Target;
use crate::proto::catalog::kind::Kind;
use crate::server::Server;

/// Registering entries. A handler is an async function or closure. Its parameters are the input of its kind, the
/// [`Context`](crate::Context), both, or nothing; see [`handler`](crate::handler). If an entry is invalid or its name
/// is taken, the error names the entry and the reason.
impl Server {
    fn entry<M>(&self, entry: impl Into<Entry>, handler: impl IntoHandler<M>) -> Result<(), Error> {
        self.add(entry, Target::Local(handler.into_handler()))
    }

    /// Registers a tool. The handler gets the arguments, which satisfy the input schema.
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

    /// Registers a resource. The handler returns the contents. It has no input besides the context.
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

    /// Registers the resources of a template. The handler gets the values of the template's variables. They are
    /// strings; if the handler's type has numbers or booleans there, `serde` converts them.
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

    /// Registers resources that the program lists itself. `list` gets a [`Listing`](crate::Listing) and returns an
    /// array of resource definitions, or `{"resources": […], "nextCursor": "…"}`. `read` gets the values of the
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
        let (lists, reads) = provider.into_entries();
        let name = lists.name().to_owned();
        self.entry(lists, list)?;
        self.entry(reads, read).inspect_err(|_| drop(self.remove(Kind::ResourceProvider, &name)))
    }

    /// Registers a prompt. The handler gets the arguments. They are strings; if the handler's type has numbers or
    /// booleans there, `serde` converts them. If the handler returns a text, it becomes one message of the user.
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

    /// Registers suggestions for an argument. The handler gets the text that was typed so far, as
    /// [`Completing`](crate::Completing), and returns an array of strings. At most 100 of them are sent, with the
    /// total number.
    ///
    /// The prompt or template must exist and have the argument. This is checked when the server starts, so entries can
    /// be registered in any order before. If it does not, the server does not start. While the server is served, this
    /// method fails instead.
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

    /// Registers a request method of the program's own. The handler gets the request's parameters and returns the
    /// result, an object.
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

    /// Answers a request of the protocol instead of the engine. The handler's result is sent as it is.
    ///
    /// # Errors
    /// The protocol has no such request, or the engine must answer it itself.
    pub fn replace<M>(&self, method: impl Into<Method>, handler: impl IntoHandler<M>) -> Result<(), Error> {
        self.entry(Entry::from(method.into()).replacing(), handler)
    }

    /// Registers a notification of the program's own. The handler gets its parameters; the handler's result is
    /// dropped.
    pub fn notification<M>(
        &self,
        notification: impl Into<Notification>,
        handler: impl IntoHandler<M>,
    ) -> Result<(), Error> {
        self.entry(notification.into(), handler)
    }

    /// Registers a handler for an event of the server. The handler gets an object that describes the event; the
    /// handler's result is dropped.
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
