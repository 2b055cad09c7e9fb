//! The questions of a call, and the results of its one-time effects. Both are replayed when the call runs again with
//! the client's answers.
mod draft;
mod sealed_state;

use crate::dispatch::calls::ask::{AskError, AskId};
use crate::dispatch::limits::Limits;
use crate::json::JsonSlice;
use crate::proto::question::{Action, Question};
use draft::invalid;
pub(crate) use draft::{Draft, Reader};
pub(crate) use sealed_state::binding;

/// The key of the question of the policy `confirm`. Handlers cannot use it.
pub(crate) const CONFIRM: &str = "tenon/confirm";

/// A question that has been asked.
struct Recorded {
    key: String,
    kind: Question,
    digest: String,
    /// The answer as the client sent it, or the reason why there is none.
    answer: Option<Result<JsonSlice, String>>,
    /// Whether the present attempt has asked the question too.
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

/// The questions of one call, and the results that it stores.
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

/// The result of [`Asks::register`].
pub(crate) enum Registered {
    /// An earlier attempt asked this and got this answer; [`Reader::read`] reads it.
    Recorded(Result<JsonSlice, String>),
    /// The question waits for its answer.
    Pending(AskId),
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

    /// Whether the call has asked its client.
    pub(crate) fn has_asked(&self) -> bool {
        self.asked > 0 || !self.recorded.is_empty() || !self.pending.is_empty()
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
        self.supplied.as_ref()?.member(draft.key.as_ref().filter(|key| *key != CONFIRM)?)
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

    /// Registers the question of the policy `confirm`. It is not a question of the handler: it has no ordinal, and no limit
    /// counts it. An answer counts only if the sealed state has it, and if the question is still the same.
    pub(crate) fn confirm(&mut self, draft: &Draft) -> Registered {
        let same = |recorded: &&Recorded| {
            recorded.key == CONFIRM && recorded.digest == draft.digest && recorded.kind == draft.reader.kind
        };
        let answer = self.recorded.iter().find(same).and_then(|recorded| recorded.answer.clone());
        if let Some(answer) = answer {
            return Registered::Recorded(answer);
        }
        self.recorded.retain(|recorded| recorded.key != CONFIRM);
        self.next += 1;
        let id = AskId(self.next);
        let (digest, params, reader) = (draft.digest.clone(), draft.params.clone(), draft.reader.clone());
        self.pending.push(Pending { id, key: CONFIRM.to_owned(), digest, params, reader, request: None });
        Registered::Pending(id)
    }

    /// Registers a question: it is known from an earlier attempt, or is pending from now on.
    pub(crate) fn register(&mut self, draft: &Draft, limits: &Limits) -> Result<Registered, AskError> {
        let Draft { digest, params, reader, .. } = draft;
        let invalid = |reason: String| Err(invalid(reader.kind, reason));
        let key = self.key(draft);
        if key == CONFIRM {
            return invalid(format!("key {key:?} belongs to the policy confirm; choose another one"));
        }
        let waits = |key: &str| self.pending.iter().any(|pending| pending.key == key);
        let earlier = self.recorded.iter().position(|recorded| recorded.key == key);
        if waits(&key) || earlier.is_some_and(|place| self.recorded[place].again) {
            return invalid(format!("key {key:?} is used twice in one call"));
        }
        let total =
            self.recorded.iter().filter(|recorded| recorded.key != CONFIRM && !waits(&recorded.key)).count()
                + self.pending.len();
        if earlier.is_none() && total >= limits.max_asks {
            return invalid(format!("a call may ask at most {} questions (max_asks)", limits.max_asks));
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
            return invalid(format!("key {key:?} already has a result"));
        }
        if self.kept.len() >= limits.max_asks {
            return invalid(format!("a call may store at most {} results (max_asks)", limits.max_asks));
        }
        let size = |key: &str, result: &JsonSlice| key.len() + result.as_bytes().len();
        let bytes =
            size(&key, &result) + self.kept.iter().map(|(key, result)| size(key, result)).sum::<usize>();
        // Sealing turns three bytes into four.
        if bytes.saturating_mul(4) / 3 > limits.max_state_bytes {
            return invalid(format!(
                "the results are too large for the request state of {} bytes (max_state_bytes)",
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
}
