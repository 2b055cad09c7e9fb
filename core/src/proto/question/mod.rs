//! The questions that a server can ask a client, as one table. A kind has a capability that the client must have
//! declared (MR-4, SA-1), and functions that check and convert parameters and answers.

mod answer;
mod elicit;
mod need;
mod sample;

use crate::json::JsonSlice;
use crate::proto::catalog::kind::Kind;
use crate::proto::messages::envelope::Client;
use crate::proto::version::Revision;
pub use answer::{Action, Answer, Root};
pub(crate) use elicit::{ELICITATION_ID, complete, required};
pub(crate) use need::Need;
use serde_json::Value;

/// A kind of question.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Question {
    /// The user fills in a form (`elicitation/create`).
    ElicitForm,
    /// The user visits a page (`elicitation/create` in URL mode).
    ElicitUrl,
    /// A model generates a message (`sampling/createMessage`).
    Sample,
    /// The directories that the user works in (`roots/list`).
    Roots,
}

struct Row {
    question: Question,
    word: &'static str,
    /// The start of error messages about the question.
    noun: &'static str,
    method: &'static str,
    /// The capability that the client must have declared, whatever the parameters are.
    need: Need,
    check: fn(&Value) -> Result<Vec<Need>, String>,
    shape: fn(Value, Revision) -> Result<Value, Refusal>,
    read: fn(&JsonSlice) -> Result<Answer, String>,
}

/// In the order of the variants.
static ROWS: [Row; 4] = [
    Row {
        question: Question::ElicitForm,
        word: "elicit",
        noun: "elicitation",
        method: ELICITATION_CREATE,
        need: need::FORM,
        check: elicit::check_form,
        shape: elicit::shape_form,
        read: answer::elicited,
    },
    Row {
        question: Question::ElicitUrl,
        word: "elicit_url",
        noun: "elicitation",
        method: ELICITATION_CREATE,
        need: need::URL,
        check: elicit::check_url,
        shape: elicit::shape_url,
        read: answer::consented,
    },
    Row {
        question: Question::Sample,
        word: "sample",
        noun: "sampling",
        method: "sampling/createMessage",
        need: need::SAMPLING,
        check: sample::check,
        shape: sample::shape,
        read: answer::sampled,
    },
    Row {
        question: Question::Roots,
        word: "roots",
        noun: "roots",
        method: "roots/list",
        need: need::ROOTS,
        check: no_members,
        shape: |params, _| Ok(params),
        read: answer::listed,
    },
];

const ELICITATION_CREATE: &str = "elicitation/create";

/// Why a question cannot be asked.
#[derive(Debug)]
pub(crate) enum Refusal {
    /// The question's parameters are wrong.
    Invalid(String),
    /// The client did not declare this capability.
    Undeclared(Need),
    /// The client's revision does not have this feature. The text names it.
    Unknown(String),
}

impl Question {
    /// All kinds of questions.
    pub const ALL: [Question; ROWS.len()] =
        [Question::ElicitForm, Question::ElicitUrl, Question::Sample, Question::Roots];

    fn row(self) -> &'static Row {
        &ROWS[self as usize]
    }

    /// The name in the APIs: `elicit`, `elicit_url`, `sample`, `roots`.
    pub fn as_str(self) -> &'static str {
        self.row().word
    }

    /// The kind with this name in the APIs.
    pub fn named(word: &str) -> Option<Question> {
        ROWS.iter().find(|row| row.word == word).map(|row| row.question)
    }

    /// The start of error messages about the question, such as `elicitation`.
    pub fn noun(self) -> &'static str {
        self.row().noun
    }

    /// The method of the request.
    pub fn method(self) -> &'static str {
        self.row().method
    }

    /// Whether this client declared that it can answer the question. Only the declaration matters, not the revision:
    /// some clients negotiate a revision that is older than the question, and can answer it.
    pub fn is_declared_by(self, client: &Client) -> bool {
        self.row().need.is_met(client)
    }

    /// Whether handlers of entries of this kind may ask questions (MR-1).
    pub fn may_come_from(kind: Kind) -> bool {
        matches!(kind, Kind::Tool | Kind::Prompt | Kind::Resource | Kind::ResourceTemplate)
    }

    /// Checks parameters in the newest form, and whether this client can be asked. Converts the parameters for its
    /// revision.
    pub(crate) fn prepare(self, params: &JsonSlice, client: &Client) -> Result<JsonSlice, Refusal> {
        let row = self.row();
        if !self.is_declared_by(client) {
            return Err(Refusal::Undeclared(row.need));
        }
        let params = params.to_value().map_err(|error| Refusal::Invalid(error.to_string()))?;
        if !params.is_object() {
            return Err(Refusal::Invalid("the parameters must be an object".into()));
        }
        let further = (row.check)(&params).map_err(Refusal::Invalid)?;
        if let Some(need) = further.into_iter().find(|need| !need.is_met(client)) {
            return Err(Refusal::Undeclared(need));
        }
        (row.shape)(params, client.revision).map(|params| JsonSlice::from_value(&params))
    }

    /// Reads an answer. It is not checked against a form's schema.
    pub(crate) fn read(self, answer: &JsonSlice) -> Result<Answer, String> {
        if answer.kind() != crate::json::Kind::Object {
            return Err("must be an object".into());
        }
        (self.row().read)(answer)
    }
}

fn no_members(params: &Value) -> Result<Vec<Need>, String> {
    only(params, &["_meta"])?;
    Ok(Vec::new())
}

/// Refuses members that are not in `known`. The error names them.
fn only(object: &Value, known: &[&str]) -> Result<(), String> {
    let mut names = object.as_object().into_iter().flat_map(|object| object.keys());
    match names.find(|name| !known.contains(&name.as_str())) {
        Some(name) => Err(format!("there is no parameter {name:?}; the parameters are {}", known.join(", "))),
        None => Ok(()),
    }
}

/// The member `name`, which must be a string.
fn string<'a>(object: &'a Value, name: &str) -> Result<&'a str, String> {
    object[name].as_str().ok_or_else(|| format!("{name} must be a string"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    pub(super) fn client(revision: Revision, capabilities: Value) -> Client {
        Client { revision, info: None, capabilities: JsonSlice::from_value(&capabilities) }
    }

    #[test]
    fn the_table_is_in_the_order_of_the_kinds() {
        for (place, question) in Question::ALL.into_iter().enumerate() {
            assert_eq!(ROWS[place].question, question);
            assert_eq!(Question::named(question.as_str()), Some(question));
        }
        assert_eq!(Question::named("elicitation/create"), None);
    }

    #[test]
    fn what_asks_is_what_may_be_answered_with_a_question() {
        // MR-1
        let may: Vec<Kind> = Kind::ALL.into_iter().filter(|kind| Question::may_come_from(*kind)).collect();
        assert_eq!(may, [Kind::Tool, Kind::Resource, Kind::ResourceTemplate, Kind::Prompt]);
    }

    #[test]
    fn roots_have_no_parameters_and_no_revision_without_them() {
        for revision in Revision::ALL {
            let client = client(revision, json!({ "roots": {} }));
            let asked = Question::Roots.prepare(&JsonSlice::empty_object(), &client).unwrap();
            assert_eq!(asked.as_str(), "{}");
        }
        let wrong = JsonSlice::from_value(&json!({ "uri": 1 }));
        let client = client(Revision::V2025_11_25, json!({ "roots": {} }));
        match Question::Roots.prepare(&wrong, &client) {
            Err(Refusal::Invalid(text)) => assert!(text.contains("\"uri\""), "{text}"),
            other => panic!("{other:?}"),
        }
    }
}
