//! The questions of a call, and the results of its one-time effects. Both are replayed when the call runs again with
//! the client's answers.

use crate::dispatch::aead::StateCipher;
use crate::dispatch::calls::ask::{Ask, AskError, AskId, with};
use crate::dispatch::environment::Environment;
use crate::dispatch::limits::Limits;
use crate::dispatch::validation::schema::Schema;
use crate::json::{self, JsonSlice, JsonWriter, Kind};
use crate::proto::messages::envelope::Client;
use crate::proto::messages::error::{RpcError, code};
use crate::proto::question::{Action, Answer, ELICITATION_ID, Question, Refusal};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};
use std::sync::Arc;

/// A question that has been asked.
struct Recorded {
    key: String,
    kind: Question,
    digest: String,
    /// The answer as the client sent it, or the reason why there is none.
    answer: Option<Result<JsonSlice, String>>,
    /// Whether this attempt has asked it too.
    again: bool,
}

/// A question that waits for its answer.
pub(crate) struct Pending {
    pub(crate) id: AskId,
    key: String,
    digest: String,
    params: JsonSlice,
    reader: Reader,
    /// The id of the engine's request, if one was sent.
    pub(crate) request: Option<u64>,
}

/// Reads the answers to one question.
#[derive(Clone)]
pub(crate) struct Reader {
    pub(crate) kind: Question,
    /// The schema of a form.
    schema: Option<Arc<Schema>>,
}

/// The questions of one call, and the results that it keeps.
#[derive(Default)]
pub(crate) struct Asks {
    recorded: Vec<Recorded>,
    pub(crate) pending: Vec<Pending>,
    /// Results of effects, by key.
    kept: Vec<(String, JsonSlice)>,
    next: u32,
    /// The number of questions in this attempt.
    asked: u32,
    round: u32,
    /// The number of running effects.
    working: u16,
    /// This attempt asked a question whose answer is not recorded.
    fresh: bool,
    /// This attempt must end, even if something could wait for the answer.
    insists: bool,
    /// Answers that the call contained before anything was asked, an object.
    supplied: Option<JsonSlice>,
}

/// A question that can be asked: it is checked, and its form is compiled. It is made before any lock is taken.
pub(crate) struct Draft {
    key: Option<String>,
    digest: String,
    params: JsonSlice,
    reader: Reader,
}

/// The result of [`Asks::register`].
pub(crate) enum Registered {
    /// An earlier attempt asked this and got this answer; [`Reader::read`] reads it.
    Recorded(Result<JsonSlice, String>),
    /// The question waits for its answer.
    Pending(AskId),
}

