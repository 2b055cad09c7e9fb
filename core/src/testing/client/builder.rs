//! The settings of a client, and how it answers questions.

use super::events::WakeAll;
use super::shared_server::ServerLease;
use super::{Client, EventHandler, Inner, QuestionHandler, Waits};
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

/// Settings of a [`Client`].
pub struct ClientBuilder {
    pub(super) server: Server,
    pub(super) options: ClientOptions,
    pub(super) answers: HashMap<Question, Box<QuestionHandler>>,
    pub(super) log: Option<Box<EventHandler>>,
    pub(super) notifications: Option<Box<EventHandler>>,
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

    /// QuestionHandler what the user is asked, forms and visits alike. The closure is handed the question's parameters, and gives the
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

    /// QuestionHandler as a model: with its text, or a whole result.
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

    /// EventHandler log messages from this level on: objects with `level`, `data` and perhaps `logger`.
    pub fn on_log(mut self, level: Level, hear: impl Fn(Value) + Send + Sync + 'static) -> ClientBuilder {
        self.log = Some(Box::new(hear));
        self.map(|options| options.log_level(level))
    }

    /// EventHandler notifications besides those of progress and logs: objects with `method` and `params`.
    pub fn on_notification(mut self, hear: impl Fn(Value) + Send + Sync + 'static) -> ClientBuilder {
        self.notifications = Some(Box::new(hear));
        self
    }

    /// Opens it, and starts the server unless it is being served.
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
