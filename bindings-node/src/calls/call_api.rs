//! The methods of `Engine` for calls: outcomes, events, questions, effects.

use crate::calls::completion_batch;
use crate::calls::table::join;
use crate::error::{Result, invalid, to_js};
use crate::register::values::{json, principal};
use crate::serve::server::Engine;
use napi_derive::napi;
use tenon_mcp::{Ask, AskError, AskMode, Asked, Event, EventKind, Outcome, Question};

/// The reply to a question to the client.
#[napi(object, object_from_js = false)]
pub struct AskReply {
    /// `answered` (text: the answer), `waiting` (id: the question), `suspended`, or the reason of a refusal: `ended`,
    /// `unsupported` (id: the refusal), `invalid`, `failed` (text: the reason).
    pub state: String,
    pub id: u32,
    pub text: String,
}

fn reply(state: &str, id: u32, text: impl Into<String>) -> AskReply {
    AskReply { state: state.into(), id, text: text.into() }
}

#[napi]
impl Engine {
    /// Takes a batch of outcomes: the first `length` numbers of `records`, and one line of text for each.
    #[napi(catch_unwind)]
    pub fn complete(&self, records: &[u32], length: u32, text: String) -> Result<()> {
        let records = &records[..records.len().min(length as usize)];
        let outcomes = completion_batch::read(records, text, &mut self.0.calls.borrow_mut())?;
        self.0.server.port().complete_many(outcomes);
        Ok(())
    }

    /// Takes the outcome of a call if it is bytes.
    #[napi(catch_unwind)]
    pub fn complete_bytes(&self, slot: u32, generation: u32, bytes: &[u8]) {
        let id = join(slot, generation);
        self.0.calls.borrow_mut().remove(id);
        let _ = self.0.server.port().complete(id, Outcome::Bytes(bytes.to_vec()));
    }

    /// The input of a call, as JSON text; `null` once the call has ended.
    #[napi(catch_unwind)]
    pub fn input(&self, slot: u32, generation: u32) -> Option<String> {
        let input = self.0.server.port().input(join(slot, generation)).ok()?;
        Some(input.as_str().to_owned())
    }

    /// Checks and completes the arguments that middleware passes to `next`. Takes and returns JSON text.
    #[napi(catch_unwind)]
    pub fn prepare(&self, slot: u32, generation: u32, input: String) -> Result<String> {
        let input = self.0.server.port().prepare(join(slot, generation), json(input));
        Ok(input.map_err(|error| invalid(error.to_string()))?.as_str().to_owned())
    }

    /// Makes the engine run the operation inside the middleware. The dispatch function gets the outcome.
    #[napi(catch_unwind)]
    pub fn next(&self, slot: u32, generation: u32, input: Option<String>) -> Result<()> {
        let next = self.0.server.port().next(join(slot, generation), input.map(json));
        next.map_err(|error| invalid(error.to_string()))
    }

    /// Sends the client an event of the call: the name of its kind, and its parameters as JSON text.
    #[napi(catch_unwind)]
    pub fn emit(&self, slot: u32, generation: u32, kind: String, params: String) -> Result<()> {
        let kind = EventKind::named(&kind).ok_or_else(|| invalid(format!("there is no event {kind:?}")))?;
        let _ = self.0.server.port().emit(join(slot, generation), Event { kind, params: json(params) });
        Ok(())
    }

    /// Ends the response that the client waits for. Returns whether the client can resume it.
    #[napi(catch_unwind)]
    pub fn close_stream(&self, slot: u32, generation: u32) -> bool {
        self.0.server.port().close_stream(join(slot, generation)).unwrap_or(false)
    }

    /// Sends the client a custom notification. `params` is JSON text.
    #[napi(catch_unwind)]
    pub fn notify_call(&self, slot: u32, generation: u32, method: String, params: String) -> Result<()> {
        let event = Event::notification(&method, &json(params)).map_err(to_js)?;
        let _ = self.0.server.port().emit(join(slot, generation), event);
        Ok(())
    }

