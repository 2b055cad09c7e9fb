//! A client for programs in Rust.

use super::link::Link;
use super::options::ClientOptions;
use super::result::{Answered, ClientError, Contents, Prompted, Suggestions, ToolReply};
use crate::error::{Error, ErrorKind};
use crate::host::Wake;
use crate::json::JsonSlice;
use crate::locks::Mutex;
use crate::proto::client::{ClientEvent, Reply};
use crate::proto::question::Question;
use crate::proto::session::logging::Level;
use crate::proto::session::version::Revision;
use crate::runtime::{Running, ServeOptions};
use crate::server::Server;
use serde_json::{Value, json};
use std::collections::HashMap;
use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Weak};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

/// How long the end of a server that a client has started is waited for.
const PATIENCE: Duration = Duration::from_secs(1);

type Answers = dyn Fn(Value) -> Result<Value, String> + Send + Sync;
type Hears = dyn Fn(Value) + Send + Sync;

/// A client of a server in the same process, for tests.
///
/// The server need not be served: its first client starts it for clients in the process alone, on the runtime that is
/// current then, and its last one ends it. Where it is served already, the client joins in.
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

/// Settings of a [`Client`].
pub struct ClientBuilder {
    server: Server,
    options: ClientOptions,
    answers: HashMap<Question, Box<Answers>>,
    log: Option<Box<Hears>>,
    notifications: Option<Box<Hears>>,
}

struct Inner {
    link: Link,
    waits: Arc<Mutex<Waits>>,
    answers: HashMap<Question, Box<Answers>>,
    log: Option<Box<Hears>>,
    notifications: Option<Box<Hears>>,
    /// Of the server, if clients have started it.
    hold: Option<Hold>,
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
    progress: Option<Arc<Hears>>,
}

/// Keeps a server that clients have started.
struct Hold {
    server: Server,
    running: Running,
    number: u64,
}

/// What the engine has of it.
struct Held {
    running: Running,
    /// How many keep it.
    clients: usize,
    /// What tells it from one that was started before.
    number: u64,
}

static STARTS: AtomicU64 = AtomicU64::new(0);

impl Hold {
    /// Starts the server, or finds who has; nothing if somebody else serves it.
    fn of(server: &Server) -> Result<Option<Hold>, Error> {
        let mut place = server.engine().0.held.lock();
        let held = place.as_mut().and_then(|held| held.downcast_mut::<Held>());
        let (running, number) = match held.filter(|held| !held.running.is_closed()) {
            Some(held) => {
                held.clients += 1;
                (held.running.clone(), held.number)
            }
            None => match server.start(ServeOptions::new().in_process()) {
                Ok(running) => {
                    let number = STARTS.fetch_add(1, Ordering::Relaxed);
                    *place = Some(Box::new(Held { running: running.clone(), clients: 1, number }));
                    (running, number)
                }
                Err(error) if error.kind() == ErrorKind::State => return Ok(None),
                Err(error) => return Err(error),
            },
        };
        Ok(Some(Hold { server: server.clone(), running, number }))
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        // Locked to the end, so that the next client starts the server anew.
        let mut place = self.server.engine().0.held.lock();
        let held = place.as_mut().and_then(|held| held.downcast_mut::<Held>());
        let Some(held) = held.filter(|held| held.number == self.number) else { return };
        held.clients -= 1;
        if held.clients > 0 {
            return;
        }
        *place = None;
        self.running.close_within(Duration::ZERO);
        self.running.wait_for(PATIENCE);
    }
}

impl ClientBuilder {
    /// The revision it speaks. Default: the newest that the server does.
    pub fn revision(self, revision: Revision) -> ClientBuilder {
        self.map(|options| options.revision(revision))
    }

    /// Declares further capabilities, an object.
    pub fn capabilities(self, capabilities: impl Into<JsonSlice>) -> ClientBuilder {
        self.map(|options| options.capabilities(capabilities))
    }

    /// Its name and version, an object.
    pub fn info(self, info: impl Into<JsonSlice>) -> ClientBuilder {
        self.map(|options| options.info(info))
    }

    /// Who it is to the server, as a transport would have found out.
    pub fn principal(self, principal: impl Into<Arc<str>>) -> ClientBuilder {
        self.map(|options| options.principal(principal))
    }