fn invalid(kind: Question, reason: impl std::fmt::Display) -> AskError {
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

    /// The reader of its answers.
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

impl Asks {
    /// Starts another attempt of the same call, with the recorded answers.
    pub(crate) fn restart(&mut self) {
        self.pending.clear();
        self.recorded.iter_mut().for_each(|recorded| recorded.again = false);
        self.asked = 0;
        (self.fresh, self.insists) = (false, false);
    }

    /// Whether this attempt asked a question that another attempt asks again.
    pub(crate) fn insists(&self) -> bool {
        self.insists
    }

    /// The key of a pending question.
    pub(crate) fn name(&self, id: AskId) -> Option<String> {
        self.pending.iter().find(|pending| pending.id == id).map(|pending| pending.key.clone())
    }

    /// Whether this attempt asked a new question, so that it may suspend.
    pub(crate) fn asked_anew(&self) -> bool {
        self.fresh
    }

    /// Whether an attempt that cannot wait must end now: it asked a question, and no effect is running.
    pub(crate) fn must_suspend(&self) -> bool {
        !self.pending.is_empty() && self.working == 0
    }

    /// The questions of a call whose client sends answers before it is asked (MR-15).
    pub(crate) fn supplied(answers: Option<JsonSlice>) -> Asks {
        Asks { supplied: answers, ..Asks::default() }
    }

    /// The supplied answer to a question that the program has named. A name that the engine gave identifies no
    /// question. `None` if there is no matching answer; the question is then asked.
    pub(crate) fn supplied_for(&self, draft: &Draft) -> Option<JsonSlice> {
        self.supplied.as_ref()?.member(draft.key.as_ref()?)
    }

    /// Records a supplied answer that matches its question.
    pub(crate) fn accept(&mut self, draft: &Draft, answer: JsonSlice, limits: &Limits) {
        let Some(key) = draft.key.clone() else { return };
        let room = self.recorded.len() + self.pending.len() < limits.max_asks;
        if room && self.recorded.iter().all(|recorded| recorded.key != key) {
            let (kind, digest) = (draft.reader.kind, draft.digest.clone());
            self.recorded.push(Recorded { key, kind, digest, answer: Some(Ok(answer)), again: false });
        }
    }

    /// The key of the next question: its own, or its ordinal.
    fn key(&self, draft: &Draft) -> String {
        draft.key.clone().unwrap_or_else(|| format!("ask-{}", self.asked + 1))
    }

    /// Registers a question: it is known from an earlier attempt, or is pending from now on.
    pub(crate) fn register(&mut self, draft: &Draft, limits: &Limits) -> Result<Registered, AskError> {
        let Draft { digest, params, reader, .. } = draft;
        let invalid = |reason: String| Err(invalid(reader.kind, reason));
        let key = self.key(draft);
        let waits = |key: &str| self.pending.iter().any(|pending| pending.key == key);
        let earlier = self.recorded.iter().position(|recorded| recorded.key == key);
        if waits(&key) || earlier.is_some_and(|place| self.recorded[place].again) {
            return invalid(format!("key {key:?} is used twice in one call"));
        }
        let total =
            self.recorded.iter().filter(|recorded| !waits(&recorded.key)).count() + self.pending.len();
        if earlier.is_none() && total >= limits.max_asks {
            return invalid(format!("more than {} questions in one call", limits.max_asks));
        }
        if let Some(recorded) = earlier.map(|place| &mut self.recorded[place]) {
            if recorded.digest != *digest || recorded.kind != reader.kind {
                return invalid(format!(
                    "question {key:?} changed between attempts; questions must depend only on arguments and answers"
                ));
            }
            if let Some(answer) = &recorded.answer {
                recorded.again = true;
                self.asked += 1;
                return Ok(Registered::Recorded(answer.clone()));
            }
        }
        self.next += 1;
        self.asked += 1;
        self.fresh = true;
        let id = AskId(self.next);
        let (digest, params, reader) = (digest.clone(), params.clone(), reader.clone());
        self.pending.push(Pending { id, key, digest, params, reader, request: None });
        Ok(Registered::Pending(id))
    }

    /// Registers a question again, because the earlier consent was not enough. If the earlier answer was not consent,
    /// the error says so.
    pub(crate) fn insist(&mut self, draft: &Draft, limits: &Limits) -> Result<Option<AskId>, AskError> {
        let key = self.key(draft);
        let earlier = self.recorded.iter_mut().find(|recorded| recorded.key == key && !recorded.again);
        if let Some(recorded) = earlier
            && let Some(answer) = &recorded.answer
        {
            let action = draft.reader.read(answer)?.action();
            if action != Action::Accept {
                let (noun, action) = (draft.reader.kind.noun(), action.as_str());
                return Err(AskError::Failed(format!("{noun}: the user did not agree ({action})")));
            }
            recorded.answer = None;
        }
        self.insists = true;
        match self.register(draft, limits)? {
            Registered::Pending(id) => Ok(Some(id)),
            Registered::Recorded(_) => Ok(None),
        }
    }

    /// The reader of the answer to a pending question.
    pub(crate) fn reader(&self, id: AskId) -> Option<Reader> {
        self.pending.iter().find(|pending| pending.id == id).map(|pending| pending.reader.clone())
    }

    /// Records the answer to a pending question, or why there is none. Returns `false` if the question is not
    /// pending.
    pub(crate) fn record(&mut self, id: AskId, answer: Result<JsonSlice, String>) -> bool {
        let Some(place) = self.pending.iter().position(|pending| pending.id == id) else { return false };
        let Pending { key, digest, reader, .. } = self.pending.remove(place);
        self.recorded.retain(|recorded| recorded.key != key);
        self.recorded.push(Recorded { key, kind: reader.kind, digest, answer: Some(answer), again: true });
        true
    }

    /// The pending questions for `input_required`: key, method, params.
    pub(crate) fn requests(&self) -> impl Iterator<Item = (&str, &str, &JsonSlice)> {
        let request = |pending: &'_ Pending| pending.reader.kind.method();
        self.pending.iter().map(move |pending| (pending.key.as_str(), request(pending), &pending.params))
    }

    /// The result that was stored under `key`.
    pub(crate) fn kept(&self, key: &str) -> Option<JsonSlice> {
        self.kept.iter().find(|(kept, _)| kept == key).map(|(_, result)| result.clone())
    }

    /// Stores the result of an effect for this call's further attempts. It must fit into the sealed state.
    pub(crate) fn keep(&mut self, key: String, result: JsonSlice, limits: &Limits) -> Result<(), AskError> {
        let invalid = |reason: String| Err(AskError::Invalid(format!("once: {reason}")));
        if self.kept(&key).is_some() {
            return invalid(format!("key {key:?} has a result already"));
        }
        if self.kept.len() >= limits.max_asks {
            return invalid(format!("more than {} results in one call", limits.max_asks));
        }
        let size = |key: &str, result: &JsonSlice| key.len() + result.as_bytes().len();
        let bytes =
            size(&key, &result) + self.kept.iter().map(|(key, result)| size(key, result)).sum::<usize>();
        // Sealing turns three bytes into four.
        if bytes.saturating_mul(4) / 3 > limits.max_state_bytes {
            return invalid(format!(
                "the results exceed what {} bytes of state hold",
                limits.max_state_bytes
            ));
        }
        // A slice from elsewhere may keep a large buffer allocated.
        let result = JsonSlice::from_trusted(result.as_bytes().to_vec().into());
        self.kept.push((key, result));
        Ok(())
    }

    /// Counts an effect that begins (`true`) or ends. Returns whether the attempt has waited for it to end.
    pub(crate) fn work(&mut self, begins: bool) -> bool {
        if begins {
            self.working = self.working.saturating_add(1);
            return false;
        }
        self.working = self.working.saturating_sub(1);
        self.must_suspend()
    }

    /// Everything that was asked so far, sealed for the client to carry.
    pub(crate) fn seal(
        &self,
        sealer: &StateCipher,
        binding: &[u8],
        limits: &Limits,
        environment: &dyn Environment,
    ) -> Result<String, RpcError> {
        let expiry = environment.unix_seconds().saturating_add(limits.state_lifetime.as_secs());
        let mut out = JsonWriter::new();
        out.begin_object().key("e").uint(expiry).key("r").uint(u64::from(self.round) + 1);
        out.key("a").begin_array();
        let pending =
            self.pending.iter().map(|pending| (&pending.key, pending.reader.kind, &pending.digest, None));
        let recorded = self.recorded.iter().map(|recorded| {
            let answer = recorded.answer.as_ref().and_then(|answer| answer.as_ref().ok());
            (&recorded.key, recorded.kind, &recorded.digest, answer)
        });
        let is_pending = |key: &str| self.pending.iter().any(|pending| pending.key == key);
        for (key, kind, digest, answer) in recorded.filter(|(key, ..)| !is_pending(key)).chain(pending) {
            out.begin_array().str(key).str(kind.as_str()).str(digest);
            match answer {
                Some(answer) => out.slice(answer),
                None => out.null(),
            };
            out.end_array();
        }
        out.end_array().key("o").begin_array();
        for (key, result) in &self.kept {
            out.begin_array().str(key).slice(result).end_array();
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

    /// Restores the state of a retried request: the opened state, with the new answers added (MR-8 to MR-12).
    pub(crate) fn resume(
        state: &str,
        responses: Option<&JsonSlice>,
        sealer: &StateCipher,
        binding: impl FnOnce() -> Vec<u8>,
        limits: &Limits,
        environment: &dyn Environment,
    ) -> Result<Asks, RpcError> {
        let refused =
            || RpcError::invalid_params("Invalid params: requestState is not valid for this request");
        // The arguments may have megabytes, and anybody can send some text as a state.
        if state.len() > limits.max_state_bytes || !sealer.is_plausible(state) {
            return Err(refused());
        }
        let plain = sealer.open(state, &binding()).map_err(|_| refused())?;
        let State { expiry, round, asked, kept } = State::read(plain).ok_or_else(refused)?;
        if expiry < environment.unix_seconds() {
            return Err(refused());
        }
        if round as usize > limits.max_asks {
            return Err(RpcError::invalid_params("Invalid params: this request has gone too many rounds"));
        }
        let mut recorded = Vec::with_capacity(asked.len());
        for (key, kind, digest, answer) in asked {
            let answer = match answer {
                Some(answer) => Some(answer),
                None => responses.and_then(|responses| responses.member(&key)),
            };
            if let Some(answer) = &answer {
                kind.read(answer).map_err(|reason| {
                    RpcError::invalid_params(format!("Invalid params: inputResponses {key:?}: {reason}"))
                })?;
            }
            recorded.push(Recorded { key, kind, digest, answer: answer.map(Ok), again: false });
        }
        Ok(Asks { recorded, kept, round, ..Asks::default() })
    }
}

/// The content of a sealed state.
struct State {
    expiry: u64,
    round: u32,
    /// Key, kind, digest and optional answer of each question. Answers are as the client sent them.
    asked: Vec<(String, Question, String, Option<JsonSlice>)>,
    /// Results of effects.
    kept: Vec<(String, JsonSlice)>,
}

impl State {
    fn read(plain: Vec<u8>) -> Option<State> {
        // The engine wrote this text, so only corruption could exceed a limit here.
        let state = JsonSlice::parse(plain.into(), &json::Limits::TRUSTED).ok()?;
        let number = |name: &str| state.member(name)?.as_str().parse::<u64>().ok();
        let text = |text: Option<JsonSlice>| Some(text?.decode_str()?.into_owned());
        let asked = state.member("a")?;
        let asked = asked.elements().map(|asked| {
            let mut parts = asked.elements();
            let (key, kind) = (text(parts.next())?, Question::named(&text(parts.next())?)?);
            let digest = text(parts.next())?;
            Some((key, kind, digest, parts.next().filter(|answer| answer.kind() != Kind::Null)))
        });
        let kept = state.member("o")?;
        let kept = kept.elements().map(|kept| {
            let mut parts = kept.elements();
            Some((text(parts.next())?, parts.next()?))
        });
        let round = u32::try_from(number("r")?).ok()?;
        let (asked, kept) = (asked.collect::<Option<_>>()?, kept.collect::<Option<_>>()?);
        Some(State { expiry: number("e")?, round, asked, kept })
    }
}

/// The data that a sealed state is bound to: principal, method, target and arguments (MR-9).
pub(crate) fn binding(principal: &str, method: &str, target: &str, arguments: &JsonSlice) -> Vec<u8> {
    // A client may change the order of keys when it builds its retry, so the digest is over the meaning of the
    // arguments.
    let mut digest = Sha256::new();
    for part in [principal, method, target] {
        digest.update((part.len() as u64).to_be_bytes());
        digest.update(part);
    }
    json::canonical(arguments, &mut |bytes| digest.update(bytes));
    digest.finalize().to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Instant;

    struct Fixed;

    impl Environment for Fixed {
        fn now(&self) -> Instant {
            Instant::now()
        }
        fn unix_seconds(&self) -> u64 {
            0
        }
        fn random(&self, out: &mut [u8]) -> Result<(), crate::error::Error> {
            out.fill(7);
            Ok(())
        }
    }

    #[test]
    fn an_implausible_state_is_refused_before_arguments_are_looked_at() {
        let limits = Limits::default();
        let sealer = StateCipher::new(vec![[1; 32]]);
        let sealed = Asks::default().seal(&sealer, b"binding", &limits, &Fixed).unwrap();
        let resume = |state: &str, sealer: &StateCipher, binding: &dyn Fn() -> Vec<u8>| {
            Asks::resume(state, None, sealer, binding, &limits, &Fixed).is_ok()
        };
        assert!(resume(&sealed, &sealer, &|| b"binding".to_vec()));
        assert!(!resume(&sealed, &sealer, &|| b"other".to_vec()));
        let looked_at = || -> Vec<u8> { panic!("the arguments were looked at") };
        let long = "Ag".repeat(limits.max_state_bytes);
        for state in ["", "AAAA", "AgAA", &sealed[..20], &format!("A{sealed}"), &format!("{sealed}!"), &long]
        {
            assert!(!resume(state, &sealer, &looked_at), "{state}");
        }
        assert!(!resume(&sealed, &StateCipher::new(Vec::new()), &looked_at));
    }

    #[test]
    fn a_binding_tells_each_of_its_parts_from_the_others() {
        let slice = |text: &'static str| JsonSlice::parse(text.into(), &json::Limits::default()).unwrap();
        let one = binding("p", "m", "t", &slice(r#"{"a":1,"b":"x"}"#));
        assert_eq!(one, binding("p", "m", "t", &slice(r#"{"b":"\u0078", "a":1}"#)));
        for other in [
            binding("pm", "", "t", &slice(r#"{"a":1,"b":"x"}"#)),
            binding("p", "mt", "", &slice(r#"{"a":1,"b":"x"}"#)),
            binding("p", "m", "t", &slice(r#"{"a":2,"b":"x"}"#)),
            binding("p", "m", "t", &slice("null")),
        ] {
            assert_ne!(one, other);
        }
    }
}
