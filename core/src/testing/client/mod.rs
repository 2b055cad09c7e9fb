//! The client for programs in Rust.

mod builder;
mod events;
mod pending;
mod shared_server;

use crate::error::Error;
use crate::json::JsonSlice;
use crate::locks::Mutex;
use crate::proto::client::Reply;
use crate::proto::question::Question;
use crate::server::Server;
use crate::testing::link::Link;
use crate::testing::result::{Answered, ClientError, Contents, Prompted, Suggestions, ToolReply};
pub use builder::ClientBuilder;
pub use pending::Pending;
use pending::RequestState;
use serde_json::{Value, json};
use shared_server::ServerLease;
use std::collections::HashMap;
use std::marker::PhantomData;
use std::sync::Arc;
use std::task::Waker;

type QuestionHandler = dyn Fn(Value) -> Result<Value, String> + Send + Sync;
type EventHandler = dyn Fn(Value) + Send + Sync;

/// A client of a server in the same process, for tests.
///
/// The server need not be served. Its first client starts it for in-process clients only, on the current tokio
/// runtime, and its last client ends it. If the program already serves it, the client joins.
///
/// ```
/// # use tenon_mcp::{Server, Tool, json, testing::Client};
/// #[derive(serde::Deserialize)]
/// struct Add { a: i64, b: i64 }
///
/// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
/// let server = Server::new("demo", "1.0.0");
/// let schema = json!({ "type": "object", "properties": { "a": { "type": "integer" }, "b": { "type": "integer" } } });
/// server.tool(Tool::new("add").input_schema(schema), |Add { a, b }: Add| async move { a + b })?;
///
/// let client = Client::new(&server)?;
/// let sum = client.call_tool("add", json!({ "a": 3, "b": 5 })).await?;
/// assert_eq!(sum.data(), 8);
/// assert_eq!(client.list_tools().await?[0]["name"], "add");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # }).unwrap();
/// ```
pub struct Client(Arc<Inner>);

struct Inner {
    link: Link,
    waits: Arc<Mutex<Waits>>,
    answers: HashMap<Question, Box<QuestionHandler>>,
    log: Option<Box<EventHandler>>,
    notifications: Option<Box<EventHandler>>,
    /// This client's share in the server, if clients have started it.
    lease: Option<ServerLease>,
}

#[derive(Default)]
struct Waits {
    ended: bool,
    by_request: HashMap<u64, Wait>,
}

#[derive(Default)]
struct Wait {
    outcome: Option<Result<Reply, ClientError>>,
    waker: Option<Waker>,
    progress: Option<Arc<EventHandler>>,
}

impl Server {
    /// Calls a tool through the whole engine, as an in-process client does. The client uses the newest revision and
    /// cannot answer questions; use [`Client`] for everything else. If the server is not served, it is started for
    /// this call.
    ///
    /// # Errors
    /// [`ClientError::Tool`] if the tool failed, [`ClientError::Mcp`] for an error of the protocol.
    pub async fn call_tool(
        &self,
        name: &str,
        arguments: impl Into<JsonSlice>,
    ) -> Result<ToolReply, ClientError> {
        let arguments = arguments.into();
        let client = Client::new(self).map_err(|error| ClientError::Invalid(error.to_string()))?;
        client.call_tool(name, arguments).await
    }
}

impl Client {
    /// Connects a client that uses the newest revision and cannot answer questions.
    ///
    /// # Errors
    /// The server cannot be started.
    pub fn new(server: &Server) -> Result<Client, Error> {
        Client::builder(server).open()
    }

    /// Starts to build a client with other settings.
    pub fn builder(server: &Server) -> ClientBuilder {
        let (answers, options) = Default::default();
        ClientBuilder { server: server.clone(), options, answers, log: None, notifications: None }
    }

    /// Calls a tool. If the tool fails, the result is [`ClientError::Tool`], unless that is
    /// [allowed](Pending::allow_failure).
    pub fn call_tool(&self, name: &str, arguments: impl Into<JsonSlice>) -> Pending<ToolReply> {
        self.about("call_tool", [("name", json!(name).into()), ("arguments", arguments.into())])
    }

    /// Lists the tools, from all pages.
    pub fn list_tools(&self) -> Pending<Vec<Value>> {
        self.about("list_tools", [])
    }

    /// Reads a resource.
    pub fn read_resource(&self, uri: &str) -> Pending<Contents> {
        self.about("read_resource", [("uri", json!(uri).into())])
    }

    /// Lists the resources, from all pages.
    pub fn list_resources(&self) -> Pending<Vec<Value>> {
        self.about("list_resources", [])
    }

    /// Lists the resource templates, from all pages.
    pub fn list_resource_templates(&self) -> Pending<Vec<Value>> {
        self.about("list_resource_templates", [])
    }

    /// Gets a prompt. Arguments that are not strings are sent as their JSON text.
    pub fn get_prompt(&self, name: &str, arguments: impl Into<JsonSlice>) -> Pending<Prompted> {
        self.about("get_prompt", [("name", json!(name).into()), ("arguments", arguments.into())])
    }

    /// Lists the prompts, from all pages.
    pub fn list_prompts(&self) -> Pending<Vec<Value>> {
        self.about("list_prompts", [])
    }

    /// Gets suggestions for an argument of a prompt.
    pub fn complete_prompt(&self, prompt: &str, argument: &str, value: &str) -> Pending<Suggestions> {
        self.completes("prompt", prompt, argument, value)
    }

    /// Gets suggestions for a variable of a resource template.
    pub fn complete_template(&self, template: &str, variable: &str, value: &str) -> Pending<Suggestions> {
        self.completes("template", template, variable, value)
    }

    fn completes(&self, kind: &str, of: &str, argument: &str, value: &str) -> Pending<Suggestions> {
        let (of, argument, value) = (json!(of).into(), json!(argument).into(), json!(value).into());
        self.about("complete", [(kind, of), ("argument", argument), ("value", value)])
    }

    /// Sends a `ping`, or `server/discover` in the modern era, which has no `ping`. The engine answers it.
    pub fn ping(&self) -> Pending<Answered> {
        self.about("ping", [])
    }

    /// Sends any request. `params` is an object.
    pub fn request(&self, method: &str, params: impl Into<JsonSlice>) -> Pending<Value> {
        self.about("request", [("method", json!(method).into()), ("params", params.into())])
    }

    /// Sends any notification. `params` is an object.
    pub fn notify(&self, method: &str, params: impl Into<JsonSlice>) {
        self.0.link.notify(method, &params.into());
    }

    fn about<T, const N: usize>(&self, what: &'static str, given: [(&str, JsonSlice); N]) -> Pending<T> {
        let given = given.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        let (progress, state) = (None, RequestState::Unsent { what, given });
        Pending { client: self.0.clone(), state, progress, allow_failure: false, of: PhantomData }
    }
}
