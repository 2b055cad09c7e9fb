//! The types for a handler's questions to the client, and for the answers.

use crate::json::JsonSlice;
use crate::proto::messages::error::RpcError;
use crate::proto::question::{Answer, Question};
use serde_json::{Map, Value, json};
use std::fmt;

/// A question to the client: its kind, and its parameters in the form of the newest revision.
///
/// What a client declares decides what it is asked, whatever its revision. Revisions before 2025-11-25 get what they know of it:
/// a form loses the defaults of fields that are not boolean, and titled choices become `enum` with `enumNames`; a message of a
/// sampling without tools has one block.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Ask {
    /// What is asked.
    pub kind: Question,
    /// Names the question within its call; without one its ordinal serves. Name questions whose order may vary.
    pub key: Option<String>,
    /// The parameters of the request that asks, an object.
    pub params: JsonSlice,
}

impl Ask {
    /// A question of any kind, with its parameters as the protocol has them.
    pub fn new(kind: Question, params: impl Into<JsonSlice>) -> Ask {
        Ask { kind, key: None, params: params.into() }
    }

    /// Asks the user to fill in a form: an object schema of flat primitive properties.
    pub fn form(message: impl Into<String>, schema: impl Into<JsonSlice>) -> Ask {
        let message = JsonSlice::from_value(&message.into().into());
        let params = object(&[("message", &message), ("requestedSchema", &schema.into())]);
        Ask::new(Question::ElicitForm, params)
    }

    /// Asks the user to visit a page, where what no form may ask for can be entered: passwords, keys, payments. The
    /// address holds no secrets and is `https` outside of development (EL-10, EL-13). That the user accepts means that
    /// the page is opened, not that anything was done there.
    pub fn url(message: impl Into<String>, url: impl Into<String>) -> Ask {
        let params = json!({ "message": message.into(), "url": url.into() });
        Ask::new(Question::ElicitUrl, JsonSlice::from_value(&params))
    }

    /// Asks the client's model, with the parameters of `sampling/createMessage`; [`Sample`] puts them together.
    pub fn sample(params: impl Into<JsonSlice>) -> Ask {
        Ask::new(Question::Sample, params)
    }

    /// Asks for the directories the user works in.
    pub fn roots() -> Ask {
        Ask::new(Question::Roots, JsonSlice::empty_object())
    }

    /// Names the question within its call.
    pub fn key(mut self, key: impl Into<String>) -> Ask {
        self.key = Some(key.into());
        self
    }

    /// Names a visit (`elicitationId`), so that
    /// [`Server::elicitation_complete`](crate::Server::elicitation_complete) can tell of its end. Without a name the
    /// engine makes one up where the revision wants one. Other kinds have none.
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
    /// At most `max_tokens` tokens in answer to messages that follow.
    pub fn new(max_tokens: u32) -> Sample {
        let members = Map::from_iter([("maxTokens".to_owned(), Value::from(max_tokens))]);
        Sample { key: None, messages: Vec::new(), members }
    }

    /// Names the question within its call.
    pub fn key(mut self, key: impl Into<String>) -> Sample {
        self.key = Some(key.into());
        self
    }

    /// Adds what the user says.
    pub fn user(self, text: impl Into<String>) -> Sample {
        self.message("user", json!({ "type": "text", "text": text.into() }))
    }

    /// Adds what the model said.
    pub fn assistant(self, text: impl Into<String>) -> Sample {
        self.message("assistant", json!({ "type": "text", "text": text.into() }))
    }

    /// Adds a message: its content is one block or an array of them.
    pub fn message(mut self, role: &str, content: impl Into<Value>) -> Sample {
        self.messages.push(json!({ "role": role, "content": content.into() }));
        self
    }

    /// What the model is told before the messages.
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

/// An object with one more member.
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

/// Names one outstanding question of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct AskId(pub u32);

/// What became of asking.
#[derive(Clone, Debug)]
pub enum Asked {
    /// The answer is known: a replayed attempt.
    Answered(Answer),
    /// The question was sent; the answer will come to the call's lane.
    Waiting(AskId),
    /// The call must end this attempt; it will be run again when the client has the answers.
    Suspended,
}

/// Why a question was not asked or not answered.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum AskError {
    /// The call is no longer in flight.
    Stale,
    /// The client cannot be asked; the error is what the call ends with if its handler cannot do without.
    Unsupported(RpcError),
    /// The call cannot go on before the user has visited pages, which the client is told by this error.
    UrlRequired(RpcError),
    /// The question is wrong: its parameters, its key, its number; or nobody may ask here.
    Invalid(String),
    /// The client cannot be reached, reported a failure, or its answer is not what was asked for.
    Failed(String),
}

impl AskError {
    /// The protocol's own error for it, where it has one.
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

/// For handlers whose errors are text.
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
