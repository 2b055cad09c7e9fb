//! The types for a handler's questions to the client, and for the answers.

use crate::json::JsonSlice;
use crate::proto::messages::error::RpcError;
use crate::proto::question::{Answer, Question};
use serde_json::{Map, Value, json};
use std::fmt;

/// A question to the client: its kind, and its parameters in the form of the newest revision.
///
/// The client's capabilities decide what it can be asked, whatever its revision. A question is reduced for revisions
/// before 2025-11-25. A form loses the defaults of fields that are not boolean, and titled choices become `enum` with
/// `enumNames`. A message of a sampling request without tools has one block.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Ask {
    /// The kind of question.
    pub kind: Question,
    /// The name of the question within its call. Without one, its ordinal is used. Name questions whose order may
    /// vary.
    pub key: Option<String>,
    /// The parameters of the request that asks, an object.
    pub params: JsonSlice,
}

impl Ask {
    /// A question of any kind, with its parameters in the protocol's form.
    pub fn new(kind: Question, params: impl Into<JsonSlice>) -> Ask {
        Ask { kind, key: None, params: params.into() }
    }

    /// Asks the user to fill in a form: an object schema of flat primitive properties.
    pub fn form(message: impl Into<String>, schema: impl Into<JsonSlice>) -> Ask {
        let message = JsonSlice::from_value(&message.into().into());
        let params = object(&[("message", &message), ("requestedSchema", &schema.into())]);
        Ask::new(Question::ElicitForm, params)
    }

    /// Asks the user to visit a page. There, the user can enter what no form may ask for: passwords, keys, payments.
    /// The address must not contain secrets, and must be `https` outside of development (EL-10, EL-13). If the user
    /// accepts, the page is opened; it does not mean that the user did anything there.
    pub fn url(message: impl Into<String>, url: impl Into<String>) -> Ask {
        let params = json!({ "message": message.into(), "url": url.into() });
        Ask::new(Question::ElicitUrl, JsonSlice::from_value(&params))
    }

    /// Asks the client's model, with the parameters of `sampling/createMessage`; [`Sample`] builds them.
    pub fn sample(params: impl Into<JsonSlice>) -> Ask {
        Ask::new(Question::Sample, params)
    }

    /// Asks for the directories in which the user works.
    pub fn roots() -> Ask {
        Ask::new(Question::Roots, JsonSlice::empty_object())
    }

    /// Names the question within its call.
    pub fn key(mut self, key: impl Into<String>) -> Ask {
        self.key = Some(key.into());
        self
    }

    /// Sets the id of a visit (`elicitationId`), so that
    /// [`Server::elicitation_complete`](crate::Server::elicitation_complete) can report its end. Without an id, the
    /// engine makes one if the revision requires it. Other kinds of questions have no id.
    pub fn elicitation_id(mut self, id: impl Into<String>) -> Ask {
        if self.kind == Question::ElicitUrl {
            self.params = with(&self.params, "elicitationId", &JsonSlice::from_value(&id.into().into()));
        }
        self
    }
}

/// Questions to the user.
pub struct Elicit;

impl Elicit {
    /// [`Ask::form`].
    pub fn form(message: impl Into<String>, schema: impl Into<JsonSlice>) -> Ask {
        Ask::form(message, schema)
    }

    /// [`Ask::url`].
    pub fn url(message: impl Into<String>, url: impl Into<String>) -> Ask {
        Ask::url(message, url)
    }
}

/// A question to the client's model, put together.
///
/// ```
/// # use tenon_mcp::{Ask, Sample};
/// let ask: Ask = Sample::new(500).system_prompt("Be brief.").user("What is a tenon?").into();
/// # assert!(ask.params.as_str().contains("tenon"));
/// ```
#[derive(Clone, Debug)]
pub struct Sample {
    key: Option<String>,
    messages: Vec<Value>,
    members: Map<String, Value>,
}

impl Sample {
    /// Asks for at most `max_tokens` tokens in answer to the messages that are added.
    pub fn new(max_tokens: u32) -> Sample {
        let members = Map::from_iter([("maxTokens".to_owned(), Value::from(max_tokens))]);
        Sample { key: None, messages: Vec::new(), members }
    }

    /// Names the question within its call.
    pub fn key(mut self, key: impl Into<String>) -> Sample {
        self.key = Some(key.into());
        self
    }

    /// Adds a message of the user.
    pub fn user(self, text: impl Into<String>) -> Sample {
        self.message("user", json!({ "type": "text", "text": text.into() }))
    }

    /// Adds a message of the model.
    pub fn assistant(self, text: impl Into<String>) -> Sample {
        self.message("assistant", json!({ "type": "text", "text": text.into() }))
    }