    /// Answers what the user is asked, forms and visits alike. The closure is handed the question's parameters, and gives the
    /// content of the form, an object; `true` agrees, `false` declines, `"cancel"` says so. An error fails the question, and
    /// in the modern era the request.
    pub fn elicit(
        mut self,
        answer: impl Fn(Value) -> Result<Value, String> + Send + Sync + 'static,
    ) -> ClientBuilder {
        let answer = Arc::new(answer);
        for question in [Question::ElicitForm, Question::ElicitUrl] {
            let answer = answer.clone();
            self = self.answers(question, move |asked| answer(asked));
        }
        self
    }

    /// Answers as a model: with its text, or a whole result.
    pub fn sample(
        self,
        answer: impl Fn(Value) -> Result<Value, String> + Send + Sync + 'static,
    ) -> ClientBuilder {
        self.answers(Question::Sample, answer)
    }

    /// The directories the user works in.
    pub fn roots(self, roots: impl IntoIterator<Item = impl Into<String>>) -> ClientBuilder {
        let roots: Vec<String> = roots.into_iter().map(Into::into).collect();
        self.answers(Question::Roots, move |_| Ok(json!(roots)))
    }

    /// Hears log messages from this level on: objects with `level`, `data` and perhaps `logger`.
    pub fn on_log(mut self, level: Level, hear: impl Fn(Value) + Send + Sync + 'static) -> ClientBuilder {
        self.log = Some(Box::new(hear));
        self.map(|options| options.log_level(level))
    }

    /// Hears notifications besides those of progress and logs: objects with `method` and `params`.
    pub fn on_notification(mut self, hear: impl Fn(Value) + Send + Sync + 'static) -> ClientBuilder {
        self.notifications = Some(Box::new(hear));
        self
    }

    /// Opens it, and starts the server unless it is being served.
    pub fn open(self) -> Result<Client, Error> {
        let ClientBuilder { server, options, answers, log, notifications } = self;
        let hold = Hold::of(&server)?;
        let link = Link::open(&server, &options)?;
        let waits = Arc::<Mutex<Waits>>::default();
        link.on_event(Arc::new(WakeAll(Arc::downgrade(&waits))));
        Ok(Client(Arc::new(Inner { link, waits, answers, log, notifications, hold })))
    }

    fn map(mut self, change: impl FnOnce(ClientOptions) -> ClientOptions) -> ClientBuilder {
        self.options = change(self.options);
        self
    }

    fn answers(
        mut self,
        question: Question,
        answer: impl Fn(Value) -> Result<Value, String> + Send + Sync + 'static,
    ) -> ClientBuilder {
        self.answers.insert(question, Box::new(answer));
        self.map(|options| options.can(question))
    }
}

impl Server {
    /// Calls a tool through the whole engine, as a client in the process whose revision is the newest, and which cannot be asked
    /// anything; [`Client`] is for more. The server is started for that if it is not being served.
    ///
    /// # Errors
    /// [`ClientError::Tool`] where the tool fails, [`ClientError::Mcp`] for an error of the protocol.
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
    /// A client of the newest revision, which cannot be asked anything.
    pub fn new(server: &Server) -> Result<Client, Error> {
        Client::builder(server).open()
    }

    /// A client with settings of its own.
    pub fn builder(server: &Server) -> ClientBuilder {
        let (answers, options) = Default::default();
        ClientBuilder { server: server.clone(), options, answers, log: None, notifications: None }
    }

    /// Calls a tool. A tool that fails is [`ClientError::Tool`], unless that is [allowed](Pending::allow_failure).
    pub fn call_tool(&self, name: &str, arguments: impl Into<JsonSlice>) -> Pending<ToolReply> {
        self.about("call_tool", [("name", json!(name).into()), ("arguments", arguments.into())])
    }

    /// The tools, all pages of them.
    pub fn list_tools(&self) -> Pending<Vec<Value>> {
        self.about("list_tools", [])
    }

    /// Reads a resource.
    pub fn read_resource(&self, uri: &str) -> Pending<Contents> {
        self.about("read_resource", [("uri", json!(uri).into())])
    }

    /// The resources, all pages of them.
    pub fn list_resources(&self) -> Pending<Vec<Value>> {
        self.about("list_resources", [])
    }

    /// The templates of resources, all pages of them.
    pub fn list_resource_templates(&self) -> Pending<Vec<Value>> {
        self.about("list_resource_templates", [])
    }

