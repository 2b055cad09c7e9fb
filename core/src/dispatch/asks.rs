//! Questions to the client while a call runs, and their replay when a call is run again with the answers.

use super::environment::Environment;
use super::limits::Limits;
use super::schema::{Schema, check_form};
use super::seal::Sealer;
use crate::json::{JsonSlice, JsonWriter, Kind};
use crate::proto::envelope::Client;
use crate::proto::error::RpcError;
use crate::proto::method::ELICITATION_CREATE;
use crate::proto::shape;
use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use std::fmt;

/// A question to the user behind the client: a message and a form.
#[derive(Clone, Debug)]
pub struct Ask {
    /// Names the question within its call; without one its ordinal serves. Name questions whose order may vary.
    pub key: Option<String>,
    /// What the user is asked.
    pub message: String,
    /// The form: an object schema of flat primitive properties.
    pub schema: JsonSlice,
}

/// What the user did with a question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Filled in the form.
    Accept,
    /// Said no.
    Decline,
    /// Closed it without choosing.
    Cancel,
}

/// The answer to an [`Ask`].
#[derive(Clone, Debug)]
pub struct Answer {
    /// What the user did.
    pub action: Action,
    /// The filled form, with [`Action::Accept`] only; it conforms to the schema that was sent.
    pub content: Option<JsonSlice>,
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
    /// The question is wrong: its schema, its key, its number.
    Invalid(String),
    /// The answer is not what was asked for, or the client reported a failure.
    Failed(String),
}

impl Action {
    /// The wire name.
    pub fn as_str(self) -> &'static str {
        match self {
            Action::Accept => "accept",
            Action::Decline => "decline",
            Action::Cancel => "cancel",
        }
    }
}

impl fmt::Display for AskError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            AskError::Stale => f.write_str("the call is no longer in flight"),
            AskError::Unsupported(error) => f.write_str(&error.message),
            AskError::Invalid(text) | AskError::Failed(text) => f.write_str(text),
        }
    }
}

impl std::error::Error for AskError {}

/// A question that was asked in an earlier attempt.
struct Recorded {
    key: String,
    digest: String,
    /// The answer as sent, or the failure the client reported instead.
    answer: Option<Result<JsonSlice, String>>,
}

/// A question waiting for its answer.
pub(crate) struct Pending {
    pub(crate) id: AskId,
    key: String,
    digest: String,
    pub(crate) params: JsonSlice,
    schema: Schema,
    /// The id of our request, where one was sent.
    pub(crate) request: Option<u64>,
}

/// The questions of one call.
#[derive(Default)]
pub(crate) struct Asks {
    recorded: Vec<Recorded>,
    pub(crate) pending: Vec<Pending>,
    keys: Vec<String>,
    next: u32,
    round: usize,
    /// This attempt asked something whose answer is not recorded.
    fresh: bool,
}

/// What [`Asks::prepare`] found.
pub(crate) enum Prepared {
    Answered(Answer),
    Pending(AskId),
}

impl Asks {
    /// Starts another attempt of the same call, with what is recorded.
    pub(crate) fn restart(&mut self) {
        self.keys.clear();
        self.pending.clear();
        self.fresh = false;
    }

    /// Whether this attempt asked something new, so that it may suspend.
    pub(crate) fn asked_anew(&self) -> bool {
        self.fresh
    }

