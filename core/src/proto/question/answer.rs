//! Answers of clients: their valid forms, and what handlers read from them.

use super::sample::check_block;
use super::string;
use crate::json::{JsonSlice, JsonWriter, Kind};
use serde::Deserialize;
use serde_json::Value;

/// The user's reaction to an elicitation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// The user filled in the form, or agreed to visit the page.
    Accept,
    /// The user declined.
    Decline,
    /// The user closed the question without a choice.
    Cancel,
}

/// A directory or file that the user works in.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct Root {
    /// The root's `file://` URI.
    pub uri: String,
    /// The root's name for users.
    pub name: Option<String>,
}

/// The answer to a question: JSON in the form that its kind requires.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    action: Action,
    json: JsonSlice,
}

impl Action {
    /// The name in messages.
    pub fn as_str(self) -> &'static str {
        match self {
            Action::Accept => "accept",
            Action::Decline => "decline",
            Action::Cancel => "cancel",
        }
    }
}

impl Answer {
    /// The user's reaction. For sampling and roots it is always [`Action::Accept`], because they fail if they are
    /// declined.
    pub fn action(&self) -> Action {
        self.action
    }

    /// The `content` of the answer. For an accepted form, it is an object of values that is valid for the form's
    /// schema. For sampling, it is one content block or an array of them.
    pub fn content(&self) -> Option<JsonSlice> {
        self.json.member("content")
    }

    /// The whole answer: `{"action":…,"content":…}`, `{"role":…,"content":…,"model":…}` or `{"roots":[…]}`.
    pub fn json(&self) -> &JsonSlice {
        &self.json
    }

    /// The text of a sampled message: the texts of its text blocks, joined.
    pub fn text(&self) -> String {
        let blocks = self.content().map_or_else(Vec::new, |content| match content.kind() {
            Kind::Array => content.elements().collect(),
            _ => vec![content],
        });
        let text = |block: &JsonSlice| {
            let is_text = block.member("type").is_some_and(|kind| kind.as_bytes() == br#""text""#);
            block.member("text").filter(|_| is_text)?.decode_str().map(|text| text.into_owned())
        };
        blocks.iter().filter_map(text).collect()
    }

    /// The roots in the answer.
    pub fn roots(&self) -> Vec<Root> {
        let roots = self.json.member("roots");
        roots.iter().flat_map(|roots| roots.elements()).filter_map(|root| root.deserialize().ok()).collect()
    }
}

fn action(answer: &JsonSlice) -> Result<Action, String> {
    let action = answer.member("action");
    match action.as_ref().and_then(|action| action.decode_str()).as_deref() {
        Some("accept") => Ok(Action::Accept),
        Some("decline") => Ok(Action::Decline),
        Some("cancel") => Ok(Action::Cancel),
        _ => Err("action must be accept, decline or cancel".into()),
    }
}

/// The answer to an elicitation, without members that do not belong to it.
fn outcome(action: Action, content: Option<&JsonSlice>) -> Answer {
    let mut out = JsonWriter::new();
    out.begin_object().key("action").str(action.as_str());
    if let Some(content) = content {
        out.key("content").slice(content);
    }
    out.end_object();
    Answer { action, json: out.into_slice() }
}

/// Reads the `ElicitResult` of a form (EL-8). There is content if and only if the form was accepted.
pub(super) fn elicited(answer: &JsonSlice) -> Result<Answer, String> {
    let action = action(answer)?;
    if action != Action::Accept {
        return Ok(outcome(action, None));
    }
    // A form without required fields may be returned without content.
    let content = answer.member("content").unwrap_or_else(JsonSlice::empty_object);
    if content.kind() != Kind::Object {
        return Err("content must be an object".into());
    }
    Ok(outcome(action, Some(&content)))
}

/// Reads the `ElicitResult` of a URL elicitation (EL-12). `accept` means consent, and there is no content.
pub(super) fn consented(answer: &JsonSlice) -> Result<Answer, String> {
    action(answer).map(|action| outcome(action, None))
}

/// Checks a `CreateMessageResult` (SA-6, SA-8).
pub(super) fn sampled(answer: &JsonSlice) -> Result<Answer, String> {
    let value = answer.to_value().map_err(|error| error.to_string())?;
    if !matches!(value["role"].as_str(), Some("user" | "assistant")) {
        return Err("role must be user or assistant".into());
    }
    string(&value, "model")?;
    if value.get("stopReason").is_some_and(|reason| !reason.is_string()) {
        return Err("stopReason must be a string".into());
    }
    match &value["content"] {
        Value::Array(blocks) => blocks.iter().try_for_each(check_block)?,
        block => check_block(block)?,
    }
    Ok(Answer { action: Action::Accept, json: answer.clone() })
}

/// Checks a `ListRootsResult` (RT-1).
pub(super) fn listed(answer: &JsonSlice) -> Result<Answer, String> {
    let roots = answer.member("roots").filter(|roots| roots.kind() == Kind::Array);
    for root in roots.ok_or("roots must be an array")?.elements() {
        let root = root.deserialize::<Root>().map_err(|error| format!("roots: {}", error.what()))?;
        // The scheme of a URI is case-insensitive (RFC 3986, section 3.1).
        if !root.uri.get(..7).is_some_and(|start| start.eq_ignore_ascii_case("file://")) {
            return Err("roots: uri must begin with file://".into());
        }
    }
    Ok(Answer { action: Action::Accept, json: answer.clone() })
}

#[cfg(test)]
mod tests {
    use super::super::Question;
    use super::*;
    use serde_json::json;

