//! Asks a function of the program several questions, a bounded number at a time.

use super::decision::{Decision, Question, Subject};
use crate::dispatch::timed_cache::Digest;
use crate::host::engine::Engine;
use crate::locks::Mutex;
use crate::proto::messages::error::RpcError;
use std::collections::HashMap;
use std::sync::Arc;

/// The most questions of one request that are asked at the same time.
const WINDOW: usize = 64;

/// What was decided, by the keys of the questions.
pub(in crate::host) type Decided = HashMap<Digest, Decision>;

/// Takes all decisions, or the error for the client.
type Then = Box<dyn FnOnce(Result<Decided, RpcError>) + Send>;

struct OpenQuestions {
    engine: Engine,
    subject: Subject,
    /// Whether the request still waits.
    is_wanted: Box<dyn Fn() -> bool + Send + Sync>,
    state: Mutex<State>,
}

struct State {
    rest: Vec<Question>,
    /// How many questions wait for their answers.
    asked: usize,
    decided: Decided,
    failed: Option<RpcError>,
    /// Whether a thread is in [`OpenQuestions::ask`]. A function that answers at once then does not ask further.
    asking: bool,
    then: Option<Then>,
}

impl Engine {
    /// Asks all questions. `then` runs once, on any thread, unless the request is no longer wanted.
    pub(super) fn ask_all(
        &self,
        subject: Subject,
        questions: Vec<Question>,
        decided: Decided,
        is_wanted: impl Fn() -> bool + Send + Sync + 'static,
        then: impl FnOnce(Result<Decided, RpcError>) + Send + 'static,
    ) {
        let state = State {
            rest: questions,
            asked: 0,
            decided,
            failed: None,
            asking: false,
            then: Some(Box::new(then)),
        };
        let (is_wanted, state) = (Box::new(is_wanted), Mutex::new(state));
        Arc::new(OpenQuestions { engine: self.clone(), subject, is_wanted, state }).ask();
    }
}

impl OpenQuestions {
    fn ask(self: &Arc<OpenQuestions>) {
        if std::mem::replace(&mut self.state.lock().asking, true) {
            return;
        }
        loop {
            let wanted = (self.is_wanted)();
            let next = {
                let mut state = self.state.lock();
                let open = wanted && state.failed.is_none() && state.asked < WINDOW;
                let next = if open { state.rest.pop() } else { None };
                match &next {
                    Some(_) => state.asked += 1,
                    None => state.asking = false,
                }
                next
            };
            let Some(question) = next else { break };
            let (own, key) = (self.clone(), question.key);
            let decided = move |decision| {
                own.take(key, decision);
                own.ask();
            };
            self.engine.decide(&self.subject, &question, Box::new(decided));
        }
        self.finish();
    }

    fn take(&self, key: Digest, decision: Result<Decision, RpcError>) {
        let mut state = self.state.lock();
        state.asked -= 1;
        match decision {
            Ok(decision) => _ = state.decided.insert(key, decision),
            Err(error) => state.failed = state.failed.take().or(Some(error)),
        }
    }

    /// Passes the decisions on if all questions are answered.
    fn finish(&self) {
        let (then, result) = {
            let mut state = self.state.lock();
            let ends = state.asked == 0 && (state.rest.is_empty() || state.failed.is_some());
            let Some(then) = (if ends { state.then.take() } else { None }) else { return };
            let result = match state.failed.take() {
                Some(error) => Err(error),
                None => Ok(std::mem::take(&mut state.decided)),
            };
            (then, result)
        };
        // A request that has ended must have no effect.
        if (self.is_wanted)() {
            then(result);
        }
    }
}