    /// Makes a prompt. Arguments that are no texts are sent as their JSON.
    pub fn get_prompt(&self, name: &str, arguments: impl Into<JsonSlice>) -> Pending<Prompted> {
        self.about("get_prompt", [("name", json!(name).into()), ("arguments", arguments.into())])
    }

    /// The prompts, all pages of them.
    pub fn list_prompts(&self) -> Pending<Vec<Value>> {
        self.about("list_prompts", [])
    }

    /// Suggestions for an argument of a prompt.
    pub fn complete_prompt(&self, prompt: &str, argument: &str, value: &str) -> Pending<Suggestions> {
        self.completes("prompt", prompt, argument, value)
    }

    /// Suggestions for a variable of a resource template.
    pub fn complete_template(&self, template: &str, variable: &str, value: &str) -> Pending<Suggestions> {
        self.completes("template", template, variable, value)
    }

    fn completes(&self, kind: &str, of: &str, argument: &str, value: &str) -> Pending<Suggestions> {
        let (of, argument, value) = (json!(of).into(), json!(argument).into(), json!(value).into());
        self.about("complete", [(kind, of), ("argument", argument), ("value", value)])
    }

    /// Waits for an answer of the engine itself.
    pub fn ping(&self) -> Pending<Answered> {
        self.about("ping", [])
    }

    /// Sends any request; `params` are an object.
    pub fn request(&self, method: &str, params: impl Into<JsonSlice>) -> Pending<Value> {
        self.about("request", [("method", json!(method).into()), ("params", params.into())])
    }

    /// Sends any notification; `params` are an object.
    pub fn notify(&self, method: &str, params: impl Into<JsonSlice>) {
        self.0.link.notify(method, &params.into());
    }

    fn about<T, const N: usize>(&self, what: &'static str, given: [(&str, JsonSlice); N]) -> Pending<T> {
        let given = given.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        let (progress, state) = (None, Asked::Not { what, given });
        Pending { client: self.0.clone(), state, progress, allow_failure: false, of: PhantomData }
    }
}

/// A request; awaited it is sent, dropped before its end it is cancelled.
#[must_use = "a request is sent when it is awaited"]
pub struct Pending<T> {
    client: Arc<Inner>,
    state: Asked,
    progress: Option<Arc<Hears>>,
    allow_failure: bool,
    of: PhantomData<fn() -> T>,
}

enum Asked {
    Not { what: &'static str, given: Vec<(String, JsonSlice)> },
    Waits(u64),
    Done,
}

impl<T> Pending<T> {
    /// Sends metadata along, an object.
    pub fn meta(mut self, meta: impl Into<JsonSlice>) -> Pending<T> {
        if let Asked::Not { given, .. } = &mut self.state {
            given.push(("_meta".to_owned(), meta.into()));
        }
        self
    }

    /// Hears how far it is: objects with `progress`, and perhaps `total` and `message`.
    pub fn on_progress(mut self, hear: impl Fn(Value) + Send + Sync + 'static) -> Pending<T> {
        self.progress = Some(Arc::new(hear));
        self
    }
}

impl Pending<ToolReply> {
    /// Has a tool that fails be a result, whose [`is_error`](ToolReply::is_error) says so.
    pub fn allow_failure(mut self) -> Pending<ToolReply> {
        self.allow_failure = true;
        self
    }
}

impl<T: From<Reply>> Future for Pending<T> {
    type Output = Result<T, ClientError>;

    fn poll(self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        if let Asked::Not { what, given } = &this.state {
            let mut object = crate::json::JsonWriter::new();
            object.begin_object();
            for (name, value) in given {
                object.key(name).slice(value);
            }
            object.end_object();
            let asked = this.client.ask(what, &object.into_slice(), this.progress.clone());
            this.state = match asked {
                Ok(request) => Asked::Waits(request),
                Err(error) => {
                    this.state = Asked::Done;
                    return Poll::Ready(Err(error));
                }
            };
        }
        let Asked::Waits(request) = this.state else { panic!("polled after its end") };
        // Registered first: what comes from now on wakes this.
        this.client.register(request, task.waker());
        this.client.hear();
        let Some(outcome) = this.client.outcome(request) else { return Poll::Pending };
        this.state = Asked::Done;
        Poll::Ready(match outcome? {
            reply if reply.is_error && !this.allow_failure => Err(ClientError::Tool(reply.into())),
            reply => Ok(reply.into()),
        })
    }
}

impl<T> Drop for Pending<T> {
    fn drop(&mut self) {
        if let Asked::Waits(request) = self.state {
            let wait = self.client.waits.lock().by_request.remove(&request);
            drop(wait);
            self.client.link.cancel(request);
        }
    }
}

impl Inner {
    fn ask(&self, what: &str, given: &JsonSlice, progress: Option<Arc<Hears>>) -> Result<u64, ClientError> {
        let (request, wants) = (self.link.number(), progress.is_some());
        // Before the request: others may hear its answer.
        self.waits.lock().by_request.insert(request, Wait { progress, ..Wait::default() });
        let asked = self.link.ask(request, what, given, wants);
        asked.map(|()| request).map_err(|error| {
            let wait = self.waits.lock().by_request.remove(&request);
            drop(wait);
            match error.kind() {
                ErrorKind::State => ClientError::Ended,
                _ => ClientError::Invalid(error.to_string()),
            }
        })
    }