    /// Makes a principal, given as JSON text, that of the client, from its next request on.
    #[napi(catch_unwind)]
    pub fn login(&self, slot: u32, generation: u32, given: String) -> Result<()> {
        let found = principal(given).map_err(|reason| invalid(format!("login: {reason}")))?;
        self.0.server.port().login(join(slot, generation), found).map_err(to_js)
    }

    /// Asks the client. `kind` is the name of the question's kind, and `params` are its parameters as JSON text.
    #[napi(catch_unwind)]
    pub fn ask(
        &self,
        slot: u32,
        generation: u32,
        kind: String,
        params: String,
        key: Option<String>,
    ) -> Result<AskReply> {
        let kind = Question::named(&kind).ok_or_else(|| invalid(format!("there is no question {kind:?}")))?;
        let id = join(slot, generation);
        let mut ask = Ask::new(kind, json(params));
        ask.key = key;
        Ok(self.ask_reply(slot, generation, self.0.server.port().ask(id, ask, AskMode::Park)))
    }

    /// Ends the call or its attempt, because the user must visit pages first. `pages` has the parameters of each page
    /// as JSON text.
    #[napi(catch_unwind)]
    pub fn require_urls(&self, slot: u32, generation: u32, pages: Vec<String>) -> AskReply {
        let pages = pages.into_iter().map(|page| Ask::new(Question::ElicitUrl, json(page)));
        self.ask_reply(slot, generation, self.0.server.port().require_urls(join(slot, generation), pages))
    }

    /// Turns the call into a task, if that is allowed. The reply is `answered`, with 1 as id if the call is a task.
    #[napi(catch_unwind)]
    pub fn start_task(&self, slot: u32, generation: u32) -> AskReply {
        match self.0.server.port().start_task(join(slot, generation)) {
            Ok(is_task) => reply("answered", u32::from(is_task), ""),
            Err(error) => self.refusal_reply(slot, generation, error),
        }
    }

    /// The result that an earlier attempt of this call stored under `key`, as JSON text.
    #[napi(catch_unwind)]
    pub fn once_get(&self, slot: u32, generation: u32, key: String) -> Option<String> {
        let stored = self.0.server.port().once_get(join(slot, generation), &key)?;
        Some(stored.as_str().to_owned())
    }

    /// Stores a result, as JSON text, for the next attempts of this call.
    #[napi(catch_unwind)]
    pub fn once_put(&self, slot: u32, generation: u32, key: String, result: String) -> AskReply {
        match self.0.server.port().once_put(join(slot, generation), key, json(result)) {
            Ok(()) => reply("answered", 0, ""),
            Err(error) => self.refusal_reply(slot, generation, error),
        }
    }

    /// The context members of a call, as JSON text; `null` once it has ended.
    #[napi(catch_unwind)]
    pub fn describe(&self, slot: u32, generation: u32) -> Option<String> {
        self.0.calls.borrow().describe(join(slot, generation))
    }

    fn ask_reply(&self, slot: u32, generation: u32, asked: std::result::Result<Asked, AskError>) -> AskReply {
        match asked {
            Ok(Asked::Answered(answer)) => reply("answered", 0, answer.json().as_str()),
            Ok(Asked::Waiting(ask)) => reply("waiting", ask.0, ""),
            Ok(Asked::Suspended) => reply("suspended", 0, ""),
            Err(error) => self.refusal_reply(slot, generation, error),
        }
    }

    fn refusal_reply(&self, slot: u32, generation: u32, error: AskError) -> AskReply {
        let text = error.to_string();
        match error {
            AskError::Unsupported(_) | AskError::UrlRequired(_) => {
                let number = self.0.calls.borrow_mut().add_refusal(join(slot, generation), error);
                reply("unsupported", number, text)
            }
            AskError::Stale => reply("ended", 0, text),
            AskError::Invalid(_) => reply("invalid", 0, text),
            _ => reply("failed", 0, text),
        }
    }
}