    /// Registers a question: known from an earlier attempt, or pending from now on.
    pub(crate) fn prepare(
        &mut self,
        ask: Ask,
        client: &Client,
        limits: &Limits,
    ) -> Result<Prepared, AskError> {
        if !client.can_elicit_form() {
            let form = br#"{"elicitation":{"form":{}}}"#;
            return Err(AskError::Unsupported(RpcError::missing_capability(
                "The client cannot be asked: it does not declare elicitation forms",
                JsonSlice::from_trusted(bytes::Bytes::from_static(form)),
            )));
        }
        let invalid = |reason: String| AskError::Invalid(format!("elicitation: {reason}"));
        check_form(&ask.schema).map_err(invalid)?;
        let schema = Schema::compile(ask.schema).map_err(|error| invalid(error.to_string()))?;
        let key = ask.key.unwrap_or_else(|| format!("ask-{}", self.keys.len() + 1));
        if self.keys.contains(&key) {
            return Err(invalid(format!("key {key:?} is used twice in one call")));
        }
        let earlier = self.recorded.iter().filter(|recorded| !self.keys.contains(&recorded.key));
        let is_new = !self.recorded.iter().any(|recorded| recorded.key == key);
        if is_new && self.keys.len() + earlier.count() >= limits.max_asks {
            return Err(invalid(format!("more than {} questions in one call", limits.max_asks)));
        }
        let params = shape::elicitation_params(client.revision, &ask.message, schema.text());
        let digest = URL_SAFE_NO_PAD.encode(&digest(&SHA256, params.as_bytes()).as_ref()[..16]);
        if let Some(recorded) = self.recorded.iter().find(|recorded| recorded.key == key) {
            if recorded.digest != digest {
                return Err(invalid(format!(
                    "question {key:?} changed between attempts; questions must depend only on arguments and answers"
                )));
            }
            if let Some(answer) = &recorded.answer {
                let answer = read_answer(answer, &schema);
                self.keys.push(key);
                return answer.map(Prepared::Answered);
            }
        }
        self.next += 1;
        self.fresh = true;
        let id = AskId(self.next);
        self.keys.push(key.clone());
        self.pending.push(Pending { id, key, digest, params, schema, request: None });
        Ok(Prepared::Pending(id))
    }

    /// Takes the answer to a request of ours, or the failure the client reported.
    pub(crate) fn answer(
        &mut self,
        id: AskId,
        answer: Result<JsonSlice, String>,
    ) -> Option<Result<Answer, AskError>> {
        let place = self.pending.iter().position(|pending| pending.id == id)?;
        let Pending { key, digest, schema, .. } = self.pending.remove(place);
        let read = read_answer(&answer, &schema);
        self.recorded.retain(|recorded| recorded.key != key);
        self.recorded.push(Recorded { key, digest, answer: Some(answer) });
        Some(read)
    }

    /// The pending questions for `input_required`: key, method, params.
    pub(crate) fn requests(&self) -> impl Iterator<Item = (&str, &str, &JsonSlice)> {
        self.pending.iter().map(|pending| (pending.key.as_str(), ELICITATION_CREATE, &pending.params))
    }

    /// Everything asked so far, sealed for the client to carry.
    pub(crate) fn seal(
        &self,
        sealer: &Sealer,
        binding: &[u8],
        limits: &Limits,
        environment: &dyn Environment,
    ) -> Result<String, RpcError> {
        let expiry = environment.unix_seconds().saturating_add(limits.state_lifetime.as_secs());
        let mut out = JsonWriter::new();
        out.begin_object().key("e").uint(expiry).key("r").uint(self.round as u64 + 1);
        out.key("a").begin_array();
        let pending = self.pending.iter().map(|pending| (&pending.key, &pending.digest, None));
        let recorded = self.recorded.iter().map(|recorded| {
            (
                &recorded.key,
                &recorded.digest,
                recorded.answer.as_ref().and_then(|answer| answer.as_ref().ok()),
            )
        });
        let is_pending = |key: &str| self.pending.iter().any(|pending| pending.key == key);
        for (key, digest, answer) in recorded.filter(|(key, ..)| !is_pending(key)).chain(pending) {
            out.begin_array().str(key).str(digest);
            match answer {
                Some(answer) => out.slice(answer),
                None => out.null(),
            };
            out.end_array();
        }
        out.end_array().end_object();
        let sealed = sealer
            .seal(out.as_bytes(), binding, environment)
            .map_err(|error| RpcError::internal(format!("Cannot seal the request state: {error}")))?;
        if sealed.len() > limits.max_state_bytes {
            return Err(RpcError::internal(format!(
                "The request state exceeds {} bytes; ask for less",
                limits.max_state_bytes
            )));
        }
        Ok(sealed)
    }

