//! The settings of a client, with the functions that answer the server's questions.

use super::events::WakeAll;
use super::shared_server::ServerLease;
use super::{Client, EventHandler, Inner, QuestionHandler, Waits};
use crate::dispatch::principal::Principal;
use crate::error::Error;
use crate::json::JsonSlice;
use crate::locks::Mutex;
use crate::proto::question::Question;
use crate::proto::session::logging::Level;
use crate::proto::version::Revision;
use crate::server::Server;
use crate::testing::link::Link;
use crate::testing::options::ClientOptions;
use serde_json::{Value, json};
use std::collections::HashMap;
use std::sync::Arc;

/// Builds a [`Client`]. [`Client::builder`] makes one.
pub struct ClientBuilder {
    pub(super) server: Server,
    pub(super) options: ClientOptions,
    pub(super) answers: HashMap<Question, Box<QuestionHandler>>,
    pub(super) log: Option<Box<EventHandler>>,
    pub(super) notifications: Option<Box<EventHandler>>,
}

impl ClientBuilder {
    /// Sets the revision that the client uses. Default: the newest that the server supports.
    pub fn revision(self, revision: Revision) -> ClientBuilder {
        self.map(|options| options.revision(revision))
    }

    /// Declares further capabilities, an object. They replace capabilities of the same name that follow from the
    /// questions the client can answer.
    pub fn capabilities(self, capabilities: impl Into<JsonSlice>) -> ClientBuilder {
        self.map(|options| options.capabilities(capabilities))
    }

    /// Sets the client's `clientInfo`, an object with `name` and `version`.
    pub fn info(self, info: impl Into<JsonSlice>) -> ClientBuilder {
        self.map(|options| options.info(info))
    }

    /// Sets the client's principal, as if an authenticating transport had found it.
    pub fn principal(self, principal: impl Into<Principal>) -> ClientBuilder {
        self.map(|options| options.principal(principal))
    }

    /// Answers elicitations, both forms and visits to pages. The closure gets the question's parameters. It returns an
    /// object with the form's content, `true` or `"accept"` to accept, `false` or `"decline"` to decline, or
    /// `"cancel"`. If it returns an error, the question fails; in the modern era, the request that asked fails.
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

    /// Answers sampling requests. The closure gets the question's parameters and returns the model's text, or the
    /// complete result.
    pub fn sample(
        self,
        answer: impl Fn(Value) -> Result<Value, String> + Send + Sync + 'static,
    ) -> ClientBuilder {
        self.answers(Question::Sample, answer)
    }

    /// Answers requests for roots with these directories, as URIs.
    pub fn roots(self, roots: impl IntoIterator<Item = impl Into<String>>) -> ClientBuilder {
        let roots: Vec<String> = roots.into_iter().map(Into::into).collect();
        self.answers(Question::Roots, move |_| Ok(json!(roots)))
    }

    /// Calls `hear` with log messages of this level or above: objects with `level`, `data` and perhaps `logger`. It
    /// runs in a task that awaits a request of this client.
    pub fn on_log(mut self, level: Level, hear: impl Fn(Value) + Send + Sync + 'static) -> ClientBuilder {
        self.log = Some(Box::new(hear));
        self.map(|options| options.log_level(level))
    }

    /// Calls `hear` with notifications, except those for progress and log messages: objects with `method` and
    /// `params`. It runs in a task that awaits a request of this client.
    pub fn on_notification(mut self, hear: impl Fn(Value) + Send + Sync + 'static) -> ClientBuilder {
        self.notifications = Some(Box::new(hear));
        self
    }

    /// Connects the client. Starts the server for in-process clients if it is not served yet.
    ///
    /// # Errors
    /// The settings are invalid, or the server cannot be started.
    pub fn open(self) -> Result<Client, Error> {
        let ClientBuilder { server, options, answers, log, notifications } = self;
        let lease = ServerLease::of(&server)?;
        let link = Link::open(&server, &options)?;
        let waits = Arc::<Mutex<Waits>>::default();
        link.on_event(Arc::new(WakeAll(Arc::downgrade(&waits))));
        Ok(Client(Arc::new(Inner { link, waits, answers, log, notifications, lease })))
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
