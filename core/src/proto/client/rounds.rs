//! Questions of a server to its client: requests in a legacy session, rounds of a request in the modern era.

use super::{ClientEvent, Conversation, MOST_ROUNDS, Pending, Step, answered};
use crate::json::{JsonSlice, JsonWriter, Kind};
use crate::proto::messages::error::RpcError;
use crate::proto::messages::id::RequestId;
use crate::proto::question::Question;
use crate::proto::results::shape;
use serde_json::{Value, json};

/// A question without an answer.
pub(super) enum OpenQuestion {
    /// A request of the server.
    Request(RequestId),
    /// A question of a round, with its key.
    Round { request: u64, key: String },
}

/// A request whose questions wait for answers.
pub(super) struct Round {
    pending: Pending,
    state: Option<JsonSlice>,
    answers: Vec<(String, JsonSlice)>,
    open: usize,
}

impl OpenQuestion {
    /// The request that the question belongs to, if it is known.
    pub(super) fn request(&self) -> Option<u64> {
        match self {
            OpenQuestion::Round { request, .. } => Some(*request),
            OpenQuestion::Request(_) => None,
        }
    }

    /// Whether the server asked this question in the request with this id.
    pub(super) fn is_of(&self, id: Option<&JsonSlice>) -> bool {
        match (self, id) {
            (OpenQuestion::Request(own), Some(id)) => own.raw().as_str() == id.as_str(),
            _ => false,
        }
    }
}

/// The kind of question for a method and its parameters.
pub(super) fn kind(method: &str, params: &JsonSlice) -> Option<Question> {
    let url = params.member("mode").is_some_and(|mode| mode.decode_str().as_deref() == Some("url"));
    let fits =
        |question: &Question| question.method() == method && (*question != Question::ElicitForm || !url);
    Question::ALL.into_iter().find(fits)
}

pub(super) fn wants_input(result: &JsonSlice) -> bool {
    result.member("resultType").is_some_and(|kind| kind.decode_str().as_deref() == Some("input_required"))
}

impl Conversation {
    /// Passes the questions of a result to the program.
    pub(super) fn begin_round(&mut self, pending: Pending, result: &JsonSlice) -> Vec<Step> {
        let Some(request) = pending.request else { return Vec::new() };
        if pending.rounds >= MOST_ROUNDS {
            let text = format!("the request has asked for input {MOST_ROUNDS} times");
            return answered(&pending, Err(RpcError::internal(text)));
        }
        let asked = result.member("inputRequests").unwrap_or_else(JsonSlice::empty_object);
        let mut steps = Vec::new();
        for member in asked.members() {
            let (key, asks) = (member.name(asked.as_bytes()).into_owned(), asked.subslice(member.value));
            let params = asks.member("params").unwrap_or_else(JsonSlice::empty_object);
            let method = asks.member("method");
            let method = method.as_ref().and_then(|method| method.decode_str()).unwrap_or_default();
            let Some(kind) = kind(&method, &params) else {
                return answered(&pending, Err(RpcError::method_not_found(&method)));
            };
            let question = self.number();
            self.questions.insert(question, OpenQuestion::Round { request, key });
            steps.push(Step::Tell(ClientEvent::Asked { question, kind, params }));
        }
        let (state, open) = (result.member("requestState"), steps.len());
        let pending = Pending { rounds: pending.rounds + 1, ..pending };
        self.rounds.insert(request, Round { pending, state, answers: Vec::new(), open });
        if open == 0 {
            return self.end_round(request);
        }
        steps
    }

    /// The program's answer to a question, see [`read_answer`]. An error fails the question; in the modern era it fails
    /// the whole request.
    pub(crate) fn answer(
        &mut self,
        question: u64,
        kind: Question,
        answer: Result<&JsonSlice, &str>,
    ) -> Result<Vec<Step>, String> {
        let answer = match answer {
            Ok(answer) => Ok(read_answer(kind, answer)?),
            Err(reason) => Err(RpcError::internal(reason)),
        };
        let Some(open) = self.questions.remove(&question) else { return Ok(Vec::new()) };
        Ok(match (open, answer) {
            (OpenQuestion::Request(id), Ok(answer)) => {
                let mut out = JsonWriter::new();
                out.begin_object().key("jsonrpc").str("2.0").key("id").slice(id.raw());
                out.key("result").slice(&answer).end_object();
                vec![Step::Send(out.into_bytes())]
            }
            (OpenQuestion::Request(id), Err(error)) => {
                vec![Step::Send(shape::error(Some(&id), Some(self.settings.revision), &error))]
            }
            (OpenQuestion::Round { request, key }, Ok(answer)) => {
                let Some(round) = self.rounds.get_mut(&request) else { return Ok(Vec::new()) };
                round.answers.push((key, answer));
                round.open -= 1;
                if round.open > 0 { Vec::new() } else { self.end_round(request) }
            }
            (OpenQuestion::Round { request, .. }, Err(error)) => match self.rounds.remove(&request) {
                Some(round) => answered(&round.pending, Err(error)),
                None => Vec::new(),
            },
        })
    }

    /// Sends the request again, with the answers.
    fn end_round(&mut self, request: u64) -> Vec<Step> {
        let Some(Round { pending, state, answers, .. }) = self.rounds.remove(&request) else {
            return Vec::new();
        };
        let mut responses = JsonWriter::new();
        responses.begin_object();
        for (key, answer) in &answers {
            responses.key(key).slice(answer);
        }
        responses.end_object();
        let mut further = vec![("inputResponses", responses.into_slice())];
        further.extend(state.map(|state| ("requestState", state)));
        self.send(pending, &further)
    }
}

/// Converts a program's answer to the form of the protocol. For an elicitation, an object is the content of the form,
/// `true` accepts, and `false` and `null` decline. The strings `accept`, `decline` and `cancel` are also valid. For
/// sampling it is the model's text or the whole result; for roots it is an array of URIs or of roots.
fn read_answer(kind: Question, answer: &JsonSlice) -> Result<JsonSlice, String> {
    let action = |action: &str| Ok(JsonSlice::from_value(&json!({ "action": action })));
    let word = answer.decode_str();
    match (kind, answer.kind(), word.as_deref()) {
        (Question::ElicitForm | Question::ElicitUrl, Kind::True, _) => action("accept"),
        (Question::ElicitForm | Question::ElicitUrl, Kind::False | Kind::Null, _) => action("decline"),
        (
            Question::ElicitForm | Question::ElicitUrl,
            Kind::String,
            Some(word @ ("accept" | "decline" | "cancel")),
        ) => action(word),
        (Question::ElicitForm, Kind::Object, _) => {
            let mut out = JsonWriter::new();
            out.begin_object().key("action").str("accept").key("content").slice(answer).end_object();
            Ok(out.into_slice())
        }
        (Question::Sample, Kind::String, Some(text)) => Ok(JsonSlice::from_value(&json!({
            "role": "assistant", "model": "test", "stopReason": "endTurn",
            "content": { "type": "text", "text": text },
        }))),
        (Question::Roots, Kind::Array, _) => {
            let roots: Vec<Value> = answer
                .elements()
                .map(|root| match root.decode_str() {
                    Some(uri) => json!({ "uri": uri }),
                    None => root.to_value().unwrap_or_default(),
                })
                .collect();
            Ok(JsonSlice::from_value(&json!({ "roots": roots })))
        }
        (Question::Sample, Kind::Object, _) => Ok(answer.clone()),
        _ => Err(format!("invalid answer {} to {}", answer.as_str(), kind.noun())),
    }
}
