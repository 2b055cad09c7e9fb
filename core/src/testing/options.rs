//! The options of an in-process client.

use crate::dispatch::principal::Principal;
use crate::json::JsonSlice;
use crate::proto::client::Settings;
use crate::proto::question::Question;
use crate::proto::session::logging::Level;
use crate::proto::version::{Revision, Revisions};
use serde_json::{Map, Value, json};

/// The options with which an in-process client connects.
#[derive(Clone, Debug, Default)]
pub struct ClientOptions {
    revision: Option<Revision>,
    questions: Vec<Question>,
    capabilities: Option<JsonSlice>,
    info: Option<JsonSlice>,
    log_level: Option<Level>,
    pub(super) principal: Option<Principal>,
}

impl ClientOptions {
    /// Options for a client that uses the newest revision of the server and cannot answer questions.
    pub fn new() -> ClientOptions {
        ClientOptions::default()
    }

    /// Sets the revision that the client uses. Default: the newest that the server supports.
    pub fn revision(mut self, revision: Revision) -> ClientOptions {
        self.revision = Some(revision);
        self
    }

    /// Declares that the client can answer this kind of question.
    pub fn can(mut self, question: Question) -> ClientOptions {
        self.questions.push(question);
        self
    }

    /// Declares further capabilities, an object. They replace capabilities of the same name that
    /// [`can`](ClientOptions::can) declares.
    pub fn capabilities(mut self, capabilities: impl Into<JsonSlice>) -> ClientOptions {
        self.capabilities = Some(capabilities.into());
        self
    }

    /// Sets the client's `clientInfo`: an object with `name` and `version`, and optionally the specification's other
    /// members. Default: `tenon-testing`, with the crate's version.
    pub fn info(mut self, info: impl Into<JsonSlice>) -> ClientOptions {
        self.info = Some(info.into());
        self
    }

    /// Sets the minimum level of log messages that the client wants. Without it, the client does not set a level: the
    /// server then sends no log messages in the modern era, and those from [`Level::Info`] on in a legacy session.
    pub fn log_level(mut self, level: Level) -> ClientOptions {
        self.log_level = Some(level);
        self
    }

    /// Sets the client's principal, as if an authenticating transport had found it.
    pub fn principal(mut self, principal: impl Into<Principal>) -> ClientOptions {
        self.principal = Some(principal.into());
        self
    }

    /// The settings for a conversation. The error gives the reason if an option is invalid.
    pub(super) fn settings(&self, served: Revisions) -> Result<Settings, String> {
        let object = |what: &str, value: &Option<JsonSlice>| match value.as_ref().map(JsonSlice::to_value) {
            None => Ok(Map::new()),
            Some(Ok(Value::Object(object))) => Ok(object),
            Some(_) => Err(format!("{what} must be an object")),
        };
        let mut capabilities = Map::new();
        for question in &self.questions {
            let (name, part) = match question {
                Question::ElicitForm => ("elicitation", Some("form")),
                Question::ElicitUrl => ("elicitation", Some("url")),
                Question::Sample => ("sampling", None),
                Question::Roots => ("roots", None),
            };
            let of = capabilities.entry(name).or_insert_with(|| json!({}));
            if let Some(part) = part {
                of[part] = json!({});
            }
        }
        capabilities.extend(object("capabilities", &self.capabilities)?);
        let info = match object("info", &self.info)? {
            info if info.is_empty() => {
                json!({ "name": "tenon-testing", "version": env!("CARGO_PKG_VERSION") })
            }
            info => Value::Object(info),
        };
        let newest = served.iter().next().unwrap_or(Revision::NEWEST_LEGACY);
        Ok(Settings {
            revision: self.revision.unwrap_or(newest),
            info: JsonSlice::from_value(&info),
            capabilities: JsonSlice::from_value(&Value::Object(capabilities)),
            log_level: self.log_level,
        })
    }
}