    /// Adds a message: its content is one block or an array of them.
    pub fn message(mut self, role: &str, content: impl Into<Value>) -> Sample {
        self.messages.push(json!({ "role": role, "content": content.into() }));
        self
    }

    /// Sets the system prompt.
    pub fn system_prompt(self, text: impl Into<String>) -> Sample {
        self.set("systemPrompt", text.into())
    }

    /// Sets any other parameter, by its name in the protocol: `temperature`, `tools`, `modelPreferences` …
    pub fn set(mut self, name: &str, value: impl Into<Value>) -> Sample {
        self.members.insert(name.to_owned(), value.into());
        self
    }
}

impl From<Sample> for Ask {
    fn from(sample: Sample) -> Ask {
        let mut params = Map::from_iter([("messages".to_owned(), Value::from(sample.messages))]);
        params.extend(sample.members);
        Ask { key: sample.key, ..Ask::sample(JsonSlice::from_value(&params.into())) }
    }
}

fn object(members: &[(&str, &JsonSlice)]) -> JsonSlice {
    let mut out = crate::json::JsonWriter::new();
    out.begin_object();
    for (name, value) in members {
        out.key(name).slice(value);
    }
    out.end_object();
    out.into_slice()
}

/// A copy of an object with one more member.
pub(in crate::dispatch) fn with(params: &JsonSlice, name: &str, value: &JsonSlice) -> JsonSlice {
    let parts: Vec<(String, JsonSlice)> = params
        .members()
        .map(|member| (member.name(params.as_bytes()).into_owned(), params.subslice(member.value)))
        .filter(|(other, _)| other != name)
        .collect();
    let mut members: Vec<(&str, &JsonSlice)> =
        parts.iter().map(|(name, value)| (name.as_str(), value)).collect();
    members.push((name, value));
    object(&members)
}

/// Identifies one unanswered question of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct AskId(pub u32);

/// The result of asking.
#[derive(Clone, Debug)]
pub enum Asked {
    /// The answer is known, because this attempt is a replay.
    Answered(Answer),
    /// The question was sent. The answer will arrive at the call's lane.
    Waiting(AskId),
    /// The call must end this attempt. It will run again when the client has sent the answers.
    Suspended,
}

/// Why a question was not asked or not answered.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum AskError {
    /// The call is no longer in flight.
    Stale,
    /// The client cannot be asked. The call ends with this error if its handler cannot continue without the answer.
    Unsupported(RpcError),
    /// The call cannot continue before the user has visited pages. The client gets this error.
    UrlRequired(RpcError),
    /// The question is invalid: its parameters, its key, or the number of questions; or questions are not allowed
    /// here.
    Invalid(String),
    /// The client cannot be reached, reported a failure, or sent an answer that does not match the question.
    Failed(String),
}

impl AskError {
    /// The protocol's own error, if there is one for this case.
    pub fn rpc(&self) -> Option<&RpcError> {
        match self {
            AskError::Unsupported(error) | AskError::UrlRequired(error) => Some(error),
            _ => None,
        }
    }
}

impl fmt::Display for AskError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            AskError::Stale => f.write_str("the call is no longer in flight"),
            AskError::Unsupported(error) | AskError::UrlRequired(error) => f.write_str(&error.message),
            AskError::Invalid(text) | AskError::Failed(text) => f.write_str(text),
        }
    }
}

impl std::error::Error for AskError {}

/// The error's text, for handlers whose errors are strings.
impl From<AskError> for String {
    fn from(error: AskError) -> String {
        error.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn questions_are_put_together_as_the_protocol_has_them() {
        let sample: Ask = Sample::new(7).user("a").assistant("b").set("temperature", 0.5).key("k").into();
        assert_eq!((sample.kind, sample.key.as_deref()), (Question::Sample, Some("k")));
        let expected = json!({ "maxTokens": 7, "temperature": 0.5, "messages": [
            { "role": "user", "content": { "type": "text", "text": "a" } },
            { "role": "assistant", "content": { "type": "text", "text": "b" } },
        ] });
        assert_eq!(sample.params.to_value().unwrap(), expected);
        let url = Elicit::url("m", "https://a").elicitation_id("1").elicitation_id("2");
        assert_eq!(url.params.as_str(), r#"{"message":"m","url":"https://a","elicitationId":"2"}"#);
        let form = Elicit::form("\"m\"", JsonSlice::empty_object()).elicitation_id("1");
        assert_eq!(form.params.as_str(), r#"{"message":"\"m\"","requestedSchema":{}}"#);
    }
}
