//! A question before it is asked: its parameters are checked and its form is compiled.

use crate::dispatch::calls::ask::{Ask, AskError, with};
use crate::dispatch::environment::Environment;
use crate::dispatch::validation::schema::Schema;
use crate::json::JsonSlice;
use crate::proto::messages::envelope::Client;
use crate::proto::messages::error::{RpcError, code};
use crate::proto::question::{Answer, ELICITATION_ID, Question, Refusal};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};
use std::sync::Arc;

#[derive(Clone)]
pub(crate) struct Reader {
    pub(crate) kind: Question,
    /// The schema of a form.
    schema: Option<Arc<Schema>>,
}

/// A question that can be asked: it is checked, and its form is compiled. It is made before any lock is taken.
pub(crate) struct Draft {
    pub(super) key: Option<String>,
    pub(super) digest: String,
    pub(super) params: JsonSlice,
    pub(super) reader: Reader,
}

pub(super) fn invalid(kind: Question, reason: impl std::fmt::Display) -> AskError {
    AskError::Invalid(format!("{}: {reason}", kind.noun()))
}

/// Distinguishes questions under the same key. The id of a visit may differ in each attempt, so it is left out.
fn digest(params: &JsonSlice) -> String {
    let mut digest = Sha256::new();
    for member in params.members() {
        let name = member.name(params.as_bytes());
        if name != ELICITATION_ID {
            let value = params.subslice(member.value);
            for part in [name.as_bytes(), value.as_bytes()] {
                digest.update((part.len() as u64).to_be_bytes());
                digest.update(part);
            }
        }
    }
    URL_SAFE_NO_PAD.encode(&digest.finalize()[..16])
}

impl Draft {
    /// Checks a question, and whether this client can be asked.
    pub(crate) fn new(ask: Ask, client: &Client, environment: &dyn Environment) -> Result<Draft, AskError> {
        let Ask { kind, key, params: given } = ask;
        let mut params = kind.prepare(&given, client).map_err(|refusal| match refusal {
            Refusal::Invalid(reason) => invalid(kind, reason),
            Refusal::Undeclared(need) => AskError::Unsupported(need.error()),
            Refusal::Unknown(what) => {
                // Older revisions lack some features and have no such error, so this becomes a failed result.
                let text = format!("The client cannot be asked: {what}");
                AskError::Unsupported(RpcError::new(code::MISSING_CLIENT_CAPABILITY, text))
            }
        })?;
        let schema = match given.member("requestedSchema").filter(|_| kind == Question::ElicitForm) {
            Some(schema) => {
                Some(Arc::new(Schema::compile(schema).map_err(|error| invalid(kind, error.to_string()))?))
            }
            None => None,
        };
        let digest = digest(&params);
        if kind == Question::ElicitUrl
            && !client.revision.is_modern()
            && params.member(ELICITATION_ID).is_none()
        {
            let mut id = [0; 16];
            environment.random(&mut id).map_err(|error| AskError::Failed(error.to_string()))?;
            let id = JsonSlice::from_value(&URL_SAFE_NO_PAD.encode(id).into());
            params = with(&params, ELICITATION_ID, &id);
        }
        Ok(Draft { key, digest, params, reader: Reader { kind, schema } })
    }

    /// The parameters of the request that asks.
    pub(crate) fn params(&self) -> &JsonSlice {
        &self.params
    }

    /// The id of a visit.
    pub(crate) fn elicitation_id(&self) -> Option<String> {
        self.params.member(ELICITATION_ID)?.decode_str().map(|id| id.into_owned())
    }

    /// The reader of the question's answers.
    pub(crate) fn reader(&self) -> &Reader {
        &self.reader
    }
}

impl Reader {
    /// Reads an answer, and checks an accepted form against its schema (EL-9).
    pub(crate) fn read(&self, answer: &Result<JsonSlice, String>) -> Result<Answer, AskError> {
        let noun = self.kind.noun();
        let failed =
            |reason: String| AskError::Failed(format!("{noun}: the client's answer is not usable: {reason}"));
        let answer = answer.as_ref().map_err(|reason| AskError::Failed(format!("{noun}: {reason}")))?;
        let answer = self.kind.read(answer).map_err(failed)?;
        if let Some(schema) = &self.schema
            && let Some(content) = answer.content()
        {
            schema.check(&content).map_err(failed)?;
        }
        Ok(answer)
    }
}