    /// What a retried request carries: the opened state, with the new answers filled in (MR-8 to MR-12).
    pub(crate) fn resume(
        state: &str,
        responses: Option<&JsonSlice>,
        sealer: &Sealer,
        binding: &[u8],
        limits: &Limits,
        environment: &dyn Environment,
    ) -> Result<Asks, RpcError> {
        let refused =
            || RpcError::invalid_params("Invalid params: requestState is not valid for this request");
        if state.len() > limits.max_state_bytes {
            return Err(refused());
        }
        let plain = sealer.open(state, binding).map_err(|_| refused())?;
        let State { e: expiry, r: round, a: asked } =
            serde_json::from_slice(&plain).map_err(|_| refused())?;
        if expiry < environment.unix_seconds() {
            return Err(refused());
        }
        if round > limits.max_asks {
            return Err(RpcError::invalid_params("Invalid params: this request has gone too many rounds"));
        }
        let mut recorded = Vec::with_capacity(asked.len());
        for (key, digest, answer) in asked {
            let answer = match answer {
                Some(answer) => Some(JsonSlice::from_value(&answer)),
                None => responses.and_then(|responses| responses.member(&key)),
            };
            if let Some(answer) = &answer {
                parse_answer(answer).map_err(|reason| {
                    RpcError::invalid_params(format!("Invalid params: inputResponses {key:?}: {reason}"))
                })?;
            }
            recorded.push(Recorded { key, digest, answer: answer.map(Ok) });
        }
        Ok(Asks { recorded, round, ..Asks::default() })
    }
}

#[derive(serde::Deserialize)]
struct State {
    e: u64,
    r: usize,
    a: Vec<(String, String, Option<serde_json::Value>)>,
}

fn parse_answer(answer: &JsonSlice) -> Result<Answer, String> {
    if answer.kind() != Kind::Object {
        return Err("must be an object".into());
    }
    let action = answer.member("action");
    let action = match action.as_ref().and_then(|action| action.decode_str()).as_deref() {
        Some("accept") => Action::Accept,
        Some("decline") => Action::Decline,
        Some("cancel") => Action::Cancel,
        _ => return Err("action must be accept, decline or cancel".into()),
    };
    let content = answer.member("content").filter(|_| action == Action::Accept);
    if content.as_ref().is_some_and(|content| content.kind() != Kind::Object) {
        return Err("content must be an object".into());
    }
    Ok(Answer { action, content })
}

/// Reads an answer and checks an accepted form against its schema (EL-9).
fn read_answer(answer: &Result<JsonSlice, String>, schema: &Schema) -> Result<Answer, AskError> {
    let failed = |reason: String| {
        AskError::Failed(format!("elicitation: the client's answer is not usable: {reason}"))
    };
    let answer = answer
        .as_ref()
        .map_err(|reason| AskError::Failed(format!("elicitation: the client failed: {reason}")))?;
    let answer = parse_answer(answer).map_err(failed)?;
    if answer.action == Action::Accept {
        let empty = JsonSlice::from_trusted(bytes::Bytes::from_static(b"{}"));
        schema.check(answer.content.as_ref().unwrap_or(&empty)).map_err(failed)?;
    }
    Ok(answer)
}

/// What a sealed state is bound to: who asks, for which method and target, with which arguments (MR-9).
pub(crate) fn binding(principal: &str, method: &str, target: &str, arguments: &JsonSlice) -> Vec<u8> {
    // Key order may change when a client builds its retry, so the digest is over sorted text.
    let mut arguments = arguments.to_value().unwrap_or_default();
    arguments.sort_all_objects();
    let text = serde_json::json!([principal, method, target, arguments]).to_string();
    digest(&SHA256, text.as_bytes()).as_ref().to_vec()
}