    fn read(question: Question, answer: Value) -> Result<Answer, String> {
        question.read(&JsonSlice::from_value(&answer))
    }

    #[test]
    fn content_goes_with_an_accepted_form_only() {
        // EL-8, EL-12
        let answered = |question, answer| read(question, answer).unwrap().json().to_string();
        let (form, url) = (Question::ElicitForm, Question::ElicitUrl);
        let content = json!({ "a": 1 });
        let full = |action| json!({ "action": action, "content": content, "_meta": {} });
        assert_eq!(answered(form, full("accept")), r#"{"action":"accept","content":{"a":1}}"#);
        assert_eq!(answered(form, json!({ "action": "accept" })), r#"{"action":"accept","content":{}}"#);
        assert_eq!(answered(form, full("decline")), r#"{"action":"decline"}"#);
        assert_eq!(answered(url, full("accept")), r#"{"action":"accept"}"#);
        assert!(read(form, json!({ "action": "accept", "content": null })).is_err());
        assert!(read(url, json!({ "action": "Accept" })).is_err());
        assert!(read(url, json!([])).is_err());
    }

    #[test]
    fn a_sampled_message_has_its_parts() {
        // SA-6, SA-8
        let block = json!({ "type": "text", "text": "hi" });
        let message = |content: &Value| json!({ "role": "assistant", "model": "m", "content": content, "stopReason": "new" });
        let answer = read(Question::Sample, message(&block)).unwrap();
        assert_eq!((answer.action(), answer.text()), (Action::Accept, "hi".into()));
        let tool = json!({ "type": "tool_use", "id": "1", "name": "n", "input": {} });
        let several = read(Question::Sample, message(&json!([block, tool, block]))).unwrap();
        assert_eq!(several.text(), "hihi");
        let with = |name: &str, value: Value| {
            let mut message = message(&block);
            message[name] = value;
            message
        };
        let wrong = [
            (with("role", json!("system")), "role"),
            (with("model", json!(null)), "model"),
            (with("stopReason", json!(1)), "stopReason"),
            (with("content", json!("hi")), "content block"),
            (with("content", json!([{ "type": "text" }])), "text"),
            (with("content", json!({ "type": "tool_use", "id": 1 })), "id"),
        ];
        for (answer, why) in wrong {
            let text = read(Question::Sample, answer).unwrap_err();
            assert!(text.contains(why), "{why}: {text}");
        }
    }

    #[test]
    fn roots_are_files() {
        // RT-1
        let answer = read(
            Question::Roots,
            json!({ "roots": [{ "uri": "file:///a", "name": "A" }, { "uri": "FILE:///b" }] }),
        );
        let roots = answer.unwrap().roots();
        assert_eq!(roots[0], Root { uri: "file:///a".into(), name: Some("A".into()) });
        assert_eq!(roots[1].name, None);
        for wrong in [json!({}), json!({ "roots": [{}] }), json!({ "roots": [{ "uri": "https://a" }] })] {
            assert!(read(Question::Roots, wrong).is_err());
        }
    }
}