    fn register(&self, request: u64, waker: &Waker) {
        let mut waits = self.waits.lock();
        let ended = waits.ended;
        let Some(wait) = waits.by_request.get_mut(&request) else { return };
        wait.waker = Some(waker.clone());
        if ended {
            wait.outcome.get_or_insert(Err(ClientError::Ended));
        }
    }

    fn outcome(&self, request: u64) -> Option<Result<Reply, ClientError>> {
        let mut waits = self.waits.lock();
        let outcome = waits.by_request.get_mut(&request)?.outcome.take()?;
        waits.by_request.remove(&request);
        drop(waits);
        Some(outcome.map_err(|error| match self.hold.as_ref().and_then(|hold| hold.running.failure()) {
            // Whatever the client heard of it.
            Some(failure) => ClientError::Invalid(failure.to_string()),
            None => error,
        }))
    }

    /// Takes what there is to hear; whoever waits does it for all.
    fn hear(&self) {
        let plain = |json: &JsonSlice| json.to_value().unwrap_or_default();
        while let Some(event) = self.link.event() {
            match event {
                ClientEvent::Answered { request, outcome } => {
                    self.end(request, outcome.map_err(ClientError::Mcp));
                }
                ClientEvent::Asked { question, kind, params } => self.answer(question, kind, plain(&params)),
                ClientEvent::Progress { request, params } => {
                    let waits = self.waits.lock();
                    let hear = waits.by_request.get(&request).and_then(|wait| wait.progress.clone());
                    drop(waits);
                    if let Some(hear) = hear {
                        hear(plain(&params));
                    }
                }
                ClientEvent::Log(params) => {
                    if let Some(hear) = &self.log {
                        hear(plain(&params));
                    }
                }
                ClientEvent::Notification { method, params } => {
                    if let Some(hear) = &self.notifications {
                        hear(json!({ "method": method, "params": plain(&params) }));
                    }
                }
                ClientEvent::Ended => {
                    let waiting: Vec<u64> = {
                        let mut waits = self.waits.lock();
                        waits.ended = true;
                        waits.by_request.keys().copied().collect()
                    };
                    for request in waiting {
                        self.end(request, Err(ClientError::Ended));
                    }
                }
            }
        }
    }

    fn end(&self, request: u64, outcome: Result<Reply, ClientError>) {
        let waker = {
            let mut waits = self.waits.lock();
            let Some(wait) = waits.by_request.get_mut(&request) else { return };
            wait.outcome.get_or_insert(outcome);
            wait.waker.take()
        };
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    fn answer(&self, question: u64, kind: Question, params: Value) {
        let answer = match self.answers.get(&kind) {
            Some(answer) => answer(params).map(JsonSlice::from),
            None => Err(format!("nothing answers {}", kind.noun())),
        };
        let answered = self.link.answer(question, kind, answer.as_ref().map_err(String::as_str));
        if let Err(error) = answered {
            let _ = self.link.answer(question, kind, Err(&error.to_string()));
        }
    }
}

/// Has everybody look who waits for an answer.
struct WakeAll(Weak<Mutex<Waits>>);

impl Wake for WakeAll {
    fn wake(&self) {
        let Some(waits) = self.0.upgrade() else { return };
        let wakers: Vec<Waker> =
            waits.lock().by_request.values_mut().filter_map(|wait| wait.waker.clone()).collect();
        wakers.into_iter().for_each(Waker::wake);
    }
}
