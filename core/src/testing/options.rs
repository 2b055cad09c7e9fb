//! Who a client in the process says it is.

use crate::json::JsonSlice;
use crate::proto::client::Settings;
use crate::proto::question::Question;
use crate::proto::session::logging::Level;
use crate::proto::version::{Revision, Revisions};
use serde_json::{Map, Value, json};
use std::sync::Arc;

/// How a client in the process of its server speaks with it.
#[derive(Clone, Debug, Default)]
pub struct ClientOptions {
    revision: Option<Revision>,
    questions: Vec<Question>,
    capabilities: Option<JsonSlice>,
    info: Option<JsonSlice>,
    log_level: Option<Level>,
    pub(super) principal: Option<Arc<str>>,
}

impl ClientOptions {
    /// A client of the newest revision that the server speaks, which cannot be asked anything.
    pub fn new() -> ClientOptions {
        ClientOptions::default()
    }

    /// The revision it speaks.
    pub fn revision(mut self, revision: Revision) -> ClientOptions {
        self.revision = Some(revision);
        self
    }

    /// Declares that it can be asked this.
    pub fn can(mut self, question: Question) -> ClientOptions {
        self.questions.push(question);
        self
    }

    /// Declares further capabilities, an object; what it says of what the client can be asked counts.
    pub fn capabilities(mut self, capabilities: impl Into<JsonSlice>) -> ClientOptions {
        self.capabilities = Some(capabilities.into());
        self
    }

    /// Its name and version, an object with these and what else the specification has of clients.
    pub fn info(mut self, info: impl Into<JsonSlice>) -> ClientOptions {
        self.info = Some(info.into());
        self
    }

    /// From which level on it wants log messages. Default: none.
    pub fn log_level(mut self, level: Level) -> ClientOptions {
        self.log_level = Some(level);
        self
    }

    /// Who it is to the server, as a transport would have found out.
    pub fn principal(mut self, principal: impl Into<Arc<str>>) -> ClientOptions {
        self.principal = Some(principal.into());
        self
    }

    /// The error says what is wrong.
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
